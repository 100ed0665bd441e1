//! The accuracies of a search's trials against their learning rates.

use super::{Anchor, Axes, DEPTH, Drawing, LineColor, LogAxis, Mark};
use crate::number_format::{count, percent};

/// A point for each trial, the best first: its learning rate, and its error; none if it diverged.
pub fn trials(points: &[(f64, Option<f64>)]) -> Drawing {
    let axes = Axes::of_errors((1, 1), points.iter().filter_map(|point| point.1));
    let rates = LogAxis::around(points.iter().map(|point| point.0));
    let mut drawing = Drawing::values(axes.ticks(), "accuracy");
    drawing.rates(&rates);
    let Some(best) = points.first() else {
        return drawing.base("learning rate").empty();
    };
    let diverged = points.iter().filter(|point| point.1.is_none()).count();
    drawing.description = format!("Accuracy of {} by learning rate", count(points.len(), "trial"));
    if diverged > 0 {
        drawing.sample(60.0, LineColor::Batches, &format!("{diverged} diverged"));
        drawing.description += &format!(", of which {diverged} diverged");
    }
    // The best is drawn last, above the others.
    for (i, &(rate, error)) in points.iter().enumerate().rev() {
        let color = match error {
            None => LineColor::Batches,
            Some(_) if i == 0 => LineColor::Test,
            Some(_) => LineColor::Train,
        };
        drawing.marks.push(Mark::Dot(color, (rates.share(rate), error.map_or(DEPTH, |error| axes.height(error)))));
    }
    if let (rate, Some(error)) = *best {
        let (at, accuracy) = ((rates.share(rate), axes.height(error) + 4.0), percent(1.0 - error));
        drawing.description += &format!("; the best: {accuracy} with {rate}");
        drawing.marks.push(Mark::Text(at, 8.0, Anchor::Start, accuracy));
    }
    drawing.base("learning rate")
}
