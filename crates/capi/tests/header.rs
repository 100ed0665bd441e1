//! Compares the committed header with the source.

use std::path::Path;
use std::{env, fs};

/// To regenerate the header: `TWOLAYER_WRITE_HEADER=1 cargo test -p twolayer-capi --test header`.
#[test]
fn the_header_is_current() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(here.join("cbindgen.toml")).unwrap();
    // In reading order.
    let modules = [
        "status", "boundary", "machine", "handle", "network", "settings", "predict", "gradient", "train", "idx",
        "kernels",
    ];
    let builder = modules.iter().fold(cbindgen::Builder::new().with_config(config), |builder, module| {
        builder.with_src(here.join(format!("src/{module}.rs")))
    });
    let mut made = Vec::new();
    builder.generate().expect("cbindgen reads the source").write(&mut made);
    let path = here.join("include/twolayer.h");
    if env::var_os("TWOLAYER_WRITE_HEADER").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found.as_bytes() == made, "{} is not current; write it anew as the comment here says", path.display());
}
