//! The section of the learning curves.

use maud::{Markup, html};

use super::plot;
use super::training_record::TrainingRecord;
use crate::number_format::{count, grouped, loss, percent};

/// About the most rows of the epoch table.
const EPOCHS: usize = 50;

pub fn section(record: &TrainingRecord) -> Markup {
    let (losses, accuracy) = (plot::loss(record), plot::accuracy(record));
    html! {
        section #curves aria-labelledby="curves-title" {
            h2 #curves-title { "Learning curves" }
            @if record.curve.windows().is_empty() {
                p { "There were no iterations, so there is nothing to draw." }
            } @else {
                div.charts {
                    figure { (losses.inline()) figcaption { "The mean loss of the batches since the measurement before, each before its update; that of the test set; and the range of the single batches. Logarithmic scale" } }
                    figure { (accuracy.inline()) figcaption { "Accuracy, once an epoch and at the end; the errors are on a logarithmic scale, so that 98% and 99.9% are far apart" } }
                }
                (epochs(record))
            }
        }
    }
}

/// The measurements behind the curves.
fn epochs(record: &TrainingRecord) -> Markup {
    let some = record.some_of_history(EPOCHS);
    let validated = some.iter().any(|m| m.validation_accuracy.is_some());
    html! {
        details {
            summary {
                "The numbers"
                @if some.len() < record.history.len() { " (" (some.len()) " of " (count(record.history.len(), "measurement")) ")" }
            }
            div.scroll tabindex="0" role="region" aria-label="Table of measurements" {
                table.numbers {
                    thead { tr {
                        th scope="col" { "iterations" } th scope="col" { "loss" } th scope="col" { "test loss" }
                        th scope="col" { "training set" } th scope="col" { "test set" }
                        @if validated { th scope="col" { "validation" } }
                    } }
                    tbody {
                        @for m in &some {
                            tr {
                                th scope="row" { (grouped(m.iterations)) }
                                td { (loss(m.loss)) }
                                td { (loss(m.test_loss)) }
                                td { (percent(m.train_accuracy)) }
                                td { (percent(m.test_accuracy)) }
                                @if validated { td { (m.validation_accuracy.map(percent).unwrap_or_default()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
