//! Errors: which file and place, what was found, what was expected, what to do.

use std::fmt;
use std::io;
use std::path::Path;

use crate::element::ElementType;
use crate::message::{Hex, Sizes, Trailing, advice, listed, resemblance};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure to read, write or pair IDX files.
///
/// Its text names the file (or the name that the caller gave to a slice or reader), the place in it if known, what was
/// found, what was expected and what to do; it includes an underlying [`io::Error`].
pub struct Error(Box<Inner>);

struct Inner {
    file: String,
    place: Option<Place>,
    kind: ErrorKind,
}

/// A place in a file, counted in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The offset in bytes.
    pub offset: u64,
    /// Whether the offset is in the unpacked data of a gzip file, not in the file itself.
    pub unpacked: bool,
}

const FETCH_AGAIN: &str = "fetch or write the file again";

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file begins neither with two zero bytes nor as gzip.
    #[error(
        "not an IDX file: {}{}it begins with the bytes {}; IDX begins with 00 00, gzip with 1F 8B; give an IDX file, raw \
         or gzip",
        resemblance(found),
        if resemblance(found).is_empty() { "" } else { "; " },
        Hex(&found[..found.len().min(4)])
    )]
    NotIdx {
        /// The first bytes, at most 32.
        found: Vec<u8>,
    },
    /// The third byte is not an element type.
    #[error(
        "unknown element type 0x{code:02X}; IDX has 0x08 (u8), 0x09 (i8), 0x0B (i16), 0x0C (i32), 0x0D (f32) and 0x0E \
         (f64); {FETCH_AGAIN}"
    )]
    UnknownType {
        /// The third byte.
        code: u8,
    },
    /// The number of dimensions is not from 1 to 255.
    #[error("rank out of bounds: {rank} dimensions; IDX has 1 to 255; {FETCH_AGAIN}")]
    RankOutOfBounds {
        /// The number of dimensions.
        rank: usize,
    },
    /// The machine lacks the memory for the elements.
    #[error(
        "not enough memory: its {} elements take {bytes} bytes; end other programs, raise the limit (`ulimit -v`), or \
         use fewer images",
        Sizes(sizes)
    )]
    OutOfMemory {
        /// The sizes, outermost first.
        sizes: Vec<usize>,
        /// The bytes of the elements.
        bytes: u64,
    },
    /// The sizes exceed what the file, the gzip stream or any machine can hold.
    #[error("size out of bounds: {} elements are {reason}; {FETCH_AGAIN}", Sizes(sizes))]
    SizeOutOfBounds {
        /// The sizes, outermost first.
        sizes: Vec<usize>,
        /// Which bound they exceed.
        reason: String,
    },
    /// The data to be written does not match the sizes.
    #[error("sizes {} do not match the data of {elements} elements; give as many as their product", Sizes(sizes))]
    SizesDoNotMatchData {
        /// The sizes, outermost first.
        sizes: Vec<usize>,
        /// The number of elements given.
        elements: usize,
    },
    /// The file, or its unpacked data, is shorter than its header says.
    #[error(
        "truncated: the data end after {found} of at least {expected} bytes that the header announces; {FETCH_AGAIN}"
    )]
    Truncated {
        /// Bytes announced, with the header, or the least that the header itself needs.
        expected: u64,
        /// Bytes found, with the header.
        found: u64,
    },
    /// Bytes follow the data that the header announces.
    #[error("{} after the {expected} bytes that the header announces; {FETCH_AGAIN}", Trailing(*expected, *found))]
    TrailingBytes {
        /// Bytes announced, with the header.
        expected: u64,
        /// Bytes found, with the header, if known.
        found: Option<u64>,
    },
    /// The gzip stream is damaged: its header, its compressed data, its checksum or its length.
    #[error("corrupt gzip: {reason}; {FETCH_AGAIN}")]
    CorruptGzip {
        /// What the decompressor reports.
        reason: String,
    },
    /// The gzip stream ends before its last block and checksum.
    #[error("truncated gzip: the file ends before the end of the compressed data; {FETCH_AGAIN}")]
    TruncatedGzip,
    /// Bytes that are not another gzip member follow the gzip stream.
    #[error("trailing bytes: the gzip stream ends here and what follows is not gzip; {FETCH_AGAIN}")]
    BytesAfterGzip,
    /// Zeros follow the gzip stream, as padding.
    #[error("zero bytes after the gzip stream, as padding; `gunzip` it, which drops them, or {FETCH_AGAIN}")]
    ZerosAfterGzip,
    /// The element type differs from the one requested.
    #[error("its elements are {found}; expected {expected}; read it as {found}")]
    OtherType {
        /// The type in the file.
        found: ElementType,
        /// The type requested.
        expected: ElementType,
    },
    /// The number of elements differs from the length of the buffer.
    #[error("it has {found} elements ({}), but the buffer holds {expected}; give a buffer of {found}", Sizes(sizes))]
    OtherLength {
        /// The elements in the file.
        found: usize,
        /// The sizes in the file, outermost first.
        sizes: Vec<usize>,
        /// The length of the buffer.
        expected: usize,
    },
    /// The number of dimensions does not fit the use of the file.
    #[error("cannot be the {role}: its sizes are {}; expected {expected}; give the set's {role}", Sizes(sizes))]
    WrongRank {
        /// The use, for instance "labels".
        role: &'static str,
        /// The sizes expected, in words.
        expected: &'static str,
        /// The sizes in the file, outermost first.
        sizes: Vec<usize>,
    },
    /// Images in colour.
    #[error(
        "colour images: its sizes are {}, with {} for {}; expected are grey ones; convert them to grey, one number for \
         each pixel",
        Sizes(sizes),
        channels,
        match channels { 2 => "grey and opacity", 3 => "red, green and blue", _ => "red, green, blue and opacity" }
    )]
    Colour {
        /// The number of channels, 2 to 4.
        channels: usize,
        /// The sizes in the file, outermost first.
        sizes: Vec<usize>,
    },
    /// Pixels that are neither from 0 to 1 nor from 0 to 255.
    #[error(
        "its pixels are from {:?} to {:?}; expected are 0 to 255, or floats from 0 to 1; rescale them, and do not \
         standardise them",
        *least as f32,
        *greatest as f32
    )]
    PixelRange {
        /// The least.
        least: f64,
        /// The greatest.
        greatest: f64,
    },
    /// A pixel is NaN.
    #[error("element {index} is not a number (NaN); write the file again")]
    NotANumber {
        /// Its position among all elements, from 0.
        index: usize,
    },
    /// A table of labels has a row that is not one-hot.
    #[error(
        "row {row} of its table of {} is not one-hot, that is, one 1 among zeros; give one label for each image, or a \
         one-hot table",
        Sizes(sizes)
    )]
    NotOneHot {
        /// The first such row, from 0.
        row: usize,
        /// Rows and columns.
        sizes: Vec<usize>,
    },
    /// A set has no images, or images without pixels.
    #[error("no images: its sizes are {}; give a set with at least one image of at least one pixel", Sizes(sizes))]
    Empty {
        /// The sizes in the images' file, outermost first.
        sizes: Vec<usize>,
    },
    /// The numbers of images and labels differ.
    #[error(
        "different numbers of images and labels: {images} images here, {labels} labels in {labels_file}; give two files \
         of the same set"
    )]
    CountMismatch {
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
        /// The name of the labels' file.
        labels_file: String,
    },
    /// The test images differ in size from the training images.
    #[error(
        "its images have {} x {} pixels, those of {train_file} {} x {}; give a training and a test set of the same image \
         size",
        found.0,
        found.1,
        expected.0,
        expected.1
    )]
    ImageSizeMismatch {
        /// Height and width of the test images.
        found: (usize, usize),
        /// Height and width of the training images.
        expected: (usize, usize),
        /// The name of the training images' file.
        train_file: String,
    },
    /// A label is outside the classes.
    #[error(
        "label {label} at index {index} is outside the {classes} classes, 0 to {}; correct the label or allow more classes",
        classes.saturating_sub(1)
    )]
    LabelOutOfRange {
        /// The position of the first such label, from 0.
        index: usize,
        /// The label.
        label: u32,
        /// The number of classes; labels are below it.
        classes: usize,
    },
    /// A label is outside the range of the set.
    #[error("label {label} at index {index}; expected are whole numbers from {first} to {last}; give the set's labels")]
    LabelOutOfBounds {
        /// The position of the first such label, from 0.
        index: usize,
        /// The label.
        label: f64,
        /// The least label.
        first: u32,
        /// The greatest label.
        last: u32,
    },
    /// A folder contains several data sets.
    #[error("several data sets in one folder: {}; put each into a separate folder, and give that", sets.join(", "))]
    SeveralSets {
        /// The names of the sets, or of their folders.
        sets: Vec<String>,
    },
    /// The folder of a data set does not exist or is not a folder.
    #[error(
        "{}; give the folder with the data set's four files",
        if *exists { "not a folder" } else { "no such folder" }
    )]
    NotAFolder {
        /// Whether something of that name exists.
        exists: bool,
    },
    /// One of a data set's four files is missing.
    #[error("no {role} in this folder; expected {expected}, raw or .gz; it has {}", listed(found))]
    MissingFile {
        /// What is missing, for instance "training images".
        role: &'static str,
        /// The name that was looked for.
        expected: String,
        /// The names in the folder.
        found: Vec<String>,
    },
    /// A set would be written into a folder that has one.
    #[error("a file of a data set is here already; remove it, or give another folder")]
    SetExists,
    /// A file is a symbolic link to one that does not exist.
    #[error("a link to {target}, which does not exist; put the file there, or replace the link by it")]
    DanglingLink {
        /// The path in the link.
        target: String,
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

    /// The place in the file, if known.
    pub fn place(&self) -> Option<Place> {
        self.0.place
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file())?;
        if let Some(place) = self.place() {
            write!(f, ", {place}")?;
        }
        write!(f, ": {}", self.kind())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}{}", self.offset, if self.unpacked { " of the unpacked data" } else { "" })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("file", &self.0.file)
            .field("place", &self.0.place)
            .field("kind", &self.0.kind)
            .finish()
    }
}

/// The name of a path in errors.
pub(crate) fn name_of(path: &Path) -> String {
    path.display().to_string()
}
