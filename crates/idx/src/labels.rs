//! Labels of any element type, as a list or a table, turned into class indices.

use crate::element::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::idx::Idx;

/// The largest label: a million classes. Pixels or sample numbers read as labels are mostly larger.
pub(crate) const MAX_LABEL: u32 = 999_999;

/// Columns of QMNIST's table of labels: the class, then who wrote it and where it is from.
const QMNIST_COLUMNS: usize = 8;

/// The columns of labels with these sizes. `images` is the number of images, by which a table of one row is told from a
/// list.
pub(crate) fn columns(name: &str, sizes: &[usize], images: usize) -> Result<usize> {
    let (columns, is_list) = match *sizes {
        [rows, columns] if columns > 1 && (rows == images || rows > 1) => (columns, false),
        _ => (1, sizes.iter().filter(|&&size| size != 1).count() <= 1),
    };
    if columns == 1 && !is_list {
        let (role, expected) = ("labels", "one label for each image, or a one-hot table");
        return Err(Error::whole(name, ErrorKind::WrongRank { role, expected, sizes: sizes.to_vec() }));
    }
    Ok(columns)
}

/// The class of each image; the labels have so many [`columns`].
pub(crate) fn classes(name: &str, labels: &Idx, columns: usize) -> Result<Vec<u32>> {
    let qmnist = matches!((labels.data(), labels.sizes()), (Data::I32(_), [_, QMNIST_COLUMNS]));
    let found = match labels.data() {
        Data::U8(values) if columns == 1 => return Ok(values.iter().map(|&label| label.into()).collect()),
        Data::U8(values) => read(values, columns, qmnist),
        Data::I8(values) => read(values, columns, qmnist),
        Data::I16(values) => read(values, columns, qmnist),
        Data::I32(values) => read(values, columns, qmnist),
        Data::F32(values) => read(values, columns, qmnist),
        Data::F64(values) => read(values, columns, qmnist),
    };
    found.map_err(|kind| Error::whole(name, kind))
}

fn read<T: Copy + Into<f64>>(values: &[T], columns: usize, qmnist: bool) -> Result<Vec<u32>, ErrorKind> {
    let rows = || values.chunks_exact(columns);
    if columns == 1 {
        return rows().enumerate().map(|(index, row)| label(index, row[0].into())).collect();
    }
    let hot = rows().map(one_hot).collect::<Option<_>>();
    match hot {
        Some(classes) => Ok(classes),
        None if qmnist => rows().enumerate().map(|(index, row)| label(index, row[0].into())).collect(),
        None => {
            let row = rows().position(|row| one_hot(row).is_none()).unwrap_or(0);
            Err(ErrorKind::NotOneHot { row, sizes: vec![values.len() / columns, columns] })
        }
    }
}

fn label(index: usize, label: f64) -> Result<u32, ErrorKind> {
    if label.fract() == 0.0 && (0.0..=f64::from(MAX_LABEL)).contains(&label) {
        return Ok(label as u32);
    }
    Err(ErrorKind::LabelOutOfBounds { index, label, first: 0, last: MAX_LABEL })
}

/// The place of the only 1 among zeros.
fn one_hot<T: Copy + Into<f64>>(row: &[T]) -> Option<u32> {
    let place = row.iter().position(|&x| x.into() != 0.0)?;
    let is_one = row[place].into() == 1.0;
    let alone = row[place + 1..].iter().all(|&x| x.into() == 0.0);
    u32::try_from(place).ok().filter(|_| is_one && alone)
}
