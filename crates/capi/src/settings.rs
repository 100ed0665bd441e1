//! A network's settings: the seed of its batches, instruction-set level, threads.

use std::ffi::c_char;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::handle::{self, Precision, tl_network_f32, tl_network_f64};
use crate::machine;
use crate::pointer::{self, Out, one, write_text};
use crate::status::{Result, tl_status};

/// Sets the seed of the batches of later training. The parameters stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_seed_f32(network: *mut tl_network_f32, seed: u64) -> tl_status {
    call!({
        handle::write::<f32>(network)?.rng = ChaCha8Rng::seed_from_u64(seed);
        Ok(())
    })
}

/// As `tl_network_set_seed_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_seed_f64(network: *mut tl_network_f64, seed: u64) -> tl_status {
    call!({
        handle::write::<f64>(network)?.rng = ChaCha8Rng::seed_from_u64(seed);
        Ok(())
    })
}

/// The name of the network's instruction-set level. `name_length` is the size of `name` in bytes; 16 is enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_level_f32(
    network: *const tl_network_f32,
    name: *mut c_char,
    name_length: usize,
) -> tl_status {
    call!(write_text(handle::read::<f32>(network)?.net.level.name(), Out(name, name_length, "name")))
}

/// As `tl_network_level_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_level_f64(
    network: *const tl_network_f64,
    name: *mut c_char,
    name_length: usize,
) -> tl_status {
    call!(write_text(handle::read::<f64>(network)?.net.level.name(), Out(name, name_length, "name")))
}

/// Sets the instruction-set level; see `tl_level_name`. All levels give the same results, to the bit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_level_f32(network: *mut tl_network_f32, name: *const c_char) -> tl_status {
    call!({
        let level = machine::level(pointer::text(name, "name")?)?;
        handle::write::<f32>(network)?.net.level = level;
        Ok(())
    })
}

/// As `tl_network_set_level_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_level_f64(network: *mut tl_network_f64, name: *const c_char) -> tl_status {
    call!({
        let level = machine::level(pointer::text(name, "name")?)?;
        handle::write::<f64>(network)?.net.level = level;
        Ok(())
    })
}

/// The number of threads that the network's calls use, including the calling one; the most, if it is chosen by measuring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_threads_f32(network: *const tl_network_f32, threads: *mut usize) -> tl_status {
    call!({
        let network = handle::read::<f32>(network)?;
        one(threads, "threads").slice(&[])?[0] = network.threads();
        Ok(())
    })
}

/// As `tl_network_threads_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_threads_f64(network: *const tl_network_f64, threads: *mut usize) -> tl_status {
    call!({
        let network = handle::read::<f64>(network)?;
        one(threads, "threads").slice(&[])?[0] = network.threads();
        Ok(())
    })
}

/// Sets the number of threads that the network's calls use, including the calling one: 1 to 1024, or 0, the default, for
/// a number up to that of the processors which is chosen by measuring, so that more threads are used only where they are
/// faster. Results do not depend on it. The first call with enough work starts the threads; they sleep between calls and
/// end when the network is freed or the number is set. A process made by fork starts its own. Training uses at most one
/// thread for each 16 hidden units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_threads_f32(network: *mut tl_network_f32, threads: usize) -> tl_status {
    call!(set_threads::<f32>(network, threads))
}

/// As `tl_network_set_threads_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_threads_f64(network: *mut tl_network_f64, threads: usize) -> tl_status {
    call!(set_threads::<f64>(network, threads))
}

unsafe fn set_threads<T: Precision>(network: *mut T::Opaque, threads: usize) -> Result<()> {
    // SAFETY: as of this function.
    let mut network = unsafe { handle::write::<T>(network) }?;
    network.net.threads = machine::threads(threads, 0)?;
    Ok(())
}
