//! Finds the files of a data set under their usual names, and what people and programs make of these.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result, name_of};

/// How far below the folder sets are looked for: torchvision's are in `MNIST/raw`.
const DEPTH: usize = 2;

/// The element types in files' names.
const ELEMENTS: [&str; 7] = ["ubyte", "uint8", "byte", "short", "int", "float", "double"];

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
    /// A name is the set's (none for MNIST), `train`, `t10k` or `test`, `images` or `labels`, and what begins with `idx`, such
    /// as in `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`, `emnist-letters-test-images-idx3-ubyte` and
    /// `qmnist-train-labels-idx2-int`, in capitals or not. A raw file is taken before a `.gz`, which loads slower, and
    /// both before copies such as `train-images-idx3-ubyte (1).gz`. The file may be in a folder of its own name, into
    /// which some archives unpack. If the folder has no set without a name, it may have one with a name; if it has none,
    /// one of its subfolders, or of theirs, may.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotAFolder`]; [`ErrorKind::MissingFile`] with what is there instead; [`ErrorKind::DanglingLink`];
    /// [`ErrorKind::SeveralSets`] if there are images of more than one set; [`ErrorKind::Io`] if a folder cannot be
    /// read.
    pub fn find(self, folder: impl AsRef<Path>) -> Result<(PathBuf, PathBuf)> {
        let folder = folder.as_ref();
        self.find_below(folder, &Entries::top(folder)?)
    }

    /// The two files in a folder, which has these entries, or below it.
    fn find_below(self, folder: &Path, top: &Entries) -> Result<(PathBuf, PathBuf)> {
        let has_images = |entries: &Entries| {
            entries.files.iter().any(|file| (file.name.part, file.name.kind) == (self, Kind::Images))
        };
        if has_images(top) {
            return self.in_place(folder, top);
        }
        // The other part is here: one from below would be another set's.
        if top.files.iter().any(|file| file.name.kind == Kind::Images) {
            return Err(self.missing(folder, top, Kind::Images, ""));
        }
        let mut level = top.folders.clone();
        for _ in 0..DEPTH {
            // A folder that cannot be read may be none of the set's.
            let read = level.into_iter().filter_map(|place| Entries::of(&place).ok().map(|entries| (place, entries)));
            let (places, others): (Vec<_>, Vec<_>) = read.partition(|(_, entries)| has_images(entries));
            match &places[..] {
                [] => level = others.into_iter().flat_map(|(_, entries)| entries.folders).collect(),
                [(place, entries)] => return self.in_place(place, entries),
                _ => {
                    let shown = |(place, _): &(PathBuf, Entries)| name_of(place.strip_prefix(folder).unwrap_or(place));
                    let sets = places.iter().map(shown).collect();
                    return Err(Error::whole(&name_of(folder), ErrorKind::SeveralSets { sets }));
                }
            }
        }
        Err(self.missing(folder, top, Kind::Images, ""))
    }

    /// The two files among those of one folder, which has images.
    fn in_place(self, place: &Path, entries: &Entries) -> Result<(PathBuf, PathBuf)> {
        let files = |kind| entries.files.iter().filter(move |file| (file.name.part, file.name.kind) == (self, kind));
        let mut sets: Vec<&str> = files(Kind::Images).map(|file| &*file.name.set).collect();
        sets.sort_unstable();
        sets.dedup();
        let set = match sets[..] {
            // Of a set without a name and one with a name, the first.
            ["", ..] => "",
            [only] => only,
            _ => {
                let sets = sets.iter().map(|&set| set.to_owned()).collect();
                return Err(Error::whole(&name_of(place), ErrorKind::SeveralSets { sets }));
            }
        };
        let best = |kind| match files(kind).filter(|file| file.name.set == set).min_by_key(|file| file.order()) {
            Some(file) => file.checked(),
            None => Err(self.missing(place, entries, kind, set)),
        };
        Ok((best(Kind::Images)?, best(Kind::Labels)?))
    }

    fn missing(self, folder: &Path, entries: &Entries, kind: Kind, set: &str) -> Error {
        let role = match (self, kind) {
            (Part::Train, Kind::Images) => "training images",
            (Part::Train, Kind::Labels) => "training labels",
            (Part::Test, Kind::Images) => "test images",
            (Part::Test, Kind::Labels) => "test labels",
        };
        let part = match self {
            Part::Train => "train",
            Part::Test if set.is_empty() => "t10k",
            Part::Test => "test",
        };
        let (prefix, rest) = match (set, kind) {
            ("", Kind::Images) => (String::new(), "images-idx3-ubyte"),
            ("", Kind::Labels) => (String::new(), "labels-idx1-ubyte"),
            ("qmnist", Kind::Labels) => ("qmnist-".to_owned(), "labels-idx2-int"),
            (set, Kind::Images) => (format!("{set}-"), "images-idx3-ubyte"),
            (set, Kind::Labels) => (format!("{set}-"), "labels-idx1-ubyte"),
        };
        let expected = format!("{prefix}{part}-{rest}");
        Error::whole(&name_of(folder), ErrorKind::MissingFile { role, expected, found: entries.names.clone() })
    }
}

/// The files of both parts, as [`Part::find`] finds them.
pub(crate) fn both(folder: &Path) -> Result<[(PathBuf, PathBuf); 2]> {
    let top = Entries::top(folder)?;
    Ok([Part::Train.find_below(folder, &top)?, Part::Test.find_below(folder, &top)?])
}

