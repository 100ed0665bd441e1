//! `gradcheck` end to end: verdicts, explanations, and the kinks of ReLU.

use crate::common::{assert_paragraph, float, folder, integer, json, levels, ok, run, tiny};
use serde_json::Value;

#[test]
fn gradcheck_passes_at_every_level_and_shows_its_numbers() {
    for level in levels() {
        for threads in [1, 2] {
            let report = json(&format!("gradcheck --isa {level} --threads {threads}"), &[]);
            assert_eq!(report["passed"], true);
            for name in ["W1", "b1", "W2", "b2"] {
                let d = &report["parameters"][name];
                let (mean, max) = (float(&d["mean_abs"]), float(&d["max_abs"]));
                assert!(mean < 1e-9 && mean <= max && float(&d["max_rel"]) < 1e-2, "{name}: {d}");
            }
            assert!(float(&report["seconds_numerical"]) > 0.0 && float(&report["seconds_backprop"]) > 0.0);
        }
    }
    let data = folder(&tiny());
    let text = ok("gradcheck --data {} --batch 4 --hidden 7 --seed 9 --rng numpy", &[data.path()]);
    assert!(text.contains("Passed") && ["W1", "b1", "W2", "b2"].iter().all(|name| text.contains(name)), "{text}");
}

/// A saved model is checked like random weights, by both methods.
#[test]
fn gradcheck_checks_a_models_weights_by_either_method() {
    let scratch = tempfile::tempdir().unwrap();
    let data = folder(&tiny());
    for precision in ["f32", "f64"] {
        let model = scratch.path().join(precision);
        ok(&format!("train --data {{}} --hidden 9 --precision {precision} --out {{}} --quiet"), &[data.path(), &model]);
        let fast = json("gradcheck {} --data {} --batch 4", &[&model, data.path()]);
        let slow = json("gradcheck {} --data {} --batch 4 --brute-force", &[&model, data.path()]);
        assert_eq!((&fast["method"], &slow["method"]), (&"structured".into(), &"brute force".into()));
        assert_eq!((&fast["hidden"], &fast["model"]), (&9.into(), &model.to_str().unwrap().into()));
        for name in ["W1", "b1", "W2", "b2"] {
            let (a, b) = (&fast["parameters"][name], &slow["parameters"][name]);
            assert!((float(&a["mean_abs"]) - float(&b["mean_abs"])).abs() < 1e-11, "{name}: {a} and {b}");
            let worst = &a["worst"];
            assert_eq!((&a["verdict"], &a["left_out"]), (&"pass".into(), &0.into()), "{name}");
            let off = float(&worst["backprop"]) - float(&worst["numerical"]);
            assert_eq!(off.abs(), float(&a["max_abs"]), "{name}: {worst}");
        }
    }
}

#[test]
fn a_failed_check_is_explained() {
    for (options, why) in
        [("--h 0.1", "h is too large"), ("--h 1e-9", "rounding dominates"), ("--tolerance 1e-14", "cannot reach")]
    {
        let ran = run(&format!("gradcheck {options}"), &[]);
        assert_eq!(ran.code, Some(1), "{ran:#?}");
        assert!(ran.stdout.contains("FAIL") && ran.stdout.contains(why), "{ran:#?}");
        assert!(ran.stdout.contains("the mean is not below 1e-"), "{ran:#?}");
        assert!(ran.stderr.contains("backpropagation differs"), "{ran:#?}");
    }
    let report: serde_json::Value = serde_json::from_str(&run("gradcheck --h 0.1 --json", &[]).stdout).unwrap();
    // One step for all parameters, not one for each.
    let why = report["explanations"].as_array().unwrap();
    assert_eq!((&report["passed"], why.len()), (&false.into(), 1), "{why:?}");
    let suggested = why[0].as_str().unwrap().split("--h ").nth(1).unwrap().split(' ').next().unwrap();
    ok(&format!("gradcheck --h {suggested}"), &[]);
}

/// A blank image and zero biases leave every ReLU unit exactly on its kink, at any step.
#[test]
fn gradcheck_does_not_blame_backpropagation_for_the_kinks_of_relu() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("relu");
    let mut files = tiny();
    let blank = files[0].len() - 6..;
    files[0][blank].fill(0);
    let data = folder(&files);
    ok("train --data {} --iters 0 --activation relu --init he --hidden 20 --out {} --quiet", &[data.path(), &model]);
    for options in ["--h 1e-3 --tolerance 1e-6", "--h 1e-4", "--h 1e-5", "--brute-force"] {
        let report = json(&format!("gradcheck {{}} --data {{}} {options}"), &[&model, data.path()]);
        assert_eq!((&report["passed"], &report["activation"]), (&true.into(), &"relu".into()), "{report}");
        assert!(integer(&report["kinks"]) >= 20 && integer(&report["rows_with_kinks"]) >= 1, "{report}");
    }
    let text = ok("gradcheck {} --data {}", &[&model, data.path()]);
    for word in ["20 kinks in 1 row", "unit 0 in row 3 (at 0.0e0)", "and 17 more", "compared without", "relu"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// Where all derivatives are 0 by both methods, agreement is no pass.
#[test]
fn gradcheck_without_anything_to_compare_does_not_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let model = scratch.path().join("relu");
    let mut files = tiny();
    files[0][16..].fill(0);
    let data = folder(&files);
    ok("train --data {} --iters 0 --activation relu --init he --hidden 5 --out {} --quiet", &[data.path(), &model]);
    let ran = run("gradcheck {} --data {}", &[&model, data.path()]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    for word in
        ["unchecked", "Not passed: nothing could be compared in W1, b1, W2", "b2", "pass", "W2: nothing to compare"]
    {
        assert!(ran.stdout.contains(word), "{word}: {ran:#?}");
    }
    assert_paragraph(&ran, &["nothing could be compared in W1, b1, W2"]);
    let report: Value =
        serde_json::from_str(&run("gradcheck {} --data {} --json", &[&model, data.path()]).stdout).unwrap();
    assert_eq!((&report["passed"], &report["parameters"]["b1"]["verdict"]), (&false.into(), &"unchecked".into()));
}
