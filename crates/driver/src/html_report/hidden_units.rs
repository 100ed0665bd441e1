//! The section of the hidden units' weights.

use maud::{Markup, html};

use super::page::EvaluatedModel;
use super::png_image::{PngImage, address};
use crate::error::CliError;
use crate::number_format::grouped;

/// The most hidden units shown, and those shown at once; the others are folded.
const UNITS: usize = 100;
const AT_ONCE: usize = 24;

/// A hidden unit: its weights from the pixels, and those to the classes.
struct Unit {
    number: usize,
    into: Vec<f64>,
    out: Vec<f64>,
}

pub fn section(subject: &EvaluatedModel) -> Result<Markup, CliError> {
    let half = subject.half;
    if half.height() < 2 || half.width() < 2 {
        return Ok(framed(html! { p { "The inputs are not images, so the weights cannot be shown as images." } }));
    }
    let (units, inked) = (heaviest(subject), inked(subject));
    let (first, others) = units.split_at(units.len().min(AT_ONCE));
    let hidden = subject.net.shape().hidden();
    let tiles = |units: &[Unit]| -> Result<Markup, CliError> {
        Ok(html! { ol.tiles { @for unit in units { (tile(subject, unit, &inked)?) } } })
    };
    Ok(framed(html! {
        p {
            "What each hidden unit responds to: its weights, one for each pixel, those with the largest output weights first. "
            "Ink where a weight is positive activates the unit; each unit has its own scale. Below it are the classes with its "
            "largest and its smallest output weight."
            @if hidden > UNITS { " The first " (UNITS) " of " (grouped(hidden)) " are shown." }
        }
        p.key {
            span { "weights: negative " span.weights {} " positive" }
            @if inked.contains(&false) { span { span.unseen {} " never inked, so nothing was learnt" } }
        }
        (tiles(first)?)
        @if !others.is_empty() {
            details { summary { "The next " (others.len()) } (tiles(others)?) }
        }
    }))
}

fn framed(content: Markup) -> Markup {
    html! {
        section #units aria-labelledby="units-title" {
            h2 #units-title { "Hidden units" }
            (content)
        }
    }
}

/// The units to show, by the length of the vector of their output weights.
fn heaviest(subject: &EvaluatedModel) -> Vec<Unit> {
    let length = |unit: &Unit| unit.out.iter().map(|w| w * w).sum::<f64>();
    let unit = |number| {
        let (into, out) = subject.net.hidden_unit(number);
        Unit { number, into, out }
    };
    let mut units: Vec<Unit> = (0..subject.net.shape().hidden()).map(unit).collect();
    units.sort_by(|a, b| length(b).total_cmp(&length(a)));
    units.truncate(UNITS);
    units
}

/// The pixels that are not zero in every image.
fn inked(subject: &EvaluatedModel) -> Vec<bool> {
    let mut inked = vec![false; subject.seen.inputs()];
    for image in subject.seen.images().chunks_exact(inked.len()) {
        inked.iter_mut().zip(image).for_each(|(inked, pixel)| *inked |= *pixel > 0);
    }
    inked
}

fn tile(subject: &EvaluatedModel, unit: &Unit, inked: &[bool]) -> Result<Markup, CliError> {
    let class = |better: fn(f64, f64) -> bool| {
        (0..unit.out.len()).fold(0, |best, class| if better(unit.out[class], unit.out[best]) { class } else { best })
    };
    let weights = unit.into.iter().zip(inked).map(|(weight, inked)| if *inked { *weight } else { f64::NAN });
    let largest = weights.clone().fold(0.0, |largest, weight| weight.abs().max(largest));
    let Some(image) = PngImage::new(weights, subject.half.height(), subject.half.width()) else {
        return Ok(html! {});
    };
    Ok(html! {
        li {
            img width=(image.width()) height=(image.height()) src=(address(&image.weights()?))
                alt=(format!("Weights of hidden unit {}, up to {largest:.2}", unit.number));
            p {
                "unit " (unit.number) ": for " (class(|a, b| a > b)) ", against " (class(|a, b| a < b)) " "
                small { (format!("weights to ±{largest:.2}")) }
            }
        }
    })
}
