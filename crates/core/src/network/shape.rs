//! The network's shape and its four parameters in one buffer.

use crate::buffer::Aligned;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::matrix::{MatMut, MatRef};

/// Hidden units that are computed together: rows of weights are padded with zeros to a multiple of it, and sums over
/// hidden units are taken block by block, so that they do not depend on how blocks are shared among threads. One
/// AVX-512 vector of f32.
pub(crate) const BLOCK: usize = 16;

/// How many inputs, hidden units and classes a network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    inputs: usize,
    hidden: usize,
    classes: usize,
}

impl Shape {
    /// A shape; every dimension at least 1, and the parameters no more than 2^40.
    ///
    /// # Errors
    /// [`Error::Shape`] otherwise.
    pub fn new(inputs: usize, hidden: usize, classes: usize) -> Result<Shape> {
        for (n, what) in [(inputs, "inputs"), (hidden, "hidden units"), (classes, "classes")] {
            if n == 0 || n > 1 << 40 {
                return Err(Error::Shape { what: format!("{n} {what} make no network; expected 1 to 2^40") });
            }
        }
        let count = (inputs as u128 + 1) * hidden as u128 + (hidden as u128 + 1) * classes as u128;
        if count > 1 << 40 {
            return Err(Error::Shape {
                what: format!("{inputs} x {hidden} x {classes} has {count} parameters; at most 2^40 are possible"),
            });
        }
        Ok(Shape { inputs, hidden, classes })
    }

    /// Elements of one input row.
    pub fn inputs(self) -> usize {
        self.inputs
    }

    /// Hidden units.
    pub fn hidden(self) -> usize {
        self.hidden
    }

    /// Classes.
    pub fn classes(self) -> usize {
        self.classes
    }

    /// How many parameters there are: (inputs + 1) · hidden + (hidden + 1) · classes.
    pub fn parameters(self) -> usize {
        (self.inputs + 1) * self.hidden + (self.hidden + 1) * self.classes
    }

    /// The largest team of threads that training can use: a member for each 16 hidden units.
    pub fn most_threads(self) -> usize {
        self.hidden_padded() / BLOCK
    }

    /// Hidden units with their padding: the distance of W1's rows.
    pub(crate) fn hidden_padded(self) -> usize {
        self.hidden.next_multiple_of(BLOCK)
    }

    /// Classes with their padding: the distance of W2's rows.
    pub(crate) fn classes_padded(self) -> usize {
        self.classes.next_multiple_of(BLOCK)
    }

    /// Rows of W1 with their padding: pixels are taken in pairs.
    pub(crate) fn inputs_padded(self) -> usize {
        self.inputs.next_multiple_of(2)
    }
}

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
    /// All four, in the order in which they lie in the buffer.
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
            Parameter::W1 => (shape.inputs, shape.hidden),
            Parameter::B1 => (1, shape.hidden),
            Parameter::W2 => (shape.hidden, shape.classes),
            Parameter::B2 => (1, shape.classes),
        }
    }

    /// Where it begins in the buffer, and the distance of its rows there.
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

/// The standard deviation of initial weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// This one; the notebook's is 0.01.
    Normal(f64),
    /// 1 / √n for n inputs of a unit: for sigmoid units (Glorot and Bengio 2010, as the book has it).
    Xavier,
    /// √(2 / n): for ReLU (He et al. 2015).
    He,
}

impl Init {
    fn std(self, inputs: usize) -> f64 {
        match self {
            Init::Normal(std) => std,
            Init::Xavier => (1.0 / inputs as f64).sqrt(),
            Init::He => (2.0 / inputs as f64).sqrt(),
        }
    }
}

