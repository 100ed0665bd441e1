//! Standard output that tolerates a closed pipe.

use std::fmt::Display;
use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::color;
use crate::error::CliError;
use crate::output_file::OutputFile;
use crate::terminal::{self, Table};

/// The width of labels.
const LABEL: usize = 10;

/// Standard output, line by line.
///
/// `println!` panics when the pipe is closed (`twolayer train | head`). Here the first failed write ends printing only:
/// a run that also writes a model continues, and [`Output::finish`] returns an error at the end unless the pipe was
/// closed.
pub struct Output {
    failure: Option<io::Error>,
    width: Option<usize>,
    quiet: bool,
    /// Whether lines go to standard error.
    diverted: bool,
}

impl Output {
    /// Standard output; with `quiet`, notes are not printed.
    pub fn new(quiet: bool) -> Self {
        Output { failure: None, width: terminal::width(io::stdout()), quiet, diverted: false }
    }

    /// Prints to standard error from now on, if one of the files to write is standard output.
    pub fn keep_stdout_for<'a>(&mut self, files: impl IntoIterator<Item = &'a OutputFile>) {
        if files.into_iter().any(OutputFile::is_stdout) {
            (self.diverted, self.width) = (true, terminal::width(io::stderr()));
        }
    }

    /// The width that lines should fit into, if known.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether to print results only, without notes and progress.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints one line, or several with their line breaks in between.
    pub fn line(&mut self, text: impl Display) {
        let choice = if self.diverted { AutoStream::choice(&io::stderr()) } else { AutoStream::choice(&io::stdout()) };
        self.write(text, choice);
    }

    fn write(&mut self, text: impl Display, choice: ColorChoice) {
        if self.failure.is_none() {
            let mut stream: Box<dyn Write> = match self.diverted {
                true => Box::new(AutoStream::new(io::stderr().lock(), choice)),
                false => Box::new(AutoStream::new(io::stdout().lock(), choice)),
            };
            self.failure = writeln!(stream, "{text}").and_then(|()| stream.flush()).err();
        }
    }

    /// Prints a label and its value.
    pub fn field(&mut self, label: &str, text: impl Display) {
        self.line(terminal::hanging(&color::padded(label, LABEL, true), &text.to_string(), self.width));
    }

    /// Prints a label that asks for attention, and its value.
    pub fn caution(&mut self, label: &str, text: impl Display) {
        self.field(&color::paint(color::DOUBT, label), text);
    }

    /// Prints a label and its value, unless quiet: what a result is of, not a result.
    pub fn context(&mut self, label: &str, text: impl Display) {
        if !self.quiet {
            self.field(label, text);
        }
    }

    /// Prints a paragraph, each line of it after `indent`.
    pub fn paragraph(&mut self, indent: &str, text: impl Display) {
        self.line(terminal::hanging(indent, &text.to_string(), self.width));
    }

    /// Prints a note, unless quiet.
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
        // As it is: names may hold what looks like a style.
        self.write(text, ColorChoice::AlwaysAnsi);
        Ok(())
    }

    /// Whether the pipe is closed.
    pub fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    /// An error if a write failed, unless the pipe was closed.
    pub fn finish(self) -> Result<(), CliError> {
        match self.failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::new(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}
