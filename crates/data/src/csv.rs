//! CSV: a row for each image, its label in one column and its pixels in the others.

use std::cell::Cell;
use std::collections::TryReserveError;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use flate2::read::MultiGzDecoder;
use twolayer_idx::{Data, Idx, Split};

use crate::error::{Error, Result};
use crate::options::Options;
use crate::paths::{folder_of, is_a, list, named};

/// What a column of labels is called, in capitals or not.
const LABELS: [&str; 5] = ["label", "labels", "class", "target", "y"];

/// The largest label that is read.
const MAX_LABEL: f64 = 999_999.0;

/// Bytes read at a time.
const BUFFER: usize = 256 << 10;

/// The most bytes of a row: four million pixels.
const MAX_ROW: u64 = 16 << 20;

/// Rows between two reports of progress.
const EVERY: usize = 256;

/// A first line of fewer columns, such as 0,1,2, may be an image rather than the numbers of the columns.
const COUNTED: usize = 9;

/// The most names of columns in an error.
const NAMED: usize = 6;

pub(crate) fn is_csv(path: &Path) -> bool {
    let unpacked = if is_a(path, &["gz"]) { path.with_extension("") } else { path.to_owned() };
    is_a(&unpacked, &["csv", "tsv"])
}

/// The training and the test file of a folder with these files, at least one of them CSV; there may be no test file.
pub(crate) fn in_folder(folder: &Path, files: &[PathBuf]) -> Result<(PathBuf, Option<PathBuf>)> {
    // A `train_latest.csv` is no test file.
    let is_training = |name: &str| name.contains("train");
    let one = |words: &[&str], missing: &str| {
        let is_it = |path: &&PathBuf| {
            let name = named(path).to_lowercase();
            is_csv(path) && words.iter().any(|word| name.contains(word) && (*word == "train" || !is_training(&name)))
        };
        let mut found = files.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(file), None) => Ok(Some(file.clone())),
            (Some(a), Some(b)) => Err(Error::new(
                folder,
                format_args!(
                    "several CSV files of {missing}, {} and {}; put each set into a folder of its own",
                    named(a),
                    named(b)
                ),
            )),
            (None, _) => Ok(None),
        }
    };
    let train = one(&["train"], "training rows")?.ok_or_else(|| {
        let found: Vec<String> = files.iter().filter(|path| is_csv(path)).map(|path| named(path)).collect();
        let found = found.join(", ");
        Error::new(folder, format_args!("no CSV file of training rows: expected `train` in its name; it has {found}"))
    })?;
    Ok((train, one(&["test", "t10k"], "test rows")?))
}

/// The test file beside a training file, if there is one.
pub(crate) fn test_beside(path: &Path) -> Result<Option<PathBuf>> {
    let name = named(path);
    let candidates = ["test", "t10k"].map(|word| name.replace("train", word).replace("Train", "Test"));
    Ok(list(folder_of(path))?.into_iter().find(|other| named(other) != name && candidates.contains(&named(other))))
}

/// The error that the set has no test file.
pub(crate) fn no_test(train: &Path) -> Error {
    Error::new(
        train,
        "no test rows: expected two CSV files, with `train` in the name of the first and `test` in its place in that of the \
         second; rename or split it",
    )
}

/// Reads a file.
pub(crate) fn load(path: &Path, options: &Options) -> Result<Split> {
    let mut table = Table::open(path)?;
    let mut record = ByteRecord::new();
    let mut rows = Rows { labels: Vec::new(), pixels: Pixels::Bytes(Vec::new()) };
    let mut layout: Option<Layout> = None;
    let mut counted = false;
    while let Some(line) = table.next(path, &mut record)? {
        let Some(layout) = &layout else {
            counted = is_counted(&record);
            let is_names = counted || record.iter().any(|field| number(field).is_none());
            let names = is_names.then_some(&record);
            layout = Some(Layout { columns: record.len(), label: label_column(path, names, record.len(), options)? });
            if !is_names && let Some(layout) = &layout {
                rows.push((path, line), &record, layout)?;
            }
            continue;
        };
        rows.push((path, line), &record, layout)?;
        if rows.labels.len().is_multiple_of(EVERY) {
            options.progress(path, table.read.get(), table.total);
        }
    }
    let (Some(layout), false) = (layout, rows.labels.is_empty()) else {
        return Err(Error::new(path, "no rows; expected one for each image: its label and its pixels"));
    };
    let (name, count) = (path.display().to_string(), rows.labels.len());
    let pixels: Data = match rows.pixels {
        Pixels::Bytes(pixels) => pixels.into(),
        Pixels::Floats(pixels) => pixels.into(),
    };
    let images = Idx::new(vec![count, layout.columns - 1], pixels)?;
    let mut split = Split::pair((&name, images), (&name, Idx::new(vec![count], rows.labels)?))?;
    if counted {
        split.note(format!("{name}: line 1 numbers the columns, and is no image"));
    }
    Ok(split)
}

