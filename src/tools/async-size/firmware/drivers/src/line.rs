//! Line input from a serial port, with the little editing that terminals need.

use embedded_io_async::{Read, Write};
use heapless::Vec;

/// Why no line came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<R, W> {
    Read(R),
    Write(W),
    /// The peer closed the port.
    Closed,
    /// More characters than the buffer holds; the line is dropped.
    TooLong,
    /// Ctrl-C.
    Cancelled,
}

/// Collects characters until the end of a line.
pub struct LineReader<R, const N: usize> {
    input: R,
    buf: Vec<u8, N>,
    after_cr: bool,
    pub echo: bool,
}

impl<R: Read, const N: usize> LineReader<R, N> {
    pub fn new(input: R) -> Self {
        Self { input, buf: Vec::new(), after_cr: false, echo: true }
    }

    /// The port, to wait for a single key.
    pub fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Reads the next line and echoes it to `output`; bytes that are not UTF-8 end as an empty
    /// line.
    pub async fn next<W: Write>(
        &mut self,
        output: &mut W,
    ) -> Result<&str, Error<R::Error, W::Error>> {
        self.buf.clear();
        loop {
            let mut byte = [0];
            if self.input.read(&mut byte).await.map_err(Error::Read)? == 0 {
                return Err(Error::Closed);
            }
            let after_cr = core::mem::replace(&mut self.after_cr, byte[0] == b'\r');
            match byte[0] {
                b'\n' if after_cr => {}
                b'\r' | b'\n' => {
                    self.show(output, b"\r\n").await?;
                    return Ok(core::str::from_utf8(&self.buf).unwrap_or(""));
                }
                0x03 => {
                    self.show(output, b"^C\r\n").await?;
                    return Err(Error::Cancelled);
                }
                0x08 | 0x7f => {
                    if self.buf.pop().is_some() {
                        self.show(output, b"\x08 \x08").await?;
                    }
                }
                0x15 => {
                    while self.buf.pop().is_some() {
                        self.show(output, b"\x08 \x08").await?;
                    }
                }
                b' '..=b'~' => {
                    if self.buf.push(byte[0]).is_err() {
                        self.show(output, b"\x07\r\n").await?;
                        return Err(Error::TooLong);
                    }
                    self.show(output, &byte).await?;
                }
                _ => {}
            }
        }
    }

    async fn show<W: Write>(
        &self,
        output: &mut W,
        bytes: &[u8],
    ) -> Result<(), Error<R::Error, W::Error>> {
        if self.echo {
            output.write_all(bytes).await.map_err(Error::Write)?;
        }
        Ok(())
    }
}
