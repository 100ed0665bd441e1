//! What the system may refuse at any moment (memory, room on a disk, threads) ends a command with an error, and leaves
//! whole files or none. `shim.c`, preloaded into the program, refuses it.
//!
//! Some places of each command are tried; with `TWOLAYER_FAULTS=all`, every one, which takes 40 minutes.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::common::{digits, folder, names_in, ok, shim, tiny, twolayer};

/// What each command is run with, in a folder with a model, a picture, an archive and a set.
const COMMANDS: [&str; 16] = [
    "train --data set --iters 3 --hidden 3 --batch 2 --threads 1 --out o.model --log o.csv --checkpoint o.ckpt \
     --report o.html --plot o.png",
    "train --data set --iters 2 --hidden 3 --batch 2 --out o.model --optimizer adam --plot o.svg",
    "train --data set --iters 2 --hidden 3 --batch 2 --seeds 0..2 --report o.html",
    "lr-find --hidden 4 --plot o.svg",
    "tune --hidden 3 --trials 2 --epochs 1 --csv o.csv",
    "eval model --report o.html",
    "compare model model --report o.html",
    "predict model picture.png --show-input o.png",
    "predict model picture.png picture.png --json",
    "predict model --csv o.csv",
    "gradcheck --data set --hidden 3 --batch 2",
    "export model --out o.onnx",
    "export model --out o.html",
    "import weights.npz --out o.model",
    "data convert set o",
    "man --dir o",
];

/// The places of each kind that are tried in a command.
const PLACES: u64 = 4;

struct Fixture {
    folder: tempfile::TempDir,
    shim: PathBuf,
}

impl Fixture {
    /// None without a C compiler or another C library than glibc.
    fn new() -> Option<Fixture> {
        let scratch = tempfile::tempdir().unwrap();
        let shim = shim::compile(scratch.path())?;
        let at = |name: &str| scratch.path().join(name);
        ok("train --iters 30 --hidden 4 --quiet --out {}", &[&at("model")]);
        ok("export {} --out {}", &[&at("model"), &at("weights.npz")]);
        let ink = |x: u32, y: u32| if (17..23).contains(&x) && (5..35).contains(&y) { 0 } else { 255 };
        image::GrayImage::from_fn(40, 40, |x, y| image::Luma([ink(x, y)])).save(at("picture.png")).unwrap();
        fs::rename(folder(&tiny()).keep(), at("set")).unwrap();
        Some(Fixture { folder: scratch, shim })
    }

    /// Runs a command in a folder of its own with a fault; returns what it wrote.
    fn run(&self, command: &str, environment: &[(&str, &str)]) -> (Output, BTreeMap<String, Vec<u8>>) {
        let own = tempfile::tempdir().unwrap();
        let given = ["model", "weights.npz", "picture.png", "set"];
        for name in given {
            std::os::unix::fs::symlink(self.folder.path().join(name), own.path().join(name)).unwrap();
        }
        let mut program = twolayer();
        program.args(command.split_whitespace()).current_dir(own.path()).env_remove("RUST_BACKTRACE");
        program.env("LD_PRELOAD", &self.shim).envs(environment.iter().copied()).stdin(Stdio::null());
        let output = program.output().unwrap();
        let mut written = BTreeMap::new();
        add(own.path(), "", &mut written);
        written.retain(|name, _| !given.iter().any(|given| name.starts_with(given)));
        (output, written)
    }

    /// The numbers of allocations, writes and threads, and the files, of a run without a fault.
    fn whole(&self, command: &str) -> ([u64; 3], BTreeMap<String, Vec<u8>>) {
        let counts = tempfile::NamedTempFile::new().unwrap();
        let (output, files) = self.run(command, &[("COUNTS", counts.path().to_str().unwrap())]);
        assert_eq!(output.status.code(), Some(0), "{command}: {output:?}");
        let text = fs::read_to_string(counts.path()).unwrap();
        let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (numbers.try_into().unwrap(), files)
    }
}

