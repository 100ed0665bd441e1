//! Errors: which file, what was found, what was expected, what to do.

use std::fmt;
use std::io;
use std::path::Path;

use crate::format::{FORMAT_VERSIONS, INPUT_SCALE};
use crate::kind::FileKind;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure to read or write a model.
///
/// Its text names the file (or the name that the caller gave to a slice or reader), what was found, what was expected
/// and what to do; it includes an underlying [`io::Error`].
pub struct Error(Box<Inner>);

struct Inner {
    file: String,
    kind: ErrorKind,
}

const GIVE_A_MODEL: &str = "give a model file written by `twolayer train --out`";
const TRAIN_AGAIN: &str = "copy or train the model again";

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is not a safetensors file, or one with a header far longer than a model's.
    #[error("not a model but {found}; {}", found.advice())]
    NotAModel {
        /// What it is.
        found: FileKind,
    },
    /// The header is damaged.
    #[error("corrupt safetensors header: {reason}; {TRAIN_AGAIN}")]
    CorruptHeader {
        /// Where and how.
        reason: String,
    },
    /// The file is shorter than its header says.
    #[error("truncated: it ends after {found} of at least {expected} bytes; {TRAIN_AGAIN}")]
    Truncated {
        /// Bytes announced by the header, or the least that the header itself needs.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Bytes follow the last tensor.
    #[error("{} after the {expected} bytes that its header announces; {TRAIN_AGAIN}", Trailing(*expected, *found))]
    TrailingBytes {
        /// Bytes announced.
        expected: u64,
        /// Bytes found, if known.
        found: Option<u64>,
    },
    /// A tensor is missing.
    #[error(
        "no tensor {tensor}: a model has W1, b1, W2 and b2, but the file has {}; {}",
        Names(found),
        advice_on_tensors(found)
    )]
    MissingTensor {
        /// Its name.
        tensor: &'static str,
        /// The names found, sorted.
        found: Vec<String>,
    },
    /// There are tensors that a two-layer network does not have.
    #[error("not a two-layer network: besides W1, b1, W2 and b2 the file has {}; {GIVE_A_MODEL}", Names(found))]
    ExtraTensors {
        /// Their names, sorted.
        found: Vec<String>,
    },
    /// A tensor is neither `F32` nor `F64`.
    #[error("tensor {tensor} has type {found}; expected F32 or F64; convert it or {GIVE_A_MODEL}")]
    WrongType {
        /// Its name.
        tensor: &'static str,
        /// Its type.
        found: String,
    },
    /// The tensors have different types.
    #[error("tensor {tensor} has type {found}, but W1 has {expected}; all four must have the same type")]
    MixedTypes {
        /// The first tensor that differs from `W1`.
        tensor: &'static str,
        /// Its type.
        found: String,
        /// The type of `W1`.
        expected: String,
    },
    /// A tensor's shape does not fit the network.
    #[error("tensor {tensor} has shape {found:?}; expected {expected}; {GIVE_A_MODEL}")]
    WrongShape {
        /// Its name.
        tensor: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape expected, in words or from the other tensors.
        expected: String,
    },
    /// There is not enough memory for the network.
    #[error("its network needs about {} MB of memory, which the system refuses; end other programs", bytes.div_ceil(1_000_000))]
    OutOfMemory {
        /// What it needs.
        bytes: u128,
    },
    /// No network can have these sizes.
    #[error("its tensors do not form a network: {reason}; {GIVE_A_MODEL}")]
    ImpossibleShape {
        /// Why not.
        reason: String,
    },
    /// The metadata lacks an entry.
    #[error("its metadata has no entry {key}; {TRAIN_AGAIN}")]
    MissingMetadata {
        /// Its key.
        key: &'static str,
    },
    /// The format version is unknown.
    #[error(
        "unknown format version {found:?}; expected {:?} or {:?}; read it with the version of twolayer that wrote it",
        FORMAT_VERSIONS[0],
        FORMAT_VERSIONS[1]
    )]
    UnknownVersion {
        /// The version in the file.
        found: String,
    },
    /// The metadata's shape differs from that of the tensors.
    #[error("its metadata gives the shape {found:?}, but its tensors have {expected:?}; {TRAIN_AGAIN}")]
    ShapeMismatch {
        /// The metadata's shape.
        found: String,
        /// The tensors' shape.
        expected: String,
    },
    /// The inputs are not scaled by 1/255.
    #[error("its inputs are scaled by {found:?}; expected {INPUT_SCALE:?}; {GIVE_A_MODEL}")]
    UnknownScale {
        /// The scale in the file.
        found: String,
    },
    /// The activation is unknown.
    #[error(
        "its activation is {found:?}; expected sigmoid or relu; read it with the version of twolayer that wrote it"
    )]
    UnknownActivation {
        /// Its name.
        found: String,
    },
    /// The model was trained by an engine that no longer exists.
    #[error(
        "it was trained with --engine {found}, which this version no longer has; train it again, or use the version of \
         twolayer that wrote it"
    )]
    UnknownEngine {
        /// Its name.
        found: String,
    },
    /// A weight is infinite or NaN.
    #[error(
        "tensor {tensor} has an infinite or NaN value at row {row}, column {column}; train the model again, with a lower \
         learning rate if training diverged"
    )]
    NotFinite {
        /// The tensor's name.
        tensor: &'static str,
        /// The row, from 0; 0 in a bias.
        row: usize,
        /// The column, from 0.
        column: usize,
    },
    /// The options are too long to be stored.
    #[error(
        "its header would take {found} bytes with these training options; at most {limit} can be read; shorten them"
    )]
    OptionsTooLong {
        /// Bytes that the header would take.
        found: usize,
        /// Bytes that it can take.
        limit: usize,
    },
    /// The path is a folder, or its folder does not exist.
    #[error("cannot write it: {reason}; give another path")]
    NoPlace {
        /// Why the path cannot be written.
        reason: String,
    },
    /// The operating system reported an error.
    #[error("cannot {action} it: {error}{}", advice(error))]
    Io {
        /// The operation, for instance "open".
        action: &'static str,
        /// The system's error.
        error: io::Error,
    },
}

