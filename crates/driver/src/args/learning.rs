//! Options of `train` that say how the network learns.

use clap::{Args, ValueEnum};
use serde::Serialize;
use twolayer_core::{Activation, Init, OptimizerKind};

use crate::args::values::{fraction, positive, rate, zero_or_more};
use crate::error::CliError;

/// What becomes of a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Plain stochastic gradient descent, the notebook's
    Sgd,
    /// Descent with momentum
    Momentum,
    /// Nesterov's accelerated descent
    Nesterov,
    /// AdaGrad
    Adagrad,
    /// RMSprop
    Rmsprop,
    /// Adam
    Adam,
}

/// The function of the hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationName {
    /// 1 / (1 + e^-x), the notebook's
    Sigmoid,
    /// max(0, x)
    Relu,
}

/// How weights begin; biases are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InitName {
    /// 0.01 times a normal distribution, the notebook's
    Normal,
    /// Standard deviation 1 / sqrt(inputs of the unit), for sigmoid
    Xavier,
    /// Standard deviation sqrt(2 / inputs of the unit), for relu
    He,
}

/// How rows of a batch are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplingName {
    /// Any row at any time, the notebook's way
    Replacement,
    /// No row twice in an epoch, in an order drawn anew for each; rows that fill no batch are passed over
    Epochs,
}

/// How the network learns.
#[derive(Args)]
pub struct LearningArgs {
    /// What becomes of a gradient
    #[arg(long, value_name = "NAME", value_enum, default_value_t = OptimizerName::Sgd)]
    pub optimizer: OptimizerName,

    /// Learning rate [default: 0.1 with sgd, 0.01 with momentum, nesterov and adagrad, else 0.001]
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    pub lr: Option<f64>,

    /// Factor of the learning rate from epoch to epoch
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = rate, allow_negative_numbers = true)]
    pub lr_decay: f64,

    /// Momentum, with --optimizer momentum or nesterov [default: 0.9]
    #[arg(long, value_name = "M", value_parser = fraction, allow_negative_numbers = true)]
    pub momentum: Option<f64>,

    /// This times a weight is added to its gradient
    #[arg(long, value_name = "L", default_value = "0", value_parser = zero_or_more, allow_negative_numbers = true)]
    pub weight_decay: f64,

    /// Function of the hidden units
    #[arg(long, value_name = "NAME", value_enum, default_value_t = ActivationName::Sigmoid)]
    pub activation: ActivationName,

    /// How weights begin
    #[arg(long, value_name = "NAME", value_enum, default_value_t = InitName::Normal)]
    pub init: InitName,

    /// How the rows of a batch are chosen
    #[arg(long, value_name = "NAME", value_enum, default_value_t = SamplingName::Replacement)]
    pub sampling: SamplingName,

    /// Share of the training set that is kept back to validate with: its last rows, as they stand in the file
    #[arg(long, value_name = "SHARE", value_parser = fraction, allow_negative_numbers = true)]
    pub validation: Option<f64>,

    /// Stop when the validation accuracy has not improved for so many epochs, and keep the best weights
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
        self.lr.unwrap_or(match self.optimizer {
            OptimizerName::Sgd => 0.1,
            OptimizerName::Momentum | OptimizerName::Nesterov | OptimizerName::Adagrad => 0.01,
            OptimizerName::Rmsprop | OptimizerName::Adam => 0.001,
        })
    }

    /// The rule as the core takes it.
    pub fn rule(&self) -> Result<OptimizerKind, CliError> {
        let momentum = self.momentum.unwrap_or(0.9);
        match self.optimizer {
            OptimizerName::Momentum => return Ok(OptimizerKind::Momentum { momentum }),
            OptimizerName::Nesterov => return Ok(OptimizerKind::Nesterov { momentum }),
            _ if self.momentum.is_some() => {
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
        self.activation.activation()
    }

    pub fn init(&self) -> Init {
        match self.init {
            InitName::Normal => Init::NOTEBOOK,
            InitName::Xavier => Init::Xavier,
            InitName::He => Init::He,
        }
    }

    /// What is not the notebook's way, by the options' names: for the plan, and for the model file, in which only what
    /// decides the weights is told, and of that only what is not as always.
    pub fn unusual(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let mut tell = |is: bool, name, value: String| {
            if is {
                all.push((name, value));
            }
        };
        tell(self.optimizer != OptimizerName::Sgd, "optimizer", self.optimizer.name().into());
        tell(self.momentum.is_some(), "momentum", format!("{:?}", self.momentum.unwrap_or_default()));
        tell(self.weight_decay != 0.0, "weight_decay", format!("{:?}", self.weight_decay));
        tell(self.lr_decay != 1.0, "lr_decay", format!("{:?}", self.lr_decay));
        tell(self.activation != ActivationName::Sigmoid, "activation", self.activation().name().into());
        tell(self.init != InitName::Normal, "init", self.init.name().into());
        tell(self.sampling != SamplingName::Replacement, "sampling", self.sampling.name().into());
        tell(self.validation.is_some(), "validation", format!("{:?}", self.validation.unwrap_or_default()));
        tell(self.patience.is_some(), "patience", self.patience.unwrap_or_default().to_string());
        all
    }
}
