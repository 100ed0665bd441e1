//! Prints the medians after a run; criterion itself prints means and slopes.

use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of criterion's results: `CRITERION_HOME`, or `criterion` in the target folder.
pub fn folder() -> PathBuf {
    let ours = || {
        let program = env::current_exe().ok()?;
        // <target>/<profile>/deps/<program>
        Some(program.ancestors().nth(3)?.join("criterion"))
    };
    env::var_os("CRITERION_HOME").map(PathBuf::from).or_else(ours).unwrap_or_else(|| "target/criterion".into())
}

/// One measured case.
struct Case {
    written: SystemTime,
    group: String,
    id: String,
    seconds: f64,
    /// Amount per iteration, and its unit.
    work: Option<(f64, &'static str)>,
}

impl Case {
    /// Seconds per element or byte, or per iteration if no amount is known.
    fn cost(&self) -> f64 {
        self.seconds / self.work.map_or(1.0, |(amount, _)| amount)
    }
}

/// Prints median time and rate of every case measured since `start`, in the order in which they were, each beside the
/// fastest of its group.
pub fn print(folder: &Path, start: SystemTime) {
    let mut cases: Vec<Case> = folders(folder).iter().flat_map(|g| folders(g)).filter_map(|f| read(&f)).collect();
    cases.retain(|case| case.written >= start);
    if cases.is_empty() {
        return;
    }
    cases.sort_by_key(|case| case.written);
    println!("\n{:<48} {:>12} {:>18} {:>16}", "medians", "time", "rate", "/ the fastest");
    for case in &cases {
        let group = cases.iter().filter(|other| other.group == case.group);
        let least = group.map(Case::cost).fold(f64::INFINITY, f64::min);
        let rate = case.work.map_or(String::new(), |(_, unit)| scaled(1.0 / case.cost(), &format!("{unit}/s")));
        let time = scaled(case.seconds, "s");
        println!("{:<48} {time:>12} {rate:>18} {:>16.2}", case.id, case.cost() / least);
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn read(case: &Path) -> Option<Case> {
    let path = case.join("new/estimates.json");
    let json = |path: &Path| serde_json::from_slice::<Value>(&fs::read(path).ok()?).ok();
    let (estimates, about) = (json(&path)?, json(&case.join("new/benchmark.json"))?);
    let amount = |unit: &str| about["throughput"][unit].as_f64();
    Some(Case {
        written: fs::metadata(&path).ok()?.modified().ok()?,
        group: about["group_id"].as_str()?.to_owned(),
        id: about["full_id"].as_str()?.to_owned(),
        seconds: estimates["median"]["point_estimate"].as_f64()? * 1e-9,
        work: amount("Elements").map(|n| (n, "elem")).or_else(|| amount("Bytes").map(|n| (n, "B"))),
    })
}

/// `1.23 µs`, `45.6 Gelem/s`.
fn scaled(x: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 7] =
        [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")];
    let (scale, prefix) = PREFIXES.into_iter().find(|(scale, _)| x >= *scale).unwrap_or((1e-9, "n"));
    format!("{:.3} {prefix}{unit}", x / scale)
}
