//! The command line: every command, every option, and the checks that need nothing but the words.

mod checkpoint;
mod compare;
mod completions;
mod data;
mod fetch;
mod interchange;
mod learning;
mod lr_find;
mod predict;
mod tune;
mod values;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand};
use twolayer_core::{DEFAULT_H, GradientMethod, Level};

use crate::error::CliError;
use crate::terminal;
pub use checkpoint::{CheckpointArgs, Options};
pub use compare::CompareArgs;
pub use completions::{CompletionsArgs, ManArgs};
pub use data::{DataCommand, DataConvertArgs, DataInfoArgs, DataShowArgs};
pub use fetch::FetchArgs;
pub use interchange::{ExportArgs, Format, ImportArgs};
pub use learning::{ActivationName, InitName, LearningArgs, OptimizerName, RuleArgs, SamplingName, ValidationFrom};
pub use lr_find::LrFindArgs;
pub use predict::PredictArgs;
pub use tune::TuneArgs;
pub use values::{GradientName, Precision, RngName, Split, ThreadCount, available_threads};
use values::{batch, isa_names, positive, rate, seed, seeds, step, threads, whole, zero_or_more};

/// Trains, checks and runs a two-layer neural network on handwritten digits.
///
/// The network is input -> hidden layer (sigmoid or relu) -> softmax, trained by mini-batch gradient descent.
/// Without --data every command uses 1,797 digits of 8 x 8 pixels that are part of the program.
#[derive(Parser)]
#[command(name = "twolayer", version, term_width = help_width(), arg_required_else_help = true)]
#[command(after_help = "Examples:
  twolayer train                     on the bundled digits
  twolayer train --data data/mnist --out digits.model
  twolayer eval digits.model --data data/mnist
  twolayer predict digits.model seven.png

Exit codes: 0 success; 1 failure, such as a file that cannot be read, a run that diverged or was interrupted, a check \
that did not pass; 2 wrong usage; 130 ended at once, by a second Ctrl-C.")]
pub struct Cli {
    /// Print results only, without options, progress and notes
    #[arg(long, global = true, display_order = 900)]
    pub quiet: bool,

    /// When to use colours; `auto` is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, ignore_case = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    #[arg(display_order = 901)]
    pub color: ColorChoice,

    #[command(subcommand)]
    pub command: Command,
}

/// The width of help; longer lines are hard to read.
fn help_width() -> usize {
    terminal::width(std::io::stdout()).unwrap_or(100).min(100)
}

#[derive(Subcommand)]
pub enum Command {
    /// Train a network and report its accuracy once an epoch
    Train(Box<TrainArgs>),
    /// Test rising learning rates, and suggest one
    LrFind(Box<LrFindArgs>),
    /// Search for the best options by random trials, over all cores
    Tune(Box<TuneArgs>),
    /// Measure a trained model: accuracy, loss, confusion matrix, scores of each class
    Eval(EvalArgs),
    /// Compare two models on the same images
    Compare(CompareArgs),
    /// Classify your own pictures, or an image of the data
    Predict(PredictArgs),
    /// Compare backpropagation with numerical gradients, in f64
    Gradcheck(GradcheckArgs),
    /// Download MNIST or a similar data set and check it
    Fetch(FetchArgs),
    /// Summarise a data set, draw its images, or convert it to IDX
    #[command(
        subcommand,
        after_help = "Examples:\n  twolayer data info data/mnist\n  twolayer data show data/mnist --index 0..9"
    )]
    Data(DataCommand),
    /// Write a trained model for NumPy, ONNX Runtime or C
    Export(ExportArgs),
    /// Read a network from NumPy or PyTorch into a model file
    Import(ImportArgs),
    /// Write shell completions
    Completions(CompletionsArgs),
    /// Write the man pages
    Man(ManArgs),
    /// Show the version, the instruction sets of this processor, and the threads
    Info(InfoArgs),
}

/// The data.
#[derive(Args, Clone)]
pub struct DataArgs {
    /// The data: a folder of IDX files, of pictures in a folder for each class, or of CSV files; or an .npz or .csv file
    /// [default: the bundled digits]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,