/// Whether a first line numbers the columns, from 0 or 1, as pandas does where they have no names.
fn is_counted(record: &ByteRecord) -> bool {
    let from = |first: usize| (first..).zip(record).all(|(n, field)| number(field) == Some(n as f64));
    record.len() >= COUNTED && (from(0) || from(1))
}

/// The columns of a file, from 0.
struct Layout {
    columns: usize,
    label: usize,
}

/// The column with the labels.
fn label_column(path: &Path, names: Option<&ByteRecord>, columns: usize, options: &Options) -> Result<usize> {
    if columns < 2 {
        return Err(Error::new(path, "line 1: a single column; expected a label and pixels, separated by commas"));
    }
    let called = |wanted: &str| {
        let name = |field: &[u8]| String::from_utf8_lossy(field).trim().eq_ignore_ascii_case(wanted);
        names.and_then(|names| names.iter().position(name))
    };
    let shown = || {
        let list = |names: &ByteRecord| {
            names.iter().take(NAMED).map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect::<Vec<_>>()
        };
        names.map_or_else(|| "no names".into(), |names| format!("{}, ...", list(names).join(", ")))
    };
    if let Some(wanted) = options.label_column {
        let number = || wanted.parse::<usize>().ok().filter(|n| (1..=columns).contains(n)).map(|n| n - 1);
        return called(wanted).or_else(number).ok_or_else(|| {
            Error::new(
                path,
                format_args!(
                    "no column {wanted}; its {columns} columns have {}; give a name or a number from 1",
                    shown()
                ),
            )
        });
    }
    if names.is_none_or(is_counted) {
        return Ok(0);
    }
    if called("") == Some(0) {
        return Err(Error::new(
            path,
            "line 1, column 1: no name, as of an index; write the file without it (index=False)",
        ));
    }
    LABELS.iter().find_map(|name| called(name)).ok_or_else(|| {
        let shown = shown();
        Error::new(
            path,
            format_args!("line 1: no column is called label or class, but {shown}; name it with --label-column, or give a file with labels"),
        )
    })
}

/// The rows read so far.
struct Rows {
    labels: Vec<i32>,
    pixels: Pixels,
}

/// Bytes as long as there are only whole numbers to 255.
enum Pixels {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Rows {
    /// Takes the memory of one more row.
    fn reserve(&mut self, columns: usize) -> Result<(), TryReserveError> {
        self.labels.try_reserve(1)?;
        match &mut self.pixels {
            Pixels::Bytes(bytes) => bytes.try_reserve(columns),
            Pixels::Floats(floats) => floats.try_reserve(columns),
        }
    }

    fn push(&mut self, (path, line): (&Path, u64), record: &ByteRecord, layout: &Layout) -> Result<()> {
        let wrong = |column: usize, what: std::fmt::Arguments<'_>| {
            Error::new(path, format_args!("line {line}, column {}: {what}", column + 1))
        };
        if record.len() != layout.columns {
            let (found, expected) = (record.len(), layout.columns);
            return Err(wrong(found.min(expected), format_args!("{found} columns; expected {expected}, as in line 1")));
        }
        self.reserve(record.len()).map_err(|_| {
            let what = format!("more memory than the system allows after {} rows; give fewer", self.labels.len());
            Error::new(path, format_args!("line {line}: {what}"))
        })?;
        for (column, field) in record.iter().enumerate() {
            let shown = || String::from_utf8_lossy(&field[..field.len().min(40)]).trim().to_owned();
            if column == layout.label {
                let label = number(field).filter(|label| label.fract() == 0.0 && (0.0..=MAX_LABEL).contains(label));
                let Some(label) = label else {
                    return Err(wrong(column, format_args!("label {:?}; expected a whole number from 0", shown())));
                };
                self.labels.push(label as i32);
            } else {
                let Some(pixel) = number(field).filter(|pixel| (0.0..=255.0).contains(pixel)) else {
                    return Err(wrong(column, format_args!("pixel {:?}; expected 0 to 255, or 0 to 1", shown())));
                };
                self.pixels.push(pixel);
            }
        }
        Ok(())
    }
}

