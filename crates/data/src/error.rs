//! The error type: a file, a place in it, and what is wrong.

use std::fmt;
use std::io;
use std::path::Path;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure to read a data set. Its text names the file and the place, what was found, what was expected and what to do.
#[derive(Debug)]
pub enum Error {
    /// Of IDX files, or of images and labels that do not fit, whatever their form.
    Set(twolayer_idx::Error),
    /// Of other files.
    Other {
        /// The file or folder.
        file: String,
        /// What was found, what was expected and what to do; for a line or column, begins with it.
        what: String,
    },
}

impl Error {
    pub(crate) fn new(file: &Path, what: impl fmt::Display) -> Self {
        Error::Other { file: file.display().to_string(), what: what.to_string() }
    }

    pub(crate) fn io(file: &Path, action: &str, error: &io::Error) -> Self {
        let advice = if error.kind() == io::ErrorKind::NotFound { "; check the path" } else { "" };
        Error::new(file, format_args!("cannot {action} it: {error}{advice}"))
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Set(error) => error.fmt(f),
            Error::Other { file, what } => write!(f, "{file}: {what}"),
        }
    }
}

impl From<twolayer_idx::Error> for Error {
    fn from(error: twolayer_idx::Error) -> Self {
        Error::Set(error)
    }
}
