//! The error type: a message of one or two sentences.

use std::fmt;
use std::io;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file without a readable network, or a network that a format cannot hold. The message names the file and says what
/// was found, what was expected and what to do.
#[derive(Debug)]
pub struct Error {
    file: String,
    what: String,
}

impl Error {
    pub(crate) fn new(file: &str, what: impl fmt::Display) -> Self {
        Error { file: file.to_owned(), what: what.to_string() }
    }

    pub(crate) fn io(file: &str, action: &str, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "; check the path",
            io::ErrorKind::IsADirectory => "; give a file, not a folder",
            io::ErrorKind::PermissionDenied => "; allow it to this user or give another path",
            io::ErrorKind::OutOfMemory => "; it is larger than the memory that is free",
            _ => "",
        };
        Error::new(file, format_args!("cannot {action} it: {error}{advice}"))
    }

    /// The path of the file, or the name that the caller gave.
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

impl std::error::Error for Error {}

/// Names as "a, b, c"; of very many, the first eight; each quoted and cut short, since they come from the file.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let mut shown: Vec<String> = names.iter().take(8).map(|name| short(name)).collect();
    match names.len() {
        0 => return "none".into(),
        1..=8 => {}
        n => shown.push(format!("{} more", n - 8)),
    }
    shown.join(", ")
}

/// A text from a file, quoted and cut short.
pub(crate) fn short(text: &str) -> String {
    let cut: String = text.chars().take(40).collect();
    format!("{cut:?}")
}
