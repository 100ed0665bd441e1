//! Errors, each with what was found and what was expected.

use std::fmt;

/// The result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. Its text is one sentence with what was found and what was expected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// No instruction-set level has this name.
    UnknownLevel {
        /// The name.
        name: String,
        /// The valid names.
        known: &'static [&'static str],
    },
    /// This processor lacks the instruction set.
    LevelUnavailable {
        /// The level's name.
        name: &'static str,
        /// The levels that the processor has.
        available: Vec<&'static str>,
    },
    /// A dimension is zero or too large, or shapes do not fit each other.
    Shape {
        /// What is wrong.
        what: String,
    },
    /// A buffer's length does not fit the shape.
    Length {
        /// Which buffer.
        what: &'static str,
        /// Its length in elements.
        found: usize,
        /// The length expected, in words.
        expected: String,
    },
    /// A label is not a class.
    Label {
        /// The row.
        row: usize,
        /// The label.
        found: String,
        /// The number of classes.
        classes: usize,
    },
    /// A batch or a data set without rows.
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// An option's value is invalid.
    Option {
        /// Which option.
        name: &'static str,
        /// Its value and what was expected.
        what: String,
    },
    /// A sampler chose a row that does not exist.
    Sample {
        /// The iteration.
        iteration: usize,
        /// The row.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// The system refused to start a thread.
    Thread {
        /// The number of threads requested.
        threads: usize,
        /// The system's error.
        what: String,
    },
    /// The loss or a weight became infinite or NaN.
    Diverged {
        /// The iteration.
        iteration: usize,
        /// The loss, or the name of a parameter.
        what: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownLevel { name, known } => {
                write!(f, "unknown instruction-set level '{name}'; expected one of {}", known.join(", "))
            }
            Error::LevelUnavailable { name, available } => {
                write!(f, "this processor lacks the instruction-set level '{name}'; it has {}", available.join(", "))
            }
            Error::Shape { what } => f.write_str(what),
            Error::Length { what, found, expected } => {
                write!(f, "{what} has {found} elements; expected {expected}")
            }
            Error::Label { row, found, classes } => {
                write!(f, "label {found} in row {row} is not a class; expected 0 to {}", classes - 1)
            }
            Error::Empty { what } => write!(f, "{what} has no rows; expected at least one"),
            Error::Option { name, what } => write!(f, "{name} {what}"),
            Error::Sample { iteration, row, rows } => {
                write!(f, "the batch of iteration {iteration} has row {row}; there are {rows} rows")
            }
            Error::Thread { threads, what } => {
                write!(f, "the system refused to start {threads} threads ({what}); use fewer")
            }
            Error::Diverged { iteration, what } => write!(
                f,
                "training diverged: {what} is not finite in iteration {iteration}; try a lower learning rate, unless an \
                 input or initial weight was not finite"
            ),
        }
    }
}

impl std::error::Error for Error {}
