//! What each command does when all goes well, and how it behaves in a pipe.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::common::{
    Model, digits, float, floats, folder, integer, json, levels, losses, names_in, ok, run, tiny, twolayer,
};
use serde_json::Value;

/// Trains on the bundled digits for a moment.
fn small_model(folder: &Path) -> std::path::PathBuf {
    let model = folder.join("model.safetensors");
    ok("train --quiet --iters 1500 --lr 0.5 --out {}", &[&model]);
    model
}

#[test]
fn the_defaults_learn_the_bundled_digits_and_print_the_accuracy() {
    let text = ok("train", &[]);
    assert!(text.contains("bundled"), "{text}");
    assert!(text.contains("samples per second"), "{text}");
    let rows =
        |text: &str| text.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit())).count();
    assert!((20..=30).contains(&rows(&text)) && text.contains("--every-epoch"), "{text}");
    let all = rows(&ok("train --every-epoch --iters 1000", &[]));
    assert_eq!(all, 1000usize.div_ceil(14) + 1, "a row for each epoch, and one for the end");
    let accuracies = text.split_once("\nAccuracy  ").unwrap().1.lines().next().unwrap();
    let percents = accuracies.split(' ').filter_map(|word| word.strip_suffix('%'));
    let percents: Vec<f64> = percents.map(|number| number.parse().unwrap()).collect();
    assert!(percents.len() == 2 && percents.iter().all(|&percents| percents >= 90.0), "{accuracies}");
}

#[test]
fn every_level_and_precision_learns() {
    for level in levels() {
        for precision in ["f32", "f64"] {
            // A higher rate than the default, so that few iterations are enough.
            let options = format!("train --lr 1 --iters 600 --isa {level} --precision {precision} --threads 2");
            let report = json(&options, &[]);
            assert!(float(&report["test_accuracy"]) >= 0.90, "{options}: {}", report["test_accuracy"]);
            assert_eq!(report["isa"], level.as_str());
            assert_eq!(report["precision"], precision);
            assert_eq!(report["threads"], 2);
        }
    }
}

#[test]
fn the_training_report_is_complete_and_agrees_with_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let (out, log) = (scratch.path().join("model"), scratch.path().join("log"));
    let options = "--iters 100 --seed 5 --hidden 20 --batch 200 --lr 0.2 --threads 1 --out {} --log {}";
    let report = json(&format!("train {options}"), &[&out, &log]);
    let keys = ["iterations", "epoch", "seed", "hidden", "batch", "threads", "inputs", "classes"];
    let values = keys.map(|key| integer(&report[key]));
    assert_eq!(values, [100, 7, 5, 20, 200, 1, 64, 10]);
    assert_eq!((&report["rng"], &report["data"]), (&Value::from("chacha8"), &Value::from("bundled")));
    let (train, total) = (float(&report["train_seconds"]), float(&report["total_seconds"]));
    assert!(train > 0.0 && train < total, "{train} of {total}");
    let rate = float(&report["samples_per_second"]);
    assert!((rate * train / 20_000.0 - 1.0).abs() < 1e-9);

    let losses = losses(&log);
    assert_eq!(losses.len(), 100);
    let history = report["history"].as_array().unwrap();
    let iterations: Vec<usize> = history.iter().map(|entry| integer(&entry["iterations"])).collect();
    assert_eq!(iterations, (1..100).step_by(7).chain([100]).collect::<Vec<_>>());
    let mut before = 0;
    for entry in history {
        let batches = &losses[before..integer(&entry["iterations"])];
        assert_eq!(float(&entry["loss"]), batches.iter().sum::<f64>() / batches.len() as f64);
        before += batches.len();
        assert!((0.0..=1.0).contains(&float(&entry["train_accuracy"])));
    }
    // An epoch's accuracies follow its first iteration's update, whatever comes after.
    let shorter = json("train --iters 99 --seed 5 --hidden 20 --batch 200 --lr 0.2", &[]);
    assert_eq!(shorter["test_accuracy"], history[14]["test_accuracy"]);
}

