//! The page of a comparison of two models.

use maud::{Markup, html};
use twolayer_idx::Split as Half;

use super::markup::document;
use super::mistakes::digit;
use crate::comparison::{Comparison, Side, shown};
use crate::error::CliError;
use crate::number_format::{count, grouped, loss, percent};

/// The most images shown of each model.
const IMAGES: usize = 60;

/// The content of the page.
pub struct ComparisonPage<'a> {
    pub comparison: &'a Comparison,
    pub half: &'a Half,
    /// The data, in words.
    pub source: String,
}

impl ComparisonPage<'_> {
    /// The page as one HTML file.
    pub fn html(&self) -> Result<String, CliError> {
        let Comparison { a, b, split, rows, .. } = self.comparison;
        let title = format!("{} and {} compared", a.model, b.model);
        let header = html! {
            p { strong { (self.comparison.verdict()) "." } " On " (count(*rows, &format!("{} image", split.name())))
                " of " (self.source) "." }
        };
        let main = html! {
            (self.figures())
            (self.only("only-a", ("A", a), ("B", b))?)
            (self.only("only-b", ("B", b), ("A", a))?)
        };
        Ok(document(&title, header, main))
    }

    fn figures(&self) -> Markup {
        let Comparison { a, b, both_right, both_wrong, p_value, .. } = self.comparison;
        html! {
            section #figures aria-labelledby="figures-title" {
                h2 #figures-title { "The models" }
                div.scroll tabindex="0" role="region" aria-label="Accuracy and loss of each model" {
                    table.numbers {
                        thead { tr {
                            th scope="col" { "model" } th scope="col" { "accuracy" } th scope="col" { "loss" }
                            th scope="col" { "right" } th scope="col" { "only this one right" }
                        } }
                        tbody { @for (name, side) in [("A", a), ("B", b)] { tr {
                            th scope="row" { (name) ": " (side.model) }
                            td { (percent(side.accuracy)) } td { (loss(side.mean_loss)) }
                            td { (grouped(side.correct)) } td { (grouped(side.only.len())) }
                        } } }
                    }
                }
                p { "Both are right on " (grouped(*both_right)) " images and wrong on " (grouped(*both_wrong)) ". "
                    "McNemar's test, exact and two-sided: p = " (shown(*p_value)) ", the probability that fair coins would "
                    "split the images that only one gets right at least as unevenly. p = min(1, 2 Σ C(n, k) / 2" sup { "n" }
                    "), k = 0 … the smaller count, n = the sum of both (Psychometrika 12, 1947, 153–157)." }
            }
        }
    }

    /// The images that one model alone gets right.
    fn only(&self, id: &str, (name, side): (&str, &Side), (other, wrong): (&str, &Side)) -> Result<Markup, CliError> {
        let heading = format!("{id}-title");
        Ok(html! {
            section id=(id) aria-labelledby=(heading) {
                h2 id=(heading) { "Only " (name) " is right" }
                p {
                    (count(side.only.len(), "image"))
                    @if side.only.len() > IMAGES { "; here are the first " (IMAGES) }
                    @if !side.only.is_empty() { ": the class, and what " (other) " predicts" }
                    "."
                }
                ol.tiles { @for &index in side.only.iter().take(IMAGES) { (self.tile(index, wrong.predicted[index])?) } }
            }
        })
    }

    fn tile(&self, index: usize, taken_for: usize) -> Result<Markup, CliError> {
        let label = self.half.labels()[index] as usize;
        Ok(html! {
            li {
                (digit(self.half, index, (label, taken_for))?)
                p { strong { (label) " → " (taken_for) } br; small { "image " (index) } }
            }
        })
    }
}
