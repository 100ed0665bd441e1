//! `twolayer import`: a network that another program has trained, as a model of this one.

use serde::Serialize;
use twolayer_core::Shape;
use twolayer_interchange::{Activation, Source, load};
use twolayer_model::AnyModel;

use crate::args::{ActivationName, ImportArgs};
use crate::error::Failure;
use crate::files::Target;
use crate::output::Output;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    file: String,
    source: &'static str,
    out: String,
    inputs: usize,
    hidden: usize,
    classes: usize,
    activation: &'static str,
    precision: &'static str,
}

/// Runs `twolayer import`.
pub fn run(args: &ImportArgs, out: &mut Output) -> Result<(), Failure> {
    let activation = match args.activation {
        ActivationName::Sigmoid => Activation::Sigmoid,
        // A model file cannot say so: it would be taken for the other.
        ActivationName::Relu => return Err(Failure::new("networks with --activation relu cannot be imported yet")),
    };
    let target = Target::new(&args.out)?;
    let (source, model) = load(&args.file)?;
    let (contents, precision) = match &model {
        AnyModel::F32(model) => (model.to_bytes()?, "f32"),
        AnyModel::F64(model) => (model.to_bytes()?, "f64"),
    };
    target.write(&contents)?;
    let shape = model.shape();
    let report = Report {
        file: args.file.display().to_string(),
        source: match source {
            Source::Npz => "npz",
            Source::Torch => "torch",
        },
        out: args.out.display().to_string(),
        inputs: shape.inputs(),
        hidden: shape.hidden(),
        classes: shape.classes(),
        activation: activation.name(),
        precision,
    };
    match args.json {
        true => out.json(&report)?,
        false => print(&report, shape, out),
    }
    Ok(())
}

fn print(report: &Report, shape: Shape, out: &mut Output) {
    let what = match report.source {
        "npz" => "NumPy's arrays",
        _ => "PyTorch's layers",
    };
    out.line(format_args!("Read   {}: {what}", report.file));
    let Report { activation, precision, .. } = report;
    let (inputs, hidden, classes) = (shape.inputs(), shape.hidden(), shape.classes());
    out.line(format_args!("Model  {}: {inputs} -> {hidden} -> {classes}, {activation}, {precision}", report.out));
}
