//! Decodes pictures within limits: PNG, JPEG, BMP and PNM.

use std::io::{self, Cursor};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

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
    let mut decoder = reader.into_decoder().map_err(|e| damage(&e))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
        let most = MAX_PIXELS / 1_000_000;
        return Err(format!("it has {width} x {height} pixels, more than {most} million; make it smaller"));
    }
    let orientation = decoder.orientation().map_err(|e| damage(&e))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| damage(&e))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// A decoder's error in words: its own often quotes its source.
fn damage(error: &ImageError) -> String {
    match error {
        ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            "it is cut off: the file ends within the picture; copy it again".into()
        }
        ImageError::IoError(e) => format!("its data cannot be read: {e}; copy it again"),
        ImageError::Limits(_) => format!("it needs more than {} MB of memory; make it smaller", MAX_DECODED >> 20),
        ImageError::Unsupported(_) => {
            format!("it is of a rare variant that is not read; save it again as {FORMATS} with 8 bits per channel")
        }
        _ => format!("it is damaged; copy it again, or save it again as {FORMATS}"),
    }
}