/// The last row of the table, and of the history, is the network that is written.
#[test]
fn the_last_row_is_the_state_after_the_last_update() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("model");
    for (options, epoch) in [("--iters 100", "7.1"), ("--iters 99", "7"), ("--epochs 2", "2"), ("--iters 1", "0")] {
        let report = json(&format!("train {options} --out {{}}"), &[&out]);
        let (evaluation, last) = (json("eval {}", &[&out]), report["history"].as_array().unwrap().last().unwrap());
        assert_eq!(last["iterations"], report["iterations"], "{options}");
        for (name, told) in [("test_loss", "mean_loss"), ("test_accuracy", "accuracy")] {
            assert_eq!((&last[name], &report[name]), (&evaluation[told], &evaluation[told]), "{options}: {name}");
        }
        let text = ok(&format!("train {options}"), &[]);
        let (before, after) = text.split_once("\nTrained").unwrap();
        let row: Vec<&str> = before.lines().last().unwrap().split_whitespace().collect();
        let loss = format!("{:.4}", float(&last["test_loss"]));
        assert_eq!((row[0], row[1], row[3]), (epoch, last["iterations"].to_string().as_str(), loss.as_str()), "{text}");
        assert!(after.contains(&format!("Loss      {loss} on the test set")), "{text}");
    }
}

#[test]
fn epochs_are_batches_that_fit_into_the_training_set() {
    for (options, iterations) in
        [("--epochs 3", 42), ("--epochs 2 --batch 2000", 2), ("--epochs 0", 0), ("--iters 0", 0), ("--iters 1", 1)]
    {
        let report = json(&format!("train {options}"), &[]);
        assert_eq!(integer(&report["iterations"]), iterations, "{options}");
        assert_eq!(report["history"].as_array().unwrap().is_empty(), iterations == 0);
    }
}

#[test]
fn the_same_seed_gives_the_same_file_for_any_number_of_threads() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("model");
    let train = |options: &str| {
        ok(&format!("train --quiet --iters 300 {options} --out {{}}"), &[&out]);
        fs::read(&out).unwrap()
    };
    // At the best level; tests/same_bytes.rs compares the levels.
    for options in ["", "--precision f64", "--rng numpy --hidden 37 --batch 33"] {
        let first = train(&format!("{options} --threads 1"));
        for again in ["--threads 1", "--threads 2", "--threads 3", "--threads 8", ""] {
            assert!(train(&format!("{options} {again}")) == first, "{options} {again}");
        }
        assert!(train(&format!("{options} --seed 1")) != first, "another seed is another model");
    }
}

#[test]
fn a_model_file_has_the_notebooks_names_and_the_training_options() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("model");
    ok("train --quiet --iters 10 --hidden 20 --seed 3 --precision f64 --out {}", &[&out]);
    let model = Model::read(&out);
    assert_eq!(model.names(), ["W1", "W2", "b1", "b2"]);
    assert_eq!(model.dtype, "F64");
    assert_eq!((model.shape("W1"), model.shape("b1")), (&[64, 20][..], &[20][..]));
    assert_eq!((model.shape("W2"), model.shape("b2")), (&[20, 10][..], &[10][..]));
    let metadata = model.metadata.to_string();
    for secret in ["threads", "seconds", "avx", "scalar", "isa"] {
        assert!(!metadata.contains(secret), "{secret} in {metadata}");
    }
    for (key, value) in [("seed", "3"), ("rng", "chacha8"), ("iterations", "10"), ("batch", "100"), ("lr", "0.1")] {
        assert!(metadata.contains(key) && metadata.contains(value), "no {key} {value} in {metadata}");
    }
}

#[cfg(unix)]
#[test]
fn a_model_is_an_ordinary_file() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    let (out, other) = (scratch.path().join("model"), scratch.path().join("other"));
    fs::write(&other, "").unwrap();
    ok("train --quiet --iters 1 --out {}", &[&out]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&out), mode(&other), "permissions follow the umask");
    assert_eq!(names_in(scratch.path()), ["model", "other"]);
}

