//! Errors with real files: each is one paragraph and an exit code, and leaves no partial files.

use std::fs;
use std::path::Path;

use crate::common::{self, digits, fails, folder, idx, json, levels, names_in, ok, tiny};

/// The tiny data set with one of its files replaced.
fn broken(file: usize, bytes: Vec<u8>) -> tempfile::TempDir {
    let mut files = tiny();
    files[file] = bytes;
    folder(&files)
}

/// `train` on the folder fails with all of `words`, writes no model, and leaves nothing behind.
fn train_fails(folder: &Path, words: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let (out, log) = (scratch.path().join("model"), scratch.path().join("log"));
    let ran = fails(1, "train --data {} --iters 3 --out {} --log {}", &[folder, &out, &log], words);
    assert_eq!(ran.stdout, "", "{ran:#?}");
    assert_eq!(names_in(scratch.path()), [""; 0]);
}

#[test]
fn every_fault_of_a_file_has_an_error_that_names_the_file() {
    let pixels = tiny()[0][16..].to_vec();
    let mut unknown_type = tiny()[0].clone();
    unknown_type[2] = 0x0A;
    let mut rank_zero = tiny()[1].clone();
    rank_zero[3] = 0;
    let truncated = tiny()[0][..30].to_vec();
    let trailing = [tiny()[1].clone(), vec![0]].concat();
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], &pixels);
    let long = idx(&[1 << 20, 28, 28], &pixels);
    let floats = [vec![0, 0, 0x0D, 1, 0, 0, 0, 4], 1.5f32.to_be_bytes().repeat(4)].concat();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a".to_vec();
    let standardised =
        [&[0, 0, 0x0D, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3][..], &(-0.42f32).to_be_bytes().repeat(24)].concat();
    let cases: Vec<(usize, Vec<u8>, &[&str])> = vec![
        (0, b"<html>404 Not Found</html>".to_vec(), &["train-images-idx3-ubyte", "not an IDX file", "web page"]),
        (0, Vec::new(), &["train-images-idx3-ubyte"]),
        (0, unknown_type, &["train-images-idx3-ubyte", "unknown element type 0x0A"]),
        (1, rank_zero, &["train-labels-idx1-ubyte", "rank out of bounds"]),
        (2, huge, &["t10k-images-idx3-ubyte", "size out of bounds"]),
        (2, long, &["t10k-images-idx3-ubyte", "truncated"]),
        (0, truncated, &["train-images-idx3-ubyte", "truncated", "30"]),
        (3, trailing, &["t10k-labels-idx1-ubyte", "trailing byte"]),
        (0, pointer, &["train-images-idx3-ubyte", "Git LFS pointer", "git lfs pull"]),
        (0, standardised, &["train-images-idx3-ubyte", "from -0.42 to -0.42", "0 to 255"]),
        (0, idx(&[4, 2, 3, 3], &[0; 72]), &["train-images-idx3-ubyte", "colour", "red, green and blue"]),
        (1, floats, &["train-labels-idx1-ubyte", "label 1.5 at index 0", "whole numbers"]),
        (1, idx(&[4, 2], &[0, 1, 1, 1, 0, 1, 0, 1]), &["train-labels-idx1-ubyte", "row 1", "4 x 2", "one-hot"]),
        (0, idx(&[0, 2, 3], &[]), &["train-images-idx3-ubyte", "no images"]),
        (
            3,
            idx(&[3], &[0, 1, 0]),
            &["t10k-images-idx3-ubyte", "4 images here", "3 labels in", "t10k-labels-idx1-ubyte"],
        ),
        (3, idx(&[4], &[0, 1, 2, 0]), &["t10k-labels-idx1-ubyte", "label 2", "2 classes"]),
        (2, idx(&[4, 3, 2], &pixels), &["t10k-images-idx3-ubyte", "3 x 2", "2 x 3"]),
    ];
    for (file, bytes, words) in cases {
        train_fails(broken(file, bytes).path(), words);
    }
}

