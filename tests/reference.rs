//! `--rng numpy` against NumPy: the recorded runs of `fixtures/`, on the bundled digits and on MNIST.

use std::path::Path;

use crate::common::{Model, digits, fixture, float, floats, integer, json, levels, losses, mnist};
use serde_json::Value;
use twolayer_core::{DEFAULT_H, Labels, Parameter, Parameters, Rows, Shape, TwoLayerNet};
use twolayer_idx::{Part, Split};

/// How far a replayed run may be from the recorded one.
struct Tolerance {
    /// Of a loss, relative, in the first 200 iterations.
    early: f64,
    /// Of a loss, relative, after them.
    late: f64,
}

const F64: Tolerance = Tolerance { early: 1e-9, late: 1e-6 };
/// In f32 only the first 200 iterations are compared: rounding grows from step to step.
const F32: Tolerance = Tolerance { early: 1e-4, late: f64::NAN };

/// The arguments that repeat a recorded run.
fn arguments(run: &Value, precision: &str, rest: &str) -> String {
    format!(
        "train --rng numpy --seed {} --hidden {} --batch {} --lr {} --precision {precision} {rest}",
        run["seed"], run["hidden"], run["batch"], run["lr"]
    )
}

/// How many of a run's iterations to repeat: fewer at the portable level, which is ten times as slow.
fn affordable(level: &str, iterations: usize) -> usize {
    if level == "scalar" { iterations.min(100) } else { iterations }
}

/// Compares the losses of a run with those that were recorded of its iterations.
fn compare_losses(losses: &[f64], recorded: &Value, tolerance: &Tolerance, name: &str) {
    for pair in recorded.as_array().unwrap() {
        let (i, expected) = (integer(&pair[0]), float(&pair[1]));
        if i >= losses.len() {
            break;
        }
        let allowed = if i < 200 { tolerance.early } else { tolerance.late };
        let error = (losses[i] - expected).abs() / expected;
        assert!(error <= allowed, "{name}: loss {} of iteration {i}, recorded {expected}", losses[i]);
    }
}

/// Replays a recorded run on the data in `folder` and compares everything that was recorded.
fn replay(run: &Value, folder: &Path, precision: &str, level: &str, tolerance: &Tolerance) {
    let name = format!("seed {}, {precision}, {level}", run["seed"]);
    let scratch = tempfile::tempdir().unwrap();
    let (log, out) = (scratch.path().join("losses.csv"), scratch.path().join("model"));
    let recorded = integer(&run["iters"]);
    let iterations = if precision == "f32" { recorded.min(200) } else { affordable(level, recorded) };
    let rest = format!("--data {{}} --iters {iterations} --isa {level} --log {{}} --out {{}}");
    let report = json(&arguments(run, precision, &rest), &[folder, &log, &out]);

    let losses = losses(&log);
    assert_eq!(losses.len(), iterations, "{name}");
    compare_losses(&losses, &run["loss"], tolerance, &name);
    if precision == "f64" && iterations == recorded {
        compare_accuracies(&report, run, folder, &name);
        compare_weights(&Model::read(&out), &run["final"], &name);
    }
}

/// Accuracies within one image, after the same iterations.
fn compare_accuracies(report: &Value, run: &Value, folder: &Path, name: &str) {
    // The notebook measures after the first iteration of each epoch, not at the end.
    let of_epoch = |m: &&Value| (integer(&m["iterations"]) - 1).is_multiple_of(integer(&report["epoch"]));
    let history: Vec<&Value> = report["history"].as_array().unwrap().iter().filter(of_epoch).collect();
    for (key, part) in [("train_accuracy", Part::Train), ("test_accuracy", Part::Test)] {
        let image = 1.0 / Split::load_part(folder, part).unwrap().rows() as f64;
        let recorded = run[key].as_array().unwrap();
        assert_eq!(history.len(), recorded.len(), "{name}");
        for (entry, pair) in history.iter().zip(recorded) {
            assert_eq!(integer(&entry["iterations"]), integer(&pair[0]) + 1, "{name}");
            let apart = (float(&entry[key]) - float(&pair[1])).abs();
            assert!(apart < 1.5 * image, "{name}: {key} {} after {}, recorded {}", entry[key], pair[0], pair[1]);
        }
        if let Some(last) = run[format!("final_{key}")].as_f64() {
            assert!((float(&report[key]) - last).abs() < 1.5 * image, "{name}: final {key}");
        }
    }
}