impl Error {
    pub(crate) fn new(file: &str, kind: ErrorKind) -> Self {
        let file = file.to_owned();
        Error(Box::new(Inner { file, kind }))
    }

    /// The path of the file, or the name the caller gave to a slice or a reader.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file(), self.kind())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("file", &self.0.file).field("kind", &self.0.kind).finish()
    }
}

/// The name of a path in errors.
pub(crate) fn name_of(path: &Path) -> String {
    path.display().to_string()
}

/// Advice on a file with these tensors.
fn advice_on_tensors(found: &[String]) -> &'static str {
    match found.iter().any(|name| name.ends_with(".weight")) {
        true => "`twolayer import FILE --out MODEL` makes a model of a two-layer network in PyTorch",
        false => GIVE_A_MODEL,
    }
}

/// Advice on an error of the system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::IsADirectory => "; give a file, not a folder",
        io::ErrorKind::PermissionDenied => "; allow it to this user or give another path",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space or give another path",
        _ => "",
    }
}

/// Names as "a, b, c", at most eight, each quoted and shortened, since they come from the file.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (i, name) in self.0.iter().take(8).enumerate() {
            let short: String = name.chars().take(40).collect();
            write!(f, "{}{short:?}", if i == 0 { "" } else { ", " })?;
        }
        match self.0.len() {
            0..=8 => Ok(()),
            n => write!(f, " and {} more", n - 8),
        }
    }
}

/// The bytes after the expected end.
struct Trailing(u64, Option<u64>);

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(found) => write!(f, "trailing bytes: {}", found.saturating_sub(self.0)),
            None => f.write_str("trailing bytes: at least one"),
        }
    }
}
