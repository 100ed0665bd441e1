//! A training set and a test set of labelled images.

use std::panic;
use std::path::Path;
use std::thread;

use crate::error::name_of;
use crate::{Bytes, Data, ElementType, Error, ErrorKind, Idx, Part, Result};

/// Images and their labels, as many of one as of the other and at least one.
///
/// Images are bytes, `rows * height * width` of them in row-major order, 0 for the background; labels are bytes too.
/// An images' file of rank 3 is `rows x height x width`; one of rank 2, `rows x features`, is taken as images of
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
    /// # Errors
    ///
    /// Those of [`Idx::load`], and those of files that do not fit: [`ErrorKind::WrongType`], [`ErrorKind::WrongRank`],
    /// [`ErrorKind::Empty`], [`ErrorKind::CountMismatch`].
    pub fn load(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        Split::pair((&name_of(images), Idx::load(images)?), (&name_of(labels), Idx::load(labels)?))
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

    /// Reads two files, raw or gzip, from memory. Each comes with the name that errors call it.
    ///
    /// # Errors
    ///
    /// As for [`Split::load`].
    pub fn from_slices(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<Self> {
        Split::pair((images.0, Idx::from_slice(images.0, images.1)?), (labels.0, Idx::from_slice(labels.0, labels.1)?))
    }

    /// Pairs images with labels. Each comes with the name that errors call it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongType`] unless both hold `u8`; [`ErrorKind::WrongRank`] unless the images have 2 or 3
    /// dimensions and the labels 1; [`ErrorKind::Empty`] if there is no image or an image has no pixels;
    /// [`ErrorKind::CountMismatch`] if there are not as many labels as images.
    pub fn pair(images: (&str, Idx), labels: (&str, Idx)) -> Result<Self> {
        let ((images_name, images), (labels_name, labels)) = (images, labels);
        let (sizes, images) = bytes_of(images_name, "images", images)?;
        let (label_sizes, labels) = bytes_of(labels_name, "labels", labels)?;
        let (rows, height, width) = match sizes[..] {
            [rows, height, width] => (rows, height, width),
            [rows, features] => (rows, 1, features),
            _ => {
                let expected = "rows x height x width, or rows x features,";
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

    /// The pixels of image `index`, counted from 0; `None` if there are not as many.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        self.images.chunks_exact(self.inputs()).nth(index)
    }

    /// One more than the largest label, from 1 to 256.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&label| usize::from(label) + 1)
    }

    /// Makes sure that every label is below `classes`.
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

    /// The images' file, or the name it was given.
    pub fn images_name(&self) -> &str {
        &self.images_name
    }

    /// The labels' file, or the name it was given.
    pub fn labels_name(&self) -> &str {
        &self.labels_name
    }
}

/// A training set and a test set of images of the same size.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The images to learn from.
    pub train: Split,
    /// The images to be judged by.
    pub test: Split,
}

impl DataSet {
    /// Puts a training set and a test set together.
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
                // A system that has no thread to spare still has the time.
                Err(_) => load_test(),
            };
            (train, test)
        });
        DataSet::new(train?, test?)
    }

    /// Makes sure that every label of both sets is below `classes`.
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

fn wrong_rank(name: &str, role: &'static str, expected: &'static str, sizes: Vec<usize>) -> Error {
    let kind = ErrorKind::WrongRank { role, expected, sizes };
    Error::whole(name, kind)
}
