//! The C library as users get it, with the system's compilers and an installation prefix.

#[path = "../common/mod.rs"]
mod common;

mod abuse;
mod install;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Ran, float, json};
use install::{Linking, Native, has, run};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/capi/examples");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/capi/c");
const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

fn example(name: &str) -> PathBuf {
    Path::new(EXAMPLES).join(name)
}

fn program(name: &str) -> PathBuf {
    Path::new(PROGRAMS).join(name)
}

/// The standard output of a program that must succeed with nothing on standard error.
fn ok(command: &mut Command) -> String {
    let ran = run(command);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    ran.stdout
}

/// The same under valgrind, which must find nothing.
fn clean(binary: &Path, arguments: &[&str]) -> Option<Ran> {
    if !has("valgrind") {
        return None;
    }
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
    ]);
    command.arg("--errors-for-leak-kinds=definite,indirect,possible");
    command.arg(format!("--suppressions={PROGRAMS}/valgrind.supp")).arg(binary).args(arguments);
    let ran = run(&mut command);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    Some(ran)
}

#[test]
fn the_examples_compile_without_a_warning_from_c99_and_cpp11_on() {
    let native = Native::new();
    let all = ["train.c", "mnist.c", "gradient.c", "product.c", "predict.cpp"];
    for (source, linking) in all.iter().flat_map(|&name| [(name, Linking::Static), (name, Linking::Shared)]) {
        let standards = match source.ends_with(".c") {
            true => ["c99", "c11", "c17", "c2x"],
            false => ["c++11", "c++17", "c++20", "c++23"],
        };
        for standard in standards {
            if native.compile_as(&example(source), linking, standard).is_none() {
                return;
            }
        }
    }
}

#[test]
fn the_examples_in_c_run_linked_either_way() {
    let native = Native::new();
    for linking in [Linking::Static, Linking::Shared] {
        let gradient = ok(&mut Command::new(native.compile(&example("gradient.c"), linking).unwrap()));
        assert!(gradient.starts_with("344 parameters: the gradients differ by at most "), "{gradient}");
        let product = ok(&mut Command::new(native.compile(&example("product.c"), linking).unwrap()));
        assert_eq!(product, "C = 4 5 / 10 11\nD = 17 22 27 / 22 29 36 / 27 36 45\n");
        let train = native.compile(&example("train.c"), linking).unwrap();
        let text = ok(Command::new(&train).args([DIGITS, "10000", "2"]));
        assert!(text.contains("accuracy 90.83%"), "{text}");
        let ran = run(Command::new(&train).arg("/nowhere"));
        assert!(
            ran.code == Some(1) && ran.stderr.contains("/nowhere") && ran.stderr.contains("TL_ERROR_FILE"),
            "{ran:#?}"
        );
    }
}

#[test]
fn c_trains_the_network_that_the_driver_trains_and_cpp_runs_it() {
    let native = Native::new();
    let (from_c, from_driver) = (native.folder().join("c.model"), native.folder().join("driver.model"));
    let train = native.compile(&example("train.c"), Linking::Shared).unwrap();
    ok(Command::new(train).args([DIGITS, "10000", "1"]).arg(&from_c));
    json("train --out {}", &[&from_driver]);
    let [c, driver] = [&from_c, &from_driver].map(|model| json("eval {}", &[model]));
    assert_eq!((&c["mean_loss"], &c["confusion"]), (&driver["mean_loss"], &driver["confusion"]));
    assert!(float(&c["mean_loss"]) > 0.0);
    for linking in [Linking::Static, Linking::Shared] {
        let Some(predict) = native.compile(&example("predict.cpp"), linking) else { return };
        let images = Path::new(DIGITS).join("t10k-images-idx3-ubyte.gz");
        let digits = ok(Command::new(&predict).arg(&from_driver).arg(&images));
        assert_eq!(digits, "2 3 4 5 6 7 8 9 0 9 5 5 6 5 0 9 8 9 8 4 \n");
        let ran = run(Command::new(&predict).arg(&images).arg(&images));
        assert!(ran.code == Some(1) && ran.stderr.starts_with("error: "), "{ran:#?}");
    }
}

