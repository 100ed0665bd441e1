//! `twolayer data`: summarises a data set, draws its images, converts it to IDX.

use serde::Serialize;
use twolayer_core::MemoryEstimate;
use twolayer_idx::Split as Half;

use crate::args::{DataCommand, DataConvertArgs, DataInfoArgs, DataShowArgs};
use crate::ascii_image;
use crate::data::{self, Source, size};
use crate::data_notes;
use crate::error::CliError;
use crate::memory;
use crate::number_format::{count, grouped, percent};
use crate::output::Output;
use crate::terminal::Table;

/// Columns to draw in where the width is unknown.
const COLUMNS: usize = 80;
/// So many classes are all listed, those without images too.
const ALL_CLASSES: usize = 256;
/// The gap between pictures.
const GAP: &str = "  ";

/// The output of `data info --json`.
#[derive(Serialize)]
struct DataInfoReport {
    data: String,
    train: SplitSummary,
    /// None if there are no test images.
    test: Option<SplitSummary>,
    /// What is unusual about the training set.
    notes: Vec<String>,
}

/// The summary of a split.
#[derive(Serialize)]
struct SplitSummary {
    images_file: String,
    labels_file: String,
    rows: usize,
    height: usize,
    width: usize,
    classes: usize,
    /// The number of images of each class.
    counts: Vec<usize>,
    /// The mean of all pixels, from 0 for paper to 1 for ink.
    mean_ink: f64,
}

/// Runs `twolayer data`.
pub fn run(command: &DataCommand, out: &mut Output) -> Result<(), CliError> {
    match command {
        DataCommand::Info(args) => info(args, out),
        DataCommand::Show(args) => show(args, out),
        DataCommand::Convert(args) => convert(args, out),
    }
}

fn info(args: &DataInfoArgs, out: &mut Output) -> Result<(), CliError> {
    let source = Source::of(args.set.path.as_deref(), args.set.label_column.as_deref());
    let (train, test) = source.load(args.json || out.is_quiet())?;
    let classes = train.classes().max(test.as_ref().map_or(0, Half::classes));
    let report = DataInfoReport {
        data: source.name(),
        train: SplitSummary::of(&train),
        test: test.as_ref().map(SplitSummary::of),
        notes: data_notes::look(&train, test.as_ref(), classes).notes,
    };
    if args.json {
        return out.json(&report);
    }
    out.field("Data", source.describe());
    let halves = [("Train", Some(&train), Some(&report.train)), ("Test", test.as_ref(), report.test.as_ref())];
    for (name, half, contents) in halves {
        let (Some(half), Some(contents)) = (half, contents) else {
            out.field(name, "none; `train` holds out a tenth of each class to test on");
            continue;
        };
        let (images, size, ink) = (count(contents.rows, "image"), size(half), percent(contents.mean_ink));
        let classes = if contents.classes == 1 { "1 class".into() } else { format!("{} classes", contents.classes) };
        out.field(name, format_args!("{images} of {size}, {classes}, mean ink {ink}"));
        out.field("", &contents.images_file);
        if contents.labels_file != contents.images_file {
            out.field("", &contents.labels_file);
        }
    }
    report.notes.iter().for_each(|note| out.field("Note", note));
    out.line("");
    print_counts(&report.train.counts, report.test.as_ref().map_or(&[], |test| &test.counts), out);
    Ok(())
}

impl SplitSummary {
    fn of(half: &Half) -> Self {
        let ink: u64 = half.images().iter().map(|&pixel| u64::from(pixel)).sum();
        SplitSummary {
            images_file: half.images_name().into(),
            labels_file: half.labels_name().into(),
            rows: half.rows(),
            height: half.height(),
            width: half.width(),
            classes: half.classes(),
            counts: half.class_counts(half.classes()),
            mean_ink: ink as f64 / 255.0 / half.images().len() as f64,
        }
    }
}

/// A row for each class, with its number of images in each split; of many classes, for those with images.
fn print_counts(train: &[usize], test: &[usize], out: &mut Output) {
    let count = |counts: &[usize], class: usize| counts.get(class).copied().unwrap_or(0);
    let mut classes: Vec<usize> = (0..train.len().max(test.len())).collect();
    if classes.len() > ALL_CLASSES {
        classes.retain(|&class| count(train, class) + count(test, class) > 0);
    }
    let cell = |row: usize, column: usize| match (row.checked_sub(1), column) {
        (None, _) => ["class", "train", "test"][column].into(),
        (Some(row), 0) => classes[row].to_string(),
        (Some(row), _) => grouped(count([train, test][column - 1], classes[row])),
    };
    out.table(&Table { rows: 1 + classes.len(), columns: 3, cell: &cell, left: &[] });
}

fn show(args: &DataShowArgs, out: &mut Output) -> Result<(), CliError> {
    let source = Source::of(args.set.path.as_deref(), args.set.label_column.as_deref());
    let half = source.load_half(args.split, out.is_quiet())?;
    let (first, last) = (*args.index.start(), *args.index.end());
    if last >= half.rows() {
        return Err(data::beyond(last, args.split, half.rows()));
    }
    if ascii_image::draw(&half.images()[..half.inputs()], half.height(), half.width()).is_empty() {
        let (file, size) = (half.images_name(), size(&half));
        return Err(CliError::new(format!("{file}: rows of {size} are not images; give images of at least 2 x 2")));
    }
    let pictures: Vec<Vec<String>> = (first..=last).filter_map(|index| captioned(&half, index)).collect();
    let width = pictures.first().and_then(|lines| lines.first()).map_or(1, |line| line.chars().count());
    let in_a_row = ((out.width().unwrap_or(COLUMNS) + GAP.len()) / (width + GAP.len())).max(1);
    for row in pictures.chunks(in_a_row) {
        for line in 0..row[0].len() {
            let lines: Vec<&str> = row.iter().map(|picture| picture[line].as_str()).collect();
            out.line(lines.join(GAP).trim_end());
        }
    }
    Ok(())
}

fn convert(args: &DataConvertArgs, out: &mut Output) -> Result<(), CliError> {
    let source = Source::of(Some(&args.source), args.label_column.as_deref());
    let (train, test) = source.load(out.is_quiet())?;
    let halves = || [Some(&train), test.as_ref()].into_iter().flatten();
    // A copy of a half's images and labels.
    let largest = halves().map(|half| half.images().len() + half.rows() * size_of::<u32>()).max().unwrap_or_default();
    memory::check(MemoryEstimate::default().elements(largest, 1), memory::END_OTHERS)?;
    let files = twolayer_idx::save_set(&args.target, &train, test.as_ref())?;
    out.field("Data", format_args!("{}: {}", args.source.display(), data::describe_set(&train, test.as_ref())));
    data_notes::of_reading(&train, test.as_ref()).iter().for_each(|note| out.field("Note", note));
    for (n, file) in files.iter().enumerate() {
        out.field(if n == 0 { "Written" } else { "" }, file.display());
    }
    Ok(())
}

/// A picture with its index and label above it; all lines have the same width.
fn captioned(half: &Half, index: usize) -> Option<Vec<String>> {
    let mut lines = ascii_image::draw(half.image(index)?, half.height(), half.width());
    let width = lines.first()?.chars().count();
    lines.insert(0, format!("{:<width$}", format!(" {index}: label {}", half.labels()[index])));
    Some(lines)
}
