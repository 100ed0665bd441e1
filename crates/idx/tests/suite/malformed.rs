//! Each fault of a file has a separate error, which names the file and the offset and says what to do.

use std::io::{self, Read};

use twolayer_idx::{Error, ErrorKind, Idx, Place};

use crate::fixtures::{assert_told, file_of_bytes, gzip, header};

/// Reads malformed bytes as a slice, from a reader, and from a file; all must fail alike. Gives the slice's error.
fn refused(bytes: &[u8]) -> Error {
    let error = Idx::from_slice("some file", bytes).unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let on_disk = Idx::load(&path).unwrap_err();
    assert_eq!(on_disk.file(), path.to_str().unwrap());
    let text = |e: &Error| e.to_string().replace(e.file(), "");
    assert_eq!(text(&on_disk), text(&error));
    Idx::from_reader("reader", bytes).unwrap_err();
    error
}

fn raw(offset: u64) -> Option<Place> {
    let unpacked = false;
    Some(Place { offset, unpacked })
}

fn unpacked(offset: u64) -> Option<Place> {
    let unpacked = true;
    Some(Place { offset, unpacked })
}

#[test]
fn not_idx() {
    for (bytes, words) in [
        (
            &b"PK\x03\x04rest"[..],
            "a zip archive, as .npz files are too: unpack it; it begins with the bytes 50 4B 03 04;",
        ),
        (b"<html>", "a web page, perhaps of a failed download; it begins with the bytes 3C 68 74 6D;"),
        (b"5,0,4,1,9", "numbers as text, CSV"),
        (b"label,pixel0\n5,0", "text"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
            "a Git LFS pointer, not the file itself: run `git lfs pull`",
        ),
        (b"\x93NUMPY\x01\0v\0{", "a NumPy array, .npy"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        (b"\xFF\xD8\xFF\xE0\0\x10JFIF", "a JPEG picture"),
        (b"BZh9....", "bzip2: unpack it"),
        (&[0x1F], "1F;"),
        (&[1], "01;"),
        (&[0, 1, 8, 1, 0, 0, 0, 0], "00 01 08 01;"),
    ] {
        let error = refused(bytes);
        assert!(matches!(error.kind(), ErrorKind::NotIdx { .. }));
        assert_eq!(error.place(), raw(0));
        assert_told(&error, "some file", &["not an IDX file", words, "byte 0"]);
    }
    let error = refused(&gzip(b"hello"));
    assert!(matches!(error.kind(), ErrorKind::NotIdx { .. }));
    assert_eq!(error.place(), unpacked(0));
    assert_told(&error, "some file", &["byte 0 of the unpacked data", "text"]);
    let error = refused(&gzip(&gzip(&[0, 0, 8, 1, 0, 0, 0, 0])));
    assert_told(&error, "some file", &["byte 0 of the unpacked data", "gzip within gzip: unpack it once"]);
}

#[test]
fn unknown_type() {
    for code in (0..=255).filter(|c| ![0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E].contains(c)) {
        let error = refused(&[0, 0, code, 1, 0, 0, 0, 0]);
        assert!(matches!(error.kind(), ErrorKind::UnknownType { code: c } if *c == code));
        assert_eq!(error.place(), raw(2));
        let found = format!("unknown element type 0x{code:02X}");
        assert_told(&error, "some file", &[&found, "0x0D (f32)"]);
    }
}

#[test]
fn rank_out_of_bounds() {
    let error = refused(&[0, 0, 8, 0, 7]);
    assert!(matches!(error.kind(), ErrorKind::RankOutOfBounds { rank: 0 }));
    assert_eq!(error.place(), raw(3));
    assert_told(&error, "some file", &["rank out of bounds: 0", "1 to 255"]);
    assert_eq!(refused(&gzip(&[0, 0, 8, 0, 7])).place(), unpacked(3));
}

#[test]
fn size_out_of_bounds() {
    // The product overflows in the elements, and in their bytes.
    for (code, sizes) in [
        (0x08, &[0xFFFF_FFFF; 3][..]),
        (0x0E, &[0xFFFF_FFFF, 0x8000_0000]),
        (0x08, &[0xFFFF_FFFF, 0xFFFF_FFFF]),
        (0x0C, &[2; 255]),
    ] {
        for bytes in [header(code, sizes), gzip(&header(code, sizes))] {
            let error = refused(&bytes);
            assert!(matches!(error.kind(), ErrorKind::SizeOutOfBounds { .. }));
            assert_eq!(error.place().unwrap().offset, 4);
            assert_told(&error, "some file", &["size out of bounds"]);
        }
    }
    let error = refused(&header(0x0C, &[2; 255]));
    assert_told(&error, "some file", &["2 x 2 x ... (255 sizes)"]);
    let error = refused(&header(0x08, &[0xFFFF_FFFF; 3]));
    assert_told(&error, "some file", &["4294967295 x 4294967295 x 4294967295"]);
}

#[test]
fn sizes_beyond_what_gzip_can_hold() {
    let error = refused(&gzip(&file_of_bytes(&[1 << 20, 1 << 20], &[1, 2, 3])));
    assert!(matches!(error.kind(), ErrorKind::SizeOutOfBounds { .. }));
    let words = ["1048576 x 1048576", "bytes of gzip can unpack to"];
    assert_told(&error, "some file", &words);
}

#[test]
fn a_size_of_zero_holds_nothing_whatever_the_others() {
    let sizes = [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0];
    let idx = Idx::from_slice("empty", &header(0x0E, &sizes)).unwrap();
    assert!(idx.data().is_empty());
    let error = refused(&file_of_bytes(&sizes, &[0]));
    assert!(matches!(error.kind(), ErrorKind::TrailingBytes { .. }));
}

#[test]
fn truncated_at_every_byte() {
    let whole = file_of_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    for n in 0..whole.len() {
        let error = refused(&whole[..n]);
        let least = match n {
            0..4 => 4,
            4..12 => 12,
            _ => 18,
        };
        let (expected, found) = (least, n as u64);
        assert!(
            matches!(error.kind(), ErrorKind::Truncated { expected: e, found: f } if (*e, *f) == (expected, found)),
            "{n}: {error}"
        );
        assert_eq!(error.place(), raw(found));
        let words = [&*format!("after {found} of at least {expected} bytes"), "truncated"];
        assert_told(&error, "some file", &words);
        // Inside valid gzip it is the same error, not one of gzip.
        let error = refused(&gzip(&whole[..n]));
        assert!(
            matches!(error.kind(), ErrorKind::Truncated { expected: e, found: f } if (*e, *f) == (expected, found)),
            "{n} packed: {error}"
        );
        assert_eq!(error.place(), unpacked(found));
    }
}

#[test]
fn truncated_in_every_type() {
    for code in [0x09, 0x0B, 0x0C, 0x0D, 0x0E] {
        let mut bytes = header(code, &[1000]);
        bytes.extend([0; 999]);
        let error = refused(&bytes);
        assert!(matches!(error.kind(), ErrorKind::Truncated { .. }));
        let error = refused(&gzip(&bytes));
        let found = bytes.len() as u64;
        assert!(matches!(error.kind(), ErrorKind::Truncated { found: f, .. } if *f == found));
    }
}

#[test]
fn truncated_long_file() {
    let mut bytes = header(0x08, &[3 << 20]);
    bytes.resize(2 << 20, 5);
    let error = refused(&bytes);
    assert!(matches!(error.kind(), ErrorKind::Truncated { .. }));
    assert_eq!(error.place(), raw(2 << 20));
}

#[test]
fn trailing_bytes() {
    for extra in [1, 5] {
        let mut bytes = file_of_bytes(&[2], &[1, 2]);
        bytes.extend(vec![0; extra]);
        let error = refused(&bytes);
        let count = 10 + extra as u64;
        assert!(matches!(error.kind(), ErrorKind::TrailingBytes { expected: 10, found: Some(f) } if *f == count));
        assert_eq!(error.place(), raw(10));
        let words = [&*format!("trailing bytes: {extra} after the 10 bytes"), "byte 10"];
        assert_told(&error, "some file", &words);
        let error = Idx::from_reader("reader", &bytes[..]).unwrap_err();
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::TrailingBytes { expected: 10, found: None }));
        let error = refused(&gzip(&bytes));
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::TrailingBytes { expected: 10, found: None }));
        assert_eq!(error.place(), unpacked(10));
    }
    let mut long = header(0x08, &[2 << 20]);
    long.resize((2 << 20) + 9, 5);
    assert_told(&refused(&long), "some file", &["trailing bytes: 1 after the 2097160"]);
}

