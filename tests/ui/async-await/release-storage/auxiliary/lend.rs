// What a value is lent to, in another crate, whose functions are judged by their MIR.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Copt-level=2 -Zalways-encode-mir

#![crate_type = "lib"]

use std::cell::Cell;

pub struct Request {
    id: u32,
    body: [u32; 63],
}

thread_local! {
    static KEPT: Cell<*const Request> = const { Cell::new(std::ptr::null()) };
}

impl Request {
    pub fn new(id: u32) -> Self {
        Request { id, body: [id; 63] }
    }

    /// Keeps nothing.
    pub fn id(&self) -> u32 {
        for part in 0..63 {
            if self.body[part] != self.id {
                std::process::abort();
            }
        }
        self.id
    }

    /// Keeps nothing, by way of others.
    pub fn twice(&self) -> u32 {
        self.id() + self.identity().id
    }

    /// Keeps the address in what it returns.
    pub fn identity(&self) -> &Self {
        self
    }

    pub fn set(&mut self, id: u32) {
        *self = Request::new(id);
    }

    pub fn body(&self) -> &[u32] {
        &self.body
    }

    pub fn pointer(&self) -> *const Self {
        self
    }

    pub fn part(&self) -> Part {
        Part { length: 2, last: &self.body[62] }
    }

    /// Keeps it where `read_kept` finds it.
    pub fn keep(&self) {
        KEPT.set(self);
    }

    pub fn keep_by_others(&self) {
        self.identity().keep();
    }

    pub fn keep_in(&self, slot: &mut Slot) {
        slot.0 = self;
    }

    pub fn expose(&self) -> usize {
        self.pointer() as usize
    }

    /// A number that contains an address without exposing it.
    pub fn number(&self) -> usize {
        self.pointer().addr()
    }

    /// The same: as the length of a slice.
    pub fn number_as_length(&self) -> usize {
        let pointers = TwoPointers { _first: std::ptr::null(), _second: (&raw const *self).cast() };
        unsafe { std::mem::transmute::<TwoPointers, *const [u8]>(pointers) }.len()
    }

    pub fn is_below(&self, other: *const Self) -> bool {
        self.pointer() < other
    }

    /// Calls itself.
    pub fn keep_at(&self, depth: u32) {
        if depth == 0 { self.keep() } else { self.keep_at(depth - 1) }
    }

    pub fn keep_by(&self, keep: impl Fn(&Self)) {
        keep(self);
    }
}

pub fn read_kept() -> u32 {
    read(KEPT.get())
}

pub fn read(pointer: *const Request) -> u32 {
    unsafe { &*pointer }.id()
}

/// What a pointer to a slice is made of, in this order.
#[repr(C)]
struct TwoPointers {
    _first: *const u8,
    _second: *const u8,
}

pub struct Slot(pub *const Request);

/// Holds the address of a part of a request, among others.
pub struct Part {
    pub length: u32,
    last: *const u32,
}

impl Part {
    pub fn read(&self) -> u32 {
        unsafe { *self.last }
    }

    pub fn into_last(self) -> *const u32 {
        self.last
    }
}

/// Keeps its address when it is dropped.
pub struct KeepsItself(pub Request);

impl Drop for KeepsItself {
    fn drop(&mut self) {
        self.0.keep();
    }
}
