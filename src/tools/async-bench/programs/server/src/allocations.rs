//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATED: AtomicU64 = AtomicU64::new(0);

/// How many bytes were allocated so far, those that are free again among them.
pub fn allocated() -> u64 {
    ALLOCATED.load(Relaxed)
}

/// The allocator of the system, with a count of what it is asked for.
struct Counting;

fn count(bytes: usize) {
    ALLOCATED.fetch_add(bytes as u64, Relaxed);
}

// SAFETY: each call goes to the allocator of the system as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        unsafe { System.realloc(memory, layout, bytes) }
    }
}
