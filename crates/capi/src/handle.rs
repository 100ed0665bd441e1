//! Networks that a C caller holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult};

use crate::*;

pub struct tl_network {
    _opaque: (),
}

/// Marks a network that is alive.
const ALIVE: u64 = 0x7477_6f6c_6179_6572;

/// The target of a handle. The mark is checked first, and distinguishes a live network from most other memory, such as
/// a freed one whose memory was not reused. The lock is never waited for: a call that would have to wait is refused.
// In this order: of other memory, no more than the eight bytes at the pointer are read.
#[repr(C)]
struct Handle {
    mark: AtomicU64,
    network: RwLock<AnyNetwork>,
}

/// Writes a new network to the caller's pointer, or NULL if there is none.
pub(crate) unsafe fn hand_over(made: Result<AnyNetwork>, to: *mut *mut tl_network) -> Result<()> {
    pointer::check(to, "network")?;
    // SAFETY: not NULL and aligned; the caller promises the rest.
    unsafe { to.write(std::ptr::null_mut()) };
    let handle = Handle { mark: AtomicU64::new(ALIVE), network: RwLock::new(made?) };
    // SAFETY: as above.
    unsafe { to.write(Box::into_raw(Box::new(handle)).cast()) };
    Ok(())
}

fn check(mark: &AtomicU64) -> Result<()> {
    match mark.load(Ordering::Acquire) {
        ALIVE => Ok(()),
        _ => refuse(TL_ERROR_HANDLE, "network has been freed, or is none"),
    }
}

/// Locks the network of a handle, or fails where it would have to wait.
unsafe fn lock<'a, G>(
    network: *const tl_network,
    try_lock: fn(&'a RwLock<AnyNetwork>) -> TryLockResult<G>,
    else_what: &str,
) -> Result<(G, &'a Handle)> {
    let handle = network.cast::<Handle>();
    pointer::check(handle, "network")?;
    // SAFETY: not NULL and aligned; the caller promises readable memory. Nothing else is believed before the mark.
    check(unsafe { &(*handle).mark })?;
    // SAFETY: the mark says that it is one, and alive.
    let handle = unsafe { &*handle };
    let guard = match try_lock(&handle.network) {
        Ok(guard) => guard,
        // A call that was changing it panicked; its numbers are still valid numbers.
        Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return refuse(TL_ERROR_BUSY, format!("network is in use by another call; {else_what}"));
        }
    };
    // It may have been freed meanwhile.
    check(&handle.mark)?;
    Ok((guard, handle))
}

/// The network, to be read by any number of calls at once.
#[inline(never)]
pub(crate) unsafe fn read<'a>(network: *const tl_network) -> Result<RwLockReadGuard<'a, AnyNetwork>> {
    // SAFETY: as of this function.
    Ok(unsafe { lock(network, RwLock::try_read, "wait for the one that changes it") }?.0)
}

/// The network, to be changed by this call alone.
#[inline(never)]
pub(crate) unsafe fn write<'a>(network: *mut tl_network) -> Result<RwLockWriteGuard<'a, AnyNetwork>> {
    // SAFETY: as of this function.
    Ok(unsafe { lock(network, RwLock::try_write, "wait for it to end") }?.0)
}

/// Frees a network that no other call uses.
pub(crate) unsafe fn free(network: *mut tl_network) -> Result<()> {
    // SAFETY: as of this function.
    let (guard, handle) = unsafe { lock(network, RwLock::try_write, "wait for it to end before freeing the network") }?;
    // While holding the lock: of two calls that free it, one finds the mark changed.
    handle.mark.store(0, Ordering::Release);
    drop(guard);
    // SAFETY: made by `hand_over`, and not freed before, for its mark was alive.
    drop(unsafe { Box::from_raw(network.cast::<Handle>()) });
    Ok(())
}
