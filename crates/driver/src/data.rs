//! The data of a command: a folder or file, or the bundled digits.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use twolayer_core::{Float, Labels, Rows};
use twolayer_data::{Form, Options};
use twolayer_idx::{Part, Split as Half};

use crate::args::{DataArgs, Split};
use crate::error::CliError;
use crate::number_format::{count, grouped};
use crate::waiting_bar::WaitingBar;

const TRAIN_IMAGES: &[u8] = include_bytes!("../../../data/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../../data/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../../data/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../../data/t10k-labels-idx1-ubyte.gz");

/// The source of the data.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    path: Option<&'a Path>,
    label_column: Option<&'a str>,
}

impl<'a> Source<'a> {
    /// The path of `--data`, or the bundled digits.
    pub fn new(args: &'a DataArgs) -> Self {
        Source::of(args.data.as_deref(), args.label_column.as_deref())
    }

    /// The set at `path`, or the bundled digits.
    pub fn of(path: Option<&'a Path>, label_column: Option<&'a str>) -> Self {
        Source { path, label_column }
    }

    /// Reads the training set, and the test set if there is one. If it takes long and not `quiet`, shows a progress bar.
    pub fn load(self, quiet: bool) -> Result<(Half, Option<Half>), CliError> {
        match self.path {
            Some(path) => self.read(quiet, |options| Form::of(path)?.load(options)),
            None => Ok((self.load_half(Split::Train, quiet)?, Some(self.load_half(Split::Test, quiet)?))),
        }
    }

    /// Calls `read` with the options, and shows its progress.
    fn read<R>(self, quiet: bool, read: impl FnOnce(&Options) -> twolayer_data::Result<R>) -> Result<R, CliError> {
        let shown: RefCell<Option<(PathBuf, WaitingBar)>> = RefCell::new(None);
        let progress = |path: &Path, done: u64, total: u64| {
            let mut shown = shown.borrow_mut();
            let (_, bar) = match shown.take_if(|(of, _)| *of == path) {
                Some(same) => shown.insert(same),
                None => shown.insert((path.to_owned(), WaitingBar::parts(&path.display().to_string(), total, !quiet))),
            };
            bar.at(done);
        };
        Ok(read(&Options { label_column: self.label_column, progress: Some(&progress) })?)
    }

    /// Reads one split.
    pub fn load_half(self, split: Split, quiet: bool) -> Result<Half, CliError> {
        let (part, images, labels) = match split {
            Split::Train => (Part::Train, TRAIN_IMAGES, TRAIN_LABELS),
            Split::Test => (Part::Test, TEST_IMAGES, TEST_LABELS),
        };
        match self.path {
            Some(path) => self.read(quiet, |options| Form::of(path)?.load_part(part, options)),
            None => Ok(Half::from_slices(("bundled images", images), ("bundled labels", labels))?),
        }
    }

    /// `bundled`, or the path.
    pub fn name(self) -> String {
        self.path.map_or_else(|| "bundled".into(), |folder| folder.display().to_string())
    }

    /// The absolute path, if it is text; none of the bundled digits.
    pub fn folder(self) -> Option<String> {
        std::path::absolute(self.path?).ok()?.into_os_string().into_string().ok()
    }

    /// The source, for titles.
    pub fn title(self) -> String {
        self.path.map_or_else(|| "the bundled digits".into(), |folder| folder.display().to_string())
    }

    /// The source, in words.
    pub fn describe(self) -> String {
        match self.path {
            Some(folder) => folder.display().to_string(),
            None => "bundled digits (no --data)".into(),
        }
    }
}

/// `60,000 train + 10,000 test images of 28 x 28`
pub fn describe_set(train: &Half, test: Option<&Half>) -> String {
    let (rows, size) = (grouped(train.rows()), size(train));
    match test {
        Some(test) => format!("{rows} train + {} test images of {size}", grouped(test.rows())),
        None => format!("{} of {size}, none to test on", count(train.rows(), "training image")),
    }
}

/// `28 x 28`
pub fn size(half: &Half) -> String {
    format!("{} x {}", half.height(), half.width())
}

/// All rows and labels of a split.
pub fn view<T: Float>(half: &Half) -> (Rows<'_, T>, Labels<'_, T>) {
    (Rows::Pixels(half.images()), Labels::Classes(half.labels()))
}

/// The usage error for an `--index` beyond a split's rows.
pub fn beyond(index: usize, split: Split, rows: usize) -> CliError {
    let (name, images, last) = (split.name(), count(rows, "image"), rows - 1);
    CliError::usage(format!("--index {index} is not in the {name} set: it has {images}, numbered from 0 to {last}"))
}

/// The first `rows` rows of a split, which has at least that many.
pub fn first<T: Float>(half: &Half, rows: usize) -> (Rows<'_, T>, Labels<'_, T>) {
    (Rows::Pixels(&half.images()[..rows * half.inputs()]), Labels::Classes(&half.labels()[..rows]))
}

/// The rows of a split after the first `rows`.
pub fn after<T: Float>(half: &Half, rows: usize) -> (Rows<'_, T>, Labels<'_, T>) {
    (Rows::Pixels(&half.images()[rows * half.inputs()..]), Labels::Classes(&half.labels()[rows..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_digits_match_their_documentation() {
        let (train, test) = Source::of(None, None).load(true).unwrap();
        let test = test.unwrap();
        assert_eq!((train.rows(), test.rows(), train.classes()), (1437, 360, 10));
        assert_eq!((train.height(), train.width()), (8, 8));
        // Ink counts 0 to 16, stretched to the range of a byte.
        for pixel in train.images().iter().chain(test.images()) {
            assert!((0..=16).any(|ink| (f64::from(ink) * 255.0 / 16.0).round_ties_even() as u8 == *pixel), "{pixel}");
        }
    }
}
