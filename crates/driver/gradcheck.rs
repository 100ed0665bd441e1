//! `twolayer gradcheck`: is backpropagation the derivative of the loss?
//!
//! Central differences with h = 1e-4 in f64 have an error of about h^2/6 times the third derivative, below 1e-9 here, and
//! one of rounding, about 1e-16 * loss / h = 1e-12. A wrong line of backpropagation is wrong by about the gradient itself,
//! 1e-4 and more. A mean absolute difference of 1e-9 tells them apart with room on both sides.

use std::time::Instant;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use twolayer_core::{DEFAULT_H, Labels, Parameter, Parameters, Rows, TwoLayerNet};
use twolayer_idx::Split as Half;

use crate::args::{GradcheckArgs, RngName, Split};
use crate::data::{self, Source};
use crate::error::Failure;
use crate::machine::Machine;
use crate::memory::{self, Need};
use crate::output::Output;
use crate::random::Generator;
use crate::report::{count, seconds};

/// A parameter passes if its mean absolute difference is below this.
const TOLERANCE: f64 = 1e-9;

/// Derivatives below this are smaller than what central differences can resolve to three digits; the relative error is
/// taken against this instead, so that noise around zero does not look like a large error.
const RELATIVE_FLOOR: f64 = 1e-6;

/// How far two gradients of one parameter are apart.
#[derive(Clone, Copy, Debug, Serialize)]
struct Difference {
    mean_abs: f64,
    max_abs: f64,
    /// The largest `|a - n| / max(|a|, |n|, 1e-6)`.
    max_rel: f64,
}

impl Difference {
    fn between(backprop: &[f64], numerical: &[f64]) -> Self {
        let mut sum = 0.0;
        let (mut max_abs, mut max_rel) = (0.0, 0.0);
        for (&a, &n) in backprop.iter().zip(numerical) {
            let abs = (a - n).abs();
            sum += abs;
            max_abs = largest(max_abs, abs);
            max_rel = largest(max_rel, abs / a.abs().max(n.abs()).max(RELATIVE_FLOOR));
        }
        Difference { mean_abs: sum / backprop.len() as f64, max_abs, max_rel }
    }

    /// False for NaN, which no comparison may let through.
    fn passes(&self) -> bool {
        self.mean_abs < TOLERANCE && self.max_abs.is_finite()
    }
}

/// The maximum; a NaN is larger than anything (`f64::max` would drop it).
fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

/// The four parameters by name, in their order.
struct ByName([Difference; 4]);

impl Serialize for ByName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        for (parameter, difference) in Parameter::ALL.iter().zip(&self.0) {
            map.serialize_entry(parameter.name(), difference)?;
        }
        map.end()
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    passed: bool,
    tolerance: f64,
    h: f64,
    parameters: ByName,
    seconds_numerical: f64,
    seconds_backprop: f64,
    data: String,
    batch: usize,
    inputs: usize,
    hidden: usize,
    classes: usize,
    seed: u64,
    rng: RngName,
    threads: usize,
    isa: &'static str,
    precision: &'static str,
}

/// Runs `twolayer gradcheck`.
pub fn run(args: &GradcheckArgs, out: &mut Output) -> Result<(), Failure> {
    let mut generator = Generator::new(&args.random)?;
    let machine = Machine::new(&args.machine)?;
    let source = Source::new(&args.data);
    let train = source.load_half(Split::Train)?;
    let classes = args.classes.unwrap_or_else(|| train.classes());
    train.check_labels(classes)?;
    if args.batch > train.rows() {
        let have = count(train.rows(), "image");
        return Err(Failure::usage(format!("--batch {} is too large: the training set has {have}", args.batch)));
    }
    let shape = memory::shape(train.inputs(), args.hidden, classes)?;
    Need::default()
        .parameters(shape, size_of::<f64>(), 4)
        .batch(args.batch, shape, size_of::<f64>(), 1 + machine.threads)
        .check("--hidden or --batch")?;
    let net = TwoLayerNet::new(generator.weights::<f64>(shape)).with_level(machine.level);
    let (rows, labels) = data::first(&train, args.batch);
    let report = check(args, &machine, &net, rows, labels)?;
    if args.json {
        out.json(&report)?;
    } else {
        print(&report, source, &train, out);
    }
    if report.passed { Ok(()) } else { Err(failure(&report)) }
}

fn check(
    args: &GradcheckArgs,
    machine: &Machine,
    net: &TwoLayerNet<f64>,
    rows: Rows<f64>,
    labels: Labels<f64>,
) -> Result<Report, Failure> {
    let start = Instant::now();
    let backprop = machine.pool.install(|| net.gradient(rows, labels))?;
    let seconds_backprop = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let numerical = machine.pool.install(|| net.numerical_gradient(rows, labels, DEFAULT_H))?;
    let seconds_numerical = start.elapsed().as_secs_f64();
    Ok(compare(args, machine, [(&backprop, seconds_backprop), (&numerical, seconds_numerical)]))
}

