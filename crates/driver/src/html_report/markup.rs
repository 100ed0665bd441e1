//! The report's markup. The template HTML-escapes all text.

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
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
pub fn render(page: &Page) -> Result<String, CliError> {
    let examined = match &page.subject {
        Some(subject) => Some((subject, Evaluated::new(subject.net, subject.half, MISTAKES)?)),
        None => None,
    };
    let examination = examined.as_ref().map(|(_, examination)| examination);
    let header = html! {
        @if let Some(trouble) = &page.trouble { (note("Not finished", trouble)) }
        @for warning in page.report["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            (note("Warning", warning))
        }
        (tiles(highlights(page, examination)))
    };
    let main = html! {
        @if let Some(record) = page.record { (learning_curves::section(record)) }
        @if let Some((subject, examination)) = &examined {
            (confusion_matrix::sections(subject, examination))
            (mistakes::section(subject, examination)?)
            (hidden_units::section(subject)?)
        }
        (options("The run", &page.report))
    };
    Ok(document(&page.title, header, main))
}

/// A page of these parts, with the title above them and the date below the header.
pub fn document(title: &str, header: Markup, main: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                header { h1 { (title) } (header) (origin::paragraph()) }
                main { (main) }
            }
        }
    };
    page.into_string() + "\n"
}

fn head(title: &str) -> Markup {
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

/// A line that a reader must not miss.
pub fn note(kind: &str, text: &str) -> Markup {
    html! { p.trouble role="note" { strong { (kind) ": " } (text) } }
}

/// The most important figures, large: names and values.
pub fn tiles<N: Render>(figures: impl IntoIterator<Item = (N, String)>) -> Markup {
    html! { dl.highlights { @for (name, value) in figures { div { dt { (name) } dd { (value) } } } } }
}

/// The section of the options, from the object that `--json` prints.
pub fn options(heading: &str, report: &Value) -> Markup {
    html! {
        section #run aria-labelledby="run-title" {
            h2 #run-title { (heading) }
            div.groups {
                @for group in option_tables::groups(report) {
                    div {
                        h3 { (group.heading) }
                        dl { @for (name, value) in &group.facts { dt { (name) } dd { (value) } } }
                    }
                }
            }
        }
    }
}

/// The most important figures: the first of the report's, then errors and parameters, then the others.
fn highlights(page: &Page, examined: Option<&Evaluated>) -> Vec<(String, String)> {
    let mut figures = option_tables::highlights(&page.report);
    let errors = examined.map(|e| (format!("errors of {}", grouped(e.rows)), grouped(e.wrong)));
    let parameters = ("parameters".into(), grouped(page.parameters));
    let at = figures.len().min(1);
    figures.splice(at..at, errors.into_iter().chain([parameters]));
    figures
}