/// Adds the files in a folder and below it.
fn add(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for name in names_in(folder) {
        let (path, name) = (folder.join(&name), format!("{prefix}{name}"));
        match path.is_dir() {
            true => add(&path, &format!("{name}/"), files),
            false => drop(files.insert(name, fs::read(&path).unwrap())),
        }
    }
}

/// Whether a file is whole: as a run without a fault writes it, or, where times or earlier checkpoints differ, with its
/// end.
fn is_whole(name: &str, bytes: &[u8], reference: &[u8]) -> bool {
    let ends = |end: &str| bytes.trim_ascii_end().ends_with(end.as_bytes());
    bytes == reference
        || match name.rsplit('.').next() {
            Some("html") => ends("</html>"),
            Some("ckpt") => is_whole_model(bytes),
            Some("csv") => {
                bytes.iter().filter(|&&b| b == b'\n').count() == reference.iter().filter(|&&b| b == b'\n').count()
            }
            _ => false,
        }
}

/// Whether the data of a model file is as long as its header says.
fn is_whole_model(bytes: &[u8]) -> bool {
    let (head, rest) = bytes.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(head.try_into().unwrap()) as usize);
    let header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let ends = header.as_object().unwrap().values().filter_map(|tensor| tensor["data_offsets"][1].as_u64());
    ends.max() == Some(data.len() as u64)
}

/// The places to try among so many.
fn places(count: u64) -> Vec<u64> {
    match std::env::var("TWOLAYER_FAULTS").is_ok_and(|all| all == "all") || count <= PLACES {
        true => (1..=count).collect(),
        // Closer together at the beginning and at the end, where there is the most variety.
        false => (0..PLACES).map(|i| 1 + (count - 1) * i / (PLACES - 1)).collect(),
    }
}

/// Refuses what is asked for at some places, once or from there on.
fn refuse(fault: &str, kind: usize) {
    let Some(fixture) = Fixture::new() else { return };
    let check = |command: &str| {
        let (counts, reference) = fixture.whole(command);
        assert!(counts[kind] > 0, "{command}");
        for (place, once) in places(counts[kind]).into_iter().flat_map(|place| [(place, true), (place, false)]) {
            let nth = place.to_string();
            let mut environment = vec![("FAULT", fault), ("NTH", &nth)];
            environment.extend(once.then_some(("ONCE", "1")));
            let (output, files) = fixture.run(command, &environment);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let shown =
                format!("{command}, {fault} {place} of {}, once: {once}: {:?} {stderr}", counts[kind], output.status);
            match output.status.code() {
                // What was refused was not needed: a number of threads, a cache.
                Some(0) => assert!(files.keys().eq(reference.keys()), "{shown} {:?}", files.keys()),
                Some(1) => assert!(stderr.contains("error: ") && !stderr.contains("internal"), "{shown}"),
                _ => panic!("{shown}"),
            }
            for (name, bytes) in &files {
                assert!(reference.get(name).is_some_and(|whole| is_whole(name, bytes, whole)), "{name} of {shown}");
            }
        }
    };
    thread::scope(|scope| COMMANDS.iter().for_each(|command| drop(scope.spawn(move || check(command)))));
}

#[test]
fn an_allocation_that_fails_is_an_error() {
    refuse("alloc", 0);
}

#[test]
fn a_write_that_fails_is_an_error() {
    refuse("write", 1);
}

