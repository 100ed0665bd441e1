//! Variants of MNIST: EMNIST, transposed and partly with labels from 1, and QMNIST with its table of labels.

use std::fs;
use std::path::Path;

use twolayer_idx::{DataSet, ErrorKind, Idx, Packing, Split};

use crate::fixtures::{assert_told, encoded, file_of_bytes, gzip};

/// Writes an EMNIST split of two images of 2 x 3 pixels in each half.
fn write_emnist(folder: &Path, split: &str, labels: &[u8; 2], packed: bool) {
    for part in ["train", "test"] {
        let images = file_of_bytes(&[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        for (name, content) in [("images-idx3", images), ("labels-idx1", file_of_bytes(&[2], labels))] {
            let (content, gz) = if packed { (gzip(&content), ".gz") } else { (content, "") };
            fs::write(folder.join(format!("emnist-{split}-{part}-{name}-ubyte{gz}")), content).unwrap();
        }
    }
}

/// A table as QMNIST's, whose first column is these classes.
fn table(classes: &[i32]) -> Vec<u8> {
    let rows = classes.iter().flat_map(|&class| [class, 1, 600, 7, 300 + class, 70_000, 0, 0]).collect::<Vec<i32>>();
    encoded(&Idx::new(vec![classes.len(), 8], rows).unwrap(), Packing::Gzip)
}

fn write_qmnist(folder: &Path, classes: &[i32]) {
    for part in ["train", "test"] {
        let images = gzip(&file_of_bytes(&[3, 1, 2], &[1, 2, 3, 4, 5, 6]));
        fs::write(folder.join(format!("qmnist-{part}-images-idx3-ubyte.gz")), images).unwrap();
        fs::write(folder.join(format!("qmnist-{part}-labels-idx2-int.gz")), table(classes)).unwrap();
    }
}

#[test]
fn emnist_is_turned_upright() {
    for packed in [false, true] {
        for split in ["balanced", "byclass", "bymerge", "digits", "mnist"] {
            let folder = tempfile::tempdir().unwrap();
            write_emnist(folder.path(), split, &[0, 46], packed);
            let set = DataSet::load(folder.path()).unwrap();
            for half in [&set.train, &set.test] {
                assert_eq!((half.height(), half.width()), (3, 2));
                assert_eq!(half.images(), [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]);
                assert_eq!(half.labels(), [0, 46], "{split} counts from 0");
            }
        }
    }
}

#[test]
fn emnist_letters_count_from_1() {
    let folder = tempfile::tempdir().unwrap();
    write_emnist(folder.path(), "letters", &[1, 26], true);
    let set = DataSet::load(folder.path()).unwrap();
    assert_eq!((set.train.labels(), set.test.labels()), (&[0, 25][..], &[0, 25][..]));
    assert_eq!(set.train.classes(), 26);
    write_emnist(folder.path(), "letters", &[1, 0], true);
    let error = DataSet::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LabelOutOfBounds { index: 1, label: 0.0, .. }));
    let path = folder.path().join("emnist-letters-train-labels-idx1-ubyte.gz");
    assert_told(&error, path.to_str().unwrap(), &["label 0 at index 1", "1 to 26"]);
}

#[test]
fn qmnist_has_its_class_in_the_first_column() {
    let folder = tempfile::tempdir().unwrap();
    write_qmnist(folder.path(), &[5, 0, 9]);
    let set = DataSet::load(folder.path()).unwrap();
    assert_eq!((set.train.labels(), set.test.labels()), (&[5, 0, 9][..], &[5, 0, 9][..]));
    assert_eq!(set.train.images(), [1, 2, 3, 4, 5, 6], "its images are upright");
    for (index, wrong) in [(0, -1), (2, 1_000_000)] {
        let mut classes = [5, 0, 9];
        classes[index] = wrong;
        let images = file_of_bytes(&[3, 1, 1], &[1, 2, 3]);
        let error = Split::from_slices(("images", &images), ("labels", &table(&classes))).unwrap_err();
        assert_told(&error, "labels", &[&format!("label {wrong} at index {index}"), "0 to 999999"]);
    }
}

#[test]
fn a_folder_holds_one_set() {
    let folder = tempfile::tempdir().unwrap();
    write_emnist(folder.path(), "letters", &[1, 2], false);
    write_qmnist(folder.path(), &[1, 2, 3]);
    let error = DataSet::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::SeveralSets { sets } if sets.len() == 2));
    assert_told(&error, folder.path().to_str().unwrap(), &["emnist-letters, qmnist", "a separate folder"]);
}

#[test]
fn missing_labels_of_qmnist_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_qmnist(folder.path(), &[1, 2, 3]);
    fs::remove_file(folder.path().join("qmnist-test-labels-idx2-int.gz")).unwrap();
    let error = DataSet::load(folder.path()).unwrap_err();
    assert_told(
        &error,
        folder.path().to_str().unwrap(),
        &["no test labels", "expected qmnist-test-labels-idx2-int, raw or .gz"],
    );
}
