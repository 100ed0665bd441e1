//! The values of `--json` as tables.

use serde_json::{Map, Value};

use crate::number_format::{grouped, loss, number, percent, seconds};

/// A heading with pairs of names and values.
pub struct Group {
    pub heading: &'static str,
    pub facts: Vec<(String, String)>,
}

/// The fields of each group, in order. A field that is not listed belongs to the options.
const RESULTS: &[&str] =
    &["test_accuracy", "train_accuracy", "accuracy", "correct", "rows", "mean_loss", "test_loss", "iterations"];
const OPTIONS: &[&str] = &[
    "model",
    "data",
    "split",
    "inputs",
    "hidden",
    "classes",
    "activation",
    "optimizer",
    "lr",
    "batch",
    "epoch",
    "gradient",
    "h",
    "precision",
    "rng",
    "seed",
];
const MACHINE: &[&str] = &["threads", "isa"];
const TIMES: &[&str] = &["train_seconds", "seconds", "total_seconds", "samples_per_second"];
const FILES: &[&str] = &["out", "log", "report", "plot"];
/// The fields at the top of a report, and of one of a run that failed.
const HIGHLIGHTS: &[&str] = &["test_accuracy", "accuracy", "mean_loss", "test_loss", "train_seconds", "seconds"];
const FAILED: &[&str] = &["iterations", "lr", "total_seconds"];

/// Every scalar of the object.
pub fn groups(report: &Value) -> Vec<Group> {
    let empty = Map::new();
    let object = report.as_object().unwrap_or(&empty);
    let named = [RESULTS, OPTIONS, MACHINE, TIMES, FILES].concat();
    let others = object.keys().map(String::as_str).filter(|name| !named.contains(name));
    let options: Vec<&str> = OPTIONS.iter().copied().chain(others).collect();
    let group = |heading, names: &[&str]| Group { heading, facts: pick(object, names) };
    let mut machine = group("Machine", MACHINE);
    let system = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    machine.facts.push(("system".into(), system));
    machine.facts.push(("program".into(), format!("twolayer {}", env!("CARGO_PKG_VERSION"))));
    let mut groups = vec![group("Options", &options), machine, group("Times", TIMES)];
    groups.extend([group("Results", RESULTS), group("Files", FILES)]);
    groups.retain(|group| !group.facts.is_empty());
    groups
}

/// The most important figures.
pub fn highlights(report: &Value) -> Vec<(String, String)> {
    let Some(object) = report.as_object() else { return Vec::new() };
    let figures = pick(object, HIGHLIGHTS);
    if figures.is_empty() { pick(object, FAILED) } else { figures }
}

fn pick(object: &Map<String, Value>, names: &[&str]) -> Vec<(String, String)> {
    let fact = |name: &&str| Some((label(name), shown(name, object.get(*name)?)?));
    names.iter().filter_map(fact).collect()
}

fn label(name: &str) -> String {
    match name {
        "lr" => "learning rate".into(),
        "isa" => "instruction set".into(),
        "rng" => "random numbers".into(),
        "epoch" => "iterations per epoch".into(),
        "batch" => "rows per batch".into(),
        "hidden" => "hidden units".into(),
        "out" => "model".into(),
        "log" => "losses".into(),
        "plot" => "curves".into(),
        "h" => "step of central differences".into(),
        "train_seconds" => "training time".into(),
        "total_seconds" => "total time".into(),
        "seconds" => "time".into(),
        _ => name.replace('_', " "),
    }
}

/// A value as text; none for null and lists.
fn shown(name: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::Number(_) => {
            let x = value.as_f64()?;
            match (name, value.as_u64()) {
                (name, _) if name.ends_with("accuracy") => percent(x),
                (name, _) if name.ends_with("per_second") => grouped(x as usize),
                (name, _) if name.ends_with("seconds") => seconds(x),
                (name, _) if name.ends_with("loss") => loss(x),
                ("seed", _) => value.to_string(),
                (_, None) => number(x),
                (_, Some(n)) => grouped(n as usize),
            }
        }
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_scalar_appears_once_and_unknown_ones_are_options() {
        let report = json!({
            "test_accuracy": 0.9469, "seed": 12345678, "iterations": 10000, "lr": 0.1, "h": null, "history": [1],
            "new_option": true, "train_seconds": 0.5754, "test_loss": 0.16766, "samples_per_second": 1737906.5,
        });
        let groups = groups(&report);
        let all: Vec<(&str, &str, &str)> = groups
            .iter()
            .flat_map(|g| g.facts.iter().map(|(name, value)| (g.heading, name.as_str(), value.as_str())))
            .collect();
        for expected in [
            ("Results", "test accuracy", "94.69%"),
            ("Options", "seed", "12345678"),
            ("Results", "iterations", "10,000"),
            ("Options", "learning rate", "0.1"),
            ("Options", "new option", "yes"),
            ("Times", "training time", "575.4 ms"),
            ("Results", "test loss", "0.1677"),
            ("Times", "samples per second", "1,737,906"),
        ] {
            assert_eq!(all.iter().filter(|fact| **fact == expected).count(), 1, "{expected:?} in {all:?}");
        }
        // Eight from the report; the others describe the system and the program.
        assert_eq!(all.len(), 8 + 2);
    }
}
