//! The curves of several seeds over each other, with their mean and range.

use super::{Anchor, Axes, Drawing, LineColor, MOST_POINTS, Mark, Point};
use crate::epoch_table::Measurement;
use crate::number_format::{self, count, percent};

/// How a value is written.
type Shown = fn(f64) -> String;

/// What several runs measured after the same iterations.
pub struct Spread {
    pub iterations: usize,
    pub mean: f64,
    pub least: f64,
    pub most: f64,
}

/// The spread at every measurement that all runs have.
pub fn spread(runs: &[&[Measurement]], of: fn(&Measurement) -> f64) -> Vec<Spread> {
    let Some(first) = runs.first() else { return Vec::new() };
    let at = |(i, m): (usize, &Measurement)| {
        let present = |run: &&[Measurement]| run.get(i).filter(|other| other.iterations == m.iterations).map(of);
        let values = runs.iter().map(present).collect::<Option<Vec<f64>>>()?;
        Some(Spread {
            iterations: m.iterations,
            mean: values.iter().sum::<f64>() / values.len() as f64,
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    };
    first.iter().enumerate().map_while(at).collect()
}

/// About `most` of the items, with the last.
pub fn some<T>(items: &[T], most: usize) -> Vec<&T> {
    let every = items.len().div_ceil(most).max(1);
    items
        .iter()
        .enumerate()
        .filter(|(i, _)| (items.len() - 1 - i).is_multiple_of(every))
        .map(|(_, item)| item)
        .collect()
}

/// The accuracy on the test set, by the logarithm of the error. An epoch is `epoch` iterations.
pub fn accuracy(runs: &[&[Measurement]], epoch: usize) -> Drawing {
    let of = |m: &Measurement| 1.0 - m.test_accuracy;
    let axes = Axes::of_errors((epoch, last(runs)), runs.iter().copied().flatten().map(of));
    drawn("test accuracy", runs, &axes, (of, |error| percent(1.0 - error)))
}

/// The loss on the test set.
pub fn loss(runs: &[&[Measurement]], epoch: usize) -> Drawing {
    let of = |m: &Measurement| m.test_loss;
    let axes = Axes::of_losses((epoch, last(runs)), runs.iter().copied().flatten().map(of));
    drawn("test loss", runs, &axes, (of, number_format::loss))
}

/// The iterations of the longest run.
fn last(runs: &[&[Measurement]]) -> usize {
    runs.iter().filter_map(|run| run.last()).map(|m| m.iterations).max().unwrap_or(0)
}

fn drawn(name: &str, runs: &[&[Measurement]], axes: &Axes, (of, shown): (fn(&Measurement) -> f64, Shown)) -> Drawing {
    let mut drawing = Drawing::axes(axes, name);
    if last(runs) == 0 {
        return drawing.empty();
    }
    let line = |color, values: &mut dyn Iterator<Item = Point>| {
        Mark::Line(color, values.filter(|(_, value)| value.is_finite()).map(|point| axes.place(point)).collect())
    };
    let spreads = spread(runs, of);
    drawing.sample(60.0, LineColor::Train, "each seed");
    drawing.sample(166.0, LineColor::Test, "mean");
    for run in runs {
        let points = &mut some(run, MOST_POINTS).into_iter().map(|m| (m.iterations as f64, of(m)));
        drawing.marks.push(line(LineColor::Train, points));
    }
    let means = &mut some(&spreads, MOST_POINTS).into_iter().map(|s| (s.iterations as f64, s.mean));
    drawing.marks.push(line(LineColor::Test, means));
    if let Some(last) = spreads.last() {
        let (x, y) = axes.place((last.iterations as f64, last.mean));
        drawing.marks.push(Mark::Dot(LineColor::Test, (x, y)));
        drawing.marks.push(Mark::Text((x, y + 4.0), 8.0, Anchor::Start, shown(last.mean)));
        let [mean, least, most] = [last.mean, last.least, last.most].map(shown);
        drawing.description =
            format!("{name} of {}: at the end {mean} on average, between {least} and {most}", count(runs.len(), "run"));
    }
    drawing
}
