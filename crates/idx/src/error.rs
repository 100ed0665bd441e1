//! What can go wrong, told so that the reader knows which file, where in it, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

use crate::ElementType;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure to read, write or pair IDX files.
///
/// It names the file (or whatever name the caller gave to a slice or a reader), the place in it where one is known,
/// and through [`kind`](Error::kind) what was found and what was expected. Its `Display` is one sentence or two that
/// say all of this and what to do about it; an underlying [`io::Error`] is part of that text.
pub struct Error(Box<Inner>);

struct Inner {
    file: String,
    place: Option<Place>,
    kind: ErrorKind,
}

/// A place in a file, counted in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes before the place.
    pub offset: u64,
    /// Whether the bytes are counted in what a gzip file unpacks to, not in the file itself.
    pub unpacked: bool,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file begins neither with two zero bytes nor as gzip.
    NotIdx {
        /// The first bytes, at most four.
        found: Vec<u8>,
    },
    /// The third byte is none of the six element types.
    UnknownType {
        /// The third byte.
        code: u8,
    },
    /// The number of dimensions is not from 1 to 255.
    RankOutOfBounds {
        /// The number of dimensions.
        rank: usize,
    },
    /// The sizes are more than a file, a gzip stream of this length, or this machine can hold.
    SizeOutOfBounds {
        /// The sizes, outermost first.
        sizes: Vec<usize>,
        /// Which bound they break.
        reason: String,
    },
    /// The data to be written are not as many as the sizes say.
    SizesDoNotMatchData {
        /// The sizes, outermost first.
        sizes: Vec<usize>,
        /// The number of elements given.
        elements: usize,
    },
    /// The file, or what it unpacks to, ends before its header says.
    Truncated {
        /// Bytes announced, header included; for an end inside the header, the least that is needed to go on.
        expected: u64,
        /// Bytes there are, header included.
        found: u64,
    },
    /// Bytes follow the data that the header announces.
    TrailingBytes {
        /// Bytes announced, header included.
        expected: u64,
        /// Bytes there are, header included, where that is known without reading on.
        found: Option<u64>,
    },
    /// The gzip stream is damaged: its header, its compressed data, its checksum or its length.
    CorruptGzip {
        /// What the decompressor reports.
        reason: String,
    },
    /// The gzip stream ends before its last block and checksum.
    TruncatedGzip,
    /// Bytes that are not another gzip member follow the gzip stream.
    BytesAfterGzip,
    /// The file holds another element type than its use needs.
    WrongType {
        /// What the file should hold, for instance "labels".
        role: &'static str,
        /// The type in the file; `u8` is expected.
        found: ElementType,
    },
    /// The file holds another element type than it is read as.
    OtherType {
        /// The type in the file.
        found: ElementType,
        /// The type it is read as.
        expected: ElementType,
    },
    /// The file holds more or fewer elements than there is room for.
    OtherLength {
        /// The elements in the file.
        found: usize,
        /// The sizes in the file, outermost first.
        sizes: Vec<usize>,
        /// The elements there is room for.
        expected: usize,
    },
    /// The file holds another number of dimensions than its use needs.
    WrongRank {
        /// What the file should hold, for instance "labels".
        role: &'static str,
        /// The sizes that would do, in words.
        expected: &'static str,
        /// The sizes in the file, outermost first.
        sizes: Vec<usize>,
    },
    /// A set has no images, or images without pixels.
    Empty {
        /// The sizes in the images' file, outermost first.
        sizes: Vec<usize>,
    },
    /// The file of images and the file of labels differ in count.
    CountMismatch {
        /// The number of images in the file that the error names.
        images: usize,
        /// The number of labels.
        labels: usize,
        /// The name of the labels' file.
        labels_file: String,
    },
    /// The images of the test set have another size than those of the training set.
    ImageSizeMismatch {
        /// Height and width in the file that the error names.
        found: (usize, usize),
        /// Height and width of the training images.
        expected: (usize, usize),
        /// The name of the training images' file.
        train_file: String,
    },
    /// A label is outside the classes.
    LabelOutOfRange {
        /// The position of the first such label, from 0.
        index: usize,
        /// The label.
        label: u8,
        /// The number of classes; labels are below it.
        classes: usize,
    },
    /// A label is none that the set's labels can be.
    LabelOutOfBounds {
        /// The position of the first such label, from 0.
        index: usize,
        /// The label.
        label: i32,
        /// The least that it can be.
        first: i32,
        /// The most that it can be.
        last: i32,
    },
    /// A folder has the images of more than one data set.
    SeveralSets {
        /// The names of the sets.
        sets: Vec<String>,
    },
    /// The folder of a data set does not exist or is no folder.
    NotAFolder {
        /// Whether something of that name exists.
        exists: bool,
    },
    /// A folder has no file under any of the spellings of one of a data set's four files.
    MissingFile {
        /// What is missing, for instance "training images".
        role: &'static str,
        /// The names that were looked for.
        tried: Vec<String>,
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
    pub(crate) fn new(file: &str, place: Option<Place>, kind: ErrorKind) -> Self {
        Error(Box::new(Inner { file: file.to_owned(), place, kind }))
    }

    pub(crate) fn whole(file: &str, kind: ErrorKind) -> Self {
        Error::new(file, None, kind)
    }

    pub(crate) fn io(file: &str, action: &'static str, error: io::Error) -> Self {
        Error::whole(file, ErrorKind::Io { action, error })
    }

    /// The path of the file or folder, or the name the caller gave to a slice or a reader.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// The place in the file, where the failure has one.
    pub fn place(&self) -> Option<Place> {
        self.0.place
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }
}

impl std::error::Error for Error {}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("file", &self.0.file)
            .field("place", &self.0.place)
            .field("kind", &self.0.kind)
            .finish()
    }
}

/// How a path is named in errors.
pub(crate) fn name_of(path: &Path) -> String {
    path.display().to_string()
}
