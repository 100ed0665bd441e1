//! The sentences that errors are told in.

use std::fmt;
use std::io;

use crate::{Error, ErrorKind, FORMAT_VERSIONS, INPUT_SCALE};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file(), self.kind())
    }
}

const ANOTHER: &str = "give a model file that `twolayer train --out` has written";
const AGAIN: &str = "copy or train the model again";

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            NotSafetensors { .. }
            | CorruptHeader { .. }
            | Truncated { .. }
            | TrailingBytes { .. }
            | UnknownVersion { .. }
            | MissingMetadata { .. }
            | ShapeMismatch { .. }
            | UnknownScale { .. }
            | UnknownActivation { .. } => self.fmt_file(f),
            MissingTensor { .. }
            | ExtraTensors { .. }
            | WrongType { .. }
            | MixedTypes { .. }
            | WrongShape { .. }
            | ImpossibleShape { .. }
            | NotFinite { .. } => self.fmt_tensors(f),
            OptionsTooLong { found, limit } => write!(
                f,
                "its header would be {found} bytes long with these training options, but {limit} are the most that \
                 will be read; shorten the options"
            ),
            NoPlace { reason } => write!(f, "cannot write it: {reason}; give another path"),
            Io { action, error } => write!(f, "cannot {action} it: {error}{}", advice(error)),
        }
    }
}

impl ErrorKind {
    /// The failures of the file and its metadata.
    fn fmt_file(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::NotSafetensors { header } => write!(
                f,
                "not a model file: as safetensors, its first 8 bytes would mean a header of {header} bytes, beyond any \
                 that a model has; {ANOTHER}"
            ),
            ErrorKind::CorruptHeader { reason } => {
                write!(f, "corrupt safetensors header: {reason}; {AGAIN}")
            }
            ErrorKind::Truncated { expected, found } => {
                write!(f, "truncated: it ends after {found} of at least {expected} bytes; {AGAIN}")
            }
            ErrorKind::TrailingBytes { expected, found } => {
                match found {
                    Some(found) => write!(f, "trailing bytes: {}", found.saturating_sub(*expected))?,
                    None => f.write_str("trailing bytes: at least one")?,
                }
                write!(f, " after the {expected} that its header announces; {AGAIN}")
            }
            ErrorKind::MissingMetadata { key } => {
                write!(f, "its metadata lack the entry {key}; {AGAIN}")
            }
            ErrorKind::UnknownVersion { found } => write!(
                f,
                "unknown format version {found:?}, where {:?} or {:?} is expected; read it with the version of twolayer \
                 that has written it",
                FORMAT_VERSIONS[0], FORMAT_VERSIONS[1]
            ),
            ErrorKind::ShapeMismatch { found, expected } => {
                write!(f, "its metadata say the shape is {found:?}, but its tensors make {expected:?}; {AGAIN}")
            }
            ErrorKind::UnknownActivation { found } => write!(
                f,
                "its hidden units are {found:?}, where sigmoid or relu is expected; read it with the version of twolayer \
                 that has written it"
            ),
            ErrorKind::UnknownScale { found } => {
                write!(f, "its inputs are scaled by {found:?}, where {INPUT_SCALE:?} is expected; {ANOTHER}")
            }
            _ => Ok(()),
        }
    }

    /// The failures of tensors.
    fn fmt_tensors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::MissingTensor { tensor, found } => write!(
                f,
                "no tensor {tensor}: a two-layer network has W1, b1, W2 and b2, but the file has {}; {ANOTHER}",
                Names(found)
            ),
            ErrorKind::ExtraTensors { found } => {
                write!(f, "not a two-layer network: besides W1, b1, W2 and b2 the file has {}; {ANOTHER}", Names(found))
            }
            ErrorKind::WrongType { tensor, found } => {
                write!(f, "tensor {tensor} is of type {found}, where F32 or F64 is expected; convert it or {ANOTHER}")
            }
            ErrorKind::MixedTypes { tensor, found, expected } => {
                write!(f, "tensor {tensor} is of type {found}, but W1 of type {expected}; all four must be of one type")
            }
            ErrorKind::WrongShape { tensor, found, expected } => {
                write!(f, "tensor {tensor} has the sizes {found:?}, where {expected} is expected; {ANOTHER}")
            }
            ErrorKind::ImpossibleShape { reason } => {
                write!(f, "its tensors make no network: {reason}; {ANOTHER}")
            }
            ErrorKind::NotFinite { tensor, row, column } => write!(
                f,
                "tensor {tensor} holds an infinite value or NaN at row {row}, column {column}; train the model again, \
                 with a smaller learning rate if the training diverged"
            ),
            _ => Ok(()),
        }
    }
}

/// What to do about a refusal of the system's.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::IsADirectory => "; give a file, not a folder",
        io::ErrorKind::PermissionDenied => "; allow it to this user or give another path",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room or give another path",
        _ => "",
    }
}

/// Names as "a, b, c"; of very many, the first eight; each quoted and cut short, since they come from the file.
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
