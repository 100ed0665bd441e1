//! A digit, or a picture of several, drawn with characters.

use twolayer_pictures::{Plane, Rectangle};

/// The most columns of a picture: with its frame and the probabilities beside it, it fits into 80.
const MAX_COLUMNS: usize = 36;
/// The fewest columns: smaller pictures are enlarged by an integer factor.
const MIN_COLUMNS: usize = 16;

/// The most lines of a picture with several digits.
const LINES: usize = 30;

/// Ink below the first is paper, below the second is grey.
const GREY: f64 = 0.25;
const BLACK: f64 = 0.6;

/// Draws a picture of `height` rows of `width` pixels, 0 for paper, in a frame.
///
/// A character is twice as high as wide, so each holds two pixels, one above the other. All lines are equally wide.
/// Empty if the rows are not pictures.
pub fn draw(pixels: &[u8], height: usize, width: usize) -> Vec<String> {
    if height < 2 || width < 2 || pixels.len() != height * width {
        return Vec::new();
    }
    let image = Pixels { pixels, height, width };
    let scale =
        if width > MAX_COLUMNS { MAX_COLUMNS as f64 / width as f64 } else { (MIN_COLUMNS / width).max(1) as f64 };
    let columns = (width as f64 * scale).ceil() as usize;
    let lines = (height as f64 * scale / 2.0).ceil() as usize;
    let mut drawing = vec![format!("┌{}┐", "─".repeat(columns))];
    for line in 0..lines {
        let cell = |column| {
            let upper = image.ink(2 * line, column, scale);
            let lower = image.ink(2 * line + 1, column, scale);
            glyph(upper, lower)
        };
        drawing.push(format!("│{}│", (0..columns).map(cell).collect::<String>()));
    }
    drawing.push(format!("└{}┘", "─".repeat(columns)));
    drawing
}

/// Draws ink from 0 to 1 with at most `columns` characters a line, and a labelled box around each place.
pub fn draw_boxes(ink: &Plane, places: &[Rectangle], labels: &[String], columns: usize) -> Vec<String> {
    let Some(all) = places.iter().copied().reduce(Rectangle::around) else { return Vec::new() };
    // Two characters more than the digits on each side, for the boxes.
    let inner = columns.saturating_sub(4).max(1);
    let unit = (all.width() as f64 / inner as f64).max(all.height() as f64 / LINES as f64 / 2.0);
    let margin = (2.0 * unit).ceil() as usize;
    let seen = all.grown(margin, (ink.width, ink.height));
    let pixels: Vec<u8> = (seen.top..seen.bottom)
        .flat_map(|y| (seen.left..seen.right).map(move |x| (x, y)))
        .map(|(x, y)| (ink.at(x, y) * 255.0) as u8)
        .collect();
    let image = Pixels { pixels: &pixels, height: seen.height(), width: seen.width() };
    let across = |x: usize| ((x - seen.left) as f64 / unit) as usize + 1;
    let down = |y: usize| ((y - seen.top) as f64 / unit / 2.0) as usize + 1;
    let (width, height) = (across(seen.right) + 2, down(seen.bottom) + 2);
    let mut canvas = vec![vec![' '; width]; height];
    for (line, row) in canvas.iter_mut().enumerate().skip(1) {
        for (column, cell) in row.iter_mut().enumerate().skip(1) {
            let at = |row| image.ink(row, column - 1, 1.0 / unit);
            *cell = glyph(at(2 * (line - 1)), at(2 * (line - 1) + 1));
        }
    }
    for (place, label) in places.iter().zip(labels) {
        let (left, right) = (across(place.left) - 1, (across(place.right - 1) + 1).min(width - 1));
        let (top, bottom) = (down(place.top) - 1, (down(place.bottom - 1) + 1).min(height - 1));
        for column in left + 1..right {
            (canvas[top][column], canvas[bottom][column]) = ('─', '─');
        }
        canvas[top + 1..bottom].iter_mut().for_each(|line| (line[left], line[right]) = ('│', '│'));
        (canvas[top][left], canvas[top][right], canvas[bottom][left], canvas[bottom][right]) = ('┌', '┐', '└', '┘');
        canvas[top][left + 1..right].iter_mut().zip(label.chars()).for_each(|(cell, c)| *cell = c);
    }
    canvas.iter().map(|line| line.iter().collect::<String>().trim_end().to_string()).collect()
}

