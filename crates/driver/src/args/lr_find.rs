//! The arguments of `lr-find`.

use std::iter;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;

use super::values::{positive, rate};
use super::{DataArgs, MachineArgs, OptimizerName, Precision, RandomArgs, RuleArgs, SizeArgs, TrainArgs};

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer lr-find                   on the bundled digits
  twolayer lr-find --data data/mnist --plot lr.svg
  twolayer lr-find --optimizer adam --activation relu --init he

The learning rate rises by the same factor with each mini-batch, from --from to --to, until the smoothed loss is four \
times its least. The suggestion is a tenth of the rate at which the smoothed loss is least (Smith 2015, \"Cyclical \
Learning Rates for Training Neural Networks\"). Give the options of the training to come.")]
pub struct LrFindArgs {
    #[command(flatten)]
    pub data: DataArgs,

    #[command(flatten)]
    pub size: SizeArgs,

    /// Least learning rate
    #[arg(long, value_name = "RATE", default_value = "0.00001", value_parser = rate, allow_negative_numbers = true)]
    pub from: f64,

    /// Greatest learning rate
    #[arg(long, value_name = "RATE", default_value = "100", value_parser = rate, allow_negative_numbers = true)]
    pub to: f64,

    /// Iterations from the least to the greatest rate
    #[arg(long, visible_alias = "iterations", value_name = "N", default_value = "500", value_parser = positive)]
    #[arg(allow_negative_numbers = true)]
    pub iters: usize,

    /// Optimiser
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = OptimizerName::Sgd)]
    pub optimizer: OptimizerName,

    #[command(flatten)]
    pub rule: RuleArgs,

    #[command(flatten)]
    pub random: RandomArgs,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Floating-point type of the network
    #[arg(long, value_enum, ignore_case = true, value_name = "TYPE", default_value_t = Precision::F32)]
    pub precision: Precision,

    /// Draw the loss against the learning rate to this file, *.svg or *.png
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

impl LrFindArgs {
    /// The training with these options.
    pub fn training(&self) -> TrainArgs {
        let mut args = TrainArgs::usual();
        (args.data, args.size, args.iters) = (self.data.clone(), self.size.clone(), self.iters);
        (args.random, args.machine, args.precision) = (self.random.clone(), self.machine.clone(), self.precision);
        let learning = &mut args.learning;
        (learning.optimizer, learning.lr, learning.rule) = (self.optimizer, Some(self.from), self.rule.clone());
        args
    }
}

impl TrainArgs {
    /// The options of `train` without any words.
    pub fn usual() -> TrainArgs {
        // Parsing takes a millisecond, and each of many trials begins with these.
        static USUAL: OnceLock<TrainArgs> = OnceLock::new();
        let parsed = || TrainArgs::of_words(iter::empty()).expect("`train` asks for no options");
        USUAL.get_or_init(parsed).clone()
    }
}
