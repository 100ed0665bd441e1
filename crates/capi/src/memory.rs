//! Checks that memory is available: a failed allocation aborts the process once the reserve is used up.

use twolayer_core::MemoryEstimate;

use crate::*;

/// Smaller amounts are not checked.
const SMALL: u128 = 16 << 10;

/// The memory of a thread: its stack, and some for the allocator.
const THREAD: usize = 3 << 20;

/// The memory of reading a file: buffers and a window to unpack.
pub(crate) const READER: usize = 1 << 20;

/// An error if little of the reserve is left, and the system refuses even a little memory.
#[inline(never)]
pub(crate) fn check_reserve() -> Result<()> {
    if reserve::is_low() && !MemoryEstimate::default().elements(SMALL as usize, 1).is_available() {
        return refuse(TL_ERROR_MEMORY, "the system is out of memory, and half of the library's reserve is used");
    }
    Ok(())
}

/// An error unless this much is available, with the threads that a call may start.
#[inline(never)]
pub(crate) fn check(need: MemoryEstimate, threads: usize) -> Result<()> {
    let need = need.elements(threads.saturating_sub(1), THREAD);
    if need.bytes() < SMALL {
        return Ok(());
    }
    // Half as much again, since estimates are rough.
    let half = usize::try_from(need.bytes() / 2).unwrap_or(usize::MAX);
    if need.elements(half, 1).is_available() {
        return Ok(());
    }
    let kilobytes = u64::try_from(need.bytes()).unwrap_or(u64::MAX).div_ceil(1000);
    refuse(TL_ERROR_MEMORY, format!("the call needs about {kilobytes} kB, which the system refuses"))
}
