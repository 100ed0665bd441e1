//! `twolayer eval`: evaluates a trained model.

use std::time::Instant;

use serde::Serialize;
use twolayer_idx::Split as Half;

use crate::args::{EvalArgs, Split};
use crate::color::{FAINT, RIGHT, STRONG, WRONG, paint};
use crate::confusion;
use crate::data::{self, Source};
use crate::error::CliError;
use crate::html_report::{ClassScores, EvaluatedModel, Page, mix_ups};
use crate::machine::Machine;
use crate::network;
use crate::number_format::{count, grouped, loss, percent};
use crate::output::Output;
use crate::output_file::OutputFile;
use crate::terminal::Table;

/// The most classes of a confusion matrix.
const MAX_CLASSES: usize = 4096;
/// The most frequent mistakes that are marked.
const WORST: usize = 5;

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
    /// Precision, recall and F1 of each class.
    scores: Vec<ClassScores>,
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
    // The most probable classes, and the confusion matrix.
    let results = (half.rows() + classes * classes) * size_of::<usize>();
    network::check_memory(net.as_ref(), &machine, half.rows(), results)?;
    let start = Instant::now();
    let (evaluation, predicted) = (net.evaluate(&half)?, net.classify(&half)?);
    let confusion = confusion::matrix(half.labels(), &predicted, classes);
    let mut report = EvalReport {
        model: args.model.display().to_string(),
        data: source.name(),
        split: args.split,
        rows: evaluation.rows,
        correct: evaluation.correct,
        accuracy: evaluation.accuracy(),
        mean_loss: evaluation.loss,
        scores: ClassScores::of(&confusion),
        confusion,
        seconds: start.elapsed().as_secs_f64(),
        threads: machine.threads(),
        isa: machine.level.name(),
        precision: net.precision(),
        notes: half.notes().to_vec(),
        report: target.as_ref().map(|target| target.shown().to_string()),
    };
    let written = target.as_ref().map_or(Ok(()), |target| {
        let subject = EvaluatedModel { net: net.as_ref(), split: args.split, half: &half, seen: &half };
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
    out.field("Accuracy", format_args!("{} ({correct} of {rows})", paint(STRONG, percent(report.accuracy))));
    out.field("Loss", format_args!("{} (mean)", loss(report.mean_loss)));
    print_classes(report, out);
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
        parameters: subject.net.shape().parameters(),
        record: None,
        subject: Some(subject),
    })
}

/// The confusion matrix, its most frequent mistakes, and the scores of each class.
fn print_classes(report: &EvalReport, out: &mut Output) {
    let confusion = &report.confusion;
    let (classes, worst) = (confusion.len(), mix_ups(confusion, WORST));
    let cell = |row: usize, column: usize| match (row.checked_sub(1), column.checked_sub(1)) {
        (None, None) => "true".into(),
        // At least as wide as most counts, so that columns have equal widths.
        (None, Some(class)) => format!("{class:>3}"),
        (Some(class), None) => class.to_string(),
        (Some(class), Some(predicted)) => match confusion[class][predicted] {
            0 if predicted == class => paint(WRONG, 0),
            n if predicted == class => paint(RIGHT, n),
            // Zeros off the diagonal would hide the mistakes.
            0 => paint(FAINT, "."),
            n if worst.contains(&(class, predicted, n)) => paint(WRONG, n),
            n => n.to_string(),
        },
    };
    out.line("");
    out.paragraph("", "Confusion: a row for each true class, a column for each predicted one");
    out.line("");
    out.table(&Table { rows: classes + 1, columns: classes + 1, cell: &cell, left: &[] });
    out.line("");
    if !worst.is_empty() {
        let told = |&(class, predicted, n): &(usize, usize, usize)| {
            format!("{} for {predicted} ({})", class, count(n, "time"))
        };
        out.field("Mistaken", worst.iter().map(told).collect::<Vec<_>>().join(", "));
        out.line("");
    }
    print_scores(&report.scores, out);
}

/// Precision, recall and F1 of each class, and their means.
fn print_scores(scores: &[ClassScores], out: &mut Output) {
    let shown = |score: Option<f64>| score.map_or("-".into(), percent);
    let row_of = |name: String, [precision, recall, f1]: [Option<f64>; 3], images: usize| {
        [name, shown(precision), shown(recall), shown(f1), grouped(images)]
    };
    let mut rows = vec![["class", "precision", "recall", "F1", "images"].map(String::from)];
    rows.extend(
        scores.iter().enumerate().map(|(class, s)| row_of(class.to_string(), [s.precision, s.recall, s.f1], s.rows)),
    );
    let mean = |of: fn(&ClassScores) -> Option<f64>| ClassScores::mean(scores, of);
    let means = [mean(|s| s.precision), mean(|s| s.recall), mean(|s| s.f1)];
    rows.push(row_of("mean".into(), means, scores.iter().map(|s| s.rows).sum()));
    let cell = |row: usize, column: usize| rows[row][column].clone();
    out.table(&Table { rows: rows.len(), columns: rows[0].len(), cell: &cell, left: &[] });
}
