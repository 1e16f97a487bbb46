//! ST LIS3DH: three-axis accelerometer.

use embassy_time::{Duration, Timer};

use crate::{regs::Registers, sensor::Sensor};

const CHIP_ID: u8 = 0x33;

mod reg {
    pub const WHO_AM_I: u8 = 0x0f;
    pub const CTRL1: u8 = 0x20;
    pub const CTRL3: u8 = 0x22;
    pub const CTRL4: u8 = 0x23;
    pub const STATUS: u8 = 0x27;
    pub const OUT_X_L: u8 = 0x28;
    pub const INT1_CFG: u8 = 0x30;
    pub const INT1_SRC: u8 = 0x31;
    pub const INT1_THS: u8 = 0x32;
    pub const INT1_DURATION: u8 = 0x33;
}

/// The address increments only when this bit is set (I2C and SPI alike).
const AUTO_INCREMENT: u8 = 0x80;

/// Output data rate.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Rate {
    Hz10 = 2,
    Hz25 = 3,
    Hz50 = 4,
    Hz100 = 5,
    Hz200 = 6,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    Bus(E),
    WrongChip(u8),
    NoData,
}

/// Acceleration of x, y and z in thousandths of g.
pub type Acceleration = [i16; 3];

pub struct Lis3dh<R> {
    regs: R,
    rate: Rate,
}

impl<R: Registers> Lis3dh<R> {
    pub fn new(regs: R, rate: Rate) -> Self {
        Self { regs, rate }
    }

    async fn write(&mut self, reg: u8, value: u8) -> Result<(), Error<R::Error>> {
        self.regs.write(reg, value).await.map_err(Error::Bus)
    }

    async fn get(&mut self, reg: u8) -> Result<u8, Error<R::Error>> {
        self.regs.get(reg).await.map_err(Error::Bus)
    }

    /// Raises INT1 when any axis exceeds `milli_g` for `samples` samples.
    pub async fn arm_motion(&mut self, milli_g: u16, samples: u8) -> Result<(), Error<R::Error>> {
        self.write(reg::INT1_THS, (milli_g / 16).min(0x7f) as u8).await?;
        self.write(reg::INT1_DURATION, samples & 0x7f).await?;
        self.write(reg::INT1_CFG, 0b0010_1010).await?;
        self.regs.modify(reg::CTRL3, 0x40, 0x40).await.map_err(Error::Bus)
    }

    /// Reads and clears the motion interrupt.
    pub async fn take_motion(&mut self) -> Result<bool, Error<R::Error>> {
        Ok(self.get(reg::INT1_SRC).await? & 0x40 != 0)
    }
}

impl<R: Registers> Sensor for Lis3dh<R> {
    type Reading = Acceleration;
    type Error = Error<R::Error>;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        match self.get(reg::WHO_AM_I).await? {
            CHIP_ID => {}
            other => return Err(Error::WrongChip(other)),
        }
        self.write(reg::CTRL1, (self.rate as u8) << 4 | 0b0111).await?;
        // Block data update, +-2 g, high resolution.
        self.write(reg::CTRL4, 0b1000_1000).await?;
        self.arm_motion(250, 2).await
    }

    async fn sample(&mut self) -> Result<Acceleration, Self::Error> {
        for _ in 0..20 {
            if self.get(reg::STATUS).await? & 0x08 != 0 {
                let mut raw = [0; 6];
                self.regs
                    .read(reg::OUT_X_L | AUTO_INCREMENT, &mut raw)
                    .await
                    .map_err(Error::Bus)?;
                return Ok(core::array::from_fn(|i| {
                    i16::from_le_bytes([raw[2 * i], raw[2 * i + 1]]) >> 4
                }));
            }
            Timer::after(Duration::from_millis(5)).await;
        }
        Err(Error::NoData)
    }
}
