//! Builds a network from four named tensors of any file format.

use half::{bf16, f16};
use twolayer_core::{Float, MemoryEstimate, Parameter, Parameters, Shape};
use twolayer_model::{AnyModel, Model};

use crate::error::{Error, Result};

/// An element type in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    F16,
    Bf16,
    F32,
    F64,
}

impl Type {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Type::F16 | Type::Bf16 => 2,
            Type::F32 => 4,
            Type::F64 => 8,
        }
    }
}

/// A tensor as stored in a file.
#[derive(Debug)]
pub(crate) struct Tensor<'a> {
    /// Its name in the file.
    pub name: &'a str,
    pub sizes: Vec<usize>,
    pub kind: Type,
    /// The data, little-endian.
    pub bytes: &'a [u8],
    /// Whether the order is column-major.
    pub columns_first: bool,
    /// The meaning of its rows and columns, if it is a weight.
    pub layout: Layout,
}

/// The layout of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Inputs × outputs, as in the notebook.
    Notebook,
    /// Outputs × inputs, as in PyTorch.
    Torch,
}

impl Tensor<'_> {
    /// Rows and columns in the notebook's layout; a bias is one row.
    fn dims(&self, file: &str, parameter: Parameter) -> Result<(usize, usize)> {
        let bias = matches!(parameter, Parameter::B1 | Parameter::B2);
        match (bias, self.sizes.as_slice(), self.layout) {
            (true, &[columns] | &[1, columns] | &[columns, 1], _) => Ok((1, columns)),
            (false, &[rows, columns], Layout::Notebook) => Ok((rows, columns)),
            (false, &[columns, rows], Layout::Torch) => Ok((rows, columns)),
            _ => {
                let expected = match (bias, self.layout) {
                    (true, _) => "[units]",
                    (false, Layout::Notebook) => "[inputs, outputs]",
                    (false, Layout::Torch) => "[outputs, inputs]",
                };
                Err(self.wrong(file, &format!("has shape {:?}; expected {expected}", self.sizes)))
            }
        }
    }

    fn wrong(&self, file: &str, what: &str) -> Error {
        Error::new(file, format_args!("{} {what}; give the weights of a two-layer network", self.name))
    }

    /// The elements row by row, in the notebook's layout.
    fn numbers<T: Float>(&self, rows: usize, columns: usize) -> Vec<T> {
        let size = self.kind.size();
        let number = |bytes: &[u8]| {
            T::from_f64(match (self.kind, bytes) {
                (Type::F16, &[a, b]) => f16::from_le_bytes([a, b]).to_f64(),
                (Type::Bf16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f64(),
                (Type::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]).into(),
                (Type::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
                _ => f64::NAN,
            })
        };
        // A bias is the same in either layout.
        if rows == 1 || self.columns_first == (self.layout == Layout::Torch) {
            return self.bytes.chunks_exact(size).map(number).collect();
        }
        let place = |i: usize| (i % columns * rows + i / columns) * size;
        (0..rows * columns).map(|i| number(&self.bytes[place(i)..][..size])).collect()
    }
}