    /// Column of the labels in CSV files: its name, or its number from 1 [default: `label` or `class`, or the first]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub label_column: Option<String>,
}

/// The part of the machine to use. Neither option changes a result: it is the same bytes for any.
#[derive(Args, Clone)]
pub struct MachineArgs {
    /// Threads to use; `auto` tries different numbers, up to that of the processors, and uses the fastest
    #[arg(long, value_name = "N", default_value = "auto", value_parser = threads, allow_negative_numbers = true)]
    pub threads: ThreadCount,

    /// Instruction set to use; `auto` is the best of this processor
    #[arg(long, value_name = "LEVEL", default_value = "auto", value_parser = isa_names(), ignore_case = true)]
    pub isa: String,
}

/// The random numbers of a run.
#[derive(Args, Clone)]
pub struct RandomArgs {
    /// Seed of the random numbers
    #[arg(long, value_name = "SEED", default_value = "0", value_parser = seed)]
    #[arg(allow_negative_numbers = true)]
    pub seed: u64,

    /// Random number generator
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = RngName::Chacha8)]
    pub rng: RngName,
}

/// The sizes of the network and of a mini-batch.
#[derive(Args, Clone)]
pub struct SizeArgs {
    /// Number of classes [default: one more than the largest training label]
    #[arg(long, value_name = "K", value_parser = positive, allow_negative_numbers = true)]
    pub classes: Option<usize>,

    /// Units of the hidden layer
    #[arg(long, value_name = "N", default_value = "50", value_parser = positive)]
    #[arg(allow_negative_numbers = true)]
    pub hidden: usize,

    /// Rows of a mini-batch
    #[arg(long, visible_alias = "batch-size", value_name = "N", default_value = "100", value_parser = batch)]
    #[arg(allow_negative_numbers = true)]
    pub batch: usize,
}

#[derive(Args, Clone)]
#[command(after_help = "Examples:
  twolayer train                     the notebook's recipe
  twolayer train --data data/mnist --out digits.model
  twolayer train --report report.html
  twolayer train --optimizer adam --activation relu \\
      --init he --sampling epochs --epochs 10
  twolayer train --epochs 100 --validation 0.1 --patience 5
  twolayer train --seeds 0..9        mean and spread of ten runs
  twolayer train --checkpoint run.ckpt

After an interruption the last one is continued by:
  twolayer train --checkpoint run.ckpt --resume run.ckpt")]
pub struct TrainArgs {
    #[command(flatten)]
    pub data: DataArgs,

    #[command(flatten)]
    pub size: SizeArgs,

    /// Iterations, that is, mini-batches
    #[arg(long, visible_alias = "iterations", value_name = "N", default_value = "10000", value_parser = whole)]
    #[arg(conflicts_with = "epochs", allow_negative_numbers = true)]
    pub iters: usize,

    /// Epochs, instead of --iters: one is as many batches as fit into the training set
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub epochs: Option<usize>,

    #[command(flatten)]
    pub learning: LearningArgs,

    /// How gradients are computed
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = GradientName::Backprop)]
    pub gradient: GradientName,

    /// Step of the central differences, with --gradient numerical [default: 0.0001]
    #[arg(long, value_name = "STEP", value_parser = step, allow_negative_numbers = true)]
    pub h: Option<f64>,

    #[command(flatten)]
    pub random: RandomArgs,

    /// Train once with each of these seeds, on one thread each and --threads at a time; prints the mean and the spread of
    /// the accuracies
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    #[arg(conflicts_with_all = ["seed", "out", "checkpoint", "resume", "log", "plot", "every_epoch"])]
    pub seeds: Option<RangeInclusive<u64>>,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Floating-point type of the network
    #[arg(long, value_enum, ignore_case = true, value_name = "TYPE", default_value_t = Precision::F32)]
    pub precision: Precision,

    /// Write the trained model to this file (safetensors)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub checkpointing: CheckpointArgs,

    /// Add this to the probability in all losses that are reported, -ln(p + EPSILON); the notebook's is 1e-7. The
    /// weights are the same for any
    #[arg(long, value_name = "EPSILON", default_value = "0", value_parser = zero_or_more, allow_negative_numbers = true)]
    pub loss_epsilon: f64,

    /// Write the loss of every iteration, before its update, to this file (CSV)
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Write an HTML report with curves, confusion matrix, mistakes and weights to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Draw the curves of loss and accuracy to this file, *.svg or *.png
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    /// Print a row for every epoch; otherwise, of more than 40, some 25 are shown
    #[arg(long)]
    pub every_epoch: bool,

    /// Print one JSON object and nothing else; with --seeds, one for each run and one for all, a line each
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer eval digits.model --data data/mnist
  twolayer eval digits.model --data data/mnist --report page.html
  twolayer eval digits.model --split train --json")]
