//! The digests of `crates/core/tests/digests`, computed in WebAssembly.

#[path = "../../core/tests/digests/recipes.rs"]
mod recipes;

use twolayer_core::Level;

/// The digests at the best level, as text that ends with a zero byte.
#[unsafe(no_mangle)]
pub extern "C" fn digests() -> *const u8 {
    let text = recipes::digests(Level::best()) + "\0";
    text.leak().as_ptr()
}
