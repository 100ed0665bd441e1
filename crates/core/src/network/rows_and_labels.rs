//! Input rows and labels as the caller passes them.

use super::shape::Shape;
use crate::element::Sealed;
use crate::error::{Error, Result};
use crate::math::Float;
use std::borrow::Cow;

/// Input rows, contiguous and row-major.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a, T> {
    /// Pixels 0 to 255: the network sees p / 255, divided in `f32` and widened, as the notebook's loader does it.
    Pixels(&'a [u8]),
    /// Floats, used as they are.
    Floats(&'a [T]),
}

impl<T: Float> Rows<'_, T> {
    /// The number of rows.
    ///
    /// # Errors
    /// [`Error::Length`] if the length is not a multiple of the shape's inputs, [`Error::Empty`] if it is 0.
    pub fn count(&self, shape: Shape) -> Result<usize> {
        let len = match self {
            Rows::Pixels(x) => x.len(),
            Rows::Floats(x) => x.len(),
        };
        if len == 0 {
            return Err(Error::Empty { what: "the input" });
        }
        if !len.is_multiple_of(shape.inputs()) {
            let expected = format!("a multiple of the {} inputs", shape.inputs());
            return Err(Error::Length { what: "the input", found: len, expected });
        }
        Ok(len / shape.inputs())
    }

    /// Some of the rows as `f64`.
    pub(crate) fn to_f64(self, rows: impl Iterator<Item = usize>, shape: Shape) -> Vec<f64> {
        let inputs = shape.inputs();
        match self {
            Rows::Pixels(x) => {
                rows.flat_map(|n| &x[n * inputs..][..inputs]).map(|&x| f64::PIXELS[usize::from(x)]).collect()
            }
            Rows::Floats(x) => rows.flat_map(|n| &x[n * inputs..][..inputs]).map(|x| x.to_f64()).collect(),
        }
    }
}

/// The true class of each row.
#[derive(Clone, Copy, Debug)]
pub enum Labels<'a, T> {
    /// Class indices.
    Classes(&'a [u32]),
    /// One-hot rows, rows × classes: 1 at the class, 0 elsewhere.
    OneHot(&'a [T]),
}

impl<'a, T: Float> Labels<'a, T> {
    /// The class of each of `rows` rows, all checked.
    pub(crate) fn classes(&self, rows: usize, shape: Shape) -> Result<Cow<'a, [u32]>> {
        let classes = shape.classes();
        match *self {
            Labels::Classes(labels) => check(labels, rows, classes).map(Cow::Borrowed),
            Labels::OneHot(t) => {
                if rows.checked_mul(classes) != Some(t.len()) {
                    let expected = format!("{rows} rows of {classes} classes");
                    return Err(Error::Length { what: "the one-hot labels", found: t.len(), expected });
                }
                let label = |(row, t): (usize, &[T])| {
                    let hot = t.iter().position(|&x| x == T::ONE);
                    match hot {
                        Some(c) if t.iter().enumerate().all(|(i, &x)| i == c || x == T::ZERO) => Ok(c as u32),
                        _ => Err(Error::Label { row, found: format!("{t:?}, not one 1 among zeros,"), classes }),
                    }
                };
                t.chunks_exact(classes).enumerate().map(label).collect::<Result<_>>().map(Cow::Owned)
            }
        }
    }
}

/// The same labels, if there is one for each row and each is a class.
fn check(labels: &[u32], rows: usize, classes: usize) -> Result<&[u32]> {
    if labels.len() != rows {
        let expected = format!("one label for each of {rows} rows");
        return Err(Error::Length { what: "the list of labels", found: labels.len(), expected });
    }
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(row) => Err(Error::Label { row, found: labels[row].to_string(), classes }),
        None => Ok(labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_indices_and_one_hot_labels_are_equivalent() {
        let shape = Shape::new(1, 1, 3).unwrap();
        let classes = Labels::<f32>::Classes(&[2, 0]).classes(2, shape).unwrap();
        let one_hot = Labels::OneHot(&[0.0f32, 0.0, 1.0, 1.0, 0.0, 0.0]).classes(2, shape).unwrap();
        assert_eq!(classes, one_hot);
        let wide = Shape::new(1, 1, 300).unwrap();
        assert_eq!(*Labels::<f32>::Classes(&[299]).classes(1, wide).unwrap(), [299]);
    }

    #[test]
    fn invalid_labels_and_rows_are_errors() {
        let shape = Shape::new(2, 1, 3).unwrap();
        assert!(Labels::<f32>::Classes(&[2, 3]).classes(2, shape).is_err());
        assert!(Labels::<f32>::Classes(&[2]).classes(2, shape).is_err());
        assert!(Labels::<f32>::Classes(&[2, 1 << 31]).classes(2, shape).is_err());
        for t in [[0.0f32, 0.0, 0.0], [1.0, 1.0, 0.0], [0.5, 0.5, 0.0], [1.0, f32::NAN, 0.0]] {
            assert!(Labels::OneHot(&t).classes(1, shape).is_err(), "{t:?}");
        }
        assert!(Labels::OneHot(&[1.0f32, 0.0]).classes(1, shape).is_err());
        assert!(Rows::<f32>::Pixels(&[1, 2, 3]).count(shape).is_err());
        assert!(Rows::<f32>::Floats(&[]).count(shape).is_err());
        assert_eq!(Rows::<f32>::Pixels(&[1, 2, 3, 4]).count(shape), Ok(2));
    }
}
