//! The arguments of `twolayer compare`.

use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, MachineArgs, Split};

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer compare old.model new.model --data data/mnist
  twolayer compare old.model new.model --report page.html

Whether one is better than chance would make it is McNemar's test (Psychometrika 12, 1947), exact and two-sided. Of n \
images that only one model gets right, of which the worse one has k, p = 2 (C(n, 0) + ... + C(n, k)) / 2^n, at most 1; \
below 0.05 one is called better.")]
pub struct CompareArgs {
    /// Model file written by `twolayer train --out`
    pub a: PathBuf,

    /// Another one; `-` is standard input
    pub b: PathBuf,

    #[command(flatten)]
    pub data: DataArgs,

    /// Training or test set
    #[arg(long, value_enum, ignore_case = true, value_name = "HALF", default_value_t = Split::Test)]
    pub split: Split,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Write an HTML report with the images that only one model gets right to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}
