//! A trait that must be async for one of its implementations makes state machines of the others,
//! which only compute.
//!
//! <https://tweedegolf.nl/en/blog/235/debloat-your-async-rust>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

#[cfg(not(feature = "by-hand"))]
trait Loader {
    fn load(&mut self, key: u32) -> impl Future<Output = Result<u32, u32>>;
}

struct Fixed(u32);

#[cfg(not(feature = "by-hand"))]
impl Loader for Fixed {
    async fn load(&mut self, key: u32) -> Result<u32, u32> {
        if key > 8 { Err(key) } else { Ok(self.0 + key) }
    }
}

#[cfg(not(feature = "by-hand"))]
async fn setup<L: Loader>(mut loader: L) -> Result<u32, u32> {
    let baud = loader.load(1).await?;
    let parity = loader.load(2).await?;
    let mut sum = 0;
    for key in 3..7 {
        sum ^= loader.load(key).await?;
    }
    hw_write(5, baud ^ parity);
    Ok(sum)
}

#[cfg(feature = "by-hand")]
trait Loader {
    fn load(&mut self, key: u32) -> Result<u32, u32>;
}

#[cfg(feature = "by-hand")]
impl Loader for Fixed {
    fn load(&mut self, key: u32) -> Result<u32, u32> {
        if key > 8 { Err(key) } else { Ok(self.0 + key) }
    }
}

#[cfg(feature = "by-hand")]
fn setup<L: Loader>(mut loader: L) -> Result<u32, u32> {
    let baud = loader.load(1)?;
    let parity = loader.load(2)?;
    let mut sum = 0;
    for key in 3..7 {
        sum ^= loader.load(key)?;
    }
    hw_write(5, baud ^ parity);
    Ok(sum)
}

async fn top() -> u32 {
    let setup = setup(Fixed(hw_read(3)));
    #[cfg(not(feature = "by-hand"))]
    let setup = setup.await;
    let sum = setup.unwrap_or(7);
    Wait(2).await;
    sum ^ hw_read(4)
}

entry!(top);
