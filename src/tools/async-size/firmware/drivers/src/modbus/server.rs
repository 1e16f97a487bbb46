//! The server ("slave") side.

use embedded_hal::digital::OutputPin;
use embedded_io_async::{Read, Write};

use super::{
    Exception, function,
    rtu::{Error, Frame, Port},
};

/// The registers and coils behind a server. An access may take time, say to ask a sensor.
pub trait Registers {
    async fn coil(&mut self, address: u16) -> Result<bool, Exception>;
    async fn set_coil(&mut self, address: u16, on: bool) -> Result<(), Exception>;
    async fn discrete_input(&mut self, address: u16) -> Result<bool, Exception>;
    async fn holding(&mut self, address: u16) -> Result<u16, Exception>;
    async fn set_holding(&mut self, address: u16, value: u16) -> Result<(), Exception>;
    async fn input(&mut self, address: u16) -> Result<u16, Exception>;
}

pub struct Server<P, G> {
    port: P,
    registers: G,
    address: u8,
    requests: u16,
    refused: u16,
}

/// The words of a request, with bounds checks.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn byte(&mut self) -> Result<u8, Exception> {
        let (byte, rest) = self.0.split_first().ok_or(Exception::IllegalValue)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn word(&mut self) -> Result<u16, Exception> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// A first address and a count of at most `limit`.
    fn range(&mut self, limit: u16) -> Result<core::ops::Range<u16>, Exception> {
        let (first, count) = (self.word()?, self.word()?);
        if count == 0 || count > limit {
            return Err(Exception::IllegalValue);
        }
        Ok(first..first.checked_add(count).ok_or(Exception::IllegalAddress)?)
    }
}

impl<R: Read, W: Write, D: OutputPin, G: Registers> Server<Port<R, W, D>, G> {
    pub fn new(port: Port<R, W, D>, registers: G, address: u8) -> Self {
        Self { port, registers, address, requests: 0, refused: 0 }
    }

    /// Answers requests until the port fails.
    pub async fn run(&mut self) -> Result<(), Error<R::Error, W::Error>> {
        loop {
            let request = self.port.receive().await?;
            let [address, function, ref body @ ..] = *request else {
                continue;
            };
            let broadcast = address == 0;
            if !broadcast && address != self.address {
                continue;
            }
            self.requests = self.requests.wrapping_add(1);
            let mut reply = Frame::new();
            put(&mut reply, &[self.address, function]);
            if let Err(exception) = self.execute(function, Body(body), &mut reply).await {
                self.refused = self.refused.wrapping_add(1);
                reply.clear();
                put(&mut reply, &[self.address, function | 0x80, exception as u8]);
            }
            if !broadcast {
                self.port.send(&reply).await?;
            }
        }
    }

    async fn execute(
        &mut self,
        function: u8,
        mut body: Body<'_>,
        reply: &mut Frame,
    ) -> Result<(), Exception> {
        match function {
            function::READ_COILS => {
                let range = body.range(2000)?;
                put(reply, &[range.len().div_ceil(8) as u8]);
                let mut bits = Bits::default();
                for address in range {
                    bits.push(self.registers.coil(address).await?, reply);
                }
                bits.finish(reply);
            }
            function::READ_INPUTS => {
                let range = body.range(2000)?;
                put(reply, &[range.len().div_ceil(8) as u8]);
                let mut bits = Bits::default();
                for address in range {
                    bits.push(self.registers.discrete_input(address).await?, reply);
                }
                bits.finish(reply);
            }
            function::READ_HOLDING => {
                let range = body.range(125)?;
                put(reply, &[2 * range.len() as u8]);
                for address in range {
                    let value = self.registers.holding(address).await?;
                    put(reply, &value.to_be_bytes());
                }
            }
            function::READ_INPUT_REGISTERS => {
                let range = body.range(125)?;
                put(reply, &[2 * range.len() as u8]);
                for address in range {
                    let value = self.registers.input(address).await?;
                    put(reply, &value.to_be_bytes());
                }
            }
            function::WRITE_COIL => {
                let (address, value) = (body.word()?, body.word()?);
                match value {
                    0xff00 => self.registers.set_coil(address, true).await?,
                    0x0000 => self.registers.set_coil(address, false).await?,
                    _ => return Err(Exception::IllegalValue),
                }
                put(reply, &address.to_be_bytes());
                put(reply, &value.to_be_bytes());
            }
            function::WRITE_REGISTER => {
                let (address, value) = (body.word()?, body.word()?);
                self.registers.set_holding(address, value).await?;
                put(reply, &address.to_be_bytes());
                put(reply, &value.to_be_bytes());
            }
            function::DIAGNOSTICS => {
                let sub = body.word()?;
                let value = match sub {
                    0x0000 => body.word()?,
                    0x000b => self.requests,
                    0x000d => self.refused,
                    _ => return Err(Exception::IllegalFunction),
                };
                put(reply, &sub.to_be_bytes());
                put(reply, &value.to_be_bytes());
            }
            function::WRITE_COILS => {
                let range = body.range(1968)?;
                let (first, count) = (range.start, range.len());
                if usize::from(body.byte()?) != count.div_ceil(8) {
                    return Err(Exception::IllegalValue);
                }
                let mut bits = 0;
                for (i, address) in range.enumerate() {
                    if i % 8 == 0 {
                        bits = body.byte()?;
                    }
                    self.registers.set_coil(address, bits >> (i % 8) & 1 != 0).await?;
                }
                put(reply, &first.to_be_bytes());
                put(reply, &(count as u16).to_be_bytes());
            }
            function::WRITE_REGISTERS => {
                let range = body.range(123)?;
                let (first, count) = (range.start, range.len());
                if usize::from(body.byte()?) != 2 * count {
                    return Err(Exception::IllegalValue);
                }
                for address in range {
                    self.registers.set_holding(address, body.word()?).await?;
                }
                put(reply, &first.to_be_bytes());
                put(reply, &(count as u16).to_be_bytes());
            }
            function::MASK_WRITE => {
                let (address, and, or) = (body.word()?, body.word()?, body.word()?);
                let old = self.registers.holding(address).await?;
                self.registers.set_holding(address, (old & and) | (or & !and)).await?;
                put(reply, &address.to_be_bytes());
                put(reply, &and.to_be_bytes());
                put(reply, &or.to_be_bytes());
            }
            function::READ_WRITE => {
                let reads = body.range(125)?;
                let writes = body.range(121)?;
                if usize::from(body.byte()?) != 2 * writes.len() {
                    return Err(Exception::IllegalValue);
                }
                for address in writes {
                    self.registers.set_holding(address, body.word()?).await?;
                }
                put(reply, &[2 * reads.len() as u8]);
                for address in reads {
                    let value = self.registers.holding(address).await?;
                    put(reply, &value.to_be_bytes());
                }
            }
            _ => return Err(Exception::IllegalFunction),
        }
        Ok(())
    }
}

/// Packs single bits into bytes, the first one lowest.
#[derive(Default)]
struct Bits {
    byte: u8,
    count: u8,
}

impl Bits {
    fn push(&mut self, on: bool, reply: &mut Frame) {
        self.byte |= u8::from(on) << self.count;
        self.count += 1;
        if self.count == 8 {
            put(reply, &[self.byte]);
            *self = Self::default();
        }
    }

    fn finish(self, reply: &mut Frame) {
        if self.count > 0 {
            put(reply, &[self.byte]);
        }
    }
}

/// Appends to a reply; the limits of the functions keep every reply within a frame.
fn put(reply: &mut Frame, bytes: &[u8]) {
    let _ = reply.extend_from_slice(bytes);
}
