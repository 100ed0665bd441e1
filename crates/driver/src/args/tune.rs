//! The arguments of `tune`.

use std::path::PathBuf;

use clap::Args;

use super::values::{batch, fraction, integer, positive, rate, zero_or_more};
use super::{
    ActivationName, DataArgs, InitName, MachineArgs, OptimizerName, Precision, RandomArgs, SamplingName, TrainArgs,
};

/// The most trials, so that a typing error does not start a million.
const MAX_TRIALS: u64 = 100_000;

/// The values of an option to draw from.
#[derive(Clone, Debug, PartialEq)]
pub enum Choices {
    Range { from: f64, to: f64, log: bool },
    List(Vec<f64>),
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer tune                      learning rates, on the bundled digits
  twolayer tune --lr 0.01..1:log --hidden 50,100 --trials 30
  twolayer tune --data data/mnist --epochs 5 --optimizer sgd,adam --csv trials.csv

Each trial trains on one thread, with values drawn at random by the seed, and is measured on the training rows that are \
held out, the same for all trials. The test set is not used; the command that repeats the best trial measures it.")]
pub struct TuneArgs {
    #[command(flatten)]
    pub data: DataArgs,

    /// Number of classes [default: one more than the largest training label]
    #[arg(long, value_name = "K", value_parser = positive, allow_negative_numbers = true)]
    pub classes: Option<usize>,

    /// Trials; equal ones are run once
    #[arg(long, value_name = "N", default_value = "20", value_parser = trials, allow_negative_numbers = true)]
    pub trials: usize,

    /// Learning rates: a range, drawn uniformly or (:log) uniformly in the logarithm, or a list
    #[arg(long, visible_alias = "learning-rate", value_name = "A..B[:log]|LIST", default_value = "0.001..1:log")]
    #[arg(value_parser = rates, allow_negative_numbers = true)]
    pub lr: Choices,

    /// Units of the hidden layer: a list
    #[arg(long, value_name = "LIST", default_value = "50", value_parser = positive, value_delimiter = ',')]
    #[arg(allow_negative_numbers = true)]
    pub hidden: Vec<usize>,

    /// Rows of a mini-batch: a list
    #[arg(long, visible_alias = "batch-size", value_name = "LIST", default_value = "100", value_parser = batch)]
    #[arg(value_delimiter = ',', allow_negative_numbers = true)]
    pub batch: Vec<usize>,

    /// Optimisers: a list
    #[arg(long, value_name = "LIST", value_enum, ignore_case = true, value_delimiter = ',', default_value = "sgd")]
    pub optimizer: Vec<OptimizerName>,

    /// Momenta, for the optimisers momentum and nesterov: a list [default: 0.9]
    #[arg(long, value_name = "LIST", value_parser = fraction, value_delimiter = ',', allow_negative_numbers = true)]
    pub momentum: Vec<f64>,

    /// Weight decays: a range or a list, as of --lr
    #[arg(long, value_name = "A..B[:log]|LIST", default_value = "0", value_parser = decays)]
    #[arg(allow_negative_numbers = true)]
    pub weight_decay: Choices,

    /// Activation functions of the hidden layer: a list
    #[arg(long, value_name = "LIST", value_enum, ignore_case = true, value_delimiter = ',', default_value = "sigmoid")]
    pub activation: Vec<ActivationName>,

    /// Initialisations of the weights: a list
    #[arg(long, value_name = "LIST", value_enum, ignore_case = true, value_delimiter = ',', default_value = "normal")]
    pub init: Vec<InitName>,

    /// Sampling of the batches
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = SamplingName::Replacement)]
    pub sampling: SamplingName,

    /// Iterations of a trial
    #[arg(long, visible_alias = "iterations", value_name = "N", default_value = "2000", value_parser = positive)]
    #[arg(conflicts_with = "epochs", allow_negative_numbers = true)]
    pub iters: usize,

    /// Epochs of a trial, instead of --iters
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    pub epochs: Option<usize>,

    /// Share of the training set to hold out and validate with, the same of each class
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = fraction, allow_negative_numbers = true)]
    pub validation: f64,

    #[command(flatten)]
    pub random: RandomArgs,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Floating-point type of the network
    #[arg(long, value_enum, ignore_case = true, value_name = "TYPE", default_value_t = Precision::F32)]
    pub precision: Precision,

    /// Write a row for each trial to this file, the best first (CSV)
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write an HTML report with the accuracies by learning rate and a table of the trials to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

