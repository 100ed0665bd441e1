//! The section of the mistakes, by pairs of classes.

use maud::{Markup, html};
use twolayer_idx::Split as Half;

use super::class_scores::{Evaluated, Mistake, Pair};
use super::page::EvaluatedModel;
use super::png_image::{PngImage, address};
use crate::error::CliError;
use crate::number_format::{count, grouped, percent};

/// The most pairs whose images are shown at once; the others are folded.
const OPEN: usize = 12;

/// The name of a pair's place on the page.
pub fn anchor(label: usize, taken_for: usize) -> String {
    format!("true-{label}-taken-for-{taken_for}")
}

pub fn section(subject: &EvaluatedModel, examination: &Evaluated) -> Result<Markup, CliError> {
    let (wrong, rows, shown) = (examination.wrong, examination.rows, examination.shown());
    Ok(html! {
        section #mistakes aria-labelledby="mistakes-title" {
            h2 #mistakes-title { "Mistakes" }
            p {
                (grouped(wrong)) " of " (count(rows, "image")) " of the " (subject.split.name()) " set "
                @if wrong == 1 { "was" } @else { "were" } " predicted as another class"
                @if wrong > 1 { ", here by true and predicted class, the most frequent pair first" }
                @if wrong > shown { "; " (shown) " are shown, of each pair those with the highest confidence" }
                "."
            }
            div.pairs {
                @for (i, pair) in examination.pairs.iter().enumerate() { (images(subject.half, pair, i < OPEN)?) }
            }
        }
    })
}

/// The images of a pair. A link to the list opens it.
fn images(half: &Half, pair: &Pair, open: bool) -> Result<Markup, CliError> {
    let Pair { label, taken_for, .. } = *pair;
    Ok(html! {
        details open[open] {
            summary { h3 { (label) " → " (taken_for) } " " (count(pair.count, "time")) }
            ol.tiles id=(anchor(label, taken_for)) {
                @for mistake in &pair.mistakes { (image(half, pair, mistake)?) }
            }
        }
    })
}

fn image(half: &Half, pair: &Pair, mistake: &Mistake) -> Result<Markup, CliError> {
    let (Pair { label, taken_for, .. }, Mistake { index, probability, right }) = (pair, *mistake);
    Ok(html! {
        li title={ "The probability of " (label) " was " (percent(right)) } {
            (digit(half, index, (*label, *taken_for))?)
            p {
                "true " (label) ", taken for " (taken_for) " (" (percent(probability)) ") "
                small { "image " (index) }
            }
        }
    })
}

/// The picture of an image that was predicted as another class; nothing if it is none.
pub fn digit(half: &Half, index: usize, (label, taken_for): (usize, usize)) -> Result<Markup, CliError> {
    let pixels = half.image(index).unwrap_or(&[]);
    let image = PngImage::new(pixels.iter().map(|&p| f64::from(p)), half.height(), half.width());
    Ok(html! {
        @if let Some(image) = image {
            img.digit width=(image.width()) height=(image.height()) src=(address(&image.ink()?))
                alt={ "Image " (index) ": a " (label) " predicted as " (taken_for) };
        }
    })
}