#[test]
fn damaged_gzip_is_an_error() {
    let packed = fs::read(digits().join("t10k-images-idx3-ubyte.gz")).unwrap();
    let mut flipped = packed.clone();
    flipped[packed.len() / 2] ^= 0x10;
    let cut = packed[..packed.len() - 9].to_vec();
    let long = [packed.clone(), b"more".to_vec()].concat();
    let padded = [packed.clone(), vec![0; 100]].concat();
    for (bytes, word) in [
        (flipped, "corrupt gzip"),
        (cut, "truncated gzip: the file ends"),
        (long, "trailing bytes"),
        (padded, "zero bytes after the gzip stream"),
    ] {
        let copy = tempfile::tempdir().unwrap();
        for name in names_in(&digits()).iter().filter(|name| name.ends_with(".gz")) {
            fs::copy(digits().join(name), copy.path().join(name)).unwrap();
        }
        fs::write(copy.path().join("t10k-images-idx3-ubyte.gz"), bytes).unwrap();
        train_fails(copy.path(), &["t10k-images-idx3-ubyte.gz", word]);
    }
}

#[test]
fn missing_files_are_errors() {
    train_fails(Path::new("no/such/folder"), &["no/such/folder", "no such folder"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    train_fails(file.path(), &["neither a folder nor a data set"]);
    let data = folder(&tiny());
    fs::remove_file(data.path().join("t10k-labels-idx1-ubyte")).unwrap();
    train_fails(
        data.path(),
        &["no test labels", "t10k-labels-idx1-ubyte, raw or .gz", "it has t10k-images-idx3-ubyte"],
    );
}

/// A set that is larger than the memory of the process: a sparse file, which takes no room.
#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_told_as_such() {
    let scratch = tempfile::tempdir().unwrap();
    let rows = 60_000u32;
    for (name, head, length) in [
        (common::NAMES[0], idx(&[rows, 64, 64], &[]), u64::from(rows) * 64 * 64),
        (common::NAMES[1], idx(&[rows], &[]), u64::from(rows)),
        (common::NAMES[2], idx(&[1, 64, 64], &[]), 64 * 64),
        (common::NAMES[3], idx(&[1], &[]), 1),
    ] {
        fs::write(scratch.path().join(name), &head).unwrap();
        let file = fs::OpenOptions::new().write(true).open(scratch.path().join(name)).unwrap();
        file.set_len(head.len() as u64 + length).unwrap();
    }
    let program = common::twolayer().get_program().to_owned();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 150000; exec \"$0\" train --data \"$1\""]).arg(program).arg(scratch.path());
    let ran = common::Ran::new("train with little memory".into(), command.output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    common::assert_paragraph(&ran, &[common::NAMES[0], "not enough memory", "245760000 bytes"]);
}

/// Uses `/proc/self/mem`, whose first bytes nobody can read: permissions do not stop a superuser.
#[cfg(target_os = "linux")]
#[test]
fn an_unreadable_file_is_an_error() {
    let data = folder(&tiny());
    let labels = data.path().join("train-labels-idx1-ubyte");
    fs::remove_file(&labels).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", &labels).unwrap();
    train_fails(data.path(), &["train-labels-idx1-ubyte", "cannot read"]);
}

#[test]
fn classes_bound_the_labels_of_both_halves() {
    let data = broken(3, idx(&[4], &[0, 1, 2, 0]));
    assert_eq!(json("train --data {} --iters 1 --classes 3", &[data.path()])["classes"], 3);
    fails(1, "train --data {} --classes 1", &[data.path()], &["train-labels-idx1-ubyte", "label 1"]);
    fails(1, "gradcheck --data {} --classes 1", &[data.path()], &["train-labels-idx1-ubyte", "label 1"]);
}

