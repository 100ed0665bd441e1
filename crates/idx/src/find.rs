//! Finds the files of a data set under their usual names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result, name_of};

/// One of the two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The training set: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`.
    Train,
    /// The test set: `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`.
    Test,
}

impl Part {
    /// Finds the part's two files in a folder: images, then labels.
    ///
    /// Each is looked for under four names, in this order: `train-images-idx3-ubyte`, `train-images.idx3-ubyte` and
    /// both with `.gz` (a raw file loads faster). Folders of these names, which some archives
    /// unpack to, are skipped. If MNIST's names are missing, EMNIST's and QMNIST's are looked for:
    /// `emnist-letters-train-images-idx3-ubyte`, `qmnist-train-labels-idx2-int` and so on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotAFolder`]; [`ErrorKind::MissingFile`] with the names that were looked for;
    /// [`ErrorKind::SeveralSets`] if there are images of more than one set; [`ErrorKind::Io`] if the folder cannot be
    /// read.
    pub fn find(self, folder: impl AsRef<Path>) -> Result<(PathBuf, PathBuf)> {
        let folder = folder.as_ref();
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(not_a_folder(folder, true)),
            Err(error) if is_absence(&error) => return Err(not_a_folder(folder, false)),
            Err(error) => return Err(Error::io(&name_of(folder), "look at", error)),
        }
        let (stem, images, labels) = match self {
            Part::Train => ("train", "training images", "training labels"),
            Part::Test => ("t10k", "test images", "test labels"),
        };
        let missing = match find_one(folder, images, &format!("{stem}-images"), "idx3-ubyte") {
            Ok(images) => return Ok((images, find_one(folder, labels, &format!("{stem}-labels"), "idx1-ubyte")?)),
            Err(error) if matches!(error.kind(), ErrorKind::MissingFile { .. }) => error,
            Err(error) => return Err(error),
        };
        let Some((set, images)) = self.find_relative(folder, images)? else {
            return Err(missing);
        };
        let suffix = if set == "qmnist" { "idx2-int" } else { "idx1-ubyte" };
        let stem = format!("{set}-{}-labels", self.in_relatives());
        Ok((images, find_one(folder, labels, &stem, suffix)?))
    }

    /// The only set other than MNIST whose images are in the folder.
    fn find_relative(self, folder: &Path, role: &'static str) -> Result<Option<(&'static str, PathBuf)>> {
        let mut found = Vec::new();
        for set in RELATIVES {
            match find_one(folder, role, &format!("{set}-{}-images", self.in_relatives()), "idx3-ubyte") {
                Ok(path) => found.push((set, path)),
                Err(error) if matches!(error.kind(), ErrorKind::MissingFile { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if found.len() > 1 {
            let sets = found.iter().map(|(set, _)| set.to_string()).collect();
            return Err(Error::whole(&name_of(folder), ErrorKind::SeveralSets { sets }));
        }
        Ok(found.pop())
    }

    /// The part's name in such file names.
    fn in_relatives(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
        }
    }
}

/// The prefixes of the sets whose file names differ from MNIST's.
const RELATIVES: [&str; 7] = [
    "emnist-balanced",
    "emnist-byclass",
    "emnist-bymerge",
    "emnist-digits",
    "emnist-letters",
    "emnist-mnist",
    "qmnist",
];

fn find_one(folder: &Path, role: &'static str, stem: &str, suffix: &str) -> Result<PathBuf> {
    let mut tried = Vec::new();
    for packing in ["", ".gz"] {
        for separator in ["-", "."] {
            let name = format!("{stem}{separator}{suffix}{packing}");
            let path = folder.join(&name);
            match fs::metadata(&path) {
                Ok(metadata) if !metadata.is_dir() => return Ok(path),
                Ok(_) => {}
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(Error::io(&name_of(&path), "look at", error)),
            }
            tried.push(name);
        }
    }
    let kind = ErrorKind::MissingFile { role, tried };
    Err(Error::whole(&name_of(folder), kind))
}

fn not_a_folder(folder: &Path, exists: bool) -> Error {
    Error::whole(&name_of(folder), ErrorKind::NotAFolder { exists })
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
