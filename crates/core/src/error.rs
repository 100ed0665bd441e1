//! What can go wrong, each with what was found and what was expected.

use std::fmt;

/// The result of the core's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the core. Its text is one sentence that names the place, what was found and what was expected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// No instruction-set level has this name.
    UnknownLevel {
        /// The name that was asked for.
        name: String,
    },
    /// This processor lacks the instruction set.
    LevelUnavailable {
        /// The level's name.
        name: &'static str,
    },
    /// A dimension is zero, or the sizes are beyond what memory can hold.
    Shape {
        /// Which quantity is out of range, and how.
        what: String,
    },
    /// A buffer's length does not fit the shape.
    Length {
        /// Which buffer.
        what: &'static str,
        /// Its length in elements.
        found: usize,
        /// What the length must be, in words.
        expected: String,
    },
    /// A label is not one of the classes.
    Label {
        /// The label's row.
        row: usize,
        /// What was found there.
        found: String,
        /// How many classes there are.
        classes: usize,
    },
    /// A batch or a data set without rows.
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// An option's value makes no sense.
    Option {
        /// Which option.
        name: &'static str,
        /// Its value and what it must be.
        what: String,
    },
    /// A sampler asked for a row that is not there.
    Sample {
        /// The iteration whose batch it is.
        iteration: usize,
        /// The row that was asked for.
        row: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// The system would not start a thread.
    Thread {
        /// How many the team was to have.
        threads: usize,
        /// What the system said.
        what: String,
    },
    /// The loss or a weight became infinite or NaN.
    Diverged {
        /// The iteration in which it was seen first.
        iteration: usize,
        /// What was not finite: the loss or a parameter.
        what: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownLevel { name } => {
                write!(f, "unknown instruction-set level '{name}'; expected one of {}", crate::Level::NAMES.join(", "))
            }
            Error::LevelUnavailable { name } => {
                let have: Vec<_> = crate::Level::available().into_iter().map(crate::Level::name).collect();
                write!(f, "this processor lacks the instruction-set level '{name}'; it has {}", have.join(", "))
            }
            Error::Shape { what } => f.write_str(what),
            Error::Length { what, found, expected } => {
                write!(f, "{what} has {found} elements; expected {expected}")
            }
            Error::Label { row, found, classes } => {
                write!(f, "label {found} in row {row} is not a class; expected 0 to {}", classes - 1)
            }
            Error::Empty { what } => write!(f, "{what} has no rows; at least one is needed"),
            Error::Option { name, what } => write!(f, "{name} {what}"),
            Error::Sample { iteration, row, rows } => {
                write!(f, "the batch of iteration {iteration} asks for row {row}; there are {rows}")
            }
            Error::Thread { threads, what } => {
                write!(f, "the system refused to start a team of {threads} threads ({what}); ask for fewer")
            }
            Error::Diverged { iteration, what } => write!(
                f,
                "training diverged: {what} is no longer finite in iteration {iteration}; a smaller learning rate may \
                 help, unless an input or a weight was not finite to begin with"
            ),
        }
    }
}

impl std::error::Error for Error {}