/// W1, b1, W2 and b2, or the gradient of the loss with respect to them.
///
/// One allocation, aligned to 64 bytes: W1 (inputs × hidden), b1, W2 (hidden × classes), b2, row-major. Inside, rows
/// are padded with zeros to whole vectors; all views show the logical shapes.
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

    /// Initial parameters: `draw()` times the standard deviation of `init` for each element of W1, then of W2, row by row;
    /// biases zero. `draw` is to give standard normal numbers.
    pub fn normal(shape: Shape, init: Init, mut draw: impl FnMut() -> f64) -> Self {
        let mut parameters = Self::zeros(shape);
        for parameter in [Parameter::W1, Parameter::W2] {
            let mut matrix = parameters.get_mut(parameter);
            let std = init.std(matrix.rows());
            for r in 0..matrix.rows() {
                matrix.row_mut(r).iter_mut().for_each(|w| *w = T::from_f64(std * draw()));
            }
        }
        parameters
    }

    /// [`normal`](Self::normal) with numbers from a generator.
    #[cfg(feature = "rand")]
    pub fn random(shape: Shape, init: Init, rng: &mut impl rand::Rng) -> Self {
        let mut normal = crate::train::Normal::new(rng);
        Self::normal(shape, init, || normal.draw())
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// One parameter, to read.
    pub fn get(&self, parameter: Parameter) -> MatRef<'_, T> {
        let ((rows, cols), (at, stride)) = (parameter.dims(self.shape), parameter.place(self.shape));
        let view = MatRef::with_strides(&self.buffer[at..], rows, cols, stride, 1);
        view.unwrap_or_else(|_| unreachable!("the buffer was made for the shape"))
    }

    /// One parameter, to write.
    pub fn get_mut(&mut self, parameter: Parameter) -> MatMut<'_, T> {
        let ((rows, cols), (at, stride)) = (parameter.dims(self.shape), parameter.place(self.shape));
        let view = MatMut::with_stride(&mut self.buffer[at..], rows, cols, stride);
        view.unwrap_or_else(|_| unreachable!("the buffer was made for the shape"))
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
        &self.buffer[Parameter::B1.place(self.shape).0..][..self.shape.hidden]
    }

    /// W2, hidden × classes.
    pub fn w2(&self) -> MatRef<'_, T> {
        self.get(Parameter::W2)
    }

    /// b2, one for each class.
    pub fn b2(&self) -> &[T] {
        &self.buffer[Parameter::B2.place(self.shape).0..][..self.shape.classes]
    }

    /// All elements without padding: W1, b1, W2, b2, row by row.
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

    /// The buffer with its padding, which must stay zero.
    pub(crate) fn padded(&self) -> &[T] {
        &self.buffer
    }

    /// As [`padded`](Self::padded), to write.
    pub(crate) fn padded_mut(&mut self) -> &mut [T] {
        &mut self.buffer
    }

    /// Places of all elements in the padded buffer, in the order of [`to_vec`](Self::to_vec).
    pub(crate) fn places(shape: Shape) -> impl Iterator<Item = usize> {
        Parameter::ALL.into_iter().flat_map(move |p| {
            let ((rows, cols), (at, stride)) = (p.dims(shape), p.place(shape));
            (0..rows).flat_map(move |r| (0..cols).map(move |c| at + r * stride + c))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused() {
        for (i, h, c) in [(0, 1, 1), (1, 0, 1), (1, 1, 0), (usize::MAX, 2, 2), (1 << 30, 1 << 30, 1), (1, 1 << 39, 9)] {
            assert!(Shape::new(i, h, c).is_err(), "{i} x {h} x {c}");
        }
        assert_eq!(Shape::new(784, 50, 10).unwrap().parameters(), 39_760);
    }

    #[test]
    fn initial_weights_have_the_deviation_of_their_layer() {
        let shape = Shape::new(50, 8, 3).unwrap();
        for (init, first, second) in
            [(Init::Normal(0.01), 0.01, 0.01), (Init::Xavier, 0.02f64.sqrt(), 0.125f64.sqrt()), (Init::He, 0.2, 0.5)]
        {
            let p = Parameters::<f64>::normal(shape, init, || 1.0);
            assert!(p.w1().to_vec().iter().all(|w| (w - first).abs() < 1e-15), "{init:?}");
            assert!(p.w2().to_vec().iter().all(|w| (w - second).abs() < 1e-15), "{init:?}");
            assert!(p.b1().iter().chain(p.b2()).all(|&b| b == 0.0));
        }
    }

    #[test]
    fn what_is_set_is_read_and_padding_stays_zero() {
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
