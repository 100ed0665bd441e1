//! A training set and a test set of labelled images.

use std::panic;
use std::path::Path;
use std::thread;

use crate::bytes::Bytes;
use crate::element::{Data, ElementType};
use crate::error::{Error, ErrorKind, Result, name_of};
use crate::find::Part;
use crate::idx::Idx;

/// Images and their labels, equally many, at least one.
///
/// Images are bytes, `rows * height * width` of them in row-major order, 0 for the background; labels are bytes too.
/// A file of images of rank 3 is `rows x height x width`; one of rank 2, `rows x features`, has images of
/// height 1. Other ranks are refused.
#[derive(Clone, Debug)]
pub struct Split {
    images: Bytes,
    labels: Bytes,
    height: usize,
    width: usize,
    images_name: String,
    labels_name: String,
}

impl Split {
    /// Reads the two files, raw or gzip.
    ///
    /// EMNIST's files, which are known by their names, have their images transposed and, in the split `letters`, labels
    /// from 1: the images are turned upright and the labels made to begin at 0.
    ///
    /// # Errors
    ///
    /// Those of [`Idx::load`]; for files that do not fit, [`ErrorKind::WrongType`], [`ErrorKind::WrongRank`],
    /// [`ErrorKind::Empty`], [`ErrorKind::CountMismatch`], [`ErrorKind::LabelOutOfBounds`].
    pub fn load(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        let split = Split::pair((&name_of(images), Idx::load(images)?), (&name_of(labels), Idx::load(labels)?))?;
        let begins = |path: &Path, prefix| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(str::as_bytes(prefix)))
        };
        let split = if begins(images, "emnist-") { split.transposed() } else { split };
        if begins(labels, "emnist-letters-") { split.counted_from_0() } else { Ok(split) }
    }

    /// Finds and reads one part of a data set in a folder.
    ///
    /// # Errors
    ///
    /// Those of [`Part::find`] and of [`Split::load`].
    pub fn load_part(folder: impl AsRef<Path>, part: Part) -> Result<Self> {
        let (images, labels) = part.find(folder)?;
        Split::load(images, labels)
    }

    /// Reads two files, raw or gzip, from memory, each with its name in errors.
    ///
    /// # Errors
    ///
    /// As for [`Split::load`].
    pub fn from_slices(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<Self> {
        Split::pair((images.0, Idx::from_slice(images.0, images.1)?), (labels.0, Idx::from_slice(labels.0, labels.1)?))
    }

    /// Pairs images with labels, each with its name in errors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongType`] unless both hold `u8`; [`ErrorKind::WrongRank`] unless the images have 2 or 3
    /// dimensions and the labels 1; [`ErrorKind::Empty`] if there is no image or an image has no pixels;
    /// [`ErrorKind::CountMismatch`] if there are not as many labels as images. Labels may also be QMNIST's table of
    /// `i32`, `rows x 8`, whose first column is the class; [`ErrorKind::LabelOutOfBounds`] if one is not a byte.
    pub fn pair(images: (&str, Idx), labels: (&str, Idx)) -> Result<Self> {
        let ((images_name, images), (labels_name, labels)) = (images, labels);
        let (sizes, images) = bytes_of(images_name, "images", images)?;
        let (label_sizes, labels) = bytes_of(labels_name, "labels", classes_of(labels_name, labels)?)?;
        let (rows, height, width) = match sizes[..] {
            [rows, height, width] => (rows, height, width),
            [rows, features] => (rows, 1, features),
            _ => {
                let expected = "rows x height x width, or rows x features";
                return Err(wrong_rank(images_name, "images", expected, sizes));
            }
        };
        if label_sizes.len() != 1 {
            return Err(wrong_rank(labels_name, "labels", "one size only", label_sizes));
        }
        if images.is_empty() {
            return Err(Error::whole(images_name, ErrorKind::Empty { sizes }));
        }
        if rows != labels.len() {
            let kind =
                ErrorKind::CountMismatch { images: rows, labels: labels.len(), labels_file: labels_name.to_owned() };
            return Err(Error::whole(images_name, kind));
        }
        Ok(Split {
            images,
            labels,
            height,
            width,
            images_name: images_name.to_owned(),
            labels_name: labels_name.to_owned(),
        })
    }

    /// The same images with rows and columns exchanged.
    fn transposed(self) -> Self {
        let (height, width) = (self.height, self.width);
        let mut pixels = self.images.into_vec();
        let mut image = vec![0; height * width];
        for pixels in pixels.chunks_exact_mut(height * width) {
            image.copy_from_slice(pixels);
            for (column, transposed) in pixels.chunks_exact_mut(height).enumerate() {
                for (row, pixel) in transposed.iter_mut().enumerate() {
                    *pixel = image[row * width + column];
                }
            }
        }
        Split { images: pixels.into(), height: width, width: height, ..self }
    }

    /// The same images and labels in another order: image `n` is now the one that was `order[n]`.
    ///
    /// # Panics
    ///
    /// If `order` names an image that does not exist.
    #[must_use]
    pub fn reordered(&self, order: &[usize]) -> Self {
        let inputs = self.inputs();
        let mut images = Vec::with_capacity(order.len() * inputs);
        order.iter().for_each(|&n| images.extend_from_slice(&self.images[n * inputs..][..inputs]));
        let labels: Vec<u8> = order.iter().map(|&n| self.labels[n]).collect();
        Split {
            images: images.into(),
            labels: labels.into(),
            height: self.height,
            width: self.width,
            images_name: self.images_name.clone(),
            labels_name: self.labels_name.clone(),
        }
    }

    /// The same labels, counted from 0 rather than from 1.
    fn counted_from_0(self) -> Result<Self> {
        if let Some(index) = self.labels.iter().position(|&label| label == 0) {
            let kind = ErrorKind::LabelOutOfBounds { index, label: 0, first: 1, last: 255 };
            return Err(Error::whole(&self.labels_name, kind));
        }
        let labels: Vec<u8> = self.labels.iter().map(|label| label - 1).collect();
        Ok(Split { labels: labels.into(), ..self })
    }

    /// The pixels: `rows * height * width` bytes, image after image, each row by row from the top.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The label of each image, in the order of the images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The number of images, at least 1.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The height of an image in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The width of an image in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The pixels of an image: height times width.
    pub fn inputs(&self) -> usize {
        self.height * self.width
    }

    /// The pixels of image `index`, counted from 0, if it exists.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        self.images.chunks_exact(self.inputs()).nth(index)
    }

    /// One more than the largest label, from 1 to 256.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&label| usize::from(label) + 1)
    }

    /// The number of rows of each class.
    ///
    /// # Panics
    ///
    /// If a label is not below `classes`.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        self.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        counts
    }

    /// Checks that every label is below `classes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LabelOutOfRange`] with the first label that is not.
    pub fn check_labels(&self, classes: usize) -> Result<()> {
        match self.labels.iter().position(|&label| usize::from(label) >= classes) {
            None => Ok(()),
            Some(index) => Err(Error::whole(
                &self.labels_name,
                ErrorKind::LabelOutOfRange { index, label: self.labels[index], classes },
            )),
        }
    }

    /// The file of the images, or its given name.
    pub fn images_name(&self) -> &str {
        &self.images_name
    }

    /// The file of the labels, or its given name.
    pub fn labels_name(&self) -> &str {
        &self.labels_name
    }
}

