//! An enum stays in the future when what it holds was moved out: the `Result` of what is iterated
//! over here, and in other forms the `Option` of the iterator's next item.
//!
//! There is no public report; it was found by measuring.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read};
#[cfg(any(feature = "items", feature = "answers-of-items"))]
use item::work;
#[cfg(not(any(feature = "items", feature = "answers-of-items")))]
use whole::work;

async fn give(register: u32) -> Result<(), u32> {
    Wait(register).await;
    let status = hw_read(register);
    if status == 0 { Ok(()) } else { Err(status) }
}

#[cfg(not(any(feature = "items", feature = "answers-of-items")))]
mod whole {
    use super::{give, hw_read};

    async fn all<I: Iterator<Item = u32>>(registers: Result<I, u32>) -> Result<(), u32> {
        #[cfg(not(feature = "by-hand"))]
        for register in registers? {
            give(register).await?;
        }
        #[cfg(feature = "by-hand")]
        {
            let registers = registers?;
            for register in registers {
                give(register).await?;
            }
        }
        Ok(())
    }

    pub async fn work() -> Result<(), u32> {
        let first = hw_read(1);
        let registers = core::iter::repeat_n(first, 3).chain([hw_read(2); 16]);
        all(if first == 0 { Err(first) } else { Ok(registers) }).await
    }
}

#[cfg(any(feature = "items", feature = "answers-of-items"))]
mod item {
    use complaints::hw_write;

    use super::{give, hw_read};

    /// What has to be dropped, and is worth a byte.
    pub struct Packet([u8; 64]);

    impl Drop for Packet {
        fn drop(&mut self) {
            hw_write(1, self.0[0].into());
        }
    }

    fn look(packet: &Packet) {
        hw_write(2, packet.0[1].into());
    }

    fn receive() -> Option<Packet> {
        let byte = hw_read(3) as u8;
        (byte != 0).then(|| Packet([byte; 64]))
    }

    #[cfg(feature = "items")]
    async fn all(packets: impl Iterator<Item = Packet>) -> Result<(), u32> {
        #[cfg(not(feature = "by-hand"))]
        for packet in packets {
            look(&packet);
            give(0).await?;
            look(&packet);
        }
        #[cfg(feature = "by-hand")]
        let mut packets = packets;
        #[cfg(feature = "by-hand")]
        loop {
            let packet = match packets.next() {
                Some(packet) => packet,
                None => break,
            };
            look(&packet);
            give(0).await?;
            look(&packet);
        }
        Ok(())
    }

    #[cfg(feature = "items")]
    pub async fn work() -> Result<(), u32> {
        all(core::iter::from_fn(receive)).await
    }

    #[cfg(feature = "answers-of-items")]
    async fn all(packets: impl Iterator<Item = Result<Packet, u32>>) -> Result<(), u32> {
        #[cfg(not(feature = "by-hand"))]
        for packet in packets {
            let packet = packet?;
            look(&packet);
            give(0).await?;
            look(&packet);
        }
        #[cfg(feature = "by-hand")]
        let mut packets = packets;
        #[cfg(feature = "by-hand")]
        loop {
            let packet = match packets.next() {
                Some(packet) => packet?,
                None => break,
            };
            look(&packet);
            give(0).await?;
            look(&packet);
        }
        Ok(())
    }

    #[cfg(feature = "answers-of-items")]
    pub async fn work() -> Result<(), u32> {
        all(core::iter::from_fn(|| receive().map(Ok))).await
    }
}

async fn top() -> u32 {
    work().await.err().unwrap_or(0)
}

entry!(top);
