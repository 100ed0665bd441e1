//! What `train` prints: its options before, its outcome after.

use serde::Serialize;
use twolayer_core::{Float, GradientMethod};

use super::astray;
use super::checkpoint::State;
use super::outcome::{EarlyStop, Outcome};
use super::run::TrainingRun;
use crate::args::{
    ActivationName, GradientName, InitName, OptimizerName, RngName, SamplingName, ThreadCount, ValidationFrom,
};
use crate::color;
use crate::data::describe_set;
use crate::epoch_table::Measurement;
use crate::error::CliError;
use crate::number_format::{count, grouped, loss, number, percent, seconds};
use crate::output::Output;
use crate::output_file::OutputFile;

/// The files that were written.
pub struct WrittenFiles {
    pub model: bool,
    pub log: bool,
    /// The report and the curves.
    pub drawn: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
pub struct TrainReport<'a> {
    iterations: usize,
    train_seconds: f64,
    total_seconds: f64,
    samples_per_second: f64,
    train_accuracy: f64,
    test_accuracy: f64,
    /// The mean loss on the test set.
    test_loss: f64,
    /// The threads that trained; with `--threads auto`, the fastest number of them.
    threads: usize,
    isa: &'static str,
    precision: &'static str,
    seed: u64,
    rng: RngName,
    inputs: usize,
    hidden: usize,
    classes: usize,
    batch: usize,
    lr: f64,
    lr_decay: f64,
    optimizer: OptimizerName,
    weight_decay: f64,
    activation: ActivationName,
    init: InitName,
    sampling: SamplingName,
    validation: Option<f64>,
    /// With validation: which rows are held out.
    validation_from: Option<ValidationFrom>,
    patience: Option<usize>,
    /// `interrupted` or `patience`, if the run ended before its last iteration.
    early: Option<EarlyStop>,
    /// With patience: the iteration of the weights that were kept, if not the last.
    kept_iterations: Option<usize>,
    gradient: GradientName,
    /// The step h of numerical gradients.
    h: Option<f64>,
    /// Losses are -ln(p + this).
    loss_epsilon: f64,
    /// Iterations per epoch.
    epoch: usize,
    data: String,
    out: Option<String>,
    log: Option<String>,
    report: Option<String>,
    plot: Option<String>,
    /// What is unusual about the training set.
    notes: Vec<String>,
    /// What went wrong in the run.
    warnings: Vec<String>,
    history: &'a [Measurement],
}

