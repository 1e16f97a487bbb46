// LateAnswers has the answer of an await stored when what was awaited is gone.

//@ compile-flags: -Zasync-returned-panic=no -Cpanic=abort
//@ edition: 2024

use std::future::pending;

pub struct Asks([u8; 400]);

impl Future for Asks {
    type Output = [u8; 300];

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<[u8; 300]> {
        std::task::Poll::Pending
    }
}

impl Drop for Asks {
    fn drop(&mut self) {}
}

// EMIT_MIR late_answers.kept-{closure#0}.LateAnswers.diff
pub async fn kept(asks: Asks) -> u8 {
    // CHECK-LABEL: fn kept::{closure#0}(
    // CHECK: drop(((*{{_.*}}).0: Asks)) -> [return: [[gone:bb[0-9]+]],
    // CHECK: [[gone]]: {
    // CHECK: (((*{{_.*}}) as variant#4).{{[0-9]+}}: [u8; 300]) = copy
    let answer = asks.await;
    pending::<()>().await;
    answer[7]
}

// It is stored at once if it is not saved.
// EMIT_MIR late_answers.used_at_once-{closure#0}.LateAnswers.diff
pub async fn used_at_once(asks: Asks) -> u8 {
    // CHECK-LABEL: fn used_at_once::{closure#0}(
    // CHECK-NOT: as variant#{{[0-9]+}}).{{[0-9]+}}: [u8; 300])
    let number = asks.await[7];
    pending::<()>().await;
    number
}
