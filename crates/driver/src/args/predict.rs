//! The arguments of `twolayer predict`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::values::whole;
use super::{DataArgs, MachineArgs, Split};

#[derive(Args)]
#[command(override_usage = "twolayer predict [OPTIONS] <MODEL> <PICTURE>...
       twolayer predict [OPTIONS] <MODEL> --index <N>
       twolayer predict [OPTIONS] <MODEL> --csv [<FILE>]")]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["pictures", "index", "csv"])))]
#[command(after_help = "Examples:
  twolayer predict digits.model seven.png
  twolayer predict digits.model *.jpg --json
  some-scanner | twolayer predict digits.model -
  twolayer predict digits.model --data data/mnist --index 7
  twolayer predict digits.model --data data/mnist --csv out.csv
  twolayer predict digits.model scans --csv > scans.csv

A picture is made into what the network was trained on, as MNIST was made. What is darker or lighter than the paper \
around it is ink, and the paper becomes 0, also in a shadow. Ruled lines, frames, specks and what touches the picture's \
edge are left out, and a note says so. Each digit is cropped and scaled by its aspect ratio to 20 of 28 parts of the \
side (all of it for images smaller than 20 pixels, such as the bundled digits), and its centre of mass is put into the \
middle. --show-input shows these steps.

An answer is not sure if its probability is below 90 %, or if the shape is not like MNIST's digits, touches the \
picture's edge, or is in many parts; the reason is told, and the exit code is 0.

Exit codes: 0 success; 1 a file that cannot be read or shows no ink, the others being shown all the same; 2 wrong \
usage.")]
pub struct PredictArgs {
    /// Model file written by `twolayer train --out`
    pub model: PathBuf,

    /// Pictures of digits (PNG, JPEG, WebP, GIF, TIFF, BMP, PGM), or folders of them; `-` is standard input
    #[arg(value_name = "PICTURE", conflicts_with_all = ["data", "split", "index"])]
    pub pictures: Vec<PathBuf>,

    #[command(flatten)]
    pub data: DataArgs,

    /// Index of an image of the data, from 0, instead of pictures
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub index: Option<usize>,

    /// Training or test set
    #[arg(long, value_enum, ignore_case = true, value_name = "HALF", default_value_t = Split::Test)]
    pub split: Split,

    /// Read the most central digit of a picture alone, and note what else there was
    #[arg(long, requires = "pictures", conflicts_with_all = ["data", "index"])]
    pub one: bool,

    /// Write the steps to this PNG file: the picture in grey, without its paper, what was kept, and each digit as the
    /// network sees it
    #[arg(long, value_name = "FILE", requires = "pictures", conflicts_with_all = ["data", "index", "csv"])]
    pub show_input: Option<PathBuf>,

    /// Write a row for each picture (of its most central digit), or each image of the data, to this file or standard
    /// output (CSV): file or index, label if known, prediction, probabilities. The label of a picture is its folder's
    /// name, if that is a class
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    #[arg(conflicts_with_all = ["json", "index"])]
    pub csv: Option<PathBuf>,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}