impl Pixels {
    fn push(&mut self, pixel: f64) {
        match self {
            Pixels::Bytes(bytes) if pixel.fract() == 0.0 => bytes.push(pixel as u8),
            Pixels::Bytes(bytes) => {
                let mut floats: Vec<f32> = bytes.iter().map(|&byte| byte.into()).collect();
                floats.push(pixel as f32);
                *self = Pixels::Floats(floats);
            }
            Pixels::Floats(floats) => floats.push(pixel as f32),
        }
    }
}

/// A field as a number.
fn number(field: &[u8]) -> Option<f64> {
    if matches!(field.len(), 1..=3) && field.iter().all(u8::is_ascii_digit) {
        return Some(field.iter().fold(0u32, |number, digit| 10 * number + u32::from(digit - b'0')).into());
    }
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

/// An open file.
struct Table {
    reader: csv::Reader<Limited>,
    /// Bytes that may still be read of the row.
    left: Rc<Cell<u64>>,
    /// Bytes of the file read so far, and its length, or 0 if unknown.
    read: Rc<Cell<u64>>,
    total: u64,
}

impl Table {
    fn open(path: &Path) -> Result<Table> {
        let fail = |error: io::Error| Error::io(path, "read", &error);
        let file = File::open(path).map_err(|error| Error::io(path, "open", &error))?;
        let total = file.metadata().ok().filter(|found| found.is_file()).map_or(0, |found| found.len());
        let read = Rc::new(Cell::new(0));
        let mut packed = BufReader::with_capacity(BUFFER, Counted { file, read: read.clone() });
        let gzip = packed.fill_buf().map_err(fail)?.starts_with(b"\x1F\x8B");
        let mut text: Box<dyn BufRead> = match gzip {
            true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed))),
            false => Box::new(packed),
        };
        let head = text.fill_buf().map_err(fail)?;
        if head.iter().take(1024).any(|&byte| byte == 0) {
            return Err(Error::new(path, "not text; expected CSV: rows of numbers, separated by commas"));
        }
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let times = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
        let delimiter = [b';', b'\t', b','].into_iter().max_by_key(|&delimiter| times(delimiter)).unwrap_or(b',');
        let mut builder = ReaderBuilder::new();
        // The \r before a line break is white space, so that every line is counted alike.
        builder.has_headers(false).flexible(true).delimiter(delimiter).terminator(Terminator::Any(b'\n'));
        let left = Rc::new(Cell::new(MAX_ROW));
        Ok(Table { reader: builder.from_reader(Limited { text, left: left.clone() }), left, read, total })
    }

    /// Reads the next row that is not empty; returns its line, or `None` at the end.
    fn next(&mut self, path: &Path, record: &mut ByteRecord) -> Result<Option<u64>> {
        let fail = |error| Error::new(path, format_args!("cannot read it: {error}"));
        while self.reader.read_byte_record(record).map_err(fail)? {
            self.left.set(MAX_ROW);
            if record.len() > 1 || !record.as_slice().trim_ascii().is_empty() {
                // After a row, the position is at the next line, except after a last one without a line break. A row's own
                // position is before the empty lines above it.
                return Ok(Some(self.reader.position().line() - u64::from(!self.reader.is_done())));
            }
        }
        Ok(None)
    }
}

/// A text whose rows are not endless, as a small packed file's may be.
struct Limited {
    text: Box<dyn BufRead>,
    left: Rc<Cell<u64>>,
}

impl Read for Limited {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            let what = format!("a row of more than {} MB; expected an image's label and pixels", MAX_ROW >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let most = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let n = self.text.read(&mut out[..most])?;
        self.left.set(left - n as u64);
        Ok(n)
    }
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(out)?;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}
