//! Data sets: found under all file names, and rejected if their files do not belong together.

use std::fs;
use std::path::Path;

use twolayer_idx::{DataSet, Error, ErrorKind, Idx, Packing, Part, Split};

use crate::fixtures::{assert_told, encoded, file_of_bytes, gzip};

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");

fn images(sizes: &[u32]) -> Vec<u8> {
    let n = sizes.iter().product::<u32>();
    let pixels: Vec<u8> = (0..n).map(|i| i as u8).collect();
    file_of_bytes(sizes, &pixels)
}

fn labels(labels: &[u8]) -> Vec<u8> {
    file_of_bytes(&[labels.len() as u32], labels)
}

fn split(images: &[u8], labels: &[u8]) -> Result<Split, Error> {
    Split::from_slices(("the images", images), ("the labels", labels))
}

/// Writes a set of two training images and one test image under one spelling.
fn write_set(folder: &Path, separator: &str, packed: bool) {
    for (stem, n) in [("train", 2), ("t10k", 1)] {
        for (kind, suffix, content) in
            [("images", "idx3", images(&[n, 2, 3])), ("labels", "idx1", labels(&vec![n as u8; n as usize]))]
        {
            let (content, gz) = match packed {
                true => (gzip(&content), ".gz"),
                false => (content, ""),
            };
            let name = format!("{stem}-{kind}{separator}{suffix}-ubyte{gz}");
            fs::write(folder.join(name), content).unwrap();
        }
    }
}

#[test]
fn found_under_every_spelling() {
    for separator in ["-", "."] {
        for packed in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            write_set(folder.path(), separator, packed);
            let set = DataSet::load(folder.path()).unwrap();
            assert_eq!((set.train.rows(), set.test.rows()), (2, 1));
            assert_eq!(set.train.images(), (0..12).collect::<Vec<u8>>());
            assert_eq!(set.train.labels(), [2, 2]);
            assert_eq!(set.test.labels(), [1]);
            assert_eq!((set.train.height(), set.train.width()), (2, 3));
            let test = Split::load_part(folder.path(), Part::Test).unwrap();
            assert_eq!(test.images(), set.test.images());
            let name = format!("t10k-labels{separator}idx1-ubyte");
            assert!(test.labels_name().contains(&name), "{}", test.labels_name());
            assert!(test.images_name().contains("t10k-images"));
        }
    }
}

#[test]
fn raw_files_are_preferred_and_folders_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path(), ".", false);
    write_set(folder.path(), "-", true);
    fs::create_dir(folder.path().join("train-images-idx3-ubyte")).unwrap();
    let (images, labels) = Part::Train.find(folder.path()).unwrap();
    assert_eq!(images, folder.path().join("train-images.idx3-ubyte"));
    assert_eq!(labels, folder.path().join("train-labels.idx1-ubyte"));
}

/// So a small file that unpacks to gigabytes is not unpacked if it does not fit.
#[test]
fn headers_are_compared_before_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let packed = gzip(&images(&[3, 50, 50]));
    for content in [&packed[..packed.len() / 2], &images(&[3, 50, 50])] {
        let [images, labels_file] = ["images", "labels"].map(|name| folder.path().join(name));
        fs::write(&images, content).unwrap();
        fs::write(&labels_file, labels(&[1, 2])).unwrap();
        let error = Split::load(&images, &labels_file).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CountMismatch { images: 3, labels: 2, .. }), "{error}");
    }
}

#[test]
fn missing_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere");
    let error = DataSet::load(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAFolder { exists: false }));
    assert_told(&error, path.to_str().unwrap(), &["no such folder"]);
    fs::write(&path, "").unwrap();
    let error = DataSet::load(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAFolder { exists: true }));
    assert_told(&error, path.to_str().unwrap(), &["not a folder"]);
    let error = DataSet::load(path.join("below a file")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAFolder { exists: false }));
}

#[test]
fn each_missing_file() {
    for (missing, role, others) in [
        ("train-images", "no training images", "train-labels-idx1-ubyte"),
        ("train-labels", "no training labels", "train-images-idx3-ubyte"),
        ("t10k-images", "no test images", "t10k-labels-idx1-ubyte"),
        ("t10k-labels", "no test labels", "t10k-images-idx3-ubyte"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_set(folder.path(), "-", false);
        let idx = if missing.ends_with("images") { 3 } else { 1 };
        let name = format!("{missing}-idx{idx}-ubyte");
        fs::remove_file(folder.path().join(&name)).unwrap();
        let error = DataSet::load(folder.path()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::MissingFile { expected, found, .. } if (expected, found.len()) == (&name, 3))
        );
        assert_told(&error, folder.path().to_str().unwrap(), &[role, &format!("expected {name}, raw or .gz"), others]);
    }
}

