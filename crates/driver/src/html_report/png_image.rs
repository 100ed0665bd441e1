//! Digits and weights as small PNG files in data URLs.

use data_encoding::BASE64;
use png::{BitDepth, ColorType, Compression, Encoder};

use crate::error::CliError;

/// The most pixels of a side; larger pictures are reduced to keep the page small.
const MOST_SIDE: usize = 56;

/// The number of colours on each side of zero.
const SHADES: usize = 40;
/// The most negative and the most positive weight, and a masked one. Weights near zero are transparent, so that the colours
/// suit a light and a dark page.
const ENDS: [[u8; 3]; 2] = [[0x2f, 0x6f, 0xdb], [0xe0, 0x48, 0x1f]];
const MASKED: [u8; 4] = [0x80, 0x80, 0x80, 0x50];

/// A picture of `height` rows of `width` values.
pub struct PngImage {
    values: Vec<f64>,
    height: usize,
    width: usize,
}

impl PngImage {
    /// The picture, reduced if large, without values that are NaN; `None` if the values do not form a picture.
    pub fn new(values: impl Iterator<Item = f64>, height: usize, width: usize) -> Option<PngImage> {
        let values: Vec<f64> = values.collect();
        if height < 2 || width < 2 || values.len() != height * width {
            return None;
        }
        let factor = height.max(width).div_ceil(MOST_SIDE);
        let (rows, columns) = (height.div_ceil(factor), width.div_ceil(factor));
        let mut reduced = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                let (top, left) = (row * factor, column * factor);
                let lines = values[top * width..(top + factor).min(height) * width].chunks_exact(width);
                let (count, sum) = lines
                    .flat_map(|line| &line[left..(left + factor).min(width)])
                    .filter(|value| !value.is_nan())
                    .fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
                reduced.push(sum / count);
            }
        }
        Some(PngImage { values: reduced, height: rows, width: columns })
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from 0, paper, to 255, ink, as dark ink on white paper.
    pub fn ink(&self) -> Result<Vec<u8>, CliError> {
        let bytes: Vec<u8> = self.values.iter().map(|v| 255 - v.round().clamp(0.0, 255.0) as u8).collect();
        encode(&bytes, self.size(), ColorType::Grayscale, None)
    }

    /// Weights in diverging colours, scaled to the largest magnitude; those that are NaN are masked.
    pub fn weights(&self) -> Result<Vec<u8>, CliError> {
        let largest = self.values.iter().map(|v| v.abs()).fold(0.0, f64::max);
        let unit = if largest > 0.0 && largest.is_finite() { SHADES as f64 / largest } else { 0.0 };
        let shade = |v: &f64| (SHADES as f64 + v * unit).round().clamp(0.0, 2.0 * SHADES as f64) as u8;
        let masked = 2 * SHADES as u8 + 1;
        let bytes: Vec<u8> = self.values.iter().map(|v| if v.is_nan() { masked } else { shade(v) }).collect();
        encode(&bytes, self.size(), ColorType::Indexed, Some(&palette()))
    }

    fn size(&self) -> (u32, u32) {
        (self.width as u32, self.height as u32)
    }
}

/// A picture of red, green and blue bytes.
pub fn rgb(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, CliError> {
    encode(bytes, (width, height), ColorType::Rgb, None)
}

/// A PNG file as a data URL.
pub fn address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64.encode(png))
}

/// Red, green, blue and opacity, from the most negative weight to the most positive, and of a masked one.
fn palette() -> Vec<[u8; 4]> {
    let color = |k: usize| {
        let [r, g, b] = ENDS[usize::from(k > SHADES)];
        [r, g, b, (255 * k.abs_diff(SHADES) / SHADES) as u8]
    };
    (0..=2 * SHADES).map(color).chain([MASKED]).collect()
}

fn encode(
    bytes: &[u8],
    (width, height): (u32, u32),
    colour: ColorType,
    palette: Option<&[[u8; 4]]>,
) -> Result<Vec<u8>, CliError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    if let Some(palette) = palette {
        encoder.set_palette(palette.iter().flat_map(|color| &color[..3]).copied().collect::<Vec<u8>>());
        encoder.set_trns(palette.iter().map(|color| color[3]).collect::<Vec<u8>>());
    }
    let failed = |e| CliError::new(format!("cannot encode an image of {width} x {height}: {e}"));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(bytes).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// The size, and the channels of every pixel.
    fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        (info.width, info.height, bytes)
    }

    #[test]
    fn ink_is_dark_on_white_and_reads_back() {
        let pixels: [u8; 6] = [0, 255, 10, 100, 200, 0];
        let image = PngImage::new(pixels.iter().map(|&p| f64::from(p)), 2, 3).unwrap();
        let (width, height, grey) = decode(&image.ink().unwrap());
        assert_eq!((width, height), (3, 2));
        assert_eq!(grey, pixels.map(|p| 255 - p));
    }

    #[test]
    fn weights_are_blue_or_red_and_the_clearer_the_closer_to_zero_and_masked_ones_are_grey() {
        let image = PngImage::new([-2.0, 0.0, 1.0, 2.0, f64::NAN, -1.0].into_iter(), 2, 3).unwrap();
        let (.., rgba) = decode(&image.weights().unwrap());
        let pixels: Vec<&[u8]> = rgba.chunks(4).collect();
        assert_eq!((pixels[0], pixels[3]), (&[0x2f, 0x6f, 0xdb, 255][..], &[0xe0, 0x48, 0x1f, 255][..]));
        assert_eq!(pixels.iter().map(|pixel| pixel[3]).collect::<Vec<_>>(), [255, 0, 127, 255, MASKED[3], 127]);
        assert_eq!((pixels[2][..3].to_vec(), pixels[4]), (pixels[3][..3].to_vec(), &MASKED[..]));
        let nothing = PngImage::new([0.0; 4].into_iter(), 2, 2).unwrap();
        assert!(decode(&nothing.weights().unwrap()).2.chunks(4).all(|pixel| pixel[3] == 0));
    }

    #[test]
    fn large_pictures_are_reduced_and_rows_of_features_are_not_pictures() {
        let image = PngImage::new((0..100 * 200).map(|i| f64::from(i % 200 / 100) * 80.0), 100, 200).unwrap();
        assert_eq!((image.height(), image.width()), (25, 50));
        assert_eq!((image.values[0], image.values[49]), (0.0, 80.0));
        let odd = PngImage::new((0..57 * 57).map(|_| 3.0), 57, 57).unwrap();
        assert_eq!((odd.height(), odd.width()), (29, 29));
        assert!(odd.values.iter().all(|&v| v == 3.0));
        assert!(PngImage::new([0.0; 64].into_iter(), 1, 64).is_none());
    }
}
