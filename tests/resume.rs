//! Runs that are interrupted or killed, and resumed.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{self, Model, fails, float, json, names_in, ok, signal, twolayer};

const RUN: &str = "--activation relu --init he --sampling epochs --validation 0.1 --lr-decay 0.95 --hidden 20";

fn start(options: &str, paths: &[&Path]) -> Child {
    let mut paths = paths.iter();
    let mut command = twolayer();
    command.arg("train");
    for word in options.split_whitespace() {
        match word {
            "{}" => command.arg(paths.next().unwrap()),
            _ => command.arg(word),
        };
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A run resumed several times writes the same model, losses and table of epochs as an uninterrupted one.
#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    let scratch = tempfile::tempdir().unwrap();
    let [whole, pieces, checkpoint, log, log_of_pieces] =
        ["whole", "pieces", "checkpoint", "log", "log2"].map(|name| scratch.path().join(name));
    let two = "--threads 2";
    for (rule, threads) in [
        ("sgd --weight-decay 0.01", ""),
        ("momentum", two),
        ("nesterov", ""),
        ("adagrad", two),
        ("rmsprop", ""),
        ("adam", two),
    ] {
        for more in [threads, "--precision f64 --patience 50"] {
            let run = format!("{RUN} --optimizer {rule} {more}");
            let one = json(&format!("train --out {{}} --log {{}} --iters 200 {run}"), &[&whole, &log]);
            for (i, end) in [0, 1, 37, 37, 120, 200].into_iter().enumerate() {
                let resume = if i == 0 { "" } else { "--resume {}" };
                let mut paths = vec![pieces.as_path(), &log_of_pieces, &checkpoint];
                paths.extend((i > 0).then_some(checkpoint.as_path()));
                let part = format!("--out {{}} --log {{}} --checkpoint {{}} --every 10 {resume} --iters {end}");
                let report = json(&format!("train {part} {run}"), &paths);
                if end == 200 {
                    assert_eq!(report["history"], one["history"], "{run}");
                    assert_eq!(report["test_accuracy"], one["test_accuracy"], "{run}");
                }
                if end == 0 {
                    // No checkpoint was due; the first part starts again.
                    assert!(!checkpoint.exists(), "{run}");
                    json(
                        &format!("train --checkpoint {{}} --every 1 --log {{}} --iters 1 {run}"),
                        &[&checkpoint, &log_of_pieces],
                    );
                }
            }
            assert!(fs::read(&whole).unwrap() == fs::read(&pieces).unwrap(), "{run}: another model");
            assert!(fs::read(&log).unwrap() == fs::read(&log_of_pieces).unwrap(), "{run}: other losses");
            fs::remove_file(&checkpoint).unwrap();
        }
    }
}

/// Without any other option, `--resume` continues the run, on its data and to its end.
#[test]
fn a_checkpoint_has_the_runs_options_and_data() {
    let scratch = tempfile::tempdir().unwrap();
    let [whole, resumed, checkpoint] = ["whole", "resumed", "checkpoint"].map(|name| scratch.path().join(name));
    let (data, moved) = (scratch.path().join("data"), scratch.path().join("moved"));
    fs::create_dir(&data).unwrap();
    for (name, bytes) in common::NAMES.iter().zip(common::tiny()) {
        fs::write(data.join(name), bytes).unwrap();
    }
    for run in [
        "--hidden 7 --batch 2 --optimizer nesterov --momentum 0.8 --lr 0.05 --lr-decay 0.9 --weight-decay 0.01 --init he",
        "--hidden 7 --batch 2 --activation relu --sampling epochs --validation 0.5 --patience 40 --precision f64",
        "--hidden 7 --batch 2 --gradient numerical --h 0.001 --loss-epsilon 1e-7 --validation 0.5 --validation-from end",
        "--hidden 7 --batch 2 --classes 3 --seed 5 --rng numpy --init xavier --lr 0.25",
    ] {
        let full = json(&format!("train --data {{}} --out {{}} --iters 18 {run}"), &[&data, &whole]);
        ok(&format!("train --quiet --data {{}} --checkpoint {{}} --iters 5 {run}"), &[&data, &checkpoint]);
        let report = json("train --resume {} --out {} --iters 18", &[&checkpoint, &resumed]);
        assert!(fs::read(&whole).unwrap() == fs::read(&resumed).unwrap(), "{run}: another model");
        for name in ["history", "iterations", "hidden", "batch", "lr", "momentum", "validation", "loss_epsilon", "rng"]
        {
            assert_eq!(report[name], full[name], "{run}: {name}");
        }
    }
    fs::rename(&data, &moved).unwrap();
    let shown = data.to_str().unwrap();
    fails(1, "train --resume {} --iters 20", &[&checkpoint], &[shown, "not there", "--data"]);
    json("train --resume {} --data {} --iters 20", &[&checkpoint, &moved]);
    let labels = moved.join(common::NAMES[1]);
    fs::write(&labels, common::idx(&[4], &[1, 0, 1, 0])).unwrap();
    let words = [shown, moved.to_str().unwrap(), "differs", "--data"];
    fails(1, "train --resume {} --data {} --iters 20", &[&checkpoint, &moved], &words);
    fs::rename(&moved, &data).unwrap();
    fails(1, "train --resume {} --iters 20", &[&checkpoint], &[shown, "has changed"]);
}

/// The end of a run is kept: one of nine epochs that was interrupted is resumed up to the ninth.
#[test]
fn a_resumed_run_ends_where_it_was_to_end() {
    let scratch = tempfile::tempdir().unwrap();
    let checkpoint = scratch.path().join("checkpoint");
    let child = start("--checkpoint {} --every 100 --iters 200000 --hidden 1 --batch 1 --quiet", &[&checkpoint]);
    let started = Instant::now();
    while !checkpoint.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no checkpoint in a minute");
        sleep(Duration::from_millis(5));
    }
    signal(&child, "-INT");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "interrupted");
    assert_eq!(json("train --resume {}", &[&checkpoint])["iterations"], 200_000);
}

