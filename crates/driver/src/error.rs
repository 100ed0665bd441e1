//! One way to fail: a paragraph for the person at the terminal, and an exit code for the script.

use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct CliError {
    message: String,
    /// Told one by one after it.
    items: Vec<String>,
    code: u8,
}

impl CliError {
    /// Something outside the command line: a file, the machine, the numbers. Exit code 1.
    pub fn new(message: impl Display) -> Self {
        CliError { message: message.to_string(), items: Vec::new(), code: 1 }
    }

    /// An option that cannot be meant. Exit code 2, as clap's own errors.
    pub fn usage(message: impl Display) -> Self {
        CliError { message: message.to_string(), items: Vec::new(), code: 2 }
    }

    /// The same failure with more to say.
    pub fn with_note(mut self, note: impl Display) -> Self {
        self.message = format!("{} ({note})", self.message);
        self
    }

    /// The same failure of several things, each with its reason.
    pub fn with_items(mut self, items: &[String]) -> Self {
        self.items = items.to_vec();
        self
    }

    /// Prints `error: ` and the message as one line on standard error, and one for each item, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        let one_line = |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
        let mut text = format!("error: {}{}\n", one_line(&self.message), if self.items.is_empty() { "" } else { ":" });
        self.items.iter().for_each(|item| text += &format!("  {}\n", one_line(item)));
        // Nobody is left to tell if standard error is closed.
        let _ = std::io::stderr().write_all(text.as_bytes());
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
