//! Learning options beyond the notebook's: optimisers, activations, initial weights, sampling, validation.

use std::fs;
use std::path::Path;

use crate::common::{self, digits, fails, float, idx, idx_labels, integer, json, mnist, names_in, ok};
use twolayer_idx::{Part, Split};

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
    let text = ok(&format!("train --every-epoch {options}"), &[]);
    let row = |line: &str| line.split_whitespace().nth(1) == Some(&kept.to_string());
    assert!(text.lines().any(row), "the table has a row of the kept weights, {kept}: {text}");
    assert!(text.contains("valid\n") && text.contains("Stopped   the validation accuracy"), "{text}");
    assert!(text.contains("Kept      the weights after "), "{text}");
}

/// The last tenth of a sorted file is of one class, which a network that never saw it gets wrong.
#[test]
fn the_validation_rows_of_a_sorted_set_are_of_all_classes() {
    let data = Split::load_part(digits(), Part::Train).unwrap();
    let mut order: Vec<usize> = (0..data.rows()).collect();
    order.sort_by_key(|&row| data.labels()[row]);
    let sorted = data.reordered(&order);
    let folder = tempfile::tempdir().unwrap();
    for name in names_in(&digits()).iter().filter(|name| name.starts_with("t10k")) {
        fs::copy(digits().join(name), folder.path().join(name)).unwrap();
    }
    let images = idx(&[data.rows() as u32, 8, 8], sorted.images());
    fs::write(folder.path().join("train-images-idx3-ubyte"), images).unwrap();
    fs::write(folder.path().join("train-labels-idx1-ubyte"), idx_labels(sorted.labels())).unwrap();

    let run = |options: &str| json(&format!("train --data {{}} --lr 0.5 --iters 2000 {options}"), &[folder.path()]);
    let last = |report: &serde_json::Value| {
        float(&report["history"].as_array().unwrap().last().unwrap()["validation_accuracy"])
    };
    let of_classes = run("--validation 0.1");
    assert!(last(&of_classes) > 0.8 && float(&of_classes["test_accuracy"]) > 0.8, "{of_classes}");
    assert_eq!(of_classes["validation_from"], "classes");
    let of_end = run("--validation 0.1 --validation-from end");
    assert!(last(&of_end) < 0.2 && of_end["validation_from"] == "end", "{of_end}");
    assert!(run("--seed 1 --validation 0.1")["history"] != of_classes["history"]);
    let text = ok("train --iters 5 --validation 0.1", &[]);
    assert!(text.contains("Validate  on 144 training rows drawn by the seed, the same share of each class"), "{text}");
}

#[test]
fn the_last_iteration_is_validated_too() {
    let report = json("train --optimizer adam --lr 0.01 --epochs 3 --validation 0.1 --patience 3 --seed 1", &[]);
    let plain = json("train --optimizer adam --lr 0.01 --epochs 3 --validation 0.1 --seed 1", &[]);
    assert_eq!(report["kept_iterations"], serde_json::Value::Null);
    assert_eq!(report["test_accuracy"], plain["test_accuracy"]);
}

/// Worse than guessing, but finite: exit code 0, and a warning with a rate that works.
#[test]
fn a_run_that_went_astray_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let page = scratch.path().join("page.html");
    let options = "--lr 100 --activation relu --init he --iters 300";
    let report = json(&format!("train {options} --report {{}}"), &[&page]);
    let warnings = report["warnings"].as_array().unwrap();
    let [warning] = &warnings.iter().map(|w| w.as_str().unwrap()).collect::<Vec<_>>()[..] else { panic!("{report}") };
    assert!(warning.contains("went astray") && warning.contains("guessing, 2.30"), "{warning}");
    assert!(fs::read_to_string(&page).unwrap().contains("Warning: </strong>the run went astray"));
    assert!(ok(&format!("train {options} --quiet"), &[]).contains(&format!("Warning   {warning}\n")));
    let rate = warning.split("--lr ").nth(1).unwrap();
    let better = json(&format!("train {options} --lr {rate}").replace("--lr 100 ", ""), &[]);
    assert!(better["warnings"].as_array().unwrap().is_empty(), "{better}");
    assert!(float(&better["test_accuracy"]) > 0.8, "{better}");
}

