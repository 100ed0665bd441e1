//! Atomically written files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use twolayer_atomic::AtomicFile;

use crate::error::CliError;

/// A file to be written at the end of a run, checked at the start.
pub struct OutputFile {
    /// As the user wrote it, for messages.
    shown: PathBuf,
    place: AtomicFile,
}

impl OutputFile {
    /// Checks that `path` can be written, so that a long run is not lost over a misspelt folder.
    pub fn new(path: &Path) -> Result<Self, CliError> {
        let fail = |why: String| CliError::new(format!("cannot write {}: {why}", path.display()));
        let place = AtomicFile::new(path).map_err(|e| match e.kind() {
            io::ErrorKind::IsADirectory => fail(format!("{e}; name a file in it")),
            io::ErrorKind::NotFound => fail(format!("{e}; create it first")),
            _ => fail(e.to_string()),
        })?;
        place.probe().map_err(|e| fail(format!("cannot create a file in {}: {e}", place.folder().display())))?;
        Ok(OutputFile { shown: path.into(), place })
    }

    /// The path as the user wrote it.
    pub fn shown(&self) -> std::path::Display<'_> {
        self.shown.display()
    }

    /// Whether both are the same file.
    pub fn is_same_file(&self, other: &OutputFile) -> bool {
        self.place.is_replaced() && self.place.path() == other.place.path()
    }

    /// Whether writing would replace the file at `path`.
    pub fn replaces(&self, path: &Path) -> bool {
        self.place.is_replaced() && fs::canonicalize(path).is_ok_and(|path| path == self.place.path())
    }

    /// Writes the contents and syncs them to disk.
    pub fn write(&self, contents: &[u8]) -> Result<(), CliError> {
        self.place.write(|file| file.write_all(contents)).map_err(|e| {
            let is_kept = self.place.is_replaced() && self.place.path().exists();
            let kept = if is_kept { "; the old file is unchanged" } else { "" };
            CliError::new(format!("cannot write {}: {e}{kept}", self.shown.display()))
        })
    }
}

/// A usage error if two options name the same file.
pub fn check_distinct(targets: &[(&str, Option<&OutputFile>)]) -> Result<(), CliError> {
    let given: Vec<_> = targets.iter().filter_map(|(option, target)| target.map(|target| (option, target))).collect();
    for (i, (option, target)) in given.iter().enumerate() {
        if let Some((other, _)) = given[..i].iter().find(|(_, earlier)| earlier.is_same_file(target)) {
            return Err(CliError::usage(format!("{other} and {option} both name {}", target.shown())));
        }
    }
    Ok(())
}
