// DeadReads removes what reads an enum only to find out what is known: which variant it is. So the
// enum is not saved, and stays a local.

//@ compile-flags: -Zasync-returned-panic=no -Cpanic=abort
//@ edition: 2024

use std::future::pending;

pub struct Large(pub [u8; 200]);

impl Drop for Large {
    fn drop(&mut self) {}
}

// Behind the await the variant is known to be `Ok`, and an error is dropped only without an await.
// EMIT_MIR dead_reads.if_let-{closure#0}.DeadReads.diff
pub async fn if_let(make: fn() -> Result<Large, String>) -> u8 {
    // CHECK-LABEL: fn if_let::{closure#0}(
    // CHECK-NOT: as variant#{{[0-9]+}}).{{[0-9]+}}: std::result::Result<
    // CHECK: debug large => (((*{{.*}}) as variant#3).{{[0-9]+}}: Large);
    // CHECK-NOT: as variant#{{[0-9]+}}).{{[0-9]+}}: std::result::Result<
    if let Ok(large) = make() {
        pending::<()>().await;
        large.0[0]
    } else {
        0
    }
}

// Where the arms come together it depends on the way whether there is an error to drop.
// EMIT_MIR dead_reads.in_loop-{closure#0}.DeadReads.diff
pub async fn in_loop(make: fn() -> Result<Large, String>) {
    // CHECK-LABEL: fn in_loop::{closure#0}(
    // CHECK-NOT: as variant#{{[0-9]+}}).{{[0-9]+}}: std::result::Result<
    // CHECK: debug large => (((*{{.*}}) as variant#3).{{[0-9]+}}: Large);
    // CHECK-NOT: as variant#{{[0-9]+}}).{{[0-9]+}}: std::result::Result<
    loop {
        match make() {
            Ok(large) => {
                pending::<()>().await;
                drop(large);
            }
            Err(_) => {}
        }
    }
}

// It has been changed in between.
// EMIT_MIR dead_reads.changed-{closure#0}.DeadReads.diff
pub async fn changed(mut answer: Result<u8, String>) -> u8 {
    // CHECK-LABEL: fn changed::{closure#0}(
    // CHECK: discriminant({{.*}}: std::result::Result<u8, std::string::String>));
    if answer.is_err() {
        answer = Ok(1);
    }
    pending::<()>().await;
    match answer {
        Ok(number) => number,
        Err(_) => 0,
    }
}
