//! The learning options of `train`.

use clap::{Args, ValueEnum};
use serde::Serialize;
use twolayer_core::{Activation, Init, OptimizerKind};

use crate::args::values::{fraction, positive, rate, zero_or_more};
use crate::error::CliError;

/// The optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Stochastic gradient descent, as in the notebook
    Sgd,
    /// SGD with momentum
    Momentum,
    /// Nesterov's accelerated gradient
    Nesterov,
    /// AdaGrad
    Adagrad,
    /// RMSprop
    Rmsprop,
    /// Adam
    Adam,
}

/// The activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationName {
    /// 1 / (1 + e^-x), as in the notebook
    Sigmoid,
    /// max(0, x)
    Relu,
}

/// The initialisation of weights; biases are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InitName {
    /// 0.01 times a standard normal distribution, as in the notebook
    Normal,
    /// Standard deviation 1 / sqrt(inputs of the unit), for sigmoid
    Xavier,
    /// Standard deviation sqrt(2 / inputs of the unit), for relu
    He,
}

/// The sampling of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplingName {
    /// Rows are drawn with replacement, as in the notebook
    Replacement,
    /// Each epoch takes the rows in a new random order; an incomplete last batch is skipped
    Epochs,
}

/// The choice of the rows to validate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidationFrom {
    /// The same share of each class, drawn by the seed
    Classes,
    /// The last rows in file order: of few classes, if the file is sorted
    End,
}

/// What the training is made of, beside its optimiser and learning rate.
#[derive(Args, Clone)]
pub struct RuleArgs {
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
}

/// Learning options.
#[derive(Args, Clone)]
pub struct LearningArgs {
    /// Optimiser
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = OptimizerName::Sgd)]
    pub optimizer: OptimizerName,

    /// Learning rate [default: 0.1 with sgd, 0.01 with momentum, nesterov and adagrad, else 0.001]
    #[arg(long, visible_alias = "learning-rate", value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    pub lr: Option<f64>,

    /// Multiply the learning rate by this after each epoch
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = rate, allow_negative_numbers = true)]
    pub lr_decay: f64,

    #[command(flatten)]
    pub rule: RuleArgs,

    /// Share of the training set to hold out and validate with
    #[arg(long, value_name = "SHARE", value_parser = fraction, allow_negative_numbers = true)]
    pub validation: Option<f64>,

    /// Rows to hold out
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value_t = ValidationFrom::Classes, requires = "validation")]
    pub validation_from: ValidationFrom,

    /// Stop when the validation accuracy has not improved for this many epochs, and keep the best weights
    #[arg(long, value_name = "EPOCHS", value_parser = positive, requires = "validation", allow_negative_numbers = true)]
    pub patience: Option<usize>,
}

impl OptimizerName {
    pub fn name(self) -> &'static str {
        match self {
            OptimizerName::Sgd => "sgd",
            OptimizerName::Momentum => "momentum",
            OptimizerName::Nesterov => "nesterov",
            OptimizerName::Adagrad => "adagrad",
            OptimizerName::Rmsprop => "rmsprop",
            OptimizerName::Adam => "adam",
        }
    }
}

impl OptimizerName {
    /// Whether it takes `--momentum`.
    pub fn has_momentum(self) -> bool {
        matches!(self, OptimizerName::Momentum | OptimizerName::Nesterov)
    }

    /// The learning rate without `--lr`.
    pub fn usual_rate(self) -> f64 {
        match self {
            OptimizerName::Sgd => 0.1,
            OptimizerName::Momentum | OptimizerName::Nesterov | OptimizerName::Adagrad => 0.01,
            OptimizerName::Rmsprop | OptimizerName::Adam => 0.001,
        }
    }
}

impl ActivationName {
    pub fn activation(self) -> Activation {
        match self {
            ActivationName::Sigmoid => Activation::Sigmoid,
            ActivationName::Relu => Activation::Relu,
        }
    }
}

impl InitName {
    pub fn name(self) -> &'static str {
        match self {
            InitName::Normal => "normal",
            InitName::Xavier => "xavier",
            InitName::He => "he",
        }
    }
}

impl SamplingName {
    pub fn name(self) -> &'static str {
        match self {
            SamplingName::Replacement => "replacement",
            SamplingName::Epochs => "epochs",
        }
    }
}

impl LearningArgs {
    /// The learning rate of the first epoch.
    pub fn rate(&self) -> f64 {
        self.lr.unwrap_or(self.optimizer.usual_rate())
    }

    /// The optimiser of the core.
    pub fn rule(&self) -> Result<OptimizerKind, CliError> {
        let momentum = self.rule.momentum.unwrap_or(0.9);
        match self.optimizer {
            OptimizerName::Momentum => return Ok(OptimizerKind::Momentum { momentum }),
            OptimizerName::Nesterov => return Ok(OptimizerKind::Nesterov { momentum }),
            _ if self.rule.momentum.is_some() => {
                return Err(CliError::usage("--momentum is for --optimizer momentum or nesterov"));
            }
            _ => {}
        }
        Ok(match self.optimizer {
            OptimizerName::Adagrad => OptimizerKind::AdaGrad,
            OptimizerName::Rmsprop => OptimizerKind::RmsProp { decay_rate: 0.99 },
            OptimizerName::Adam => OptimizerKind::Adam { beta1: 0.9, beta2: 0.999 },
            _ => OptimizerKind::Sgd,
        })
    }

    pub fn activation(&self) -> Activation {
        self.rule.activation.activation()
    }

    pub fn init(&self) -> Init {
        match self.rule.init {
            InitName::Normal => Init::NOTEBOOK,
            InitName::Xavier => Init::Xavier,
            InitName::He => Init::He,
        }
    }

    /// The options by name, where given or usual, and whether each differs from the notebook's.
    pub fn options(&self) -> impl Iterator<Item = (&'static str, String, bool)> {
        let from_end = self.validation_from == ValidationFrom::End;
        let from = if from_end { "end" } else { "classes" };
        [
            ("optimizer", Some(self.optimizer.name().into()), self.optimizer != OptimizerName::Sgd),
            ("momentum", self.rule.momentum.map(|momentum| format!("{momentum:?}")), true),
            ("weight_decay", Some(format!("{:?}", self.rule.weight_decay)), self.rule.weight_decay != 0.0),
            ("lr_decay", Some(format!("{:?}", self.lr_decay)), self.lr_decay != 1.0),
            ("activation", Some(self.activation().name().into()), self.rule.activation != ActivationName::Sigmoid),
            ("init", Some(self.rule.init.name().into()), self.rule.init != InitName::Normal),
            ("sampling", Some(self.rule.sampling.name().into()), self.rule.sampling != SamplingName::Replacement),
            ("validation", self.validation.map(|share| format!("{share:?}")), true),
            ("validation_from", self.validation.map(|_| from.into()), from_end),
            ("patience", self.patience.map(|patience| patience.to_string()), true),
        ]
        .into_iter()
        .filter_map(|(name, value, unusual)| Some((name, value?, unusual)))
    }

    /// The options that differ from the notebook's, by name: for the printed options and the model file.
    pub fn unusual(&self) -> Vec<(&'static str, String)> {
        self.options().filter(|(_, _, unusual)| *unusual).map(|(name, value, _)| (name, value)).collect()
    }
}