pub struct EvalArgs {
    /// Model file written by `twolayer train --out`
    pub model: PathBuf,

    #[command(flatten)]
    pub data: DataArgs,

    /// Training or test set
    #[arg(long, value_enum, ignore_case = true, value_name = "HALF", default_value_t = Split::Test)]
    pub split: Split,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Write an HTML report with confusion matrix, mistakes and weights to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer gradcheck                 of random weights
  twolayer gradcheck digits.model --data data/mnist
  twolayer gradcheck --brute-force --hidden 5")]
pub struct GradcheckArgs {
    /// Model file whose weights are checked [default: random weights]
    #[arg(conflicts_with_all = ["classes", "hidden", "seed", "rng"])]
    pub model: Option<PathBuf>,

    #[command(flatten)]
    pub data: DataArgs,

    /// Number of classes [default: one more than the largest training label]
    #[arg(long, value_name = "K", value_parser = positive, allow_negative_numbers = true)]
    pub classes: Option<usize>,

    /// Number of images, the first of the training set [default: 100, or all if there are fewer]
    #[arg(long, value_name = "N", value_parser = batch, allow_negative_numbers = true)]
    pub batch: Option<usize>,

    /// Units of the hidden layer
    #[arg(long, value_name = "N", default_value = "50", value_parser = positive)]
    #[arg(allow_negative_numbers = true)]
    pub hidden: usize,

    /// Step of the central differences
    #[arg(long, value_name = "STEP", default_value_t = DEFAULT_H, value_parser = step)]
    #[arg(allow_negative_numbers = true)]
    pub h: f64,

    /// A parameter passes if its mean absolute difference is below this
    #[arg(long, value_name = "X", default_value = "1e-9", value_parser = rate)]
    #[arg(allow_negative_numbers = true)]
    pub tolerance: f64,

    /// Compute the whole network twice for each parameter, by definition
    #[arg(long)]
    pub brute_force: bool,

    #[command(flatten)]
    pub random: RandomArgs,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer info
  twolayer info --json")]
pub struct InfoArgs {
    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

impl TrainArgs {
    /// The gradient method of the core.
    pub fn gradient(&self) -> Result<GradientMethod, CliError> {
        match (self.gradient, self.h) {
            (GradientName::Backprop, None) => Ok(GradientMethod::Backpropagation),
            (GradientName::Backprop, Some(_)) => Err(CliError::usage("--h is for --gradient numerical")),
            (GradientName::Numerical, _) => Ok(GradientMethod::Numerical { h: self.step() }),
        }
    }

    /// The step of the central differences, if they are used.
    fn step(&self) -> f64 {
        self.h.unwrap_or(DEFAULT_H)
    }
}

impl MachineArgs {
    /// The requested level, if this processor has it.
    pub fn level(&self) -> Result<Level, CliError> {
        match self.isa.to_ascii_lowercase().as_str() {
            "auto" => Ok(Level::best()),
            name => Ok(Level::by_name(name)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_notebooks() {
        let Command::Train(train) = Cli::parse_from(["twolayer", "train"]).command else {
            panic!("train is a command")
        };
        assert_eq!((train.size.hidden, train.size.batch, train.iters), (50, 100, 10_000));
        assert_eq!((train.learning.rate(), train.random.seed), (0.1, 0));
        assert!(train.learning.unusual().is_empty());
        assert_eq!((train.random.rng, train.precision), (RngName::Chacha8, Precision::F32));
        assert_eq!(train.machine.isa, "auto");
    }
}
