//! A training set and a test set of labelled images.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bytes::Bytes;
use crate::error::{Error, ErrorKind, Result, name_of};
use crate::find::{self, Part, set_of};
use crate::idx::{Idx, Unread};
use crate::write::Packing;
use crate::{labels, pixels};

/// Images and their labels, equally many, at least one.
///
/// Images are bytes, `rows * height * width` of them in row-major order, 0 for the background; labels are class indices.
#[derive(Clone, Debug)]
pub struct Split {
    images: Bytes,
    labels: Vec<u32>,
    height: usize,
    width: usize,
    images_name: String,
    labels_name: String,
    notes: Vec<String>,
}

/// What the sizes of images and labels say: the columns of the labels, and an image's height and width.
struct Layout {
    columns: usize,
    height: usize,
    width: usize,
}

impl Split {
    /// Reads the two files, raw or gzip.
    ///
    /// EMNIST's files, which are known by their names, have their images transposed and, in the split `letters`, labels
    /// from 1: the images are turned upright and the labels made to begin at 0.
    ///
    /// # Errors
    ///
    /// Those of [`Idx::load`] and of [`Split::pair`].
    pub fn load(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        let split = Split::load_pair([&name_of(images), &name_of(labels)], images, labels)?;
        let split = if set_of(images).starts_with("emnist-") { split.transposed() } else { split };
        if set_of(labels) == "emnist-letters" { split.counted_from_0() } else { Ok(split) }
    }

    /// Reads both headers before the rest of either, so that what does not fit is not unpacked.
    fn load_pair([images_name, labels_name]: [&str; 2], images: &Path, labels: &Path) -> Result<Self> {
        let (images, labels) = (Unread::open(images_name, images)?, Unread::open(labels_name, labels)?);
        Split::check_sizes((images_name, images.sizes()), (labels_name, labels.sizes()))?;
        Split::pair((images_name, images.read()?), (labels_name, labels.read()?))
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
    /// Images are `rows x height x width`, with one channel before or after if any, or `rows x pixels`, which are
    /// square if they can be. Their elements are bytes, other numbers from 0 to 255, or floats from 0 to 1, which are
    /// rounded to 256 shades ([`notes`](Self::notes) tell if that loses anything).
    ///
    /// Labels are whole numbers from 0 of any element type, one for each image, or a one-hot table `rows x classes`, or
    /// QMNIST's table of `i32`, `rows x 8`, whose first column is the class. In both, sizes of 1 do not matter.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Empty`] if there is no image or an image has no pixels; [`ErrorKind::CountMismatch`] if there are not
    /// as many labels as images; [`ErrorKind::WrongRank`] and [`ErrorKind::Colour`] for other shapes;
    /// [`ErrorKind::PixelRange`], [`ErrorKind::NotANumber`], [`ErrorKind::LabelOutOfBounds`] and
    /// [`ErrorKind::NotOneHot`] for other values.
    pub fn pair(images: (&str, Idx), labels: (&str, Idx)) -> Result<Self> {
        let ((images_name, images), (labels_name, labels)) = (images, labels);
        let Layout { columns, height, width } =
            Split::layout((images_name, images.sizes()), (labels_name, labels.sizes()))?;
        let labels = labels::classes(labels_name, &labels, columns)?;
        let (pixels, note) = pixels::bytes(images_name, images.into_parts().1)?;
        Ok(Split {
            images: pixels,
            labels,
            height,
            width,
            images_name: images_name.to_owned(),
            labels_name: labels_name.to_owned(),
            notes: note.into_iter().collect(),
        })
    }

    /// Checks that images and labels of these sizes, outermost first, make a split, each with its name in errors: what
    /// [`pair`](Split::pair) checks before it looks at the elements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Empty`], [`ErrorKind::CountMismatch`], [`ErrorKind::WrongRank`] and [`ErrorKind::Colour`], as there.
    pub fn check_sizes(images: (&str, &[usize]), labels: (&str, &[usize])) -> Result<()> {
        Split::layout(images, labels).map(drop)
    }

    fn layout((images_name, images): (&str, &[usize]), (labels_name, labels): (&str, &[usize])) -> Result<Layout> {
        if images.contains(&0) {
            return Err(Error::whole(images_name, ErrorKind::Empty { sizes: images.to_vec() }));
        }
        let columns = labels::columns(labels_name, labels, images.first().copied().unwrap_or(0))?;
        let rows = labels.iter().fold(1, |product: usize, &size| product.saturating_mul(size)) / columns;
        let (height, width) = pixels::sides(images_name, images, (labels_name, rows))?;
        Ok(Layout { columns, height, width })
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
        let labels = order.iter().map(|&n| self.labels[n]).collect();
        Split {
            images: images.into(),
            labels,
            height: self.height,
            width: self.width,
            images_name: self.images_name.clone(),
            labels_name: self.labels_name.clone(),
            notes: self.notes.clone(),
        }
    }

    /// The same labels, counted from 0 rather than from 1.
    fn counted_from_0(self) -> Result<Self> {
        if let Some(index) = self.labels.iter().position(|&label| label == 0) {
            let kind = ErrorKind::LabelOutOfBounds { index, label: 0.0, first: 1, last: 26 };
            return Err(Error::whole(&self.labels_name, kind));
        }
        let labels = self.labels.iter().map(|label| label - 1).collect();
        Ok(Split { labels, ..self })
    }

    /// The pixels: `rows * height * width` bytes, image after image, each row by row from the top.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The label of each image, in the order of the images.
    pub fn labels(&self) -> &[u32] {
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

    /// One more than the largest label, from 1 to a million.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&label| label as usize + 1)
    }

    /// The number of rows of each class.
    ///
    /// # Panics
    ///
    /// If a label is not below `classes`.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        self.labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts
    }

