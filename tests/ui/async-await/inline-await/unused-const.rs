// A constant that fails is an error in an async fn that nobody calls, with the flag as without it.
// What a layout asks for has the body optimized, and so its constants evaluated.

//@ edition: 2024
//@ revisions: yes no
//@ compile-flags: -Copt-level=3
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no

struct Limits;

impl Limits {
    const LEAST: u8 = panic!("no limit");
    //~^ ERROR no limit
}

async fn block() -> u32 {
    const { panic!("no number") }
    //~^ ERROR no number
}

async fn associated() -> u8 {
    Limits::LEAST
}

async fn generic<T>() -> u32 {
    const { panic!("not for any type") }
    //~^ ERROR not for any type
}

fn main() {
    let _ = async { generic::<u16>().await };
}
