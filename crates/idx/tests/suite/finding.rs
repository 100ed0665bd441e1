//! The files of a set under the names, and in the folders, that browsers, archives and programs give them.

use std::fs;
use std::path::Path;

use twolayer_idx::{DataSet, ErrorKind, Part};

use crate::fixtures::{assert_told, file_of_bytes};

const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Writes a set with one image of 2 x 2 pixels in each half, whose first pixel is `mark`; `place` makes of each name a
/// path below the folder.
fn write(folder: &Path, mark: u8, place: impl Fn(&str) -> String) {
    for name in NAMES {
        let content = match name.contains("images") {
            true => file_of_bytes(&[1, 2, 2], &[mark, 2, 3, 4]),
            false => file_of_bytes(&[1], &[1]),
        };
        let path = folder.join(place(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn names_that_programs_give() {
    let places: [fn(&str) -> String; 9] = [
        |name| format!("{name}/{name}"),
        |name| format!("{}/{name}", name.replace("-idx", ".idx")),
        |name| format!("MNIST/raw/{name}"),
        |name| format!("raw/{name}"),
        |name| format!("{name} (1)"),
        |name| format!("{name}(12)"),
        |name| name.to_uppercase(),
        |name| name.replace("t10k", "test"),
        |name| format!("MNIST/raw/{name}/{}", name.replace("-idx", ".idx")),
    ];
    for (n, place) in places.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 7, place);
        let set = DataSet::load(folder.path()).unwrap_or_else(|error| panic!("{n}: {error}"));
        assert_eq!((set.train.images(), set.test.labels()), (&[7, 2, 3, 4][..], &[1][..]), "{n}");
    }
}

#[test]
fn the_first_download_is_taken_before_a_second() {
    let folder = tempfile::tempdir().unwrap();
    for (mark, copy) in [(3, " (2)"), (2, " (1)"), (1, "")] {
        write(folder.path(), mark, |name| format!("{name}{copy}"));
        assert_eq!(DataSet::load(folder.path()).unwrap().train.images()[0], mark);
    }
}

/// The other half of a set is not taken from another set, below it.
#[test]
fn halves_are_of_one_set() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, |name| if name.starts_with("train") { name.into() } else { format!("fashion/{name}") });
    assert!(Part::Train.find(folder.path()).is_ok());
    let error = Part::Test.find(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::MissingFile { role: "test images", .. }), "{error}");
}

#[test]
fn sets_in_several_folders_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, |name| format!("MNIST/raw/{name}"));
    write(folder.path(), 2, |name| format!("FashionMNIST/raw/{name}"));
    let error = DataSet::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::SeveralSets { .. }));
    let shown = |set: &str| Path::new(set).join("raw").display().to_string();
    assert_told(&error, folder.path().to_str().unwrap(), &[&shown("FashionMNIST"), &shown("MNIST"), "give that"]);
    assert_eq!(DataSet::load(folder.path().join("MNIST")).unwrap().train.images()[0], 1);
    // The folder's own set comes before those below it.
    write(folder.path(), 3, str::to_owned);
    assert_eq!(DataSet::load(folder.path()).unwrap().train.images()[0], 3);
}

#[test]
fn what_is_there_instead_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("archive.zip"), "PK").unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte.txt"), "1").unwrap();
    let error = Part::Train.find(folder.path()).unwrap_err();
    let words = ["no training images", "it has archive.zip, train-images-idx3-ubyte.txt", "unpack archive.zip there"];
    assert_told(&error, folder.path().to_str().unwrap(), &words);
    let empty = tempfile::tempdir().unwrap();
    let error = Part::Test.find(empty.path()).unwrap_err();
    assert_told(&error, empty.path().to_str().unwrap(), &["no test images", "it has no files"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_named_unless_another_file_does() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, str::to_owned);
    let path = folder.path().join(NAMES[0]);
    fs::rename(&path, folder.path().join("kept")).unwrap();
    std::os::unix::fs::symlink("/no/such/place", &path).unwrap();
    let error = DataSet::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DanglingLink { .. }));
    assert_told(&error, path.to_str().unwrap(), &["a link to /no/such/place, which does not exist"]);
    fs::rename(folder.path().join("kept"), folder.path().join(format!("{} (1)", NAMES[0]))).unwrap();
    DataSet::load(folder.path()).unwrap();
}
