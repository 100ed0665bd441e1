//! The curves of several seeds over each other, with their mean and range.

use super::{Axes, Drawing, LineColor, MOST_POINTS, Mark, Point, decimal, nice_step};
use crate::epoch_table::Measurement;
use crate::number_format::count;

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

/// The accuracy on the test set.
pub fn accuracy(runs: &[&[Measurement]]) -> Drawing {
    drawn("test accuracy", runs, |m| m.test_accuracy, |v, step| format!("{}%", decimal(100.0 * v, 100.0 * step)))
}

/// The loss on the test set.
pub fn loss(runs: &[&[Measurement]]) -> Drawing {
    drawn("test loss", runs, |m| m.test_loss, decimal)
}

fn drawn(name: &str, runs: &[&[Measurement]], of: fn(&Measurement) -> f64, label: fn(f64, f64) -> String) -> Drawing {
    let line = |run: &&[Measurement]| -> Vec<Point> {
        let points = some(run, MOST_POINTS).into_iter().map(|m| (m.iterations as f64, of(m)));
        points.filter(|(_, value)| value.is_finite()).collect()
    };
    let lines: Vec<Vec<Point>> = runs.iter().map(line).collect();
    let range = |which: fn(&Point) -> f64| {
        let values = lines.iter().flatten().map(which);
        (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
    };
    let ((_, last), (least, most)) = (range(|point| point.0), range(|point| point.1));
    if last < 0.0 {
        let axes = Axes { last: 1.0, least: 0.0, most: 1.0 };
        return Drawing::axes(&axes, name, 0.2, |value| label(value, 0.2)).empty();
    }
    let step = nice_step((most - least).max(0.05), 5.0);
    let least = (least / step).floor() * step;
    let axes = Axes { last: last.max(1.0), least, most: ((most / step).ceil() * step).max(least + step) };
    let mut drawing = Drawing::axes(&axes, name, step, |value| label(value, step));
    let spreads = spread(runs, of);
    let finite = some(&spreads, MOST_POINTS).into_iter().filter(|s| s.mean.is_finite());
    let mean = axes.line(finite.map(|s| (s.iterations as f64, s.mean)));
    drawing.legend_line(164.0, LineColor::Train, "each seed");
    drawing.legend_line(298.0, LineColor::Test, "mean");
    drawing.marks.extend(lines.into_iter().map(|line| Mark::Line(LineColor::Train, axes.line(line.into_iter()))));
    drawing.marks.push(Mark::Line(LineColor::Test, mean));
    if let Some(last) = spreads.last() {
        let [mean, least, most] = [last.mean, last.least, last.most].map(|value| label(value, 1e-4));
        drawing.description =
            format!("{name} of {}: at the end {mean} on average, from {least} to {most}", count(runs.len(), "run"));
    }
    drawing
}