#[test]
fn invalid_options_are_usage_errors() {
    for (option, values) in [
        ("--batch", &["0", "-1", "16777217", "1.5", "many", "99999999999999999999"][..]),
        ("--hidden", &["0", "-5", "x"]),
        ("--lr", &["nan", "inf", "-inf", "0", "-0.1", "fast"]),
        ("--iters", &["-1", "1e4", ""]),
        ("--epochs", &["-1", "two"]),
        ("--seed", &["-1", "18446744073709551616", "zero"]),
        ("--threads", &["0", "-1", "100000"]),
        ("--isa", &["mmx", ""]),
        ("--rng", &["dice"]),
        ("--precision", &["f16"]),
        ("--classes", &["0"]),
    ] {
        for value in values {
            let ran = fails(2, &format!("train {option}={value}"), &[], &[option]);
            assert_eq!(ran.stdout, "", "{ran:#?}");
        }
    }
    for rate in ["-1", "0", "inf", "nan"] {
        fails(2, &format!("train --precision f64 --lr {rate}"), &[], &["--lr", "above 0"]);
    }
    fails(2, "train --lr 1e-60", &[], &["1e-60", "f32"]);
    fails(2, "train --rng numpy --seed 4294967296", &[], &["4294967296", "4294967295"]);
    fails(2, "gradcheck --rng numpy --seed 4294967296", &[], &["4294967296"]);
    fails(2, "gradcheck --batch 1438", &[], &["1438", "1,437"]);
    fails(2, "gradcheck --batch 0", &[], &["--batch"]);
    fails(2, "gradcheck model --hidden 9", &[], &["--hidden", "MODEL"]);
    fails(2, "gradcheck model --seed 9", &[], &["--seed", "MODEL"]);
    for h in ["0", "-1", "nan", "1e-16", "1e4"] {
        fails(2, &format!("gradcheck --h {h}"), &[], &["--h", "1e-15 to 1e3"]);
        fails(2, &format!("train --gradient numerical --h {h}"), &[], &["--h", "1e-15 to 1e3"]);
    }
    fails(2, "gradcheck --tolerance nan", &[], &["--tolerance"]);
    fails(2, "train --h 1e-4", &[], &["--h", "--gradient numerical"]);
    fails(2, "train --gradient wrong", &[], &["backprop", "numerical"]);
    fails(2, "train --iters 5 --epochs 5", &[], &["--iters", "--epochs"]);
    fails(2, "train --epochs 18446744073709551615", &[], &["--epochs"]);
    fails(2, "train --hiden 5", &[], &["--hiden", "--hidden"]);
    fails(2, "trian", &[], &["trian", "train"]);
    fails(2, "eval", &[], &["MODEL"]);
    fails(2, "predict model", &[], &["--index"]);
}

#[test]
fn a_level_that_the_processor_lacks_is_an_error() {
    for level in twolayer_core::Level::NAMES {
        if !levels().iter().any(|have| have == level) {
            fails(1, &format!("train --iters 1 --isa {level}"), &[], &[level, "lacks"]);
        }
    }
}

#[test]
fn sizes_beyond_memory_are_errors_before_anything_is_allocated() {
    for options in ["--hidden 1000000000000", "--hidden 1000000000", "--hidden 18446744073709551615"] {
        fails(1, &format!("train {options}"), &[], &[]);
    }
    fails(1, "train --classes 1000000000000", &[], &[]);
    fails(1, "gradcheck --hidden 1000000000000", &[], &["--hidden"]);
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("log");
    fails(1, "train --iters 1000000000000000 --log {}", &[&log], &["memory", "--log"]);
}

#[test]
fn a_divergence_names_its_iteration_and_keeps_the_losses() {
    let scratch = tempfile::tempdir().unwrap();
    let (out, log) = (scratch.path().join("model"), scratch.path().join("log"));
    let ran = fails(1, "train --lr 1e38 --out {} --log {} --json", &[&out, &log], &["diverged", "iteration", "log"]);
    assert_eq!(ran.stdout, "", "no object for a run that failed");
    assert_eq!(names_in(scratch.path()), ["log"]);
    let rows = fs::read_to_string(&log).unwrap().lines().count() - 1;
    let iteration = iteration_of(&ran.stderr);
    assert_eq!(rows, iteration + 1, "a row for the iteration that diverged too: {ran:#?}");
    // With a batch of the whole set, each epoch is one iteration: the number still counts from the start of the run.
    let ran = fails(1, "train --lr 1e38 --batch 1437 --quiet", &[], &["diverged"]);
    assert!(iteration_of(&ran.stderr) > 0, "{ran:#?}");
}