impl TrainingRun<'_> {
    /// Prints the options of the run.
    pub fn print_plan<T: Float>(&self, out: &mut Output) {
        let (args, shape, schedule) = (self.args, self.shape, self.schedule);
        out.field(
            "Data",
            format_args!("{}: {}", self.source.describe(), describe_set(&self.data.train, Some(&self.data.test))),
        );
        self.notes.iter().for_each(|note| out.field("Note", note));
        let (inputs, hidden, classes) = (shape.inputs(), shape.hidden(), shape.classes());
        let parameters = count(shape.parameters(), "parameter");
        out.field("Network", format_args!("{inputs} -> {hidden} -> {classes}: {parameters}, {}", T::NAME));
        let (iterations, rows) = (count(schedule.iterations, "iteration"), count(args.size.batch, "row"));
        let (rate, epoch) = (number(args.learning.rate()), grouped(schedule.epoch));
        out.field("Training", format_args!("{iterations} of {rows}, learning rate {rate}; an epoch is {epoch}"));
        let unusual = args.learning.unusual();
        if !unusual.is_empty() {
            let told: Vec<_> =
                unusual.iter().map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
            out.field("Learning", told.join(", "));
        }
        if self.rows < self.data.train.rows() {
            let kept_back = count(self.data.train.rows() - self.rows, "training row");
            let which = match args.learning.validation_from {
                ValidationFrom::Classes => format!("{kept_back} drawn by the seed, the same share of each class"),
                ValidationFrom::End => format!("the last {kept_back}"),
            };
            out.field("Validate", format_args!("on {which}; they are held out"));
        }
        if let GradientMethod::Numerical { h } = self.gradient {
            out.field("Gradient", format_args!("numerical: central differences in f64, h = {h:e}"));
        }
        if args.loss_epsilon != 0.0 {
            out.field("Losses", format_args!("reported as -ln(p + {})", number(args.loss_epsilon)));
        }
        let seeds = match &args.seeds {
            Some(seeds) => format!("seeds {} to {}", seeds.start(), seeds.end()),
            None => format!("seed {}", args.random.seed),
        };
        out.field("Random", format_args!("{seeds}, {}", args.random.rng.name()));
        out.field("Machine", self.machine.describe());
        out.line("");
    }

    /// Prints the outcome and the files that were written.
    pub fn print_outcome<T: Float>(
        &self,
        state: &State<T>,
        written: &WrittenFiles,
        out: &mut Output,
    ) -> Result<(), CliError> {
        let (outcome, history) = (&state.outcome, &state.record.history);
        let mut report = self.report_of::<T>(outcome, history);
        report.out.take_if(|_| !written.model);
        report.log.take_if(|_| !written.log);
        report.report.take_if(|_| !written.drawn);
        report.plot.take_if(|_| !written.drawn);
        if self.args.json {
            return out.json(&report);
        }
        if !out.is_quiet() && !history.is_empty() {
            out.line("");
        }
        let (iterations, time) = (count(outcome.iterations, "iteration"), seconds(outcome.train_seconds));
        let samples = grouped(report.samples_per_second as usize);
        let on = match outcome.threads {
            0 => String::new(),
            threads => match self.args.machine.threads {
                ThreadCount::Fixed(given) if given > threads => {
                    format!(" on {threads} of {given} threads (at most one for each 16 hidden units)")
                }
                _ => format!(" on {}", count(threads, "thread")),
            },
        };
        match outcome.iterations {
            0 => out.field("Trained", "no iterations: the weights are as they were drawn"),
            _ => out.field("Trained", format_args!("{iterations} in {time}{on}: {samples} samples per second")),
        }
        let (test, train) =
            (color::paint(color::STRONG, percent(outcome.test_accuracy)), percent(outcome.train_accuracy));
        if outcome.early == Some(EarlyStop::Patience) {
            out.field("Stopped", "the validation accuracy stopped improving");
        }
        if let Some(kept) = outcome.kept_iterations {
            out.field(
                "Kept",
                format_args!("the weights after {}, with the best validation accuracy", count(kept, "iteration")),
            );
        }
        out.field("Accuracy", format_args!("{test} on the test set, {train} on the training set"));
        out.field("Loss", format_args!("{} on the test set", loss(outcome.test_loss)));
        report.warnings.iter().for_each(|warning| out.caution("Warning", warning));
        let files = [("Model", report.out), ("Losses", report.log), ("Report", report.report), ("Curves", report.plot)];
        for (what, file) in files {
            if let Some(file) = file {
                out.field(what, file);
            }
        }
        Ok(())
    }

    /// What is wrong with the run.
    pub fn warnings(&self, history: &[Measurement]) -> Vec<String> {
        astray::warning(history, self.shape.classes(), self.rates()).into_iter().collect()
    }

    /// A failure of the training; of one that diverged, with a rate to try.
    pub fn failure(&self, error: twolayer_core::Error) -> CliError {
        let diverged = matches!(error, twolayer_core::Error::Diverged { .. });
        let failure = CliError::new(error);
        if diverged {
            failure.with_note(format!("try --lr {}", number(astray::lower_rate(self.rates()))))
        } else {
            failure
        }
    }

    /// The learning rate, and the usual one of the optimiser.
    fn rates(&self) -> (f64, f64) {
        let learning = &self.args.learning;
        (learning.rate(), learning.optimizer.usual_rate())
    }

    /// Total time so far, including the earlier runs that this one resumed.
    pub fn total_seconds(&self, outcome: &Outcome) -> f64 {
        outcome.earlier_seconds + self.started.elapsed().as_secs_f64()
    }

    /// The report, with all files that are to be written.
    pub fn report_of<'a, T: Float>(&self, outcome: &Outcome, history: &'a [Measurement]) -> TrainReport<'a> {
        let samples = outcome.iterations as f64 * self.args.size.batch as f64;
        let samples_per_second = if outcome.train_seconds > 0.0 { samples / outcome.train_seconds } else { 0.0 };
        let shown = |target: &OutputFile| target.shown().to_string();
        TrainReport {
            iterations: outcome.iterations,
            train_seconds: outcome.train_seconds,
            total_seconds: self.total_seconds(outcome),
            samples_per_second,
            train_accuracy: outcome.train_accuracy,
            test_accuracy: outcome.test_accuracy,
            test_loss: outcome.test_loss,
            threads: outcome.threads,
            isa: self.machine.level.name(),
            precision: T::NAME,
            seed: self.args.random.seed,
            rng: self.args.random.rng,
            inputs: self.shape.inputs(),
            hidden: self.shape.hidden(),
            classes: self.shape.classes(),
            batch: self.args.size.batch,
            lr: self.args.learning.rate(),
            lr_decay: self.args.learning.lr_decay,
            optimizer: self.args.learning.optimizer,
            weight_decay: self.args.learning.rule.weight_decay,
            activation: self.args.learning.rule.activation,
            init: self.args.learning.rule.init,
            sampling: self.args.learning.rule.sampling,
            validation: self.args.learning.validation,
            validation_from: self.args.learning.validation.map(|_| self.args.learning.validation_from),
            patience: self.args.learning.patience,
            early: outcome.early,
            kept_iterations: outcome.kept_iterations,
            gradient: self.args.gradient,
            h: if let GradientMethod::Numerical { h } = self.gradient { Some(h) } else { None },
            loss_epsilon: self.args.loss_epsilon,
            epoch: self.schedule.epoch,
            data: self.source.name(),
            out: self.save.as_ref().map(shown),
            log: self.log.as_ref().map(shown),
            report: self.report.as_ref().map(shown),
            plot: self.plot.as_ref().map(|plot| shown(&plot.target)),
            notes: self.notes.clone(),
            warnings: self.warnings(history),
            history,
        }
    }
}
