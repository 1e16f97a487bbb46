//! The client ("master") side.

use embassy_time::{Duration, Timer, with_timeout};
use embedded_hal::digital::OutputPin;
use embedded_io_async::{Read, Write};

use super::{
    Exception, function,
    rtu::{self, Frame, Port},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<R, W> {
    Port(rtu::Error<R, W>),
    /// No answer, however often we asked.
    NoAnswer,
    /// The device refused the request.
    Exception(Exception),
    /// The answer does not fit the request.
    Mismatch,
}

pub struct Client<P> {
    port: P,
    timeout: Duration,
    attempts: u8,
    /// The pause that the devices need between two requests.
    turnaround: Duration,
}

impl<R: Read, W: Write, D: OutputPin> Client<Port<R, W, D>> {
    pub fn new(port: Port<R, W, D>, timeout: Duration, attempts: u8) -> Self {
        Self { port, timeout, attempts, turnaround: Duration::from_millis(5) }
    }

    /// Sends a request and returns the answer, header included. Repeats it on silence and while
    /// the device is busy.
    async fn transact(&mut self, request: &[u8]) -> Result<Frame, Error<R::Error, W::Error>> {
        let mut last = Error::NoAnswer;
        for _ in 0..self.attempts {
            self.port.send(request).await.map_err(Error::Port)?;
            match with_timeout(self.timeout, self.port.receive()).await {
                Err(_) => last = Error::NoAnswer,
                Ok(Err(e)) => return Err(Error::Port(e)),
                Ok(Ok(answer)) => {
                    Timer::after(self.turnaround).await;
                    match *answer {
                        [address, ..] if address != request[0] => last = Error::Mismatch,
                        [_, function, ..] if function == request[1] => return Ok(answer),
                        [_, function, code] if function == request[1] | 0x80 => {
                            match Exception::from_code(code) {
                                Exception::Busy => last = Error::Exception(Exception::Busy),
                                exception => return Err(Error::Exception(exception)),
                            }
                        }
                        _ => last = Error::Mismatch,
                    }
                }
            }
            Timer::after(self.timeout / 4).await;
        }
        Err(last)
    }

    async fn read_words(
        &mut self,
        address: u8,
        function: u8,
        first: u16,
        words: &mut [u16],
    ) -> Result<(), Error<R::Error, W::Error>> {
        let [f1, f0] = first.to_be_bytes();
        let [n1, n0] = (words.len() as u16).to_be_bytes();
        let answer = self.transact(&[address, function, f1, f0, n1, n0]).await?;
        if answer.len() != 3 + 2 * words.len() {
            return Err(Error::Mismatch);
        }
        for (word, bytes) in words.iter_mut().zip(answer[3..].chunks_exact(2)) {
            *word = u16::from_be_bytes([bytes[0], bytes[1]]);
        }
        Ok(())
    }

    pub async fn read_holding(
        &mut self,
        address: u8,
        first: u16,
        words: &mut [u16],
    ) -> Result<(), Error<R::Error, W::Error>> {
        self.read_words(address, function::READ_HOLDING, first, words).await
    }

    pub async fn read_input(
        &mut self,
        address: u8,
        first: u16,
        words: &mut [u16],
    ) -> Result<(), Error<R::Error, W::Error>> {
        self.read_words(address, function::READ_INPUT_REGISTERS, first, words).await
    }

    pub async fn write_holding(
        &mut self,
        address: u8,
        register: u16,
        value: u16,
    ) -> Result<(), Error<R::Error, W::Error>> {
        let [r1, r0] = register.to_be_bytes();
        let [v1, v0] = value.to_be_bytes();
        let request = [address, function::WRITE_REGISTER, r1, r0, v1, v0];
        self.echoed(&request).await
    }

    pub async fn write_coil(
        &mut self,
        address: u8,
        coil: u16,
        on: bool,
    ) -> Result<(), Error<R::Error, W::Error>> {
        let [c1, c0] = coil.to_be_bytes();
        let value = if on { 0xff } else { 0x00 };
        self.echoed(&[address, function::WRITE_COIL, c1, c0, value, 0x00]).await
    }

    /// A request that the device answers by repeating it.
    async fn echoed(&mut self, request: &[u8]) -> Result<(), Error<R::Error, W::Error>> {
        let answer = self.transact(request).await?;
        if answer.as_slice() == request { Ok(()) } else { Err(Error::Mismatch) }
    }
}
