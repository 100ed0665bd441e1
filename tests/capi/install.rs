//! The library in a folder outside the workspace, and the system's compilers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::common::Ran;

/// The prefix into which `cargo cinstall` has put the library; without it, the library of a plain `cargo build` is
/// tested, and what needs a pkg-config file is skipped. With it, a tool that is missing is a failure.
const PREFIX: &str = "TWOLAYER_PREFIX";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How a program is linked with the library.
pub const BOTH: [&str; 2] = ["static", "shared"];

/// The prefix, if the library was installed into one.
pub fn installed() -> Option<PathBuf> {
    let prefix = env::var_os(PREFIX).map(PathBuf::from);
    if prefix.is_none() {
        eprintln!("skipped: {PREFIX} does not name the prefix of `cargo cinstall -p twolayer-capi`");
    }
    prefix
}

/// Whether a tool is installed. If the library was installed for these tests, the tool must be.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    assert!(found || env::var_os(PREFIX).is_none(), "{PREFIX} is set, but there is no {tool}");
    if !found {
        eprintln!("skipped: there is no {tool}");
    }
    found
}

/// A file of the library in its prefix. Without one, it is built as its documentation says, once for all tests.
pub fn library(file: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = || {
        // Not in the target folder of the tests, which have other features: each build would invalidate the other.
        let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/capi");
        let prefix = Path::new(target).join("prefix");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "-p", "twolayer-capi", "--locked", "--quiet", "--target-dir", target]).current_dir(ROOT);
        assert_eq!(run(&mut cargo).code, Some(0));
        for (from, to) in [
            (format!("{target}/debug/libtwolayer.a"), "lib/libtwolayer.a"),
            (format!("{target}/debug/libtwolayer.so"), "lib/libtwolayer.so"),
            (format!("{ROOT}/crates/capi/include/twolayer.h"), "include/twolayer.h"),
        ] {
            fs::create_dir_all(prefix.join(to).parent().unwrap()).unwrap();
            fs::copy(from, prefix.join(to)).unwrap();
        }
        prefix
    };
    BUILT.get_or_init(|| env::var_os(PREFIX).map_or_else(built, PathBuf::from)).join(file)
}

/// A program in the language of its file extension and with this version of its standard, in that folder.
pub fn compile(source: &Path, linking: &str, standard: &str, folder: &Path) -> PathBuf {
    let binary = folder.join(source.file_stem().unwrap()).with_extension(linking);
    let mut command =
        Command::new(if source.extension().is_some_and(|extension| extension == "c") { "cc" } else { "c++" });
    command.args(["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]).arg(format!("-std={standard}"));
    command.arg(source).arg("-o").arg(&binary).arg("-I").arg(library("include"));
    // What the examples and the programs of these tests include.
    command.arg(format!("-I{ROOT}/crates/capi/examples"));
    match linking {
        "static" => command.arg(library("lib/libtwolayer.a")).arg("-Wl,--gc-sections"),
        _ => command.arg(library("lib/libtwolayer.so")).arg(format!("-Wl,-rpath,{}", library("lib").display())),
    };
    ok(command.args(["-lm", "-lpthread", "-ldl"]));
    binary
}

/// Runs a command in no folder of the project.
pub fn run(command: &mut Command) -> Ran {
    if command.get_current_dir().is_none() {
        command.current_dir(env::temp_dir());
    }
    // Cargo lets tests find the libraries of its own folder first, which are not the ones that are meant here.
    if !command.get_envs().any(|(name, _)| name == "LD_LIBRARY_PATH") {
        command.env_remove("LD_LIBRARY_PATH");
    }
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Ran::new(format!("{command:?}"), output)
}

/// The standard output of a command that must succeed with nothing on standard error.
pub fn ok(command: &mut Command) -> String {
    let ran = run(command);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    ran.stdout
}
