//! Decodes pictures within limits: PNG, JPEG, BMP and PNM.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// The most pixels and bytes that are decoded: those of a good camera, under a gigabyte in all.
const MAX_PIXELS: u64 = 64_000_000;
const MAX_DECODED: u64 = 256 << 20;

/// The formats, in words.
pub const FORMATS: &str = "PNG, JPEG, BMP or PGM";

/// A picture file's content, decoded and upright.
///
/// # Errors
///
/// If it is not a picture of these formats, is damaged, or is too large: what it is and what to do, without its name.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::Pnm) => {}
        Some(other) => return Err(format!("it is a {other:?} file; save it as {FORMATS}")),
        // The default format of many phones.
        None if bytes.get(4..8) == Some(b"ftyp") => {
            return Err(format!("it is a HEIC or AVIF file; save it as {FORMATS}"));
        }
        None => return Err(format!("it is not a {FORMATS} file")),
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
        let most = MAX_PIXELS / 1_000_000;
        return Err(format!("it has {width} x {height} pixels, more than {most} million; make it smaller"));
    }
    let orientation = decoder.orientation().map_err(|e| e.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    picture.apply_orientation(orientation);
    Ok(picture)
}
