//! Pictures in a folder for each class.

use std::fs::File;
use std::path::{Path, PathBuf};

use twolayer_idx::{Idx, Part, Split};
use twolayer_pictures::Encoded;

use crate::error::{Error, Result};
use crate::options::Options;
use crate::paths::{list, named};

/// Without a test folder, each picture of a class after so many is for testing, as in MNIST.
const TEST_EVERY: usize = 6;

/// Pictures between two reports of progress.
const EVERY: usize = 64;

/// The most classes that a note lists.
const LISTED: usize = 10;

/// The folders of the classes.
pub(crate) struct ClassFolders {
    train: PathBuf,
    test: Option<PathBuf>,
    /// Their names and class indices.
    classes: Vec<(String, i32)>,
}

/// The files of a part.
struct Files {
    /// With their labels, class by class.
    pictures: Vec<(PathBuf, i32)>,
    /// What is no picture.
    others: Vec<PathBuf>,
}

/// The pictures of a part, of one size.
struct Pictures {
    pixels: Vec<u8>,
    labels: Vec<i32>,
    /// The first picture, with height and width.
    first: Option<(PathBuf, [usize; 2])>,
    coloured: usize,
}

impl ClassFolders {
    /// The folders with the classes for training and for testing, if there are pictures in them.
    pub fn find(folder: &Path) -> Result<Option<(PathBuf, Option<PathBuf>)>> {
        let folders = folders(folder)?;
        let called = |names: &[&str]| {
            let is_it = |path: &&PathBuf| names.iter().any(|name| named(path).eq_ignore_ascii_case(name));
            folders.iter().find(is_it).cloned()
        };
        let (train, test) = match called(&["train", "training"]) {
            Some(train) => (train, called(&["test", "testing"])),
            None => (folder.to_owned(), None),
        };
        if !has_classes(&train)? {
            return Ok(None);
        }
        if train != folder && test.is_none() {
            for other in folders.iter().filter(|other| **other != train) {
                if has_classes(other)? {
                    let (train, other) = (named(&train), named(other));
                    let what = format!(
                        "no folder test beside {train}, but {other} has classes too; rename it to test, or give {train} alone"
                    );
                    return Err(Error::new(folder, what));
                }
            }
        }
        Ok(Some((train, test)))
    }

    /// Numbers the classes: by their names, if these are numbers, or else in alphabetical order.
    pub fn new(train: &Path, test: Option<&Path>) -> Result<Self> {
        let names: Vec<String> = folders(train)?.iter().map(|path| named(path)).collect();
        let numbers: Option<Vec<i32>> = names.iter().map(|name| name.parse().ok().filter(|&n| n >= 0)).collect();
        let numbers = numbers.unwrap_or_else(|| (0..).take(names.len()).collect());
        for (n, number) in numbers.iter().enumerate() {
            if let Some(same) = numbers[..n].iter().position(|other| other == number) {
                let (one, other) = (&names[same], &names[n]);
                let what = format!("the folders {one} and {other} are the same class; make them one");
                return Err(Error::new(train, what));
            }
        }
        let classes = names.into_iter().zip(numbers).collect();
        Ok(ClassFolders { train: train.to_owned(), test: test.map(Path::to_owned), classes })
    }

    /// Reads one part.
    pub fn load(&self, part: Part, options: &Options) -> Result<Split> {
        let root = self.test.as_ref().filter(|_| part == Part::Test).unwrap_or(&self.train);
        let Files { pictures: files, others } = self.files(root, part)?;
        let mut pictures = Pictures { pixels: Vec::new(), labels: Vec::new(), first: None, coloured: 0 };
        for (n, (path, label)) in files.iter().enumerate() {
            pictures.read(path, *label, files.len())?;
            if n.is_multiple_of(EVERY) {
                options.progress(root, n as u64, files.len() as u64);
            }
        }
        let Some((_, [height, width])) = pictures.first else {
            let few = if self.test.is_none() && part == Part::Test {
                "no test pictures: each sixth of a class would be one; give more, or a folder `test` beside `train`"
                    .to_owned()
            } else {
                format!("no pictures: expected a folder for each class with {} files", twolayer_pictures::FORMATS)
            };
            return Err(Error::new(root, few));
        };
        let rows = pictures.labels.len();
        let name = root.display().to_string();
        let images = Idx::new(vec![rows, height, width], pictures.pixels)?;
        let mut split = Split::pair((&name, images), (&name, Idx::new(vec![rows], pictures.labels)?))?;
        self.notes(part, pictures.coloured, &others).into_iter().for_each(|note| split.note(format!("{name}: {note}")));
        Ok(split)
    }

