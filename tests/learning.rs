//! Learning options beyond the notebook's: optimisers, activations, initial weights, sampling, validation.

mod common;

use std::fs;
use std::path::Path;

use common::{fails, float, integer, json, mnist, ok};

const RULES: [&str; 6] = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"];

#[test]
fn every_optimiser_learns_the_digits_and_its_model_evaluates_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    for rule in RULES {
        for (activation, init) in [("sigmoid", "xavier"), ("relu", "he")] {
            let options = format!("--optimizer {rule} --activation {activation} --init {init} --sampling epochs");
            let report = json(&format!("train --out {{}} --iters 1500 --batch 50 {options}"), &[&model]);
            let accuracy = float(&report["test_accuracy"]);
            assert!(accuracy > 0.85, "{options}: {accuracy}");
            assert_eq!((report["optimizer"].as_str(), report["activation"].as_str()), (Some(rule), Some(activation)));
            // The file stores the activation: with another one, it would be another network.
            assert_eq!(json("eval {}", &[&model])["accuracy"], report["test_accuracy"], "{options}");
        }
    }
}

#[test]
fn the_same_options_give_the_same_file_for_any_threads() {
    let scratch = tempfile::tempdir().unwrap();
    let train = |name: &str, options: &str| {
        let path = scratch.path().join(name);
        json(&format!("train --out {{}} --iters 300 --activation relu {options}"), &[&path]);
        fs::read(path).unwrap()
    };
    for rule in RULES {
        let options = format!("--optimizer {rule} --weight-decay 0.001 --lr-decay 0.9 --sampling epochs");
        let one = train("one", &format!("{options} --threads 1"));
        assert!(one == train("two", &format!("{options} --threads 2")), "{rule}");
        assert!(one != train("other", &format!("{options} --threads 1 --seed 1")), "{rule}");
    }
}

#[test]
fn weight_decay_shrinks_weights_and_a_decayed_rate_stops_learning() {
    let scratch = tempfile::tempdir().unwrap();
    let loss = |options: &str| {
        let path = scratch.path().join("model");
        json(&format!("train --out {{}} {options}"), &[&path]);
        float(&json("eval {} --split train", &[&path])["mean_loss"])
    };
    let decayed = loss("--iters 2000 --weight-decay 0.1");
    assert!(decayed > 2.0 * loss("--iters 2000"), "smaller weights must fit the data less well");
    // With a factor of a millionth, nothing is learnt after the first epoch, of 14 iterations.
    assert!((loss("--iters 2000 --lr-decay 1e-6") - loss("--iters 14")).abs() < 1e-3);
}

#[test]
fn validation_holds_out_rows_and_patience_keeps_the_best_weights() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    let options = "--optimizer adam --lr 0.01 --validation 0.2 --patience 4 --epochs 400";
    let report = json(&format!("train --out {{}} {options}"), &[&model]);
    assert_eq!(report["early"], "patience");
    assert!(integer(&report["iterations"]) < 400 * integer(&report["epoch"]));
    // A fifth of 1,437 rows, rounded up, is held out.
    assert_eq!(integer(&report["epoch"]), (1437 - 288) / 100);
    let history = report["history"].as_array().unwrap();
    let accuracy = |m: &serde_json::Value| float(&m["validation_accuracy"]);
    let best = history.iter().map(accuracy).fold(0.0, f64::max);
    let at = history.iter().position(|m| accuracy(m) == best).unwrap();
    assert_eq!(history.len(), at + 1 + 4, "it stops four epochs after the first best one");
    assert_eq!(report["test_accuracy"], history[at]["test_accuracy"], "and keeps that one's weights");
    assert_eq!(json("eval {}", &[&model])["accuracy"], report["test_accuracy"]);
    let kept = integer(&history[at]["iterations"]);
    assert_eq!(integer(&report["kept_iterations"]), kept);
    let text = ok(&format!("train {options}"), &[]);
    let row = |line: &str| line.split_whitespace().nth(1) == Some(&kept.to_string());
    assert!(text.lines().any(row), "the table has a row of the kept weights, {kept}: {text}");
    assert!(text.contains("valid\n") && text.contains("Stopped   the validation accuracy"), "{text}");
    assert!(text.contains("Kept      the weights after "), "{text}");
}

#[test]
fn the_last_iteration_is_validated_too() {
    let report = json("train --optimizer adam --lr 0.01 --epochs 3 --validation 0.1 --patience 3", &[]);
    let plain = json("train --optimizer adam --lr 0.01 --epochs 3 --validation 0.1", &[]);
    assert_eq!(report["kept_iterations"], serde_json::Value::Null);
    assert_eq!(report["test_accuracy"], plain["test_accuracy"]);
}

#[test]
fn contradictory_options_are_usage_errors() {
    for (options, words) in [
        ("--momentum 0.5", &["--momentum is for"][..]),
        ("--optimizer adam --momentum 0.5", &["--momentum is for"]),
        ("--optimizer momentum --momentum 1", &["from 0 to below 1"]),
        ("--weight-decay -1", &["from 0 on"]),
        ("--patience 3", &["--validation"]),
        ("--validation 1", &["from 0 to below 1"]),
        ("--validation 0.99999", &["--validation leaves 0"]),
        ("--rng numpy --sampling epochs", &["--sampling"]),
        ("--gradient numerical --optimizer adam", &["--optimizer sgd"]),
        ("--every 5", &["--checkpoint"]),
        ("--optimizer sdg", &["possible values", "sgd"]),
    ] {
        fails(2, &format!("train {options}"), &[], words);
    }
}

/// README's recipe.
#[test]
fn the_recipe_for_98_percent_reaches_it() {
    let Some(folder) = mnist() else { return };
    let readme = include_str!("../README.md");
    let line = readme.lines().find(|line| line.starts_with("twolayer train ") && line.contains("--activation relu"));
    let options = line.unwrap().trim_start_matches("twolayer train --data data/mnist ").split(" --out").next().unwrap();
    assert!(options.contains("--epochs"), "{options}");
    let report = json(&format!("train --data {{}} {options}"), &[Path::new(&folder)]);
    assert!(float(&report["test_accuracy"]) >= 0.98, "{}", report["test_accuracy"]);
}
