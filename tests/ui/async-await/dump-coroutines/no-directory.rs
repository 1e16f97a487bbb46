// What cannot be written is an error that names the directory and the cause.

//@ build-fail
//@ edition: 2024
//@ only-linux
//@ compile-flags: -Zdump-coroutines=/dev/null/coroutines
//~? ERROR cannot write the coroutines to `/dev/null/coroutines`

fn main() {}
