//! The C library as users get it, with the system's compilers and an installation prefix.

mod abuse;
mod header;
mod install;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use crate::common::shim;
use crate::common::{self, float, json};
use install::{BOTH, Scratch, ok, run};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/capi/examples");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/capi/c");
/// What `gradient.c` prints.
const GRADIENTS: &str = "344 parameters: the gradients differ by at most ";
const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// Compiles an example, or the source of that path.
fn compile(scratch: &Scratch, name: &str, linking: &str) -> PathBuf {
    let standard = if name.ends_with(".c") { "c11" } else { "c++11" };
    scratch.compile(&Path::new(EXAMPLES).join(name), linking, standard)
}

/// Runs a program that must fail with these words.
fn fails(binary: &Path, arguments: &[&str], words: &[&str]) {
    let ran = run(Command::new(binary).args(arguments));
    assert!(ran.code == Some(1) && words.iter().all(|word| ran.stderr.contains(word)), "{ran:#?}");
}

/// The standard output under valgrind, which must find nothing.
fn clean(binary: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
    command.args(["show-leak-kinds", "errors-for-leak-kinds"].map(|o| format!("--{o}=definite,indirect,possible")));
    command.arg(format!("--suppressions={PROGRAMS}/valgrind.supp")).arg(binary).args(arguments);
    ok(&mut command)
}

#[test]
fn the_examples_compile_without_a_warning_from_c99_and_cpp11_on() {
    let Some(scratch) = Scratch::new() else { return };
    let c = ["train.c", "mnist.c", "gradient.c"].map(|name| (name, ["c99", "c11", "c17", "c2x"]));
    let cpp = ("predict.cpp", ["c++11", "c++17", "c++20", "c++23"]);
    for (name, standards) in c.into_iter().chain([cpp]) {
        for standard in standards {
            scratch.compile(&Path::new(EXAMPLES).join(name), "shared", standard);
        }
    }
}

#[test]
fn the_examples_run_linked_either_way_and_train_the_network_that_the_driver_trains() {
    let Some(scratch) = Scratch::new() else { return };
    let [from_c, from_driver] = ["c.model", "driver.model"].map(|name| scratch.path(name));
    json("train --out {}", &[from_driver.as_ref()]);
    let images = format!("{DIGITS}/t10k-images-idx3-ubyte.gz");
    for linking in BOTH {
        assert!(ok(&mut Command::new(compile(&scratch, "gradient.c", linking))).starts_with(GRADIENTS));
        let train = compile(&scratch, "train.c", linking);
        let text = ok(Command::new(&train).args([DIGITS, "10000", "2", &from_c]));
        assert!(text.contains("accuracy 90.83%"), "{text}");
        same_evaluation(&from_c, &from_driver);
        fails(&train, &["/nowhere"], &["/nowhere", "TL_ERROR_FILE"]);
        let predict = compile(&scratch, "predict.cpp", linking);
        let digits = ok(Command::new(&predict).args([&from_driver, &images]));
        assert_eq!(digits, "2 3 4 5 6 7 8 9 0 9 5 5 6 5 0 9 8 9 8 4 \n");
        fails(&predict, &[&images, &images], &["error: "]);
    }
}

fn same_evaluation(from_c: &str, from_driver: &str) {
    let [c, driver] = [from_c, from_driver].map(|model| json("eval {}", &[model.as_ref()]));
    assert_eq!((&c["mean_loss"], &c["confusion"]), (&driver["mean_loss"], &driver["confusion"]));
    assert!(float(&c["mean_loss"]) > 0.0);
}

#[test]
fn the_better_recipe_of_c_is_that_of_the_driver() {
    let Some(scratch) = Scratch::new() else { return };
    let mnist = compile(&scratch, "mnist.c", "shared");
    let [checkpoint, from_driver] = ["c.model", "driver.model"].map(|name| scratch.path(name));
    let whole = ok(Command::new(&mnist).args([DIGITS, "4"]));
    // Interrupted after each epoch, it ends in the same state.
    let resumed = ["1", "2", "3", "4"].map(|epochs| ok(Command::new(&mnist).args([DIGITS, epochs, &checkpoint])));
    assert_eq!(resumed.concat(), whole);
    let recipe = "--hidden 512 --activation relu --init he --optimizer adam --lr-decay 0.8 --sampling epochs";
    json(&format!("train {recipe} --epochs 4 --out {{}}"), &[from_driver.as_ref()]);
    same_evaluation(&checkpoint, &from_driver);
    let mut bytes = fs::read(&checkpoint).unwrap();
    let end = bytes.len();
    bytes[end - 8..].fill(0xFF);
    fs::write(&checkpoint, bytes).unwrap();
    fails(&mnist, &[DIGITS, "5", &checkpoint], &["TL_ERROR_FORMAT"]);
}

