//! The four parameters W1, b1, W2 and b2 in one buffer.

use super::shape::Shape;
use crate::buffer::Aligned;
use crate::error::{Error, Result};
use crate::math::Float;
use crate::matrix::{MatMut, MatRef};

/// One of the network's four parameters, under the notebook's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// Weights of the hidden layer, inputs × hidden.
    W1,
    /// Biases of the hidden layer, 1 × hidden.
    B1,
    /// Weights of the output layer, hidden × classes.
    W2,
    /// Biases of the output layer, 1 × classes.
    B2,
}

impl Parameter {
    /// All four, in the order of the buffer.
    pub const ALL: [Parameter; 4] = [Parameter::W1, Parameter::B1, Parameter::W2, Parameter::B2];

    /// `W1`, `b1`, `W2` or `b2`.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::W1 => "W1",
            Parameter::B1 => "b1",
            Parameter::W2 => "W2",
            Parameter::B2 => "b2",
        }
    }

    /// Rows and columns; a bias is one row.
    pub fn dims(self, shape: Shape) -> (usize, usize) {
        match self {
            Parameter::W1 => (shape.inputs(), shape.hidden()),
            Parameter::B1 => (1, shape.hidden()),
            Parameter::W2 => (shape.hidden(), shape.classes()),
            Parameter::B2 => (1, shape.classes()),
        }
    }

    /// Its offset in the padded buffer and the distance between its rows.
    pub(crate) fn place(self, shape: Shape) -> (usize, usize) {
        let (hidden, classes) = (shape.hidden_padded(), shape.classes_padded());
        let b1 = shape.inputs_padded() * hidden;
        match self {
            Parameter::W1 => (0, hidden),
            Parameter::B1 => (b1, hidden),
            Parameter::W2 => (b1 + hidden, classes),
            Parameter::B2 => (b1 + hidden + hidden * classes, classes),
        }
    }
}

/// W1, b1, W2 and b2, or the gradient of the loss with respect to them.
///
/// One allocation, aligned to 64 bytes: W1 (inputs × hidden), b1, W2 (hidden × classes), b2, row-major. Inside, rows
/// are padded with zeros to whole vectors; all views have the logical shapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<T: Float> {
    shape: Shape,
    buffer: Aligned<T>,
}

impl<T: Float> Parameters<T> {
    /// All zeros.
    pub fn zeros(shape: Shape) -> Self {
        let (b2, classes) = Parameter::B2.place(shape);
        Parameters { shape, buffer: Aligned::zeroed([b2 + classes]) }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// A view of one parameter.
    pub fn get(&self, parameter: Parameter) -> MatRef<'_, T> {
        let ((rows, cols), (at, stride)) = (parameter.dims(self.shape), parameter.place(self.shape));
        MatRef::of_rows(&self.buffer[at..], rows, cols, stride)
    }

