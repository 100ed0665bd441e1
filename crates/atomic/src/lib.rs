//! Atomically written files.
//!
//! New content goes to a temporary file beside the target and is renamed once it is on disk. So the target is always
//! the complete old or new file, and a failure leaves no other files. A process that is killed leaves its temporary
//! file; the next one that writes into the folder removes it, unless it is locked and so still being written. A process
//! that can still act, in a handler of a signal, calls [`remove_unfinished`].

mod leftovers;
mod unfinished;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use unfinished::{Temporary, remove_unfinished, temporary};

/// A file to be written. A device or a pipe must not be replaced, and is written directly.
#[derive(Debug)]
pub struct AtomicFile {
    /// With symbolic links resolved, so that a link's target is replaced, not the link.
    path: PathBuf,
    replaced: bool,
}

impl AtomicFile {
    /// The file at `path`. Removes the temporary files of killed processes in its folder.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::IsADirectory`] if it is a folder, [`io::ErrorKind::NotFound`] if its folder does not exist, or
    /// any other error of the system.
    pub fn new(path: &Path) -> io::Result<Self> {
        let file = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io_error(io::ErrorKind::IsADirectory, "it is a folder".into())),
            Ok(found) if found.is_file() => AtomicFile { path: fs::canonicalize(path)?, replaced: true },
            // A pipe that belongs to a process, such as /dev/fd/63, has no canonical path.
            Ok(_) => AtomicFile { path: path.into(), replaced: false },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                AtomicFile { path: resolved(path), replaced: true }
            }
            Err(error) => return Err(error),
        };
        let folder = folder(&file.path);
        if file.replaced && !folder.is_dir() {
            return Err(io_error(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display())));
        }
        if file.replaced {
            leftovers::remove(folder);
        }
        Ok(file)
    }

    /// The file's path, canonical if it is one that is replaced and its folder exists.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a new file replaces the old one; false for a device or a pipe.
    pub fn is_replaced(&self) -> bool {
        self.replaced
    }

    /// The file's folder.
    pub fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// Checks that a file can be created there now.
    ///
    /// # Errors
    ///
    /// Any error of the system.
    pub fn probe(&self) -> io::Result<()> {
        if self.replaced { temporary(self.folder()).map(drop) } else { Ok(()) }
    }

    /// Replaces the file's content with what `write` writes, and syncs it to disk. Permissions are kept.
    ///
    /// # Errors
    ///
    /// Those of `write` and the system's; the old file is unchanged then.
    pub fn write(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        if !self.replaced {
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            write(&mut file)?;
            return file.flush();
        }
        let mut file = temporary(self.folder())?;
        write(file.as_file_mut())?;
        if let Ok(old) = fs::metadata(&self.path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        // The rename is durable once the folder is synced. Some systems cannot open folders.
        File::open(self.folder()).and_then(|folder| folder.sync_all()).or(Ok(()))
    }
}

fn io_error(kind: io::ErrorKind, text: String) -> io::Error {
    io::Error::new(kind, text)
}

/// The canonical path of a file that does not exist yet: dangling links followed, its folder canonical, so that two
/// spellings of one file compare equal.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    // The number of links that systems follow before they report a loop.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            Err(_) => break,
        }
    }
    match (fs::canonicalize(folder(&path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
