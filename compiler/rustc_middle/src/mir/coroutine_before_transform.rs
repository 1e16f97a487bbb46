//! The body of a coroutine as others inline it.

use rustc_data_structures::steal::Steal;

use super::Body;

/// The body of an async fn, block or closure while it still suspends by *yield*.
///
/// It is stolen for the state transform if nobody else may ask for it, so that no body is kept for
/// the whole compilation without need.
#[derive(Debug)]
pub struct CoroutineBeforeTransform<'tcx> {
    /// Whether other bodies may inline it. If not, only the state transform may look at the body.
    pub may_be_inlined: bool,
    /// How much code it is; see `cost` in `rustc_mir_transform`.
    pub cost: usize,
    pub body: Steal<Body<'tcx>>,
}