#[test]
fn times_add_up_over_all_parts() {
    let scratch = tempfile::tempdir().unwrap();
    let checkpoint = scratch.path().join("checkpoint");
    let run = "--hidden 200 --optimizer adam";
    let first = json(&format!("train --checkpoint {{}} --iters 2000 {run}"), &[&checkpoint]);
    let second = json(&format!("train --resume {{}} --iters 2001 {run}"), &[&checkpoint]);
    let [before, after] = [&first, &second].map(|report| float(&report["train_seconds"]));
    assert!(before < after && after < 1.5 * before, "{before} and {after}");
    // The second process alone ended too quickly for this much training.
    let total = float(&second["total_seconds"]);
    assert!(total > after, "{total} in all, {after} of training");
}

#[test]
fn ctrl_c_ends_a_run_with_a_model_and_a_checkpoint() {
    let scratch = tempfile::tempdir().unwrap();
    let [model, checkpoint, whole] = ["model", "checkpoint", "whole"].map(|name| scratch.path().join(name));
    let child =
        start("--out {} --checkpoint {} --every 10000 --iters 100000000 --hidden 20 --quiet", &[&model, &checkpoint]);
    // Once a run has written a checkpoint, it handles signals.
    let started = Instant::now();
    while !checkpoint.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no checkpoint in a minute");
        sleep(Duration::from_millis(5));
    }
    signal(&child, "-INT");
    let asked = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5));
    let (stderr, stdout) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: interrupted after ") && stderr.contains("continue with --resume"), "{stderr}");
    assert!(stdout.contains("Accuracy  ") && stdout.contains("Model     "), "{stdout}");
    ok("eval {}", &[&model]);
    // 55 more iterations: resumed, and in one uninterrupted run.
    let text = stderr.split(' ').nth(3).unwrap().replace(',', "");
    let done: usize = text.parse().unwrap();
    assert_eq!(Model::read(&checkpoint).metadata["train.iterations"], done.to_string(), "the last iteration");
    let end = done + 55;
    json(&format!("train --out {{}} --resume {{}} --iters {end} --hidden 20"), &[&model, &checkpoint]);
    json(&format!("train --out {{}} --iters {end} --hidden 20"), &[&whole]);
    assert!(fs::read(&model).unwrap() == fs::read(&whole).unwrap());
}

/// A run killed at any moment leaves a valid checkpoint, and resuming gives the same result.
#[test]
fn a_run_killed_many_times_gives_the_same_result() {
    let scratch = tempfile::tempdir().unwrap();
    let [model, checkpoint, whole] = ["model", "checkpoint", "whole"].map(|name| scratch.path().join(name));
    let run = "--iters 2000 --hidden 100 --optimizer adam --quiet";
    json(&format!("train --out {{}} {}", run.replace("--quiet", "")), &[&whole]);
    let mut kills = 0;
    let mut at = 3;
    while kills < 12 {
        let resume = if checkpoint.exists() { "--resume {}" } else { "" };
        let mut paths = vec![model.as_path(), &checkpoint];
        paths.extend(checkpoint.exists().then_some(checkpoint.as_path()));
        let mut child = start(&format!("--out {{}} --checkpoint {{}} --every 3 {resume} {run}"), &paths);
        // Kill it at various moments: while it starts, writes, renames and trains.
        at = (at * 7 + 1) % 211;
        sleep(Duration::from_millis(20 + at));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        signal(&child, "-KILL");
        child.wait().unwrap();
        kills += 1;
        if checkpoint.exists() {
            ok("eval {}", &[&checkpoint]);
        }
    }
    let resume = if checkpoint.exists() { "--resume {}" } else { "" };
    let paths = [model.as_path(), &checkpoint, &checkpoint];
    json(
        &format!("train --out {{}} --checkpoint {{}} {resume} {}", run.replace("--quiet", "")),
        &paths[..2 + usize::from(checkpoint.exists())],
    );
    assert!(kills >= 5, "it was over after {kills} kills");
    assert!(fs::read(&model).unwrap() == fs::read(&whole).unwrap(), "after {kills} kills");
    assert_eq!(names_in(scratch.path()), ["checkpoint", "model", "whole"], "after {kills} kills");
}

