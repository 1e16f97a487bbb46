//@ edition: 2024

pub fn waits() -> impl AsyncFn() -> u32 {
    async || {
        std::future::poll_fn({
            let mut polls = 0;
            move |_| {
                polls += 1;
                if polls < 3 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
            }
        })
        .await;
        3
    }
}

pub fn is_ready() -> impl AsyncFn() -> u32 {
    async || 4
}

pub async fn call(closure: impl AsyncFnOnce() -> u32) -> u32 {
    closure().await
}
