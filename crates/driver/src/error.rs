//! The error of a command: a message and an exit code.

use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

use crate::color;

/// Why a command failed.
#[derive(Debug)]
pub struct CliError {
    message: String,
    /// Listed after the message.
    items: Vec<String>,
    code: u8,
}

impl CliError {
    /// A failure other than wrong usage. Exit code 1.
    pub fn new(message: impl Display) -> Self {
        CliError { message: message.to_string(), items: Vec::new(), code: 1 }
    }

    /// Wrong usage. Exit code 2, as clap's errors.
    pub fn usage(message: impl Display) -> Self {
        CliError { message: message.to_string(), items: Vec::new(), code: 2 }
    }

    /// The same error with a note.
    pub fn with_note(mut self, note: impl Display) -> Self {
        self.message = format!("{} ({note})", self.message);
        self
    }

    /// The same error with a list of items.
    pub fn with_items(mut self, items: &[String]) -> Self {
        self.items = items.to_vec();
        self
    }

    /// Prints `error: ` and the message on standard error, a line for each item, and returns the exit code.
    pub fn report(&self) -> ExitCode {
        let one_line = |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
        let error = color::paint(color::WRONG, "error:");
        let mut text = format!("{error} {}{}\n", one_line(&self.message), if self.items.is_empty() { "" } else { ":" });
        self.items.iter().for_each(|item| text += &format!("  {}\n", one_line(item)));
        // Standard error may be closed.
        let _ = anstream::stderr().write_all(text.as_bytes());
        ExitCode::from(self.code)
    }
}

impl Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<twolayer_core::Error> for CliError {
    fn from(error: twolayer_core::Error) -> Self {
        CliError::new(error)
    }
}

impl From<twolayer_data::Error> for CliError {
    fn from(error: twolayer_data::Error) -> Self {
        CliError::new(error)
    }
}

impl From<twolayer_idx::Error> for CliError {
    fn from(error: twolayer_idx::Error) -> Self {
        CliError::new(error)
    }
}

impl From<twolayer_interchange::Error> for CliError {
    fn from(error: twolayer_interchange::Error) -> Self {
        CliError::new(error)
    }
}

impl From<twolayer_model::Error> for CliError {
    fn from(error: twolayer_model::Error) -> Self {
        CliError::new(error)
    }
}
