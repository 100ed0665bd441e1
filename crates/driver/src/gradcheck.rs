//! `twolayer gradcheck`: compares backpropagation with numerical gradients.
//!
//! Central differences with h = 1e-4 in f64 have an error of about h^2/6 times the third derivative, below 1e-9 here,
//! and one of rounding, about 1e-16 * loss / h = 1e-12. A wrong line of backpropagation is wrong by about the gradient
//! itself, 1e-4 and more. A mean absolute difference of 1e-9 tells them apart with room on both sides.

mod difference;
mod explain;

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use twolayer_core::{Init, MemoryEstimate, Parameter, Parameters, TwoLayerNet};
use twolayer_idx::Split as Half;
use twolayer_model::AnyModel;

use crate::args::{GradcheckArgs, RngName, Split};
use crate::data::{self, Source};
use crate::error::CliError;
use crate::machine::Machine;
use crate::memory;
use crate::network;
use crate::number_format::{count, seconds};
use crate::output::Output;
use crate::random::Generator;
use crate::terminal::Table;
use difference::{ByName, Difference, place};
use explain::CheckedNetwork;

/// The default number of images.
const NOTEBOOKS_BATCH: usize = 100;

/// The output of `--json`.
#[derive(Serialize)]
struct GradcheckReport {
    passed: bool,
    tolerance: f64,
    h: f64,
    method: &'static str,
    parameters: ByName,
    /// The parameter with the largest difference.
    worst: &'static str,
    /// Why the check failed.
    explanations: Vec<String>,
    /// Hidden units whose W1 and b1 could not be checked.
    saturated_units: usize,
    seconds_numerical: f64,
    seconds_backprop: f64,
    data: String,
    batch: usize,
    /// The model file, or the seed and generator of random weights.
    model: Option<String>,
    inputs: usize,
    hidden: usize,
    classes: usize,
    seed: Option<u64>,
    rng: Option<RngName>,
    threads: usize,
    isa: &'static str,
    precision: &'static str,
}

/// Both gradients and their times in seconds.
struct Gradients {
    backprop: (Parameters<f64>, f64),
    numerical: (Parameters<f64>, f64),
}

/// Runs `twolayer gradcheck`.
pub fn run(args: &GradcheckArgs, out: &mut Output) -> Result<(), CliError> {
    let mut generator = Generator::new(&args.random)?;
    let machine = Machine::new(&args.machine)?;
    let source = Source::new(&args.data);
    let train = source.load_half(Split::Train)?;
    let batch = args.batch.unwrap_or(train.rows().min(NOTEBOOKS_BATCH));
    if batch > train.rows() {
        let have = count(train.rows(), "image");
        return Err(CliError::usage(format!("--batch {batch} is too large: the training set has {have}")));
    }
    let net = match &args.model {
        Some(model) => {
            let net = load(model, &machine, &train)?;
            check_memory(args, batch, &machine, net.shape())?;
            net
        }
        None => {
            let classes = args.classes.unwrap_or_else(|| train.classes());
            train.check_labels(classes)?;
            let shape = memory::shape(train.inputs(), args.hidden, classes)?;
            check_memory(args, batch, &machine, shape)?;
            machine.run(TwoLayerNet::new(generator.weights::<f64>(shape, Init::NOTEBOOK)))
        }
    };
    let (rows, labels) = data::first(&train, batch);
    let subject = CheckedNetwork { net: &net, rows, labels, batch, h: args.h, tolerance: args.tolerance };
    let report = compare(args, &machine, &subject, &gradients(&subject, args.brute_force)?)?;
    if args.json {
        out.json(&report)?;
    } else {
        print(&report, source, (&train, &machine), out);
    }
    if report.passed { Ok(()) } else { Err(failure(&report)) }
}

/// The network of a model file, converted to f64.
fn load(path: &Path, machine: &Machine, train: &Half) -> Result<TwoLayerNet<f64>, CliError> {
    let (parameters, activation) = match AnyModel::load(path)? {
        AnyModel::F32(model) => (model.parameters.to_f64(), model.activation),
        AnyModel::F64(model) => (model.parameters, model.activation),
    };
    let net = machine.run(TwoLayerNet::new(parameters).with_activation(activation));
    network::check_fit(&net, path, train)?;
    Ok(net)
}

