//! Images of any element type and layout, turned into grey bytes.

use crate::bytes::Bytes;
use crate::element::Data;
use crate::error::{Error, ErrorKind, Result};

/// Floats made of bytes differ from them by less than this, in shades of 255, by rounding alone.
const ROUNDING: f64 = 1e-3;

/// Height and width of images with these sizes, of which there are as many as labels.
pub(crate) fn sides(name: &str, sizes: &[usize], (labels_name, labels): (&str, usize)) -> Result<(usize, usize)> {
    // A whole set within a list of one.
    let (rows, rest) = match sizes {
        [1, rows, rest @ ..] if *rows == labels && rest.len() > 1 => (*rows, rest),
        [rows, rest @ ..] => (*rows, rest),
        [] => (0, sizes),
    };
    if rows != labels {
        let kind = ErrorKind::CountMismatch { images: rows, labels, labels_file: labels_name.to_owned() };
        return Err(Error::whole(name, kind));
    }
    shape(sizes, rest).map_err(|kind| Error::whole(name, kind))
}

/// Height and width of an image whose sizes are `rest`, within `sizes`.
fn shape(sizes: &[usize], rest: &[usize]) -> Result<(usize, usize), ErrorKind> {
    let thick = || rest.iter().copied().filter(|&size| size != 1);
    match *rest {
        [features] => Ok(flat(features)),
        [height, width] if height > 1 && width > 1 => Ok((height, width)),
        [height, width] => Ok(flat(height * width)),
        [_, _, ..] if thick().count() <= 2 => {
            let mut sides = thick();
            Ok(match (sides.next(), sides.next()) {
                (Some(height), Some(width)) => (height, width),
                (side, _) => flat(side.unwrap_or(1)),
            })
        }
        _ => {
            if let [first, _, last] = *rest
                && let Some(channels) = [3, 4, 2].into_iter().find(|&channels| last == channels || first == channels)
            {
                return Err(ErrorKind::Colour { channels, sizes: sizes.to_vec() });
            }
            let expected = "rows x height x width, rows x pixels, or with one channel";
            Err(ErrorKind::WrongRank { role: "images", expected, sizes: sizes.to_vec() })
        }
    }
}

/// The height and width of an image given as a list of pixels: a square, if they make one.
fn flat(pixels: usize) -> (usize, usize) {
    let side = pixels.isqrt();
    if side * side == pixels { (side, side) } else { (1, pixels) }
}

/// The pixels as bytes, and what was lost.
pub(crate) fn bytes(name: &str, data: Data) -> Result<(Bytes, Option<String>)> {
    let bytes = match data {
        Data::U8(bytes) => Ok((bytes, None)),
        Data::I8(values) => converted(&values, false),
        Data::I16(values) => converted(&values, false),
        Data::I32(values) => converted(&values, false),
        Data::F32(values) => converted(&values, true),
        Data::F64(values) => converted(&values, true),
    };
    let (pixels, note) = bytes.map_err(|kind| Error::whole(name, kind))?;
    Ok((pixels, note.map(|note| format!("{name}: {note}"))))
}

/// Numbers from 0 to 255, or fractions from 0 to 1, as bytes.
fn converted<T: Copy + Into<f64>>(values: &[T], floats: bool) -> Result<(Bytes, Option<String>), ErrorKind> {
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for (index, value) in values.iter().map(|&value| value.into()).enumerate() {
        if value.is_nan() {
            return Err(ErrorKind::NotANumber { index });
        }
        (least, greatest) = (least.min(value), greatest.max(value));
    }
    if !(least >= 0.0 && greatest <= 255.0) {
        return Err(ErrorKind::PixelRange { least, greatest });
    }
    let fractions = floats && greatest <= 1.0;
    let scale = if fractions { 255.0 } else { 1.0 };
    let mut lost = 0.0f64;
    let shade = |&value: &T| {
        let exact: f64 = value.into() * scale;
        lost = lost.max((exact - exact.round()).abs());
        exact.round() as u8
    };
    let pixels: Vec<u8> = values.iter().map(shade).collect();
    let note = (lost > ROUNDING).then(|| {
        let (range, unit) = if fractions { ("0 to 1", "/255") } else { ("0 to 255", "") };
        format!("floats from {range} are rounded to 256 shades, by up to {lost:.2}{unit}")
    });
    Ok((pixels.into(), note))
}
