//! `twolayer export`: writes a model for other programs.

use serde::Serialize;
use twolayer_core::{Activation, Float, MemoryEstimate, Shape};
use twolayer_interchange::{c, html, npz, onnx};
use twolayer_model::{AnyModel, Model};

use crate::args::{ExportArgs, Format};
use crate::error::CliError;
use crate::memory;
use crate::network;
use crate::number_format::grouped;
use crate::output::Output;
use crate::output_file::OutputFile;

/// The output of `--json`.
#[derive(Serialize)]
struct ExportReport {
    model: String,
    out: String,
    format: Format,
    /// The prefix of names in a C header.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    bytes: usize,
    inputs: usize,
    hidden: usize,
    classes: usize,
    activation: &'static str,
    precision: &'static str,
}

/// Runs `twolayer export`.
pub fn run(args: &ExportArgs, out: &mut Output) -> Result<(), CliError> {
    let format = format(args)?;
    let name = name(args, format)?;
    let target = OutputFile::new(&args.out)?;
    // An export cannot be turned back into the model.
    if target.replaces(&args.model) {
        let out = args.out.display();
        return Err(CliError::usage(format!(
            "--out {out} is the model file, which would be overwritten; give another file"
        )));
    }
    out.keep_stdout_for([&target]);
    let model = network::read(&args.model)?;
    let (contents, activation, precision) = match &model {
        AnyModel::F32(model) => contents(model, format, name.as_deref())?,
        AnyModel::F64(model) => contents(model, format, name.as_deref())?,
    };
    target.write(&contents)?;
    let shape = model.shape();
    let report = ExportReport {
        model: args.model.display().to_string(),
        out: target.shown().to_string(),
        format,
        name,
        bytes: contents.len(),
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

/// The requested format, or that of the file extension.
fn format(args: &ExportArgs) -> Result<Format, CliError> {
    let ending = args.out.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match (args.format, ending.as_deref()) {
        (Some(format), _) => Ok(format),
        (None, Some("npz")) => Ok(Format::Npz),
        (None, Some("onnx")) => Ok(Format::Onnx),
        (None, Some("h")) => Ok(Format::C),
        (None, Some("html")) => Ok(Format::Html),
        _ => Err(CliError::usage(format!(
            "unknown format of {}; end the name in .npz, .onnx, .h or .html, or give --format npz, onnx, c or html",
            args.out.display()
        ))),
    }
}

/// The prefix of names in a C header; none for other formats.
fn name(args: &ExportArgs, format: Format) -> Result<Option<String>, CliError> {
    match (&args.name, format) {
        (None, Format::C) => {
            Ok(Some(c::name_for(&args.out.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default())))
        }
        (Some(name), Format::C) if c::is_name(name) => Ok(Some(name.clone())),
        (Some(name), Format::C) => Err(CliError::usage(format!(
            "--name {name:?} is not a C identifier; use letters, digits and _, and begin with a letter"
        ))),
        (Some(_), _) => Err(CliError::usage(format!("--name works only with --format c, not {}", format.name()))),
        (None, _) => Ok(None),
    }
}

type Contents = (Vec<u8>, Activation, &'static str);

fn contents<T: Float>(model: &Model<T>, format: Format, name: Option<&str>) -> Result<Contents, CliError> {
    // Of each number: its bytes in a tensor, in a section and in the file; or its text, in a line and in the file.
    let (width, copies) = if format == Format::C { (32, 2) } else { (size_of::<T>(), 4) };
    let need = MemoryEstimate::default().parameters(model.parameters.shape(), width, copies);
    memory::check(need, memory::END_OTHERS)?;
    let bytes = match format {
        Format::Npz => npz::write(&model.parameters, model.activation)?,
        Format::Onnx => onnx::write(model)?,
        Format::C => c::write(model, name.unwrap_or_default())?.into_bytes(),
        Format::Html => {
            let light_paper = network::has_light_paper(&model.options);
            html::write(model, html::Reading { light_paper, sure: network::SURE })?.into_bytes()
        }
    };
    Ok((bytes, model.activation, T::NAME))
}

/// A note on how to use the file.
fn print(report: &ExportReport, shape: Shape, out: &mut Output) {
    let (inputs, hidden, classes) = (shape.inputs(), shape.hidden(), shape.classes());
    let ExportReport { activation, precision, .. } = report;
    out.context(
        "Model",
        format_args!("{}: {inputs} -> {hidden} -> {classes}, {activation}, {precision}", report.model),
    );
    let (format, bytes) = (report.format.name(), grouped(report.bytes));
    out.field("Written", format_args!("{}: {format}, {bytes} bytes", report.out));
    match (report.format, &report.name) {
        (Format::Npz, _) => {
            let extra = if *activation == Activation::default().name() { "" } else { "; activation" };
            out.context("Arrays", format_args!("W1, b1, W2, b2, for pixels from 0 to 1{extra}"));
        }
        (Format::Onnx, _) => out.context(
            "Graph",
            format_args!("{}, N x {inputs}, from 0 to 1 -> {}, N x {classes}", onnx::INPUT, onnx::OUTPUT),
        ),
        (Format::C, name) => {
            let name = name.as_deref().unwrap_or_default();
            out.context(
                "Call",
                format_args!("{name}_predict_u8(pixels, probabilities); the comment at the top of the file shows how"),
            );
        }
        (Format::Html, _) => out.context("Page", "open it in a browser and draw; it needs no network"),
    }
}
