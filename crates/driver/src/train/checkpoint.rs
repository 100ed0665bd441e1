//! Checkpoints: everything that a run needs to resume, in a model file.
//!
//! Besides the weights: the number of iterations, the optimiser's state, the losses and accuracies so far, and the
//! best weights if there is validation. The generator is not stored: batches are drawn again from the seed up to
//! the iteration, which takes milliseconds.

use std::collections::BTreeMap;
use std::path::Path;

use twolayer_core::{Float, Optimizer, Parameters, Shape, TwoLayerNet};
use twolayer_model::{AnyModel, Model};

use super::best_weights::BestWeights;
use super::outcome::Outcome;
use super::run::TrainingRun;
use crate::data::Source;
use crate::epoch_table::Measurement;
use crate::error::CliError;
use crate::html_report::training_record::{LossCurve, TrainingRecord};

/// The state of a run between two iterations.
pub struct State<T: Float> {
    pub net: TwoLayerNet<T>,
    pub optimizer: Optimizer<T>,
    pub outcome: Outcome,
    pub record: TrainingRecord,
    /// The result of writing the last checkpoint.
    pub kept: Result<(), CliError>,
    pub best: Option<BestWeights<T>>,
}

/// Options of a checkpoint besides those that decide the weights: the digest of the training set, its path unless it is
/// bundled and the column of its labels, the iterations done, and those of the whole run.
pub const DATA: &str = "data";
pub const FOLDER: &str = "folder";
pub const LABEL_COLUMN: &str = "label_column";
pub const ITERATIONS: &str = "iterations";
pub const END: &str = "end";

/// The list of the losses since the last measurement.
pub const SINCE: &str = "since";

type Lists = BTreeMap<String, Vec<f64>>;

impl<T: Float> State<T> {
    /// The content of a checkpoint, `total_seconds` after the start of the run.
    pub fn to_bytes(&self, options: BTreeMap<String, String>, total_seconds: f64) -> Result<Vec<u8>, CliError> {
        let mut run = Lists::new();
        run.insert("iterations".into(), vec![self.outcome.iterations as f64]);
        run.insert("seconds".into(), vec![self.outcome.train_seconds, total_seconds]);
        run.insert(SINCE.into(), vec![self.record.since.0, self.record.since.1 as f64]);
        run.insert("losses".into(), self.record.losses.clone());
        run.insert("curve".into(), self.record.curve.numbers());
        run.insert("history".into(), self.record.history.iter().flat_map(numbers).collect());
        for (i, kept) in self.optimizer.state().iter().enumerate() {
            run.insert(format!("optimizer.{i}"), kept.to_f64().to_vec());
        }
        if let Some(best) = &self.best {
            run.insert("best.at".into(), vec![best.accuracy, best.epoch as f64, best.iterations as f64]);
            run.insert("best.weights".into(), best.parameters.to_f64().to_vec());
        }
        let parameters = self.net.parameters.clone();
        let model = Model { parameters, activation: self.net.activation, run, options };
        Ok(model.to_bytes()?)
    }

    /// Resumes from a checkpoint, whose options `run` has.
    pub fn resume(&mut self, path: &Path, checkpoint: AnyModel, run: &TrainingRun) -> Result<(), CliError> {
        let wrong = |what: &str| CliError::new(format!("cannot resume from {}: {what}", path.display()));
        let damaged = "it is damaged; resume from another one";
        let model = checkpoint.of::<T>().ok_or_else(|| wrong(damaged))?;
        if model.options.get(DATA) != run.digest.as_ref() {
            return Err(wrong(&other_data(model.options.get(FOLDER), run.source)));
        }
        let shape = self.net.shape();
        if model.parameters.shape() != shape {
            return Err(wrong(damaged));
        }
        self.take(model.run, shape).ok_or_else(|| wrong(damaged))?;
        self.net.parameters = model.parameters;
        Ok(())
    }

    /// Restores the state; `None` if the checkpoint is damaged.
    fn take(&mut self, run: Lists, shape: Shape) -> Option<()> {
        let one = |name: &str| run.get(name)?.first().copied();
        let whole = |x: f64| (x >= 0.0 && x.fract() == 0.0 && x < 9e15).then_some(x as usize);
        let iterations = whole(one("iterations")?)?;
        let kept: Option<Vec<_>> =
            (0..self.optimizer.state().len()).map(|i| widened(shape, run.get(&format!("optimizer.{i}"))?)).collect();
        self.optimizer.resume(iterations as u64, &kept?).ok()?;
        self.record.losses.clone_from(run.get("losses")?);
        self.record.curve = LossCurve::of_numbers(run.get("curve")?)?;
        self.record.iterations = iterations;
        self.outcome.iterations = iterations;
        let &[train_seconds, total_seconds] = run.get("seconds")?.as_slice() else { return None };
        (self.outcome.train_seconds, self.outcome.earlier_seconds) = (train_seconds, total_seconds);
        let &[sum, count] = run.get(SINCE)?.as_slice() else { return None };
        self.record.since = (sum, whole(count)?);
        self.record.history = run.get("history")?.chunks(NUMBERS).map(measurement).collect::<Option<_>>()?;
        if let (Some(best), Some(&[accuracy, epoch, after])) = (&mut self.best, run.get("best.at").map(Vec::as_slice)) {
            *best = BestWeights {
                accuracy,
                epoch: whole(epoch)?,
                iterations: whole(after)?,
                parameters: widened(shape, run.get("best.weights")?)?,
            };
        }
        Some(())
    }
}

/// The numbers of a measurement.
const NUMBERS: usize = 6;

fn numbers(m: &Measurement) -> [f64; NUMBERS] {
    let validation = m.validation_accuracy.unwrap_or(f64::NAN);
    [m.iterations as f64, m.loss, m.test_loss, m.train_accuracy, m.test_accuracy, validation]
}

fn measurement(numbers: &[f64]) -> Option<Measurement> {
    let &[iterations, loss, test_loss, train_accuracy, test_accuracy, validation] = numbers else { return None };
    let iterations = iterations as usize;
    let validation_accuracy = Some(validation).filter(|accuracy| !accuracy.is_nan());
    Some(Measurement { iterations, loss, test_loss, train_accuracy, test_accuracy, validation_accuracy })
}

/// Parameters from a list of all elements.
fn widened<T: Float>(shape: Shape, list: &[f64]) -> Option<Parameters<T>> {
    let narrow: Vec<T> = list.iter().map(|&x| T::from_f64(x)).collect();
    let mut parameters = Parameters::zeros(shape);
    parameters.set_all(&narrow).ok()?;
    Some(parameters)
}

/// What is wrong if the training set is not that of the run, which was in `folder`, or bundled.
fn other_data(folder: Option<&String>, source: Source) -> String {
    let now = source.folder();
    match folder {
        Some(folder) if now.as_ref() == Some(folder) => {
            format!("the training set in {folder} has changed since; restore it, or start a new run")
        }
        Some(folder) => {
            let now = source.title();
            format!(
                "its run trained on {folder}, not on {now}, which differs; leave out --data, or give a copy of that data"
            )
        }
        None => {
            let now = source.title();
            format!("its run trained on the bundled digits, not on {now}; leave out --data, or start a new run")
        }
    }
}
