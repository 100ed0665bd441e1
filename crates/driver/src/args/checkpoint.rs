//! The checkpoint options of `train`, and the options that a run and the command that resumes it share.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches};

use super::{Cli, Command, GradientName, Precision, TrainArgs};
use crate::args::values::positive;

/// Checkpoints and resuming.
#[derive(Args, Clone)]
pub struct CheckpointArgs {
    /// Write checkpoints to this file, to resume from; it is also a model file
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Iterations between checkpoints [default: an epoch]
    #[arg(long, value_name = "N", value_parser = positive, requires = "checkpoint", allow_negative_numbers = true)]
    pub every: Option<usize>,

    /// Resume from this checkpoint, with the data and the options of its run; --iters or --epochs may end it later
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
}

/// Options and their values, as text.
pub type Options = BTreeMap<String, String>;

impl TrainArgs {
    /// The options that determine the weights, besides the shape; with `all`, those with the notebook's values too.
    pub fn of_weights(&self, all: bool) -> Options {
        let mut options = Options::new();
        let mut tell = |name: &str, value: String| options.insert(name.to_owned(), value);
        tell("seed", self.random.seed.to_string());
        tell("rng", self.random.rng.name().into());
        tell("batch", self.size.batch.to_string());
        tell("lr", format!("{:?}", self.learning.rate()));
        tell("precision", if self.precision == Precision::F32 { "f32" } else { "f64" }.into());
        tell("gradient", self.gradient.name().into());
        if self.gradient == GradientName::Numerical {
            tell("h", format!("{:?}", self.step()));
        }
        for (name, value, _) in self.learning.options().filter(|(_, _, unusual)| all || *unusual) {
            tell(name, value);
        }
        options
    }

    /// The options that must be equal to resume a run: those that determine the weights, and the kind of loss.
    pub fn of_run(&self, all: bool) -> Options {
        let mut options = self.of_weights(all);
        options.insert("hidden".into(), self.size.hidden.to_string());
        options.extend(self.size.classes.map(|classes| ("classes".into(), classes.to_string())));
        // Losses of two kinds in one record could not be compared.
        if all || self.loss_epsilon != 0.0 {
            options.insert("loss_epsilon".into(), format!("{:?}", self.loss_epsilon));
        }
        options
    }

    /// The options of a `train` with these words; each may occur several times, and the last one holds.
    ///
    /// # Errors
    ///
    /// Those of any command line.
    pub fn of_words(words: impl IntoIterator<Item = OsString>) -> Result<TrainArgs, clap::Error> {
        let command = Cli::command().mut_subcommand("train", |train| train.args_override_self(true));
        let start = ["twolayer", "train"].map(OsString::from);
        let cli = Cli::from_arg_matches(&command.try_get_matches_from(start.into_iter().chain(words))?)?;
        match cli.command {
            Command::Train(args) => Ok(*args),
            _ => unreachable!("the words begin with `train`"),
        }
    }
}