/// Sums, sums of magnitudes and first values of each parameter.
fn compare_weights(model: &Model, recorded: &Value, name: &str) {
    for parameter in ["W1", "b1", "W2", "b2"] {
        let (values, recorded) = (model.values(parameter), &recorded[parameter]);
        let sum: f64 = values.iter().sum();
        let abs_sum: f64 = values.iter().map(|x| x.abs()).sum();
        assert!((sum - float(&recorded["sum"])).abs() < 1e-6, "{name}: sum of {parameter} {sum}");
        assert!((abs_sum - float(&recorded["abs_sum"])).abs() < 1e-6, "{name}: magnitudes of {parameter} {abs_sum}");
        for (i, (x, expected)) in values.iter().zip(floats(&recorded["first"])).enumerate() {
            assert!((x - expected).abs() < 1e-6, "{name}: {parameter}[{i}] is {x}, recorded {expected}");
        }
    }
}

/// The weights before the first iteration, which must be the recorded ones to the last bit.
fn initial_weights(run: &Value, folder: &Path) -> Model {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("model");
    json(&arguments(run, "f64", "--data {} --iters 0 --out {}"), &[folder, &out]);
    let model = Model::read(&out);
    let hidden = integer(&run["hidden"]);
    if run["W1_first_row"].is_array() {
        assert_eq!(model.values("W1")[..hidden], floats(&run["W1_first_row"]));
        assert_eq!(model.values("W2")[..10], floats(&run["W2_first_row"]));
    }
    assert!(model.values("b1").iter().chain(model.values("b2")).all(|&b| b == 0.0));
    model
}

/// Backpropagation on the first images with the run's initial weights, at every level, against the recorded gradient;
/// numerical gradient against both.
fn compare_gradients(run: &Value, folder: &Path) {
    let weights = initial_weights(run, folder);
    let train = Split::load_part(folder, Part::Train).unwrap();
    let shape = Shape::new(train.inputs(), integer(&run["hidden"]), 10).unwrap();
    let mut parameters = Parameters::<f64>::zeros(shape);
    for p in Parameter::ALL {
        parameters.set(p, weights.values(p.name())).unwrap();
    }
    let batch = integer(&run["batch"]);
    let rows = Rows::Pixels(&train.images()[..batch * train.inputs()]);
    let labels = Labels::Classes(&train.labels()[..batch]);
    for level in twolayer_core::Level::available() {
        let net = TwoLayerNet::new(parameters.clone()).with_level(level);
        let backprop = net.gradient(rows, labels).unwrap();
        let numerical = net.numerical_gradient(rows, labels, DEFAULT_H).unwrap();
        for p in Parameter::ALL {
            let (found, recorded) = (backprop.get(p).to_vec(), &run["backprop"][p.name()]);
            let numerical = numerical.get(p).to_vec();
            let name = format!("{} at {}", p.name(), level.name());
            let sum: f64 = found.iter().sum();
            let abs_sum: f64 = found.iter().map(|x| x.abs()).sum();
            assert!((sum - float(&recorded["sum"])).abs() < 1e-12, "{name}: sum {sum}");
            assert!((abs_sum - float(&recorded["abs_sum"])).abs() < 1e-12, "{name}: magnitudes {abs_sum}");
            for (i, (x, expected)) in found.iter().zip(floats(&recorded["first"])).enumerate() {
                assert!((x - expected).abs() < 1e-14, "{name}[{i}] is {x}, recorded {expected}");
                let n = numerical[i];
                assert!((n - expected).abs() < 1e-9, "{name}[{i}] is numerically {n}, recorded {expected}");
            }
        }
    }
}

