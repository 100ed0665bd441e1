//! The library in a folder outside the workspace, and the system's compilers.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::Ran;

/// Where `cargo cinstall` has put the library. Without it, what needs the library is skipped; with it, a tool that is
/// missing is a failure.
const PREFIX: &str = "TWOLAYER_PREFIX";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How a program is linked with the library.
pub const BOTH: [&str; 2] = ["static", "shared"];

/// The installed library, and a folder to build programs in.
pub struct Scratch {
    pub prefix: PathBuf,
    folder: tempfile::TempDir,
}

impl Scratch {
    /// None unless the library was installed.
    pub fn new() -> Option<Self> {
        let prefix = env::var_os(PREFIX).map(PathBuf::from);
        if prefix.is_none() {
            eprintln!("skipped: {PREFIX} does not name the prefix of `cargo cinstall -p twolayer-capi`");
        }
        Some(Scratch { prefix: prefix?, folder: tempfile::tempdir().unwrap() })
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Compiles a source, in the language of its file extension and in this version of it.
    pub fn compile(&self, source: &Path, linking: &str, standard: &str) -> PathBuf {
        let binary = self.folder.path().join(source.file_stem().unwrap()).with_extension(linking);
        let is_c = source.extension().is_some_and(|extension| extension == "c");
        let mut command = Command::new(if is_c { "cc" } else { "c++" });
        command.args(["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]).arg(format!("-std={standard}"));
        command.arg(source).arg("-o").arg(&binary).arg("-I").arg(self.prefix.join("include"));
        // What the examples and the programs of these tests include.
        command.arg(format!("-I{ROOT}/crates/capi/examples"));
        let library = self.prefix.join("lib");
        match linking {
            "static" => command.arg(library.join("libtwolayer.a")).arg("-Wl,--gc-sections"),
            _ => command.arg(library.join("libtwolayer.so")).arg(format!("-Wl,-rpath,{}", library.display())),
        };
        ok(command.args(["-lm", "-lpthread", "-ldl"]));
        binary
    }
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
