//! `twolayer predict MODEL PICTURE...`: classifies pictures.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use twolayer_pictures::{PreparedImage, Reader};

use super::print_model;
use super::reading::{self, Lines, Prediction, Reading};
use super::show_input;
use crate::args::PredictArgs;
use crate::error::CliError;
use crate::machine::Machine;
use crate::network::{LoadedModel, Network};
use crate::number_format::count;
use crate::output::Output;
use crate::output_file::{OutputFile, is_stdin};
use crate::side_by_side;

/// Pictures that are prepared at a time, by all threads; each takes some megabytes until it is shown.
const BATCH: usize = 16;

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

/// Classifies each picture; errors are reported at the end.
pub fn run(args: &PredictArgs, machine: &Machine, model: &LoadedModel, out: &mut Output) -> Result<(), CliError> {
    let net = model.net.as_ref();
    let files = in_folders(&args.pictures)?;
    let target = args.show_input.as_deref().map(OutputFile::new).transpose()?;
    if let (Some(target), [_, _, ..]) = (&target, files.as_slice()) {
        let files = count(files.len(), "picture");
        return Err(CliError::usage(format!("--show-input {} shows one picture; {files} are given", target.shown())));
    }
    let classifier = Classifier::new(args, machine, model)?;
    let lines = Lines::new(&files, out.width());
    let mut results = Vec::new();
    let (mut errors, mut unsure) = (Vec::new(), 0);
    classifier.each(&files, |path, read| -> Result<(), CliError> {
        match read {
            Ok(reading) => {
                if let Some(target) = &target {
                    target.write(&show_input::png(&reading.picture)?)?;
                }
                let prediction = Prediction::new(path, &reading);
                match &lines {
                    _ if args.json => {}
                    Some(lines) => lines.print(&reading, &prediction, out),
                    None => reading::show(&reading, &prediction, out),
                }
                unsure += usize::from(!reading.is_sure());
                results.push(PictureResult::Prediction(prediction));
            }
            Err(error) => {
                errors.push(error.clone());
                results.push(PictureResult::Failed { file: path.display().to_string(), error });
            }
        }
        Ok(())
    })?;
    if args.json {
        let model = args.model.display().to_string();
        let isa = machine.level.name();
        out.json(&PicturesReport { model, results, isa, precision: net.precision() })?;
    } else if results.len() > errors.len() {
        if lines.is_some() && unsure > 0 {
            out.note(format_args!("\nNot sure of {}; predict one alone to see why", count(unsure, "picture")));
        }
        print_model(args, (machine, net), out);
    }
    failures(&errors, files.len())
}

/// Reads pictures and classifies what is on them.
pub struct Classifier<'a> {
    reader: Reader,
    model: &'a LoadedModel,
    one: bool,
    threads: usize,
}

impl<'a> Classifier<'a> {
    /// For these arguments; an error if the model does not take square images.
    pub fn new(args: &PredictArgs, machine: &Machine, model: &'a LoadedModel) -> Result<Self, CliError> {
        let reader = Reader::new(side(&args.model, model.net.as_ref())?);
        Ok(Classifier { reader, model, one: args.one, threads: machine.threads() })
    }

    /// Calls `f` with each file, in order, and what is on it.
    pub fn each<E>(
        &self,
        files: &[PathBuf],
        mut f: impl FnMut(&Path, Result<Reading, String>) -> Result<(), E>,
    ) -> Result<(), E> {
        for batch in files.chunks(BATCH) {
            let mut read = Vec::with_capacity(batch.len());
            side_by_side::run(
                batch.len(),
                self.threads.min(batch.len()),
                |n| self.read(&batch[n]),
                |n, picture| {
                    read.push((n, picture));
                    ControlFlow::Continue(())
                },
            );
            read.sort_unstable_by_key(|(n, _)| *n);
            for (n, picture) in read {
                f(&batch[n], picture.and_then(|picture| self.classify(picture)))?;
            }
        }
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<PreparedImage, String> {
        let mut picture = match is_stdin(path) {
            true => self.reader.read_from(Ok(io::stdin().lock()), "on standard input"),
            false => self.reader.read(path),
        }?;
        if self.one {
            picture.keep_main();
        }
        if self.model.light_paper {
            // The ink was made light on dark, as in MNIST.
            for digit in picture.rows.iter_mut().flatten() {
                digit.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
            }
            picture.notes.push("turned to dark ink on light paper, which the model was trained on".into());
        }
        Ok(picture)
    }

    fn classify(&self, picture: PreparedImage) -> Result<Reading, String> {
        let pixels: Vec<u8> = picture.digits().flat_map(|digit| digit.pixels.iter().copied()).collect();
        let probabilities = self.model.net.probabilities(&pixels).map_err(|error| error.to_string())?;
        let classes = self.model.net.shape().classes();
        let probabilities = probabilities.chunks(classes).map(<[f64]>::to_vec).collect();
        Ok(Reading { picture, side: self.reader.side, probabilities })
    }
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
fn side(model: &Path, net: &dyn Network) -> Result<usize, CliError> {
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
