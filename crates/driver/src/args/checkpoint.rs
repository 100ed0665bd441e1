//! The checkpoint options of `train`.

use std::path::PathBuf;

use clap::Args;

use crate::args::values::positive;

/// Checkpoints and resuming.
#[derive(Args)]
pub struct CheckpointArgs {
    /// Write checkpoints to this file, to resume from; it is also a model file
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Iterations between checkpoints [default: an epoch]
    #[arg(long, value_name = "N", value_parser = positive, requires = "checkpoint", allow_negative_numbers = true)]
    pub every: Option<usize>,

    /// Resume from this checkpoint, with the options of the run that wrote it; it may end later
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
}
