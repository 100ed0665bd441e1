//! A NumPy archive with the four arrays of a set under Keras' names.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use twolayer_core::MemoryEstimate;
use twolayer_idx::{Data, Idx, Part, Split};
use twolayer_numpy::{Archive, Array, Header, Type};

use crate::error::{Error, Result};

/// The archive in a file.
pub(crate) fn open(file: &Path) -> Result<Archive<BufReader<File>>> {
    let opened = File::open(file).map_err(|error| Error::io(file, "open", &error))?;
    Archive::new(BufReader::new(opened)).map_err(|what| Error::new(file, what))
}

pub(crate) fn load(file: &Path, part: Part) -> Result<Split> {
    let fail = |what: String| Error::new(file, what);
    let mut archive = open(file)?;
    let names: Vec<String> = archive.files().map_err(fail)?;
    let names: Vec<&str> = names.iter().map(|name| name.strip_suffix(".npy").unwrap_or(name)).collect();
    let (x, y) = names_of(part);
    let mut sizes = |name: &str| {
        if !names.contains(&name) {
            let found = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
            return Err(fail(format!(
                "no array {name}: a set has x_train, y_train, x_test and y_test, but the file has {found}; save it again \
                 under these names"
            )));
        }
        let header = archive.header(name).map_err(|what| fail(format!("array {name} {what}")))?;
        if header.sizes.is_empty() {
            return Err(fail(format!("array {name} is no list but a single number; save one for each image")));
        }
        check_memory(&header).map_err(|what| fail(format!("array {name} {what}")))?;
        Ok((format!("{}, {name}", file.display()), header.sizes))
    };
    // Both headers before the rest of either, so that what does not fit is not unpacked.
    let ((images_name, images), (labels_name, labels)) = (sizes(x)?, sizes(y)?);
    Split::check_sizes((&images_name, &images), (&labels_name, &labels))?;
    let mut array = |name: &str| archive.array(name).and_then(idx).map_err(|what| fail(format!("array {name} {what}")));
    Ok(Split::pair((&images_name, array(x)?), (&labels_name, array(y)?))?)
}

/// The arrays of a part: images and labels.
fn names_of(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Train => ("x_train", "y_train"),
        Part::Test => ("x_test", "y_test"),
    }
}

/// Whether the archive has images of this part.
pub(crate) fn has_images(file: &Path, part: Part) -> Result<bool> {
    let names = open(file)?.files().map_err(|what| Error::new(file, what))?;
    Ok(names.iter().any(|name| name.strip_suffix(".npy") == Some(names_of(part).0)))
}

/// An error unless there is memory for an array as stored, in C order and as IDX's type.
fn check_memory(header: &Header) -> Result<(), String> {
    let count = header.sizes.iter().product();
    let stored = header.kind.size();
    let idx = if stored == 1 { 0 } else { stored.max(size_of::<i32>()) };
    let need = MemoryEstimate::default().elements(count, stored * (1 + usize::from(header.fortran_order)) + idx);
    let megabytes = need.bytes().div_ceil(1_000_000);
    let refused = || format!("needs {megabytes} MB of memory, which the system refuses; end other programs");
    need.is_available().then_some(()).ok_or_else(refused)
}

/// The array in one of IDX's types; integers that these lack become `i32`.
fn idx(array: Array) -> Result<Idx, String> {
    let Array { kind, sizes, bytes, .. } = array.in_c_order();
    let too_large = || format!("has type {kind} and numbers beyond 32 bits; expected pixels or labels");
    macro_rules! numbers {
        ($type:ty) => {
            bytes.as_chunks().0.iter().map(|chunk| <$type>::from_le_bytes(*chunk))
        };
    }
    let data: Data = match kind {
        Type::Bool | Type::U8 => bytes.into(),
        Type::I8 => numbers!(i8).collect::<Vec<_>>().into(),
        Type::I16 => numbers!(i16).collect::<Vec<_>>().into(),
        Type::I32 => numbers!(i32).collect::<Vec<_>>().into(),
        Type::U16 => numbers!(u16).map(i32::from).collect::<Vec<_>>().into(),
        Type::U32 => {
            numbers!(u32).map(|x| i32::try_from(x).ok()).collect::<Option<Vec<_>>>().ok_or_else(too_large)?.into()
        }
        Type::I64 => {
            numbers!(i64).map(|x| i32::try_from(x).ok()).collect::<Option<Vec<_>>>().ok_or_else(too_large)?.into()
        }
        Type::U64 => {
            numbers!(u64).map(|x| i32::try_from(x).ok()).collect::<Option<Vec<_>>>().ok_or_else(too_large)?.into()
        }
        Type::F32 => numbers!(f32).collect::<Vec<_>>().into(),
        Type::F64 => numbers!(f64).collect::<Vec<_>>().into(),
        Type::F16 => return Err("has type float16; save it as float32 or, from 0 to 255, as uint8".into()),
    };
    Idx::new(sizes, data).map_err(|error| format!("is no list: {}", error.kind()))
}
