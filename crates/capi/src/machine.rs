//! Versions, instruction-set levels and numbers of threads.

use std::ffi::{CStr, c_char};

use twolayer_core::{Level, Threads};

use crate::*;

pub const TL_ABI_VERSION: u32 = 1;

#[unsafe(no_mangle)]
pub extern "C" fn tl_abi_version() -> u32 {
    TL_ABI_VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn tl_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn tl_level_name(index: usize) -> *const c_char {
    Level::available().get(index).map_or(std::ptr::null(), |level| name_of(*level).as_ptr())
}

/// The level's name as a static text of C.
pub(crate) fn name_of(level: Level) -> &'static CStr {
    NAMES.into_iter().find(|name| name.to_bytes() == level.name().as_bytes()).unwrap_or_default()
}

/// [`Level::NAMES`] as texts of C.
const NAMES: [&CStr; 4] = [c"scalar", c"avx2", c"avx512", c"neon"];

#[cfg(test)]
#[test]
fn every_level_has_its_name() {
    assert_eq!(NAMES.map(|name| name.to_str().unwrap()), *Level::NAMES);
}

/// So many threads, of which there are at least `least`; 0 means a number chosen by measuring.
pub(crate) fn threads(threads: usize, least: usize) -> Result<Threads> {
    match threads {
        0 if least == 0 => Ok(Threads::auto()),
        1..=1024 => Ok(Threads::new(threads)),
        _ => invalid("threads", threads, &format!("{least} to 1024")),
    }
}