#[test]
fn eval_counts_every_row_once() {
    let scratch = tempfile::tempdir().unwrap();
    let model = small_model(scratch.path());
    let mut found = Vec::new();
    for (options, data) in [("", None), ("--data {} --threads 1", Some(digits()))] {
        let paths: Vec<&Path> = std::iter::once(model.as_path()).chain(data.as_deref()).collect();
        let report = json(&format!("eval {{}} {options}"), &paths);
        let matrix: Vec<Vec<f64>> = report["confusion"].as_array().unwrap().iter().map(floats).collect();
        let right: f64 = (0..10).map(|class| matrix[class][class]).sum();
        assert_eq!(matrix.iter().flatten().sum::<f64>(), 360.0);
        assert_eq!(right / 360.0, float(&report["accuracy"]));
        assert!(float(&report["accuracy"]) > 0.8 && float(&report["mean_loss"]) > 0.0);
        found.push((matrix, report["mean_loss"].clone()));
    }
    assert_eq!(found[0], found[1], "the bundled digits are those in data/");
    let text = ok("eval {}", &[&model]);
    assert!(text.contains("bundled") && text.contains("Accuracy"), "{text}");
    // Each class's scores, and last their means.
    let scores = json("eval {}", &[&model])["scores"].clone();
    for (class, row) in text.lines().rev().skip(1).take(10).collect::<Vec<_>>().into_iter().rev().enumerate() {
        let (right, sum) = (found[0].0[class][class], |of: &dyn Fn(usize) -> f64| (0..10).map(of).sum::<f64>());
        let (images, taken) = (sum(&|other| found[0].0[class][other]), sum(&|other| found[0].0[other][class]));
        let [precision, recall] = [right / taken, right / images];
        let f1 = 2.0 * precision * recall / (precision + recall);
        let percents = [precision, recall, f1].map(|share| format!("{:.2}%", 100.0 * share)).join(" ");
        assert_eq!(row.split_whitespace().collect::<Vec<_>>().join(" "), format!("{class} {percents} {images}"));
        assert!((float(&scores[class]["f1"]) - f1).abs() < 1e-12 && scores[class]["rows"] == images, "{scores}");
    }
    assert!(text.lines().last().unwrap().starts_with(" mean  "), "{text}");
    let table: Vec<usize> = text.lines().rev().take(11).map(|line| line.chars().count()).collect();
    assert!(table.iter().all(|&width| width == table[0]), "{text}");
}

#[test]
fn eval_repeats_the_accuracies_of_training() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    for level in levels() {
        for precision in ["f32", "f64"] {
            let report =
                json(&format!("train --iters 150 --precision {precision} --isa {level} --out {{}}"), &[&model]);
            for (split, key) in [("test", "test_accuracy"), ("train", "train_accuracy")] {
                let evaluated = json(&format!("eval {{}} --split {split} --isa {level}"), &[&model]);
                assert_eq!((&evaluated["accuracy"], &evaluated["precision"]), (&report[key], &precision.into()));
                assert_eq!(evaluated["isa"], level.as_str());
            }
        }
    }
}

#[test]
fn eval_needs_only_the_half_it_measures() {
    let scratch = tempfile::tempdir().unwrap();
    let model = small_model(scratch.path());
    for name in ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
        fs::copy(digits().join(name), scratch.path().join(name)).unwrap();
    }
    assert_eq!(json("eval {} --data {}", &[&model, scratch.path()])["rows"], 360);
}

