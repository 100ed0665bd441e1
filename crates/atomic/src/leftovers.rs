//! What processes that were killed left in a folder.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::PREFIX;

/// Removes the temporary files that nobody holds any more. What cannot be looked at or removed stays: it is in nobody's
/// way.
pub(crate) fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        // A pipe of such a name would be waited for.
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // Removed while the lock is held, so that whoever has just made it and waits for the lock sees it gone.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
}
