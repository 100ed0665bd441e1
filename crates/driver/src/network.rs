//! A trained network of either element type.

use std::collections::BTreeMap;
use std::path::Path;

use twolayer_core::{Activation, Evaluation, Float, MemoryEstimate, Result, Rows, Shape, TwoLayerNet};
use twolayer_idx::Split as Half;
use twolayer_model::{AnyModel, Model};

use crate::data;
use crate::error::CliError;
use crate::machine::Machine;
use crate::memory;
use crate::number_format::count;
use crate::output_file::is_stdin;

/// A trained network of `f32` or `f64`.
pub trait Network: Send + Sync {
    fn shape(&self) -> Shape;
    fn activation(&self) -> Activation;
    /// `f32` or `f64`.
    fn precision(&self) -> &'static str;
    fn evaluate(&self, half: &Half) -> Result<Evaluation>;
    /// The most probable class of each image.
    fn classify(&self, half: &Half) -> Result<Vec<usize>>;
    /// The class probabilities of one image.
    fn probabilities(&self, pixels: &[u8]) -> Result<Vec<f64>>;
    /// A hidden unit's column of W1 and row of W2.
    fn hidden_unit(&self, unit: usize) -> (Vec<f64>, Vec<f64>);
}

impl<T: Float> Network for TwoLayerNet<T> {
    fn shape(&self) -> Shape {
        TwoLayerNet::shape(self)
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn precision(&self) -> &'static str {
        T::NAME
    }

    fn evaluate(&self, half: &Half) -> Result<Evaluation> {
        let (rows, labels) = data::view(half);
        TwoLayerNet::evaluate(self, rows, labels)
    }

    fn classify(&self, half: &Half) -> Result<Vec<usize>> {
        TwoLayerNet::classify(self, data::view(half).0)
    }

    fn probabilities(&self, pixels: &[u8]) -> Result<Vec<f64>> {
        Ok(self.predict(Rows::Pixels(pixels))?.into_iter().map(T::to_f64).collect())
    }

    fn hidden_unit(&self, unit: usize) -> (Vec<f64>, Vec<f64>) {
        let (w1, w2) = (self.parameters.w1(), self.parameters.w2());
        let into = (0..w1.rows()).map(|input| w1.get(input, unit).to_f64()).collect();
        (into, (0..w2.cols()).map(|class| w2.get(unit, class).to_f64()).collect())
    }
}

/// Answers with a smaller probability are not sure.
pub const SURE: f64 = 0.9;
/// The option in a model file that names the paper it was trained on, if that is light; older files have none.
pub const PAPER: &str = "paper";
pub const LIGHT: &str = "light";

/// A model file's network, computed by `machine`.
pub struct LoadedModel {
    pub net: Box<dyn Network>,
    /// Whether it was trained on dark ink on light paper.
    pub light_paper: bool,
}

/// Reads a model file, or standard input for `-`.
pub fn read(path: &Path) -> Result<AnyModel, CliError> {
    Ok(match is_stdin(path) {
        true => AnyModel::from_reader("standard input", std::io::stdin().lock())?,
        false => AnyModel::load(path)?,
    })
}

/// Reads a model file's network.
pub fn load(path: &Path, machine: &Machine) -> Result<LoadedModel, CliError> {
    let model = read(path)?;
    let light_paper = has_light_paper(model.options());
    let net: Box<dyn Network> = match model {
        AnyModel::F32(model) => Box::new(machine.run(of(model))),
        AnyModel::F64(model) => Box::new(machine.run(of(model))),
    };
    Ok(LoadedModel { net, light_paper })
}

/// Whether a model file's options say that it was trained on dark ink on light paper.
pub fn has_light_paper(options: &BTreeMap<String, String>) -> bool {
    options.get(PAPER).is_some_and(|paper| paper == LIGHT)
}

fn of<T: Float>(model: Model<T>) -> TwoLayerNet<T> {
    TwoLayerNet::new(model.parameters).with_activation(model.activation)
}

/// `784 -> 50 -> 10, f32`, and the activation if it is not sigmoid.
pub fn describe(net: &dyn Network) -> String {
    let shape = net.shape();
    let units = if net.activation() == Activation::Sigmoid { "" } else { ", relu" };
    format!("{} -> {} -> {}, {}{units}", shape.inputs(), shape.hidden(), shape.classes(), net.precision())
}

/// An error unless there is memory to compute so many rows in a call, with so many bytes of results.
pub fn check_memory(net: &dyn Network, machine: &Machine, rows: usize, results: usize) -> Result<(), CliError> {
    let width = if net.precision() == "f32" { 4 } else { 8 };
    let need = MemoryEstimate::default().inference(net.shape(), width, rows, machine.threads()).elements(results, 1);
    memory::check(need, "lower --threads or end other programs")
}

/// An error unless the model takes images of this size and has a class for every label.
pub fn check_fit(net: &dyn Network, model: &Path, half: &Half) -> Result<(), CliError> {
    let shape = net.shape();
    if shape.inputs() != half.inputs() {
        return Err(CliError::new(format!(
            "the model {} does not fit the data: it takes {}, but those of {} have {} ({}); \
             give the data that it was trained on, or train a model on these",
            model.display(),
            count(shape.inputs(), "pixel"),
            half.images_name(),
            half.inputs(),
            data::size(half)
        )));
    }
    if half.classes() > shape.classes() {
        return Err(CliError::new(format!(
            "the model {} does not fit the data: its classes go up to {}, but the labels in {} to {}; \
             give the data that it was trained on, or train a model on these",
            model.display(),
            shape.classes() - 1,
            half.labels_name(),
            half.classes() - 1
        )));
    }
    Ok(())
}
