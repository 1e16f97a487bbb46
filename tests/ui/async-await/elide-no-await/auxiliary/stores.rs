//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2

static mut NUMBER: u32 = 0;

#[inline(never)]
pub async fn number() -> u8 {
    unsafe { NUMBER = 4 };
    3
}

pub fn stored() -> u32 {
    unsafe { NUMBER }
}
