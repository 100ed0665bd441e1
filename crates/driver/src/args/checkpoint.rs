//! Options of `train` that keep a run from being lost.

use std::path::PathBuf;

use clap::Args;

use crate::args::values::positive;

/// Checkpoints, and going on from one.
#[derive(Args)]
pub struct CheckpointArgs {
    /// Write all that is needed to go on to this file, again and again; it is a model file too
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Iterations from checkpoint to checkpoint [default: an epoch]
    #[arg(long, value_name = "N", value_parser = positive, requires = "checkpoint", allow_negative_numbers = true)]
    pub every: Option<usize>,

    /// Go on from this checkpoint, with the options of the run that wrote it; its end may be later
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
}
