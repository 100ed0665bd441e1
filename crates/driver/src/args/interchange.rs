//! The arguments of `export` and `import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::ActivationName;

/// An export format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// NumPy arrays W1, b1, W2 and b2, for numpy.load
    Npz,
    /// For ONNX Runtime and others: `pixels` from 0 to 1 to `probabilities`
    Onnx,
    /// One C header with the weights and functions that predict, for C99 and C++
    C,
    /// One page for browsers, with the weights: draw, and see what the network makes of it
    Html,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Npz => "npz",
            Format::Onnx => "onnx",
            Format::C => "c",
            Format::Html => "html",
        }
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer export digits.model --out digits.npz
  twolayer export digits.model --out digits.onnx
  twolayer export digits.model --out digits.h
  twolayer export digits.model --out digits.html

The same model gives the same bytes, always.")]
pub struct ExportArgs {
    /// Model file written by `twolayer train --out`
    pub model: PathBuf,

    /// Format [default: by the extension of --out: .npz, .onnx, .h or .html]
    #[arg(long, value_name = "FORMAT", value_enum, ignore_case = true)]
    pub format: Option<Format>,

    /// Write to this file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Prefix of the names in the C header [default: the name of the file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer import weights.npz --out digits.model
  twolayer import torch.safetensors --out digits.model

From NumPy: numpy.savez(\"weights.npz\", W1=W1, b1=b1, W2=W2, b2=b2), weights inputs x outputs.

From PyTorch: safetensors.torch.save_file(model.state_dict(), \"torch.safetensors\"), two linear layers of any names.

The network must have been trained on pixels from 0 to 1, as this program's are.")]
pub struct ImportArgs {
    /// NumPy's .npz with W1, b1, W2 and b2, or a PyTorch state_dict as safetensors
    pub file: PathBuf,

    /// Write the model to this file (safetensors)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Activation of the hidden layer [default: what the file says, or sigmoid, which is then told]
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true)]
    pub activation: Option<ActivationName>,

    /// First and second layer in a state_dict that has others too, such as `student.fc1,student.fc2`
    #[arg(long, value_name = "A,B", value_parser = layers)]
    pub layers: Option<[String; 2]>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

/// Two names.
fn layers(text: &str) -> Result<[String; 2], String> {
    let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    match names[..] {
        [first, second] if first != second => Ok([first.into(), second.into()]),
        _ => Err("expected two names, as in fc1,fc2".into()),
    }
}
