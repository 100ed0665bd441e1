//! Standard output that survives its reader.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::error::Failure;

/// Standard output, line by line.
///
/// `println!` panics when the pipe is closed (`twolayer train | head`). Here the first failed write ends the printing
/// and no more: a run that also writes a model goes on, and [`Output::finish`] says at the end if the failure was more
/// than a reader who had seen enough.
#[derive(Default)]
pub struct Output {
    failure: Option<io::Error>,
}

impl Output {
    /// Prints one line, or several with their line breaks in between.
    pub fn line(&mut self, text: impl Display) {
        if self.failure.is_none() {
            let mut stdout = io::stdout().lock();
            self.failure = writeln!(stdout, "{text}").and_then(|()| stdout.flush()).err();
        }
    }

    /// Prints `value` as one JSON object on one line.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::new)?;
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
    pub fn finish(self) -> Result<(), Failure> {
        match self.failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}
