//! The arguments of `lr-find`.

use std::iter;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;

use super::values::{batch, fraction, positive, rate, zero_or_more};
use super::{
    ActivationName, DataArgs, InitName, MachineArgs, OptimizerName, Precision, RandomArgs, SamplingName, TrainArgs,
};

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

    /// Momentum, with --optimizer momentum or nesterov [default: 0.9]
    #[arg(long, value_name = "M", value_parser = fraction, allow_negative_numbers = true)]
    pub momentum: Option<f64>,

    /// Weight decay: add this times a weight to its gradient
    #[arg(long, value_name = "L", default_value = "0", value_parser = zero_or_more, allow_negative_numbers = true)]
    pub weight_decay: f64,

    /// Activation function of the hidden layer
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = ActivationName::Sigmoid)]
    pub activation: ActivationName,

    /// Initialisation of the weights
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = InitName::Normal)]
    pub init: InitName,

    /// Sampling of the batches
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = SamplingName::Replacement)]
    pub sampling: SamplingName,

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
        (args.data, args.classes) = (self.data.clone(), self.classes);
        (args.hidden, args.batch, args.iters) = (self.hidden, self.batch, self.iters);
        (args.random, args.machine, args.precision) = (self.random.clone(), self.machine.clone(), self.precision);
        let learning = &mut args.learning;
        (learning.optimizer, learning.lr, learning.momentum) = (self.optimizer, Some(self.from), self.momentum);
        (learning.weight_decay, learning.activation) = (self.weight_decay, self.activation);
        (learning.init, learning.sampling) = (self.init, self.sampling);
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
