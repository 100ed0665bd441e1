//! The arguments of `data info`, `data show` and `data convert`.

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
    /// Write a set in any form as four IDX files, which are the fastest to read
    Convert(DataConvertArgs),
}

/// A data set and how it is read.
#[derive(Args)]
pub struct SetArgs {
    /// The set: a folder of IDX files, pictures or CSV files, or an .npz or .csv file [default: the bundled digits]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,

    /// Column of the labels in CSV files: its name, or its number from 1 [default: `label` or `class`, or the first]
    #[arg(long, value_name = "COLUMN", requires = "path")]
    pub label_column: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer data convert mnist.npz data/mnist
  twolayer data convert letters data/letters    letters/train/a/1.png and so on")]
pub struct DataConvertArgs {
    /// The set: a folder of pictures or CSV files, or an .npz or .csv file
    #[arg(value_name = "SRC")]
    pub source: PathBuf,

    /// Folder to write the four files into
    #[arg(value_name = "DST")]
    pub target: PathBuf,

    /// Column of the labels in CSV files: its name, or its number from 1 [default: `label` or `class`, or the first]
    #[arg(long, value_name = "COLUMN")]
    pub label_column: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer data info                 the bundled digits
  twolayer data info data/mnist")]
pub struct DataInfoArgs {
    #[command(flatten)]
    pub set: SetArgs,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer data show                 the bundled digits
  twolayer data show data/kmnist --index 20..29 --split train")]
pub struct DataShowArgs {
    #[command(flatten)]
    pub set: SetArgs,

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
