//! The curves of a run as drawings, for a page ([`svg`]) and as files ([`svg`], [`png`]).
//!
//! Only the distances across depend on the width: a point is placed by its share of the width, texts keep their size.

mod log_axis;
mod png;
mod range_test;
pub mod seeds;
mod svg;
mod trials;

pub use png::file as png;
pub use range_test::range_test;
pub use svg::{STYLE, file as svg};
pub use trials::trials;

use super::training_record::{TrainingRecord, Window};
use crate::epoch_table::Measurement;
use crate::number_format::{self, count, grouped, percent};
use log_axis::LogAxis;

/// The size of one chart in a file: small, so that its text stays readable on a phone.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 280.0;
/// The margins around the axes, with room for the last values on the right.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 66.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 38.0;
/// The height of the axes.
const DEPTH: f64 = HEIGHT - TOP - BOTTOM;
/// The baseline of the line of text above the axes.
const HEADING: f64 = -14.0;
/// The most points of a line, and of one whose points are marked.
const MOST_POINTS: usize = 400;
const MOST_MARKED: usize = 30;
/// The height of a line of text.
const LINE: f64 = 14.0;

/// A share of the width of the axes, and a distance below their top.
type Point = (f64, f64);

/// The kind of a line; each has a colour and a dash pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LineColor {
    Grid,
    Axis,
    Batches,
    Train,
    Test,
    Validation,
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
    Dot(LineColor, Point),
    /// A sample of a line in the legend, so far right of the axes' left end.
    Sample(LineColor, f64),
    /// A text, moved right by a distance.
    Text(Point, f64, Anchor, String),
}

/// A curve's kind, and its value in each measurement; NaN where there is none.
type Curve<'a> = (LineColor, &'a dyn Fn(&Measurement) -> f64);

/// A drawing and its description.
#[derive(Debug)]
pub struct Drawing {
    marks: Vec<Mark>,
    description: String,
}

/// The axes of a chart.
struct Axes {
    /// The last epoch, and the iterations in one.
    last: f64,
    epoch: f64,
    values: LogAxis,
    /// Whether the values are errors: shown as accuracies, with the low end at the top; of none, if there is one, 100%.
    errors: bool,
    perfect: bool,
}

impl Axes {
    /// Axes of losses. `size` is the iterations of an epoch, and of the run.
    fn of_losses(size: (usize, usize), losses: impl Iterator<Item = f64>) -> Axes {
        let epoch = size.0.max(1) as f64;
        let (last, values) = (size.1.max(1) as f64 / epoch, LogAxis::around(losses));
        Axes { last, epoch, values, errors: false, perfect: false }
    }

    /// Axes of accuracies by the logarithm of the error. No error has none: such points are at the top.
    fn of_errors(size: (usize, usize), errors: impl Iterator<Item = f64> + Clone) -> Axes {
        let perfect = errors.clone().any(|error| error <= 0.0);
        let axes = Axes::of_losses(size, errors);
        let values = if perfect { axes.values.with_zero() } else { axes.values };
        Axes { values, errors: true, perfect, ..axes }
    }

    fn place(&self, (iteration, value): Point) -> Point {
        (iteration / self.epoch / self.last, self.height(value))
    }

    /// The heights and labels of the ticks.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let label = if self.errors { accuracy_label } else { loss_label };
        let ticks = self.values.ticks().map(move |value| (self.height(value), label(value)));
        ticks.chain(self.perfect.then(|| (0.0, "100%".into())))
    }

    fn height(&self, value: f64) -> f64 {
        let share = self.values.share(value);
        DEPTH * if self.errors { share } else { 1.0 - share }
    }
}