fn check_memory(
    args: &GradcheckArgs,
    batch: usize,
    machine: &Machine,
    shape: twolayer_core::Shape,
) -> Result<(), CliError> {
    let need = MemoryEstimate::default()
        .parameters(shape, size_of::<f64>(), 8 + if args.brute_force { 2 * machine.threads() } else { 0 })
        .batch(batch, shape, size_of::<f64>(), 2 + machine.threads())
        // Inputs as f64, and a list of the nonzero ones.
        .elements(batch.saturating_mul(shape.inputs()), 8 + 16);
    memory::check(need, "--hidden or --batch")
}

fn gradients(subject: &CheckedNetwork<'_>, brute_force: bool) -> Result<Gradients, CliError> {
    let CheckedNetwork { net, rows, labels, h, .. } = *subject;
    let start = Instant::now();
    let backprop = net.gradient(rows, labels)?;
    let seconds_backprop = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let numerical = match brute_force {
        true => net.numerical_gradient_brute_force(rows, labels, h)?,
        false => net.numerical_gradient(rows, labels, h)?,
    };
    Ok(Gradients { backprop: (backprop, seconds_backprop), numerical: (numerical, start.elapsed().as_secs_f64()) })
}

/// Compares the two gradients.
fn compare(
    args: &GradcheckArgs,
    machine: &Machine,
    subject: &CheckedNetwork<'_>,
    gradients: &Gradients,
) -> Result<GradcheckReport, CliError> {
    let Gradients { backprop: (backprop, seconds_backprop), numerical: (numerical, seconds_numerical) } = gradients;
    let differences = Parameter::ALL.map(|p| Difference::of(p, backprop, numerical));
    let failed = |(_, d): &(Parameter, Difference)| !d.passes(args.tolerance);
    let failed: Vec<_> = Parameter::ALL.into_iter().zip(differences).filter(failed).collect();
    let explanations = if failed.is_empty() { Vec::new() } else { explain::failures(subject, backprop, &failed)? };
    let shape = backprop.shape();
    let random = args.model.is_none();
    Ok(GradcheckReport {
        passed: failed.is_empty(),
        tolerance: args.tolerance,
        h: args.h,
        method: if args.brute_force { "brute force" } else { "structured" },
        worst: ByName(differences).worst().0.name(),
        parameters: ByName(differences),
        explanations,
        saturated_units: explain::saturated_units(subject)?,
        seconds_numerical: *seconds_numerical,
        seconds_backprop: *seconds_backprop,
        data: Source::new(&args.data).name(),
        batch: subject.batch,
        model: args.model.as_ref().map(|model| model.display().to_string()),
        inputs: shape.inputs(),
        hidden: shape.hidden(),
        classes: shape.classes(),
        seed: random.then_some(args.random.seed),
        rng: random.then_some(args.random.rng),
        threads: machine.threads(),
        isa: machine.level.name(),
        precision: "f64",
    })
}

