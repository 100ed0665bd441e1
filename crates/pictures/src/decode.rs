//! Decodes pictures: PNG, JPEG, WebP, GIF, TIFF, BMP and PNM.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, GrayAlphaImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
};

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::gray_plane::{self, Plane, Rectangle};
use super::ink::LEAST_CONTRAST;
use super::memory::Memory;
use super::prepare::{MAX_SIDE, PreparedImage, prepare};

/// The largest file that is read.
const MAX_FILE: u64 = 256 << 20;
/// The most pixels and bytes that are decoded: those of a good camera, under a gigabyte in all.
const MAX_PIXELS: u64 = 64_000_000;
const MAX_DECODED: u64 = 256 << 20;

/// The most bytes that are read before the picture.
const MAX_HEADER: u64 = 16 << 20;

/// Bytes for each pixel of the reduced picture while it is prepared: some planes of numbers.
const PREPARED: u64 = 64;

/// The marker of a progressive JPEG.
const PROGRESSIVE: [u8; 2] = [0xFF, 0xC2];

/// The endings of their files' names.
pub const ENDINGS: [&str; 11] = ["png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "bmp", "pgm", "ppm", "pnm"];

/// Whether a file is a picture by its name's ending, in capitals or not.
pub fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|found| ENDINGS.iter().any(|ending| found.eq_ignore_ascii_case(ending)))
}

/// The formats, in words.
pub const FORMATS: &str = "PNG, JPEG, WebP, GIF, TIFF, BMP or PGM";

/// Reads pictures for a network of `side` x `side` pixels, on any number of threads.
pub struct Reader {
    /// The side of the images that the network takes, in pixels.
    pub side: usize,
    memory: Memory,
}

impl Reader {
    /// For images of this side, in pixels.
    pub fn new(side: usize) -> Self {
        Reader { side, memory: Memory::default() }
    }

    /// The picture in a file.
    ///
    /// # Errors
    /// A sentence that names the file and says what is wrong with it.
    pub fn read(&self, path: &Path) -> Result<PreparedImage, String> {
        self.read_from(File::open(path), &path.display().to_string())
    }

    /// The picture in a source that may have been opened, and has this name in errors.
    ///
    /// # Errors
    /// A sentence that names the source and says what is wrong with it.
    pub fn read_from(&self, source: io::Result<impl Read>, name: &str) -> Result<PreparedImage, String> {
        let plane = contents(source).and_then(|bytes| {
            let encoded = Encoded::open(&bytes)?;
            // What `grey` converts it to, unless it is that already.
            let need = encoded.memory(match encoded.decoder.color_type() {
                ColorType::L8 | ColorType::La8 => 0,
                colour if colour.has_alpha() => 2,
                _ => 1,
            });
            let promised = self.memory.promise(need).ok_or_else(|| encoded.too_large(need))?;
            Ok((caught(|| encoded.decode(true).map(grey))?, promised))
        });
        let ((grey, size), _promised) = plane.map_err(|why| format!("cannot read the picture {name}: {why}"))?;
        prepare(grey, size, self.side).map_err(|why| format!("the picture {name} {why}"))
    }

    /// The picture of `width` x `height` pixels, each two bytes: its luma, and its opacity.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read_luma_alpha(&self, bytes: Vec<u8>, (width, height): (u32, u32)) -> Result<PreparedImage, String> {
        let picture = GrayAlphaImage::from_raw(width, height, bytes);
        let picture = picture.ok_or_else(|| format!("the picture has fewer bytes than {width} x {height} x 2"))?;
        let (grey, size) = grey(picture.into());
        prepare(grey, size, self.side).map_err(|why| format!("the picture {why}"))
    }
}

/// The content of a picture file.
///
/// # Errors
/// If it cannot be read, is empty or too large: what it is and what to do, without its name.
pub fn contents(source: io::Result<impl Read>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = source.and_then(|source| source.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match read.map(|_| bytes) {
        Ok(bytes) if bytes.is_empty() => Err(format!("it is empty; expected a {FORMATS} file")),
        Ok(bytes) if bytes.len() as u64 > MAX_FILE => Err(format!("it is larger than {} MB", MAX_FILE >> 20)),
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == io::ErrorKind::IsADirectory => Err("it is a folder; name the files in it".into()),
        Err(e) => Err(e.to_string()),
    }
}

/// A picture file's content, of which the header has been read.
pub struct Encoded<'a> {
    bytes: &'a [u8],
    format: ImageFormat,
    decoder: Box<dyn ImageDecoder + 'a>,
    orientation: Orientation,
}

