//! A digit drawn with characters.

/// The most columns of a picture: with its frame and the probabilities beside it, it fits into 80.
const MAX_COLUMNS: usize = 36;
/// The fewest columns: smaller pictures are enlarged by an integer factor.
const MIN_COLUMNS: usize = 16;

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
