//! The names and limits of the file format.

use twolayer_core::{Parameter, Shape};

/// The versions of the format that can be read. Version 2 adds an activation and a training run's state.
pub const FORMAT_VERSIONS: [&str; 2] = ["1", "2"];

/// The factor between pixels, 0 to 255, and inputs.
pub const INPUT_SCALE: &str = "1/255";

/// The longest header that is written or read, in bytes: a thousand times what a model needs.
pub(crate) const MAX_HEADER: usize = 1 << 20;

/// The value of the metadata's `format`.
pub(crate) const FORMAT: &str = "twolayer";

/// The prefix of training options in the metadata.
pub(crate) const OPTION: &str = "train.";

/// The prefix of the tensors of a training run's state.
pub(crate) const RUN: &str = "run.";

/// A shape in the metadata.
pub(crate) fn shape_text(shape: Shape) -> String {
    format!("{}x{}x{}", shape.inputs(), shape.hidden(), shape.classes())
}

/// The shape of a parameter's tensor; biases have one dimension.
pub(crate) fn sizes(parameter: Parameter, shape: Shape) -> Vec<usize> {
    let (rows, columns) = parameter.dims(shape);
    match parameter {
        Parameter::W1 | Parameter::W2 => vec![rows, columns],
        Parameter::B1 | Parameter::B2 => vec![columns],
    }
}
