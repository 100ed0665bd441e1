//! What a network's calls use: a generator of batches, an instruction-set level, an engine, threads.

use std::ffi::c_char;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{Engine, Threads};

use crate::handle::{self, Precision, tl_network_f32, tl_network_f64};
use crate::machine;
use crate::pointer::{self, Out, one, write_text};
use crate::status::{Failure, Result, tl_status};

/// What computes the first layer, nearly all of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum tl_engine {
    /// The faster one for the processor, the level and the number of rows; see `tl_network_engine_for_f32`. The
    /// default.
    Auto = 0,
    /// Floating-point numbers, for any network and any rows.
    Float = 1,
    /// Whole numbers, for rows of pixels in a network of single precision. What comes of it is the same bits on every
    /// processor, at every level and for any number of threads, and as exact as with floating-point numbers. Rows of
    /// floats are refused with `TL_STATUS_OPTION`, but not by central differences, which this does not concern: they are
    /// always taken in double precision.
    Fixed = 2,
}

/// Lets the batches of later training be drawn from this seed. The parameters stay.
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

/// The name of the instruction-set level that the network runs at. `name_length` is the room in `name`, and 16 is
/// enough.
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

/// Lets the network run at another instruction-set level that this processor has; see `tl_level_name`. Results of
/// levels differ in the last bits, but not with `TL_ENGINE_FIXED`.
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

/// Which engine the network was set to: one of `tl_engine`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_engine_f32(network: *const tl_network_f32, engine: *mut i32) -> tl_status {
    call!(engine_of::<f32>(network, engine))
}

/// As `tl_network_engine_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_engine_f64(network: *const tl_network_f64, engine: *mut i32) -> tl_status {
    call!(engine_of::<f64>(network, engine))
}

/// Which engine computes the first layer in a call with so many rows of pixels, at the network's level:
/// `TL_ENGINE_FLOAT` or `TL_ENGINE_FIXED`, never `TL_ENGINE_AUTO`. In training, the rows are all that the call is given,
/// not those of a batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_engine_for_f32(
    network: *const tl_network_f32,
    rows: usize,
    engine: *mut i32,
) -> tl_status {
    call!(engine_for::<f32>(network, rows, engine))
}

/// As `tl_network_engine_for_f32`, in double precision: always `TL_ENGINE_FLOAT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_engine_for_f64(
    network: *const tl_network_f64,
    rows: usize,
    engine: *mut i32,
) -> tl_status {
    call!(engine_for::<f64>(network, rows, engine))
}

/// Lets the network's first layer be computed by another engine: one of `tl_engine`. Model files do not tell it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_engine_f32(network: *mut tl_network_f32, engine: i32) -> tl_status {
    call!(set_engine::<f32>(network, engine))
}

/// As `tl_network_set_engine_f32`, in double precision, which has no whole numbers: `TL_ENGINE_FIXED` is refused with
/// `TL_STATUS_OPTION`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_engine_f64(network: *mut tl_network_f64, engine: i32) -> tl_status {
    call!(set_engine::<f64>(network, engine))
}

/// On how many threads the network's calls run.
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

/// Lets the network's calls run on 1 to 1024 threads, the calling one among them. The others are started by a call that
/// has enough work for them, and have ended when it returns. Results do not depend on it. Training uses at most one for
/// each 16 hidden units, and gains nothing from more threads than processors.
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
    network.net.threads = Threads::own(machine::threads(threads)?);
    Ok(())
}

fn number(engine: Engine) -> i32 {
    match engine {
        Engine::Auto => tl_engine::Auto as i32,
        Engine::Float => tl_engine::Float as i32,
        Engine::Fixed => tl_engine::Fixed as i32,
    }
}

unsafe fn engine_of<T: Precision>(network: *const T::Opaque, engine: *mut i32) -> Result<()> {
    // SAFETY: as of this function.
    let (network, engine) = unsafe { (handle::read::<T>(network)?, one(engine, "engine").slice(&[])?) };
    engine[0] = number(network.net.engine);
    Ok(())
}

unsafe fn engine_for<T: Precision>(network: *const T::Opaque, rows: usize, engine: *mut i32) -> Result<()> {
    // SAFETY: as of this function.
    let (network, engine) = unsafe { (handle::read::<T>(network)?, one(engine, "engine").slice(&[])?) };
    engine[0] = number(network.net.engine.choose::<T>(network.net.level, rows)?);
    Ok(())
}

unsafe fn set_engine<T: Precision>(network: *mut T::Opaque, engine: i32) -> Result<()> {
    // SAFETY: as of this function.
    let mut network = unsafe { handle::write::<T>(network) }?;
    let Some(engine) = Engine::ALL.into_iter().find(|e| number(*e) == engine) else {
        let text = format!("engine is {engine}; expected one of tl_engine, 0 to 2");
        return Err(Failure::new(tl_status::Option, text));
    };
    // Told now rather than by the call that would use it.
    engine.choose::<T>(network.net.level, 1)?;
    network.net.engine = engine;
    Ok(())
}
