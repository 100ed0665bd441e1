//! Versions, processors and instruction-set levels.

use std::ffi::c_char;

use twolayer_core::{Level, Threads};

use crate::pointer::{Out, one, write_text};
use crate::status::{Failure, Result, tl_status};

/// The version of the binary interface of this header. It changes when a program built with one
/// header cannot use the library of another.
pub const TL_ABI_VERSION: u32 = 1;

/// The version of the library's binary interface, to be compared with `TL_ABI_VERSION`, the one
/// that a program was built for.
#[unsafe(no_mangle)]
pub extern "C" fn tl_abi_version() -> u32 {
    TL_ABI_VERSION
}

/// The version of the library, such as `0.1.0`. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn tl_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The number of processors that this process may use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_processors(count: *mut usize) -> tl_status {
    call!({
        let count = one(count, "count").slice(&[])?;
        count[0] = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(())
    })
}

/// The number of instruction-set levels of this processor, at least 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_level_count(count: *mut usize) -> tl_status {
    call!({
        one(count, "count").slice(&[])?[0] = Level::available().len();
        Ok(())
    })
}

/// The name of a level that this processor has, lowest first: `scalar`, `avx2`, `avx512`. `index` counts from 0;
/// `name_length` is the size of `name` in bytes; 16 is enough.
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

/// The most threads of a call.
const MOST_THREADS: usize = 1024;

/// So many threads, of which there are at least `least`; 0 means a number chosen by measuring.
pub(crate) fn threads(threads: usize, least: usize) -> Result<Threads> {
    if !(least..=MOST_THREADS).contains(&threads) {
        let what = format!("threads is {threads}; expected {least} to {MOST_THREADS}");
        return Err(Failure::new(tl_status::Option, what));
    }
    Ok(if threads == 0 { Threads::auto() } else { Threads::new(threads) })
}
