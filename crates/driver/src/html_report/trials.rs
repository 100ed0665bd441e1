//! The page of a search for options.

use maud::{Markup, html};
use serde_json::Value;

use super::markup::{document, note, options, tiles};
use super::plot;
use crate::number_format::{count, grouped, percent, seconds};

/// The most rows of the table.
const ROWS: usize = 200;

/// The content of the page; trials are the best first.
pub struct TrialsPage<'a> {
    pub title: String,
    /// Why trials are missing, or none is of use.
    pub trouble: Option<String>,
    /// The command that repeats the best trial.
    pub command: Option<&'a str>,
    /// The learning rate of each trial, and the share of validation rows that it gets wrong; none if it diverged.
    pub points: Vec<(f64, Option<f64>)>,
    /// A header and a row for each trial.
    pub table: Vec<Vec<String>>,
    /// The search, as `--json` prints it.
    pub options: Value,
}

impl TrialsPage<'_> {
    /// The page as one HTML file.
    pub fn html(&self) -> String {
        let header = html! {
            @if let Some(trouble) = &self.trouble { (note("Not finished", trouble)) }
            (tiles(self.highlights()))
            @if let Some(command) = self.command {
                p { "To repeat the best trial and measure it on the test set:" }
                p { code { (command) } }
            }
        };
        let mut about = self.options.clone();
        // It is above.
        about.as_object_mut().and_then(|fields| fields.remove("command"));
        document(&self.title, header, html! { (self.rates()) (self.trials()) (options("The search", &about)) })
    }

    fn highlights(&self) -> Vec<(&'static str, String)> {
        let best = self.points.first().and_then(|&(rate, error)| Some((rate, error?)));
        let of_best = best
            .map(|(rate, error)| [("best accuracy", percent(1.0 - error)), ("its learning rate", rate.to_string())]);
        let time = self.options["total_seconds"].as_f64().unwrap_or(0.0);
        let all = [("trials", grouped(self.points.len())), ("time", seconds(time))];
        of_best.into_iter().flatten().chain(all).collect()
    }

    fn rates(&self) -> Markup {
        html! {
            section #rates aria-labelledby="rates-title" {
                h2 #rates-title { "Learning rates" }
                figure {
                    (plot::trials(&self.points).inline())
                    figcaption {
                        "Accuracy on the validation rows by learning rate, a point for each trial; rates and errors are on "
                        "logarithmic scales"
                    }
                }
            }
        }
    }

    fn trials(&self) -> Markup {
        let (shown, all) = (self.table.len().min(ROWS + 1), self.points.len());
        html! {
            section #trials aria-labelledby="trials-title" {
                h2 #trials-title { "Trials, the best first" }
                div.scroll tabindex="0" role="region" aria-label="Options and results of each trial" {
                    table.numbers {
                        thead { tr { @for name in self.table.iter().take(1).flatten() { th scope="col" { (name) } } } }
                        tbody { @for row in self.table.iter().take(shown).skip(1) { tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        } } }
                    }
                }
                @if all > ROWS { p { "The best " (ROWS) " of " (count(all, "trial")) "; --csv writes all." } }
            }
        }
    }
}