/// Takes half a minute.
#[test]
fn the_better_recipe_reaches_98_percent_on_mnist_from_c() {
    let (Some(folder), Some(scratch)) = (common::mnist(), Scratch::new()) else { return };
    let text = ok(Command::new(compile(&scratch, "mnist.c", "static")).arg(folder).arg("10"));
    let accuracy = text.trim_end().trim_end_matches('%').rsplit(' ').next().unwrap();
    assert!(text.lines().count() == 10 && accuracy.parse::<f64>().unwrap() >= 98.0, "{text}");
}

#[test]
fn valgrind_finds_nothing_in_the_examples() {
    let Some(scratch) = Scratch::new() else { return };
    // Few iterations: valgrind emulates multiply-adds and takes two thousand times as long.
    for (name, arguments, text) in [
        ("train.c", &[DIGITS, "200", "2"][..], "trained 200 iterations"),
        ("mnist.c", &[DIGITS, "1"], "epoch  1"),
        ("gradient.c", &[], GRADIENTS),
    ] {
        let found = clean(&compile(&scratch, name, "shared"), arguments);
        assert!(found.contains(text), "{name}");
    }
}

/// Every function of the header, with each pointer NULL and misaligned, each length wrong, each buffer over another,
/// structs of wrong sizes, networks that were freed: see `abuse`.
#[test]
fn every_function_rejects_invalid_arguments() {
    let Some(scratch) = Scratch::new() else { return };
    let (folder, binary) = (scratch.path(""), abusing(&scratch));
    println!("{}", ok(Command::new(&binary).args([&folder, "freed"])));
    // Without networks that were freed: to look at one is what valgrind rightly reports.
    clean(&binary, &[&folder]);
}

/// The program that calls every function, see `abuse`.
fn abusing(scratch: &Scratch) -> PathBuf {
    let (source, functions) = abuse::program(&fs::read_to_string(scratch.prefix.join("include/twolayer.h")).unwrap());
    assert!(functions >= 34, "only {functions} functions were found in the header");
    let path = scratch.path("abuse.c");
    fs::write(&path, source).unwrap();
    compile(scratch, &path, "shared")
}

