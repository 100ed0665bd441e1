//! A trial: its options, its result, the command that repeats it, and the tables of all.

use std::cmp::Ordering;
use std::iter;

use serde::Serialize;

use crate::args::{ActivationName, InitName, OptimizerName, TrainArgs};
use crate::number_format::{loss, percent};

/// The result of a trial.
#[derive(Serialize)]
pub struct Measured {
    pub validation_accuracy: f64,
    pub validation_loss: f64,
    pub train_accuracy: f64,
}

/// A trial, and its row in JSON.
#[derive(Serialize)]
pub struct Trial {
    /// Its number, in the order drawn, from 1.
    pub trial: usize,
    /// The options by name, for tables.
    #[serde(skip)]
    options: [(&'static str, String); 8],
    pub lr: f64,
    hidden: usize,
    batch: usize,
    optimizer: OptimizerName,
    momentum: Option<f64>,
    weight_decay: f64,
    activation: ActivationName,
    init: InitName,
    diverged: bool,
    /// None if it diverged.
    #[serde(flatten)]
    pub measured: Option<Measured>,
    /// The command that repeats it.
    pub command: String,
}

impl Trial {
    /// The trial number `n`, from 0; it diverged if nothing was measured.
    pub fn new(n: usize, args: &TrainArgs, measured: Option<Measured>) -> Trial {
        let learning = &args.learning;
        let options = [
            ("lr", learning.rate().to_string()),
            ("hidden", args.size.hidden.to_string()),
            ("batch", args.size.batch.to_string()),
            ("optimizer", learning.optimizer.name().into()),
            ("momentum", learning.rule.momentum.map(|momentum| momentum.to_string()).unwrap_or_default()),
            ("weight_decay", learning.rule.weight_decay.to_string()),
            ("activation", learning.activation().name().into()),
            ("init", learning.rule.init.name().into()),
        ];
        Trial {
            trial: n + 1,
            options,
            lr: learning.rate(),
            hidden: args.size.hidden,
            batch: args.size.batch,
            optimizer: learning.optimizer,
            momentum: learning.rule.momentum,
            weight_decay: learning.rule.weight_decay,
            activation: learning.rule.activation,
            init: learning.rule.init,
            diverged: measured.is_none(),
            measured,
            command: command(args),
        }
    }

    /// By accuracy, the best first; of equals, the one with the lower loss. Those that diverged come last.
    pub fn compare(&self, other: &Trial) -> Ordering {
        let by = |trial: &Trial| trial.measured.as_ref().map(|m| (m.validation_accuracy, -m.validation_loss));
        let order = match (by(self), by(other)) {
            (Some(one), Some(two)) => two.0.total_cmp(&one.0).then(two.1.total_cmp(&one.1)),
            (one, two) => two.is_some().cmp(&one.is_some()),
        };
        order.then(self.trial.cmp(&other.trial))
    }
}

/// The command that repeats a trial: the options that are not usual, and those that every search is about.
fn command(args: &TrainArgs) -> String {
    let usual = TrainArgs::usual().of_run(true);
    let mut options = args.of_run(true);
    options.retain(|name, value| ["lr", "hidden", "seed"].contains(&name.as_str()) || usual.get(name) != Some(value));
    // Those that hold whenever there is validation.
    options.retain(|name, value| name != "validation_from" || value != "classes");
    let mut words = vec!["twolayer train".to_string()];
    let mut add = |name: &str, value: &str| words.push(format!("--{} {}", name.replace('_', "-"), quoted(value)));
    if let Some(path) = &args.data.data {
        add("data", &path.to_string_lossy());
    }
    if let Some(column) = &args.data.label_column {
        add("label-column", column);
    }
    match args.epochs {
        Some(epochs) => add("epochs", &epochs.to_string()),
        None => add("iters", &args.iters.to_string()),
    }
    options.iter().for_each(|(name, value)| add(name, value));
    words.join(" ")
}

/// A word for the shell, in quotes if it needs them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:=@".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// All trials as CSV, with all digits.
pub fn csv(trials: &[Trial]) -> String {
    let names = "lr,hidden,batch,optimizer,momentum,weight_decay,activation,init";
    let mut text = format!("trial,{names},validation_accuracy,validation_loss,train_accuracy,diverged\n");
    for trial in trials {
        let options: Vec<&str> = trial.options.iter().map(|(_, value)| value.as_str()).collect();
        let measured = trial.measured.as_ref().map_or(",,".into(), |m| {
            format!("{:?},{:?},{:?}", m.validation_accuracy, m.validation_loss, m.train_accuracy)
        });
        text += &format!("{},{},{measured},{}\n", trial.trial, options.join(","), trial.diverged);
    }
    text
}

/// The header and a row for each trial: the options of which there are several values, and the results.
pub fn table(trials: &[Trial]) -> Vec<Vec<String>> {
    let Some(first) = trials.first() else { return Vec::new() };
    let varies = |at: &usize| *at < 2 || trials.iter().any(|t| t.options[*at].1 != first.options[*at].1);
    let shown: Vec<usize> = (0..first.options.len()).filter(varies).collect();
    let names = shown.iter().map(|&at| first.options[at].0.replace('_', " "));
    let results = ["validation", "loss", "train"].map(String::from);
    let header = iter::once("trial".into()).chain(names).chain(results).collect();
    let row = |trial: &Trial| {
        let options = shown.iter().map(|&at| trial.options[at].1.clone());
        let results = match &trial.measured {
            Some(m) => [percent(m.validation_accuracy), loss(m.validation_loss), percent(m.train_accuracy)],
            None => ["diverged".into(), "-".into(), "-".into()],
        };
        iter::once(trial.trial.to_string()).chain(options).chain(results).collect()
    };
    iter::once(header).chain(trials.iter().map(row)).collect()
}
