//! A model: a network's parameters and the options of their training.

use std::any::Any;
use std::collections::BTreeMap;

use twolayer_core::{Activation, Float, Parameters, Shape};

use crate::error::ErrorKind;
use crate::format::FORMAT_VERSIONS;

/// A trained network's parameters, and the options it was trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Model<T: Float> {
    /// The parameters, all finite if they come from a file.
    pub parameters: Parameters<T>,
    /// The activation of the hidden layer.
    pub activation: Activation,
    /// The state that a training run resumes from, by name, such as that of an optimiser. Empty unless the model is a
    /// checkpoint.
    pub run: BTreeMap<String, Vec<f64>>,
    /// Training options by name. Without times and numbers of threads, the same training gives the same file.
    pub options: BTreeMap<String, String>,
}

impl<T: Float> Model<T> {
    /// A model of sigmoid units without training options.
    pub fn new(parameters: Parameters<T>) -> Self {
        let (activation, run, options) = (Activation::Sigmoid, BTreeMap::new(), BTreeMap::new());
        Model { parameters, activation, run, options }
    }

    /// The lowest format version that can hold the model.
    pub(crate) fn version(&self) -> &'static str {
        FORMAT_VERSIONS[usize::from(self.activation != Activation::Sigmoid || !self.run.is_empty())]
    }
}

/// A model with the element type of its file.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyModel {
    /// `f32`.
    F32(Model<f32>),
    /// `f64`.
    F64(Model<f64>),
}

impl AnyModel {
    /// The model, if `T` is its element type.
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

    /// The activation of the hidden layer.
    pub fn activation(&self) -> Activation {
        match self {
            AnyModel::F32(model) => model.activation,
            AnyModel::F64(model) => model.activation,
        }
    }

    /// The state that a training run resumes from; empty unless the model is a checkpoint.
    pub fn run(&self) -> &BTreeMap<String, Vec<f64>> {
        match self {
            AnyModel::F32(model) => &model.run,
            AnyModel::F64(model) => &model.run,
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