#[test]
fn replays_numpy_on_the_bundled_digits_at_every_level() {
    let runs = fixture("digits_runs.json");
    for level in levels() {
        for run in runs.as_array().unwrap() {
            replay(run, &digits(), "f64", &level, &F64);
            replay(run, &digits(), "f32", &level, &F32);
        }
    }
}

/// The notebook's loss is -ln(y + 1e-7), which `--loss-epsilon 1e-7` reports. The weights are the same bytes.
#[test]
fn the_notebooks_loss_is_numpys_too() {
    let scratch = tempfile::tempdir().unwrap();
    let [log, exact, with] = ["losses.csv", "exact", "with"].map(|name| scratch.path().join(name));
    for run in fixture("digits_runs.json").as_array().unwrap() {
        for level in levels() {
            // The other tests replay whole runs.
            let iterations = affordable(&level, integer(&run["iters"])).min(1000);
            let options = format!("--data {{}} --iters {iterations} --isa {level} --log {{}} --out {{}}");
            let told = arguments(run, "f64", &options);
            json(&format!("{told} --loss-epsilon 1e-7"), &[&digits(), &log, &with]);
            let losses = losses(&log);
            assert_eq!(losses.len(), iterations, "{level}");
            compare_losses(&losses, &run["notebook_loss"], &F64, &level);
            json(&told, &[&digits(), &log, &exact]);
            assert_eq!(std::fs::read(&exact).unwrap(), std::fs::read(&with).unwrap(), "{level}: other weights");
        }
    }
}

#[test]
fn starts_from_numpys_weights() {
    for run in fixture("digits_runs.json").as_array().unwrap() {
        let model = initial_weights(run, &digits());
        assert_eq!(model.shape("W1"), [64, integer(&run["hidden"])]);
    }
}

#[test]
fn backpropagation_agrees_with_numpy_on_the_bundled_digits() {
    for run in fixture("digits_gradients.json").as_array().unwrap() {
        compare_gradients(&with_training_defaults(run), &digits());
    }
}

/// A recorded gradient says nothing of a rate, which repeating its weights does not need.
fn with_training_defaults(run: &Value) -> Value {
    let mut run = run.clone();
    run["lr"] = 0.1.into();
    run
}

#[test]
fn replays_numpy_on_mnist_at_every_level() {
    let Some(folder) = mnist() else { return };
    for level in levels() {
        for name in ["mnist_seed0.json", "mnist_seed7.json"] {
            let run = fixture(name);
            initial_weights(&run, &folder);
            replay(&run, &folder, "f64", &level, &F64);
            replay(&run, &folder, "f32", &level, &F32);
        }
    }
}

#[test]
fn gradients_agree_with_numpy_on_mnist() {
    let Some(folder) = mnist() else { return };
    let run = fixture("mnist_seed0_gradients.json");
    compare_gradients(&run, &folder);
    for level in levels() {
        let report = json(&format!("gradcheck --data {{}} --batch 3 --rng numpy --seed 0 --isa {level}"), &[&folder]);
        assert_eq!(report["passed"], true);
        for p in Parameter::ALL {
            let (found, recorded) = (float(&report["parameters"][p.name()]["mean_abs"]), &run["mean_abs_difference"]);
            assert!(found < 1e-9, "{} at {level}: {found}", p.name());
            // Where truncation dominates rounding, as in b2, both compute the same number.
            let recorded = float(&recorded[p.name()]);
            assert!(recorded < 1e-10 || (found - recorded).abs() < 0.1 * recorded, "{}: {found}", p.name());
        }
    }
}
