//! Files written whole or not at all.
//!
//! New content goes to a temporary file beside the target, which takes its name once everything is on the disk: the
//! target is the old file or the new one, never a part, and on a failure nothing else is left. A process that is killed
//! leaves its temporary file; the next that writes into the same folder removes it. It knows a file that is still being
//! written by its lock, which the system takes away from the dead.

mod leftovers;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How the names of temporary files begin.
const PREFIX: &str = ".twolayer-tmp-";

/// Where a file is to be written. What is no regular file (a device, a pipe) must not be replaced by one, and is written
/// straight.
#[derive(Debug)]
pub struct Place {
    /// With symbolic links followed, so that a link stays and what it leads to is replaced.
    path: PathBuf,
    replaced: bool,
}

impl Place {
    /// The place that `path` leads to. What killed processes left in its folder is removed.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::IsADirectory`] if it is a folder, [`io::ErrorKind::NotFound`] if its folder does not exist, and
    /// the system's own.
    pub fn new(path: &Path) -> io::Result<Self> {
        let place = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(told(io::ErrorKind::IsADirectory, "it is a folder".into())),
            Ok(found) => Place { path: fs::canonicalize(path)?, replaced: found.is_file() },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Place { path: resolved(path), replaced: true },
            Err(error) => return Err(error),
        };
        let folder = folder(&place.path);
        if place.replaced && !folder.is_dir() {
            return Err(told(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display())));
        }
        if place.replaced {
            leftovers::remove(folder);
        }
        Ok(place)
    }

    /// The file itself, by its one true name where it exists or its folder does.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a new file takes the old one's name; otherwise it is a device or a pipe.
    pub fn is_replaced(&self) -> bool {
        self.replaced
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// Whether a file could be made there now.
    ///
    /// # Errors
    ///
    /// Those of the system, if not.
    pub fn probe(&self) -> io::Result<()> {
        if self.replaced { temporary(self.folder()).map(drop) } else { Ok(()) }
    }

    /// Gives the file the content that `write` writes, on the disk. An old file's permissions are kept.
    ///
    /// # Errors
    ///
    /// Those of `write` and of the system. What was there before is as it was then.
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
        file.persist(&self.path).map_err(|e| e.error)?;
        // The new name is durable once its folder is; where folders cannot be opened there is nothing to do.
        File::open(self.folder()).and_then(|folder| folder.sync_all()).or(Ok(()))
    }
}

/// A file in `folder` that is removed unless it is given a name, and with which nobody interferes.
///
/// # Errors
///
/// Those of the system, without the file's name, which would tell a user nothing.
pub fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    // As any other new file: what the umask leaves. (Temporary files are private by default.)
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let file = builder.tempfile_in(folder).map_err(without_path)?;
        // A file system without locks has leftovers for ever: they cannot be told from files in use.
        let _ = file.as_file().lock();
        // It had no lock for a moment, and somebody else may have taken it for a leftover.
        if file.path().exists() {
            return Ok(file);
        }
    }
}

fn told(kind: io::ErrorKind, text: String) -> io::Error {
    io::Error::new(kind, text)
}

/// `tempfile` adds the path to the system's words.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    told(error.kind(), text.split(" at path ").next().unwrap_or(&text).into())
}

/// Where a file that does not exist yet would be: links that lead nowhere followed, and its folder by its one true
/// name, so that two spellings of one file are seen to be one.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    // As many links as systems follow before they see a circle.
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
