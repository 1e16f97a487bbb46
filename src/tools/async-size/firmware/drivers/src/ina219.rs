//! TI INA219: bus voltage, current and power of a supply rail.

use embassy_time::{Duration, Timer};
use embedded_hal_async::i2c::I2c;

use crate::sensor::{Blend, Sensor};

#[derive(Clone, Copy)]
#[repr(u8)]
enum Reg {
    Config = 0,
    Bus = 2,
    Power = 3,
    Current = 4,
    Calibration = 5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    Bus(E),
    /// The chip's math overflowed: more current than the shunt is made for.
    Overflow,
    /// No conversion finished in time.
    NotReady,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    pub millivolt: i32,
    pub milliampere: i32,
    pub milliwatt: i32,
}

impl Blend for Supply {
    fn blend(self, target: Self, shift: u32) -> Self {
        Self {
            millivolt: self.millivolt.blend(target.millivolt, shift),
            milliampere: self.milliampere.blend(target.milliampere, shift),
            milliwatt: self.milliwatt.blend(target.milliwatt, shift),
        }
    }
}

pub struct Ina219<B> {
    bus: B,
    address: u8,
    /// Current of one bit, in microampere.
    lsb_ua: u32,
    shunt_milliohm: u32,
}

impl<B: I2c> Ina219<B> {
    /// A monitor with a shunt of `shunt_milliohm` for currents up to `max_ma`.
    pub fn new(bus: B, address: u8, shunt_milliohm: u32, max_ma: u32) -> Self {
        let lsb_ua = (max_ma * 1000).div_ceil(32_768).max(1);
        Self { bus, address, lsb_ua, shunt_milliohm }
    }

    async fn read(&mut self, reg: Reg) -> Result<u16, Error<B::Error>> {
        let mut buf = [0; 2];
        self.bus.write_read(self.address, &[reg as u8], &mut buf).await.map_err(Error::Bus)?;
        Ok(u16::from_be_bytes(buf))
    }

    async fn write(&mut self, reg: Reg, value: u16) -> Result<(), Error<B::Error>> {
        let [hi, lo] = value.to_be_bytes();
        self.bus.write(self.address, &[reg as u8, hi, lo]).await.map_err(Error::Bus)
    }
}

impl<B: I2c> Sensor for Ina219<B> {
    type Reading = Supply;
    type Error = Error<B::Error>;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        self.write(Reg::Config, 0x8000).await?;
        Timer::after(Duration::from_millis(1)).await;
        let calibration = 40_960_000 / (self.lsb_ua * self.shunt_milliohm);
        self.write(Reg::Calibration, calibration.min(0xfffe) as u16).await?;
        // 32 V, +-320 mV, 12 bits, 16 samples each, triggered.
        self.write(Reg::Config, 0x3e63).await
    }

    async fn sample(&mut self) -> Result<Supply, Self::Error> {
        self.write(Reg::Config, 0x3e63).await?;
        for _ in 0..10 {
            Timer::after(Duration::from_millis(4)).await;
            let bus = self.read(Reg::Bus).await?;
            if bus & 1 != 0 {
                return Err(Error::Overflow);
            }
            if bus & 2 != 0 {
                let current = i32::from(self.read(Reg::Current).await? as i16);
                let power = i32::from(self.read(Reg::Power).await?);
                return Ok(Supply {
                    millivolt: i32::from(bus >> 3) * 4,
                    milliampere: current * self.lsb_ua as i32 / 1000,
                    milliwatt: power * 20 * self.lsb_ua as i32 / 1000,
                });
            }
        }
        Err(Error::NotReady)
    }
}
