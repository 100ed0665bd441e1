//! Compiles `shim.c`, which makes allocations, writes and threads fail.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library to preload. None without a C compiler, or if the C library is not glibc.
pub fn compile(folder: &Path) -> Option<PathBuf> {
    let shim = folder.join("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/shim.c");
    let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl").output();
    (built.is_ok_and(|built| built.status.success()) && cfg!(target_env = "gnu")).then_some(shim)
}