/// What the two gradients, each with the seconds it took, say of each other.
fn compare(args: &GradcheckArgs, machine: &Machine, gradients: [(&Parameters<f64>, f64); 2]) -> Report {
    let [(backprop, seconds_backprop), (numerical, seconds_numerical)] = gradients;
    let parameters = Parameter::ALL.map(|p| difference(p, backprop, numerical));
    let shape = backprop.shape();
    Report {
        passed: parameters.iter().all(Difference::passes),
        tolerance: TOLERANCE,
        h: DEFAULT_H,
        parameters: ByName(parameters),
        seconds_numerical,
        seconds_backprop,
        data: Source::new(&args.data).name(),
        batch: args.batch,
        inputs: shape.inputs(),
        hidden: shape.hidden(),
        classes: shape.classes(),
        seed: args.random.seed,
        rng: args.random.rng,
        threads: machine.threads,
        isa: machine.level.name(),
        precision: "f64",
    }
}

fn difference(p: Parameter, backprop: &Parameters<f64>, numerical: &Parameters<f64>) -> Difference {
    Difference::between(&backprop.get(p).to_vec(), &numerical.get(p).to_vec())
}

fn print(report: &Report, source: Source, train: &Half, out: &mut Output) {
    let images = count(report.batch, "training image");
    out.line(format_args!("Data      {}: the first {images} of {}", source.describe(), data::size(train)));
    out.line(format_args!(
        "Network   {} -> {} -> {}, f64, seed {}, {}",
        report.inputs,
        report.hidden,
        report.classes,
        report.seed,
        report.rng.name()
    ));
    out.line(format_args!("Machine   {}, {}\n", count(report.threads, "thread"), report.isa));
    out.line("           mean |diff|   max |diff|     max rel");
    for (parameter, d) in Parameter::ALL.iter().zip(&report.parameters.0) {
        let verdict = if d.passes() { "pass" } else { "FAIL" };
        let (mean, max, rel) = (d.mean_abs, d.max_abs, d.max_rel);
        out.line(format_args!("{:<8}  {mean:>12.2e} {max:>12.2e} {rel:>11.2e}   {verdict}", parameter.name()));
    }
    out.line(format_args!(
        "\nNumerical gradient in {}, backpropagation in {}",
        seconds(report.seconds_numerical),
        seconds(report.seconds_backprop)
    ));
    let verdict = if report.passed { "Passed: every mean is" } else { "Failed: not every mean is" };
    out.line(format_args!("{verdict} below {TOLERANCE:e}"));
}

fn failure(report: &Report) -> Failure {
    let named = Parameter::ALL.iter().zip(&report.parameters.0).filter(|(_, d)| !d.passes());
    let names: Vec<String> = named.map(|(p, d)| format!("{} by {:.2e}", p.name(), d.mean_abs)).collect();
    Failure::new(format!(
        "backpropagation differs from the numerical gradient in {} on average; expected less than {TOLERANCE:e}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    /// What a mistake in one parameter's backpropagation comes to: that parameter fails, and the check with it.
    #[test]
    fn one_wrong_parameter_fails_the_check_and_is_named() {
        let Command::Gradcheck(args) = Cli::parse_from(["twolayer", "gradcheck"]).command else { unreachable!() };
        let machine = Machine::new(&args.machine).unwrap();
        let source = Source::new(&args.data);
        let train = source.load_half(Split::Train).unwrap();
        let shape = memory::shape(train.inputs(), args.hidden, train.classes()).unwrap();
        let mut generator = Generator::new(&args.random).unwrap();
        let net = TwoLayerNet::new(generator.weights::<f64>(shape));
        let (rows, labels) = data::first(&train, args.batch);
        let right = net.gradient(rows, labels).unwrap();
        let numerical = net.numerical_gradient(rows, labels, DEFAULT_H).unwrap();
        assert!(compare(&args, &machine, [(&right, 0.0), (&numerical, 0.0)]).passed);
        for wrong in Parameter::ALL {
            let mut gradient = right.clone();
            let values: Vec<f64> = right.get(wrong).to_vec().iter().map(|g| g * 1.001).collect();
            gradient.set(wrong, &values).unwrap();
            let report = compare(&args, &machine, [(&gradient, 0.0), (&numerical, 0.0)]);
            assert!(!report.passed, "{}", wrong.name());
            let told = format!("{:?}", failure(&report));
            for parameter in Parameter::ALL {
                assert_eq!(told.contains(&format!("{} by", parameter.name())), parameter == wrong, "{told}");
            }
        }
    }

    #[test]
    fn differences_are_what_they_say() {
        let d = Difference::between(&[1.0, -2.0, 0.0, 0.0], &[1.0, -2.5, 0.0, 1e-9]);
        assert_eq!(d.max_abs, 0.5);
        assert_eq!(d.max_rel, 0.2);
        assert!((d.mean_abs - 0.125).abs() < 1e-9);
        assert!(!d.passes());
        assert_eq!(Difference::between(&[0.0], &[1e-9]).max_rel, 1e-3);
    }

    #[test]
    fn nothing_that_is_not_a_number_passes() {
        for bad in [f64::NAN, f64::INFINITY] {
            for (a, n) in [([bad, 0.0], [0.0, 0.0]), ([0.0, 0.0], [bad, 0.0]), ([0.0, bad], [0.0, bad])] {
                let d = Difference::between(&a, &n);
                assert!(!d.passes(), "{d:?}");
                assert!(!d.max_abs.is_finite(), "{d:?}");
            }
        }
        assert!(Difference::between(&[0.25], &[0.25]).passes());
    }
}
