//! The report's markup. The template HTML-escapes all text.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use twolayer_idx::Split as Half;

use super::class_scores::{ClassScores, Evaluated, Mistake, mix_ups};
use super::option_tables;
use super::page::{EvaluatedModel, Page};
use super::plot::{self, STYLE as CURVES_STYLE};
use super::png_image::{PngImage, address};
use super::training_record::TrainingRecord;
use crate::error::CliError;
use crate::number_format::{count, grouped, percent};

const STYLE: &str = include_str!("style.css");
/// Makes the browser enforce that the page loads nothing and runs no script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// The most mistakes shown.
const MISTAKES: usize = 60;
/// The most hidden units shown.
const UNITS: usize = 100;
/// The most classes of the confusion matrix shown.
const MATRIX: usize = 100;
/// The most confusions listed.
const MIX_UPS: usize = 8;
/// About the most rows of the epoch table.
const EPOCHS: usize = 50;

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
                    (highlights(page))
                }
                main {
                    @if let Some(record) = page.record { (curves(record)) }
                    @if let Some((subject, examination)) = &examined {
                        (confusion(subject, examination))
                        (classes(examination))
                        (mistakes(subject, examination)?)
                        (units(subject)?)
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

fn highlights(page: &Page) -> Markup {
    html! {
        dl.highlights {
            @for (name, value) in option_tables::highlights(&page.report) {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn curves(record: &TrainingRecord) -> Markup {
    let (loss, accuracy) = (plot::loss(record), plot::accuracy(record));
    html! {
        section #curves aria-labelledby="curves-title" {
            h2 #curves-title { "Learning curves" }
            @if record.curve.windows().is_empty() {
                p { "There were no iterations, so there is nothing to draw." }
            } @else {
                div.charts {
                    figure { (loss.inline()) figcaption { "Loss of the batches, each before its update" } }
                    figure { (accuracy.inline()) figcaption { "Accuracy, once an epoch and at the end" } }
                }
                (epochs(record))
            }
        }
    }
}

/// The measurements behind the curves.
fn epochs(record: &TrainingRecord) -> Markup {
    let some = record.some_of_history(EPOCHS);
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
                    } }
                    tbody {
                        @for m in &some {
                            tr {
                                th scope="row" { (grouped(m.iterations)) }
                                td { (format!("{:.4}", m.loss)) }
                                td { (format!("{:.4}", m.test_loss)) }
                                td { (percent(m.train_accuracy)) }
                                td { (percent(m.test_accuracy)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn confusion(subject: &EvaluatedModel, examination: &Evaluated) -> Markup {
    let set = subject.split.name();
    html! {
        section #confusion aria-labelledby="confusion-title" {
            h2 #confusion-title { "Confusion matrix" }
            @match &examination.confusion {
                None => p { "There are too many classes for a confusion matrix." },
                Some(counts) => {
                    @if counts.len() <= MATRIX {
                        p { "For each class of the " (set) " set, how often each class was predicted: a row for the true class, a "
                            "column for the predicted one. The darker or brighter a cell, the larger its share of the row." }
                        (matrix(counts))
                    } @else {
                        p { "A confusion matrix of " (counts.len()) " classes is too large to show." }
                    }
                    @let pairs = mix_ups(counts, MIX_UPS);
                    @if !pairs.is_empty() {
                        p { "Most frequent mistakes:" }
                        ul.mixed {
                            @for (class, predicted, n) in pairs {
                                li { (class) " taken for " (predicted) ", " (count(n, "time")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn matrix(counts: &[Vec<usize>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" {
            table.matrix {
                thead {
                    tr { td {} th colspan=(counts.len()) scope="colgroup" { "predicted" } }
                    tr { th scope="col" { "true" } @for class in 0..counts.len() { th scope="col" { (class) } } }
                }
                tbody {
                    @for (class, row) in counts.iter().enumerate() {
                        @let all = row.iter().sum::<usize>().max(1);
                        tr {
                            th scope="row" { (class) }
                            @for (predicted, n) in row.iter().enumerate() {
                                @let share = format!("--s:{}", (100.0 * *n as f64 / all as f64).ceil());
                                @if class == predicted { td.right style=(share) { (n) } }
                                @else if *n == 0 { td { "·" } }
                                @else { td.wrong style=(share) { (n) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn classes(examination: &Evaluated) -> Markup {
    let Some(counts) = &examination.confusion else { return html! {} };
    let scores = ClassScores::of(counts);
    let shown = |score: Option<f64>| score.map_or("–".into(), percent);
    let cells = |[precision, recall, f1]: [Option<f64>; 3]| {
        html! { td { (shown(precision)) } td { (shown(recall)) } td { (shown(f1)) } }
    };
    html! {
        section #classes aria-labelledby="classes-title" {
            h2 #classes-title { "Class by class" }
            p { "Precision: the share of correct predictions among those of the class. Recall: the share of the class that was "
                "recognised. F1: the harmonic mean of both." }
            div.scroll tabindex="0" role="region" aria-label="Scores of each class" {
                table.numbers {
                    thead { tr {
                        th scope="col" { "class" } th scope="col" { "precision" } th scope="col" { "recall" }
                        th scope="col" { "F1" } th scope="col" { "images" }
                    } }
                    tbody {
                        @for (class, s) in scores.iter().enumerate() {
                            tr {
                                th scope="row" { (class) }
                                (cells([s.precision, s.recall, s.f1]))
                                td { (grouped(s.rows)) }
                            }
                        }
                    }
                    tfoot { tr {
                        th scope="row" { "mean" }
                        (cells([ClassScores::mean(&scores, |s| s.precision), ClassScores::mean(&scores, |s| s.recall),
                            ClassScores::mean(&scores, |s| s.f1)]))
                        td { (grouped(examination.rows)) }
                    } }
                }
            }
        }
    }
}

fn mistakes(subject: &EvaluatedModel, examination: &Evaluated) -> Result<Markup, CliError> {
    let (wrong, rows) = (examination.wrong, examination.rows);
    Ok(html! {
        section #mistakes aria-labelledby="mistakes-title" {
            h2 #mistakes-title { "Mistakes" }
            p {
                (grouped(wrong)) " of " (count(rows, "image")) " of the " (subject.split.name()) " set "
                @if wrong == 1 { "was" } @else { "were" } " predicted as another class"
                @if wrong > examination.mistakes.len() {
                    "; here are the " (examination.mistakes.len()) " with the highest confidence"
                } @else if wrong > 1 { ", those with the highest confidence first" }
                "."
            }
            @if wrong > 0 {
                ol.tiles { @for mistake in &examination.mistakes { (mistaken(subject.half, mistake)?) } }
            }
        }
    })
}

fn mistaken(half: &Half, mistake: &Mistake) -> Result<Markup, CliError> {
    let Mistake { index, label, taken_for, .. } = *mistake;
    let pixels = half.image(index).unwrap_or(&[]);
    let image = PngImage::new(pixels.iter().map(|&p| f64::from(p)), half.height(), half.width());
    Ok(html! {
        li {
            @if let Some(image) = image {
                img.digit width=(image.width()) height=(image.height()) src=(address(&image.ink()?))
                    alt={ "Image " (index) ": a " (label) " predicted as " (taken_for) };
            }
            p {
                strong { (label) " → " (taken_for) }
                br; (percent(mistake.probability))
                br; small { (label) ": " (percent(mistake.right)) }
                br; small { "image " (index) }
            }
        }
    })
}

fn units(subject: &EvaluatedModel) -> Result<Markup, CliError> {
    let (hidden, half) = (subject.net.shape().hidden(), subject.half);
    let pictures = half.height() > 1 && half.width() > 1;
    Ok(html! {
        section #units aria-labelledby="units-title" {
            h2 #units-title { "Hidden units" }
            @if pictures {
                p {
                    "What each hidden unit responds to: its weights, one for each pixel. Light is a positive weight: ink there "
                    "activates the unit; dark is negative; grey is zero. Each unit has its own scale. Below it "
                    "are the classes with its largest and its smallest output weight."
                    @if hidden > UNITS { " The first " (UNITS) " of " (grouped(hidden)) " are shown." }
                }
                ol.tiles { @for unit in 0..hidden.min(UNITS) { (weights(subject, unit)?) } }
            } @else {
                p { "The inputs are not images, so the weights cannot be shown as images." }
            }
        }
    })
}

fn weights(subject: &EvaluatedModel, unit: usize) -> Result<Markup, CliError> {
    let (into, out) = subject.net.hidden_unit(unit);
    let range = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        (least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    };
    let class = |weight: f64| out.iter().position(|w| *w == weight).unwrap_or(0);
    let ((least, most), (against, speaks)) = (range(&into), range(&out));
    let Some(image) = PngImage::new(into.into_iter(), subject.half.height(), subject.half.width()) else {
        return Ok(html! {});
    };
    Ok(html! {
        li {
            img width=(image.width()) height=(image.height()) src=(address(&image.weights()?))
                alt=(format!("Weights of hidden unit {unit}, from {least:.2} to {most:.2}"));
            p {
                strong { "unit " (unit) }
                br; "for " (class(speaks))
                br; small { "against " (class(against)) }
            }
        }
    })
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
            h3 { "Command" }
            p.command tabindex="0" { code { (command()) } }
        }
    }
}

/// The options in effect.
pub fn command() -> String {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    format!("twolayer {}", words.join(" "))
}