/// The losses: of the batches, their means since the measurement before, and on the test set.
pub fn loss(record: &TrainingRecord) -> Drawing {
    let (windows, history) = (record.curve.windows(), record.some_of_history(MOST_POINTS));
    let measured = history.iter().flat_map(|m| [m.loss, m.test_loss]);
    let losses = windows.iter().map(Window::mean).chain(measured);
    let axes = Axes::of_losses((record.epoch, record.iterations), losses);
    let mut drawing = Drawing::axes(&axes, "loss");
    let Some((first, last)) = windows.first().zip(windows.last()) else {
        return drawing.empty();
    };
    let line = |value: fn(&Window) -> f64| windows.iter().map(move |w| (w.middle() + 1.0, value(w)));
    if record.curve.length() > 1 {
        let range = line(|w| w.most).chain(line(|w| w.least).rev());
        drawing.marks.push(Mark::Band(range.map(|point| axes.place(point)).collect()));
    }
    let means = line(Window::mean).map(|point| axes.place(point));
    drawing.marks.push(Mark::Line(LineColor::Batches, means.collect()));
    drawing.sample(0.0, LineColor::Train, "training mean");
    drawing.sample(130.0, LineColor::Test, "test");
    drawing.sample(200.0, LineColor::Batches, "batches");
    let curves: [Curve<'_>; 2] = [(LineColor::Train, &|m| m.loss), (LineColor::Test, &|m| m.test_loss)];
    drawing.measured(&axes, &history, &curves, number_format::loss);
    let (from, to) = (number_format::loss(first.mean()), number_format::loss(last.mean()));
    drawing.description = format!("Loss over {}: from {from} to {to}", count(record.iterations, "iteration"));
    let finite = last.from + last.count;
    if finite < record.iterations {
        let told = format!("not finite in iteration {}", grouped(finite));
        drawing.description += &format!(", then {told}");
        drawing.marks.push(Mark::Line(LineColor::Axis, vec![(1.0, 0.0), (1.0, DEPTH)]));
        drawing.marks.push(Mark::Text((1.0, 0.75 * DEPTH), -6.0, Anchor::End, told));
    }
    drawing
}

/// The accuracies on the training and the test set and on validation rows, by the logarithm of the error: 98.0 % and
/// 99.9 % are far apart.
pub fn accuracy(record: &TrainingRecord) -> Drawing {
    let history = record.some_of_history(MOST_POINTS);
    let curves: [Curve<'_>; 3] = [
        (LineColor::Train, &|m| 1.0 - m.train_accuracy),
        (LineColor::Test, &|m| 1.0 - m.test_accuracy),
        (LineColor::Validation, &|m| m.validation_accuracy.map_or(f64::NAN, |accuracy| 1.0 - accuracy)),
    ];
    let errors = history.iter().flat_map(|m| curves.map(|(_, error)| error(m))).filter(|error| error.is_finite());
    let axes = Axes::of_errors((record.epoch, record.iterations), errors);
    let mut drawing = Drawing::axes(&axes, "accuracy");
    let Some((first, last)) = history.first().zip(history.last()) else {
        return drawing.empty();
    };
    let both = |from: f64, to: f64| format!("from {} to {}", percent(from), percent(to));
    drawing.description = format!(
        "Accuracy on the training set {}, on the test set {}",
        both(first.train_accuracy, last.train_accuracy),
        both(first.test_accuracy, last.test_accuracy)
    );
    drawing.sample(30.0, LineColor::Train, "training");
    drawing.sample(122.0, LineColor::Test, "test");
    if let Some((first, last)) = first.validation_accuracy.zip(last.validation_accuracy) {
        drawing.sample(190.0, LineColor::Validation, "validation");
        drawing.description += &format!(", on the validation rows {}", both(first, last));
    }
    drawing.measured(&axes, &history, &curves, |error| percent(1.0 - error));
    drawing
}

impl Drawing {
    /// A chart over epochs, without curves.
    fn axes(axes: &Axes, name: &str) -> Drawing {
        let mut drawing = Drawing::values(axes.ticks(), name);
        let step = nice_step(axes.last, 5.0);
        for k in 0..=(axes.last / step * (1.0 + 1e-9)) as usize {
            let epoch = k as f64 * step;
            drawing.column(epoch / axes.last, epoch_label(epoch, step));
        }
        drawing.base("epoch")
    }

    /// Lines across, with the values that they stand for.
    fn values(ticks: impl Iterator<Item = (f64, String)>, name: &str) -> Drawing {
        let mut marks = vec![Mark::Text((0.0, HEADING), 4.0 - LEFT, Anchor::Start, name.into())];
        for (y, label) in ticks {
            marks.push(Mark::Line(LineColor::Grid, vec![(0.0, y), (1.0, y)]));
            marks.push(Mark::Text((0.0, y + 4.0), -6.0, Anchor::End, label));
        }
        Drawing { marks, description: String::new() }
    }

    /// A line down, with what it stands for.
    fn column(&mut self, x: f64, label: String) {
        self.marks.push(Mark::Line(LineColor::Grid, vec![(x, 0.0), (x, DEPTH)]));
        self.marks.push(Mark::Text((x, DEPTH + 17.0), 0.0, Anchor::Middle, label));
    }

    /// Lines down at the ticks of learning rates: `0.01`, `1e-4`.
    fn rates(&mut self, axis: &LogAxis) {
        for rate in axis.ticks() {
            self.column(axis.share(rate), if rate < 1e-3 { format!("{rate:e}") } else { rate.to_string() });
        }
    }

    /// The line below, and what the columns are.
    fn base(mut self, name: &str) -> Drawing {
        self.marks.push(Mark::Line(LineColor::Axis, vec![(0.0, DEPTH), (1.0, DEPTH)]));
        self.marks.push(Mark::Text((0.5, DEPTH + 32.0), 0.0, Anchor::Middle, name.into()));
        self
    }

    /// A line of the legend.
    fn sample(&mut self, x: f64, color: LineColor, text: &str) {
        self.marks.push(Mark::Sample(color, x));
        self.marks.push(Mark::Text((0.0, HEADING), x + 30.0, Anchor::Start, text.into()));
    }

    /// The curves over the measurements, with the last values as text.
    fn measured(&mut self, axes: &Axes, history: &[Measurement], curves: &[Curve<'_>], shown: impl Fn(f64) -> String) {
        let mut last = Vec::new();
        for (color, value) in curves {
            let values = history.iter().map(|m| (m.iterations as f64, value(m))).filter(|(_, v)| v.is_finite());
            let values: Vec<Point> = values.collect();
            let points: Vec<Point> = values.iter().map(|point| axes.place(*point)).collect();
            let marked = if points.len() <= MOST_MARKED { 0 } else { points.len() - 1 };
            self.marks.extend(points[marked.min(points.len())..].iter().map(|point| Mark::Dot(*color, *point)));
            last.extend(points.last().zip(values.last()).map(|((x, y), (_, value))| (*x, *y, shown(*value))));
            self.marks.push(Mark::Line(*color, points));
        }
        last.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut heights: Vec<f64> = last.iter().map(|(_, y, _)| *y).collect();
        spread(&mut heights);
        let texts = last.into_iter().zip(heights);
        self.marks.extend(texts.map(|((x, _, text), y)| Mark::Text((x, y + 4.0), 8.0, Anchor::Start, text)));
    }

    fn empty(mut self) -> Drawing {
        let text = "nothing to draw: no iterations";
        self.marks.push(Mark::Text((0.5, DEPTH / 2.0), 0.0, Anchor::Middle, text.into()));
        self.description = "Nothing to draw: no iterations".into();
        self
    }
}

/// Moves ascending heights of lines of text down where they would overlap, and up where they would leave the axes.
fn spread(heights: &mut [f64]) {
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + LINE);
    }
    let mut lowest = DEPTH;
    for height in heights.iter_mut().rev() {
        *height = height.min(lowest);
        lowest = *height - LINE;
    }
}

