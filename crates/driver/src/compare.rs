//! `twolayer compare`: two models on the same images.

use crate::args::CompareArgs;
use crate::color::{STRONG, paint};
use crate::comparison::{Comparison, Side};
use crate::data::{self, Source};
use crate::error::CliError;
use crate::html_report::ComparisonPage;
use crate::machine::Machine;
use crate::network;
use crate::number_format::{count, grouped, loss, percent};
use crate::output::Output;
use crate::output_file::{OutputFile, is_stdin};
use crate::terminal::Table;

/// The most images that are named of those that only one model gets right.
const NAMED: usize = 10;

/// Runs `twolayer compare`.
pub fn run(args: &CompareArgs, out: &mut Output) -> Result<(), CliError> {
    let paths = [&args.a, &args.b];
    if paths.iter().all(|path| is_stdin(path)) {
        return Err(CliError::usage("standard input, `-`, can be given only once"));
    }
    let machine = Machine::new(&args.machine)?;
    let target = args.report.as_deref().map(OutputFile::new).transpose()?;
    out.keep_stdout_for(&target);
    if let Some(lost) = paths.iter().find(|path| target.as_ref().is_some_and(|target| target.replaces(path))) {
        return Err(CliError::usage(format!("--report and a model are both {}", lost.display())));
    }
    let [first, second] = [network::load(&args.a, &machine)?.net, network::load(&args.b, &machine)?.net];
    let source = Source::new(&args.data);
    let half = source.load_half(args.split, out.is_quiet())?;
    for (net, path) in [&first, &second].into_iter().zip(paths) {
        network::check_fit(net.as_ref(), path, &half)?;
        // The most probable classes of both, and the images that only one gets right.
        network::check_memory(net.as_ref(), &machine, half.rows(), 4 * half.rows() * size_of::<usize>())?;
    }
    let mut comparison = Comparison {
        data: source.name(),
        split: args.split,
        rows: half.rows(),
        a: Side::new(args.a.display().to_string(), first.as_ref(), &half)?,
        b: Side::new(args.b.display().to_string(), second.as_ref(), &half)?,
        both_right: 0,
        both_wrong: 0,
        p_value: 1.0,
        threads: machine.threads(),
        isa: machine.level.name(),
        notes: half.notes().to_vec(),
        report: target.as_ref().map(|target| target.shown().to_string()),
    };
    comparison.count(half.labels());
    let written = target.as_ref().map_or(Ok(()), |target| {
        let page = ComparisonPage { comparison: &comparison, half: &half, source: source.title() };
        target.write(page.html()?.as_bytes())
    });
    comparison.report.take_if(|_| written.is_err());
    if args.json {
        out.json(&comparison)?;
    } else {
        print(&comparison, out);
        let images = count(half.rows(), &format!("{} image", args.split.name()));
        out.context("Data", format_args!("{}: {images} of {}", source.describe(), data::size(&half)));
        comparison.notes.iter().for_each(|note| out.context("Note", note));
        for (name, net, path) in [("Model A", &first, paths[0]), ("Model B", &second, paths[1])] {
            out.context(name, format_args!("{}: {}", path.display(), network::describe(net.as_ref())));
        }
        out.context("Machine", machine.describe());
        if let Some(file) = &comparison.report {
            out.field("Report", file);
        }
    }
    written
}

fn print(comparison: &Comparison, out: &mut Output) {
    let Comparison { a, b, both_right, both_wrong, .. } = comparison;
    out.field("Answer", paint(STRONG, comparison.verdict()));
    out.line("");
    let mut rows = vec![["model", "accuracy", "loss", "right", "only this"].map(String::from)];
    rows.extend([("A", a), ("B", b)].map(|(name, side)| {
        let (only, correct) = (grouped(side.only.len()), grouped(side.correct));
        [name.into(), percent(side.accuracy), loss(side.mean_loss), correct, only]
    }));
    let cell = |row: usize, column: usize| rows[row][column].clone();
    out.table(&Table { rows: rows.len(), columns: rows[0].len(), cell: &cell, left: &[0] });
    out.line("");
    out.field("Both", format_args!("right {}, wrong {}", grouped(*both_right), grouped(*both_wrong)));
    for (label, side) in [("Only A", a), ("Only B", b)] {
        out.field(label, named(&side.only));
    }
    if !out.is_quiet() {
        let n = count(a.only.len() + b.only.len(), "image");
        out.field("Test", format_args!("McNemar's, exact and two-sided, of the {n} that only one gets right"));
        out.line("");
    }
}

/// `3 images: 4, 17, 120`
fn named(images: &[usize]) -> String {
    let first: Vec<String> = images.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match images.len() - first.len() {
        0 => String::new(),
        more => format!(", and {} more", grouped(more)),
    };
    let colon = if images.is_empty() { "" } else { ": " };
    format!("{}{colon}{}{more}", count(images.len(), "image"), first.join(", "))
}