impl<'a> Encoded<'a> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// If it is not a picture of these formats, is damaged, or is too large: what it is and what to do, without its name.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let format = format(bytes)?;
        caught(|| {
            let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
            let limits = |bytes| {
                let mut limits = Limits::default();
                limits.max_alloc = Some(bytes);
                limits
            };
            // Colour profiles and comments are packed too.
            reader.limits(limits(MAX_HEADER));
            let mut decoder = reader.into_decoder().map_err(|e| damage(&e))?;
            decoder.set_limits(limits(MAX_DECODED)).map_err(|e| damage(&e))?;
            let (width, height) = decoder.dimensions();
            let pixels = u64::from(width) * u64::from(height);
            if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
                let most = MAX_PIXELS / 1_000_000;
                return Err(format!("it has {width} x {height} pixels, more than {most} million; make it smaller"));
            }
            let orientation = decoder.orientation().map_err(|e| damage(&e))?;
            Ok(Encoded { bytes, format, decoder: Box::new(decoder), orientation })
        })
    }

    /// Height and width, upright.
    pub fn size(&self) -> [usize; 2] {
        let (width, height) = self.decoder.dimensions();
        let size = [height as usize, width as usize];
        if self.is_turned() { [size[1], size[0]] } else { size }
    }

    /// Whether it lies on its side.
    fn is_turned(&self) -> bool {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        matches!(self.orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
    }

    /// The bytes that it takes to decode it, with so many for each pixel beside it.
    fn memory(&self, beside: u64) -> u64 {
        let [height, width] = self.size().map(|side| side as u64);
        let copies = match self.format {
            // All coefficients, of two bytes each.
            ImageFormat::Jpeg if self.bytes.windows(2).any(|marker| marker == PROGRESSIVE) => 3,
            ImageFormat::Png | ImageFormat::Bmp | ImageFormat::Jpeg => 1,
            _ => 2,
        };
        let decoded = self.decoder.total_bytes() * (copies + u64::from(self.is_turned()));
        let prepared = (width * height).min((MAX_SIDE * MAX_SIDE) as u64) * PREPARED;
        (decoded + width * height * beside).max(prepared)
    }

    /// The error where the system refuses so many bytes.
    fn too_large(&self, need: u64) -> String {
        let ([height, width], megabytes) = (self.size(), need.div_ceil(1_000_000));
        format!(
            "its {width} x {height} pixels need {megabytes} MB of memory, which the system refuses; make it smaller"
        )
    }

    /// Decoded and upright; `luma` says that the colours of a JPEG need not be decoded.
    pub(super) fn decode(self, luma: bool) -> Result<DynamicImage, String> {
        let is_jpeg = self.format == ImageFormat::Jpeg;
        let luma = if luma && is_jpeg { jpeg_luma(self.bytes, self.decoder.dimensions()) } else { None };
        let mut picture = match luma {
            Some(luma) => luma,
            None => DynamicImage::from_decoder(self.decoder).map_err(|e| damage(&e))?,
        };
        picture.apply_orientation(self.orientation);
        Ok(picture)
    }

    /// The grey values, row by row from the top, and whether the picture has colour.
    ///
    /// # Errors
    ///
    /// If it is damaged, too large for the free memory or has transparent pixels: what it is and what to do, without its
    /// name.
    pub fn into_grey(self) -> Result<(Vec<u8>, bool), String> {
        let colour = self.decoder.color_type();
        let need = self.memory(if colour == ColorType::L8 { 0 } else { 4 });
        Memory::default().promise(need).map(drop).ok_or_else(|| self.too_large(need))?;
        caught(|| {
            let picture = self.decode(false)?;
            if colour.has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel[3] != u8::MAX) {
                return Err("it has transparent pixels; save it without".into());
            }
            let coloured = colour.has_color()
                && picture.to_rgb8().pixels().any(|pixel| pixel[0] != pixel[1] || pixel[1] != pixel[2]);
            Ok((picture.into_luma8().into_raw(), coloured))
        })
    }
}