/// The lines of a run of the better recipe, up to so many epochs.
fn epochs(binary: &Path, folder: &Path, epochs: &str, checkpoint: Option<&Path>) -> Vec<String> {
    let text = ok(Command::new(binary).arg(folder).arg(epochs).args(checkpoint));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_better_recipe_of_c_is_that_of_the_driver() {
    let native = Native::new();
    let mnist = native.compile(&example("mnist.c"), Linking::Shared).unwrap();
    let checkpoint = native.folder().join("c.model");
    let whole = epochs(&mnist, DIGITS.as_ref(), "4", None);
    // Interrupted after each epoch, it ends in the same state.
    let resumed = (1..=4).flat_map(|n| epochs(&mnist, DIGITS.as_ref(), &n.to_string(), Some(&checkpoint)));
    assert_eq!(resumed.collect::<Vec<_>>(), whole);
    let from_driver = native.folder().join("driver.model");
    let recipe = "--hidden 512 --activation relu --init he --optimizer adam --lr-decay 0.8 --sampling epochs";
    json(&format!("train {recipe} --epochs 4 --out {{}}"), &[&from_driver]);
    let [c, driver] = [&checkpoint, &from_driver].map(|model| json("eval {}", &[model]));
    assert_eq!((&c["mean_loss"], &c["confusion"]), (&driver["mean_loss"], &driver["confusion"]));
    let damaged = native.folder().join("damaged.model");
    let mut bytes = fs::read(&checkpoint).unwrap();
    let end = bytes.len();
    bytes[end - 8..].fill(0xFF);
    fs::write(&damaged, bytes).unwrap();
    let ran = run(Command::new(&mnist).arg(DIGITS).arg("5").arg(&damaged));
    assert!(ran.code == Some(1) && ran.stderr.contains("TL_ERROR_FORMAT"), "{ran:#?}");
}

/// Takes half a minute.
#[test]
fn the_better_recipe_reaches_98_percent_on_mnist_from_c() {
    let Some(folder) = std::env::var_os("TWOLAYER_MNIST") else {
        eprintln!("skipped: TWOLAYER_MNIST does not name the folder of MNIST");
        return;
    };
    let native = Native::new();
    let mnist = native.compile(&example("mnist.c"), Linking::Static).unwrap();
    let lines = epochs(&mnist, folder.as_ref(), "10", None);
    let accuracy = lines.last().unwrap().split("accuracy ").nth(1).unwrap().trim_end_matches('%');
    assert!(lines.len() == 10 && accuracy.parse::<f64>().unwrap() >= 98.0, "{lines:#?}");
}

#[test]
fn valgrind_finds_nothing_in_the_examples() {
    let native = Native::new();
    let compiled = |name| native.compile(&example(name), Linking::Shared).unwrap();
    // Few iterations: valgrind emulates multiply-adds and takes two thousand times as long.
    let Some(trained) = clean(&compiled("train.c"), &[DIGITS, "200", "2"]) else { return };
    assert!(trained.stdout.contains("trained 200 iterations"), "{trained:#?}");
    clean(&compiled("mnist.c"), &[DIGITS, "1"]);
    clean(&compiled("gradient.c"), &[]);
    clean(&compiled("product.c"), &[]);
}

/// Every function of the header, with each pointer NULL and misaligned, each length wrong, each buffer over another,
/// structs of wrong sizes, networks that were freed: see `abuse`.
#[test]
fn every_function_rejects_invalid_arguments() {
    let native = Native::new();
    let header = fs::read_to_string(native.header()).unwrap();
    let (source, functions) = abuse::program(&header);
    assert!(functions >= 44, "only {functions} functions were found in the header");
    let path = native.folder().join("abuse.c");
    fs::write(&path, source).unwrap();
    let binary = native.compile(&path, Linking::Shared).unwrap();
    let folder = native.folder().to_str().unwrap();
    let text = ok(Command::new(&binary).args([folder, "freed"]));
    println!("{text}");
    // Without networks that were freed: to look at one is what valgrind rightly reports.
    clean(&binary, &[folder]);
}

#[test]
fn threads_share_a_network_or_get_an_error() {
    let native = Native::new();
    for linking in [Linking::Static, Linking::Shared] {
        let binary = native.compile(&program("threads.c"), linking).unwrap();
        assert_eq!(ok(&mut Command::new(&binary)), "ok\n");
        clean(&binary, &[]);
    }
}

#[test]
fn the_library_does_not_change_the_state_of_the_process() {
    let native = Native::new();
    let binary = native.compile(&program("quiet.c"), Linking::Shared).unwrap();
    assert_eq!(ok(Command::new(&binary).arg(DIGITS)), "ok\n");
}

#[cfg(target_os = "linux")]
#[test]
fn lack_of_memory_is_an_error_and_does_not_abort() {
    let native = Native::new();
    let binary = native.compile(&program("memory.c"), Linking::Shared).unwrap();
    assert_eq!(ok(Command::new(&binary).arg(native.folder())), "ok\n");
}

#[test]
fn only_prefixed_symbols_are_global() {
    let native = Native::new();
    if !has("nm") {
        return;
    }
    let names = |arguments: &[&str], file: &Path| -> BTreeSet<String> {
        let text = run(Command::new("nm").args(arguments).args(["--defined-only", "--format=posix"]).arg(file)).stdout;
        // A name and the letter of its kind.
        let fields = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        fields.filter(|f| f.len() > 1 && f[1].len() == 1).map(|f| f[0].to_owned()).collect()
    };
    let header = fs::read_to_string(native.header()).unwrap();
    let declared: BTreeSet<String> = abuse::functions(&header).into_iter().map(|f| f.name).collect();
    assert_eq!(names(&["--dynamic"], &native.library(Linking::Shared)), declared);
    // Mangled names are Rust's own. The compiler's runtime: arithmetic by libgcc's names, and what unwinding needs.
    let runtime = |name: &str| name.starts_with("__") || name.contains("rust_eh_personality");
    let mangled = |name: &str| name.starts_with("_R") || name.starts_with("_ZN") || name.contains(".llvm.");
    let others = names(&["--extern-only"], &native.library(Linking::Static));
    let strangers: Vec<_> = others.difference(&declared).filter(|n| !mangled(n) && !runtime(n)).collect();
    let elf = run(Command::new("readelf").arg("-d").arg(native.library(Linking::Shared))).stdout;
    assert!(elf.contains("Library soname: [libtwolayer.so"), "{elf}");
    assert!(declared.is_subset(&others) && strangers.is_empty(), "{strangers:?}");
}

#[test]
fn cmake_finds_the_library_by_its_pkg_config_file() {
    let native = Native::new();
    let Some(prefix) = native.installed() else { return };
    if !has("cmake") || !has("pkg-config") {
        return;
    }
    let sources = native.folder().join("sources");
    fs::create_dir_all(sources.join("cmake")).unwrap();
    for file in ["product.c", "cmake/CMakeLists.txt"] {
        fs::copy(example(file), sources.join(file)).unwrap();
    }
    let build = native.folder().join("build");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(sources.join("cmake")).arg("-B").arg(&build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    assert_eq!(run(&mut configure).code, Some(0));
    assert_eq!(run(Command::new("cmake").arg("--build").arg(&build)).code, Some(0));
    let text = ok(&mut Command::new(build.join("product")));
    assert!(text.starts_with("C = 4 5 / 10 11\n"), "{text}");
}

#[test]
fn pkg_config_links_both_libraries() {
    let native = Native::new();
    let Some(prefix) = native.installed() else { return };
    if !has("pkg-config") {
        return;
    }
    let configured = |arguments: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(arguments).arg("twolayer");
        ok(&mut command)
    };
    assert_eq!(configured(&["--modversion"]).trim(), env!("CARGO_PKG_VERSION"));
    for arguments in [&["--cflags", "--libs"][..], &["--cflags", "--libs", "--static"]] {
        let flags = configured(arguments);
        let binary = native.folder().join("by_pkg_config");
        let mut compiler = Command::new("cc");
        compiler.arg(example("product.c")).arg("-o").arg(&binary).args(flags.split_whitespace());
        assert_eq!(run(&mut compiler).code, Some(0), "{flags}");
        ok(Command::new(&binary).env("LD_LIBRARY_PATH", prefix.join("lib")));
    }
}
