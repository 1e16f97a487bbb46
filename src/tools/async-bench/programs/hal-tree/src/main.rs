//! A small driver stack, written as plain functions and three times as async ones.
//!
//! The stack is that of firmware: at the bottom a register is read or written, above that it is
//! modified, and at the top the device is configured. Each mode does the same work:
//!
//! * `sync`: plain functions, the measure of what the others cost;
//! * `concrete`: async functions over one bus, which is always ready;
//! * `generic`: the same over any bus, as a driver crate has it;
//! * `suspending`: as `concrete`, with a bus that is not ready on every fourth access.
//!
//! The mode is chosen once: to compare its name on every iteration took up to a third of the
//! instructions of `sync`, and more of those of a mode that is asked for later.
//!
//! Usage: `hal-tree MODE [ITERATIONS]`. It prints the mode, a checksum, and the bytes of the
//! future of `suspending`. The first three modes have the same checksum.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Polls `future` until it is done, without a pause.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

/// A device with 64 registers.
struct Mem {
    words: [u32; 64],
    /// How often a bus that stalls was used.
    accesses: u32,
    /// Whether the bus stalls at all.
    stall: bool,
}

impl Mem {
    fn new(stall: bool) -> Self {
        Mem { words: [1; 64], accesses: 0, stall }
    }

    fn load(&mut self, addr: u32) -> u32 {
        self.words[(addr & 63) as usize]
    }

    /// Fails with the address for the one value that the device does not take.
    fn store(&mut self, addr: u32, value: u32) -> Result<(), u32> {
        self.words[(addr & 63) as usize] = value;
        if value == u32::MAX { Err(addr) } else { Ok(()) }
    }
}

/// Ready, but not at once if it holds true.
struct Stall(bool);

impl Future for Stall {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.0) { Poll::Pending } else { Poll::Ready(()) }
    }
}

/// Plain functions.
mod sync {
    use super::Mem;

    pub fn reg(m: &mut Mem, r: u32) -> u32 {
        m.load(r * 4)
    }

    pub fn set(m: &mut Mem, r: u32, v: u32) -> Result<(), u32> {
        m.store(r * 4, v)
    }

    pub fn modify(m: &mut Mem, r: u32, mask: u32) -> Result<u32, u32> {
        let old = reg(m, r);
        set(m, r, old ^ mask)?;
        Ok(old)
    }

    pub fn config(m: &mut Mem, i: u32) -> Result<u32, u32> {
        let mut sum = 0u32;
        for k in 0..4 {
            sum = sum.wrapping_add(modify(m, k, i)?);
        }
        match i & 3 {
            0 => set(m, 5, sum)?,
            1 => set(m, 6, sum)?,
            _ => set(m, 7, sum.wrapping_add(1))?,
        };
        Ok(sum)
    }
}

/// The layers above `reg` and `set`, which `concrete` and `suspending` have in common.
macro_rules! modify_and_config {
    () => {
        pub async fn modify(m: &mut Mem, r: u32, mask: u32) -> Result<u32, u32> {
            let old = reg(m, r).await;
            set(m, r, old ^ mask).await?;
            Ok(old)
        }

        pub async fn config(m: &mut Mem, i: u32) -> Result<u32, u32> {
            let mut sum = 0u32;
            for k in 0..4 {
                sum = sum.wrapping_add(modify(m, k, i).await?);
            }
            match i & 3 {
                0 => set(m, 5, sum).await?,
                1 => set(m, 6, sum).await?,
                _ => set(m, 7, sum.wrapping_add(1)).await?,
            };
            Ok(sum)
        }
    };
}

/// Async functions over the one bus.
mod concrete {
    use super::Mem;

    pub async fn reg(m: &mut Mem, r: u32) -> u32 {
        m.load(r * 4)
    }

    pub async fn set(m: &mut Mem, r: u32, v: u32) -> Result<(), u32> {
        m.store(r * 4, v)
    }

    modify_and_config!();
}

/// Async functions over a bus that is not always ready.
mod suspending {
    use super::{Mem, Stall};

    async fn access(m: &mut Mem) {
        m.accesses = m.accesses.wrapping_add(1);
        Stall(m.stall && m.accesses % 4 == 0).await
    }

    pub async fn reg(m: &mut Mem, r: u32) -> u32 {
        access(m).await;
        m.load(r * 4)
    }

    pub async fn set(m: &mut Mem, r: u32, v: u32) -> Result<(), u32> {
        access(m).await;
        m.store(r * 4, v)
    }

    modify_and_config!();
}

/// Async functions over any bus.
mod generic {
    use super::Mem;

    /// What a driver needs of a bus.
    #[allow(async_fn_in_trait)]
    pub trait Bus {
        async fn read(&mut self, addr: u32) -> u32;
        async fn write(&mut self, addr: u32, value: u32) -> Result<(), u32>;
    }

    impl Bus for Mem {
        async fn read(&mut self, addr: u32) -> u32 {
            self.load(addr)
        }
        async fn write(&mut self, addr: u32, value: u32) -> Result<(), u32> {
            self.store(addr, value)
        }
    }

    pub async fn modify<B: Bus>(b: &mut B, r: u32, mask: u32) -> Result<u32, u32> {
        let old = b.read(r * 4).await;
        b.write(r * 4, old ^ mask).await?;
        Ok(old)
    }

    pub async fn config<B: Bus>(b: &mut B, i: u32) -> Result<u32, u32> {
        let mut sum = 0u32;
        for k in 0..4 {
            sum = sum.wrapping_add(modify(b, k, i).await?);
        }
        match i & 3 {
            0 => b.write(20, sum).await?,
            1 => b.write(24, sum).await?,
            _ => b.write(28, sum.wrapping_add(1)).await?,
        };
        Ok(sum)
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mode = args.next().expect("usage: hal-tree sync|concrete|generic|suspending [ITERATIONS]");
    let iterations: u32 =
        args.next().map_or(100_000, |n| n.parse().expect("ITERATIONS is a number"));
    // Hidden from the optimizer, so that each mode is a function of its own and costs one call.
    let config: fn(&mut Mem, u32) -> Result<u32, u32> = black_box(match mode.as_str() {
        "sync" => sync::config,
        "concrete" => |m, i| block_on(concrete::config(m, i)),
        "generic" => |m, i| block_on(generic::config(m, i)),
        "suspending" => |m, i| block_on(suspending::config(m, i)),
        other => panic!("unknown mode {other}"),
    });
    let mut m = Mem::new(true);
    let mut check = 0u32;
    for i in 0..iterations {
        check ^= config(&mut m, black_box(i)).unwrap_or_else(|addr| addr);
    }
    println!("{mode} {check} {}", size_of_val(&suspending::config(&mut m, 0)));
}
