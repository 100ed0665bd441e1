//! The main job on the real data: MNIST, with the defaults. Skipped unless TWOLAYER_MNIST names its folder.

use std::fs;
use std::path::Path;

use crate::common::{float, integer, json, levels, mnist, ok};
use serde_json::Value;

/// Trains at these levels, with one thread and with two, asserts that all write the same file, and returns what each
/// reports.
fn trained(folder: &Path, levels: &[String], options: &str) -> Vec<Value> {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    let (mut written, mut reports) = (None, Vec::new());
    for (level, threads) in levels.iter().flat_map(|level| [(level, 1), (level, 2)]) {
        let here = format!("{options} --isa {level} --threads {threads}");
        reports.push(json(&format!("train --data {{}} --out {{}} {here}"), &[folder, &model]));
        let bytes = fs::read(&model).unwrap();
        assert!(written.get_or_insert_with(|| bytes.clone()) == &bytes, "{here}: another model");
    }
    reports
}

#[test]
fn the_defaults_reach_94_percent_and_write_the_same_file_everywhere() {
    let Some(folder) = mnist() else { return };
    // The portable level would take a minute for a whole run.
    let (portable, fast): (Vec<_>, Vec<_>) = levels().into_iter().partition(|level| level == "scalar");
    let whole = if fast.is_empty() { portable } else { fast };
    for precision in ["f32", "f64"] {
        let options = format!("--precision {precision}");
        for report in trained(&folder, &whole, &options) {
            assert!(float(&report["test_accuracy"]) >= 0.94, "{options}: {}", report["test_accuracy"]);
            assert_eq!((integer(&report["iterations"]), integer(&report["epoch"])), (10_000, 600));
            assert_eq!(report["history"].as_array().unwrap().len(), 18);
        }
        trained(&folder, &levels(), &format!("{options} --iters 300"));
    }
}

#[test]
fn a_model_of_mnist_is_evaluated_and_draws_its_digits() {
    let Some(folder) = mnist() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    let report = json("train --data {} --out {}", &[&folder, &model]);
    let evaluated = json("eval {} --data {}", &[&model, &folder]);
    assert_eq!(evaluated["rows"], 10_000);
    assert_eq!(evaluated["accuracy"], report["test_accuracy"]);
    let text = ok("predict {} --data {} --index 0", &[&model, &folder]);
    assert!(text.starts_with("Answer    7 (") && text.contains("right: the label is 7"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn training_by_numerical_gradients_agrees_with_backpropagation() {
    let Some(folder) = mnist() else { return };
    let backprop = json("train --data {} --iters 150 --lr 1", &[&folder]);
    let numerical = json("train --data {} --iters 150 --lr 1 --gradient numerical", &[&folder]);
    let (a, b) = (float(&backprop["test_accuracy"]), float(&numerical["test_accuracy"]));
    assert!((a - b).abs() <= 0.005 && a > 0.8, "{a} by backpropagation, {b} by central differences");
}
