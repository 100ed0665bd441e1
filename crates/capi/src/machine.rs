//! Versions, and what the machine has.

use std::ffi::c_char;

use twolayer_core::Level;

use crate::pointer::{Out, one, write_text};
use crate::status::{Failure, Result, tl_status};

/// The version of the binary interface that this header describes. It changes when a program that was built with one
/// header cannot use the library of another.
pub const TL_ABI_VERSION: u32 = 1;

/// The version of the binary interface that the library has: a program may compare it with `TL_ABI_VERSION`, the one
/// that it was built for.
#[unsafe(no_mangle)]
pub extern "C" fn tl_abi_version() -> u32 {
    TL_ABI_VERSION
}

/// The version of the library, such as `0.1.0`. The text is the library's and lasts as long as it is loaded.
#[unsafe(no_mangle)]
pub extern "C" fn tl_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// How many processors this process may use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_processors(count: *mut usize) -> tl_status {
    call!({
        let count = one(count, "count").slice(&[])?;
        count[0] = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(())
    })
}

/// How many instruction-set levels this processor has: 1 to 3.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_level_count(count: *mut usize) -> tl_status {
    call!({
        one(count, "count").slice(&[])?[0] = Level::available().len();
        Ok(())
    })
}

/// The name of a level that this processor has, lowest first: `scalar`, `avx2`, `avx512`. `index` counts from 0;
/// `name_length` is the room in `name`, and 16 is enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_level_name(index: usize, name: *mut c_char, name_length: usize) -> tl_status {
    call!({
        let levels = Level::available();
        let Some(level) = levels.get(index) else {
            let text = format!("index is {index}; this processor has {} levels", levels.len());
            return Err(Failure::new(tl_status::Option, text));
        };
        write_text(level.name(), Out(name, name_length, "name"))
    })
}

/// The level of that name.
pub(crate) fn level(name: &std::ffi::CStr) -> Result<Level> {
    Ok(Level::by_name(&name.to_string_lossy())?)
}

/// Threads that a call can be given.
const MOST_THREADS: usize = 1024;

/// A number of threads that makes sense.
pub(crate) fn threads(threads: usize) -> Result<usize> {
    match threads {
        1..=MOST_THREADS => Ok(threads),
        _ => Err(Failure::new(tl_status::Option, format!("threads is {threads}; expected 1 to {MOST_THREADS}"))),
    }
}