#[test]
fn bytes_after_gzip() {
    let sound = gzip(&file_of_bytes(&[2], &[1, 2]));
    for (extra, words) in [
        (&b"junk"[..], ["trailing bytes", "not gzip"]),
        (&[0], ["zero bytes after the gzip stream", "gunzip"]),
        (&[0; 512], ["zero bytes after the gzip stream", "gunzip"]),
    ] {
        let mut bytes = sound.clone();
        bytes.extend(extra);
        let error = refused(&bytes);
        assert_eq!(matches!(error.kind(), ErrorKind::ZerosAfterGzip), extra[0] == 0);
        assert_eq!(matches!(error.kind(), ErrorKind::BytesAfterGzip), extra[0] != 0);
        assert_eq!(error.place(), raw(sound.len() as u64));
        assert_told(&error, "some file", &words);
    }
}

#[test]
fn truncated_gzip_at_every_byte() {
    let whole = gzip(&file_of_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]));
    for n in 2..whole.len() {
        let error = refused(&whole[..n]);
        assert!(matches!(error.kind(), ErrorKind::TruncatedGzip), "{n}: {error}");
        assert_eq!(error.place(), raw(n as u64));
        assert_told(&error, "some file", &["truncated gzip"]);
    }
}

#[test]
fn corrupt_gzip() {
    let whole = gzip(&file_of_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]));
    let n = whole.len();
    for (at, value, words) in [
        (2, 9, "unknown compression method"),
        (3, 0xE0, "unknown header flags"),
        (10, 0x07, "invalid block type"),
        (n - 8, whole[n - 8] ^ 1, "incorrect data check"),
        (n - 4, whole[n - 4] ^ 1, "incorrect length check"),
    ] {
        let mut bytes = whole.clone();
        bytes[at] = value;
        let error = refused(&bytes);
        assert!(matches!(error.kind(), ErrorKind::CorruptGzip { .. }), "{error}");
        assert!(!error.place().unwrap().unpacked);
        assert_told(&error, "some file", &["corrupt gzip", words]);
    }
}

/// A reader that fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::other("the disk failed")),
            n => Ok(n),
        }
    }
}

#[test]
fn a_failing_reader_is_not_reported_as_a_format_error() {
    let file = file_of_bytes(&[2], &[1, 2]);
    for file in [file.clone(), gzip(&file)] {
        for n in 0..file.len() {
            let error = Idx::from_reader("burning", Failing(&file[..n])).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Io { action: "read", .. }));
            assert_told(&error, "burning", &["cannot read it", "the disk failed"]);
        }
    }
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = Idx::load(&missing).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { action: "open", .. }));
    assert_told(&error, missing.to_str().unwrap(), &["cannot open it", "check the path"]);
    let error = Idx::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "a folder: {error}");
}
