//! The curves of a run as a drawing, which [`svg`] and [`png`] put into files.

mod png;
mod range_test;
pub mod seeds;
mod svg;

pub use range_test::range_test;
pub use svg::STYLE;

use super::training_record::{TrainingRecord, Window};
use crate::number_format::grouped;

/// The size of one chart: small, so that its text stays readable on a phone.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 240.0;
/// The position of the axes within it.
const LEFT: f64 = 46.0;
/// With room for half of the last number on the axis.
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 38.0;
/// The baseline of the line of text above the axes.
const HEADING: f64 = 15.0;
/// The most points of a line.
const MOST_POINTS: usize = 400;

type Point = (f64, f64);

/// The kind of a line; each has a colour and a dash pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LineColor {
    Grid,
    Axis,
    Train,
    Test,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing drawn.
#[derive(Clone, Debug)]
pub enum Mark {
    Line(LineColor, Vec<Point>),
    /// A filled polygon.
    Band(Vec<Point>),
    Text(Point, Anchor, String),
}

/// A drawing and its description.
#[derive(Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    marks: Vec<Mark>,
    title: &'static str,
    description: String,
}

/// The axes of a chart: maps values to positions.
struct Axes {
    last: f64,
    least: f64,
    most: f64,
}

impl Axes {
    fn place(&self, (iteration, value): Point) -> Point {
        let x = LEFT + (RIGHT - LEFT) * (iteration / self.last);
        let y = BOTTOM - (BOTTOM - TOP) * ((value - self.least) / (self.most - self.least));
        (x, y.clamp(TOP, BOTTOM))
    }

    fn line(&self, points: impl Iterator<Item = Point>) -> Vec<Point> {
        points.map(|point| self.place(point)).collect()
    }
}

/// The losses: means over windows, and the range within each.
pub fn loss(record: &TrainingRecord) -> Drawing {
    let (windows, length) = (record.curve.windows(), record.curve.length());
    let history = record.some_of_history(MOST_POINTS);
    let tested = history.iter().map(|m| m.test_loss).filter(|loss| loss.is_finite());
    let most = windows.iter().map(|w| w.most).chain(tested).fold(0.0, f64::max).min(1e300);
    let step = nice_step(if most > 0.0 { most } else { 1.0 }, 5.0);
    let axes = Axes { last: last_iteration(record), least: 0.0, most: step * (most / step).ceil().max(1.0) };
    let mut drawing = Drawing::axes(&axes, "loss of a batch", step, |value| decimal(value, step));
    let Some((first, last)) = windows.first().zip(windows.last()) else {
        return drawing.empty();
    };
    if length > 1 {
        let upper = axes.line(windows.iter().map(|w| (w.middle(), w.most)));
        let lower = axes.line(windows.iter().rev().map(|w| (w.middle(), w.least)));
        drawing.marks.push(Mark::Band([upper, lower].concat()));
        drawing.legend_line(176.0, LineColor::Train, &format!("mean of {}", compact(length)));
        let (left, right, y) = (316.0, 340.0, HEADING - 4.0);
        drawing.marks.push(Mark::Band(vec![(left, y - 5.0), (right, y - 5.0), (right, y + 5.0), (left, y + 5.0)]));
        drawing.marks.push(Mark::Text((right + 6.0, HEADING), Anchor::Start, "range".into()));
    }
    drawing.marks.push(Mark::Line(LineColor::Train, axes.line(windows.iter().map(|w| (w.middle(), w.mean())))));
    if !history.is_empty() {
        drawing.legend_line(100.0, LineColor::Test, "test");
        let tested = history.iter().filter(|m| m.test_loss.is_finite()).map(|m| (m.iterations as f64, m.test_loss));
        drawing.marks.push(Mark::Line(LineColor::Test, axes.line(tested)));
    }
    let means =
        |w: &Window| if length > 1 { format!("{:.4} (mean of {})", w.mean(), w.count) } else { w.mean().to_string() };
    drawing.description =
        format!("Loss over {} iterations: from {} to {}", grouped(last.from + last.count), means(first), means(last));
    drawing
}

/// The training and test accuracies.
pub fn accuracy(record: &TrainingRecord) -> Drawing {
    let history = record.some_of_history(MOST_POINTS);
    let both = |f: fn(f64, f64) -> f64, start| {
        history.iter().fold(start, |all, m| f(all, f(m.train_accuracy, m.test_accuracy)))
    };
    // Late accuracies differ little: the axis spans the data, but not so narrowly that noise looks like progress.
    let (least, most) = (both(f64::min, 1.0), both(f64::max, 0.0));
    let step = nice_step((most - least).max(0.05), 5.0);
    let (least, most) = ((least / step).floor() * step, (most / step).ceil() * step);
    let axes = if history.is_empty() {
        Axes { last: last_iteration(record), least: 0.0, most: 1.0 }
    } else {
        Axes { last: last_iteration(record), least, most: most.max(least + step) }
    };
    let mut drawing = Drawing::axes(&axes, "accuracy", step, |v| format!("{}%", decimal(100.0 * v, 100.0 * step)));
    let Some((first, last)) = history.first().zip(history.last()) else {
        return drawing.empty();
    };
    drawing.legend_line(164.0, LineColor::Train, "training set");
    drawing.legend_line(298.0, LineColor::Test, "test set");
    let train = axes.line(history.iter().map(|m| (m.iterations as f64, m.train_accuracy)));
    let test = axes.line(history.iter().map(|m| (m.iterations as f64, m.test_accuracy)));
    drawing.marks.push(Mark::Line(LineColor::Train, train));
    drawing.marks.push(Mark::Line(LineColor::Test, test));
    let percent = |from: f64, to: f64| format!("from {:.2}% to {:.2}%", 100.0 * from, 100.0 * to);
    drawing.description = format!(
        "Accuracy on the training set {}, on the test set {}",
        percent(first.train_accuracy, last.train_accuracy),
        percent(first.test_accuracy, last.test_accuracy)
    );
    drawing
}

