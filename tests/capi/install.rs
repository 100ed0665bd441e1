//! A folder outside the workspace with the library in it, and the system's compilers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::common::Ran;

/// The prefix into which `cargo cinstall` has put the library; without it, the library of a plain `cargo build` is
/// tested, and what needs a pkg-config file is skipped. With it, a tool that is missing is a failure.
const PREFIX: &str = "TWOLAYER_PREFIX";

/// The system libraries to link with, as the library's documentation lists them.
const SYSTEM: [&str; 3] = ["-lm", "-lpthread", "-ldl"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    Static,
    Shared,
}

/// A folder to build programs in.
pub struct Native {
    scratch: tempfile::TempDir,
    prefix: PathBuf,
}

fn installed() -> Option<PathBuf> {
    env::var_os(PREFIX).map(PathBuf::from)
}

/// Whether a tool is installed. If the library was installed for these tests, the tool must be.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    assert!(found || installed().is_none(), "{PREFIX} is set, but there is no {tool}");
    if !found {
        eprintln!("skipped: there is no {tool}");
    }
    found
}

/// Builds the library as its documentation says, once for all tests, and gives the folder that it is in.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Not in the target folder of the tests, which have other features: each build would invalidate the other.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capi");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "-p", "twolayer-capi", "--locked", "--quiet", "--target-dir"])
            .arg(&target)
            .current_dir(root);
        let ran = run(&mut cargo);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        target.join("debug")
    })
}

impl Native {
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let prefix = installed().unwrap_or_else(|| {
            let prefix = scratch.path().join("prefix");
            fs::create_dir_all(prefix.join("lib")).unwrap();
            fs::create_dir_all(prefix.join("include")).unwrap();
            for library in ["libtwolayer.a", "libtwolayer.so"] {
                fs::copy(built().join(library), prefix.join("lib").join(library)).unwrap();
            }
            let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/capi/include/twolayer.h");
            fs::copy(header, prefix.join("include/twolayer.h")).unwrap();
            prefix
        });
        Native { scratch, prefix }
    }

    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    pub fn header(&self) -> PathBuf {
        self.prefix.join("include/twolayer.h")
    }

    pub fn library(&self, linking: Linking) -> PathBuf {
        self.prefix.join(if linking == Linking::Static { "lib/libtwolayer.a" } else { "lib/libtwolayer.so" })
    }

    /// The prefix, if the library was installed into one; says so if not.
    pub fn installed(&self) -> Option<&Path> {
        if installed().is_none() {
            eprintln!("skipped: {PREFIX} does not name the prefix of `cargo cinstall -p twolayer-capi`");
        }
        installed().is_some().then_some(self.prefix.as_path())
    }

    /// A program in the language of its file extension; `None` without a C++ compiler.
    pub fn compile(&self, source: &Path, linking: Linking) -> Option<PathBuf> {
        self.compile_as(source, linking, if is_c(source) { "c11" } else { "c++11" })
    }

    /// As [`compile`](Self::compile), with this version of the language standard.
    pub fn compile_as(&self, source: &Path, linking: Linking, standard: &str) -> Option<PathBuf> {
        let compiler = if is_c(source) { "cc" } else { "c++" };
        // Rust itself links by the C compiler.
        if !is_c(source) && !has(compiler) {
            return None;
        }
        let copy = self.folder().join(source.file_name().unwrap());
        if copy != source {
            fs::copy(source, &copy).unwrap();
            // What it includes.
            for header in ["expect.h", "digits.h"].map(|name| source.with_file_name(name)).iter().filter(|h| h.exists())
            {
                fs::copy(header, self.folder().join(header.file_name().unwrap())).unwrap();
            }
        }
        let binary = copy.with_extension(if linking == Linking::Static { "static" } else { "shared" });
        let mut command = Command::new(compiler);
        command.arg(format!("-std={standard}")).args(["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]);
        command.arg(&copy).arg("-o").arg(&binary).arg("-I").arg(self.prefix.join("include"));
        match linking {
            Linking::Static => command.arg(self.library(linking)).arg("-Wl,--gc-sections"),
            Linking::Shared => {
                let folder = self.prefix.join("lib");
                command.arg("-L").arg(&folder).arg("-ltwolayer").arg(format!("-Wl,-rpath,{}", folder.display()))
            }
        };
        let ran = run(command.args(SYSTEM));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
        Some(binary)
    }
}

fn is_c(source: &Path) -> bool {
    source.extension().is_some_and(|extension| extension == "c")
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
