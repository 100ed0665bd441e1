//! The page of several seeds.

use maud::{Markup, html};
use serde_json::Value;

use super::markup::{document, note, options, tiles};
use super::plot::seeds as plot;
use crate::epoch_table::Measurement;
use crate::number_format::{count, grouped, loss, percent};

/// About the most rows of the table of measurements.
const ROWS: usize = 50;

/// A run that ended.
pub struct SeedRun<'a> {
    pub seed: u64,
    pub test_loss: f64,
    pub train_accuracy: f64,
    pub test_accuracy: f64,
    pub history: &'a [Measurement],
}

/// The content of the page.
pub struct SeedsPage<'a> {
    pub title: String,
    /// Why runs are missing, if any are.
    pub trouble: Option<String>,
    /// The accuracy on the test set: names and values.
    pub spread: Vec<(&'static str, String)>,
    pub runs: Vec<SeedRun<'a>>,
    /// The options, as `--json` of one run prints them.
    pub options: Value,
}

impl SeedsPage<'_> {
    /// The page as one HTML file.
    pub fn html(&self) -> String {
        let header = html! {
            @if let Some(trouble) = &self.trouble { (note("Not finished", trouble)) }
            p { "The accuracy on the test set after " (count(self.runs.len(), "run")) ", which differ in their seeds:" }
            (tiles(self.spread.iter().cloned()))
        };
        let main = html! { (self.curves()) (self.table()) (options("The runs", &self.options)) };
        document(&self.title, header, main)
    }

    fn curves(&self) -> Markup {
        let histories: Vec<&[Measurement]> = self.runs.iter().map(|run| run.history).collect();
        let epoch = self.options["epoch"].as_u64().unwrap_or(1) as usize;
        let spreads = plot::spread(&histories, |m| m.test_accuracy);
        html! {
            section #curves aria-labelledby="curves-title" {
                h2 #curves-title { "Learning curves" }
                div.charts {
                    figure { (plot::accuracy(&histories, epoch).inline()) figcaption { "Accuracy on the test set, once an epoch and at the end; the errors are on a logarithmic scale" } }
                    figure { (plot::loss(&histories, epoch).inline()) figcaption { "Mean loss on the test set, on a logarithmic scale" } }
                }
                details {
                    summary { "The numbers" }
                    div.scroll tabindex="0" role="region" aria-label="Accuracy on the test set, over all seeds" {
                        table.numbers {
                            thead { tr {
                                th scope="col" { "iterations" } th scope="col" { "mean" }
                                th scope="col" { "min" } th scope="col" { "max" }
                            } }
                            tbody { @for s in plot::some(&spreads, ROWS) { tr {
                                th scope="row" { (grouped(s.iterations)) }
                                td { (percent(s.mean)) } td { (percent(s.least)) } td { (percent(s.most)) }
                            } } }
                        }
                    }
                }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            section #seeds aria-labelledby="seeds-title" {
                h2 #seeds-title { "Seed by seed" }
                div.scroll tabindex="0" role="region" aria-label="Results of each seed" {
                    table.numbers {
                        thead { tr {
                            th scope="col" { "seed" } th scope="col" { "test loss" }
                            th scope="col" { "training set" } th scope="col" { "test set" }
                        } }
                        tbody { @for run in &self.runs { tr {
                            th scope="row" { (run.seed) }
                            td { (loss(run.test_loss)) }
                            td { (percent(run.train_accuracy)) } td { (percent(run.test_accuracy)) }
                        } } }
                    }
                }
            }
        }
    }
}