#[test]
fn a_malformed_file_of_a_set_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path(), "-", false);
    for name in ["t10k-labels-idx1-ubyte", "train-images-idx3-ubyte"] {
        let path = folder.path().join(name);
        fs::write(&path, "oops").unwrap();
        let error = DataSet::load(folder.path()).unwrap_err();
        assert_told(&error, path.to_str().unwrap(), &["not an IDX file"]);
    }
}

#[test]
fn counts_that_differ() {
    for count in [1, 3] {
        let error = split(&images(&[2, 1, 1]), &labels(&vec![0; count])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CountMismatch { images: 2, labels, .. } if *labels == count));
        let words = ["2 images here", &format!("{count} labels in the labels")];
        assert_told(&error, "the images", &words);
    }
}

#[test]
fn empty_sets() {
    for sizes in [[0, 2, 2], [2, 0, 2], [2, 2, 0]] {
        let error = split(&images(&sizes), &labels(&vec![0; sizes[0] as usize])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Empty { .. }));
        assert_told(&error, "the images", &["no images"]);
    }
}

#[test]
fn images_one_by_one() {
    let split = split(&images(&[2, 2, 3]), &labels(&[4, 0])).unwrap();
    assert_eq!(split.image(1), Some(&[6, 7, 8, 9, 10, 11][..]));
    assert_eq!(split.image(2), None);
    assert_eq!(split.image(usize::MAX), None);
    assert_eq!(split.classes(), 5);
}

#[test]
fn image_sizes_that_differ() {
    let train = split(&images(&[1, 2, 3]), &labels(&[0])).unwrap();
    let test = Split::from_slices(("the test images", &images(&[1, 3, 2])), ("test labels", &labels(&[0]))).unwrap();
    let error = DataSet::new(train, test).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ImageSizeMismatch { .. }));
    let words = ["3 x 2", "those of the images 2 x 3"];
    assert_told(&error, "the test images", &words);
}

#[test]
fn labels_outside_the_classes() {
    let split = split(&images(&[3, 1, 1]), &labels(&[0, 9, 255])).unwrap();
    assert_eq!(split.classes(), 256);
    split.check_labels(256).unwrap();
    for (classes, index, label) in [(255, 2, 255), (10, 2, 255), (9, 1, 9), (0, 0, 0)] {
        let error = split.check_labels(classes).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::LabelOutOfRange { index: i, label: l, .. } if (*i, *l) == (index, label))
        );
        let words = [&*format!("label {label} at index {index}"), &format!("the {classes} classes")];
        assert_told(&error, "the labels", &words);
    }
    let good = Split::from_slices(("i", &images(&[1, 1, 1])), ("l", &labels(&[1]))).unwrap();
    let set = DataSet::new(good.clone(), split.clone()).unwrap();
    assert_eq!(set.check_labels(10).unwrap_err().file(), "the labels");
    let set = DataSet::new(split, good).unwrap();
    assert_eq!(set.check_labels(10).unwrap_err().file(), "the labels");
    set.check_labels(256).unwrap();
}

#[test]
fn the_bundled_digits() {
    let set = DataSet::load(DIGITS).unwrap();
    assert_eq!((set.train.rows(), set.test.rows()), (1437, 360));
    assert_eq!((set.train.height(), set.train.width()), (8, 8));
    assert_eq!((set.train.classes(), set.test.classes()), (10, 10));
    assert_eq!(set.train.images().iter().max(), Some(&255));
    set.check_labels(10).unwrap();

    let bytes = |name: &str| fs::read(format!("{DIGITS}/{name}.gz")).unwrap();
    let train = Split::from_slices(
        ("images", &bytes("train-images-idx3-ubyte")),
        ("labels", &bytes("train-labels-idx1-ubyte")),
    )
    .unwrap();
    assert_eq!(train.images(), set.train.images());
    assert_eq!(train.labels(), set.train.labels());
}

/// Reading and writing again gives the unpacked file that was read.
#[test]
fn the_bundled_digits_written_again() {
    let path = format!("{DIGITS}/train-images-idx3-ubyte.gz");
    let idx = Idx::load(path).unwrap();
    let raw = encoded(&idx, Packing::Raw);
    assert_eq!(raw[..8], [0, 0, 8, 3, 0, 0, 5, 0x9D]);
    assert_eq!(raw.len(), 16 + 1437 * 64);
    assert_eq!(Idx::from_slice("again", &gzip(&raw)).unwrap(), idx);
}
