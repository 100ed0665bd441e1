//! Memory is asked for before it is needed, for an allocation that fails ends the process.

use twolayer_core::Need;

use crate::status::{Failure, Result, tl_status};

/// Below this, asking costs more than it can save.
const SMALL: u128 = 1 << 20;

/// An error if the system would not give so much now.
pub(crate) fn check(need: Need) -> Result<()> {
    if need.bytes() < SMALL || need.is_granted() {
        return Ok(());
    }
    let megabytes = need.bytes().div_ceil(1_000_000);
    Err(Failure::new(
        tl_status::Memory,
        format!("the call needs about {megabytes} MB, which the system does not grant"),
    ))
}
