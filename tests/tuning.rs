//! Choosing options: `lr-find`.

mod common;

use std::fs;

use common::{fails, float, json, ok};

/// Optimisers and activations, each with the rates of a grid.
const TRAININGS: [(&str, [&str; 4]); 6] = [
    ("--optimizer sgd", ["0.03", "0.3", "1", "3"]),
    ("--optimizer sgd --activation relu --init he", ["0.01", "0.1", "0.3", "1"]),
    ("--optimizer momentum", ["0.01", "0.1", "0.3", "1"]),
    ("--optimizer momentum --activation relu --init he", ["0.01", "0.1", "0.3", "1"]),
    ("--optimizer adam", ["0.001", "0.003", "0.01", "0.03"]),
    ("--optimizer adam --activation relu --init he", ["0.001", "0.01", "0.03", "0.1"]),
];

#[test]
fn training_with_the_suggested_rate_is_nearly_as_good_as_with_the_best_of_a_grid() {
    for (options, rates) in TRAININGS {
        let found = json(&format!("lr-find {options}"), &[]);
        let suggestion = found["suggestion"].to_string();
        let accuracy = |rate: &str| {
            let report = json(&format!("train {options} --lr {rate} --iters 1000 --threads 1"), &[]);
            float(&report["test_accuracy"])
        };
        let best = rates.map(accuracy).into_iter().fold(0.0, f64::max);
        let suggested = accuracy(&suggestion);
        assert!(suggested > best - 0.025, "{options}: {suggested} with --lr {suggestion}, {best} with the best");
    }
}

#[test]
fn the_rate_rises_geometrically_until_the_loss_diverges() {
    let found = json("lr-find --from 0.001 --to 1000 --iters 601", &[]);
    let steps = found["steps"].as_array().unwrap();
    let (rate, loss) = (|k: usize| float(&steps[k]["lr"]), |k: usize| float(&steps[k]["smoothed"]));
    for k in 0..steps.len() {
        assert!((rate(k) / (0.001 * 10f64.powf(k as f64 / 100.0)) - 1.0).abs() < 1e-9, "{k}");
    }
    let least = (0..steps.len()).map(loss).fold(f64::INFINITY, f64::min);
    let at = (0..steps.len()).find(|&k| loss(k) == least).unwrap();
    assert!((float(&found["suggestion"]) * 10.0 / rate(at) - 1.0).abs() < 0.06, "{found}");
    let found = json("lr-find --optimizer adam --to 1e6", &[]);
    assert_eq!((&found["diverged"], found["iterations"].as_u64().unwrap() < 500), (&true.into(), true));
}

#[test]
fn the_curve_is_drawn_with_the_suggestion() {
    let scratch = tempfile::tempdir().unwrap();
    let (svg, png) = (scratch.path().join("lr.svg"), scratch.path().join("lr.png"));
    let text = ok("lr-find --plot {}", &[&svg]);
    let suggestion = text.lines().find_map(|line| line.strip_prefix("Suggested ")).unwrap().trim();
    let drawn = fs::read_to_string(&svg).unwrap();
    for words in [suggestion, "learning rate", "Loss against the learning rate", "1e-2"] {
        assert!(drawn.contains(words), "{words}: {drawn}");
    }
    assert_eq!(
        ok("lr-find --quiet --plot {}", &[&png]).lines().next().unwrap().trim_start_matches("Suggested "),
        suggestion
    );
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn what_cannot_be_tested_is_told() {
    fails(2, "lr-find --from 1 --to 0.1", &[], &["--from 1", "--to 0.1"]);
    fails(2, "lr-find --from 0", &[], &["--from", "above 0"]);
    fails(2, "lr-find --plot lr.jpg", &[], &["--plot", ".svg or .png"]);
    fails(2, "lr-find --momentum 0.5", &[], &["--momentum", "nesterov"]);
    fails(1, "lr-find --from 1e-9 --to 1e-8", &[], &["no suggestion", "--from and --to"]);
}