    /// Checks that every label is below `classes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LabelOutOfRange`] with the first label that is not.
    pub fn check_labels(&self, classes: usize) -> Result<()> {
        match self.labels.iter().position(|&label| label as usize >= classes) {
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

    /// Adds a sentence to [`notes`](Self::notes).
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// What reading them lost or assumed, a sentence each; mostly none.
    pub fn notes(&self) -> &[String] {
        &self.notes
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
    /// Combines a training set and a test set. If one has its images flat, `rows x pixels`, they get the other's height and
    /// width.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ImageSizeMismatch`] if their images differ in height or width.
    pub fn new(mut train: Split, mut test: Split) -> Result<Self> {
        if train.inputs() == test.inputs() {
            match (train.height, test.height) {
                (1, _) => (train.height, train.width) = (test.height, test.width),
                (_, 1) => (test.height, test.width) = (train.height, train.width),
                _ => {}
            }
        }
        let expected = (train.height, train.width);
        let found = (test.height, test.width);
        if found != expected {
            let kind = ErrorKind::ImageSizeMismatch { found, expected, train_file: train.images_name };
            return Err(Error::whole(&test.images_name, kind));
        }
        Ok(DataSet { train, test })
    }

    /// Finds and reads the four files of a data set in a folder.
    ///
    /// # Errors
    ///
    /// Those of [`Part::find`], [`Split::load`] and [`DataSet::new`].
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        let [train, test] = find::both(folder.as_ref())?;
        DataSet::new(Split::load(train.0, train.1)?, Split::load(test.0, test.1)?)
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

/// Writes a training set, and a test set if there is one, to two files each, raw, under MNIST's names, labels of more than
/// 256 classes as `idx1-int`; creates the folder if it does not exist. Returns their paths.
///
/// # Errors
///
/// [`ErrorKind::SetExists`] if the folder has a file of a set; [`ErrorKind::Io`].
pub fn save_set(folder: impl AsRef<Path>, train: &Split, test: Option<&Split>) -> Result<Vec<PathBuf>> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder).map_err(|error| Error::io(&name_of(folder), "create", error))?;
    if let Some(there) = find::any(folder)? {
        return Err(Error::whole(&name_of(&there), ErrorKind::SetExists));
    }
    let mut files = Vec::with_capacity(4);
    for (split, part) in [(Some(train), "train"), (test, "t10k")] {
        let Some(split) = split else { continue };
        let images = Idx::new(vec![split.rows(), split.height, split.width], split.images.clone())?;
        let bytes: Option<Vec<u8>> = split.labels.iter().map(|&label| label.try_into().ok()).collect();
        let (labels, element) = match bytes {
            Some(bytes) => (Idx::new(vec![split.rows()], bytes)?, "ubyte"),
            // `labels::MAX_LABEL` is below 2^31.
            None => {
                let labels: Vec<i32> = split.labels.iter().map(|&label| label as i32).collect();
                (Idx::new(vec![split.rows()], labels)?, "int")
            }
        };
        for (idx, name) in [(images, "images-idx3-ubyte".into()), (labels, format!("labels-idx1-{element}"))] {
            let path = folder.join(format!("{part}-{name}"));
            if let Err(error) = idx.save(&path, Packing::Raw) {
                // Half a set would be taken for one.
                files.iter().for_each(|file| drop(fs::remove_file(file)));
                return Err(error);
            }
            files.push(path);
        }
    }
    Ok(files)
}
