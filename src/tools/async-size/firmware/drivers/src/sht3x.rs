//! Sensirion SHT3x: temperature and humidity.

use embassy_time::{Duration, Timer};
use embedded_hal_async::i2c::I2c;

use crate::{bme280::Climate, crc::crc8, sensor::Sensor};

#[derive(Clone, Copy)]
#[repr(u16)]
enum Command {
    Break = 0x3093,
    SoftReset = 0x30a2,
    ReadStatus = 0xf32d,
    ClearStatus = 0x3041,
    Measure = 0x2400,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    Bus(E),
    Checksum,
    /// The chip rejected the last command.
    Rejected,
}

/// The driver; its readings carry no pressure.
pub struct Sht3x<B> {
    bus: B,
    address: u8,
}

impl<B: I2c> Sht3x<B> {
    pub fn new(bus: B, address: u8) -> Self {
        Self { bus, address }
    }

    async fn command(&mut self, command: Command) -> Result<(), Error<B::Error>> {
        self.bus.write(self.address, &(command as u16).to_be_bytes()).await.map_err(Error::Bus)
    }

    /// Reads `N` words, each followed by its checksum.
    async fn words<const N: usize>(&mut self) -> Result<[u16; N], Error<B::Error>> {
        let mut raw = [[0u8; 3]; N];
        self.bus.read(self.address, raw.as_flattened_mut()).await.map_err(Error::Bus)?;
        if raw.iter().any(|[hi, lo, crc]| crc8(&[*hi, *lo]) != *crc) {
            return Err(Error::Checksum);
        }
        Ok(raw.map(|[hi, lo, _]| u16::from_be_bytes([hi, lo])))
    }

    async fn status(&mut self) -> Result<u16, Error<B::Error>> {
        self.command(Command::ReadStatus).await?;
        let [status] = self.words().await?;
        Ok(status)
    }
}

impl<B: I2c> Sensor for Sht3x<B> {
    type Reading = Climate;
    type Error = Error<B::Error>;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        self.command(Command::Break).await?;
        Timer::after(Duration::from_millis(1)).await;
        self.command(Command::SoftReset).await?;
        Timer::after(Duration::from_millis(2)).await;
        self.command(Command::ClearStatus).await?;
        if self.status().await? & 0b11 != 0 {
            return Err(Error::Rejected);
        }
        Ok(())
    }

    async fn sample(&mut self) -> Result<Climate, Self::Error> {
        self.command(Command::Measure).await?;
        Timer::after(Duration::from_millis(16)).await;
        let [t, h] = self.words().await?;
        Ok(Climate {
            temperature: (i32::from(t) * 4375 >> 14) - 4500,
            pressure: 0,
            humidity: i32::from(h) * 625 >> 12,
        })
    }
}
