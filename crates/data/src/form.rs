//! Recognises the form of a data set by what is at its path.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use twolayer_idx::{DataSet, ErrorKind, Part, Split};

use crate::error::{Error, Result};
use crate::options::Options;
use crate::paths::{folder_of, is_a, list, named};
use crate::pictures::ClassFolders;
use crate::{csv, npz};

/// The most members of an archive, and files of a folder, that are named.
const NAMED: usize = 4;
const LISTED: usize = 8;

/// A data set that was recognised and not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A folder of IDX files.
    Idx(PathBuf),
    /// A NumPy archive.
    Npz(PathBuf),
    /// CSV files.
    Csv {
        /// The training rows.
        train: PathBuf,
        /// The test rows, if there are any.
        test: Option<PathBuf>,
    },
    /// Folders with a folder for each class.
    Pictures {
        /// The training pictures.
        train: PathBuf,
        /// The test pictures; `None` if each sixth of the training folder's is one.
        test: Option<PathBuf>,
    },
}

impl Form {
    /// Recognises the set at `path`.
    ///
    /// # Errors
    ///
    /// If nothing is there, or no set: what it is instead, and what to do.
    pub fn of(path: &Path) -> Result<Form> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Form::of_folder(path),
            Ok(_) => Form::of_file(path),
            Err(_) => match fs::read_link(path) {
                Ok(target) => {
                    Err(Error::new(path, format_args!("a link to {}, which does not exist", target.display())))
                }
                // Says that it does not exist.
                Err(_) => Ok(Form::Idx(path.to_owned())),
            },
        }
    }

    fn of_folder(folder: &Path) -> Result<Form> {
        // One part is enough: a model is measured on the test images alone.
        let has_none = |part: Part| {
            let lacks_images = |kind: &ErrorKind| {
                matches!(kind, ErrorKind::MissingFile { role: "training images" | "test images", .. })
            };
            part.find(folder).is_err_and(|error| lacks_images(error.kind()))
        };
        if !has_none(Part::Train) || !has_none(Part::Test) {
            return Ok(Form::Idx(folder.to_owned()));
        }
        let mut files: Vec<PathBuf> = list(folder)?;
        files.retain(|path| !path.is_dir());
        let mut archives = files.iter().filter(|path| is_a(path, &["npz"]));
        match (archives.next(), archives.next()) {
            (Some(archive), None) => return Ok(Form::Npz(archive.clone())),
            (Some(first), Some(second)) => {
                let (first, second) = (named(first), named(second));
                return Err(Error::new(
                    folder,
                    format_args!("several NumPy archives, such as {first} and {second}; give one of them"),
                ));
            }
            _ => {}
        }
        if files.iter().any(|path| csv::is_csv(path)) {
            let (train, test) = csv::in_folder(folder, &files)?;
            return Ok(Form::Csv { train, test });
        }
        match ClassFolders::find(folder)? {
            Some((train, test)) => Ok(Form::Pictures { train, test }),
            None => Err(no_set(folder)?),
        }
    }

    fn of_file(path: &Path) -> Result<Form> {
        let mut head = Vec::new();
        let file = File::open(path).map_err(|error| Error::io(path, "open", &error))?;
        file.take(32).read_to_end(&mut head).map_err(|error| Error::io(path, "read", &error))?;
        if csv::is_csv(path) {
            let test = csv::test_beside(path)?;
            return Ok(Form::Csv { train: path.to_owned(), test });
        }
        if head.starts_with(b"PK") {
            let members = npz::open(path)?.files().map_err(|what| Error::new(path, what))?;
            return match members.iter().any(|name| name.ends_with(".npy")) {
                true => Ok(Form::Npz(path.to_owned())),
                false => Err(zip(path, &members)),
            };
        }
        let is_idx = matches!(head[..], [0, 0, 8..=14, ..]) || head.starts_with(b"\x1F\x8B");
        let what = match () {
            () if is_idx => format!("one file of a set; give the folder with all four, {}", folder_of(path).display()),
            () if twolayer_pictures::has_ending(path) => "a picture; give a folder with a folder for each class".into(),
            () if head.starts_with(b"\x93NUMPY") => {
                "a single NumPy array; save all four in one file, numpy.savez('set.npz', x_train=..., y_train=..., \
                 x_test=..., y_test=...)"
                    .into()
            }
            () => "neither a folder nor a data set; give a folder of IDX files or of pictures, an .npz or a .csv file"
                .into(),
        };
        Err(Error::new(path, what))
    }

    /// Reads the training set, and the test set if there is one.
    ///
    /// # Errors
    ///
    /// If a file is missing, damaged, or no images and labels; if the images of both differ in size.
    pub fn load(&self, options: &Options) -> Result<(Split, Option<Split>)> {
        if !self.has_test_set()? {
            return Ok((self.load_part(Part::Train, options)?, None));
        }
        let DataSet { train, test } = match self {
            Form::Idx(folder) if options.label_column.is_none() => DataSet::load(folder)?,
            _ => DataSet::new(self.load_part(Part::Train, options)?, self.load_part(Part::Test, options)?)?,
        };
        Ok((train, Some(test)))
    }

    /// Reads one part.
    ///
    /// # Errors
    ///
    /// As of [`load`](Self::load).
    pub fn load_part(&self, part: Part, options: &Options) -> Result<Split> {
        if options.label_column.is_some() && !matches!(self, Form::Csv { .. }) {
            return Err(Error::new(self.path(), "a label column is given, but this is not CSV; leave it out"));
        }
        match (self, part) {
            (Form::Idx(folder), _) => Ok(Split::load_part(folder, part)?),
            (Form::Npz(file), _) => npz::load(file, part),
            (Form::Csv { train, .. }, Part::Train) => csv::load(train, options),
            (Form::Csv { train, test }, Part::Test) => {
                csv::load(test.as_deref().ok_or_else(|| csv::no_test(train))?, options)
            }
            (Form::Pictures { train, test }, _) => ClassFolders::new(train, test.as_deref())?.load(part, options),
        }
    }

    /// Whether there are test images. An error if the folder has files of several sets, or a file cannot be read.
    fn has_test_set(&self) -> Result<bool> {
        match self {
            Form::Idx(folder) => match Part::Test.find(folder) {
                Err(error) if matches!(error.kind(), ErrorKind::MissingFile { role: "test images", .. }) => Ok(false),
                found => Ok(found.map(|_| true)?),
            },
            Form::Npz(file) => npz::has_images(file, Part::Test),
            Form::Csv { test, .. } => Ok(test.is_some()),
            Form::Pictures { .. } => Ok(true),
        }
    }

    /// Its file or folder, the training one of two.
    pub fn path(&self) -> &Path {
        match self {
            Form::Idx(path) | Form::Npz(path) => path,
            Form::Csv { train, .. } | Form::Pictures { train, .. } => train,
        }
    }
}

