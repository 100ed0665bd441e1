//! Archives of arrays.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::array::Array;
use crate::npy::{self, AGAIN, Header, failed};

/// The most bytes that a byte of deflate unpacks to: a match of 258 bytes takes at least two bits.
const MAX_RATIO: u64 = 1032;

/// The most bytes of an array that holds a text.
const MAX_TEXT: u64 = 4096;

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

    /// What the array `name` says of itself; reads no more of it.
    ///
    /// # Errors
    ///
    /// If there is none, or it is damaged, of another length than it says or of another type than
    /// [`Type`](crate::Type) has.
    pub fn header(&mut self, name: &str) -> Result<Header, String> {
        let mut entry = self.entry(name)?;
        let (header, length) = npy::read(&mut entry)?;
        header.check_length(entry.size().saturating_sub(length as u64))?;
        Ok(header)
    }

    /// The array `name`.
    ///
    /// # Errors
    ///
    /// If there is none, it is damaged or of another type than [`Type`](crate::Type) has, or there is not enough memory.
    pub fn array(&mut self, name: &str) -> Result<Array, String> {
        let mut entry = self.entry(name)?;
        let (header, length) = npy::read(&mut entry)?;
        let array = Array::read(header, entry.size().saturating_sub(length as u64), &mut entry)?;
        end(entry)?;
        Ok(array)
    }

    /// The text in the array `name`, which has no dimensions.
    ///
    /// # Errors
    ///
    /// If there is none, or it is damaged, long or of another type.
    pub fn text(&mut self, name: &str) -> Result<String, String> {
        let mut entry = self.entry(name)?;
        if entry.size() > MAX_TEXT {
            return Err(format!("has {} bytes; expected a word", entry.size()));
        }
        let mut bytes = Vec::new();
        entry.by_ref().take(MAX_TEXT).read_to_end(&mut bytes).map_err(failed)?;
        end(entry)?;
        npy::text(&bytes)
    }

    fn entry(&mut self, name: &str) -> Result<ZipFile<'_, R>, String> {
        let packed = self.packed;
        let entry = self.zip.by_name(&format!("{name}.npy"));
        let entry = entry.map_err(|error| format!("cannot be found: {error}; {AGAIN}"))?;
        let (size, compressed) = (entry.size(), entry.compressed_size());
        match size / MAX_RATIO > compressed.min(packed) {
            true => Err(format!("is damaged: {compressed} compressed bytes cannot unpack to {size}; {AGAIN}")),
            false => Ok(entry),
        }
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

/// Checks that nothing follows; this also verifies the checksum.
fn end(mut entry: ZipFile<'_, impl Read>) -> Result<(), String> {
    match entry.read(&mut [0]).map_err(failed)? {
        0 => Ok(()),
        _ => Err(format!("is longer than the archive says; {AGAIN}")),
    }
}
