//! The loss against the learning rate, on a logarithmic axis.

use super::{Anchor, Axes, BOTTOM, Drawing, LEFT, LineColor, Mark, RIGHT, TOP, decimal, nice_step};
use crate::html_report::range_test::RangeTest;

/// The most labels on the axis of rates.
const LABELS: i32 = 9;

/// The smoothed loss, and the suggested rate.
pub fn range_test(test: &RangeTest) -> Drawing {
    let Some((first, last)) = test.steps.first().zip(test.steps.last()) else {
        return Drawing::axes(&Axes { last: 1.0, least: 0.0, most: 1.0 }, "loss", 0.2, |v| decimal(v, 0.2)).empty();
    };
    let start = first.lr.log10();
    let at = |lr: f64| lr.log10() - start;
    // The rise of a divergence would flatten the rest.
    let most = test.steps.iter().map(|step| step.smoothed).fold(0.0, f64::max).min(2.0 * first.smoothed);
    let step = nice_step(most, 5.0);
    let axes = Axes { last: at(last.lr).max(1e-9), least: 0.0, most: step * (most / step).ceil().max(1.0) };
    let mut drawing = Drawing::value_axis(&axes, "smoothed loss", step, |value| decimal(value, step));
    drawing.title = "Loss against the learning rate";
    let (lowest, highest) = (start.ceil() as i32, last.lr.log10().floor() as i32);
    for power in (lowest..=highest).step_by(((highest - lowest) / LABELS + 1).max(1) as usize) {
        let x = axes.place((f64::from(power) - start, 0.0)).0;
        drawing.marks.push(Mark::Line(LineColor::Axis, vec![(x, BOTTOM), (x, BOTTOM + 4.0)]));
        drawing.marks.push(Mark::Text((x, BOTTOM + 17.0), Anchor::Middle, format!("1e{power}")));
    }
    let middle = ((LEFT + RIGHT) / 2.0, BOTTOM + 32.0);
    drawing.marks.push(Mark::Text(middle, Anchor::Middle, "learning rate".into()));
    let points = test.steps.iter().map(|step| (at(step.lr), step.smoothed));
    drawing.marks.push(Mark::Line(LineColor::Train, axes.line(points)));
    drawing.description = format!("Smoothed loss for learning rates from {:e} to {:.2e}", first.lr, last.lr);
    if let Some(lr) = test.suggestion() {
        let x = axes.place((at(lr), 0.0)).0;
        drawing.marks.push(Mark::Line(LineColor::Test, vec![(x, BOTTOM), (x, TOP)]));
        drawing.legend_line(236.0, LineColor::Test, &format!("--lr {lr}"));
        drawing.description += &format!("; suggested: {lr}");
    }
    drawing
}
