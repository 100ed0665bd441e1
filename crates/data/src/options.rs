//! What the caller may say and hear of reading a set.

use std::path::Path;

/// Is called with a file or folder, how much of it has been read, and how much there is.
pub type Progress<'a> = dyn Fn(&Path, u64, u64) + 'a;

/// How to read a set.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The column of CSV files that has the labels: its name in the first line, or its number from 1. Without it, the
    /// column called `label` or `class`, or the first if the files have no names of columns.
    pub label_column: Option<&'a str>,
    /// Is called again and again while reading what takes long.
    pub progress: Option<&'a Progress<'a>>,
}

impl Options<'_> {
    pub(crate) fn progress(&self, path: &Path, done: u64, total: u64) {
        if let Some(progress) = self.progress {
            progress(path, done, total);
        }
    }
}
