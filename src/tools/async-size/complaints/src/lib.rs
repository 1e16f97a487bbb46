//! What the programs of this package have in common: hardware that is not ready at once, a future
//! that waits for it, and what a compiler has to keep of each.
//!
//! The programs are for `cargo check` and for `async-size --complaints`, which compiles each as a
//! library to an object file. They are not linked: nothing defines the hardware.

#![no_std]

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

// As far as the compiler knows, each of them may panic.
unsafe extern "Rust" {
    /// Whether the hardware behind `register` is ready.
    pub safe fn hw_ready(register: u32) -> bool;
    /// What `register` holds.
    pub safe fn hw_read(register: u32) -> u32;
    /// Writes `value` to `register`.
    pub safe fn hw_write(register: u32, value: u32);
}

/// Is done when the hardware behind the register is ready.
pub struct Wait(pub u32);

impl Future for Wait {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if hw_ready(self.0) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// The size in bytes of what a function returns.
pub const fn size_of_answer<F>(_: &fn() -> F) -> usize {
    size_of::<F>()
}

/// Puts `future` into `slot`, and says where it is.
///
/// # Safety
///
/// The slot has to be large enough.
pub unsafe fn place<F>(slot: *mut u64, future: F) -> *mut F {
    let slot = slot.cast::<F>();
    // SAFETY: as above.
    unsafe { slot.write(future) };
    slot
}

/// Keeps the future of an async fn without arguments: its poll and drop by its vtable, and its size
/// as that of the symbol `FUTURE_SIZE`.
#[macro_export]
macro_rules! entry {
    ($top:path) => {
        /// As large as the future.
        #[unsafe(no_mangle)]
        pub static FUTURE_SIZE: [u8; $crate::size_of_answer(&($top as fn() -> _))] = [0; _];

        /// Makes the future.
        ///
        /// # Safety
        ///
        /// The slot has to be large enough for it.
        #[unsafe(no_mangle)]
        pub unsafe fn make(slot: *mut u64) -> *mut dyn Future<Output = u32> {
            // SAFETY: as above.
            unsafe { $crate::place(slot, $top()) }
        }
    };
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
