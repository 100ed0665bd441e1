//! `twolayer predict MODEL PICTURE...`: classifies pictures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use twolayer_pictures::{PreparedImage, Reader};

use super::{most_probable, print_bars};
use crate::args::PredictArgs;
use crate::ascii_image;
use crate::error::CliError;
use crate::machine::Machine;
use crate::network::{self, LoadedModel, Network};
use crate::number_format::{count, grouped};
use crate::output::Output;
use crate::output_file::is_stdin;

/// The output of `--json`.
#[derive(Serialize)]
struct PicturesReport {
    model: String,
    results: Vec<PictureResult>,
    isa: &'static str,
    precision: &'static str,
}

/// A picture's result, in the order of the command line.
#[derive(Serialize)]
#[serde(untagged)]
enum PictureResult {
    Prediction(Prediction),
    Failed { file: String, error: String },
}

#[derive(Serialize)]
struct Prediction {
    file: String,
    /// The file's size, turned upright.
    width: usize,
    height: usize,
    paper: &'static str,
    predicted: usize,
    probabilities: Vec<f64>,
    /// The rows of pixels that the network saw: 0 for paper, or 255 if the model was trained on light paper.
    pixels: Vec<Vec<u8>>,
    notes: Vec<String>,
}

/// Classifies each picture; errors are reported at the end.
pub fn run(args: &PredictArgs, machine: &Machine, model: &LoadedModel, out: &mut Output) -> Result<(), CliError> {
    let net = model.net.as_ref();
    let reader = Reader { side: side(&args.model, net)? };
    let files = in_folders(&args.pictures)?;
    if !args.json {
        out.context("Model", format_args!("{}: {}", args.model.display(), network::describe(net)));
        out.context("Machine", machine.describe());
    }
    let mut results = Vec::new();
    let mut errors = Vec::new();
    for path in &files {
        match classify(path, &reader, model) {
            Ok((photo, probabilities)) => {
                let seen = seen(path, photo, probabilities, reader.side);
                if !args.json {
                    show(&seen, out);
                }
                results.push(PictureResult::Prediction(seen));
            }
            Err(error) => {
                errors.push(error.clone());
                results.push(PictureResult::Failed { file: path.display().to_string(), error });
            }
        }
    }
    if args.json {
        let model = args.model.display().to_string();
        let isa = machine.level.name();
        out.json(&PicturesReport { model, results, isa, precision: net.precision() })?;
    }
    failures(&errors, files.len())
}

/// The picture as the network sees it, and its class probabilities.
pub fn classify(path: &Path, reader: &Reader, model: &LoadedModel) -> Result<(PreparedImage, Vec<f64>), String> {
    let mut photo = match is_stdin(path) {
        true => reader.read_from(Ok(io::stdin().lock()), "on standard input"),
        false => reader.read(path),
    }?;
    if model.light_paper {
        // The ink was made light on dark, as in MNIST.
        photo.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        photo.notes.push("turned to dark ink on light paper, which the model was trained on".into());
    }
    let probabilities = model.net.probabilities(&photo.pixels).map_err(|error| error.to_string())?;
    Ok((photo, probabilities))
}

/// The error of the pictures without a prediction, if there are any, of so many.
pub fn failures(errors: &[String], of: usize) -> Result<(), CliError> {
    match errors {
        [] => Ok(()),
        [error] => Err(CliError::new(error)),
        several => {
            let of = count(of, "picture");
            Err(CliError::new(format!("{} of {of} have no prediction", several.len())).with_items(several))
        }
    }
}

/// The files as given, with the pictures in a folder and below it, sorted by name, in place of the folder.
pub fn in_folders(given: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        add_pictures(path, &mut files)?;
        if files.len() == before {
            let endings = twolayer_pictures::ENDINGS.join(", ");
            return Err(CliError::new(format!("no picture in the folder {}: looked for {endings}", path.display())));
        }
    }
    Ok(files)
}

fn add_pictures(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries =
        entries.map_err(|e| CliError::new(format!("cannot read the folder {}: {e}", folder.display())))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Links to folders may lead around in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_pictures(&path, files)?;
        } else if twolayer_pictures::has_ending(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// The side of the square images that the model takes.
pub fn side(model: &Path, net: &dyn Network) -> Result<usize, CliError> {
    let inputs = net.shape().inputs();
    let side = inputs.isqrt();
    if side * side == inputs && side > 1 {
        return Ok(side);
    }
    Err(CliError::new(format!(
        "the model {} takes images of {}, not a square such as 28 x 28, so pictures cannot be fitted to it; give \
         images of the data it was trained on with --index",
        model.display(),
        count(inputs, "pixel")
    )))
}

fn seen(path: &Path, photo: PreparedImage, probabilities: Vec<f64>, side: usize) -> Prediction {
    Prediction {
        file: path.display().to_string(),
        width: photo.width,
        height: photo.height,
        paper: if photo.light_paper { "light" } else { "dark" },
        predicted: most_probable(&probabilities),
        probabilities,
        pixels: photo.pixels.chunks_exact(side).map(<[u8]>::to_vec).collect(),
        notes: photo.notes,
    }
}

/// Prints what the network saw, beside the probabilities.
fn show(seen: &Prediction, out: &mut Output) {
    let name = if seen.file == "-" { "standard input" } else { &seen.file };
    let ink = if seen.paper == "light" { "dark ink on light paper" } else { "light ink on dark paper" };
    let (width, height) = (grouped(seen.width), grouped(seen.height));
    out.line("");
    out.field("Picture", format_args!("{name}: {width} x {height}, {ink}"));
    if !out.is_quiet() {
        seen.notes.iter().for_each(|note| out.field("Note", note));
    }
    let side = seen.pixels.len();
    let drawing = ascii_image::draw(&seen.pixels.concat(), side, side);
    out.line(format_args!("\nWhat the network sees, {side} x {side}:"));
    print_bars(&drawing, format!("predicted {}", seen.predicted), &seen.probabilities, out);
}
