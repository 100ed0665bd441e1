//! `twolayer predict --csv`: a row for each picture or image, written as it is computed.

use std::io::{self, Write};
use std::path::Path;

use super::most_probable;
use super::pictures::{self, Classifier};
use crate::args::PredictArgs;
use crate::data::Source;
use crate::error::CliError;
use crate::machine::Machine;
use crate::network::{self, LoadedModel, Network};
use crate::number_format::{count, grouped, percent};
use crate::output::Output;
use crate::output_file::OutputFile;

/// Images that are computed at a time.
const PIECE: usize = 4096;

/// Counts what is written.
#[derive(Default)]
struct Tally {
    rows: usize,
    /// The rows whose label is known, and those of them that are predicted right.
    labelled: usize,
    correct: usize,
    /// Pictures of several digits, of which the most central one has the row.
    several: usize,
    unsure: usize,
}

/// Writes the rows of the pictures, or of a half of the data, to `target`.
pub fn run(
    args: &PredictArgs,
    target: &OutputFile,
    (machine, model): (&Machine, &LoadedModel),
    out: &mut Output,
) -> Result<(), CliError> {
    let net = model.net.as_ref();
    out.context("Model", format_args!("{}: {}", args.model.display(), network::describe(net)));
    out.context("Machine", machine.describe());
    let (mut tally, mut errors) = (Tally::default(), Vec::new());
    if args.pictures.is_empty() {
        let half = Source::new(&args.data).load_half(args.split, out.is_quiet())?;
        network::check_fit(net, &args.model, &half)?;
        // Probabilities, in the network's precision and in double.
        let rows = half.rows().min(PIECE);
        network::check_memory(net, machine, rows, 2 * rows * net.shape().classes() * size_of::<f64>())?;
        half.notes().iter().for_each(|note| out.context("Note", note));
        let write_all = |file: &mut dyn Write| {
            header("index", net, file)?;
            for (images, labels) in half.images().chunks(PIECE * half.inputs()).zip(half.labels().chunks(PIECE)) {
                let probabilities = net.probabilities(images).map_err(io::Error::other)?;
                for (p, &label) in probabilities.chunks(net.shape().classes()).zip(labels) {
                    let name = tally.rows.to_string();
                    tally.write(&name, Some(label as usize), (p, net), file)?;
                }
            }
            Ok(())
        };
        target.write_with(write_all)?;
    } else {
        let classifier = Classifier::new(args, machine, model)?;
        let files = pictures::in_folders(&args.pictures)?;
        let write_all = |file: &mut dyn Write| {
            header("file", net, file)?;
            classifier.each(&files, |path, read| {
                match read {
                    Ok(reading) => {
                        let label = label_of(path, net.shape().classes());
                        tally.several += usize::from(reading.probabilities.len() > 1);
                        tally.unsure += usize::from(!reading.is_sure());
                        tally.write(&path.display().to_string(), label, (reading.prediction().1, net), file)?;
                    }
                    Err(error) => errors.push(error),
                }
                Ok(())
            })
        };
        target.write_with(write_all)?;
    }
    if tally.labelled > 0 {
        let (correct, labelled) = (grouped(tally.correct), grouped(tally.labelled));
        let share = percent(tally.correct as f64 / tally.labelled as f64);
        out.field("Accuracy", format_args!("{share} ({correct} of {labelled})"));
    }
    for (pictures, what) in [
        (tally.several, "with several digits: the row is that of the most central one"),
        (tally.unsure, "not sure: predict without --csv says why"),
    ] {
        if pictures > 0 && !out.is_quiet() {
            out.field("Note", format_args!("{} {what}", count(pictures, "picture")));
        }
    }
    out.field("Written", format_args!("{} to {}", count(tally.rows, "row"), target.shown()));
    pictures::failures(&errors, tally.rows + errors.len())
}

/// The names of the columns.
fn header(first: &str, net: &dyn Network, file: &mut dyn Write) -> io::Result<()> {
    write!(file, "{first},label,predicted")?;
    (0..net.shape().classes()).try_for_each(|class| write!(file, ",p{class}"))?;
    writeln!(file)
}

impl Tally {
    /// Writes a row: its name, label, prediction and probabilities, with all their digits.
    fn write(
        &mut self,
        name: &str,
        label: Option<usize>,
        (probabilities, net): (&[f64], &dyn Network),
        file: &mut dyn Write,
    ) -> io::Result<()> {
        let predicted = most_probable(probabilities);
        self.rows += 1;
        self.labelled += usize::from(label.is_some());
        self.correct += usize::from(label == Some(predicted));
        let label = label.map(|label| label.to_string()).unwrap_or_default();
        write!(file, "{},{label},{predicted}", quoted(name))?;
        for &p in probabilities {
            // In the network's own precision, which needs fewer digits.
            match net.precision() {
                "f32" => write!(file, ",{}", p as f32)?,
                _ => write!(file, ",{p}")?,
            }
        }
        writeln!(file)
    }
}

/// The label of a picture in a folder that is named by its class.
fn label_of(path: &Path, classes: usize) -> Option<usize> {
    let label: usize = path.parent()?.file_name()?.to_str()?.parse().ok()?;
    Some(label).filter(|&label| label < classes)
}

/// A field of CSV, in quotes if it needs them.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}
