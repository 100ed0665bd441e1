//! Draws charts as PNG, on white, with a built-in font.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

use super::{Anchor, Drawing, HEADING, HEIGHT, LEFT, LineColor, Mark, Point, RIGHT, TOP, WIDTH};
use crate::error::CliError;
use crate::html_report::png_image;

/// Pixels per unit of the drawing.
const SCALE: f32 = 2.0;
/// 12 units.
const FONT: RasterHeight = RasterHeight::Size24;
/// The distance from the top of a line of text to its baseline, in pixels.
const ASCENT: f64 = 19.0;
const TEXT: [u8; 3] = [0x1c, 0x23, 0x30];

/// Drawings one above the other, as a PNG file.
pub fn file(drawings: &[Drawing]) -> Result<Vec<u8>, CliError> {
    let scaled = |length: f64| (length as f32 * SCALE) as u32;
    let mut pixmap = Pixmap::new(scaled(WIDTH), scaled(HEIGHT * drawings.len() as f64))
        .ok_or_else(|| CliError::new("the plot is too large for an image"))?;
    pixmap.fill(Color::WHITE);
    for (i, drawing) in drawings.iter().enumerate() {
        let down = TOP + i as f64 * HEIGHT;
        let place = |(x, y): Point| (LEFT + (WIDTH - LEFT - RIGHT) * x, down + y);
        for mark in &drawing.marks {
            match mark {
                Mark::Line(color, points) => {
                    let points: Vec<Point> = points.iter().map(|point| place(*point)).collect();
                    draw_line(&mut pixmap, *color, &points);
                }
                Mark::Band(points) => {
                    let points: Vec<Point> = points.iter().map(|point| place(*point)).collect();
                    draw_band(&mut pixmap, &points);
                }
                Mark::Dot(color, at) => draw_dot(&mut pixmap, *color, place(*at)),
                Mark::Sample(color, right) => {
                    let (x, y) = (LEFT + right, down + HEADING - 4.0);
                    draw_line(&mut pixmap, *color, &[(x, y), (x + 24.0, y)]);
                }
                Mark::Text(at, right, anchor, text) => {
                    let (x, y) = place(*at);
                    draw_text(&mut pixmap, (x + right, y), *anchor, text);
                }
            }
        }
    }
    let rgb: Vec<u8> = pixmap.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    png_image::rgb(&rgb, pixmap.width(), pixmap.height())
}

fn paint(color: LineColor) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    match color {
        LineColor::Grid => paint.set_color_rgba8(0xd9, 0xde, 0xe6, 255),
        LineColor::Axis => paint.set_color_rgba8(TEXT[0], TEXT[1], TEXT[2], 255),
        LineColor::Batches => paint.set_color_rgba8(0x1f, 0x5f, 0xbf, 140),
        LineColor::Train => paint.set_color_rgba8(0x1f, 0x5f, 0xbf, 255),
        LineColor::Test => paint.set_color_rgba8(0xb3, 0x48, 0x0c, 255),
        LineColor::Validation => paint.set_color_rgba8(0x2b, 0x7a, 0x2b, 255),
    }
    paint
}

fn draw_line(pixmap: &mut Pixmap, color: LineColor, points: &[Point]) {
    let Some(path) = path(points) else { return };
    let (width, dash) = match color {
        LineColor::Train => (1.8, None),
        LineColor::Test => (1.8, StrokeDash::new(vec![5.0, 4.0], 0.0)),
        LineColor::Validation => (1.8, StrokeDash::new(vec![1.5, 4.0], 0.0)),
        LineColor::Grid | LineColor::Axis | LineColor::Batches => (1.0, None),
    };
    let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, dash, ..Stroke::default() };
    pixmap.stroke_path(&path, &paint(color), &stroke, Transform::from_scale(SCALE, SCALE), None);
}

fn draw_band(pixmap: &mut Pixmap, points: &[Point]) {
    let Some(path) = path(points) else { return };
    let mut paint = paint(LineColor::Train);
    paint.set_color_rgba8(0x1f, 0x5f, 0xbf, 41);
    pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::from_scale(SCALE, SCALE), None);
}

fn draw_dot(pixmap: &mut Pixmap, color: LineColor, (x, y): Point) {
    let Some(path) = PathBuilder::from_circle(x as f32, y as f32, 2.6) else { return };
    pixmap.fill_path(&path, &paint(color), FillRule::Winding, Transform::from_scale(SCALE, SCALE), None);
}

fn path(points: &[Point]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let (&(x, y), rest) = points.split_first()?;
    builder.move_to(x as f32, y as f32);
    rest.iter().for_each(|&(x, y)| builder.line_to(x as f32, y as f32));
    if rest.is_empty() {
        // A single point becomes a dot.
        builder.line_to(x as f32 + 0.01, y as f32);
    }
    builder.finish()
}

fn draw_text(pixmap: &mut Pixmap, (x, y): Point, anchor: Anchor, text: &str) {
    let advance = get_raster_width(FontWeight::Regular, FONT);
    let width = (advance * text.chars().count()) as f64;
    let (x, y) = (x * f64::from(SCALE), y * f64::from(SCALE));
    let left = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - width / 2.0,
        Anchor::End => x - width,
    };
    let top = (y - ASCENT).round().max(0.0) as usize;
    for (i, character) in text.chars().enumerate() {
        let left = (left.round().max(0.0) as usize) + i * advance;
        let Some(raster) = get_raster(character, FontWeight::Regular, FONT) else { continue };
        for (row, line) in raster.rows().enumerate() {
            for (column, &ink) in line.iter().enumerate() {
                blend(pixmap, left + column, top + row, ink);
            }
        }
    }
}

/// Blends the text colour into a pixel with weight `ink` / 255, if the pixel exists.
fn blend(pixmap: &mut Pixmap, x: usize, y: usize, ink: u8) {
    let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
    if ink == 0 || x >= width || y >= height {
        return;
    }
    let pixel = &mut pixmap.data_mut()[4 * (y * width + x)..][..3];
    for (channel, text) in pixel.iter_mut().zip(TEXT) {
        let (paper, ink) = (u32::from(*channel), u32::from(ink));
        *channel = ((paper * (255 - ink) + u32::from(text) * ink + 127) / 255) as u8;
    }
}
