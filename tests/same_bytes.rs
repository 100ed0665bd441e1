//! A model file is the same bytes at every instruction-set level and for any number of threads.

use std::fs;
use std::path::Path;

use crate::common::{fails, levels, ok};

fn trained(folder: &Path, options: &str) -> Vec<u8> {
    let model = folder.join("model");
    ok(&format!("train --quiet --out {{}} {options}"), &[&model]);
    fs::read(model).unwrap()
}

#[test]
fn training_writes_the_same_file_at_every_level_and_for_any_number_of_threads() {
    let scratch = tempfile::tempdir().unwrap();
    for recipe in [
        "--iters 100 --lr 0.3",
        "--iters 100 --lr 0.01 --optimizer adam --weight-decay 1e-4 --activation relu --init he --batch 37",
        "--iters 40 --lr 0.1 --optimizer momentum --batch 300",
        "--iters 3 --hidden 10 --gradient numerical",
    ] {
        for precision in ["f32", "f64"] {
            let hidden = if recipe.contains("--hidden") { "" } else { "--hidden 40" };
            let options = format!("{hidden} {recipe} --precision {precision}");
            let expected = trained(scratch.path(), &format!("{options} --threads 1"));
            for (level, threads) in levels().iter().flat_map(|level| [1, 2, 3].map(|threads| (level, threads))) {
                let options = format!("{options} --isa {level} --threads {threads}");
                assert!(trained(scratch.path(), &options) == expected, "another file: {options}");
            }
        }
    }
}

#[test]
fn a_run_resumed_at_another_level_and_number_of_threads_writes_the_same_file() {
    let scratch = tempfile::tempdir().unwrap();
    let (model, checkpoint) = (scratch.path().join("model"), scratch.path().join("run.ckpt"));
    let options = "--quiet --out {} --lr 0.01 --optimizer adam --iters";
    ok(&format!("train {options} 400 --isa scalar --threads 1"), &[&model]);
    let whole = fs::read(&model).unwrap();
    ok(&format!("train {options} 200 --isa scalar --threads 1 --checkpoint {{}}"), &[&model, &checkpoint]);
    let best = levels().pop().unwrap();
    ok(&format!("train {options} 400 --isa {best} --threads 2 --resume {{}}"), &[&model, &checkpoint]);
    assert!(fs::read(&model).unwrap() == whole);
}

#[test]
fn files_of_the_engine_that_no_longer_exists_are_refused_with_the_reason() {
    let scratch = tempfile::tempdir().unwrap();
    let (model, checkpoint) = (scratch.path().join("model"), scratch.path().join("run.ckpt"));
    ok("train --quiet --iters 20 --out {} --checkpoint {}", &[&model, &checkpoint]);
    for path in [&model, &checkpoint] {
        // What an earlier version wrote, in place of an option of the same length.
        let bytes = fs::read(path).unwrap();
        let (from, to) = (br#""train.rng":"chacha8""#, br#""train.engine":"fixed""#);
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let mut header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut old = bytes[8..8 + header].to_vec();
        old.splice(at - 8..at - 8 + from.len(), to.iter().copied());
        old.resize(old.len().next_multiple_of(8), b' ');
        header += old.len() - header;
        let file = [&(header as u64).to_le_bytes()[..], &old, &bytes[8 + bytes_of_header(&bytes)..]].concat();
        fs::write(path, file).unwrap();
    }
    fails(1, "eval {}", &[&model], &["--engine fixed", "no longer has", "train it again"]);
    fails(1, "train --iters 40 --resume {}", &[&checkpoint], &["--engine fixed", "train it again"]);
}

fn bytes_of_header(file: &[u8]) -> usize {
    u64::from_le_bytes(file[..8].try_into().unwrap()) as usize
}