/// The number behind the word.
fn iteration_of(text: &str) -> usize {
    let rest = text.split("iteration ").nth(1).expect("an iteration is named");
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().expect("a number")
}

#[test]
fn output_files_that_cannot_be_written_are_errors_before_training() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("missing").join("file");
    for option in ["--out", "--log"] {
        let ran = fails(1, &format!("train {option} {{}}"), &[&missing], &["cannot write", "missing"]);
        assert_eq!(ran.stdout, "", "the error comes before training");
        let ran = fails(1, &format!("train {option} {{}}"), &[scratch.path()], &["it is a folder"]);
        assert_eq!(ran.stdout, "");
    }
    let same = scratch.path().join("same");
    fails(2, "train --out {} --log {}", &[&same, &same], &["--out and --log"]);
    assert_eq!(names_in(scratch.path()), [""; 0]);
}

/// Through a link, so that even a program that renamed over its target could not replace the machine's device.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_leaves_no_files() {
    use std::os::unix::fs::FileTypeExt;
    assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device(), "/dev/full is not a device");
    let scratch = tempfile::tempdir().unwrap();
    let full = scratch.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    for option in ["--out", "--log"] {
        let ran = fails(1, &format!("train --iters 20 {option} {{}}"), &[&full], &["full", "No space left"]);
        assert!(ran.stdout.contains("Accuracy"), "the accuracy is printed although the file is lost: {ran:#?}");
    }
    assert_eq!(names_in(scratch.path()), ["full"]);
    assert!(fs::symlink_metadata(&full).unwrap().is_symlink());
}

#[test]
fn invalid_and_mismatched_models_are_errors() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    let data = folder(&tiny());
    ok("train --quiet --iters 1 --data {} --out {}", &[data.path(), &model]);
    for command in ["eval {}", "predict {} --index 0"] {
        fails(1, command, &[&model], &["does not fit", "6 pixels", "8 x 8"]);
    }
    // The same images with a label that the model has no class for.
    let more = broken(3, idx(&[4], &[0, 1, 2, 0]));
    fails(1, "eval {} --data {}", &[&model, more.path()], &["does not fit", "t10k-labels-idx1-ubyte"]);
    fails(2, "predict {} --data {} --index 4", &[&model, data.path()], &["4 images", "from 0 to 3"]);

    let bytes = fs::read(&model).unwrap();
    let nan = [&bytes[..bytes.len() - 4], &f32::NAN.to_le_bytes()[..]].concat();
    let text = b"iteration,loss\n0,2.3\n".to_vec();
    for contents in [Vec::new(), text, bytes[..20].to_vec(), bytes[..bytes.len() - 1].to_vec(), nan] {
        fs::write(&model, contents).unwrap();
        fails(1, "eval {} --data {}", &[&model, data.path()], &["model"]);
    }
    for (contents, words) in [
        (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], ["a PNG picture", "`twolayer predict MODEL FILE`"]),
        (&[&b"PK\x03\x04"[..], &[0; 26], b"W1.npy"].concat(), ["NumPy's .npz", "`twolayer import FILE --out MODEL`"]),
    ] {
        fs::write(&model, contents).unwrap();
        for command in ["eval {}", "predict {} --index 0", "gradcheck {}", "train --resume {}"] {
            fails(1, command, &[&model], &words);
        }
    }
    fails(1, "eval {}", &[&scratch.path().join("nothing")], &["nothing"]);
    fails(1, "eval {}", &[scratch.path()], &[]);
}
