// A body without awaits, or whose awaits never wait, is plain code, and what it calls of other
// crates is inlined into it as into any function. What it calls of its own crate is not: the MIR of
// that may depend on the layout, or the MIR, of this very coroutine.

//@ test-mir-pass: Inline
//@ compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=+ElideNoAwait -Cpanic=abort
//@ compile-flags: -Zinline-mir-threshold=100
//@ edition: 2024

pub struct Device {
    words: [u32; 4],
}

impl Device {
    #[inline]
    fn store(&mut self, index: usize, value: u32) -> Result<(), u32> {
        self.words[index & 3] = value;
        if value == u32::MAX { Err(value) } else { Ok(()) }
    }
}

// EMIT_MIR inline_into_coroutine.writes-{closure#0}.Inline.diff
pub async fn writes(device: &mut Device, value: u32) -> Result<u32, u32> {
    // CHECK-LABEL: fn writes::{closure#0}(
    // CHECK-DAG: inlined <Result<(), u32> as Try>::branch
    // CHECK-DAG: inlined {{.*}}<Result<u32, u32> as FromResidual<
    // CHECK: = Device::store(
    // CHECK-NOT: as Try>::branch(
    device.store(1, value)?;
    Ok(value)
}
