//! Winbond W25Q: NOR flash on SPI.

use embassy_time::{Duration, Instant, Timer};
use embedded_hal_async::spi::{Operation, SpiDevice};
use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

const PAGE: usize = 256;
const SECTOR: u32 = 4096;
const BLOCK: u32 = 65_536;

mod op {
    pub const PAGE_PROGRAM: u8 = 0x02;
    pub const READ_STATUS: u8 = 0x05;
    pub const WRITE_ENABLE: u8 = 0x06;
    pub const FAST_READ: u8 = 0x0b;
    pub const SECTOR_ERASE: u8 = 0x20;
    pub const RESET_ENABLE: u8 = 0x66;
    pub const RESET: u8 = 0x99;
    pub const JEDEC_ID: u8 = 0x9f;
    pub const RELEASE: u8 = 0xab;
    pub const POWER_DOWN: u8 = 0xb9;
    pub const BLOCK_ERASE: u8 = 0xd8;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    Bus(E),
    /// Not a chip of this family, or none at all.
    UnknownChip([u8; 3]),
    /// The chip stayed busy longer than the data sheet allows.
    Timeout,
    OutOfBounds,
    NotAligned,
}

impl<E: core::fmt::Debug> NorFlashError for Error<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Error::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Error::NotAligned => NorFlashErrorKind::NotAligned,
            _ => NorFlashErrorKind::Other,
        }
    }
}

pub struct W25q<D> {
    device: D,
    capacity: u32,
}

impl<D: SpiDevice> W25q<D> {
    /// Wakes the chip up, resets it and reads its size.
    pub async fn new(device: D) -> Result<Self, Error<D::Error>> {
        let mut flash = Self { device, capacity: 0 };
        flash.command(op::RELEASE).await?;
        Timer::after(Duration::from_micros(30)).await;
        flash.command(op::RESET_ENABLE).await?;
        flash.command(op::RESET).await?;
        Timer::after(Duration::from_micros(50)).await;
        let id = flash.jedec_id().await?;
        match id {
            [0xef, _, size @ 0x10..=0x18] => flash.capacity = 1 << size,
            _ => return Err(Error::UnknownChip(id)),
        }
        Ok(flash)
    }

    async fn command(&mut self, op: u8) -> Result<(), Error<D::Error>> {
        self.device.write(&[op]).await.map_err(Error::Bus)
    }

    pub async fn jedec_id(&mut self) -> Result<[u8; 3], Error<D::Error>> {
        let mut id = [0; 3];
        self.device
            .transaction(&mut [Operation::Write(&[op::JEDEC_ID]), Operation::Read(&mut id)])
            .await
            .map_err(Error::Bus)?;
        Ok(id)
    }

    /// Deep power-down until [`W25q::wake`].
    pub async fn sleep(&mut self) -> Result<(), Error<D::Error>> {
        self.command(op::POWER_DOWN).await
    }

    pub async fn wake(&mut self) -> Result<(), Error<D::Error>> {
        self.command(op::RELEASE).await?;
        Timer::after(Duration::from_micros(30)).await;
        Ok(())
    }

    async fn wait(&mut self, poll: Duration, limit: Duration) -> Result<(), Error<D::Error>> {
        let deadline = Instant::now() + limit;
        loop {
            let mut status = [0];
            self.device
                .transaction(&mut [
                    Operation::Write(&[op::READ_STATUS]),
                    Operation::Read(&mut status),
                ])
                .await
                .map_err(Error::Bus)?;
            if status[0] & 1 == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::Timeout);
            }
            Timer::after(poll).await;
        }
    }

    /// Write-enable, then `op` with an address and data, then the wait for its end.
    async fn change(
        &mut self,
        op: u8,
        address: u32,
        data: &[u8],
        poll: Duration,
        limit: Duration,
    ) -> Result<(), Error<D::Error>> {
        self.command(op::WRITE_ENABLE).await?;
        let [_, a, b, c] = address.to_be_bytes();
        self.device
            .transaction(&mut [Operation::Write(&[op, a, b, c]), Operation::Write(data)])
            .await
            .map_err(Error::Bus)?;
        self.wait(poll, limit).await
    }

    fn check(&self, offset: u32, len: usize) -> Result<(), Error<D::Error>> {
        match offset.checked_add(len as u32) {
            Some(end) if end <= self.capacity => Ok(()),
            _ => Err(Error::OutOfBounds),
        }
    }
}

impl<D: SpiDevice> ErrorType for W25q<D> {
    type Error = Error<D::Error>;
}

impl<D: SpiDevice> ReadNorFlash for W25q<D> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.check(offset, bytes.len())?;
        let [_, a, b, c] = offset.to_be_bytes();
        self.device
            .transaction(&mut [
                Operation::Write(&[op::FAST_READ, a, b, c, 0]),
                Operation::Read(bytes),
            ])
            .await
            .map_err(Error::Bus)
    }

    fn capacity(&self) -> usize {
        self.capacity as usize
    }
}

impl<D: SpiDevice> NorFlash for W25q<D> {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = SECTOR as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        if from % SECTOR != 0 || to % SECTOR != 0 {
            return Err(Error::NotAligned);
        }
        self.check(from, to.saturating_sub(from) as usize)?;
        let poll = Duration::from_millis(5);
        let mut at = from;
        while at < to {
            if at % BLOCK == 0 && to - at >= BLOCK {
                self.change(op::BLOCK_ERASE, at, &[], poll, Duration::from_secs(2)).await?;
                at += BLOCK;
            } else {
                self.change(op::SECTOR_ERASE, at, &[], poll, Duration::from_millis(400)).await?;
                at += SECTOR;
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.check(offset, bytes.len())?;
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = PAGE - at as usize % PAGE;
            let (chunk, tail) = rest.split_at(room.min(rest.len()));
            let poll = Duration::from_micros(200);
            self.change(op::PAGE_PROGRAM, at, chunk, poll, Duration::from_millis(5)).await?;
            at += chunk.len() as u32;
            rest = tail;
        }
        Ok(())
    }
}

impl<D: SpiDevice> MultiwriteNorFlash for W25q<D> {}
