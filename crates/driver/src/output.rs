//! Standard output that survives its reader.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::error::CliError;
use crate::terminal::{self, Table};

/// Columns of the labels in front of what a report tells.
const LABEL: usize = 10;

/// Standard output, line by line.
///
/// `println!` panics when the pipe is closed (`twolayer train | head`). Here the first failed write ends the printing
/// and no more: a run that also writes a model goes on, and [`Output::finish`] says at the end if the failure was more
/// than a reader who had seen enough.
pub struct Output {
    failure: Option<io::Error>,
    width: Option<usize>,
    quiet: bool,
}

impl Output {
    /// Standard output as it is now; of one that is `quiet`, nobody wants to read notes.
    pub fn new(quiet: bool) -> Self {
        Output { failure: None, width: terminal::width(io::stdout()), quiet }
    }

    /// The columns that lines should fit into, if that is known.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether results are all that is wanted: no notes, no progress.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints one line, or several with their line breaks in between.
    pub fn line(&mut self, text: impl Display) {
        if self.failure.is_none() {
            let mut stdout = io::stdout().lock();
            self.failure = writeln!(stdout, "{text}").and_then(|()| stdout.flush()).err();
        }
    }

    /// Prints a label and what there is to tell about it.
    pub fn field(&mut self, label: &str, text: impl Display) {
        self.line(terminal::hanging(&format!("{label:<LABEL$}"), &text.to_string(), self.width));
    }

    /// Prints a paragraph, each line of it after `indent`.
    pub fn paragraph(&mut self, indent: &str, text: impl Display) {
        self.line(terminal::hanging(indent, &text.to_string(), self.width));
    }

    /// Prints a paragraph that is no result, unless that is not wanted.
    pub fn note(&mut self, text: impl Display) {
        if !self.quiet {
            self.paragraph("", text);
        }
    }

    /// Prints a table.
    pub fn table(&mut self, table: &Table) {
        self.line(table.text(self.width));
    }

    /// Prints `value` as one JSON object on one line.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(CliError::new)?;
        self.line(text);
        Ok(())
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether lines go to a person's screen rather than to a file or a pipe.
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// A closed pipe is the reader's right; anything else that kept a line from arriving is a failure.
    pub fn finish(self) -> Result<(), CliError> {
        match self.failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::new(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}