fn print(report: &GradcheckReport, source: Source, (train, machine): (&Half, &Machine), out: &mut Output) {
    let images = count(report.batch, "training image");
    let size = data::size(train);
    out.field("Data", format_args!("{}: the first {images} of {size}", source.describe()));
    let weights = match (&report.model, report.seed, report.rng) {
        (Some(model), ..) => format!("of {model}"),
        (None, seed, rng) => format!("seed {}, {}", seed.unwrap_or_default(), rng.map_or("", RngName::name)),
    };
    let (inputs, hidden, classes) = (report.inputs, report.hidden, report.classes);
    out.field("Network", format_args!("{inputs} -> {hidden} -> {classes}, f64, {weights}"));
    out.field("Machine", machine.describe());
    out.field("Method", format_args!("central differences, {}, h = {:e}", report.method, report.h));
    out.line("");
    print_differences(report, out);
    let (p, worst) = report.parameters.worst();
    out.line("");
    out.paragraph("", format_args!("Worst: {}, off by {:.2e}", place(p, &worst.worst), worst.max_abs));
    let (numerical, backprop) = (seconds(report.seconds_numerical), seconds(report.seconds_backprop));
    out.paragraph("", format_args!("Numerical gradient in {numerical}, backpropagation in {backprop}"));
    let verdict = if report.passed { "Passed: every mean is" } else { "Failed: not every mean is" };
    let verdict = format!("{verdict} below {:e}, and no element is 100 times further off", report.tolerance);
    out.paragraph("", verdict);
    report.explanations.iter().for_each(|why| out.paragraph("  ", why));
    if report.saturated_units > 0 {
        let (saturated, units) = (report.saturated_units, count(report.hidden, "hidden unit"));
        out.paragraph(
            "  ",
            format_args!(
                "{saturated} of {units} saturated in every row: their W1 and b1 have derivatives of rounding alone, and \
                 their agreement says nothing"
            ),
        );
    }
}

/// The table, a row for each parameter.
fn print_differences(report: &GradcheckReport, out: &mut Output) {
    let names = ["", "mean diff", "max diff", "max rel", "worst", "backpropagation", "numerical", ""];
    let rows: Vec<[String; 8]> = [names.map(String::from)]
        .into_iter()
        .chain(report.parameters.iter().map(|(p, d)| {
            [
                p.name().into(),
                format!("{:.2e}", d.mean_abs),
                format!("{:.2e}", d.max_abs),
                format!("{:.2e}", d.max_rel),
                place(p, &d.worst),
                format!("{:.9e}", d.worst.backprop),
                format!("{:.9e}", d.worst.numerical),
                if d.passes(report.tolerance) { "pass".into() } else { "FAIL".into() },
            ]
        }))
        .collect();
    let cell = |row: usize, column: usize| rows[row][column].clone();
    out.table(&Table { rows: rows.len(), columns: names.len(), cell: &cell, left: &[0, 4, 7] });
}

fn failure(report: &GradcheckReport) -> CliError {
    let named = report.parameters.iter().filter(|(_, d)| !d.passes(report.tolerance));
    let names: Vec<String> = named.map(|(p, d)| format!("{} by {:.2e}", p.name(), d.mean_abs)).collect();
    CliError::new(format!(
        "backpropagation differs from the numerical gradient in {} on average; expected less than {:e}, and no element \
         100 times further off",
        names.join(", "),
        report.tolerance
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
        let train = Source::new(&args.data).load_half(Split::Train).unwrap();
        let shape = memory::shape(train.inputs(), args.hidden, train.classes()).unwrap();
        let net = TwoLayerNet::new(Generator::new(&args.random).unwrap().weights::<f64>(shape, Init::NOTEBOOK));
        let (rows, labels) = data::first(&train, 3);
        let subject = CheckedNetwork { net: &net, rows, labels, batch: 3, h: args.h, tolerance: args.tolerance };
        let mut gradients = gradients(&subject, false).unwrap();
        let right = gradients.backprop.0.clone();
        assert!(compare(&args, &machine, &subject, &gradients).unwrap().passed);
        for wrong in Parameter::ALL {
            let values: Vec<f64> = right.get(wrong).to_vec().iter().map(|g| g * 1.001).collect();
            gradients.backprop.0 = right.clone();
            gradients.backprop.0.set(wrong, &values).unwrap();
            let report = compare(&args, &machine, &subject, &gradients).unwrap();
            assert!(!report.passed, "{}", wrong.name());
            assert!(report.explanations[0].starts_with(wrong.name()), "{:?}", report.explanations);
            assert!(report.explanations[0].contains("backpropagation is wrong"), "{:?}", report.explanations);
            assert_eq!(report.worst, wrong.name());
            let told = format!("{:?}", failure(&report));
            for parameter in Parameter::ALL {
                assert_eq!(told.contains(&format!("{} by", parameter.name())), parameter == wrong, "{told}");
            }
        }
    }
}
