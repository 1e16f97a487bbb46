//! The receiving side of a firmware update over [`Link`].
//!
//! The host sends `Begin`, then the image in blocks, then `Finish`; every request is answered by
//! one status byte, for queries with data behind it. The image goes to a NOR flash; the receiver
//! reads it back before it reports success.

use embedded_io_async::{Read, Write};
use embedded_storage_async::nor_flash::NorFlash;

use crate::{
    crc::Crc32,
    link::{self, Link, Message},
};

/// Requests of the host.
enum Request<'a> {
    Info,
    Begin { size: u32, crc: u32, version: u32 },
    Block { offset: u32, data: &'a [u8] },
    Progress,
    Finish,
    Abort,
    Activate,
}

impl<'a> Request<'a> {
    fn parse(message: &'a [u8]) -> Option<Self> {
        let (code, rest) = message.split_first()?;
        let word = |i: usize| rest.get(4 * i..4 * i + 4)?.try_into().ok().map(u32::from_le_bytes);
        Some(match code {
            0x01 => Request::Info,
            0x02 => Request::Begin { size: word(0)?, crc: word(1)?, version: word(2)? },
            0x03 => Request::Block { offset: word(0)?, data: &rest[4..] },
            0x04 => Request::Progress,
            0x05 => Request::Finish,
            0x06 => Request::Abort,
            0x07 => Request::Activate,
            _ => return None,
        })
    }
}

/// Answers to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Ok = 0,
    BadRequest = 1,
    WrongState = 2,
    TooLarge = 3,
    WrongOffset = 4,
    Flash = 5,
    Checksum = 6,
    OldVersion = 7,
}

#[derive(Clone, Copy)]
struct Transfer {
    size: u32,
    crc: u32,
    received: u32,
}

enum State {
    Idle,
    Receiving(Transfer),
    Verified,
}

/// What the application shall do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Boot the new image.
    Activate,
    /// The host went away or gave up.
    Abandoned,
}

/// The update server; `F` holds the slot from offset 0 to `slot`.
pub struct Receiver<F> {
    flash: F,
    slot: u32,
    version: u32,
    state: State,
}

impl<F: NorFlash> Receiver<F> {
    pub fn new(flash: F, slot: u32, version: u32) -> Self {
        Self { flash, slot, version, state: State::Idle }
    }

    /// Serves one host until the image is to be started or the host goes away.
    pub async fn serve<R: Read, W: Write>(
        &mut self,
        link: &mut Link<R, W>,
    ) -> Result<Outcome, link::Error<R::Error, W::Error>> {
        loop {
            let message: Message = match link.receive().await {
                Ok(message) => message,
                Err(link::Error::Idle | link::Error::Reset) => {
                    self.state = State::Idle;
                    return Ok(Outcome::Abandoned);
                }
                Err(e) => return Err(e),
            };
            let Some(request) = Request::parse(&message) else {
                answer(link, Status::BadRequest).await?;
                continue;
            };
            match request {
                Request::Info => {
                    let mut reply = [Status::Ok as u8; 13];
                    reply[1..5].copy_from_slice(&self.version.to_le_bytes());
                    reply[5..9].copy_from_slice(&self.slot.to_le_bytes());
                    reply[9..].copy_from_slice(&(F::ERASE_SIZE as u32).to_le_bytes());
                    link.send(&reply).await?;
                }
                Request::Begin { size, crc, version } => {
                    let status = self.begin(size, crc, version).await;
                    answer(link, status).await?;
                }
                Request::Block { offset, data } => {
                    let status = self.block(offset, data).await;
                    answer(link, status).await?;
                }
                Request::Progress => match self.state {
                    State::Receiving(transfer) => {
                        let [a, b, c, d] = transfer.received.to_le_bytes();
                        link.send(&[Status::Ok as u8, a, b, c, d]).await?;
                    }
                    _ => answer(link, Status::WrongState).await?,
                },
                Request::Finish => {
                    let status = self.finish().await;
                    answer(link, status).await?;
                }
                Request::Abort => {
                    self.state = State::Idle;
                    answer(link, Status::Ok).await?;
                    return Ok(Outcome::Abandoned);
                }
                Request::Activate => match self.state {
                    State::Verified => {
                        answer(link, Status::Ok).await?;
                        return Ok(Outcome::Activate);
                    }
                    _ => answer(link, Status::WrongState).await?,
                },
            }
        }
    }

    async fn begin(&mut self, size: u32, crc: u32, version: u32) -> Status {
        if size == 0 || size > self.slot {
            return Status::TooLarge;
        }
        if version <= self.version {
            return Status::OldVersion;
        }
        let erase = size.next_multiple_of(F::ERASE_SIZE as u32);
        if self.flash.erase(0, erase).await.is_err() {
            return Status::Flash;
        }
        self.state = State::Receiving(Transfer { size, crc, received: 0 });
        Status::Ok
    }

    async fn block(&mut self, offset: u32, data: &[u8]) -> Status {
        let State::Receiving(transfer) = &mut self.state else {
            return Status::WrongState;
        };
        if offset != transfer.received || data.len() as u32 > transfer.size - offset {
            return Status::WrongOffset;
        }
        // Only the last block may be shorter than the write size; it is filled up.
        let (whole, tail) = data.split_at(data.len() - data.len() % F::WRITE_SIZE);
        if !tail.is_empty() && offset + (data.len() as u32) < transfer.size {
            return Status::WrongOffset;
        }
        if self.flash.write(offset, whole).await.is_err() {
            return Status::Flash;
        }
        if !tail.is_empty() {
            let mut last = [0xff; 16];
            last[..tail.len()].copy_from_slice(tail);
            let at = offset + whole.len() as u32;
            if self.flash.write(at, &last[..F::WRITE_SIZE]).await.is_err() {
                return Status::Flash;
            }
        }
        transfer.received += data.len() as u32;
        Status::Ok
    }

    async fn finish(&mut self) -> Status {
        let State::Receiving(transfer) = self.state else {
            return Status::WrongState;
        };
        if transfer.received != transfer.size {
            return Status::WrongOffset;
        }
        let mut crc = Crc32::new();
        let mut buf = [0; 64];
        let mut at = 0;
        while at < transfer.size {
            let len = (transfer.size - at).min(buf.len() as u32) as usize;
            // Reads are padded to the read size; the padding is not part of the checksum.
            let padded = len.next_multiple_of(F::READ_SIZE);
            if self.flash.read(at, &mut buf[..padded]).await.is_err() {
                return Status::Flash;
            }
            crc.update(&buf[..len]);
            at += len as u32;
        }
        if crc.finish() != transfer.crc {
            self.state = State::Idle;
            return Status::Checksum;
        }
        self.state = State::Verified;
        Status::Ok
    }
}

async fn answer<R: Read, W: Write>(
    link: &mut Link<R, W>,
    status: Status,
) -> Result<(), link::Error<R::Error, W::Error>> {
    link.send(&[status as u8]).await
}
