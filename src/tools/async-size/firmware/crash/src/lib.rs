//! Panic handler of the firmware in the field: keeps the message over a reset.
//!
//! A device that stopped far away should start again, and tell later why it had to. The message
//! goes to RAM that the start-up code leaves alone, where a debug probe or a boot loader finds it
//! by the name `CRASH_RECORD`.

#![no_std]

use core::fmt::{self, Write};
use core::mem::MaybeUninit;
use core::panic::PanicInfo;

/// What tells a record from the contents of RAM after power-on.
const MAGIC: u32 = 0x4352_5348;

/// The last panic.
#[repr(C)]
struct Record {
    magic: u32,
    length: u32,
    text: [u8; 248],
}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".uninit.CRASH_RECORD")]
static mut CRASH_RECORD: MaybeUninit<Record> = MaybeUninit::uninit();

/// Takes as much of the message as there is room for.
impl Write for Record {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            *self.text.get_mut(self.length as usize).ok_or(fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

#[panic_handler]
fn record(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    // SAFETY: nothing else refers to the record, and nothing can interrupt us any more.
    let record = unsafe { &mut *(&raw mut CRASH_RECORD) };
    let record = record.write(Record { magic: 0, length: 0, text: [0; 248] });
    let _ = write!(record, "{info}");
    record.magic = MAGIC;
    cortex_m::peripheral::SCB::sys_reset()
}
