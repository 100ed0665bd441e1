//! Files to write: atomically, or standard output for `-`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use twolayer_atomic::AtomicFile;

use crate::error::CliError;

/// A file to be written at the end of a run, checked at the start.
pub struct OutputFile {
    /// As the user wrote it, for messages.
    shown: PathBuf,
    /// None for standard output.
    place: Option<AtomicFile>,
}

/// The names of standard output and input among paths.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
const STDIN: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// Whether the path means standard input.
pub fn is_stdin(path: &Path) -> bool {
    STDIN.iter().any(|name| path.as_os_str() == *name)
}

impl OutputFile {
    /// Checks that `path` can be written, so that a long run is not lost over a misspelt folder.
    pub fn new(path: &Path) -> Result<Self, CliError> {
        let fail = |why: String| CliError::new(format!("cannot write {}: {why}", path.display()));
        if STDOUT.iter().any(|name| path.as_os_str() == *name) {
            return Ok(OutputFile { shown: "standard output".into(), place: None });
        }
        let place = AtomicFile::new(path).map_err(|e| match e.kind() {
            io::ErrorKind::IsADirectory => fail(format!("{e}; name a file in it")),
            io::ErrorKind::NotFound => fail(format!("{e}; create it first")),
            _ => fail(e.to_string()),
        })?;
        place.probe().map_err(|e| fail(format!("cannot create a file in {}: {e}", place.folder().display())))?;
        Ok(OutputFile { shown: path.into(), place: Some(place) })
    }

    /// The path as the user wrote it.
    pub fn shown(&self) -> std::path::Display<'_> {
        self.shown.display()
    }

    /// Whether it is standard output, which then must hold nothing else.
    pub fn is_stdout(&self) -> bool {
        self.place.is_none()
    }

    /// Whether both are the same file.
    pub fn is_same_file(&self, other: &OutputFile) -> bool {
        match (&self.place, &other.place) {
            (Some(one), Some(other)) => one.is_replaced() && one.path() == other.path(),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    /// Whether writing would replace the file at `path`.
    pub fn replaces(&self, path: &Path) -> bool {
        let replaced = self.place.as_ref().filter(|place| place.is_replaced());
        replaced.is_some_and(|place| fs::canonicalize(path).is_ok_and(|path| path == place.path()))
    }

    /// Writes the contents and syncs them to disk.
    pub fn write(&self, contents: &[u8]) -> Result<(), CliError> {
        self.write_with(|out| out.write_all(contents))
    }

    /// The same for contents that are made piece by piece. The end of a pipe that nobody reads any more is no error.
    pub fn write_with(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CliError> {
        let buffered = |out: &mut dyn Write| {
            let mut out = BufWriter::new(out);
            write(&mut out).and_then(|()| out.flush())
        };
        match &self.place {
            None => match buffered(&mut io::stdout().lock()) {
                Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                    Err(CliError::new(format!("cannot write to standard output: {e}")))
                }
                _ => Ok(()),
            },
            Some(place) => place.write(|file| buffered(file)).map_err(|e| {
                let is_kept = place.is_replaced() && place.path().exists();
                let kept = if is_kept { "; the old file is unchanged" } else { "" };
                CliError::new(format!("cannot write {}: {e}{kept}", self.shown.display()))
            }),
        }
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
