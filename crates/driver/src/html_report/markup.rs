//! The report's markup. The template HTML-escapes all text.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::class_scores::Evaluated;
use super::origin;
use super::page::Page;
use super::plot::STYLE as CURVES_STYLE;
use super::{confusion_matrix, hidden_units, learning_curves, mistakes, option_tables};
use crate::error::CliError;
use crate::number_format::grouped;

const STYLE: &str = include_str!("style.css");
/// Makes the browser enforce that the page loads nothing and runs no script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The most mistakes shown.
const MISTAKES: usize = 200;

/// The whole page.
pub fn render(page: &Page) -> Result<Markup, CliError> {
    let examined = match &page.subject {
        Some(subject) => Some((subject, Evaluated::new(subject.net, subject.half, MISTAKES)?)),
        None => None,
    };
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            (head(&page.title))
            body {
                header {
                    h1 { (page.title) }
                    @if let Some(trouble) = &page.trouble { p.trouble role="note" { strong { "Not finished: " } (trouble) } }
                    @for warning in page.report["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                        p.trouble role="note" { strong { "Warning: " } (warning) }
                    }
                    (highlights(page, examined.as_ref().map(|(_, examination)| examination)))
                    (origin::paragraph())
                }
                main {
                    @if let Some(record) = page.record { (learning_curves::section(record)) }
                    @if let Some((subject, examination)) = &examined {
                        (confusion_matrix::sections(subject, examination))
                        (mistakes::section(subject, examination)?)
                        (hidden_units::section(subject)?)
                    }
                    (run(page))
                }
            }
        }
    })
}

/// The head of every page.
pub fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="generator" content={ "twolayer " (env!("CARGO_PKG_VERSION")) };
            title { (title) }
            link rel="icon" href="data:,";
            style { (PreEscaped(CURVES_STYLE)) (PreEscaped(STYLE)) }
        }
    }
}

/// The most important figures: the first of the report's, then errors and parameters, then the others.
fn highlights(page: &Page, examined: Option<&Evaluated>) -> Markup {
    let mut figures = option_tables::highlights(&page.report);
    let errors = examined.map(|e| (format!("errors of {}", grouped(e.rows)), grouped(e.wrong)));
    let parameters = ("parameters".into(), grouped(page.parameters));
    let at = figures.len().min(1);
    figures.splice(at..at, errors.into_iter().chain([parameters]));
    html! {
        dl.highlights { @for (name, value) in figures { div { dt { (name) } dd { (value) } } } }
    }
}

fn run(page: &Page) -> Markup {
    html! {
        section #run aria-labelledby="run-title" {
            h2 #run-title { "The run" }
            div.groups {
                @for group in option_tables::groups(&page.report) {
                    div {
                        h3 { (group.heading) }
                        dl { @for (name, value) in &group.facts { dt { (name) } dd { (value) } } }
                    }
                }
            }
        }
    }
}
