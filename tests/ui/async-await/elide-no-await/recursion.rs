// A future that contains itself is an error, and no less of one where awaits are looked through for
// whether they ever wait: the same one, and no other.

//@ edition: 2024
//@ revisions: default elided
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[elided] compile-flags: -Zasync-returned-panic=no -Copt-level=3

async fn direct() {
    //~^ ERROR recursion in an async fn requires boxing
    direct().await
}

async fn in_a_dead_branch() -> u32 {
    //~^ ERROR recursion in an async fn requires boxing
    if false { in_a_dead_branch().await } else { 5 }
}

async fn one() {
    //~^ ERROR recursion in an async fn requires boxing
    other().await
}

async fn other() {
    one().await
}

async fn first() -> u32 {
    //~^ ERROR recursion in an async fn requires boxing
    second().await + 1
}

async fn second() -> u32 {
    third().await
}

async fn third() -> u32 {
    std::future::ready(5).await + first().await
}

fn opaque() -> impl Future<Output = ()> {
    async { opaque().await }
    //~^ ERROR recursion in an async block requires boxing
}

struct Device;

impl Device {
    async fn read(&self) -> u32 {
        //~^ ERROR recursion in an async fn requires boxing
        self.read_again().await
    }

    async fn read_again(&self) -> u32 {
        self.read().await
    }
}

fn main() {}
