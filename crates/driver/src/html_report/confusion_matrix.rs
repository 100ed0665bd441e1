//! The confusion matrix, and the scores of each class beside it.

use maud::{Markup, html};

use super::class_scores::{ClassScores, Evaluated};
use super::mistakes;
use super::page::EvaluatedModel;
use crate::number_format::{grouped, percent};

/// The most classes of the confusion matrix shown.
const MATRIX: usize = 100;
/// The most classes of a matrix that has room beside the table.
const BESIDE: usize = 16;

/// Both sections.
pub fn sections(subject: &EvaluatedModel, examination: &Evaluated) -> Markup {
    let counts = examination.confusion.as_deref();
    html! {
        div.beside[counts.is_some_and(|counts| counts.len() <= BESIDE)] {
            section #confusion aria-labelledby="confusion-title" {
                h2 #confusion-title { "Confusion matrix" }
                @match counts {
                    None => p { "There are too many classes for a confusion matrix." },
                    Some(counts) if counts.len() > MATRIX => {
                        p { "A confusion matrix of " (counts.len()) " classes is too large to show." }
                    }
                    Some(counts) => {
                        p { "For each class of the " (subject.split.name()) " set, how often each class was predicted. "
                            "A number of errors leads to their images." }
                        (matrix(counts, examination))
                    }
                }
            }
            @if let Some(counts) = counts { (classes(counts, examination)) }
        }
    }
}

fn matrix(counts: &[Vec<usize>], examination: &Evaluated) -> Markup {
    let errors = examination.pairs.iter().map(|pair| pair.count).max().unwrap_or(0);
    let digits = counts.iter().flatten().max().map_or(1, |most| most.to_string().len());
    // What the width of a column follows from.
    let size = format!("--n:{};--w:{}", counts.len(), digits.max(2));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" {
            table.matrix style=(size) {
                thead {
                    tr { td {} th colspan=(counts.len()) scope="colgroup" { "predicted" } }
                    tr { th scope="col" { "true" } @for class in 0..counts.len() { th scope="col" { (class) } } }
                }
                tbody {
                    @for (class, row) in counts.iter().enumerate() {
                        @let all = row.iter().sum::<usize>();
                        tr {
                            th scope="row" { (class) }
                            @for (predicted, &n) in row.iter().enumerate() {
                                @if class == predicted { td.right style=(share(n, all)) { (n) } }
                                @else if n == 0 { td { "·" } }
                                @else {
                                    td.wrong style=(share(n, errors)) { (linked(examination, (class, predicted), n)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.key {
            @if errors > 0 {
                span { "errors: 1 " span.wrong style=(share(1, errors)) {} span.wrong style="--s:50" {} span.wrong style="--s:100" {} " "
                    (grouped(errors)) }
            }
            span { "correct, of the row: 0% " span.right style="--s:0" {} span.right style="--s:50" {} span.right style="--s:100" {} " 100%" }
        }
    }
}

/// A share in percent, for the colour of a cell.
fn share(part: usize, all: usize) -> String {
    format!("--s:{:.0}", 100.0 * part as f64 / all.max(1) as f64)
}

/// A count of errors, with a link to their images if those are shown.
fn linked(examination: &Evaluated, (class, predicted): (usize, usize), n: usize) -> Markup {
    let shown = examination.pairs.iter().any(|pair| (pair.label, pair.taken_for) == (class, predicted));
    html! {
        @if shown {
            a href={ "#" (mistakes::anchor(class, predicted)) } title={ "true " (class) ", taken for " (predicted) } { (n) }
        } @else { (n) }
    }
}

fn classes(counts: &[Vec<usize>], examination: &Evaluated) -> Markup {
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