impl TuneArgs {
    /// A trial with values of `uniform`, which are from 0 to below 1.
    pub fn draw(&self, uniform: &mut impl FnMut() -> f64) -> TrainArgs {
        let mut args = TrainArgs::usual();
        (args.data, args.precision) = (self.data.clone(), self.precision);
        (args.random, args.machine) = (self.random.clone(), self.machine.clone());
        (args.iters, args.epochs) = (self.iters, self.epochs);
        args.size.classes = self.classes;
        args.size.hidden = one(&self.hidden, uniform());
        args.size.batch = one(&self.batch, uniform());
        let learning = &mut args.learning;
        (learning.rule.sampling, learning.validation) = (self.sampling, Some(self.validation));
        learning.lr = Some(self.lr.draw(uniform()));
        learning.optimizer = one(&self.optimizer, uniform());
        let momentum = uniform();
        if learning.optimizer.has_momentum() && !self.momentum.is_empty() {
            learning.rule.momentum = Some(one(&self.momentum, momentum));
        }
        learning.rule.weight_decay = self.weight_decay.draw(uniform());
        learning.rule.activation = one(&self.activation, uniform());
        learning.rule.init = one(&self.init, uniform());
        args
    }
}

/// The value of a list at a share of its length.
fn one<T: Copy>(list: &[T], share: f64) -> T {
    list[(share * list.len() as f64) as usize]
}

impl Choices {
    /// The value at a share; of a range, to three digits.
    fn draw(&self, share: f64) -> f64 {
        match *self {
            Choices::List(ref list) => one(list, share),
            Choices::Range { from, to, log } => {
                let value = if log { from * (to / from).powf(share) } else { from + (to - from) * share };
                format!("{value:.2e}").parse().unwrap_or(value).clamp(from, to)
            }
        }
    }
}

fn trials(text: &str) -> Result<usize, String> {
    integer(text, 1, MAX_TRIALS).map(|n| n as usize)
}

fn rates(text: &str) -> Result<Choices, String> {
    choices(text, rate)
}

fn decays(text: &str) -> Result<Choices, String> {
    choices(text, zero_or_more)
}

/// `0.01..1`, `0.01..1:log` or `0.01,0.1`.
fn choices(text: &str, value: fn(&str) -> Result<f64, String>) -> Result<Choices, String> {
    let expected = |problem| format!("{problem}, a list such as 0.01,0.1, or a range such as 0.01..1:log");
    let Some((from, rest)) = text.split_once("..") else {
        return text.split(',').map(value).collect::<Result<_, _>>().map(Choices::List).map_err(expected);
    };
    let (to, log) = rest.strip_suffix(":log").map_or((rest, false), |to| (to, true));
    let (from, to) = (value(from).map_err(expected)?, value(to).map_err(expected)?);
    match from < to {
        true if log && from == 0.0 => Err("a logarithmic range cannot begin at 0".into()),
        true => Ok(Choices::Range { from, to, log }),
        false => Err(format!("the range must rise, but {from} is not below {to}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lists_are_read() {
        assert_eq!(rates("0.01..1:log"), Ok(Choices::Range { from: 0.01, to: 1.0, log: true }));
        assert_eq!(decays("0..1"), Ok(Choices::Range { from: 0.0, to: 1.0, log: false }));
        assert_eq!(rates("0.5,2"), Ok(Choices::List(vec![0.5, 2.0])));
        for wrong in ["", "1..", "1..0.1", "0.1..1:exp", "0..1", "1,,2", "1..1", "nan..1"] {
            assert!(rates(wrong).is_err(), "{wrong}");
        }
        assert!(decays("0..1:log").is_err());
    }

    #[test]
    fn a_range_is_drawn_to_three_digits_within_it() {
        let range = rates("0.01..1:log").unwrap();
        assert_eq!([0.0, 0.5, 0.25].map(|share| range.draw(share)), [0.01, 0.1, 0.0316]);
        assert_eq!(rates("0.012345..0.012346").unwrap().draw(0.5), 0.012345);
        assert_eq!([0.0, 0.49, 0.5, 0.99].map(|share| one(&[1, 2], share)), [1, 1, 2, 2]);
    }
}