/// The character for two pixels, one above the other.
fn glyph(upper: f64, lower: f64) -> char {
    let shade = |ink: f64| if ink < GREY { 0 } else { 1 + u8::from(ink >= BLACK) };
    match (shade(upper), shade(lower)) {
        (0, 0) => ' ',
        (1, 1) => '▒',
        (2, 2) | (1, 2) | (2, 1) => '█',
        (_, 0) => '▀',
        _ => '▄',
    }
}

struct Pixels<'a> {
    pixels: &'a [u8],
    height: usize,
    width: usize,
}

impl Pixels<'_> {
    /// The mean ink, from 0 to 1, of the part of the image that pixel (row, column) of the enlarged or reduced one
    /// covers.
    fn ink(&self, row: usize, column: usize, scale: f64) -> f64 {
        let (top, bottom) = covered(row, scale, self.height);
        let (left, right) = covered(column, scale, self.width);
        if top == bottom || left == right {
            return 0.0;
        }
        let rows = self.pixels[top * self.width..bottom * self.width].chunks_exact(self.width);
        let sum: u32 = rows.flat_map(|row| &row[left..right]).map(|&p| u32::from(p)).sum();
        f64::from(sum) / (255 * (bottom - top) * (right - left)) as f64
    }
}

/// The pixels `from..to`, of `size`, under one of the enlarged or reduced image; none beyond its edge.
fn covered(position: usize, scale: f64, size: usize) -> (usize, usize) {
    let from = (position as f64 / scale) as usize;
    let to = ((position + 1) as f64 / scale).ceil() as usize;
    if from >= size { (0, 0) } else { (from, to.clamp(from + 1, size)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gives_a_rectangle_that_fits() {
        for (height, width) in [(2, 2), (8, 8), (28, 28), (27, 29), (5, 300), (300, 301)] {
            let drawing = draw(&vec![255; height * width], height, width);
            let widths: Vec<usize> = drawing.iter().map(|line| line.chars().count()).collect();
            assert!(widths.iter().all(|&w| w == widths[0] && w <= MAX_COLUMNS + 2), "{height} x {width}: {widths:?}");
            assert!(drawing[1].contains(['█', '▀']), "{height} x {width}");
        }
        assert!(draw(&[0; 64], 1, 64).is_empty());
    }

    #[test]
    fn a_pixel_appears_where_it_is() {
        let mut pixels = [0; 28 * 28];
        pixels[5 * 28 + 3] = 255;
        let drawing = draw(&pixels, 28, 28);
        assert_eq!(drawing.len(), 16);
        // Row 5 is the lower half of the third line inside the frame; column 3 the fourth character.
        assert_eq!(drawing[3].chars().nth(4), Some('▄'));
        let ink: usize = drawing.iter().flat_map(|line| line.chars()).filter(|c| "▀▄█▒".contains(*c)).count();
        assert_eq!(ink, 1);
    }

    #[test]
    fn small_pictures_are_enlarged() {
        let mut pixels = [0; 64];
        pixels[0] = 255;
        let drawing = draw(&pixels, 8, 8);
        assert_eq!(drawing.len(), 10, "8 pixels become 16");
        let drawing = draw(&pixels[..49], 7, 7);
        assert_eq!(drawing.len(), 9, "and 7 become 14");
        assert_eq!(drawing[1].chars().take(4).collect::<String>(), "│██ ");
    }
}
