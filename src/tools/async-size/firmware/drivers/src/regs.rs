//! Access to the 8-bit register file of a device, over I2C or SPI.

use embedded_hal_async::{
    i2c::I2c,
    spi::{Operation, SpiDevice},
};

/// A device with registers of eight bits whose address increments in burst transfers.
pub trait Registers {
    type Error;

    /// Reads `buf.len()` registers, starting at `reg`.
    async fn read(&mut self, reg: u8, buf: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes one register.
    async fn write(&mut self, reg: u8, value: u8) -> Result<(), Self::Error>;

    /// Reads one register.
    async fn get(&mut self, reg: u8) -> Result<u8, Self::Error> {
        let mut buf = [0];
        self.read(reg, &mut buf).await?;
        Ok(buf[0])
    }

    /// Replaces the bits of `mask` by those of `value`; skips the write if nothing changes.
    async fn modify(&mut self, reg: u8, mask: u8, value: u8) -> Result<(), Self::Error> {
        let old = self.get(reg).await?;
        let new = (old & !mask) | (value & mask);
        if new != old {
            self.write(reg, new).await?;
        }
        Ok(())
    }
}

/// Registers of the device `address` on an I2C bus.
pub struct I2cRegisters<B> {
    bus: B,
    address: u8,
}

impl<B: I2c> I2cRegisters<B> {
    pub fn new(bus: B, address: u8) -> Self {
        Self { bus, address }
    }
}

impl<B: I2c> Registers for I2cRegisters<B> {
    type Error = B::Error;

    async fn read(&mut self, reg: u8, buf: &mut [u8]) -> Result<(), B::Error> {
        self.bus.write_read(self.address, &[reg], buf).await
    }

    async fn write(&mut self, reg: u8, value: u8) -> Result<(), B::Error> {
        self.bus.write(self.address, &[reg, value]).await
    }
}

/// Registers of a device on SPI, where the top bit of the address marks a read.
pub struct SpiRegisters<D> {
    device: D,
    /// Set together with the read bit for devices that want a flag for burst transfers.
    burst: u8,
}

impl<D: SpiDevice> SpiRegisters<D> {
    pub fn new(device: D, burst: u8) -> Self {
        Self { device, burst }
    }
}

impl<D: SpiDevice> Registers for SpiRegisters<D> {
    type Error = D::Error;

    async fn read(&mut self, reg: u8, buf: &mut [u8]) -> Result<(), D::Error> {
        let header = [reg | 0x80 | if buf.len() > 1 { self.burst } else { 0 }];
        self.device.transaction(&mut [Operation::Write(&header), Operation::Read(buf)]).await
    }

    async fn write(&mut self, reg: u8, value: u8) -> Result<(), D::Error> {
        self.device.write(&[reg & 0x7f, value]).await
    }
}