    /// The part's files.
    fn files(&self, root: &Path, part: Part) -> Result<Files> {
        let mut files = Files { pictures: Vec::new(), others: Vec::new() };
        for folder in folders(root)? {
            let name = named(&folder);
            let Some(&(_, label)) = self.classes.iter().find(|(class, _)| *class == name) else {
                let train = self.train.display();
                return Err(Error::new(
                    &folder,
                    format_args!("a class that {train} does not have; remove it, or add it there"),
                ));
            };
            let mut pictures = Vec::new();
            for path in list(&folder)? {
                match twolayer_pictures::has_ending(&path) {
                    true => pictures.push(path),
                    false if named(&path).starts_with('.') => {}
                    false => files.others.push(path),
                }
            }
            let all = pictures.into_iter().enumerate();
            let is_test = |n: usize| self.test.is_none() && n % TEST_EVERY == TEST_EVERY - 1;
            let wanted = |n: usize| self.test.is_some() || is_test(n) == (part == Part::Test);
            files.pictures.extend(all.filter(|&(n, _)| wanted(n)).map(|(_, path)| (path, label)));
        }
        Ok(files)
    }

    fn notes(&self, part: Part, coloured: usize, others: &[PathBuf]) -> Vec<String> {
        let mut notes = Vec::new();
        if part == Part::Train {
            if self.classes.iter().any(|(name, label)| *name != label.to_string()) {
                let list = |(name, label): &(String, i32)| format!("{label} {name}");
                let mut listed: Vec<String> = self.classes.iter().take(LISTED).map(list).collect();
                let more = self.classes.len().saturating_sub(LISTED);
                listed.extend((more > 0).then(|| format!("{more} more")));
                notes.push(format!("the classes are {}", listed.join(", ")));
            }
            if self.test.is_none() {
                notes.push("no folder test: each sixth picture of a class is in the test set".into());
            }
        }
        if coloured > 0 {
            let pictures = if coloured == 1 { "1 picture".into() } else { format!("{coloured} pictures") };
            notes.push(format!("{pictures} in colour read as grey"));
        }
        if let Some(first) = others.first() {
            let formats = twolayer_pictures::FORMATS;
            notes.push(match others.len() {
                1 => format!("a file that is no {formats} file is left out, {}", first.display()),
                count => format!("{count} files that are no {formats} files are left out, such as {}", first.display()),
            });
        }
        notes
    }
}

impl Pictures {
    /// Adds one of `count` pictures.
    fn read(&mut self, path: &Path, label: i32, count: usize) -> Result<()> {
        let bytes = twolayer_pictures::contents(File::open(path)).map_err(|what| Error::new(path, what))?;
        let picture = Encoded::open(&bytes).map_err(|what| Error::new(path, what))?;
        let size = picture.size();
        if self.first.is_none() {
            self.reserve(path, size, count)?;
        }
        let (first, expected) = self.first.get_or_insert_with(|| (path.to_owned(), size));
        if size != *expected {
            let ([height, width], [first_height, first_width]) = (size, *expected);
            return Err(Error::new(
                path,
                format_args!(
                    "{height} x {width} pixels, but {} has {first_height} x {first_width}; make all pictures one size",
                    first.display()
                ),
            ));
        }
        let (grey, coloured) = picture.into_grey().map_err(|what| Error::new(path, what))?;
        self.pixels.extend(grey);
        self.labels.push(label);
        self.coloured += usize::from(coloured);
        Ok(())
    }

    /// Takes the memory of all pictures, of the size of the first.
    fn reserve(&mut self, first: &Path, [height, width]: [usize; 2], count: usize) -> Result<()> {
        let bytes = height.saturating_mul(width).saturating_mul(count);
        self.pixels.try_reserve_exact(bytes).map_err(|_| {
            let megabytes = bytes.div_ceil(1_000_000);
            let what = format!(
                "{height} x {width} pixels, of which {count} pictures need {megabytes} MB of memory, which the system \
                 refuses; make all pictures smaller"
            );
            Error::new(first, what)
        })
    }
}

/// Whether a folder has folders with pictures in them.
fn has_classes(folder: &Path) -> Result<bool> {
    for class in folders(folder)? {
        if list(&class)?.iter().any(|path| twolayer_pictures::has_ending(path)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The folders in a folder, sorted, without hidden ones.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = list(folder)?;
    folders.retain(|path| path.is_dir() && !named(path).starts_with('.'));
    Ok(folders)
}
