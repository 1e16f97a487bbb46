// Where coverage is instrumented futures keep their states, whose counters would be gone with them.

//@ build-pass
//@ edition: 2024
//@ revisions: plain counted
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Zvalidate-mir -Zlint-mir
//@[counted] compile-flags: -Cinstrument-coverage -Zno-profiler-runtime

#![crate_type = "lib"]

const fn size_of_made<F>(_: fn() -> F) -> usize {
    size_of::<F>()
}

async fn five() -> u8 {
    5
}

async fn awaits() -> u8 {
    std::future::ready(5).await
}

// The state, and with it what is ready, and what was captured.
const _: () = assert!(size_of_made(five) == cfg!(counted) as usize);
const _: () = assert!((size_of_made(awaits) > 1) == cfg!(counted));
