// A debugger shows where a suspended future waits, also inside of what is inlined in it: the chain
// of async fns with the lines where they wait, and their variables.

//@ edition: 2024
//@ compile-flags: -g -Copt-level=1 -Zasync-returned-panic=no
//@ disable-gdb-pretty-printers
//@ min-lldb-version: 1900

//@ gdb-command: run
//@ gdb-command: print *task
//@ gdb-check:[...]:42 {count: 3, __awaitee: [...]inner[...]:37 {[...]Wait (2)}}, argument: 1}
//@ gdb-command: continue

// It stops in what is inlined into `stop`.
//@ lldb-command: run
//@ lldb-command: up
//@ lldb-command: v -T *task
//@ lldb-check:[...]middle[...]:42)[...]count = [...]3[...]inner[...]:37)[...]Wait[...]2[...]
//@ lldb-command: continue

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Wait(u8);

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0 -= 1;
        if self.0 == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn inner(count: u8) -> u8 {
    Wait(count).await;
    count + 1
}

async fn middle(count: u8) -> u8 {
    let first = inner(count).await;
    inner(count + first).await + first
}

async fn outer(argument: u8) -> u8 {
    middle(argument + 2).await + argument
}

#[inline(never)]
fn stop<F>(task: &F) {
    black_box(task); // #break
}

fn main() {
    let mut task = pin!(outer(black_box(1)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    stop(&*task);
    while task.as_mut().poll(&mut context).is_pending() {}
}