/// Whatever allocation is refused, once or from there on, a call succeeds or fails with TL_ERROR_MEMORY.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_refused_allocation_never_ends_the_process() {
    let Some(scratch) = Scratch::new() else { return };
    let (binary, counts) = (abusing(&scratch), scratch.path("counts"));
    let shim = shim::compile(Path::new(&scratch.path(""))).expect("a C compiler");
    // The calls that were refused memory.
    let refusing = |folder: &str, times: &str, environment: &[(&str, &str)]| -> usize {
        let mut program = Command::new(&binary);
        program.args([folder, "valid", times]).env("LD_PRELOAD", &shim).envs(environment.iter().copied());
        let ran = run(&mut program);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{environment:?}");
        ran.stdout.trim_end().trim_end_matches(" refused").rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(refusing(&scratch.path(""), "1", &[("COUNTS", &counts)]), 0);
    let count: u64 = fs::read_to_string(&counts).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(count > 100, "{count} allocations");
    let all = [("FAULT", "alloc"), ("NTH", "1")];
    // Ends when the reserve is half used, from where on every call is refused.
    let refused = refusing(&scratch.path(""), "1000", &all);
    assert!(refused > 20, "{refused}");
    let check = |first: u64| {
        let folder = scratch.path(&first.to_string());
        fs::create_dir(&folder).unwrap();
        let mut most = 0;
        for nth in (first..=count).step_by(2) {
            for once in [&[("ONCE", "1")][..], &[]] {
                let refused =
                    refusing(&folder, "1", &[&[("FAULT", "alloc"), ("NTH", &nth.to_string())], once].concat());
                assert!(once.is_empty() || refused <= 1, "allocation {nth} of {count}");
                most = most.max(refused);
            }
        }
        assert!(most > 3, "calls go on to be refused");
    };
    std::thread::scope(|scope| [1, 2].into_iter().for_each(|first| drop(scope.spawn(move || check(first)))));
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_left_as_it_was_by_threads_and_all_uses_and_without_memory() {
    let Some(scratch) = Scratch::new() else { return };
    let folder = scratch.path("");
    for linking in BOTH {
        let process = compile(&scratch, &format!("{PROGRAMS}/process.c"), linking);
        for mode in ["threads", "uses", "memory"] {
            assert_eq!(ok(Command::new(&process).args([mode, DIGITS, &folder])), "ok\n", "{mode}");
        }
        clean(&process, &["threads", DIGITS, &folder]);
    }
}

#[test]
fn only_prefixed_symbols_are_global() {
    let Some(scratch) = Scratch::new() else { return };
    let library = |file| scratch.prefix.join(file);
    let names = |arguments: &[&str], file: &Path| -> BTreeSet<String> {
        let text = run(Command::new("nm").args(arguments).args(["--defined-only", "--format=posix"]).arg(file)).stdout;
        // A name and the letter of its kind.
        let fields = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        fields.filter(|f| f.len() > 1 && f[1].len() == 1).map(|f| f[0].to_owned()).collect()
    };
    let header = fs::read_to_string(scratch.prefix.join("include/twolayer.h")).unwrap();
    let declared: BTreeSet<String> = header::functions(&header).into_iter().map(|f| f.name).collect();
    assert_eq!(names(&["--dynamic"], &library("lib/libtwolayer.so")), declared);
    // Mangled names are Rust's own. The compiler's runtime: arithmetic by libgcc's names, and what unwinding needs.
    let runtime = |name: &str| name.starts_with("__") || name.contains("rust_eh_personality");
    let mangled = |name: &str| name.starts_with("_R") || name.starts_with("_ZN") || name.contains(".llvm.");
    let others = names(&["--extern-only"], &library("lib/libtwolayer.a"));
    let strangers: Vec<_> = others.difference(&declared).filter(|n| !mangled(n) && !runtime(n)).collect();
    let elf = run(Command::new("readelf").arg("-d").arg(library("lib/libtwolayer.so"))).stdout;
    assert!(elf.contains("Library soname: [libtwolayer.so"), "{elf}");
    assert!(declared.is_subset(&others) && strangers.is_empty(), "{strangers:?}");
}

#[test]
fn cmake_finds_the_library_by_its_pkg_config_file() {
    let Some(build) = Scratch::new() else { return };
    let mut configure = Command::new("cmake");
    configure.args(["-S", &format!("{EXAMPLES}/cmake"), "-B", &build.path("")]);
    assert_eq!(run(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", build.prefix.display()))).code, Some(0));
    assert_eq!(run(Command::new("cmake").args(["--build", &build.path("")])).code, Some(0));
    assert!(ok(&mut Command::new(build.path("gradient"))).starts_with(GRADIENTS));
}

#[test]
fn pkg_config_links_both_libraries() {
    let Some(scratch) = Scratch::new() else { return };
    let library = scratch.prefix.join("lib");
    let configured = |arguments: &[&str]| {
        let mut command = Command::new("pkg-config");
        ok(command.env("PKG_CONFIG_PATH", library.join("pkgconfig")).args(arguments).arg("twolayer"))
    };
    assert_eq!(configured(&["--modversion"]).trim(), env!("CARGO_PKG_VERSION"));
    let source = format!("{EXAMPLES}/gradient.c");
    for arguments in [&["--cflags", "--libs"][..], &["--cflags", "--libs", "--static"]] {
        let (flags, binary) = (configured(arguments), scratch.path("by_pkg_config"));
        assert_eq!(run(Command::new("cc").args([&source, "-o", &binary]).args(flags.split_whitespace())).code, Some(0));
        ok(Command::new(&binary).env("LD_LIBRARY_PATH", &library));
    }
}
