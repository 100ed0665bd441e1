//! Decodes picture files: PNG, JPEG, BMP and PNM, from a path or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use image::DynamicImage;
use twolayer_data::picture::{self, FORMATS};

use super::gray_plane::{self, Plane, Rectangle};
use super::ink::LEAST_CONTRAST;
use super::prepare::{MAX_SIDE, PreparedImage, prepare};
use crate::output_file::is_stdin;

/// The largest file that is read.
const MAX_FILE: u64 = 256 << 20;

/// Reads pictures for a network of `side` x `side` pixels.
pub struct Reader {
    pub side: usize,
}

impl Reader {
    /// The picture in a file, or on standard input for `-`. The error names the file.
    pub fn read(&self, path: &Path) -> Result<PreparedImage, String> {
        let bytes = contents(path).map_err(|why| format!("cannot read the picture {}: {why}", shown(path)))?;
        let (grey, size) = decode(&bytes).map_err(|why| format!("cannot read the picture {}: {why}", shown(path)))?;
        prepare(&grey, size, self.side).map_err(|why| format!("the picture {} {why}", shown(path)))
    }
}

/// The name of a picture in messages.
pub fn shown(path: &Path) -> String {
    if is_stdin(path) { "on standard input".into() } else { path.display().to_string() }
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let read = |source: &mut dyn Read| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        source.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = match is_stdin(path) {
        true => read(&mut io::stdin().lock()),
        false => File::open(path).and_then(|mut file| read(&mut file)),
    };
    match bytes {
        Ok(bytes) if bytes.is_empty() => Err(format!("it is empty; expected a {FORMATS} file")),
        Ok(bytes) if bytes.len() as u64 > MAX_FILE => Err(format!("it is larger than {} MB", MAX_FILE >> 20)),
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == io::ErrorKind::IsADirectory => Err("it is a folder; name the files in it".into()),
        Err(e) => Err(e.to_string()),
    }
}

/// The grey values of a picture file, upright and reduced if large, and the picture's width and height.
pub fn decode(bytes: &[u8]) -> Result<(Plane, (usize, usize)), String> {
    picture::decode(bytes).map(grey)
}

/// Grey values from 0, black, to 1. Transparent parts are white, or black if nothing would be visible on white.
fn grey(picture: DynamicImage) -> (Plane, (usize, usize)) {
    let picture = picture.into_luma_alpha8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let on = |paper: f32, pixel: [u8; 2]| {
        let [luma, alpha] = pixel.map(|v| f32::from(v) / 255.0);
        luma * alpha + paper * (1.0 - alpha)
    };
    let is_opaque = picture.pixels().all(|pixel| pixel[1] == u8::MAX);
    let shows_on_white = picture.pixels().any(|pixel| on(1.0, pixel.0) <= 1.0 - LEAST_CONTRAST);
    let paper = if is_opaque || shows_on_white { 1.0 } else { 0.0 };
    let value = |x: usize, y: usize| on(paper, picture.get_pixel(x as u32, y as u32).0);
    let longest = width.max(height).max(1);
    let reduced = |length: usize| if longest > MAX_SIDE { (length * MAX_SIDE / longest).max(1) } else { length };
    let all = Rectangle { left: 0, top: 0, right: width, bottom: height };
    (gray_plane::resample(all, reduced(width), reduced(height), value), (width, height))
}
