//! The main job on the real data: MNIST, with the defaults. Skipped unless TWOLAYER_MNIST names its folder.

mod common;

use std::fs;

use common::{float, integer, json, levels, mnist, ok};

#[test]
fn the_defaults_reach_94_percent_and_write_the_same_file_everywhere() {
    let Some(folder) = mnist() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    for precision in ["f32", "f64"] {
        let mut written: Option<Vec<u8>> = None;
        for level in levels() {
            // The portable level takes a minute a run, and differs by precision in nothing but a type.
            let threads: &[usize] = match (&*level, precision) {
                ("scalar", "f32") => &[2],
                ("scalar", _) => &[],
                _ => &[1, 2],
            };
            for threads in threads {
                let options = format!("--isa {level} --precision {precision} --threads {threads}");
                let report = json(&format!("train --data {{}} --out {{}} {options}"), &[&folder, &model]);
                assert!(float(&report["test_accuracy"]) >= 0.94, "{options}: {}", report["test_accuracy"]);
                assert_eq!((integer(&report["iterations"]), integer(&report["epoch"])), (10_000, 600));
                assert_eq!(report["history"].as_array().unwrap().len(), 18);
                let bytes = fs::read(&model).unwrap();
                assert!(written.get_or_insert_with(|| bytes.clone()) == &bytes, "{options}: another model");
            }
        }
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
    let backprop = json("train --data {} --iters 1000", &[&folder]);
    let numerical = json("train --data {} --iters 1000 --gradient numerical", &[&folder]);
    let (a, b) = (float(&backprop["test_accuracy"]), float(&numerical["test_accuracy"]));
    assert!((a - b).abs() <= 0.005 && a > 0.8, "{a} by backpropagation, {b} by central differences");
}
