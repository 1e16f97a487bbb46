//! The checksums used by the devices and protocols of this crate, computed bit by bit.

/// CRC-8 with polynomial 0x31 and initial value 0xff, as the SHT3x sends it.
pub fn crc8(data: &[u8]) -> u8 {
    data.iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 != 0 { (crc << 1) ^ 0x31 } else { crc << 1 })
    })
}

/// CRC-16/MODBUS; zero for data that ends in its own checksum (low byte first).
pub fn crc16(data: &[u8]) -> u16 {
    crc16_continue(0xffff, data)
}

/// CRC-16/MODBUS of a chunk, given that of all before it (at first 0xffff).
pub fn crc16_continue(crc: u16, data: &[u8]) -> u16 {
    data.iter().fold(crc, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 != 0 { (crc >> 1) ^ 0xa001 } else { crc >> 1 }
        })
    })
}

/// Running CRC-32 (IEEE 802.3) over a stream of chunks.
#[derive(Clone)]
pub struct Crc32(u32);

impl Crc32 {
    pub const fn new() -> Self {
        Self(!0)
    }

    pub fn update(&mut self, data: &[u8]) {
        for byte in data {
            self.0 ^= u32::from(*byte);
            for _ in 0..8 {
                self.0 = if self.0 & 1 != 0 { (self.0 >> 1) ^ 0xedb8_8320 } else { self.0 >> 1 };
            }
        }
    }

    pub fn finish(&self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}
