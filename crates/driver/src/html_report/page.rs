//! The content of a report.

use serde_json::Value;
use twolayer_idx::Split as Half;

use super::training_record::TrainingRecord;
use crate::args::Split;
use crate::network::Network;

/// A network and the images that it is evaluated on.
#[derive(Clone, Copy)]
pub struct EvaluatedModel<'a> {
    pub net: &'a dyn Network,
    pub split: Split,
    pub half: &'a Half,
    /// The images that tell which pixels have ink: those that it was trained on, if known.
    pub seen: &'a Half,
}

/// The content of a report.
pub struct Page<'a> {
    /// The title, such as `Training on mnist`.
    pub title: String,
    /// Why the run failed, if it did.
    pub trouble: Option<String>,
    /// The object that `--json` prints.
    pub report: Value,
    /// The number of the network's parameters.
    pub parameters: usize,
    /// The record of the training.
    pub record: Option<&'a TrainingRecord>,
    /// The model to evaluate.
    pub subject: Option<EvaluatedModel<'a>>,
}
