//! A network's parameters with what is to be remembered of their training.

use std::any::Any;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use twolayer_core::{Activation, Float, Parameter, Parameters, Shape};

use crate::error::name_of;
use crate::{Error, ErrorKind, Result, decode, encode, replace};

/// The versions of the format that are read: the first for what it can say, the second for the rest.
pub const FORMAT_VERSIONS: [&str; 2] = ["1", "2"];

/// What pixels, from 0 to 255, are multiplied by to become inputs.
pub const INPUT_SCALE: &str = "1/255";

/// A trained network's parameters, and the options it was trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Model<T: Float> {
    /// The parameters, all finite if they come from a file.
    pub parameters: Parameters<T>,
    /// The function of the hidden layer.
    pub activation: Activation,
    /// What a training run needs to go on from here, by name: numbers that are no parameters, such as an optimiser's
    /// state. None in a model that is only to be used.
    pub run: BTreeMap<String, Vec<f64>>,
    /// The training options by name, whatever the trainer wants to be remembered. They should hold neither times nor
    /// the number of threads if the same training is to give the same file.
    pub options: BTreeMap<String, String>,
}

impl<T: Float> Model<T> {
    /// A model of sigmoid units without training options.
    pub fn new(parameters: Parameters<T>) -> Self {
        let (activation, run, options) = (Activation::Sigmoid, BTreeMap::new(), BTreeMap::new());
        Model { parameters, activation, run, options }
    }

    /// The version of the format that its file has: the lowest that can say it all.
    pub(crate) fn version(&self) -> &'static str {
        FORMAT_VERSIONS[usize::from(self.activation != Activation::Sigmoid || !self.run.is_empty())]
    }

    /// The content of the model's file. The same model gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFinite`] if a parameter is infinite or NaN; [`ErrorKind::OptionsTooLong`] if the options take
    /// most of a mebibyte.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        encode::model(self).map_err(|kind| Error::new("model in memory", kind))
    }

    /// Writes the model's file.
    ///
    /// The file appears whole or not at all: it is written beside its place, synced, and renamed. What was there
    /// before is replaced, through a symbolic link too, and keeps its permissions. A device or a pipe is written to
    /// directly.
    ///
    /// # Errors
    ///
    /// Those of [`Model::to_bytes`]; [`ErrorKind::NoPlace`] if the path is a folder or its folder does not exist;
    /// [`ErrorKind::Io`] if the system refuses anything, such as for a full disk. Nothing half-written is left then,
    /// and what was there before is as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        encode::model(self)
            .and_then(|bytes| replace::replace(path, &bytes))
            .map_err(|kind| Error::new(&name_of(path), kind))
    }
}

/// A model of the precision that its file has.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyModel {
    /// Single precision.
    F32(Model<f32>),
    /// Double precision.
    F64(Model<f64>),
}

impl AnyModel {
    /// Reads the model file at `path`. Anything that can be opened and read will do, pipes included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if it cannot be opened or read, and every fault of the file as its own [`ErrorKind`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        decode::file(path).map_err(|kind| Error::new(&name_of(path), kind))
    }

    /// Reads the content of a model file from memory. `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// Every fault of the content as its own [`ErrorKind`].
    pub fn from_slice(name: &str, bytes: &[u8]) -> Result<Self> {
        decode::model(bytes, Some(bytes.len() as u64)).map_err(|kind| Error::new(name, kind))
    }

    /// Reads the content of a model file from a reader, which is read to its end. `name` is what errors call it.
    /// Memory grows with what the reader really gives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the reader fails, and every fault of the content as its own [`ErrorKind`].
    pub fn from_reader(name: &str, reader: impl Read) -> Result<Self> {
        decode::model(reader, None).map_err(|kind| Error::new(name, kind))
    }

    /// The model, if its numbers are of this type.
    pub fn of<T: Float>(self) -> Option<Model<T>> {
        let model: Box<dyn Any> = match self {
            AnyModel::F32(model) => Box::new(model),
            AnyModel::F64(model) => Box::new(model),
        };
        model.downcast().ok().map(|model| *model)
    }

    /// The network's shape.
    pub fn shape(&self) -> Shape {
        match self {
            AnyModel::F32(model) => model.parameters.shape(),
            AnyModel::F64(model) => model.parameters.shape(),
        }
    }

    /// The function of the hidden layer.
    pub fn activation(&self) -> Activation {
        match self {
            AnyModel::F32(model) => model.activation,
            AnyModel::F64(model) => model.activation,
        }
    }

    /// The training options by name.
    pub fn options(&self) -> &BTreeMap<String, String> {
        match self {
            AnyModel::F32(model) => &model.options,
            AnyModel::F64(model) => &model.options,
        }
    }
}

/// Fails with the first parameter that is infinite or NaN.
pub(crate) fn check_finite<T: Float>(parameters: &Parameters<T>) -> Result<(), ErrorKind> {
    match parameters.first_not_finite() {
        None => Ok(()),
        Some((parameter, row, column)) => Err(ErrorKind::NotFinite { tensor: parameter.name(), row, column }),
    }
}

/// A shape as the metadata have it.
pub(crate) fn shape_text(shape: Shape) -> String {
    format!("{}x{}x{}", shape.inputs(), shape.hidden(), shape.classes())
}

/// The sizes of a parameter's tensor: those of a bias without the leading 1.
pub(crate) fn sizes(parameter: Parameter, shape: Shape) -> Vec<usize> {
    let (rows, columns) = parameter.dims(shape);
    match parameter {
        Parameter::W1 | Parameter::W2 => vec![rows, columns],
        Parameter::B1 | Parameter::B2 => vec![columns],
    }
}
