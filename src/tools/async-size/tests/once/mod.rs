//! A future that is pending once, for programs that tests have compiled.

/// Its definition. It needs no `use`.
pub const ONCE: &str = "struct Once(bool);
impl Future for Once {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>)
        -> std::task::Poll<()>
    {
        match std::mem::replace(&mut self.0, true) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    }
}
";
