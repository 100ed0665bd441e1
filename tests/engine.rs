//! The engine in whole numbers: the same bytes everywhere, and what floats would have learned.

mod common;

use std::fs;
use std::path::Path;

use common::{fails, float, json, levels, mnist, ok};
use serde_json::Value;

/// Trains with whole numbers; gives the model's file.
fn trained(folder: &Path, options: &str) -> Vec<u8> {
    let model = folder.join("model");
    let report = json(&format!("train --engine fixed --out {{}} {options}"), &[&model]);
    assert_eq!(report["engine"], "fixed", "{options}");
    assert!(float(&report["test_accuracy"]) >= 0.85, "{options}: {}", report["test_accuracy"]);
    fs::read(model).unwrap()
}

#[test]
fn the_model_is_the_same_file_at_every_level_and_for_any_number_of_threads() {
    let scratch = tempfile::tempdir().unwrap();
    for rule in [
        "--lr 0.3",
        "--lr 0.01 --optimizer adam --weight-decay 1e-4",
        "--lr 0.3 --activation relu --init he --batch 37",
        "--lr 0.3 --batch 300",
    ] {
        let options = format!("--iters 1500 --hidden 40 {rule}");
        let mut first = None;
        for level in levels() {
            for threads in [1, 2, 3] {
                let options = format!("{options} --isa {level} --threads {threads}");
                let bytes = trained(scratch.path(), &options);
                assert!(first.get_or_insert_with(|| bytes.clone()) == &bytes, "{options}: another file");
            }
        }
    }
}

#[test]
fn a_run_may_go_on_at_another_level() {
    let scratch = tempfile::tempdir().unwrap();
    let (model, checkpoint) = (scratch.path().join("model"), scratch.path().join("run.ckpt"));
    let options = "--engine fixed --quiet --out {} --iters";
    ok(&format!("train {options} 1000 --lr 0.3 --isa scalar"), &[&model]);
    let whole = fs::read(&model).unwrap();
    ok(&format!("train {options} 500 --lr 0.3 --isa scalar --checkpoint {{}}"), &[&model, &checkpoint]);
    let best = levels().pop().unwrap();
    // The engine is the checkpoint's.
    let options = options.replace("--engine fixed", "");
    ok(&format!("train {options} 1000 --lr 0.3 --isa {best} --resume {{}}"), &[&model, &checkpoint]);
    assert!(fs::read(&model).unwrap() == whole);
}

#[test]
fn what_it_cannot_compute_is_refused_with_the_reason() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    for option in ["--precision f64", "--gradient numerical"] {
        let options = format!("train --engine fixed {option}");
        fails(2, &options, &[], &["--precision f32 and --gradient backprop"]);
    }
    ok("train --quiet --iters 10 --precision f64 --out {}", &[&model]);
    let why = "engine is fixed, which computes f32; the network is f64";
    fails(1, "eval {} --engine fixed", &[&model], &[why]);
    fails(2, "train --engine integer", &[], &["auto, float, fixed"]);
}

#[test]
fn evaluation_and_prediction_agree_with_floats() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    ok("train --quiet --iters 2000 --lr 0.5 --out {}", &[&model]);
    let [floats, fixed] = ["float", "fixed"].map(|engine| {
        let eval = json(&format!("eval {{}} --engine {engine}"), &[&model]);
        let predict = json(&format!("predict {{}} --index 3 --engine {engine}"), &[&model]);
        assert_eq!((&eval["engine"], &predict["engine"]), (&Value::from(engine), &Value::from(engine)));
        for command in ["eval {}", "predict {} --index 3"] {
            let text = ok(&format!("{command} --engine {engine}"), &[&model]);
            assert!(text.lines().any(|line| line.starts_with("Machine ") && line.contains(engine)), "{text}");
        }
        (float(&eval["mean_loss"]), float(&predict["probabilities"][0]))
    });
    assert!((floats.0 - fixed.0).abs() < 1e-6 * floats.0 && (floats.1 - fixed.1).abs() < 1e-6, "{floats:?}, {fixed:?}");
}

#[test]
fn ten_seeds_of_mnist_learn_what_floats_do() {
    let Some(folder) = mnist() else { return };
    let mean = |engine: &str| {
        let accuracy = |seed: usize| {
            let options = format!("train --data {{}} --threads 2 --seed {seed} --engine {engine}");
            float(&json(&options, &[&folder])["test_accuracy"])
        };
        (0..10).map(accuracy).sum::<f64>() / 10.0
    };
    let (floats, fixed) = (mean("float"), mean("fixed"));
    println!("mean test accuracy of ten seeds: floats {floats:.5}, whole numbers {fixed:.5}");
    assert!((floats - fixed).abs() <= 0.001, "{floats} and {fixed}");
}