/// A folder without a set, by what is in it.
fn no_set(folder: &Path) -> Result<Error> {
    let paths = list(folder)?;
    let names: Vec<String> = paths.iter().take(LISTED).map(|path| named(path)).collect();
    let more = paths.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let found = if names.is_empty() { "nothing".into() } else { names.join(", ") };
    let archive = paths.iter().find(|path| is_a(path, &["zip", "tar", "gz", "tgz", "7z"]));
    let archive =
        archive.map(|path| format!("; unpack {} there, if the set is in it", named(path))).unwrap_or_default();
    Ok(Error::new(
        folder,
        format_args!(
            "no data set in this folder: expected four IDX files, train-images-idx3-ubyte and so on, an .npz file, CSV files, \
             or a folder of pictures for each class; it has {found}{more}{archive}"
        ),
    ))
}

/// A zip archive, by what is in it.
fn zip(path: &Path, members: &[String]) -> Error {
    let shown: Vec<&str> = members.iter().take(NAMED).map(String::as_str).collect();
    let more = if members.len() > NAMED { format!(" and {} more", members.len() - NAMED) } else { String::new() };
    let into = path.with_extension("");
    Error::new(
        path,
        format_args!(
            "a zip archive of {}{more}; unpack it, for example by `unzip {} -d {}`, and give that folder",
            shown.join(", "),
            path.display(),
            into.display()
        ),
    )
}
