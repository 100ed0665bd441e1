//! `twolayer import`: reads a network of another program into a model file.

use std::io;

use serde::Serialize;
use twolayer_core::{Activation, Float, MemoryEstimate, Shape};
use twolayer_interchange::{Source, from_reader, load};
use twolayer_model::{AnyModel, Model};

use crate::args::{ActivationName, ImportArgs};
use crate::error::CliError;
use crate::memory;
use crate::output::Output;
use crate::output_file::{OutputFile, is_stdin};

/// The output of `--json`.
#[derive(Serialize)]
struct ImportReport {
    file: String,
    source: &'static str,
    out: String,
    inputs: usize,
    hidden: usize,
    classes: usize,
    activation: &'static str,
    /// What the file does not say and no option gives: if one is wrong, so are all predictions.
    assumed: Vec<String>,
    precision: &'static str,
}

/// Runs `twolayer import`.
pub fn run(args: &ImportArgs, out: &mut Output) -> Result<(), CliError> {
    let given = args.activation.map(ActivationName::activation);
    let target = OutputFile::new(&args.out)?;
    out.keep_stdout_for([&target]);
    if target.replaces(&args.file) {
        return Err(CliError::usage(format!("--out {} is the input file; give another one", args.out.display())));
    }
    let layers = args.layers.as_ref().map(|names| names.each_ref().map(String::as_str));
    let (source, mut model) = match is_stdin(&args.file) {
        true => from_reader("standard input", io::stdin().lock(), layers)?,
        false => load(&args.file, layers)?,
    };
    let ((contents, activation), precision) = match &mut model {
        AnyModel::F32(model) => (contents(model, given)?, "f32"),
        AnyModel::F64(model) => (contents(model, given)?, "f64"),
    };
    target.write(&contents)?;
    let shape = model.shape();
    let report = ImportReport {
        file: args.file.display().to_string(),
        source: match source {
            Source::Npz { .. } => "npz",
            Source::Torch => "torch",
        },
        out: target.shown().to_string(),
        inputs: shape.inputs(),
        hidden: shape.hidden(),
        classes: shape.classes(),
        activation: activation.name(),
        assumed: assumptions(given.is_some() || source.names_activation(), activation),
        precision,
    };
    match args.json {
        true => out.json(&report)?,
        false => print(&report, shape, out),
    }
    Ok(())
}

/// The content of the model file, and its activation: the given one, or that of the imported file.
fn contents<T: Float>(model: &mut Model<T>, given: Option<Activation>) -> Result<(Vec<u8>, Activation), CliError> {
    model.activation = given.unwrap_or(model.activation);
    // The bytes of each number in a tensor and in the file.
    let need = MemoryEstimate::default().parameters(model.parameters.shape(), size_of::<T>(), 2);
    memory::check(need, memory::END_OTHERS)?;
    Ok((model.to_bytes()?, model.activation))
}

/// What is taken for granted, as sentences.
fn assumptions(activation_known: bool, activation: Activation) -> Vec<String> {
    let mut assumed = Vec::new();
    if !activation_known {
        assumed.push(format!(
            "the activation is {}, since the file does not name it; for a network with ReLU, give --activation relu",
            activation.name()
        ));
    }
    assumed.push("the network was trained on pixels from 0 to 1, not normalised in another way".into());
    assumed
}

fn print(report: &ImportReport, shape: Shape, out: &mut Output) {
    let what = match report.source {
        "npz" => "NumPy's arrays",
        _ => "PyTorch's layers",
    };
    out.context("Read", format_args!("{}: {what}", report.file));
    let ImportReport { activation, precision, .. } = report;
    let (inputs, hidden, classes) = (shape.inputs(), shape.hidden(), shape.classes());
    out.field("Model", format_args!("{}: {inputs} -> {hidden} -> {classes}, {activation}, {precision}", report.out));
    report.assumed.iter().for_each(|what| out.field("Assumed", what));
}
