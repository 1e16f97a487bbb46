// A future that is too large to be laid out is the same error as without the flag.

//@ build-fail
//@ edition: 2024
//@ revisions: without with
//@[with] compile-flags: -Zdump-coroutines={{build-base}}/dump-coroutines

async fn large() {
    //~^ ERROR values of the type `[u8; usize::MAX]` are too big for the target architecture
    let array = [0u8; usize::MAX];
    std::future::pending::<()>().await;
    std::hint::black_box(&array);
}

fn main() {
    let mut future = std::pin::pin!(large());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = future.as_mut().poll(&mut context);
}
