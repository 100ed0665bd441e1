//! The sentences that errors are told in.

use std::fmt;
use std::io;

use crate::{Error, ErrorKind, Place};

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
        let of = if self.unpacked { " of the unpacked data" } else { "" };
        write!(f, "byte {}{of}", self.offset)
    }
}

const FETCH_AGAIN: &str = "fetch or write the file again";

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            NotIdx { .. }
            | UnknownType { .. }
            | RankOutOfBounds { .. }
            | SizeOutOfBounds { .. }
            | SizesDoNotMatchData { .. }
            | Truncated { .. }
            | TrailingBytes { .. } => self.fmt_format(f),
            CorruptGzip { .. } | TruncatedGzip | BytesAfterGzip => self.fmt_gzip(f),
            WrongType { .. }
            | OtherType { .. }
            | OtherLength { .. }
            | WrongRank { .. }
            | Empty { .. }
            | CountMismatch { .. }
            | ImageSizeMismatch { .. }
            | LabelOutOfRange { .. }
            | LabelOutOfBounds { .. }
            | SeveralSets { .. }
            | NotAFolder { .. }
            | MissingFile { .. } => self.fmt_set(f),
            Io { action, error } => write!(f, "cannot {action} it: {error}{}", advice(error)),
        }
    }
}

impl ErrorKind {
    /// The failures of one IDX file.
    fn fmt_format(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::NotIdx { found } => write!(
                f,
                "not an IDX file: it begins with the bytes {}{}, where IDX begins with 00 00 and gzip with 1F 8B; \
                 give an IDX file, raw or gzip",
                Hex(found),
                resemblance(found)
            ),
            ErrorKind::UnknownType { code } => write!(
                f,
                "unknown element type 0x{code:02X}; IDX has 0x08 (u8), 0x09 (i8), 0x0B (i16), 0x0C (i32), 0x0D (f32) \
                 and 0x0E (f64); {FETCH_AGAIN}"
            ),
            ErrorKind::RankOutOfBounds { rank } => {
                write!(f, "rank out of bounds: {rank} dimensions, where IDX has from 1 to 255; {FETCH_AGAIN}")
            }
            ErrorKind::SizeOutOfBounds { sizes, reason } => {
                write!(f, "size out of bounds: {} elements are {reason}; {FETCH_AGAIN}", Sizes(sizes))
            }
            ErrorKind::SizesDoNotMatchData { sizes, elements } => write!(
                f,
                "sizes {} do not match the data, which are {elements} elements; give as many as the sizes' product",
                Sizes(sizes)
            ),
            ErrorKind::Truncated { expected, found } => write!(
                f,
                "truncated: the data end after {found} of at least {expected} bytes that the header announces; \
                 {FETCH_AGAIN}"
            ),
            ErrorKind::TrailingBytes { expected, found } => {
                match found {
                    Some(found) => write!(f, "trailing bytes: {}", found.saturating_sub(*expected))?,
                    None => f.write_str("trailing bytes: at least one")?,
                }
                write!(f, " after the {expected} bytes that the header announces; {FETCH_AGAIN}")
            }
            _ => Ok(()),
        }
    }

    /// The failures of the compression around it.
    fn fmt_gzip(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::CorruptGzip { reason } => {
                write!(f, "corrupt gzip: {reason}; {FETCH_AGAIN}")
            }
            ErrorKind::TruncatedGzip => {
                write!(f, "truncated gzip: the file ends before the end of the compressed data; {FETCH_AGAIN}")
            }
            ErrorKind::BytesAfterGzip => {
                write!(f, "trailing bytes: the gzip stream ends here and what follows is not gzip; {FETCH_AGAIN}")
            }
            _ => Ok(()),
        }
    }

    /// The failures of files that are sound one by one, in a data set.
    fn fmt_set(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::WrongType { role, found } => write!(
                f,
                "cannot serve as {role}: its elements are {found}, where u8 is expected; give the set's {role}"
            ),
            ErrorKind::OtherType { found, expected } => {
                write!(f, "its elements are {found}, where {expected} is expected; read it as {found}")
            }
            ErrorKind::OtherLength { found, sizes, expected } => write!(
                f,
                "it holds {found} elements ({}), where the buffer has room for {expected}; give a buffer of {found}",
                Sizes(sizes)
            ),
            ErrorKind::WrongRank { role, expected, sizes } => write!(
                f,
                "cannot serve as {role}: its sizes are {}, where {expected} are expected; give the set's {role}",
                Sizes(sizes)
            ),
            ErrorKind::Empty { sizes } => write!(
                f,
                "no images: its sizes are {}; give a set with at least one image of at least one pixel",
                Sizes(sizes)
            ),
            ErrorKind::CountMismatch { images, labels, labels_file } => {
                write!(
                    f,
                    "images and labels differ in number: {images} here, {labels} in {labels_file}; give the two files of the \
                 same set"
                )
            }
            ErrorKind::ImageSizeMismatch { found, expected, train_file } => write!(
                f,
                "images of {} x {} pixels, but those of {train_file} are {} x {}; give a training and a test set of \
                 the same image size",
                found.0, found.1, expected.0, expected.1
            ),
            ErrorKind::LabelOutOfRange { index, label, classes } => write!(
                f,
                "label {label} at index {index} is outside the {classes} classes, numbered from 0 to {}; correct the \
                 label or allow more classes",
                classes.saturating_sub(1)
            ),
            ErrorKind::LabelOutOfBounds { index, label, first, last } => {
                write!(f, "label {label} at index {index}, where {first} to {last} are expected; give the set's labels")
            }
            ErrorKind::SeveralSets { sets } => {
                write!(f, "several data sets in one folder: {}; give each a folder of its own", sets.join(", "))
            }
            ErrorKind::NotAFolder { exists: false } => {
                f.write_str("no such folder; give the folder that holds the data set's four files")
            }
            ErrorKind::NotAFolder { exists: true } => {
                f.write_str("not a folder; give the folder that holds the data set's four files")
            }
            ErrorKind::MissingFile { role, tried } => write!(
                f,
                "no {role} in this folder; looked for {}; put the file there under one of these names",
                tried.join(", ")
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

/// Says what a file that is not IDX looks like, for the mistakes that happen.
fn resemblance(head: &[u8]) -> &'static str {
    if head.starts_with(b"PK") {
        " (a zip archive: unpack it)"
    } else if head.starts_with(b"BZh") {
        " (bzip2: unpack it)"
    } else if head.starts_with(b"<") {
        " (a web page, perhaps what a failed download left)"
    } else if !head.is_empty() && head.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        " (text)"
    } else {
        ""
    }
}

/// Bytes as hexadecimal, separated by spaces.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Sizes as "60000 x 28 x 28"; of very many, the first eight.
struct Sizes<'a>(&'a [usize]);

impl fmt::Display for Sizes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, size) in self.0.iter().take(8).enumerate() {
            write!(f, "{}{size}", if i == 0 { "" } else { " x " })?;
        }
        if self.0.len() > 8 {
            write!(f, " x ... ({} sizes)", self.0.len())?;
        }
        Ok(())
    }
}
