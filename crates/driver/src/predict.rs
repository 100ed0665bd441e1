//! `twolayer predict`: classifies pictures, or images of the data.

mod csv;
mod pictures;
mod reading;
mod show_input;

use std::path::PathBuf;

use serde::Serialize;

use crate::args::{PredictArgs, Split};
use crate::ascii_image;
use crate::color::{RIGHT, STRONG, WRONG, paint};
use crate::data::{self, Source};
use crate::error::CliError;
use crate::machine::Machine;
use crate::network::{self, Network};
use crate::number_format::percent;
use crate::output::Output;
use crate::output_file::{OutputFile, is_stdin};

/// Characters of the longest bar: the usual number, and the minimum for bars beside the picture.
const BAR: usize = 24;
const SHORT_BAR: usize = 10;
/// The gap between a picture and the bars.
const GAP: &str = "   ";

/// The output of `--json`.
#[derive(Serialize)]
struct PredictReport {
    model: String,
    data: String,
    split: Split,
    index: usize,
    label: u32,
    predicted: usize,
    probabilities: Vec<f64>,
    isa: &'static str,
    precision: &'static str,
}

/// Runs `twolayer predict`.
pub fn run(args: &PredictArgs, out: &mut Output) -> Result<(), CliError> {
    let machine = Machine::new(&args.machine)?;
    if args.pictures.iter().chain([&args.model]).filter(|path| is_stdin(path)).count() > 1 {
        return Err(CliError::usage("standard input, `-`, can be given only once"));
    }
    let target = args.csv.as_deref().map(OutputFile::new).transpose()?;
    out.keep_stdout_for(&target);
    let replaced = |path: &&PathBuf| target.as_ref().is_some_and(|target| target.replaces(path));
    if let Some(lost) = args.pictures.iter().chain([&args.model]).chain(&args.data.data).find(replaced) {
        return Err(CliError::usage(format!("--csv would replace {}, which is read", lost.display())));
    }
    if let Some(picture) = args.csv.as_deref().filter(|csv| twolayer_pictures::has_ending(csv)) {
        let picture = picture.display();
        return Err(CliError::usage(format!("--csv {picture} would replace a picture; give pictures before --csv")));
    }
    let model = network::load(&args.model, &machine)?;
    match (args.index, &target) {
        (Some(index), _) => image(args, index, &machine, model.net.as_ref(), out),
        (None, Some(target)) => csv::run(args, target, (&machine, &model), out),
        (None, None) => pictures::run(args, &machine, &model, out),
    }
}

/// One image of the data.
fn image(
    args: &PredictArgs,
    index: usize,
    machine: &Machine,
    net: &dyn Network,
    out: &mut Output,
) -> Result<(), CliError> {
    let source = Source::new(&args.data);
    let half = source.load_half(args.split, out.is_quiet())?;
    network::check_fit(net, &args.model, &half)?;
    let Some(pixels) = half.image(index) else {
        return Err(data::beyond(index, args.split, half.rows()));
    };
    let probabilities = net.probabilities(pixels)?;
    let report = PredictReport {
        model: args.model.display().to_string(),
        data: source.name(),
        split: args.split,
        index,
        label: half.labels()[index],
        predicted: most_probable(&probabilities),
        probabilities,
        isa: machine.level.name(),
        precision: net.precision(),
    };
    if args.json {
        return out.json(&report);
    }
    let (right, style) = if report.label as usize == report.predicted { ("right", RIGHT) } else { ("wrong", WRONG) };
    let p = percent(report.probabilities[report.predicted]);
    let verdict = format_args!(
        "{} ({p}), {}: the label is {}",
        paint(STRONG, report.predicted),
        paint(style, right),
        report.label
    );
    out.field("Answer", verdict);
    let split = args.split.name();
    out.context("Image", format_args!("{}: {split} image {index}, {}", source.describe(), data::size(&half)));
    out.line("");
    print_bars(&ascii_image::draw(pixels, half.height(), half.width()), &report.probabilities, out);
    print_model(args, (machine, net), out);
    Ok(())
}

/// Prints what computed the answers, below them.
fn print_model(args: &PredictArgs, (machine, net): (&Machine, &dyn Network), out: &mut Output) {
    if !out.is_quiet() {
        out.line("");
        out.field("Model", format_args!("{}: {}", args.model.display(), network::describe(net)));
        out.field("Machine", machine.describe());
    }
}

/// The index of the largest probability; the first one in case of a tie.
fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (class, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = class;
        }
    }
    best
}

/// Prints a picture with a bar for each class, beside it or below.
fn print_bars(drawing: &[String], probabilities: &[f64], out: &mut Output) {
    let number = (probabilities.len() - 1).to_string().len() + "  100.00%  ".len();
    let picture = drawing.first().map_or(0, |line| line.chars().count() + GAP.len());
    let width = out.width().unwrap_or(usize::MAX);
    let fits = width.saturating_sub(picture) >= number + SHORT_BAR;
    let available = if fits { width - picture } else { width };
    let bars = bars(probabilities, BAR.min(available.saturating_sub(number)));
    if fits {
        beside(drawing, &bars).iter().for_each(|line| out.line(line));
    } else {
        drawing.iter().for_each(|line| out.line(line));
        bars.iter().for_each(|line| out.line(line));
    }
}

/// A bar for each class of at most `longest` characters.
fn bars(probabilities: &[f64], longest: usize) -> Vec<String> {
    let (width, best) = ((probabilities.len() - 1).to_string().len(), most_probable(probabilities));
    let line = |(class, &p): (usize, &f64)| {
        let line = format!("{class:>width$}  {:>7}  {}", percent(p), bar(p, longest));
        if class == best { paint(STRONG, line.trim_end()) } else { line.trim_end().to_string() }
    };
    probabilities.iter().enumerate().map(line).collect()
}

/// A bar in eighths of a character.
fn bar(p: f64, longest: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (p.clamp(0.0, 1.0) * (8 * longest) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Two blocks of lines side by side; the left one's lines have equal widths.
fn beside(left: &[String], right: &[String]) -> Vec<String> {
    let width = left.first().map_or(0, |line| line.chars().count() + GAP.len());
    let line = |i: usize| {
        let l = left.get(i).map_or("", String::as_str);
        let r = right.get(i).map_or("", String::as_str);
        format!("{l}{}{r}", " ".repeat(width - l.chars().count())).trim_end().to_string()
    };
    (0..left.len().max(right.len())).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_class() {
        assert_eq!(most_probable(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(most_probable(&[1.0]), 0);
    }

    #[test]
    fn bars_are_as_long_as_their_probability() {
        assert_eq!(bar(0.0, BAR), "");
        assert_eq!(bar(1.0, BAR), "█".repeat(BAR));
        assert_eq!(bar(0.5, BAR), "█".repeat(BAR / 2));
        assert_eq!(bar(1.0 / 48.0, BAR), "▌");
    }

    #[test]
    fn blocks_of_different_lengths_are_put_side_by_side() {
        let strings = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(beside(&strings(&["│a│"]), &strings(&["x", "y"])), ["│a│   x", "      y"]);
        assert_eq!(beside(&[], &strings(&["x", "y"])), ["x", "y"]);
        assert_eq!(beside(&strings(&["aa", "bb"]), &strings(&["x"])), ["aa   x", "bb"]);
    }
}