/// One thread is the calling one; more, where their number is not given, are a matter of speed alone.
#[test]
fn no_command_needs_a_second_thread() {
    let Some(fixture) = Fixture::new() else { return };
    for command in COMMANDS {
        let (_, reference) = fixture.whole(command);
        let (output, files) = fixture.run(command, &[("FAULT", "thread"), ("NTH", "1")]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(files.keys().eq(reference.keys()), "{command}");
        let has_option = !["export", "import", "data", "man"].iter().any(|name| command.starts_with(name));
        let needs_it = has_option && !command.contains("--threads");
        let one = format!("{command}{}", if needs_it { " --threads 1" } else { "" });
        assert_eq!(fixture.whole(&one).0[2], 0, "{one}");
    }
    let several = format!("train --data {} --iters 2 --threads 2", digits().display());
    let (output, _) = fixture.run(&several, &[("FAULT", "thread"), ("NTH", "1")]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("thread"), "{stderr}");
}

/// A second Ctrl-C, or an abort for another reason than memory, while a file is written.
#[test]
fn the_program_ends_at_once_without_leftovers_and_without_another_reason() {
    let Some(fixture) = Fixture::new() else { return };
    let command = "train --data set --iters 2 --hidden 3 --batch 2 --threads 1 --out o.model";
    for (signal, code, ended_by) in [(2, Some(130), None), (6, None, Some(6))] {
        let (output, files) = fixture.run(command, &[("FAULT", "signal"), ("NTH", &signal.to_string())]);
        assert_eq!((output.status.code(), output.status.signal()), (code, ended_by), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("memory"), "{output:?}");
        assert!(files.is_empty(), "{signal}: {:?}", files.keys());
    }
}

/// Runs a command in a folder with so much address space; returns what it said on standard error, too.
fn limited(megabytes: u32, command: &str, folder: &Path) -> (Output, String) {
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("ulimit -v {megabytes}000; exec \"$@\"")).arg("sh");
    limited.arg(twolayer().get_program()).args(command.split_whitespace()).current_dir(folder);
    let output = limited.env_remove("RUST_BACKTRACE").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, stderr)
}

/// Each command asks for the memory that a network takes before it computes.
#[test]
fn networks_larger_than_the_memory_are_refused_by_each_command() {
    let folder = tempfile::tempdir().unwrap();
    ok("train --iters 1 --hidden 20000 --quiet --out {}", &[&folder.path().join("model")]);
    ok("export {} --out {}", &[&folder.path().join("model"), &folder.path().join("weights.npz")]);
    for command in [
        "eval model --threads 1",
        "compare model model --threads 1",
        "predict model --threads 1 --csv o.csv",
        "export model --out o.onnx",
        "export model --out o.h",
        "import weights.npz --out o.model",
    ] {
        let (mut told, mut megabytes) = (0, 20);
        loop {
            let (output, stderr) = limited(megabytes, command, folder.path());
            match output.status.code() {
                Some(0) => break,
                Some(1) => assert!(stderr.contains("memory") && !stderr.contains("internal"), "{megabytes}: {stderr}"),
                _ => panic!("{megabytes} MB, {command}: {output:?}"),
            }
            assert!(!stderr.contains("memory allocation of"), "{megabytes} MB, {command}: {stderr}");
            // By the command, or by what reads the file.
            let asked = ["not enough memory: it takes about", "of memory, which the system refuses"];
            told += usize::from(asked.iter().any(|words| stderr.contains(words)));
            megabytes += 12;
        }
        assert!(told > 0, "{command}: {megabytes} MB");
    }
}

/// What is too large for the memory is an error that says so, and never a signal.
#[test]
fn pictures_larger_than_the_memory_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [model, picture] = ["model", "picture.png"].map(|name| folder.path().join(name));
    ok("train --iters 30 --hidden 4 --quiet --out {}", &[&model]);
    image::RgbaImage::from_pixel(1500, 1400, image::Rgba([255; 4])).save(&picture).unwrap();
    let mut told = 0;
    for megabytes in (20..60).step_by(5) {
        let (output, stderr) = limited(megabytes, "predict --threads 1 model picture.png", folder.path());
        // Where even the loader of the program fails, it has an exit code of its own.
        let is_error = output.status.code() == Some(1) && stderr.contains("error: ") && !stderr.contains("internal");
        assert!(is_error || stderr.contains("shared"), "{megabytes} MB: {:?} {stderr}", output.status);
        told += usize::from(stderr.contains("of memory, which the system refuses"));
    }
    assert!(told > 0);
}
