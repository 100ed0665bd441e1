//! Choosing options: `lr-find` and `tune`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::common::{fails, float, json, ok, run, signal, twolayer};

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
    for words in [suggestion, "learning rate", "Loss against the learning rate", "0.01"] {
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

const SEARCH: &str = "tune --lr 0.01..10:log --hidden 20,50 --optimizer sgd,momentum --momentum 0.5,0.9 --iters 300";

#[test]
fn the_command_of_the_best_trial_repeats_it() {
    let scratch = tempfile::tempdir().unwrap();
    let found = json(&format!("{SEARCH} --trials 6"), &[]);
    let command = found["command"].as_str().unwrap().strip_prefix("twolayer ").unwrap();
    let best = &found["trials"][0];
    assert_eq!(best["command"], found["command"]);
    let [one, two] = ["one.model", "two.model"].map(|name| scratch.path().join(name));
    let report = json(&format!("{command} --out {{}}"), &[&one]);
    let last = report["history"].as_array().unwrap().last().unwrap();
    assert_eq!(last["validation_accuracy"], best["validation_accuracy"]);
    assert_eq!(report["train_accuracy"], best["train_accuracy"]);
    json(&format!("{command} --threads 1 --out {{}}"), &[&two]);
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let text = ok(&format!("{SEARCH} --trials 6"), &[]);
    assert!(text.contains(&format!("\nRepeat    twolayer {command}\n")), "{text}");
}

#[test]
fn trials_are_ranked_and_the_same_for_any_number_of_threads() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("trials.csv");
    let table = |threads: usize| {
        ok(&format!("{SEARCH} --trials 7 --threads {threads} --csv {{}}"), &[&file]);
        fs::read_to_string(&file).unwrap()
    };
    let one = table(1);
    assert_eq!(table(3), one);
    let rows: Vec<Vec<&str>> = one.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 8, "{one}");
    let at = |name: &str| rows[0].iter().position(|column| *column == name).unwrap();
    let accuracies: Vec<f64> = rows[1..].iter().map(|row| row[at("validation_accuracy")].parse().unwrap()).collect();
    assert!(accuracies.is_sorted_by(|a, b| a >= b), "{one}");
    for row in &rows[1..] {
        let rate: f64 = row[at("lr")].parse().unwrap();
        assert!((0.01..=10.0).contains(&rate) && ["20", "50"].contains(&row[at("hidden")]), "{one}");
        assert_eq!(row[at("momentum")].is_empty(), row[at("optimizer")] == "sgd", "{one}");
    }
    assert_ne!(run(&format!("{SEARCH} --trials 7 --seed 1 --csv -"), &[]).stdout, one);
}

#[test]
fn trials_that_diverge_come_last_and_equal_ones_are_run_once() {
    let text = ok("tune --lr 1e38,0.5 --iters 50 --trials 9", &[]);
    let rows: Vec<&str> = text.lines().skip_while(|line| !line.trim_start().starts_with("trial ")).take(3).collect();
    assert!(rows[1].contains(" 0.5 ") && rows[1].contains('%'), "{text}");
    assert!(rows[2].contains("diverged"), "{text}");
    assert!(text.contains("2 trials, all that there are"), "{text}");
    fails(1, "tune --lr 1e38 --iters 50", &[], &["all trials diverged", "--lr"]);
}

#[test]
fn the_report_of_a_search_shows_its_trials_and_the_command_of_the_best() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, csv) = (scratch.path().join("tune.html"), scratch.path().join("tune.csv"));
    let found = json("tune --lr 0.1,1,1e38 --hidden 20,50 --iters 50 --report {} --csv {}", &[&page, &csv]);
    let html = fs::read_to_string(&page).unwrap();
    let row = |trial: &serde_json::Value| format!("<th scope=\"row\">{}</th>", trial["trial"]);
    let rows: Vec<_> = found["trials"].as_array().unwrap().iter().map(|t| html.find(&row(t)).expect("a row")).collect();
    assert!(rows.is_sorted() && html.contains(found["command"].as_str().unwrap()), "{html}");
    let diverged = found["trials"].as_array().unwrap().iter().filter(|t| t["diverged"] == true).count();
    assert!(diverged > 0 && html.contains(&format!("{diverged} diverged")), "{html}");
    assert_eq!(found["report"], page.to_str().unwrap());
    assert!(csv.exists() && !html.contains("<script"));
    let text = ok("tune --trials 2 --iters 50 --report {}", &[&page]);
    assert!(text.lines().last().unwrap().starts_with("Report "), "{text}");
    fails(1, "tune --trials 2 --iters 50 --report /none/page.html", &[], &["/none"]);
}

#[test]
fn a_search_that_cannot_be_is_told() {
    fails(2, "tune --lr 1..0.1", &[], &["--lr", "1 is not below 0.1"]);
    fails(2, "tune --weight-decay 0..1:log", &[], &["--weight-decay", "cannot begin at 0"]);
    fails(2, "tune --hidden 50,none", &[], &["--hidden", "whole number"]);
    fails(2, "tune --trials 0", &[], &["--trials", "1 to 100000"]);
    fails(2, "tune --validation 0", &[], &["--validation", "no rows"]);
    fails(2, "tune --momentum 0.5", &[], &["--momentum", "nesterov"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_search_with_the_trials_so_far() {
    let scratch = tempfile::tempdir().unwrap();
    let csv = scratch.path().join("trials.csv");
    let mut command = twolayer();
    command.args("tune --lr 0.01..1:log --hidden 4 --epochs 1 --trials 5000 --threads 2 --csv".split(' ')).arg(&csv);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    while !told.contains("Search") {
        assert!(stdout.read_line(&mut told).unwrap() > 0, "{told}");
    }
    // Long enough for some trials; the test holds without any, too.
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, "-INT");
    stdout.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let ended = stderr.split("interrupted after ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let ended: usize = ended.replace(',', "").parse().unwrap();
    assert!(ended < 5000, "{stderr}");
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count(), 1 + ended);
    assert_eq!(told.contains("Best"), ended > 0, "{told}");
}
