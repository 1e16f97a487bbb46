//! Packets on a serial line: SLIP framing (RFC 1055) with a CRC-16 at the end of each packet.

use embedded_io_async::{Read, Write};
use heapless::Vec;

use crate::crc::{crc16, crc16_continue};

const END: u8 = 0xc0;
const ESC: u8 = 0xdb;
const ESC_END: u8 = 0xdc;
const ESC_ESC: u8 = 0xdd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    Port(E),
    Closed,
}

/// Receives packets of up to `N` bytes, checksum included.
pub struct SlipReader<R, const N: usize> {
    input: R,
    buf: Vec<u8, N>,
}

impl<R: Read, const N: usize> SlipReader<R, N> {
    pub fn new(input: R) -> Self {
        Self { input, buf: Vec::new() }
    }

    async fn byte(&mut self) -> Result<u8, Error<R::Error>> {
        let mut byte = [0];
        match self.input.read(&mut byte).await {
            Ok(0) => Err(Error::Closed),
            Ok(_) => Ok(byte[0]),
            Err(e) => Err(Error::Port(e)),
        }
    }

    /// The next packet with a correct checksum, without it. Damaged packets are dropped, and so is
    /// a packet whose reception is cancelled: the sender has to repeat it.
    pub async fn next(&mut self) -> Result<&[u8], Error<R::Error>> {
        self.buf.clear();
        loop {
            let mut intact = true;
            loop {
                let byte = match self.byte().await? {
                    END => break,
                    ESC => match self.byte().await? {
                        ESC_END => END,
                        ESC_ESC => ESC,
                        _ => {
                            intact = false;
                            continue;
                        }
                    },
                    byte => byte,
                };
                intact &= self.buf.push(byte).is_ok();
            }
            if intact && self.buf.len() > 2 && crc16(&self.buf) == 0 {
                return Ok(&self.buf[..self.buf.len() - 2]);
            }
            self.buf.clear();
        }
    }
}

/// Sends packets.
pub struct SlipWriter<W> {
    output: W,
}

impl<W: Write> SlipWriter<W> {
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Sends the concatenation of `parts` as one packet.
    pub async fn send(&mut self, parts: &[&[u8]]) -> Result<(), W::Error> {
        let mut crc = 0xffff;
        self.output.write_all(&[END]).await?;
        for part in parts {
            crc = crc16_continue(crc, part);
            self.escaped(part).await?;
        }
        self.escaped(&crc.to_le_bytes()).await?;
        self.output.write_all(&[END]).await?;
        self.output.flush().await
    }

    async fn escaped(&mut self, bytes: &[u8]) -> Result<(), W::Error> {
        for run in bytes.chunk_by(|a, _| *a != END && *a != ESC) {
            match run.split_last() {
                Some((&END, head)) => {
                    self.output.write_all(head).await?;
                    self.output.write_all(&[ESC, ESC_END]).await?;
                }
                Some((&ESC, head)) => {
                    self.output.write_all(head).await?;
                    self.output.write_all(&[ESC, ESC_ESC]).await?;
                }
                _ => self.output.write_all(run).await?,
            }
        }
        Ok(())
    }
}