/// A file of a set in the folder, if there is one.
pub(crate) fn any(folder: &Path) -> Result<Option<PathBuf>> {
    Ok(Entries::of(folder)?.files.into_iter().next().map(|file| file.path))
}

/// The name of the set in a file's name, in small letters; empty for MNIST.
pub(crate) fn set_of(file: &Path) -> String {
    file.file_name().and_then(Name::parse).map_or_else(String::new, |name| name.set)
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Images,
    Labels,
}

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// In small letters; empty for MNIST.
    set: String,
    part: Part,
    kind: Kind,
    gzip: bool,
    /// The number in brackets that browsers give to a second download; 0 for the first.
    copy: u32,
}

impl Name {
    fn parse(name: &OsStr) -> Option<Name> {
        let (name, copy) = without_copy_number(&name.to_string_lossy().to_lowercase());
        let (stem, gzip) = name.strip_suffix(".gz").map_or((&*name, false), |stem| (stem, true));
        let tokens: Vec<&str> = stem.split(['-', '.', '_']).collect();
        let at = tokens.iter().position(|token| matches!(*token, "images" | "labels"))?;
        let kind = if tokens[at] == "images" { Kind::Images } else { Kind::Labels };
        match tokens[at + 1..] {
            [] => {}
            [first] if first.starts_with("idx") => {}
            [first, element] if first.starts_with("idx") && ELEMENTS.contains(&element) => {}
            _ => return None,
        }
        let (part, set) = tokens[..at].split_last()?;
        let part = match *part {
            "train" => Part::Train,
            "t10k" | "test" => Part::Test,
            _ => return None,
        };
        Some(Name { set: set.join("-"), part, kind, gzip, copy })
    }
}

/// The name without the number in brackets, if it has one, and the number.
fn without_copy_number(name: &str) -> (String, u32) {
    let numbered = || {
        let (before, rest) = name.split_once('(')?;
        let (number, after) = rest.split_once(')')?;
        Some((format!("{}{after}", before.trim_end()), number.parse().ok()?))
    };
    numbered().unwrap_or_else(|| (name.to_owned(), 0))
}

/// A file with such a name.
struct Found {
    name: Name,
    path: PathBuf,
    /// Where a link leads that leads nowhere.
    dangling: Option<PathBuf>,
}

impl Found {
    /// What is taken first is least.
    fn order(&self) -> (bool, u32, bool, &Path) {
        (self.dangling.is_some(), self.name.copy, self.name.gzip, &self.path)
    }

    /// The path, unless it is a link that leads nowhere.
    fn checked(&self) -> Result<PathBuf> {
        match &self.dangling {
            None => Ok(self.path.clone()),
            Some(target) => {
                Err(Error::whole(&name_of(&self.path), ErrorKind::DanglingLink { target: name_of(target) }))
            }
        }
    }
}

/// What is in a folder.
struct Entries {
    /// Files of data sets, also those in folders of their own names.
    files: Vec<Found>,
    /// Other folders, sorted.
    folders: Vec<PathBuf>,
    /// All names, sorted.
    names: Vec<String>,
}

impl Entries {
    /// Those of the folder that was given.
    fn top(folder: &Path) -> Result<Entries> {
        Entries::of(folder).map_err(|error| match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => error,
            Ok(_) => not_a_folder(folder, true),
            Err(absent) if is_absence(&absent) => not_a_folder(folder, false),
            Err(_) => error,
        })
    }

    fn of(folder: &Path) -> Result<Entries> {
        let mut entries = Entries { files: Vec::new(), folders: Vec::new(), names: Vec::new() };
        for (path, is_folder) in listed(folder)? {
            let Some(file_name) = path.file_name() else { continue };
            entries.names.push(file_name.to_string_lossy().into_owned());
            let parsed = Name::parse(file_name);
            match (is_folder, parsed) {
                (Ok(false), Some(name)) => entries.files.push(Found { name, path, dangling: None }),
                (Ok(false) | Err(_), None) => {}
                (Ok(true), None) => entries.folders.push(path),
                (Ok(true), Some(name)) => {
                    let same = |(path, is_folder): &(PathBuf, io::Result<bool>)| {
                        let inner = path.file_name().and_then(Name::parse);
                        let fits = inner.is_some_and(|inner| (inner.part, inner.kind) == (name.part, name.kind));
                        fits && matches!(is_folder, Ok(false))
                    };
                    let files = listed(&path)?.into_iter().filter(same);
                    entries.files.extend(files.map(|(path, _)| Found { name: name.clone(), path, dangling: None }));
                }
                (Err(error), Some(name)) => match fs::read_link(&path) {
                    Ok(target) if is_absence(&error) => {
                        entries.files.push(Found { name, path, dangling: Some(target) });
                    }
                    _ => return Err(Error::io(&name_of(&path), "look at", error)),
                },
            }
        }
        Ok(entries)
    }
}

/// The paths in a folder, sorted, and whether each is a folder itself.
fn listed(folder: &Path) -> Result<Vec<(PathBuf, io::Result<bool>)>> {
    let list = || {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let is_folder = if kind.is_symlink() { fs::metadata(&path).map(|m| m.is_dir()) } else { Ok(kind.is_dir()) };
            paths.push((path, is_folder));
        }
        paths.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(paths)
    };
    list().map_err(|error| Error::io(&name_of(folder), "list", error))
}

fn not_a_folder(folder: &Path, exists: bool) -> Error {
    Error::whole(&name_of(folder), ErrorKind::NotAFolder { exists })
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
