//! Networks that a C caller holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{Activation, Float, Parameters, TwoLayerNet};

use crate::pointer;
use crate::status::{Failure, Result, tl_status};

/// A network in single precision.
pub struct tl_network_f32 {
    _opaque: (),
}

/// A network in double precision.
pub struct tl_network_f64 {
    _opaque: (),
}

/// The differences between the two element types.
pub(crate) trait Precision: Float {
    /// The C type of the network.
    type Opaque;
    /// Marks a network that is alive.
    const ALIVE: u64;
    const SUFFIX: &'static str;
}

impl Precision for f32 {
    type Opaque = tl_network_f32;
    const ALIVE: u64 = 0x7477_6f6c_6179_3332;
    const SUFFIX: &'static str = "_f32";
}

impl Precision for f64 {
    type Opaque = tl_network_f64;
    const ALIVE: u64 = 0x7477_6f6c_6179_3634;
    const SUFFIX: &'static str = "_f64";
}

/// A network, and the generator that its batches are drawn from.
pub(crate) struct Network<T: Float> {
    pub net: TwoLayerNet<T>,
    pub rng: ChaCha8Rng,
}

/// The target of a handle. The mark is checked first, and distinguishes a live network from most other memory:
/// a network of the other precision, or a freed one whose memory was not reused. The lock is never
/// waited for: a call that would have to wait is refused.
pub(crate) struct Handle<T: Float> {
    mark: AtomicU64,
    network: RwLock<Network<T>>,
}

impl<T: Precision> Network<T> {
    /// The most threads of its calls.
    pub fn threads(&self) -> usize {
        self.net.threads.count()
    }

    /// At the best level, with a number of threads chosen by measuring.
    pub fn new(net: TwoLayerNet<T>, rng: ChaCha8Rng) -> Self {
        Network { net, rng }
    }

    /// As [`new`](Self::new), with the generator of seed 0.
    pub fn of(parameters: Parameters<T>, activation: Activation) -> Self {
        Self::new(TwoLayerNet::new(parameters).with_activation(activation), ChaCha8Rng::seed_from_u64(0))
    }

    /// A handle, which the caller frees.
    pub fn into_handle(self) -> *mut T::Opaque {
        Box::into_raw(Box::new(Handle { mark: AtomicU64::new(T::ALIVE), network: RwLock::new(self) })).cast()
    }
}

/// The handle, if it is one of a network of this precision.
///
/// # Safety
/// `network` is NULL or leads to readable memory.
unsafe fn find<'a, T: Precision>(network: *const T::Opaque) -> Result<&'a Handle<T>> {
    let handle = network.cast::<Handle<T>>();
    pointer::check(handle, "network")?;
    // SAFETY: not NULL and aligned; the caller promises readable memory. Nothing else is believed before the mark.
    check::<T>(unsafe { &(*handle).mark })?;
    // SAFETY: the mark says that it is one, and alive.
    Ok(unsafe { &*handle })
}

fn check<T: Precision>(mark: &AtomicU64) -> Result<()> {
    if mark.load(Ordering::Acquire) == T::ALIVE {
        return Ok(());
    }
    let text = format!("network has been freed, or is not one that a function ending in {} made", T::SUFFIX);
    Err(Failure::new(tl_status::Handle, text))
}

/// Converts the result of a try-lock.
fn locked<T: Precision, G>(handle: &Handle<T>, lock: TryLockResult<G>, else_what: &str) -> Result<G> {
    let guard = match lock {
        Ok(guard) => guard,
        // A call that was changing it panicked; its numbers are still valid numbers.
        Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return Err(Failure::new(tl_status::Busy, format!("network is in use by another call; {else_what}")));
        }
    };
    // It may have been freed meanwhile.
    check::<T>(&handle.mark)?;
    Ok(guard)
}

/// The network, to be read by any number of calls at once.
///
/// # Safety
/// As [`find`], and nobody frees it meanwhile.
pub(crate) unsafe fn read<'a, T: Precision>(network: *const T::Opaque) -> Result<RwLockReadGuard<'a, Network<T>>> {
    // SAFETY: as of this function.
    let handle = unsafe { find::<T>(network) }?;
    locked(handle, handle.network.try_read(), "wait for the one that changes it")
}

/// The network, to be changed by this call alone.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn write<'a, T: Precision>(network: *mut T::Opaque) -> Result<RwLockWriteGuard<'a, Network<T>>> {
    // SAFETY: as of this function.
    let handle = unsafe { find::<T>(network) }?;
    locked(handle, handle.network.try_write(), "wait for it to end before changing or freeing the network")
}

/// Frees a network that no other call uses.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn free<T: Precision>(network: *mut T::Opaque) -> Result<()> {
    // SAFETY: as of this function.
    let (handle, guard) = unsafe { (find::<T>(network)?, write::<T>(network)?) };
    // While holding the lock: of two calls that free it, one finds the mark changed.
    handle.mark.store(0, Ordering::Release);
    drop(guard);
    // SAFETY: made by `into_handle`, of this type, and not freed before, for its mark was alive.
    drop(unsafe { Box::from_raw(network.cast::<Handle<T>>()) });
    Ok(())
}
