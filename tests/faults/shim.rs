//! The library that refuses what the system could refuse.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `shim.c` to a library to preload. None without a C compiler or with another C library than glibc.
pub fn compile(folder: &Path) -> Option<PathBuf> {
    let shim = folder.join("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c");
    let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl").output();
    (built.is_ok_and(|built| built.status.success()) && cfg!(target_env = "gnu")).then_some(shim)
}