/// Both curves, one above the other.
pub fn both(record: &TrainingRecord) -> Drawing {
    let (mut upper, lower) = (loss(record), accuracy(record));
    let down = |(x, y): Point| (x, y + upper.height);
    let moved = lower.marks.into_iter().map(|mark| match mark {
        Mark::Line(ink, points) => Mark::Line(ink, points.into_iter().map(down).collect()),
        Mark::Band(points) => Mark::Band(points.into_iter().map(down).collect()),
        Mark::Text(at, anchor, text) => Mark::Text(down(at), anchor, text),
    });
    upper.marks.extend(moved.collect::<Vec<_>>());
    upper.height += lower.height;
    upper.description = format!("{}. {}.", upper.description, lower.description);
    upper
}

impl Drawing {
    /// A chart over iterations, without curves.
    fn axes(axes: &Axes, name: &str, step: f64, label: impl Fn(f64) -> String) -> Drawing {
        let mut drawing = Drawing::value_axis(axes, name, step, label);
        let marks = &mut drawing.marks;
        let step = nice_step(axes.last, 6.0).max(1.0);
        for k in 0..=(axes.last / step) as usize {
            let iteration = k as f64 * step;
            let x = axes.place((iteration, axes.least)).0;
            marks.push(Mark::Line(LineColor::Axis, vec![(x, BOTTOM), (x, BOTTOM + 4.0)]));
            marks.push(Mark::Text((x, BOTTOM + 17.0), Anchor::Middle, compact(iteration as usize)));
        }
        let middle = (LEFT + RIGHT) / 2.0;
        marks.push(Mark::Text((middle, BOTTOM + 32.0), Anchor::Middle, "iteration".into()));
        drawing
    }

    /// Grid lines, with a label every `step`.
    fn value_axis(axes: &Axes, name: &str, step: f64, label: impl Fn(f64) -> String) -> Drawing {
        let mut marks = vec![Mark::Text((4.0, HEADING), Anchor::Start, name.into())];
        for k in 0..=((axes.most - axes.least) / step).round() as usize {
            let value = axes.least + k as f64 * step;
            let y = axes.place((0.0, value)).1;
            marks.push(Mark::Line(if k == 0 { LineColor::Axis } else { LineColor::Grid }, vec![(LEFT, y), (RIGHT, y)]));
            marks.push(Mark::Text((LEFT - 6.0, y + 4.0), Anchor::End, label(value)));
        }
        let title = "Loss and accuracy of a training run";
        Drawing { width: WIDTH, height: HEIGHT, marks, title, description: String::new() }
    }

    fn legend_line(&mut self, x: f64, ink: LineColor, text: &str) {
        self.marks.push(Mark::Line(ink, vec![(x, HEADING - 4.0), (x + 24.0, HEADING - 4.0)]));
        self.marks.push(Mark::Text((x + 30.0, HEADING), Anchor::Start, text.into()));
    }

    fn empty(mut self) -> Drawing {
        let centre = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
        self.marks.push(Mark::Text(centre, Anchor::Middle, "nothing to draw: no iterations".into()));
        self.description = "Nothing to draw: no iterations".into();
        self
    }
}

/// The last iteration drawn, at least 1 so that there is an axis.
fn last_iteration(record: &TrainingRecord) -> f64 {
    let loss = record.curve.windows().last().map_or(0, |w| w.from + w.count - 1);
    let accuracy = record.history.last().map_or(0, |m| m.iterations);
    loss.max(accuracy).max(1) as f64
}

/// The smallest 1, 2 or 5 times a power of ten that divides `range` into at most about `parts`.
fn nice_step(range: f64, parts: f64) -> f64 {
    let rough = range / parts;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// A value on an axis, with as many decimals as its step has.
fn decimal(value: f64, step: f64) -> String {
    if step >= 2000.0 {
        return if value == 0.0 { "0".into() } else { format!("{value:.0e}") };
    }
    // A step of 2 · 10⁻¹ may be rounded to slightly less.
    let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

/// `900`, `12,000`, `250k`, `1.5M`
fn compact(n: usize) -> String {
    match n {
        0..100_000 => grouped(n),
        100_000..1_000_000 => format!("{}k", n as f64 / 1e3),
        _ => format!("{}M", n as f64 / 1e6),
    }
}
