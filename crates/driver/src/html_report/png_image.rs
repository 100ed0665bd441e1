//! Digits and weights as small PNG files in data URLs.

use data_encoding::BASE64;
use png::{BitDepth, ColorType, Compression, Encoder};

use crate::error::CliError;

/// The most pixels of a side; larger pictures are reduced to keep the page small.
const MOST_SIDE: usize = 56;

/// The number of colours on each side of the neutral one.
const SHADES: usize = 60;
/// Most negative, zero, most positive: from dark to light, so that the sign is visible without colours.
const ENDS: [[f64; 3]; 3] = [[12.0, 44.0, 110.0], [140.0, 144.0, 150.0], [255.0, 218.0, 120.0]];

/// A picture of `height` rows of `width` values.
pub struct PngImage {
    values: Vec<f64>,
    height: usize,
    width: usize,
}

impl PngImage {
    /// The picture, reduced if large; `None` if the values do not form a picture.
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

    /// Weights in diverging colours, scaled to the largest magnitude.
    pub fn weights(&self) -> Result<Vec<u8>, CliError> {
        let largest = self.values.iter().map(|v| v.abs()).fold(0.0, f64::max);
        let unit = if largest > 0.0 && largest.is_finite() { SHADES as f64 / largest } else { 0.0 };
        let shade = |v: &f64| (SHADES as f64 + v * unit).round().clamp(0.0, 2.0 * SHADES as f64) as u8;
        let bytes: Vec<u8> = self.values.iter().map(shade).collect();
        encode(&bytes, self.size(), ColorType::Indexed, Some(palette()))
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

/// The colours from the most negative to the most positive.
fn palette() -> Vec<u8> {
    let colour = |k: usize| {
        let (from, to, share) = if k <= SHADES {
            (ENDS[0], ENDS[1], k as f64 / SHADES as f64)
        } else {
            (ENDS[1], ENDS[2], (k - SHADES) as f64 / SHADES as f64)
        };
        [0, 1, 2].map(|c| (from[c] + share * (to[c] - from[c])).round() as u8)
    };
    (0..=2 * SHADES).flat_map(colour).collect()
}

fn encode(
    bytes: &[u8],
    (width, height): (u32, u32),
    colour: ColorType,
    palette: Option<Vec<u8>>,
) -> Result<Vec<u8>, CliError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    if let Some(palette) = palette {
        encoder.set_palette(palette);
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

    /// The size, and red, green and blue of every pixel.
    fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let bytes = match info.color_type {
            ColorType::Grayscale => bytes.iter().flat_map(|&b| [b; 3]).collect(),
            _ => bytes,
        };
        (info.width, info.height, bytes)
    }

    #[test]
    fn ink_is_dark_on_white_and_reads_back() {
        let pixels: [u8; 6] = [0, 255, 10, 100, 200, 0];
        let image = PngImage::new(pixels.iter().map(|&p| f64::from(p)), 2, 3).unwrap();
        let (width, height, rgb) = decode(&image.ink().unwrap());
        assert_eq!((width, height), (3, 2));
        assert_eq!(rgb, pixels.iter().flat_map(|p| [255 - p; 3]).collect::<Vec<_>>());
    }

    #[test]
    fn weights_go_from_dark_to_light_with_zero_between() {
        let image = PngImage::new([-2.0, 0.0, 1.0, 2.0].into_iter(), 2, 2).unwrap();
        let (.., rgb) = decode(&image.weights().unwrap());
        assert_eq!((&rgb[..3], &rgb[3..6]), (&[12, 44, 110][..], &[140, 144, 150][..]));
        assert_eq!(rgb[9..], [255, 218, 120]);
        let light = |p: &[u8]| p.iter().map(|&c| u32::from(c)).sum::<u32>();
        let lights: Vec<u32> = palette().chunks(3).map(light).collect();
        assert!(lights.windows(2).all(|pair| pair[0] < pair[1]), "{lights:?}");
        let nothing = PngImage::new([0.0; 4].into_iter(), 2, 2).unwrap();
        assert!(decode(&nothing.weights().unwrap()).2.chunks(3).all(|p| p == [140, 144, 150]));
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
