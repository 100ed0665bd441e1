//! The loss against the learning rate.

use super::{Axes, DEPTH, Drawing, LineColor, LogAxis, Mark};
use crate::html_report::range_test::{RangeTest, Step};

/// The smoothed loss, and the suggested rate; both axes are logarithmic.
pub fn range_test(test: &RangeTest) -> Drawing {
    let Some((first, last)) = test.steps.first().zip(test.steps.last()) else {
        return Drawing::values(std::iter::empty(), "smoothed loss").base("learning rate").empty();
    };
    // The rise of a divergence would flatten the rest.
    let most = 2.0 * first.smoothed;
    let losses = test.steps.iter().map(|step| step.smoothed.min(most));
    let axes = Axes::of_losses((1, 1), losses);
    let rates = LogAxis::around(test.steps.iter().map(|step| step.lr));
    let mut drawing = Drawing::values(axes.ticks(), "smoothed loss");
    drawing.rates(&rates);
    let place = |step: &Step| (rates.share(step.lr), axes.height(step.smoothed));
    drawing.marks.push(Mark::Line(LineColor::Train, test.steps.iter().map(place).collect()));
    drawing.description = format!("Smoothed loss for learning rates from {:e} to {:.2e}", first.lr, last.lr);
    if let Some(lr) = test.suggestion() {
        let x = rates.share(lr);
        drawing.marks.push(Mark::Line(LineColor::Test, vec![(x, 0.0), (x, DEPTH)]));
        drawing.sample(130.0, LineColor::Test, &format!("suggested: --lr {lr}"));
        drawing.description += &format!("; suggested: {lr}");
    }
    drawing.base("learning rate")
}
