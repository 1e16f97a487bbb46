//! Solomon SSD1306: monochrome OLED of 128 x 64 pixels, on I2C or SPI.

use core::fmt;

use embassy_time::{Duration, Timer};
use embedded_hal::digital::OutputPin;
use embedded_hal_async::{i2c::I2c, spi::SpiDevice};

pub const WIDTH: usize = 128;
pub const HEIGHT: usize = 64;
const PAGES: usize = HEIGHT / 8;

/// How commands and pixels reach the controller.
pub trait Interface {
    type Error;

    async fn commands(&mut self, commands: &[u8]) -> Result<(), Self::Error>;

    /// Sends a part of one page.
    async fn pixels(&mut self, pixels: &[u8]) -> Result<(), Self::Error>;
}

/// The panel on an I2C bus.
pub struct I2cInterface<B> {
    bus: B,
    address: u8,
}

impl<B: I2c> I2cInterface<B> {
    pub fn new(bus: B, address: u8) -> Self {
        Self { bus, address }
    }

    async fn prefixed(&mut self, prefix: u8, bytes: &[u8]) -> Result<(), B::Error> {
        let mut buf = [prefix; 17];
        for chunk in bytes.chunks(16) {
            buf[1..=chunk.len()].copy_from_slice(chunk);
            self.bus.write(self.address, &buf[..=chunk.len()]).await?;
        }
        Ok(())
    }
}

impl<B: I2c> Interface for I2cInterface<B> {
    type Error = B::Error;

    async fn commands(&mut self, commands: &[u8]) -> Result<(), B::Error> {
        self.prefixed(0x00, commands).await
    }

    async fn pixels(&mut self, pixels: &[u8]) -> Result<(), B::Error> {
        self.prefixed(0x40, pixels).await
    }
}

/// The panel on SPI, with a pin that tells commands from pixels.
pub struct SpiInterface<D, P> {
    device: D,
    data: P,
}

impl<D: SpiDevice, P: OutputPin> SpiInterface<D, P> {
    pub fn new(device: D, data: P) -> Self {
        Self { device, data }
    }
}

impl<D: SpiDevice, P: OutputPin> Interface for SpiInterface<D, P> {
    type Error = D::Error;

    async fn commands(&mut self, commands: &[u8]) -> Result<(), D::Error> {
        let _ = self.data.set_low();
        self.device.write(commands).await
    }

    async fn pixels(&mut self, pixels: &[u8]) -> Result<(), D::Error> {
        let _ = self.data.set_high();
        self.device.write(pixels).await
    }
}

/// The driver with its frame buffer; [`Ssd1306::flush`] sends only the pages that changed.
pub struct Ssd1306<I> {
    interface: I,
    frame: [[u8; WIDTH]; PAGES],
    dirty: u8,
}

impl<I: Interface> Ssd1306<I> {
    pub fn new(interface: I) -> Self {
        Self { interface, frame: [[0; WIDTH]; PAGES], dirty: 0xff }
    }

    pub async fn setup(&mut self) -> Result<(), I::Error> {
        self.interface.commands(&[0xae, 0xd5, 0x80, 0xa8, HEIGHT as u8 - 1]).await?;
        self.interface.commands(&[0xd3, 0x00, 0x40, 0x8d, 0x14]).await?;
        self.interface.commands(&[0x20, 0x02, 0xa1, 0xc8]).await?;
        self.interface.commands(&[0xda, 0x12, 0xd9, 0xf1, 0xdb, 0x40]).await?;
        self.set_contrast(0x8f).await?;
        self.interface.commands(&[0xa4, 0xa6]).await?;
        self.dirty = 0xff;
        self.flush().await?;
        self.set_power(true).await
    }

    pub async fn set_power(&mut self, on: bool) -> Result<(), I::Error> {
        self.interface.commands(&[0xae | u8::from(on)]).await
    }

    pub async fn set_contrast(&mut self, contrast: u8) -> Result<(), I::Error> {
        self.interface.commands(&[0x81, contrast]).await
    }

    /// Inverts the panel for a moment.
    pub async fn flash(&mut self, time: Duration) -> Result<(), I::Error> {
        self.interface.commands(&[0xa7]).await?;
        Timer::after(time).await;
        self.interface.commands(&[0xa6]).await
    }

