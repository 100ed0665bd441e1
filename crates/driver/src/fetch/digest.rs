//! Checks whether a file is the published one, by its MD5 sum.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::md5;
use crate::published_datasets::Remote;

/// The most bytes that a known file unpacks to: a bound for wrong files.
const CONTENT_AT_MOST: u64 = 64 << 20;

/// Whether a file is the published one; if not, its checksum.
pub fn verify(path: &Path, file: &Remote) -> io::Result<Result<(), String>> {
    let found = md5::of(File::open(path)?)?;
    if found == file.md5 {
        return Ok(Ok(()));
    }
    let Some(content) = file.content_md5 else {
        return Ok(Err(found));
    };
    match md5::of(MultiGzDecoder::new(File::open(path)?).take(CONTENT_AT_MOST)) {
        Ok(unpacked) if unpacked == content => Ok(Ok(())),
        // Not gzip, or other data: in either case not the file.
        _ => Ok(Err(found)),
    }
}
