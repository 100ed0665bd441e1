//! `twolayer eval`: evaluates a trained model.

use std::time::Instant;

use serde::Serialize;
use twolayer_idx::Split as Half;

use crate::args::{EvalArgs, Split};
use crate::confusion;
use crate::data::{self, Source};
use crate::error::CliError;
use crate::html_report::{EvaluatedModel, Page};
use crate::machine::Machine;
use crate::network;
use crate::number_format::{count, grouped, percent};
use crate::output::Output;
use crate::output_file::OutputFile;
use crate::terminal::Table;

/// The most classes of a confusion matrix.
const MAX_CLASSES: usize = 4096;

/// The output of `--json`.
#[derive(Serialize)]
struct EvalReport {
    model: String,
    data: String,
    split: Split,
    rows: usize,
    correct: usize,
    accuracy: f64,
    mean_loss: f64,
    /// A row for each true class, a column for each predicted one.
    confusion: Vec<Vec<usize>>,
    seconds: f64,
    threads: usize,
    isa: &'static str,
    precision: &'static str,
    /// What reading the images lost or assumed.
    notes: Vec<String>,
    /// The HTML report that was written.
    report: Option<String>,
}

/// Runs `twolayer eval`.
pub fn run(args: &EvalArgs, out: &mut Output) -> Result<(), CliError> {
    let machine = Machine::new(&args.machine)?;
    let net = network::load(&args.model, &machine)?.net;
    let target = args.report.as_deref().map(OutputFile::new).transpose()?;
    out.keep_stdout_for(&target);
    if target.as_ref().is_some_and(|target| target.replaces(&args.model)) {
        return Err(CliError::usage(format!("--report and the model are both {}", args.model.display())));
    }
    let source = Source::new(&args.data);
    let half = source.load_half(args.split, out.is_quiet())?;
    network::check_fit(net.as_ref(), &args.model, &half)?;
    let classes = net.shape().classes();
    if classes > MAX_CLASSES {
        return Err(CliError::new(format!(
            "the model {} has {classes} classes, too many for a confusion matrix; eval takes up to {MAX_CLASSES}",
            args.model.display()
        )));
    }
    let start = Instant::now();
    let (evaluation, predicted) = (net.evaluate(&half)?, net.classify(&half)?);
    let mut report = EvalReport {
        model: args.model.display().to_string(),
        data: source.name(),
        split: args.split,
        rows: evaluation.rows,
        correct: evaluation.correct,
        accuracy: evaluation.accuracy(),
        mean_loss: evaluation.loss,
        confusion: confusion::matrix(half.labels(), &predicted, classes),
        seconds: start.elapsed().as_secs_f64(),
        threads: machine.threads(),
        isa: machine.level.name(),
        precision: net.precision(),
        notes: half.notes().to_vec(),
        report: target.as_ref().map(|target| target.shown().to_string()),
    };
    let written = target.as_ref().map_or(Ok(()), |target| {
        let subject = EvaluatedModel { net: net.as_ref(), split: args.split, half: &half };
        let page = page_of(&mut report, subject, source)?;
        target.write(page.html()?.as_bytes())
    });
    report.report.take_if(|_| written.is_err());
    if args.json {
        out.json(&report)?;
    } else {
        out.context("Model", format_args!("{}: {}", report.model, network::describe(net.as_ref())));
        out.context("Machine", machine.describe());
        print(&report, args, &half, out);
    }
    written
}

fn print(report: &EvalReport, args: &EvalArgs, half: &Half, out: &mut Output) {
    let images = count(report.rows, &format!("{} image", args.split.name()));
    out.context("Data", format_args!("{}: {images} of {}", Source::new(&args.data).describe(), data::size(half)));
    half.notes().iter().for_each(|note| out.context("Note", note));
    let (correct, rows) = (grouped(report.correct), grouped(report.rows));
    out.field("Accuracy", format_args!("{} ({correct} of {rows})", percent(report.accuracy)));
    out.field("Loss", format_args!("{:.6} (mean)", report.mean_loss));
    out.line("");
    out.paragraph("", "Confusion: a row for each true class, a column for each predicted one");
    out.line("");
    print_matrix(&report.confusion, out);
    if let Some(file) = &report.report {
        out.line("");
        out.field("Report", file);
    }
}

fn page_of<'a>(report: &mut EvalReport, subject: EvaluatedModel<'a>, source: Source) -> Result<Page<'a>, CliError> {
    // The report computes its own matrix; converting this one to JSON would be slow with many classes.
    let confusion = std::mem::take(&mut report.confusion);
    let told = serde_json::to_value(&*report).map_err(CliError::new)?;
    report.confusion = confusion;
    Ok(Page {
        title: format!("{} on the {} set of {}", report.model, report.split.name(), source.title()),
        trouble: None,
        report: told,
        record: None,
        subject: Some(subject),
    })
}

/// The confusion matrix, with the recall of each class.
fn print_matrix(confusion: &[Vec<usize>], out: &mut Output) {
    let classes = confusion.len();
    let cell = |row: usize, column: usize| match (row.checked_sub(1), column.checked_sub(1)) {
        (None, None) => "true".into(),
        (None, Some(class)) if class == classes => "recognised".into(),
        // At least as wide as most counts, so that columns have equal widths.
        (None, Some(class)) => format!("{class:>3}"),
        (Some(class), None) => class.to_string(),
        (Some(class), Some(predicted)) => match confusion[class].get(predicted) {
            // Zeros off the diagonal would hide the mistakes.
            Some(0) if predicted != class => ".".into(),
            Some(n) => n.to_string(),
            None => match confusion[class].iter().sum::<usize>() {
                0 => "-".into(),
                rows => percent(confusion[class][class] as f64 / rows as f64),
            },
        },
    };
    out.table(&Table { rows: classes + 1, columns: classes + 2, cell: &cell, left: &[] });
}
