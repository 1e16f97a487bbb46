// `-Zasync-returned-panic` takes yes or no, and says so like every flag that does.

//@ compile-flags: -Zasync-returned-panic=maybe

fn main() {}

//~? ERROR incorrect value `maybe` for unstable option `async-returned-panic`
