//! What can go wrong, told so that the reader knows which file, what is in it, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure to read or write a model.
///
/// It names the file (or whatever name the caller gave to a slice or a reader) and, through [`kind`](Error::kind), what
/// was found and what was expected. Its `Display` is one sentence or two that say all of this and what to do about it;
/// an underlying [`io::Error`] is part of that text.
pub struct Error(Box<Inner>);

struct Inner {
    file: String,
    kind: ErrorKind,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The first eight bytes are not the length of a header that such a file could have.
    NotSafetensors {
        /// The header's length in bytes that they would mean.
        header: u64,
    },
    /// The header is damaged.
    CorruptHeader {
        /// Where and how.
        reason: String,
    },
    /// The file ends before its header says.
    Truncated {
        /// Bytes announced; for an end before the header's, the least that is needed to go on.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Bytes follow the last tensor.
    TrailingBytes {
        /// Bytes announced.
        expected: u64,
        /// Bytes there are, where that is known without reading on.
        found: Option<u64>,
    },
    /// A tensor is not there.
    MissingTensor {
        /// Its name.
        tensor: &'static str,
        /// The names that are there, sorted.
        found: Vec<String>,
    },
    /// There are tensors that no two-layer network has.
    ExtraTensors {
        /// Their names, sorted.
        found: Vec<String>,
    },
    /// A tensor holds another type than `F32` or `F64`.
    WrongType {
        /// Its name.
        tensor: &'static str,
        /// Its type, as the file has it.
        found: String,
    },
    /// The tensors are not all of one type.
    MixedTypes {
        /// The first tensor that differs from `W1`.
        tensor: &'static str,
        /// Its type.
        found: String,
        /// The type of `W1`.
        expected: String,
    },
    /// A tensor's sizes are not those of its place in the network.
    WrongShape {
        /// Its name.
        tensor: &'static str,
        /// Its sizes.
        found: Vec<usize>,
        /// The sizes it should have, in words or as the other tensors have it.
        expected: String,
    },
    /// There can be no network of these sizes.
    ImpossibleShape {
        /// Why not.
        reason: String,
    },
    /// The metadata lacks an entry.
    MissingMetadata {
        /// Its key.
        key: &'static str,
    },
    /// The file is of a version of the format that this program does not know.
    UnknownVersion {
        /// The version in the file.
        found: String,
    },
    /// The metadata's shape is not that of the tensors.
    ShapeMismatch {
        /// The metadata's shape.
        found: String,
        /// The tensors' shape.
        expected: String,
    },
    /// The inputs are scaled otherwise than by 1/255.
    UnknownScale {
        /// The scale in the file.
        found: String,
    },
    /// The hidden layer's function is one that this program does not know.
    UnknownActivation {
        /// The function's name in the file.
        found: String,
    },
    /// A weight is infinite or not a number.
    NotFinite {
        /// The tensor's name.
        tensor: &'static str,
        /// The row, from 0; 0 in a bias.
        row: usize,
        /// The column, from 0.
        column: usize,
    },
    /// The options are too long to be stored.
    OptionsTooLong {
        /// Bytes that the header would have.
        found: usize,
        /// Bytes that it can have.
        limit: usize,
    },
    /// The path to be written is a folder, or leads into none.
    NoPlace {
        /// What is in the way.
        reason: String,
    },
    /// The operating system refused something.
    Io {
        /// What was being done, for instance "open".
        action: &'static str,
        /// The system's answer.
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

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("file", &self.0.file).field("kind", &self.0.kind).finish()
    }
}

/// How a path is named in errors.
pub(crate) fn name_of(path: &Path) -> String {
    path.display().to_string()
}