#[test]
fn contradictory_options_are_usage_errors() {
    for (options, words) in [
        ("--momentum 0.5", &["--momentum is for"][..]),
        ("--optimizer adam --momentum 0.5", &["--momentum is for"]),
        ("--optimizer momentum --momentum 1", &["from 0 to below 1"]),
        ("--weight-decay -1", &["from 0 on"]),
        ("--patience 3", &["--validation"]),
        ("--validation-from end", &["--validation"]),
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

/// A set without test images is trained on: a tenth of each class is held out instead.
#[test]
fn a_set_without_test_images_is_tested_on_a_tenth_of_each_class() {
    let scratch = tempfile::tempdir().unwrap();
    // Sorted by class, as many of each: the position of the only dark column tells the class.
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for class in 0..4u8 {
        for i in 0..50u8 {
            pixels.extend((0..4).flat_map(|_| (0..4).map(move |x| if x == class { 200 + i } else { 0 })));
            labels.push(class);
        }
    }
    std::fs::write(scratch.path().join(common::NAMES[0]), common::idx(&[200, 4, 4], &pixels)).unwrap();
    std::fs::write(scratch.path().join(common::NAMES[1]), common::idx(&[200], &labels)).unwrap();
    let run = "train --data {} --lr 1 --iters 300 --batch 20";
    let (report, again) = (json(run, &[scratch.path()]), json(run, &[scratch.path()]));
    assert_eq!((&report["test_accuracy"], &report["epoch"]), (&serde_json::json!(1.0), &serde_json::json!(9)));
    assert_eq!(report["history"], again["history"]);
    assert!(report["notes"][0].as_str().unwrap().contains("tested on 20 training images"), "{}", report["notes"]);
    assert_ne!(report["history"], json(&format!("{run} --seed 1"), &[scratch.path()])["history"]);
    let model = scratch.path().join("model");
    ok(&format!("{run} --quiet --checkpoint {{}}"), &[scratch.path(), &model]);
    assert_eq!(json("train --resume {}", &[&model])["test_accuracy"], 1.0);
}

#[test]
fn several_seeds_give_the_spread_of_their_runs() {
    let lines = |arguments: &str| -> Vec<serde_json::Value> {
        ok(arguments, &[]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let run = "--iters 400 --lr 1 --validation 0.1 --patience 3";
    let rows = lines(&format!("train --seeds 3..7 {run} --json"));
    assert_eq!(rows.len(), 6, "a row for each run and one for all");
    let accuracies: Vec<f64> = rows[..5].iter().map(|row| float(&row["test_accuracy"])).collect();
    for (seed, row) in (3..).zip(&rows[..5]) {
        let alone = json(&format!("train --seed {seed} {run}"), &[]);
        assert_eq!(integer(&row["seed"]), seed);
        for name in ["test_accuracy", "train_accuracy", "test_loss", "iterations"] {
            assert_eq!(row[name], alone[name], "{name} of seed {seed}");
        }
    }
    let spread = &rows[5];
    let mean = accuracies.iter().sum::<f64>() / 5.0;
    let deviation = (accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    assert!((float(&spread["mean"]) - mean).abs() < 1e-12);
    assert!((float(&spread["standard_deviation"]) - deviation).abs() < 1e-12);
    let extreme = |pick: fn(f64, f64) -> f64| accuracies.iter().copied().reduce(pick).unwrap();
    assert_eq!((float(&spread["least"]), float(&spread["greatest"])), (extreme(f64::min), extreme(f64::max)));
    // However many run at once, but for the times.
    for threads in ["1", "3"] {
        let again = lines(&format!("train --seeds 3..7 {run} --json --threads {threads}"));
        for (row, again) in rows.iter().zip(&again) {
            assert_eq!((&row["test_loss"], &row["mean"]), (&again["test_loss"], &again["mean"]), "{threads}");
        }
    }
    let text = ok("train --seeds 0..2 --iters 20", &[]);
    for words in ["seeds 0 to 2", "3 runs in", "standard deviation", "(seed "] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(lines("train --seeds 5 --iters 20 --json")[1]["standard_deviation"], serde_json::Value::Null);
    fails(2, "train --seeds 3..1", &[], &["0..9"]);
    fails(1, "train --seeds 0..1 --report /none/page.html", &[], &["/none"]);
    fails(2, "train --seeds 0..3 --seed 1", &[], &["--seed"]);
    fails(2, "train --seeds 0..3 --out m", &[], &["--out"]);
    let ran = fails(1, "train --seeds 0..1 --lr 1e38 --json", &[], &["2 of 2 runs failed", "seed 0: ", "seed 1: "]);
    assert!(ran.stdout.lines().all(|line| line.contains("\"error\"")) && ran.stdout.lines().count() == 2, "{ran:#?}");
}

#[test]
fn several_seeds_share_a_page_with_their_curves_over_each_other() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("page.html");
    let text = ok("train --seeds 3..7 --epochs 4 --lr 0.5 --json --report {}", &[&file]);
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (runs, spread) = rows.split_at(5);
    assert_eq!(spread[0]["report"], file.display().to_string());
    let page = std::fs::read_to_string(&file).unwrap();
    let percent = |value: &serde_json::Value| format!("{:.2}%", 100.0 * float(value));
    for (name, value, seed) in [
        ("mean", &spread[0]["mean"], None),
        ("min", &spread[0]["least"], Some(&spread[0]["least_seed"])),
        ("max", &spread[0]["greatest"], Some(&spread[0]["greatest_seed"])),
    ] {
        let seed = seed.map_or(String::new(), |seed| format!(" (seed {seed})"));
        let shown = format!("<dt>{name}</dt><dd>{}{seed}</dd>", percent(value));
        assert!(page.contains(&shown), "no {shown} in {page}");
    }
    for run in runs {
        let cells = format!("<td>{}</td><td>{}</td>", percent(&run["train_accuracy"]), percent(&run["test_accuracy"]));
        assert!(page.contains(&format!("<th scope=\"row\">{}</th>", run["seed"])) && page.contains(&cells), "{run}");
    }
    // In each chart a line for each seed and one in the legend, and the mean. A point for each measurement.
    let lines = |class: &str| page.matches(&format!("<path class=\"{class}\"")).count();
    assert_eq!((lines("train"), lines("test")), (2 * (5 + 1), 2 * 2));
    let last = page.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap().split("<tr>").last().unwrap();
    let told: Vec<String> = ["mean", "least", "greatest"].iter().map(|name| percent(&spread[0][name])).collect();
    assert!(told.iter().all(|share| last.contains(share)), "{last} without {told:?}");
}
