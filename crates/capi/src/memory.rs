//! Memory is asked for before it is needed, for an allocation that fails ends the process.

use twolayer_core::MemoryEstimate;

use crate::status::{Failure, Result, tl_status};

/// Below this, asking costs more than it can save; the header says so.
const SMALL: u128 = 16 << 10;

/// What a thread takes: its stack, and room for the allocator.
const THREAD: usize = 3 << 20;

/// What a reader of files takes: buffers, and a window to unpack.
pub(crate) const READER: usize = 1 << 20;

/// An error if the system would not give so much now, with the threads that a call may start.
pub(crate) fn check(need: MemoryEstimate, threads: usize) -> Result<()> {
    let need = need.elements(threads.saturating_sub(1), THREAD);
    if need.bytes() < SMALL {
        return Ok(());
    }
    // Half as much again: estimates are what they are.
    let half = usize::try_from(need.bytes() / 2).unwrap_or(usize::MAX);
    if need.elements(half, 1).is_available() {
        return Ok(());
    }
    let kilobytes = u64::try_from(need.bytes()).unwrap_or(u64::MAX).div_ceil(1000);
    Err(Failure::new(
        tl_status::Memory,
        format!("the call needs about {kilobytes} kB, which the system does not grant"),
    ))
}