/// The smallest 1, 2 or 5 times a power of ten that divides `range` into at most about `parts`.
fn nice_step(range: f64, parts: f64) -> f64 {
    let rough = range / parts;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// `0.05`, `20`, `1e-4`
fn loss_label(loss: f64) -> String {
    if (1e-3..1e4).contains(&loss) { loss.to_string() } else { format!("{loss:e}") }
}

/// `90%`, `99.5%`
fn accuracy_label(error: f64) -> String {
    let text = format!("{:.6}", 100.0 * (1.0 - error));
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `0.25`, `12,000`, `250k`, `1.5M`
fn epoch_label(epoch: f64, step: f64) -> String {
    // A step of 2 · 10⁻¹ may be rounded to slightly less.
    let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 12.0) as usize;
    match epoch.round() as usize {
        _ if decimals > 0 => format!("{epoch:.decimals$}"),
        n @ 0..100_000 => grouped(n),
        n @ 100_000..1_000_000 => format!("{}k", n as f64 / 1e3),
        n => format!("{}M", n as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_exact() {
        let accuracies = [1.0, 0.5, 0.05, 0.015, 0.005, 0.001, 0.0002].map(accuracy_label);
        assert_eq!(accuracies, ["0%", "50%", "95%", "98.5%", "99.5%", "99.9%", "99.98%"]);
        assert_eq!([0.05, 20.0, 1e-4, 2e6].map(loss_label), ["0.05", "20", "1e-4", "2e6"]);
        assert_eq!([(0.2, 0.1), (15.0, 5.0), (15e4, 5e4)].map(|(e, s)| epoch_label(e, s)), ["0.2", "15", "150k"]);
    }

    #[test]
    fn last_values_do_not_overlap_and_stay_within_the_axes() {
        for mut heights in [vec![3.0, 3.0, 3.0], vec![0.0, 100.0, 101.0], vec![DEPTH; 3], vec![DEPTH - 20.0, DEPTH]] {
            spread(&mut heights);
            assert!(heights.is_sorted_by(|a, b| b - a >= LINE) && heights[0] >= 0.0, "{heights:?}");
            assert!(heights.iter().all(|height| *height <= DEPTH), "{heights:?}");
        }
    }

    #[test]
    fn accuracies_of_98_and_99_9_percent_are_far_apart_and_their_values_shown() {
        let mut record = TrainingRecord::new(false, 10);
        for (iterations, train_accuracy, test_accuracy) in [(1, 0.1, 0.1), (11, 0.999, 0.98), (20, 1.0, 0.98)] {
            record.push(iterations - 1, 1.0);
            let (loss, test_loss, validation_accuracy) = (1.0, 1.0, Some(0.9 * test_accuracy));
            record.measure(Measurement {
                iterations,
                loss,
                test_loss,
                train_accuracy,
                test_accuracy,
                validation_accuracy,
            });
        }
        let marks = accuracy(&record).marks;
        let height = |wanted: LineColor| {
            let line = marks.iter().find_map(|mark| match mark {
                Mark::Line(color, points) if *color == wanted => Some(points.clone()),
                _ => None,
            });
            line.unwrap().iter().map(|point| point.1).collect::<Vec<_>>()
        };
        let (train, test) = (height(LineColor::Train), height(LineColor::Test));
        assert!(test[1] - train[1] > DEPTH / 4.0 && train[2] == 0.0, "{train:?} {test:?}");
        let texts: Vec<&str> = marks
            .iter()
            .filter_map(|mark| if let Mark::Text(.., text) = mark { Some(&text[..]) } else { None })
            .collect();
        let validation = height(LineColor::Validation);
        assert!(validation.len() == 3 && validation[2] > test[2], "{validation:?} {test:?}");
        for expected in ["100%", "100.00%", "98.00%", "88.20%", "99.9%", "epoch", "2.0"] {
            assert!(texts.contains(&expected), "no {expected} in {texts:?}");
        }
    }
}