/// A run ended by --patience does not continue when resumed.
#[test]
fn a_run_ended_by_patience_stays_ended_when_resumed() {
    let scratch = tempfile::tempdir().unwrap();
    let [model, again, checkpoint] = ["model", "again", "checkpoint"].map(|name| scratch.path().join(name));
    let run = "--optimizer adam --lr 0.01 --epochs 60 --validation 0.2 --patience 2";
    let one = json(&format!("train --out {{}} --checkpoint {{}} {run}"), &[&model, &checkpoint]);
    assert_eq!(one["early"], "patience");
    let two = json(&format!("train --out {{}} --resume {{}} {run}"), &[&again, &checkpoint]);
    assert_eq!((&one["iterations"], &one["early"]), (&two["iterations"], &two["early"]));
    assert!(fs::read(&model).unwrap() == fs::read(&again).unwrap());
}

/// A full disk prevents the checkpoint; the run still finishes and saves its model.
#[cfg(target_os = "linux")]
#[test]
fn a_run_finishes_even_if_a_checkpoint_cannot_be_written() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    fails(1, "train --iters 30 --out {} --checkpoint /dev/full --quiet", &[&model], &["cannot write /dev/full"]);
    ok("eval {}", &[&model]);
}

#[test]
fn files_other_than_this_runs_checkpoint_are_errors() {
    let scratch = tempfile::tempdir().unwrap();
    let [model, checkpoint, none] = ["model", "checkpoint", "none"].map(|name| scratch.path().join(name));
    json("train --out {} --checkpoint {} --iters 40 --optimizer adam", &[&model, &checkpoint]);
    let resume = |code, options: &str, from: &Path, words: &[&str]| {
        fails(code, &format!("train --resume {{}} {options}"), &[from], words);
    };
    resume(2, "--optimizer sgd", &checkpoint, &["its run has --optimizer adam, the command --optimizer sgd; leave"]);
    resume(2, "--lr 0.1", &checkpoint, &["its run has --lr 0.001, the command --lr 0.1"]);
    resume(2, "--seed 1", &checkpoint, &["its run has --seed 0, the command --seed 1"]);
    resume(2, "--activation relu", &checkpoint, &["--activation sigmoid", "--activation relu"]);
    resume(2, "--validation 0.1", &checkpoint, &["has no --validation,", "the command --validation 0.1"]);
    resume(2, "--precision f64", &checkpoint, &["--precision f32", "--precision f64"]);
    resume(2, "--hidden 51", &checkpoint, &["--hidden 50", "--hidden 51"]);
    resume(2, "--classes 11", &checkpoint, &["--classes 10", "--classes 11"]);
    resume(2, "--loss-epsilon 1e-7", &checkpoint, &["--loss-epsilon 0.0", "--loss-epsilon 1e-7"]);
    resume(2, "--iters 39", &checkpoint, &["40 iterations", "39 iterations"]);
    resume(2, "--log log", &checkpoint, &["has no losses"]);
    resume(1, "", &model, &["not a checkpoint"]);
    let data = scratch.path().join("data");
    fs::create_dir(&data).unwrap();
    for part in ["train", "t10k"] {
        for kind in ["images-idx3", "labels-idx1"] {
            // The test set as the training set too: a different data set.
            let from = format!("{}/data/t10k-{kind}-ubyte.gz", env!("CARGO_MANIFEST_DIR"));
            fs::copy(from, data.join(format!("{part}-{kind}-ubyte.gz"))).unwrap();
        }
    }
    let shown = data.to_str().unwrap();
    fails(1, "train --data {} --resume {}", &[&data, &checkpoint], &["the bundled digits, not on", shown, "--data"]);
    for option in ["--out", "--log", "--report"] {
        fails(
            2,
            &format!("train --resume {{}} {option} {{}}"),
            &[&checkpoint, &checkpoint],
            &[option, "would replace"],
        );
    }
    resume(1, "", &none, &["cannot open"]);
    fails(2, "train --out {} --checkpoint {}", &[&model, &model], &["--out and --checkpoint both name"]);
}
