//! A file's new content, whole or not at all.

#[cfg(unix)]
use std::fs::File;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::ErrorKind;

/// Gives the file at `path` this content.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), ErrorKind> {
    let failed = |error| ErrorKind::Io { action: "write", error };
    let before = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let reason = "it is a folder".to_owned();
            return Err(ErrorKind::NoPlace { reason });
        }
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return write_through(path, content).map_err(failed);
    }
    // Through a symbolic link, what it leads to is replaced, not the link.
    let target = match before {
        Some(_) => fs::canonicalize(path).map_err(failed)?,
        None => path.to_owned(),
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let reason = format!("there is no folder {}", folder.display());
        return Err(ErrorKind::NoPlace { reason });
    }
    write_beside(&target, folder, before.as_ref(), content).map_err(failed)
}

/// Writes to a device or a pipe, which must not be replaced by a file.
fn write_through(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(content)?;
    file.flush()
}

/// Writes a temporary file in `folder` and gives it the target's name once it is on the disk. On any failure it is
/// removed.
fn write_beside(target: &Path, folder: &Path, before: Option<&fs::Metadata>, content: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    // A temporary file is its owner's alone; this one is to become a file like any other, as the umask allows.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".twolayer-").tempfile_in(folder)?;
    file.write_all(content)?;
    if let Some(before) = before {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    // The new name must outlive a power failure too. A system that cannot sync a folder has still renamed the file.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}
