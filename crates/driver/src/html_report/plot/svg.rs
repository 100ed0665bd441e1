//! Draws charts as SVG: for a page, as wide as there is room, or as a file with its colours.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::{Anchor, BOTTOM, DEPTH, Drawing, HEADING, HEIGHT, LEFT, LineColor, Mark, Point, RIGHT, TOP, WIDTH};

/// Colours and patterns of the curves, for light and dark.
pub const STYLE: &str = include_str!("curves.css");
/// The units of a stretched line's coordinates.
const STRETCHED: f64 = 1000.0;

impl Drawing {
    /// The picture as an element of a page, whose box is that of the axes. Lines are stretched to its width; the rest is
    /// placed by shares of the width and keeps its size.
    pub fn inline(&self) -> Markup {
        let place = format!(
            "margin:{TOP}px {RIGHT}px {BOTTOM}px {LEFT}px;width:calc(100% - {}px);height:{DEPTH}px",
            LEFT + RIGHT
        );
        html! {
            svg.curves style=(place) role="img" aria-label=(self.description) {
                svg viewBox={ "0 0 " (STRETCHED) " " (DEPTH) } preserveAspectRatio="none" width="100%" height="100%" {
                    (self.lines(STRETCHED))
                }
                (self.others(|share| format!("{}%", number(100.0 * share))))
            }
        }
    }

    fn lines(&self, width: f64) -> Markup {
        html! {
            @for mark in &self.marks {
                @match mark {
                    Mark::Line(color, points) => path class=(class(*color)) d=(path(points, width)) {},
                    Mark::Band(points) => path.band d={ (path(points, width)) "Z" } {},
                    _ => {}
                }
            }
        }
    }

    /// All but the lines; `across` is the coordinate at a share of the width.
    fn others(&self, across: impl Fn(f64) -> String) -> Markup {
        html! {
            @for mark in &self.marks {
                @match mark {
                    Mark::Line(..) | Mark::Band(_) => {}
                    Mark::Dot(color, (x, y)) => circle class=(class(*color)) cx=(across(*x)) cy=(number(*y)) r="2.6" {},
                    Mark::Sample(color, x) => path class=(class(*color)) d={ "M" (number(*x)) " " (HEADING - 4.0) "h24" } {},
                    Mark::Text((x, y), right, anchor, text) => {
                        text x=(across(*x)) y=(number(*y)) dx=(number(*right)) text-anchor=(name(*anchor)) { (text) }
                    }
                }
            }
        }
    }
}

/// Drawings one above the other, as a file.
pub fn file(title: &str, drawings: &[Drawing]) -> String {
    let (width, height) = (WIDTH, HEIGHT * drawings.len() as f64);
    let inner = WIDTH - LEFT - RIGHT;
    let described: Vec<&str> = drawings.iter().map(|drawing| &drawing.description[..]).collect();
    let markup = html! {
        svg.curves xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } width=(2.0 * width)
            height=(2.0 * height) role="img" aria-labelledby="title desc" {
            title id="title" { (title) }
            desc id="desc" { (described.join(". ")) "." }
            style { (PreEscaped(STYLE)) }
            rect.paper width=(width) height=(height) {}
            @for (i, drawing) in drawings.iter().enumerate() {
                g transform={ "translate(" (LEFT) " " (TOP + i as f64 * HEIGHT) ")" } {
                    (drawing.lines(inner))
                    (drawing.others(|share| number(inner * share)))
                }
            }
        }
    };
    markup.into_string() + "\n"
}

fn class(color: LineColor) -> &'static str {
    match color {
        LineColor::Grid => "grid",
        LineColor::Axis => "axis",
        LineColor::Batches => "batches",
        LineColor::Train => "train",
        LineColor::Test => "test",
        LineColor::Validation => "validation",
    }
}

fn name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// The SVG path of a line in axes of this width. A single point becomes a dot.
fn path(points: &[Point], width: f64) -> String {
    let mut text = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(text, "{}{} {}", if i == 0 { 'M' } else { 'L' }, number(width * x), number(*y));
    }
    if points.len() == 1 {
        text += "h0.01";
    }
    text
}

/// A tenth of a unit is less than a pixel.
fn number(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