    /// A mutable view of one parameter.
    pub fn get_mut(&mut self, parameter: Parameter) -> MatMut<'_, T> {
        let ((rows, cols), (at, stride)) = (parameter.dims(self.shape), parameter.place(self.shape));
        MatMut::of_rows(&mut self.buffer[at..], rows, cols, stride)
    }

    /// Mutable views of all four, in the order of [`Parameter::ALL`].
    pub fn all_mut(&mut self) -> [MatMut<'_, T>; 4] {
        let starts = Parameter::ALL.map(|parameter| parameter.place(self.shape).0);
        let (w1, rest) = self.buffer.split_at_mut(starts[1]);
        let (b1, rest) = rest.split_at_mut(starts[2] - starts[1]);
        let (w2, b2) = rest.split_at_mut(starts[3] - starts[2]);
        let mut buffers = [w1, b1, w2, b2].into_iter();
        Parameter::ALL.map(|parameter| {
            let ((rows, cols), (_, stride)) = (parameter.dims(self.shape), parameter.place(self.shape));
            let buffer = buffers.next().expect("a buffer for each parameter");
            MatMut::of_rows(buffer, rows, cols, stride)
        })
    }

    /// Sets one parameter to `values`, row by row.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is a value for each element.
    pub fn set(&mut self, parameter: Parameter, values: &[T]) -> Result<()> {
        let (rows, cols) = parameter.dims(self.shape);
        if values.len() != rows * cols {
            let expected = format!("{rows} x {cols} = {}", rows * cols);
            return Err(Error::Length { what: parameter.name(), found: values.len(), expected });
        }
        let mut matrix = self.get_mut(parameter);
        for (r, row) in values.chunks_exact(cols).enumerate() {
            matrix.row_mut(r).copy_from_slice(row);
        }
        Ok(())
    }

    /// Sets all parameters to `values`, in the order of [`to_vec`](Self::to_vec).
    ///
    /// # Errors
    /// [`Error::Length`] unless there is a value for each element; nothing is changed then.
    pub fn set_all(&mut self, values: &[T]) -> Result<()> {
        if values.len() != self.shape.parameters() {
            let expected = format!("{}", self.shape.parameters());
            return Err(Error::Length { what: "the list of parameters", found: values.len(), expected });
        }
        let mut rest = values;
        for parameter in Parameter::ALL {
            let (rows, cols) = parameter.dims(self.shape);
            let (mine, others) = rest.split_at(rows * cols);
            self.set(parameter, mine)?;
            rest = others;
        }
        Ok(())
    }

    /// W1, inputs × hidden.
    pub fn w1(&self) -> MatRef<'_, T> {
        self.get(Parameter::W1)
    }

    /// b1, one for each hidden unit.
    pub fn b1(&self) -> &[T] {
        &self.buffer[Parameter::B1.place(self.shape).0..][..self.shape.hidden()]
    }

    /// W2, hidden × classes.
    pub fn w2(&self) -> MatRef<'_, T> {
        self.get(Parameter::W2)
    }

    /// b2, one for each class.
    pub fn b2(&self) -> &[T] {
        &self.buffer[Parameter::B2.place(self.shape).0..][..self.shape.classes()]
    }

    /// All elements without padding: W1, b1, W2, b2, each row by row.
    pub fn to_vec(&self) -> Vec<T> {
        Parameter::ALL.iter().flat_map(|&p| self.get(p).to_vec()).collect()
    }

    /// The same values as `f64`, exactly.
    pub fn to_f64(&self) -> Parameters<f64> {
        let mut wide = Parameters::zeros(self.shape);
        wide.buffer.iter_mut().zip(self.buffer.iter()).for_each(|(to, from)| *to = from.to_f64());
        wide
    }

    /// The first element that is infinite or NaN: its parameter, row and column.
    pub fn first_not_finite(&self) -> Option<(Parameter, usize, usize)> {
        Parameter::ALL.into_iter().find_map(|p| {
            let (_, cols) = p.dims(self.shape);
            self.get(p).to_vec().iter().position(|x| !x.is_finite()).map(|i| (p, i / cols, i % cols))
        })
    }

    /// Whether W1 is finite.
    pub(crate) fn w1_is_finite(&self) -> bool {
        let (b1, _) = Parameter::B1.place(self.shape);
        are_finite(&self.buffer[..b1])
    }

    /// The buffer with its padding, which must stay zero.
    pub(crate) fn padded(&self) -> &[T] {
        &self.buffer
    }

    /// [`padded`](Self::padded), mutable.
    pub(crate) fn padded_mut(&mut self) -> &mut [T] {
        &mut self.buffer
    }

    /// Offsets of all elements in the padded buffer, in the order of [`to_vec`](Self::to_vec).
    pub(crate) fn places(shape: Shape) -> impl Iterator<Item = usize> {
        Parameter::ALL.into_iter().flat_map(move |p| {
            let ((rows, cols), (at, stride)) = (p.dims(shape), p.place(shape));
            (0..rows).flat_map(move |r| (0..cols).map(move |c| at + r * stride + c))
        })
    }
}

/// Whether all of `weights` are finite. Without an early end, so that the compiler vectorises it.
pub(super) fn are_finite<T: Float>(weights: &[T]) -> bool {
    weights.iter().fold(true, |all, w| all & w.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_values_are_read_back_and_padding_stays_zero() {
        for (i, h, c) in [(1, 1, 2), (3, 17, 5), (4, 16, 16), (7, 33, 40)] {
            let shape = Shape::new(i, h, c).unwrap();
            let mut p = Parameters::<f32>::zeros(shape);
            let values: Vec<f32> = (1..=shape.parameters()).map(|v| v as f32).collect();
            let mut rest = &values[..];
            for parameter in Parameter::ALL {
                let (rows, cols) = parameter.dims(shape);
                let (mine, others) = rest.split_at(rows * cols);
                assert!(p.set(parameter, &values[..rows * cols + 1]).is_err());
                p.set(parameter, mine).unwrap();
                rest = others;
            }
            assert!(rest.is_empty());
            assert_eq!(p.to_vec(), values);
            for (view, &parameter) in p.clone().all_mut().iter().zip(&Parameter::ALL) {
                assert_eq!((view.rows(), view.cols()), parameter.dims(shape));
                assert_eq!(view.as_ref().to_vec(), p.get(parameter).to_vec());
            }
            let mut all = Parameters::<f32>::zeros(shape);
            assert!(all.set_all(&values[1..]).is_err());
            all.set_all(&values).unwrap();
            assert_eq!(all, p);
            assert_eq!((p.b1()[h - 1], p.b2()[c - 1]), (p.get(Parameter::B1).get(0, h - 1), *values.last().unwrap()));
            let placed: Vec<usize> = Parameters::<f32>::places(shape).collect();
            assert!(placed.iter().zip(&values).all(|(&at, &v)| p.padded()[at] == v));
            let padding = p.padded().iter().filter(|&&x| x == 0.0).count();
            assert_eq!(padding, p.padded().len() - values.len());
        }
    }
}