/// The format of a file's content, if it is read.
fn format(bytes: &[u8]) -> Result<ImageFormat, String> {
    match image::guess_format(bytes).ok() {
        Some(ImageFormat::Jpeg) if !is_whole_jpeg(bytes) => Err(CUT_OFF.into()),
        Some(
            known @ (ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::WebP
            | ImageFormat::Gif
            | ImageFormat::Tiff
            | ImageFormat::Bmp
            | ImageFormat::Pnm),
        ) => Ok(known),
        Some(other) => Err(format!("it is a {other:?} file; save it as {FORMATS}")),
        // The default format of many phones.
        None if bytes.get(4..8) == Some(b"ftyp") => {
            Err("it is a HEIC or AVIF file, which is not read; share it from the phone as JPEG, or choose \
                 \"Most Compatible\" in the settings of an iPhone's camera"
                .into())
        }
        None => Err(format!("it is not a {FORMATS} file")),
    }
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a decoder, whose panic becomes an error: a hook has nothing to print then.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// What a decoder returns; its panic is an error of the file.
fn caught<R>(decode: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    let outer = DECODING.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    ended.unwrap_or_else(|_| {
        Err("its decoder failed: it is damaged, or needs more memory than there is; save it again, or make it smaller"
            .into())
    })
}

/// A JPEG's luma alone, in half the time; none if it has none, or the decoder has something to say.
fn jpeg_luma(bytes: &[u8], (width, height): (u32, u32)) -> Option<DynamicImage> {
    let options = DecoderOptions::default().set_max_width(width as usize).set_max_height(height as usize);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    if decoder.input_colorspace() != Some(ColorSpace::YCbCr) {
        return None;
    }
    decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    let pixels = decoder.decode().ok()?;
    GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
}

const CUT_OFF: &str = "it is cut off: the file ends within the picture; copy it again";

/// Whether a JPEG has its end marker, which the decoder does not ask for. What follows it, as a phone's film, is not
/// looked at.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some(marker) = rest.iter().position(|&byte| byte == 0xFF) {
        rest = &rest[marker + 1..];
        rest = match *rest {
            [0xD9, ..] => return true,
            // Fill bytes, bytes of the picture's data, and restarts.
            [0xFF, ..] => rest,
            [0 | 0x01 | 0xD0..=0xD8, ..] => &rest[1..],
            [_, high, low, ..] => rest.get(1 + usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default(),
            _ => return false,
        };
    }
    false
}

/// A decoder's error in words: its own often quotes its source.
fn damage(error: &ImageError) -> String {
    match error {
        ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => CUT_OFF.into(),
        ImageError::IoError(e) if e.kind() == io::ErrorKind::OutOfMemory => {
            "it needs more memory than the system gives; make it smaller or end other programs".into()
        }
        ImageError::IoError(e) => format!("its data cannot be read: {e}; copy it again"),
        ImageError::Limits(_) => format!("it needs more than {} MB of memory; make it smaller", MAX_DECODED >> 20),
        ImageError::Unsupported(_) => {
            format!("it is of a rare variant that is not read; save it again as {FORMATS} with 8 bits per channel")
        }
        _ => format!("it is damaged; copy it again, or save it again as {FORMATS}"),
    }
}

/// Grey values from 0, black, to 1. Transparent parts are white, or black if nothing would be visible on white.
pub(super) fn grey(picture: DynamicImage) -> (Plane, (usize, usize)) {
    let size = (picture.width() as usize, picture.height() as usize);
    if !picture.color().has_alpha() {
        let luma = picture.into_luma8().into_raw();
        return (reduced(size, |x, y| f32::from(luma[y * size.0 + x]) / 255.0), size);
    }
    let picture = picture.into_luma_alpha8();
    let on = |paper: f32, pixel: [u8; 2]| {
        let [luma, alpha] = pixel.map(|v| f32::from(v) / 255.0);
        luma * alpha + paper * (1.0 - alpha)
    };
    let is_opaque = picture.pixels().all(|pixel| pixel[1] == u8::MAX);
    let shows_on_white = picture.pixels().any(|pixel| on(1.0, pixel.0) <= 1.0 - LEAST_CONTRAST);
    let paper = if is_opaque || shows_on_white { 1.0 } else { 0.0 };
    (reduced(size, |x, y| on(paper, picture.get_pixel(x as u32, y as u32).0)), size)
}

/// The picture of these values, reduced if it is large.
fn reduced((width, height): (usize, usize), value: impl Fn(usize, usize) -> f32) -> Plane {
    let longest = width.max(height).max(1);
    let reduced = |length: usize| if longest > MAX_SIDE { (length * MAX_SIDE / longest).max(1) } else { length };
    let all = Rectangle { left: 0, top: 0, right: width, bottom: height };
    gray_plane::resample(all, reduced(width), reduced(height), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_decoder_is_an_error() {
        let panics = || -> Result<(), String> {
            assert!(is_decoding());
            std::panic::resume_unwind(Box::new("on purpose"))
        };
        assert!(caught(panics).unwrap_err().contains("its decoder failed"));
        assert!(!is_decoding());
    }

    #[test]
    fn missing_memory_is_not_called_damage() {
        let error = ImageError::IoError(io::ErrorKind::OutOfMemory.into());
        assert!(damage(&error).contains("more memory"), "{}", damage(&error));
    }
}
