//! One driver, written as people write it, in small async fns, and again as one async fn: how far
//! the first is from the second.
//!
//! ```sh
//! ./x.py rustc -- src/tools/async-size/nested_flat.rs --edition 2024 --cfg nested \
//!     --target thumbv7em-none-eabi -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort \
//!     -Ccodegen-units=1 -Zprint-type-sizes --emit=obj -o nested.o
//! ```
//!
//! and the same with `--cfg flat`; `llvm-size` then tells the size of the code, and what rustc
//! prints that of the future, `init`.

#![no_std]
#![crate_type = "lib"]

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

unsafe extern "C" {
    safe fn ready(register: u32) -> bool;
    safe fn read(register: u32) -> u32;
    safe fn write(register: u32, value: u32);
}

/// Is done when the hardware is.
struct Wait(u32);

impl Future for Wait {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if ready(self.0) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(nested)]
mod driver {
    use super::{Wait, read, write};

    async fn transfer(register: u32, value: u32) -> u32 {
        write(register, value);
        Wait(register).await;
        read(register + 4)
    }

    async fn get(register: u32) -> Result<u32, u32> {
        let value = transfer(register, 1).await;
        if value & 0x80 == 0 { Ok(value) } else { Err(value) }
    }

    async fn set(register: u32, value: u32) -> Result<(), u32> {
        let status = transfer(register, value << 8).await;
        if status == 0 { Ok(()) } else { Err(status) }
    }

    async fn modify(register: u32, mask: u32) -> Result<u32, u32> {
        let old = get(register).await?;
        set(register, old | mask).await?;
        Ok(old)
    }

    pub async fn init(base: u32) -> Result<u32, u32> {
        let old = modify(base, 3).await?;
        Wait(base + 99).await;
        Ok(old)
    }
}

#[cfg(flat)]
mod driver {
    use super::{Wait, read, write};

    pub async fn init(base: u32) -> Result<u32, u32> {
        write(base, 1);
        Wait(base).await;
        let old = read(base + 4);
        if old & 0x80 != 0 {
            return Err(old);
        }
        write(base, (old | 3) << 8);
        Wait(base).await;
        let status = read(base + 4);
        if status != 0 {
            return Err(status);
        }
        Wait(base + 99).await;
        Ok(old)
    }
}

fn place<F>(slot: *mut u64, future: F) -> *mut F {
    let slot = slot.cast::<F>();
    // The caller gives memory that is large enough; there is none in this measurement.
    unsafe { slot.write(future) };
    slot
}

/// Keeps the future's poll and drop, by its vtable.
#[unsafe(no_mangle)]
pub fn make(slot: *mut u64, base: u32) -> *mut dyn Future<Output = Result<u32, u32>> {
    place(slot, driver::init(base))
}
