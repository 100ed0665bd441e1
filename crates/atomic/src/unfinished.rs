//! Temporary files, and a list of them for a process that must end at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

use crate::leftovers::PREFIX;

/// The temporary files that exist, or are about to.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The standard library takes memory for longer paths, in bytes.
const LONGEST: usize = 383;

/// Removes the temporary files of this process, unless another thread is just creating one or their paths are very
/// long: it neither waits nor takes memory, so that it may be called in the handler of a signal. The process must end
/// then.
pub fn remove_unfinished() {
    if let Ok(paths) = UNFINISHED.try_lock() {
        let short = paths.iter().filter(|path| path.as_os_str().len() <= LONGEST);
        short.for_each(|path| drop(fs::remove_file(path)));
    }
}

/// An entry of the list.
#[derive(Debug)]
struct Listed(PathBuf);

impl Listed {
    /// Before the file is created, so that an allocation that fails here leaves no file.
    fn new(path: &Path) -> io::Result<Self> {
        let (mine, listed) = (path.to_owned(), path.to_owned());
        let mut list = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        // Not `push` alone, whose failure would end the process while the list is locked.
        list.try_reserve(1).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        list.push(listed);
        Ok(Listed(mine))
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// A locked temporary file, which is removed unless it is persisted.
#[derive(Debug)]
pub struct Temporary {
    // Dropped, and so removed, before it leaves the list.
    file: NamedTempFile,
    listed: Listed,
}

impl Temporary {
    /// The file.
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// The file, to be written.
    pub fn as_file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Renames it to `path`, replacing what is there.
    ///
    /// # Errors
    ///
    /// The system's; the temporary file is removed then.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        let Temporary { file, listed } = self;
        let persisted = file.persist(path).map(drop).map_err(|error| error.error);
        drop(listed);
        persisted
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A new temporary file in `folder`.
///
/// # Errors
///
/// The system's, without the temporary file's name.
pub fn temporary(folder: &Path) -> io::Result<Temporary> {
    loop {
        let mut listed = None;
        // Permissions by the umask, as for any new file. (Those that `tempfile` creates itself are private.)
        let create = |path: &Path| {
            listed = Some(Listed::new(path)?);
            OpenOptions::new().read(true).write(true).create_new(true).open(path)
        };
        let file = tempfile::Builder::new().prefix(PREFIX).make_in(folder, create).map_err(without_path)?;
        let listed = listed.expect("a file has been created");
        // On a file system without locks, leftovers cannot be distinguished from files in use, so they stay.
        let _ = file.as_file().lock();
        // Before it was locked, another process may have removed it as a leftover.
        if file.path().exists() {
            return Ok(Temporary { file, listed });
        }
    }
}

/// `tempfile` adds the path to the system's message.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    io::Error::new(error.kind(), text.split(" at path ").next().unwrap_or(&text).to_owned())
}
