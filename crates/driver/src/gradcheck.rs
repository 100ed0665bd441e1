//! `twolayer gradcheck`: compares backpropagation with numerical gradients.
//!
//! Central differences with h = 1e-4 in f64 have an error of about h^2/6 times the third derivative, below 1e-9 here,
//! and one of rounding, about 1e-16 * loss / h = 1e-12. A wrong line of backpropagation is wrong by about the gradient
//! itself, 1e-4 and more. A mean absolute difference of 1e-9 tells them apart with room on both sides.

mod checked_network;
mod difference;
mod explain;
mod kinks;
mod report;

use std::path::Path;
use std::time::Instant;

use twolayer_core::{Activation, Init, MemoryEstimate, Parameters, TwoLayerNet};
use twolayer_idx::Split as Half;
use twolayer_model::AnyModel;

use crate::args::{GradcheckArgs, Split};
use crate::data::Source;
use crate::error::CliError;
use crate::machine::Machine;
use crate::memory;
use crate::network;
use crate::number_format::count;
use crate::output::Output;
use crate::random::Generator;
use checked_network::{Batch, CheckedNetwork};
use difference::{ByName, Judged, Verdict};
use kinks::Comparable;
use report::{GradcheckReport, LISTED_KINKS};

/// The default number of images.
const NOTEBOOKS_BATCH: usize = 100;

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
    let train = source.load_half(Split::Train, out.is_quiet())?;
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
    let (pixels, labels) = (&train.images()[..batch * train.inputs()], &train.labels()[..batch]);
    let subject = CheckedNetwork { net: &net, pixels, labels, h: args.h, tolerance: args.tolerance };
    let report = compare(args, &machine, &subject, &gradients(&subject, args.brute_force)?)?;
    if args.json {
        out.json(&report)?;
    } else {
        report.print(source, (&train, &machine), out);
    }
    if report.passed { Ok(()) } else { Err(report.failure()) }
}

/// The network of a model file, converted to f64.
fn load(path: &Path, machine: &Machine, train: &Half) -> Result<TwoLayerNet<f64>, CliError> {
    let (parameters, activation) = match network::read(path)? {
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
        .parameters(shape, size_of::<f64>(), 16 + if args.brute_force { 2 * machine.threads() } else { 0 })
        .batch(batch, shape, size_of::<f64>(), 2 + machine.threads())
        // Inputs as f64, and a list of the nonzero ones.
        .elements(batch.saturating_mul(shape.inputs()), 8 + 16);
    memory::check(need, "lower --hidden or --batch")
}

fn gradients(subject: &CheckedNetwork<'_>, brute_force: bool) -> Result<Gradients, CliError> {
    let (rows, labels) = subject.batch();
    let start = Instant::now();
    let backprop = subject.net.gradient(rows, labels)?;
    let seconds_backprop = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let numerical = numerical(subject, brute_force, (rows, labels))?;
    Ok(Gradients { backprop: (backprop, seconds_backprop), numerical: (numerical, start.elapsed().as_secs_f64()) })
}

/// The central differences of `batch`.
fn numerical(
    subject: &CheckedNetwork<'_>,
    brute_force: bool,
    batch: Batch<'_>,
) -> Result<Parameters<f64>, twolayer_core::Error> {
    match brute_force {
        true => subject.net.numerical_gradient_brute_force(batch.0, batch.1, subject.h),
        false => subject.numerical(batch, subject.h),
    }
}

/// The verdict on each parameter. If all sigmoid units are saturated, agreement in W1 and b1 is none.
fn judge(subject: &CheckedNetwork<'_>, comparable: &Comparable, idle_units: usize) -> [Judged; 4] {
    let of_hidden = [true, true, false, false];
    let all_idle = idle_units == subject.net.shape().hidden();
    let mut judged = comparable.differences().map(|difference| {
        let verdict = difference.verdict(subject.tolerance);
        Judged { verdict, difference }
    });
    for (judged, _) in judged.iter_mut().zip(of_hidden).filter(|(_, of_hidden)| *of_hidden && all_idle) {
        judged.verdict = if judged.verdict == Verdict::Pass { Verdict::Unchecked } else { judged.verdict };
    }
    judged
}

/// Compares the two gradients.
fn compare(
    args: &GradcheckArgs,
    machine: &Machine,
    subject: &CheckedNetwork<'_>,
    gradients: &Gradients,
) -> Result<GradcheckReport, CliError> {
    let Gradients { backprop: (backprop, seconds_backprop), numerical: (all, seconds_numerical) } = gradients;
    let of = |batch: Batch<'_>| numerical(subject, args.brute_force, batch);
    let comparable = Comparable::new(subject, args.h, (backprop, all.clone()), &of)?;
    let idle_units = subject.idle_units()?;
    let parameters = ByName(judge(subject, &comparable, idle_units));
    let passed = parameters.all_pass();
    let explanations =
        if passed { Vec::new() } else { explain::failures(subject, backprop, &parameters.0, idle_units)? };
    let (shape, random, activation) = (backprop.shape(), args.model.is_none(), subject.net.activation);
    let idle_if = |which: Activation| if activation == which { idle_units } else { 0 };
    let kinks = &comparable.kinks;
    Ok(GradcheckReport {
        passed,
        tolerance: args.tolerance,
        h: args.h,
        method: if args.brute_force { "brute force" } else { "structured" },
        worst: parameters.worst().0.name(),
        parameters,
        explanations,
        kinks: kinks.len(),
        rows_with_kinks: kinks.chunk_by(|a, b| a.row == b.row).count(),
        first_kinks: kinks.iter().copied().take(LISTED_KINKS).collect(),
        saturated_units: idle_if(Activation::Sigmoid),
        dead_units: idle_if(Activation::Relu),
        seconds_numerical: *seconds_numerical,
        seconds_backprop: *seconds_backprop,
        data: Source::new(&args.data).name(),
        batch: subject.rows(),
        model: args.model.as_ref().map(|model| model.display().to_string()),
        inputs: shape.inputs(),
        hidden: shape.hidden(),
        classes: shape.classes(),
        activation: activation.name(),
        seed: random.then_some(args.random.seed),
        rng: random.then_some(args.random.rng),
        threads: machine.threads(),
        isa: machine.level.name(),
        precision: "f64",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use twolayer_core::Parameter;

    /// What a mistake in one parameter's backpropagation comes to: that parameter fails, and the check with it.
    #[test]
    fn one_wrong_parameter_fails_the_check_and_is_named() {
        let Command::Gradcheck(args) = Cli::parse_from(["twolayer", "gradcheck"]).command else { unreachable!() };
        let machine = Machine::new(&args.machine).unwrap();
        let train = Source::new(&args.data).load_half(Split::Train, true).unwrap();
        let shape = memory::shape(train.inputs(), args.hidden, train.classes()).unwrap();
        let net = TwoLayerNet::new(Generator::new(&args.random).unwrap().weights::<f64>(shape, Init::NOTEBOOK));
        let (pixels, labels) = (&train.images()[..3 * train.inputs()], &train.labels()[..3]);
        let subject = CheckedNetwork { net: &net, pixels, labels, h: args.h, tolerance: args.tolerance };
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
            let told = format!("{:?}", report.failure());
            for parameter in Parameter::ALL {
                assert_eq!(told.contains(&format!("{} by", parameter.name())), parameter == wrong, "{told}");
            }
        }
    }
}
