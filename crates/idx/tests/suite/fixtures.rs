//! Files made by hand, so that reader and writer are not only checked against each other.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use twolayer_idx::{Data, Error, Idx, Packing};

/// Packs bytes into one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The bytes of a header.
pub fn header(code: u8, sizes: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, sizes.len() as u8];
    for size in sizes {
        bytes.extend(size.to_be_bytes());
    }
    bytes
}

/// A file of bytes.
pub fn file_of_bytes(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = header(0x08, sizes);
    bytes.extend(data);
    bytes
}

/// A small file of each type with the extremes of its range, and what it holds.
pub fn each_type() -> Vec<(Vec<u8>, Data)> {
    let file = |code, bytes: &[&[u8]]| {
        let mut file = header(code, &[bytes.len() as u32]);
        file.extend(bytes.concat());
        file
    };
    vec![
        (file(0x08, &[&[0], &[128], &[255]]), vec![0u8, 128, 255].into()),
        (file(0x09, &[&[0x7F], &[0x80], &[0xFF]]), vec![127i8, -128, -1].into()),
        (file(0x0B, &[&[0x7F, 0xFF], &[0x80, 0], &[0x01, 0x02]]), vec![i16::MAX, i16::MIN, 258].into()),
        (file(0x0C, &[&[0x80, 0, 0, 0], &[1, 2, 3, 4]]), vec![i32::MIN, 16_909_060].into()),
        (
            file(0x0D, &[&[0x3F, 0x80, 0, 0], &[0xC0, 0x20, 0, 0], &[0x7F, 0x80, 0, 0]]),
            vec![1.0f32, -2.5, f32::INFINITY].into(),
        ),
        (file(0x0E, &[&[0x3F, 0xF0, 0, 0, 0, 0, 0, 0], &[0xC0, 0x04, 0, 0, 0, 0, 0, 0]]), vec![1.0f64, -2.5].into()),
    ]
}

/// Arrays of every type with these sizes, with distinct elements.
pub fn arrays(sizes: &[usize]) -> Vec<Idx> {
    let n = sizes.iter().product::<usize>();
    let numbers = || (0..n).map(|i| (i * 7919) as i64 % 65_521);
    let data: [Data; 6] = [
        numbers().map(|x| x as u8).collect::<Vec<_>>().into(),
        numbers().map(|x| x as i8).collect::<Vec<_>>().into(),
        numbers().map(|x| x as i16).collect::<Vec<_>>().into(),
        numbers().map(|x| (x * 32_749 - 7) as i32).collect::<Vec<_>>().into(),
        numbers().map(|x| x as f32 / 3.0 - 99.0).collect::<Vec<_>>().into(),
        numbers().map(|x| x as f64 / 7.0 - 99.0).collect::<Vec<_>>().into(),
    ];
    data.into_iter().map(|data| Idx::new(sizes.to_vec(), data).unwrap()).collect()
}

/// The content of a file of this array.
pub fn encoded(idx: &Idx, packing: Packing) -> Vec<u8> {
    let mut bytes = Vec::new();
    idx.write_to("memory", &mut bytes, packing).unwrap();
    bytes
}

/// A reader that gives one byte at a time, and is interrupted before each.
pub struct Dribble<'a> {
    pub bytes: &'a [u8],
    pub interrupted: bool,
}

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = out.len().min(1);
        self.bytes.read(&mut out[..n])
    }
}

/// Checks an error's text: one line that begins with the file's name and contains these words.
pub fn assert_told(error: &Error, file: &str, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.file(), file);
    assert!(text.starts_with(file), "{text}");
    assert!(!text.contains('\n') && !text.contains("Some("), "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}
