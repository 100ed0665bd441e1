//! Draws a chart as SVG: stand-alone with its colours, or for a page whose style sheet has them.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::{Anchor, Drawing, LineColor, Mark, Point};

/// Colours and patterns of the curves, for light and dark.
pub const STYLE: &str = include_str!("curves.css");

impl Drawing {
    /// The picture as an element of a page.
    pub fn inline(&self) -> Markup {
        let view = format!("0 0 {} {}", self.width, self.height);
        html! {
            svg.curves viewBox=(view) width=(self.width) height=(self.height) role="img"
                aria-label=(self.description) { (self.marks()) }
        }
    }

    /// The picture as a file of its own.
    pub fn svg(&self) -> String {
        let view = format!("0 0 {} {}", self.width, self.height);
        let (width, height) = (2.0 * self.width, 2.0 * self.height);
        let markup = html! {
            svg.curves xmlns="http://www.w3.org/2000/svg" viewBox=(view) width=(width) height=(height) role="img"
                aria-labelledby="title desc" {
                title id="title" { (self.title) }
                desc id="desc" { (self.description) }
                style { (PreEscaped(STYLE)) }
                rect.paper width=(self.width) height=(self.height) {}
                (self.marks())
            }
        };
        markup.into_string() + "\n"
    }

    fn marks(&self) -> Markup {
        html! {
            @for mark in &self.marks {
                @match mark {
                    Mark::Line(ink, points) => path class=(class(*ink)) d=(path(points)) {},
                    Mark::Band(points) => path.band d={ (path(points)) "Z" } {},
                    Mark::Text((x, y), anchor, text) => {
                        text x=(number(*x)) y=(number(*y)) text-anchor=(name(*anchor)) { (text) }
                    }
                }
            }
        }
    }
}

fn class(ink: LineColor) -> &'static str {
    match ink {
        LineColor::Grid => "grid",
        LineColor::Axis => "axis",
        LineColor::Train => "train",
        LineColor::Test => "test",
    }
}

fn name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// The SVG path of a line. A single point becomes a dot.
fn path(points: &[Point]) -> String {
    let mut text = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(text, "{}{} {}", if i == 0 { 'M' } else { 'L' }, number(*x), number(*y));
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
