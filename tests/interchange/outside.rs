//! The programs that the files are for: Python with its packages, and the system's compilers.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{Ran, digits};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interchange/programs");

/// The interpreter with numpy, onnx, onnxruntime and safetensors that TWOLAYER_PYTHON names. Without it, tests that
/// need one are skipped with a message; with it, anything that is missing is a failure.
pub fn has_python() -> bool {
    let set = env::var_os("TWOLAYER_PYTHON").is_some();
    if !set {
        // Not by `eprintln!`, which the test harness captures.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: set TWOLAYER_PYTHON to a Python with numpy, onnx, onnxruntime and safetensors"
        );
    }
    set
}

/// Runs one of the programs in Python; gives what it printed as JSON.
pub fn python(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Value {
    let interpreter = env::var_os("TWOLAYER_PYTHON").expect("asked for before");
    let mut command = Command::new(interpreter);
    command.arg(Path::new(PROGRAMS).join(program));
    command.args(arguments.iter().map(AsRef::as_ref));
    let text = succeeds(&mut command);
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("the program prints JSON") }
}

/// The standard output of a program that must succeed.
pub fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let ran = Ran::new(format!("{command:?}"), output);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    ran.stdout
}

/// Builds predict.c beside the header `model.h` in `folder`, as C or C++ of a standard, without a warning.
pub fn compile(folder: &Path, standard: &str, real: &str) -> PathBuf {
    let (compiler, language) = if standard.starts_with("c++") { ("c++", "c++") } else { ("cc", "c") };
    let binary = folder.join(format!("predict-{standard}"));
    let mut command = Command::new(compiler);
    command.args(["-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", &format!("-std={standard}")]);
    command.arg(format!("-DREAL={real}")).arg("-I").arg(folder).args(["-x", language]);
    command.arg(Path::new(PROGRAMS).join("predict.c")).arg("-o").arg(&binary).arg("-lm");
    succeeds(&mut command);
    binary
}

/// The pixels of the bundled test images, 64 each, in a file of nothing else.
pub fn pixels(folder: &Path) -> (PathBuf, Vec<u8>) {
    let packed = fs::File::open(digits().join("t10k-images-idx3-ubyte.gz")).unwrap();
    let mut pixels = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut pixels).unwrap();
    pixels.drain(..16);
    assert_eq!(pixels.len(), 360 * 64);
    let path = folder.join("pixels");
    fs::write(&path, &pixels).unwrap();
    (path, pixels)
}
