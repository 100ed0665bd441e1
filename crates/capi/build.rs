//! Names the shared library of a plain `cargo build`. cargo-c, which sets the feature `capi`, gives its own name.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_elf = env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix")
        && env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor != "apple");
    if is_elf && env::var_os("CARGO_FEATURE_CAPI").is_none() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtwolayer.so");
    }
}
