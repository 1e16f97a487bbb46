// A future that contains itself with other arguments is an error, and no less of one where awaits
// are looked through for whether they ever wait.

//@ edition: 2024
//@ revisions: default elided
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[elided] compile-flags: -Zasync-returned-panic=no -Copt-level=3

async fn swaps<A, B>(a: A, b: B) {
    //~^ ERROR recursion in an async fn requires boxing
    swaps(b, a).await
}

async fn through<F: Future>(future: F) -> F::Output {
    future.await
}

async fn by_argument(n: u32) -> u32 {
    //~^ ERROR recursion in an async fn requires boxing
    through(by_argument(n)).await
}

trait Read {
    async fn read(&self);
}

impl<T: Read> Read for Option<T> {
    async fn read(&self) {
        //~^ ERROR recursion in an async fn requires boxing
        Some(self).unwrap().read().await
    }
}

fn main() {}
