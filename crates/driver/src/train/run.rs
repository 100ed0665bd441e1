//! A training run: its options, data and files.

use std::time::Instant;

use twolayer_core::{GradientMethod, OptimizerKind, Shape};
use twolayer_idx::DataSet;

use crate::args::TrainArgs;
use crate::data::Source;
use crate::html_report::Plot;
use crate::machine::Machine;
use crate::output_file::OutputFile;
use crate::schedule::Schedule;

/// A training run, whatever its element type.
pub struct TrainingRun<'a> {
    pub args: &'a TrainArgs,
    pub source: Source<'a>,
    pub data: &'a DataSet,
    /// What is unusual about the training set.
    pub notes: Vec<String>,
    /// Whether the images are dark on light.
    pub light_paper: bool,
    /// The first rows of `data.train` are trained on; the others are for validation.
    pub rows: usize,
    pub machine: &'a Machine,
    pub shape: Shape,
    pub schedule: Schedule,
    pub gradient: GradientMethod,
    pub rule: OptimizerKind,
    pub save: Option<OutputFile>,
    pub log: Option<OutputFile>,
    pub keep: Option<OutputFile>,
    pub report: Option<OutputFile>,
    pub plot: Option<Plot>,
    /// The digest of the training set, for checkpoints.
    pub digest: Option<String>,
    pub started: Instant,
}
