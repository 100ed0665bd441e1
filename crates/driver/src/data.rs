//! The data of a command: a folder, or the bundled digits.

use std::path::Path;

use twolayer_core::{Float, Labels, Rows};
use twolayer_idx::{DataSet, ErrorKind, Part, Split as Half};

use crate::args::{DataArgs, Split};
use crate::error::CliError;
use crate::number_format::{count, grouped};

const TRAIN_IMAGES: &[u8] = include_bytes!("../../../data/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../../data/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../../data/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../../data/t10k-labels-idx1-ubyte.gz");

/// The source of the data.
#[derive(Clone, Copy)]
pub struct Source<'a>(Option<&'a Path>);

impl<'a> Source<'a> {
    /// The folder of `--data`, or the bundled digits.
    pub fn new(args: &'a DataArgs) -> Self {
        Source(args.data.as_deref())
    }

    /// Reads the training set and the test set; their labels are below the number of classes, which comes with them:
    /// `classes`, or one more than the largest training label.
    pub fn load(self, classes: Option<usize>) -> Result<(DataSet, usize), CliError> {
        let data = match self.0 {
            Some(folder) => DataSet::load(folder)?,
            None => DataSet::new(self.load_half(Split::Train)?, self.load_half(Split::Test)?)?,
        };
        let classes = classes.unwrap_or_else(|| data.train.classes());
        data.check_labels(classes)?;
        Ok((data, classes))
    }

    /// Whether there are test images.
    pub fn has_test_set(self) -> Result<bool, CliError> {
        match self.0.map(|folder| Part::Test.find(folder)) {
            Some(Err(error)) if matches!(error.kind(), ErrorKind::MissingFile { role: "test images", .. }) => Ok(false),
            Some(Err(error)) => Err(error.into()),
            _ => Ok(true),
        }
    }

    /// Reads one split.
    pub fn load_half(self, split: Split) -> Result<Half, CliError> {
        let bundled = |images, labels| Half::from_slices(("bundled images", images), ("bundled labels", labels));
        Ok(match (self.0, split) {
            (Some(folder), Split::Train) => Half::load_part(folder, Part::Train)?,
            (Some(folder), Split::Test) => Half::load_part(folder, Part::Test)?,
            (None, Split::Train) => bundled(TRAIN_IMAGES, TRAIN_LABELS)?,
            (None, Split::Test) => bundled(TEST_IMAGES, TEST_LABELS)?,
        })
    }

    /// `bundled`, or the folder.
    pub fn name(self) -> String {
        self.0.map_or_else(|| "bundled".into(), |folder| folder.display().to_string())
    }

    /// The folder's absolute path, if it is text; none of the bundled digits.
    pub fn folder(self) -> Option<String> {
        std::path::absolute(self.0?).ok()?.into_os_string().into_string().ok()
    }

    /// The source, for titles.
    pub fn title(self) -> String {
        self.0.map_or_else(|| "the bundled digits".into(), |folder| folder.display().to_string())
    }

    /// The source, in words.
    pub fn describe(self) -> String {
        match self.0 {
            Some(folder) => folder.display().to_string(),
            None => "bundled digits (no --data)".into(),
        }
    }
}

/// `60,000 train + 10,000 test images of 28 x 28`
pub fn describe_set(data: &DataSet) -> String {
    let (train, test) = (grouped(data.train.rows()), grouped(data.test.rows()));
    format!("{train} train + {test} test images of {}", size(&data.train))
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
        let (data, classes) = Source(None).load(None).unwrap();
        assert_eq!((data.train.rows(), data.test.rows(), classes), (1437, 360, 10));
        assert_eq!((data.train.height(), data.train.width()), (8, 8));
        // Ink counts 0 to 16, stretched to the range of a byte.
        for pixel in data.train.images().iter().chain(data.test.images()) {
            assert!((0..=16).any(|ink| (f64::from(ink) * 255.0 / 16.0).round_ties_even() as u8 == *pixel), "{pixel}");
        }
    }
}