/// Builds the network from W1, b1, W2 and b2.
pub(crate) fn network(file: &str, tensors: &[Tensor<'_>; 4]) -> Result<AnyModel> {
    Ok(match check(file, tensors)? {
        (shape, false) => AnyModel::F32(parameters(file, tensors, shape)?),
        (shape, true) => AnyModel::F64(parameters(file, tensors, shape)?),
    })
}

/// The shape, and whether the numbers have double precision, if sizes and types fit each other and there is memory for
/// the network. Looks at no number.
pub(crate) fn check(file: &str, tensors: &[Tensor<'_>; 4]) -> Result<(Shape, bool)> {
    let shape = shape(file, tensors)?;
    let doubles = tensors.iter().filter(|tensor| tensor.kind == Type::F64).count();
    match doubles {
        0 => Ok((shape, false)),
        4 => Ok((shape, true)),
        _ => {
            let list = |double| {
                let some = tensors.iter().filter(move |tensor| (tensor.kind == Type::F64) == double);
                some.map(|tensor| tensor.name).collect::<Vec<_>>().join(", ")
            };
            Err(Error::new(
                file,
                format_args!("{} in double precision, {} not; convert all four to one type", list(true), list(false)),
            ))
        }
    }
}

/// The shape, if the tensors' sizes fit each other.
fn shape(file: &str, tensors: &[Tensor<'_>; 4]) -> Result<Shape> {
    let [w1, _, w2, _] = tensors;
    let (inputs, hidden) = w1.dims(file, Parameter::W1)?;
    let (_, classes) = w2.dims(file, Parameter::W2)?;
    for (parameter, tensor, expected) in [
        (Parameter::B1, &tensors[1], (1, hidden)),
        (Parameter::W2, w2, (hidden, classes)),
        (Parameter::B2, &tensors[3], (1, classes)),
    ] {
        if tensor.dims(file, parameter)? != expected {
            let (rows, columns) = expected;
            let expected = match (parameter, tensor.layout) {
                (Parameter::W2, Layout::Notebook) => vec![rows, columns],
                (Parameter::W2, Layout::Torch) => vec![columns, rows],
                _ => vec![columns],
            };
            let other = if parameter == Parameter::B2 { w2.name } else { w1.name };
            let what = format!("has shape {:?}; expected {expected:?} to match {other}", tensor.sizes);
            return Err(tensor.wrong(file, &what));
        }
    }
    let shape = Shape::new(inputs, hidden, classes).map_err(|error| {
        let what = format!("its tensors do not form a network: {error}; give the weights of a two-layer network");
        Error::new(file, what)
    })?;
    let need = MemoryEstimate::default().parameters(shape, 8, 2);
    match need.is_available() {
        true => Ok(shape),
        false => {
            let megabytes = need.bytes().div_ceil(1_000_000);
            let what = format!(
                "its network needs about {megabytes} MB of memory, which the system refuses; end other programs"
            );
            Err(Error::new(file, what))
        }
    }
}

fn parameters<T: Float>(file: &str, tensors: &[Tensor<'_>; 4], shape: Shape) -> Result<Model<T>> {
    let mut parameters = Parameters::zeros(shape);
    for (parameter, tensor) in Parameter::ALL.into_iter().zip(tensors) {
        let (rows, columns) = parameter.dims(shape);
        let numbers = tensor.numbers::<T>(rows, columns);
        if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
            let (row, column) = (i / columns, i % columns);
            let place = match (parameter, tensor.layout) {
                (Parameter::B1 | Parameter::B2, _) => format!("[{column}]"),
                (_, Layout::Notebook) => format!("[{row}, {column}]"),
                (_, Layout::Torch) => format!("[{column}, {row}]"),
            };
            return Err(Error::new(
                file,
                format_args!("{}{place} is infinite or NaN; train the network again", tensor.name),
            ));
        }
        parameters.set(parameter, &numbers).map_err(|error| Error::new(file, error))?;
    }
    Ok(Model::new(parameters))
}

/// A parameter's elements row by row, little-endian.
pub(crate) fn bytes<T: Float>(parameters: &Parameters<T>, parameter: Parameter) -> Vec<u8> {
    let numbers = parameters.get(parameter).to_vec();
    let single = size_of::<T>() == 4;
    let mut bytes = Vec::with_capacity(numbers.len() * size_of::<T>());
    for number in numbers.into_iter().map(T::to_f64) {
        match single {
            true => bytes.extend((number as f32).to_le_bytes()),
            false => bytes.extend(number.to_le_bytes()),
        }
    }
    bytes
}

/// A parameter's shape; a bias has one dimension.
pub(crate) fn sizes<T: Float>(parameters: &Parameters<T>, parameter: Parameter) -> Vec<usize> {
    let (rows, columns) = parameter.dims(parameters.shape());
    match parameter {
        Parameter::W1 | Parameter::W2 => vec![rows, columns],
        Parameter::B1 | Parameter::B2 => vec![columns],
    }
}
