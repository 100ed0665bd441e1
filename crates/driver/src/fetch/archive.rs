//! EMNIST: one archive with the files of every split; extracts four of them.
//!
//! The archive's checksum is published; those of its files are written to `MD5SUMS` when they are extracted (also for
//! `md5sum -c`), so that a later call can check them without the archive.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use zip::ZipArchive;

use crate::error::CliError;
use crate::md5;
use crate::output_file::OutputFile;

/// The file with the checksums of extracted files.
const SUMS: &str = "MD5SUMS";

/// Whether all `members` are in the folder with the recorded checksums.
pub fn is_unpacked(folder: &Path, members: &[String]) -> Result<bool, CliError> {
    let Ok(sums) = fs::read_to_string(folder.join(SUMS)) else {
        return Ok(false);
    };
    for member in members {
        let path = folder.join(member);
        let Some(expected) = sums.lines().find_map(|line| line.strip_suffix(&format!("  {member}"))) else {
            return Ok(false);
        };
        let found = match File::open(&path).and_then(md5::of) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(CliError::new(format!("cannot read {}: {e}", path.display()))),
        };
        if found != expected {
            return Err(not_ours(&path, &found, expected));
        }
    }
    Ok(true)
}

/// Extracts `members`; each is renamed to its final name when it is complete.
pub fn unpack(archive: &Path, folder: &Path, members: &[String]) -> Result<(), CliError> {
    let fail = |why: String| CliError::new(format!("cannot unpack {}: {why}", archive.display()));
    let file = File::open(archive).map_err(|e| fail(e.to_string()))?;
    let mut zip = ZipArchive::new(file).map_err(|e| fail(e.to_string()))?;
    let mut sums = String::new();
    for member in members {
        let names: Vec<String> = zip.file_names().flatten().map(|name| name.into_owned()).collect();
        let inside = names.iter().find(|name| name.rsplit('/').next() == Some(member));
        let inside = inside.ok_or_else(|| fail(format!("it has no {member}")))?;
        let mut reader = zip.by_name(inside).map_err(|e| fail(e.to_string()))?;
        let mut unpacked = twolayer_atomic::temporary(folder).map_err(|e| fail(e.to_string()))?;
        io::copy(&mut reader, &mut unpacked).map_err(|e| fail(format!("{member}: {e}")))?;
        unpacked.flush().and_then(|()| unpacked.as_file().sync_all()).map_err(|e| fail(e.to_string()))?;
        let sum = File::open(unpacked.path()).and_then(md5::of).map_err(|e| fail(e.to_string()))?;
        place(unpacked, &folder.join(member), &sum)?;
        sums += &format!("{sum}  {member}\n");
    }
    OutputFile::new(&folder.join(SUMS))?.write(sums.as_bytes())
}

/// Renames a temporary file, unless the name is taken.
fn place(unpacked: twolayer_atomic::Temporary, path: &Path, sum: &str) -> Result<(), CliError> {
    if let Ok(found) = File::open(path).and_then(md5::of) {
        return if found == sum { Ok(()) } else { Err(not_ours(path, &found, sum)) };
    }
    let fail = |e: io::Error| CliError::new(format!("cannot write {}: {e}", path.display()));
    unpacked.persist(path).map_err(fail)
}

fn not_ours(path: &Path, found: &str, expected: &str) -> CliError {
    let path = path.display();
    CliError::new(format!(
        "{path} is not the published file: its MD5 sum is {found}; expected {expected}; move it away or remove it, and \
         fetch again"
    ))
}
