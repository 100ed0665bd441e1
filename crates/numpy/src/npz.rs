//! Archives of arrays.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::array::Array;
use crate::npy::{self, AGAIN};

/// The most bytes that a byte of deflate unpacks to: a match of 258 bytes takes at least two bits.
const MAX_RATIO: u64 = 1032;

/// An archive in a file or in memory.
pub struct Archive<R> {
    zip: ZipArchive<R>,
    packed: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the list of an archive's files, and nothing else of it.
    ///
    /// # Errors
    ///
    /// If it is damaged or cannot be read, as a whole sentence.
    pub fn new(mut content: R) -> Result<Self, String> {
        let packed = content.seek(SeekFrom::End(0)).map_err(|error| damaged(error.into()))?;
        let zip = ZipArchive::new(content).map_err(damaged)?;
        Ok(Archive { zip, packed })
    }

    /// The names of its files; those of arrays end with `.npy`.
    ///
    /// # Errors
    ///
    /// If it is damaged, as a whole sentence.
    pub fn files(&self) -> Result<Vec<String>, String> {
        self.zip.file_names().map(|name| name.map(|name| name.into_owned())).collect::<Result<_, _>>().map_err(damaged)
    }

    /// The array `name`.
    ///
    /// # Errors
    ///
    /// If there is none, or it is damaged or of another type.
    pub fn array(&mut self, name: &str) -> Result<Array, String> {
        self.content(name).and_then(Array::read)
    }

    /// The text in the array `name`, which has no dimensions.
    ///
    /// # Errors
    ///
    /// If there is none, or it is damaged or of another type.
    pub fn text(&mut self, name: &str) -> Result<String, String> {
        npy::text(&self.content(name)?)
    }

    fn content(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let packed = self.packed;
        let entry = self.zip.by_name(&format!("{name}.npy"));
        entry.map_err(|error| format!("cannot be found: {error}; {AGAIN}")).and_then(|entry| unpacked(entry, packed))
    }
}

/// An archive of these arrays: names, and contents of `.npy` files. The same arrays give the same bytes.
///
/// # Errors
///
/// If there are too many bytes for an archive.
pub fn write(arrays: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, String> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        // Stored, like numpy.savez: weights hardly compress. Without time stamps, which would differ.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(u32::try_from(array.len()).is_err());
        let written = archive.start_file(format!("{name}.npy"), options).map_err(Into::into);
        written.and_then(|()| archive.write_all(array)).map_err(|error| error.to_string())?;
    }
    Ok(archive.finish().map_err(|error| error.to_string())?.into_inner())
}

fn damaged(error: ZipError) -> String {
    format!("damaged ZIP archive: {error}; {AGAIN}")
}

/// The bytes of a file; `packed` bounds its size in the archive.
fn unpacked(mut entry: ZipFile<'_, impl Read>, packed: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be unpacked: {error}; {AGAIN}");
    let size = entry.size();
    if size / MAX_RATIO > entry.compressed_size().min(packed) {
        return Err(format!(
            "is damaged: {} compressed bytes cannot unpack to {size}; {AGAIN}",
            entry.compressed_size()
        ));
    }
    let mut bytes = Vec::new();
    entry.by_ref().take(size).read_to_end(&mut bytes).map_err(failed)?;
    // Reading to the end verifies the checksum.
    match entry.read(&mut [0]).map_err(failed)? {
        0 => Ok(bytes),
        _ => Err(format!("is longer than the archive says; {AGAIN}")),
    }
}
