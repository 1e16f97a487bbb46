//! Bosch BME280: temperature, pressure and humidity.

use embassy_time::{Duration, Timer};

use crate::{
    regs::Registers,
    sensor::{Blend, Sensor},
};

const CHIP_ID: u8 = 0x60;

mod reg {
    pub const CALIB_A: u8 = 0x88;
    pub const ID: u8 = 0xd0;
    pub const RESET: u8 = 0xe0;
    pub const CALIB_B: u8 = 0xe1;
    pub const CTRL_HUM: u8 = 0xf2;
    pub const STATUS: u8 = 0xf3;
    pub const CTRL_MEAS: u8 = 0xf4;
    pub const CONFIG: u8 = 0xf5;
    pub const DATA: u8 = 0xf7;
}

/// Oversampling of a channel.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Oversampling {
    X1 = 1,
    X2 = 2,
    X4 = 3,
    X8 = 4,
    X16 = 5,
}

/// A reading in fixed point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Climate {
    /// Hundredths of a degree Celsius.
    pub temperature: i32,
    /// Pascal.
    pub pressure: i32,
    /// Hundredths of a percent of relative humidity.
    pub humidity: i32,
}

impl Blend for Climate {
    fn blend(self, target: Self, shift: u32) -> Self {
        Self {
            temperature: self.temperature.blend(target.temperature, shift),
            pressure: self.pressure.blend(target.pressure, shift),
            humidity: self.humidity.blend(target.humidity, shift),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    Bus(E),
    /// Another chip answers at this address.
    WrongChip(u8),
    /// The chip stays busy.
    Busy,
    /// The calibration data cannot be right.
    Calibration,
}

#[derive(Default)]
struct Calibration {
    t: (u16, i16, i16),
    p: (u16, [i16; 8]),
    h: (u8, i16, u8, i16, i16, i8),
}

impl Calibration {
    fn parse(a: &[u8; 26], b: &[u8; 7]) -> Self {
        let unsigned = |i: usize| u16::from_le_bytes([a[i], a[i + 1]]);
        let signed = |i: usize| unsigned(i) as i16;
        Self {
            t: (unsigned(0), signed(2), signed(4)),
            p: (unsigned(6), core::array::from_fn(|i| signed(8 + 2 * i))),
            h: (
                a[25],
                i16::from_le_bytes([b[0], b[1]]),
                b[2],
                i16::from(b[3] as i8) << 4 | i16::from(b[4] & 0x0f),
                i16::from(b[5] as i8) << 4 | i16::from(b[4] >> 4),
                b[6] as i8,
            ),
        }
    }

    /// The integer formulas of the data sheet.
    fn compensate(&self, raw_t: i32, raw_p: i32, raw_h: i32) -> Climate {
        let (t1, t2, t3) = (i32::from(self.t.0), i32::from(self.t.1), i32::from(self.t.2));
        let var1 = (((raw_t >> 3) - (t1 << 1)) * t2) >> 11;
        let diff = (raw_t >> 4) - t1;
        let fine = var1 + ((((diff * diff) >> 12) * t3) >> 14);
        Climate {
            temperature: (fine * 5 + 128) >> 8,
            pressure: self.pressure(fine, raw_p),
            humidity: self.humidity(fine, raw_h),
        }
    }

    fn pressure(&self, fine: i32, raw: i32) -> i32 {
        let p: [i64; 8] = self.p.1.map(i64::from);
        let x = i64::from(fine) - 128_000;
        let var2 = x * x * p[4] + ((x * p[3]) << 17) + (p[2] << 35);
        let var1 = ((x * x * p[1]) >> 8) + ((x * p[0]) << 12);
        let var1 = (((1i64 << 47) + var1) * i64::from(self.p.0)) >> 33;
        if var1 == 0 {
            return 0;
        }
        let value = (((1_048_576 - i64::from(raw)) << 31) - var2) * 3125 / var1;
        let var1 = (p[7] * (value >> 13) * (value >> 13)) >> 25;
        let var2 = (p[6] * value) >> 19;
        ((((value + var1 + var2) >> 8) + (p[5] << 4)) >> 8) as i32
    }

    fn humidity(&self, fine: i32, raw: i32) -> i32 {
        let (h1, h2, h3, h4, h5, h6) = self.h;
        let x = fine - 76_800;
        let scale = ((((raw << 14) - (i32::from(h4) << 20) - i32::from(h5) * x) + 16_384) >> 15)
            * (((((((x * i32::from(h6)) >> 10) * (((x * i32::from(h3)) >> 11) + 32_768)) >> 10)
                + 2_097_152)
                * i32::from(h2)
                + 8192)
                >> 14);
        let scale = scale - (((((scale >> 15) * (scale >> 15)) >> 7) * i32::from(h1)) >> 4);
        let q22_10 = scale.clamp(0, 419_430_400) >> 12;
        (q22_10 * 25) >> 8
    }
}

/// The driver. The chip sleeps between readings (forced mode).
pub struct Bme280<R> {
    regs: R,
    oversampling: Oversampling,
    calibration: Calibration,
}

impl<R: Registers> Bme280<R> {
    pub fn new(regs: R, oversampling: Oversampling) -> Self {
        Self { regs, oversampling, calibration: Calibration::default() }
    }

    async fn wait_while(&mut self, busy: u8) -> Result<(), Error<R::Error>> {
        for _ in 0..50 {
            if self.regs.get(reg::STATUS).await.map_err(Error::Bus)? & busy == 0 {
                return Ok(());
            }
            Timer::after(Duration::from_millis(2)).await;
        }
        Err(Error::Busy)
    }

    async fn reset(&mut self) -> Result<(), Error<R::Error>> {
        self.regs.write(reg::RESET, 0xb6).await.map_err(Error::Bus)?;
        Timer::after(Duration::from_millis(3)).await;
        self.wait_while(0x01).await
    }

    async fn load_calibration(&mut self) -> Result<(), Error<R::Error>> {
        let mut a = [0; 26];
        let mut b = [0; 7];
        self.regs.read(reg::CALIB_A, &mut a).await.map_err(Error::Bus)?;
        self.regs.read(reg::CALIB_B, &mut b).await.map_err(Error::Bus)?;
        self.calibration = Calibration::parse(&a, &b);
        if self.calibration.t.0 == 0 || self.calibration.p.0 == 0 {
            return Err(Error::Calibration);
        }
        Ok(())
    }
}

impl<R: Registers> Sensor for Bme280<R> {
    type Reading = Climate;
    type Error = Error<R::Error>;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        match self.regs.get(reg::ID).await.map_err(Error::Bus)? {
            CHIP_ID => {}
            other => return Err(Error::WrongChip(other)),
        }
        self.reset().await?;
        self.load_calibration().await?;
        self.regs.write(reg::CONFIG, 0x00).await.map_err(Error::Bus)?;
        self.regs.write(reg::CTRL_HUM, self.oversampling as u8).await.map_err(Error::Bus)?;
        Ok(())
    }

    async fn sample(&mut self) -> Result<Climate, Self::Error> {
        let os = self.oversampling as u8;
        self.regs.write(reg::CTRL_MEAS, os << 5 | os << 2 | 0b01).await.map_err(Error::Bus)?;
        Timer::after(Duration::from_millis(2 + 7 * (1 << (os - 1)))).await;
        self.wait_while(0x08).await?;
        let mut d = [0; 8];
        self.regs.read(reg::DATA, &mut d).await.map_err(Error::Bus)?;
        let twenty =
            |i: usize| i32::from(d[i]) << 12 | i32::from(d[i + 1]) << 4 | i32::from(d[i + 2]) >> 4;
        let raw_h = i32::from(u16::from_be_bytes([d[6], d[7]]));
        Ok(self.calibration.compensate(twenty(3), twenty(0), raw_h))
    }
}