    pub async fn flush(&mut self) -> Result<(), I::Error> {
        for page in 0..PAGES {
            if self.dirty & 1 << page == 0 {
                continue;
            }
            self.interface.commands(&[0xb0 | page as u8, 0x00, 0x10]).await?;
            self.interface.pixels(&self.frame[page]).await?;
            self.dirty &= !(1 << page);
        }
        Ok(())
    }

    pub fn clear(&mut self) {
        self.frame = [[0; WIDTH]; PAGES];
        self.dirty = 0xff;
    }

    pub fn set(&mut self, x: usize, y: usize, on: bool) {
        if x < WIDTH && y < HEIGHT {
            let bit = 1 << (y % 8);
            let column = &mut self.frame[y / 8][x];
            *column = if on { *column | bit } else { *column & !bit };
            self.dirty |= 1 << (y / 8);
        }
    }

    /// A horizontal bar of eight pixels height that is `value / max` full.
    pub fn bar(&mut self, line: usize, value: u32, max: u32) {
        let full = (value.min(max) * WIDTH as u32 / max.max(1)) as usize;
        for (x, column) in self.frame[line % PAGES].iter_mut().enumerate() {
            *column = if x < full { 0x7e } else { 0x42 };
        }
        self.dirty |= 1 << (line % PAGES);
    }

    /// A cursor that writes text into `line`, erasing what was there.
    pub fn line(&mut self, line: usize) -> Line<'_> {
        self.dirty |= 1 << (line % PAGES);
        let row = &mut self.frame[line % PAGES];
        row.fill(0);
        Line { row, x: 0 }
    }
}

/// Text output into one line of the frame, 32 characters wide.
pub struct Line<'a> {
    row: &'a mut [u8; WIDTH],
    x: usize,
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for byte in s.bytes() {
            let columns = glyph(byte);
            let cell = self.row.get_mut(self.x..self.x + 4).ok_or(fmt::Error)?;
            cell[..3].copy_from_slice(&columns);
            self.x += 4;
        }
        Ok(())
    }
}

/// The columns of a character in a font of 3 x 5 pixels, moved down by one pixel.
fn glyph(byte: u8) -> [u8; 3] {
    /// Five rows of three bits each, the top row in the highest bits.
    const DIGITS: [u16; 10] = [
        0b111_101_101_101_111,
        0b010_110_010_010_111,
        0b111_001_111_100_111,
        0b111_001_111_001_111,
        0b101_101_111_001_001,
        0b111_100_111_001_111,
        0b111_100_111_101_111,
        0b111_001_001_010_010,
        0b111_101_111_101_111,
        0b111_101_111_001_111,
    ];
    const LETTERS: [u16; 26] = [
        0b010_101_111_101_101,
        0b110_101_110_101_110,
        0b011_100_100_100_011,
        0b110_101_101_101_110,
        0b111_100_110_100_111,
        0b111_100_110_100_100,
        0b011_100_101_101_011,
        0b101_101_111_101_101,
        0b111_010_010_010_111,
        0b001_001_001_101_010,
        0b101_101_110_101_101,
        0b100_100_100_100_111,
        0b101_111_111_101_101,
        0b110_101_101_101_101,
        0b010_101_101_101_010,
        0b110_101_110_100_100,
        0b010_101_101_111_011,
        0b110_101_110_101_101,
        0b011_100_010_001_110,
        0b111_010_010_010_010,
        0b101_101_101_101_111,
        0b101_101_101_101_010,
        0b101_101_111_111_101,
        0b101_101_010_101_101,
        0b101_101_010_010_010,
        0b111_001_010_100_111,
    ];
    let rows = match byte {
        b'0'..=b'9' => DIGITS[usize::from(byte - b'0')],
        b'a'..=b'z' => LETTERS[usize::from(byte - b'a')],
        b'A'..=b'Z' => LETTERS[usize::from(byte - b'A')],
        b'.' => 0b000_000_000_000_010,
        b':' => 0b000_010_000_010_000,
        b'-' => 0b000_000_111_000_000,
        b'%' => 0b101_001_010_100_101,
        b'/' => 0b001_001_010_100_100,
        b' ' => 0,
        _ => 0b111_001_010_000_010,
    };
    core::array::from_fn(|column| {
        (0..5).fold(0, |bits, row| {
            let on = rows >> (14 - 3 * row - column) & 1;
            bits | (on as u8) << (row + 1)
        })
    })
}
