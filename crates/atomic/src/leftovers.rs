//! Removes the temporary files of killed processes.

use std::fs::{self, OpenOptions};
use std::path::Path;

/// The prefix of the names of temporary files.
pub(crate) const PREFIX: &str = ".twolayer-tmp-";

/// Removes the unlocked temporary files in `folder`. Those that cannot be opened or removed stay.
pub(crate) fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        // Opening a pipe would block.
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // Removed while locked, so that a process that has just created it and waits for the lock finds it removed.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
}
