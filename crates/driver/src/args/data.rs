//! The arguments of `data info` and `data show`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Split;

/// The most images to draw.
const MAX_PICTURES: usize = 10_000;

#[derive(Subcommand)]
pub enum DataCommand {
    /// Show the files, the number and size of images, and the number of each class
    Info(DataInfoArgs),
    /// Draw images side by side in the terminal, with their labels
    Show(DataShowArgs),
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer data info                 the bundled digits
  twolayer data info data/mnist")]
pub struct DataInfoArgs {
    /// Folder with a set's four IDX files [default: the bundled digits]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer data show                 the bundled digits
  twolayer data show data/kmnist --index 20..29 --split train")]
pub struct DataShowArgs {
    /// Folder with a set's four IDX files [default: the bundled digits]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Images to draw, counted from 0: one, or the first and the last
    #[arg(long, value_name = "N|A..B", default_value = "0..9", value_parser = indices)]
    pub index: RangeInclusive<usize>,

    /// Training or test set
    #[arg(long, value_enum, ignore_case = true, value_name = "HALF", default_value_t = Split::Test)]
    pub split: Split,
}

/// `7`, or `0..9` with both ends included.
fn indices(text: &str) -> Result<RangeInclusive<usize>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(a), Ok(b)) if a <= b && b - a < MAX_PICTURES => Ok(a..=b),
        _ => Err(format!("expected a number such as 7, or a range such as 0..9 of at most {MAX_PICTURES}")),
    }
}