/// A training set and a test set of images of the same size.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The training set.
    pub train: Split,
    /// The test set.
    pub test: Split,
}

impl DataSet {
    /// Combines a training set and a test set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ImageSizeMismatch`] if their images differ in height or width.
    pub fn new(train: Split, test: Split) -> Result<Self> {
        let expected = (train.height, train.width);
        let found = (test.height, test.width);
        if found != expected {
            let kind = ErrorKind::ImageSizeMismatch { found, expected, train_file: train.images_name };
            return Err(Error::whole(&test.images_name, kind));
        }
        Ok(DataSet { train, test })
    }

    /// Finds and reads the four files of a data set in a folder, the training set and the test set at the same time.
    ///
    /// # Errors
    ///
    /// Those of [`Part::find`], [`Split::load`] and [`DataSet::new`]; the training set's first, if both fail.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        let train = Part::Train.find(folder.as_ref())?;
        let test = Part::Test.find(folder.as_ref())?;
        let load_test = || Split::load(&test.0, &test.1);
        let (train, test) = thread::scope(|scope| {
            let other = thread::Builder::new().spawn_scoped(scope, load_test);
            let train = Split::load(&train.0, &train.1);
            let test = match other {
                Ok(other) => other.join().unwrap_or_else(|p| panic::resume_unwind(p)),
                // If no thread can be started, reads one after the other.
                Err(_) => load_test(),
            };
            (train, test)
        });
        DataSet::new(train?, test?)
    }

    /// Checks that every label of both sets is below `classes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LabelOutOfRange`] with the first label that is not, the training set's first.
    pub fn check_labels(&self, classes: usize) -> Result<()> {
        self.train.check_labels(classes)?;
        self.test.check_labels(classes)
    }
}

fn bytes_of(name: &str, role: &'static str, idx: Idx) -> Result<(Vec<usize>, Bytes)> {
    let found: ElementType = idx.element_type();
    match idx.into_parts() {
        (sizes, Data::U8(bytes)) => Ok((sizes, bytes)),
        _ => Err(Error::whole(name, ErrorKind::WrongType { role, found })),
    }
}

/// Columns of QMNIST's table of labels: the class, then who wrote it and where it is from.
const TABLE_COLUMNS: usize = 8;

/// QMNIST's table of labels as a list of bytes; anything else unchanged.
fn classes_of(name: &str, labels: Idx) -> Result<Idx> {
    let (Data::I32(table), [rows, TABLE_COLUMNS]) = (labels.data(), labels.sizes()) else {
        return Ok(labels);
    };
    let class = |(index, row): (usize, &[i32])| {
        u8::try_from(row[0]).map_err(|_| {
            let kind = ErrorKind::LabelOutOfBounds { index, label: row[0], first: 0, last: 255 };
            Error::whole(name, kind)
        })
    };
    let classes: Vec<u8> = table.chunks_exact(TABLE_COLUMNS).enumerate().map(class).collect::<Result<_>>()?;
    Idx::new(vec![*rows], classes)
}

fn wrong_rank(name: &str, role: &'static str, expected: &'static str, sizes: Vec<usize>) -> Error {
    let kind = ErrorKind::WrongRank { role, expected, sizes };
    Error::whole(name, kind)
}