#[test]
fn predict_draws_the_digit_beside_its_probabilities() {
    let scratch = tempfile::tempdir().unwrap();
    let model = small_model(scratch.path());
    let report = json("predict {} --index 7", &[&model]);
    let probabilities = floats(&report["probabilities"]);
    assert_eq!(probabilities.len(), 10);
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    let best = probabilities.iter().copied().fold(0.0, f64::max);
    assert_eq!(probabilities[integer(&report["predicted"])], best);
    let text = ok("predict {} --index 7", &[&model]);
    assert!(text.contains("┌") && text.contains("└") && text.contains('█'), "{text}");
    let verdict = if report["label"] == report["predicted"] { "right" } else { "wrong" };
    assert!(text.starts_with(&format!("Answer    {} (", report["predicted"])), "the answer is first: {text}");
    assert!(text.contains(&format!("), {verdict}: the label is {}\n", report["label"])), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let first = json("predict {} --index 0 --split train", &[&model]);
    assert_eq!((&first["split"], &first["label"]), (&Value::from("train"), &Value::from(0)));
}

#[test]
fn training_by_numerical_gradients_agrees_with_backpropagation() {
    // A learning rate that suits so few iterations, and few parameters, as each takes two losses.
    for (precision, close) in [("f64", 1e-7), ("f32", 1e-3)] {
        let run = format!("train --iters 200 --lr 1 --hidden 16 --precision {precision}");
        let backprop = json(&run, &[]);
        assert!(float(&backprop["test_accuracy"]) > 0.5 && backprop["h"].is_null(), "{}", backprop["test_accuracy"]);
        for threads in [1, 2] {
            let numerical = json(&format!("{run} --gradient numerical --h 1e-5 --threads {threads}"), &[]);
            assert_eq!((&numerical["gradient"], &numerical["h"]), (&"numerical".into(), &1e-5.into()));
            let (a, b) = (float(&numerical["test_loss"]), float(&backprop["test_loss"]));
            assert!((a - b).abs() < close, "{precision}, {threads} threads: {a} and {b}");
        }
    }
    let text = ok("train --iters 20 --gradient numerical", &[]);
    assert!(text.contains("central differences in f64, h = 1e-4"), "{text}");
}

#[test]
fn info_names_what_a_run_would_use() {
    let info = json("info", &[]);
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(levels()[0], "scalar");
    assert_eq!(info["isa"], levels().last().unwrap().as_str());
    let report = json("train --iters 1", &[]);
    assert_eq!(report["isa"], info["isa"]);
    assert!((1..=integer(&info["threads"])).contains(&integer(&report["threads"])), "{report}");
    let text = ok("info", &[]);
    assert!(levels().iter().all(|level| text.contains(level)), "{text}");
}

#[test]
fn data_that_cannot_teach_gets_a_note_and_a_usual_set_none() {
    for usual in [json("train --iters 5", &[]), json("data info", &[])] {
        assert_eq!(usual["notes"], serde_json::json!([]), "{usual}");
    }
    let mut files = tiny();
    let start = files[0].len() - 24;
    files[0][start..].iter_mut().for_each(|pixel| *pixel = u8::from(*pixel > 99));
    files[1][8..].iter_mut().for_each(|label| *label += 1);
    let data = folder(&files);
    for command in ["train --iters 5 --data {}", "data info {}"] {
        let notes = json(command, &[data.path()])["notes"].clone();
        let notes: Vec<&str> = notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
        assert!(notes.len() == 2 && notes[0].contains("no pixel is above 1;"), "{notes:?}");
        assert!(notes[1].contains("labels are from 1 to 2"), "{notes:?}");
        let text = ok(command, &[data.path()]);
        assert!(notes.iter().all(|note| text.contains(&format!("Note      {note}\n"))), "{text}");
    }
    assert!(!ok("train --iters 5 --data {} --quiet", &[data.path()]).contains("Note"));
}

#[test]
fn quiet_prints_the_outcome_only() {
    let text = ok("train --quiet --iters 100", &[]);
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("Accuracy"), "{text}");
}

#[test]
fn piped_output_has_no_escapes() {
    for arguments in ["train --iters 30", "gradcheck", "info", "--help", "train --help", "--version"] {
        let ran = run(arguments, &[]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        assert!(!ran.stdout.contains('\u{1b}') && ran.stderr.is_empty(), "{ran:#?}");
    }
}

/// `twolayer train | head -1`: the reader exits early; there is no error, and files are still written.
#[test]
fn a_closed_pipe_is_not_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("model");
    for arguments in [
        &["train", "--iters", "700", "--out"][..],
        &["train"],
        &["train", "--iters", "700", "--json"],
        &["--help"],
        &["gradcheck"],
    ] {
        let mut command = twolayer();
        command.args(arguments);
        if arguments.contains(&"--out") {
            command.arg(&model);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = child.wait().unwrap().code();
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let metadata = Model::read(&model).metadata.to_string();
    assert!(metadata.contains(r#"iterations":"700""#), "{metadata}");
}

/// Any other failure to write is an error.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = twolayer().arg("info").stdout(full).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("error: cannot write to standard output"), "{stderr}");
}

#[test]
fn help_lists_the_commands() {
    let text = ok("--help", &[]);
    for word in ["train", "eval", "predict", "gradcheck", "info", "Examples"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn the_number_of_threads_is_chosen_by_measuring_unless_it_is_given() {
    let available = integer(&json("info", &[])["threads"]);
    for options in ["", "--threads auto"] {
        let text = ok(&format!("train --iters 500 {options}"), &[]);
        let up_to = if available > 1 {
            format!("Machine   up to {available} threads, ")
        } else {
            "Machine   1 thread, ".into()
        };
        assert!(text.contains(&up_to), "{text}");
        let chosen = integer(&json(&format!("train --iters 500 {options}"), &[])["threads"]);
        assert!((1..=available).contains(&chosen), "{chosen}");
    }
    let text = ok("train --iters 500 --threads 3", &[]);
    assert!(text.contains("Machine   3 threads, ") && text.contains(" on 3 threads: "), "{text}");
    let text = ok("train --iters 20 --threads 8", &[]);
    assert!(text.contains(" on 4 of 8 threads (at most one for each 16 hidden units): "), "{text}");
}
