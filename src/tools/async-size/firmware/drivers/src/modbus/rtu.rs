//! Frames on the wire, told apart by silence.

use embassy_time::{Duration, with_timeout};
use embedded_hal::digital::OutputPin;
use embedded_io_async::{Read, Write};
use heapless::Vec;

use crate::crc::crc16;

/// An address, a function code and the data of the function, without the checksum.
pub type Frame = Vec<u8, 254>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<R, W> {
    Read(R),
    Write(W),
    Closed,
}

/// An RS-485 transceiver on a UART.
pub struct Port<R, W, D> {
    input: R,
    output: W,
    driver_enable: D,
    /// The silence that ends a frame.
    gap: Duration,
}

impl<R: Read, W: Write, D: OutputPin> Port<R, W, D> {
    pub fn new(input: R, output: W, driver_enable: D, baud: u32) -> Self {
        // 3.5 characters of 11 bits, but never less than 1750 us.
        let gap = Duration::from_micros((38_500_000 / u64::from(baud)).max(1750));
        Self { input, output, driver_enable, gap }
    }

    /// The next frame with a correct checksum.
    pub async fn receive(&mut self) -> Result<Frame, Error<R::Error, W::Error>> {
        loop {
            let mut raw = Vec::<u8, 256>::new();
            let mut intact = true;
            let mut chunk = [0; 32];
            let mut n = self.input.read(&mut chunk).await.map_err(Error::Read)?;
            loop {
                if n == 0 {
                    return Err(Error::Closed);
                }
                intact &= raw.extend_from_slice(&chunk[..n]).is_ok();
                match with_timeout(self.gap, self.input.read(&mut chunk)).await {
                    Ok(result) => n = result.map_err(Error::Read)?,
                    Err(_) => break,
                }
            }
            if intact && raw.len() >= 4 && crc16(&raw) == 0 {
                raw.truncate(raw.len() - 2);
                if let Ok(frame) = Frame::from_slice(&raw) {
                    return Ok(frame);
                }
            }
        }
    }

    /// Sends a frame and releases the line after its last bit.
    pub async fn send(&mut self, frame: &[u8]) -> Result<(), Error<R::Error, W::Error>> {
        let _ = self.driver_enable.set_high();
        let result = self.transmit(frame).await;
        let _ = self.driver_enable.set_low();
        result.map_err(Error::Write)
    }

    async fn transmit(&mut self, frame: &[u8]) -> Result<(), W::Error> {
        self.output.write_all(frame).await?;
        self.output.write_all(&crc16(frame).to_le_bytes()).await?;
        self.output.flush().await
    }
}
