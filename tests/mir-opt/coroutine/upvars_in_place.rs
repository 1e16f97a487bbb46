// UpvarsInPlace has the body of an async fn use an argument where it was captured, if it is needed
// behind a suspension point.

//@ compile-flags: -Zasync-returned-panic=no
//@ needs-unwind
//@ edition: 2024

use std::future::pending;

// EMIT_MIR upvars_in_place.array-{closure#0}.UpvarsInPlace.diff
pub async fn array(array: [u8; 1000]) -> u8 {
    // CHECK-LABEL: fn array::{closure#0}(
    // CHECK: debug array => ((*{{.*}}).0: [u8; 1000]);
    // CHECK-NOT: [u8; 1000] = {{move|copy}}
    pending::<()>().await;
    array[7]
}

// What is not needed there is better off in a register: nothing is changed.
// EMIT_MIR upvars_in_place.number-{closure#0}.UpvarsInPlace.diff
pub async fn number(number: u32) -> u32 {
    // CHECK-LABEL: fn number::{closure#0}(
    // CHECK: debug twice => (((*{{.*}}) as variant#3).0: u32);
    let twice = number * 2;
    pending::<()>().await;
    twice
}

// EMIT_MIR upvars_in_place.drops-{closure#0}.UpvarsInPlace.diff
pub async fn drops(string: String) {
    // CHECK-LABEL: fn drops::{closure#0}(
    // CHECK: debug string => ((*{{.*}}).0: {{.*}}String);
    pending::<()>().await;
}

// What is used more than once is not given away.
// EMIT_MIR upvars_in_place.used_twice-{closure#0}.UpvarsInPlace.diff
pub fn used_twice(number: u32) -> impl Future<Output = u32> {
    async move {
        // CHECK-LABEL: fn used_twice::{closure#0}(
        // CHECK: debug other => (((*{{.*}}) as variant#{{[0-9]+}}).{{[0-9]+}}: u32);
        let mut other = number;
        pending::<()>().await;
        other += 1;
        pending::<u8>().await;
        number + other
    }
}
