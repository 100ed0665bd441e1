//! Plans a run: checks options and files before it starts.

use std::io::Read;
use std::time::Instant;

use twolayer_core::{Float, GradientMethod, MemoryEstimate, OptimizerKind, TrainOptions};
use twolayer_idx::DataSet;

use super::checkpoint::State;
use super::outcome::EarlyStop;
use super::run::TrainingRun;
use super::validation_rows;
use crate::args::{GradientName, Precision, TrainArgs};
use crate::data::Source;
use crate::data_notes::Noted;
use crate::error::CliError;
use crate::html_report::Plot;
use crate::machine::Machine;
use crate::md5;
use crate::memory;
use crate::number_format::{count, number};
use crate::output_file::{self, OutputFile};
use crate::schedule::Schedule;

/// What is known before the data is read.
pub struct Plan<'a> {
    args: &'a TrainArgs,
    started: Instant,
    gradient: GradientMethod,
    rule: OptimizerKind,
    targets: [Option<OutputFile>; 4],
    plot: Option<Plot>,
}

impl<'a> Plan<'a> {
    /// Checks the options, and that the files can be written.
    pub fn new(args: &'a TrainArgs, started: Instant) -> Result<Plan<'a>, CliError> {
        let rate = args.learning.rate();
        if args.precision == Precision::F32 && !(rate as f32).is_normal() {
            return Err(CliError::usage(format!(
                "--lr {} is outside the range of --precision f32; try f64",
                number(rate)
            )));
        }
        let (gradient, rule) = (args.gradient()?, args.learning.rule()?);
        let plain = args.learning.optimizer.name() == "sgd" && args.learning.rule.weight_decay == 0.0;
        if args.gradient == GradientName::Numerical && !plain {
            return Err(CliError::usage(
                "--gradient numerical works only with --optimizer sgd and without --weight-decay",
            ));
        }
        let named = [&args.out, &args.log, &args.checkpointing.checkpoint, &args.report];
        let names = ["--out", "--log", "--checkpoint", "--report", "--plot"];
        let mut targets = [None, None, None, None];
        for (target, path) in targets.iter_mut().zip(named) {
            *target = path.as_deref().map(OutputFile::new).transpose()?;
        }
        let plot = args.plot.as_deref().map(Plot::new).transpose()?;
        let all = targets.iter().map(Option::as_ref).chain([plot.as_ref().map(|plot| &plot.target)]);
        let all: Vec<_> = names.into_iter().zip(all).collect();
        output_file::check_distinct(&all)?;
        if targets[2].as_ref().is_some_and(OutputFile::is_stdout) {
            return Err(CliError::usage("--checkpoint cannot be standard output, as it is written again and again"));
        }
        if let Some(from) = &args.checkpointing.resume {
            let lost = |(option, target): &&(&str, Option<&OutputFile>)| {
                *option != "--checkpoint" && target.is_some_and(|target| target.replaces(from))
            };
            if let Some((option, _)) = all.iter().find(lost) {
                let from = from.display();
                return Err(CliError::usage(format!("{option} would replace {from}, which --resume reads")));
            }
        }
        Ok(Plan { args, started, gradient, rule, targets, plot })
    }

    /// The files to write.
    pub fn files(&self) -> impl Iterator<Item = &OutputFile> {
        self.targets.iter().flatten().chain(self.plot.iter().map(|plot| &plot.target))
    }

    /// The run on this data.
    pub fn with(
        self,
        machine: &'a Machine,
        source: Source<'a>,
        (data, classes): (&'a DataSet, usize),
        Noted { notes, light_paper }: Noted,
    ) -> Result<TrainingRun<'a>, CliError> {
        let Plan { args, started, gradient, rule, targets: [save, log, keep, report], plot } = self;
        let shape = memory::shape(data.train.inputs(), args.size.hidden, classes)?;
        let all = data.train.rows();
        let rows = all - args.learning.validation.map_or(0, |share| validation_rows::count(all, share));
        if rows == 0 || args.learning.validation.is_some_and(|_| rows == all) {
            return Err(CliError::usage(format!(
                "--validation leaves {rows} of {} for training; give a share that leaves rows on both sides",
                count(all, "row")
            )));
        }
        let schedule = Schedule::new(rows, args.size.batch, args.iters, args.epochs)
            .ok_or_else(|| CliError::usage("--epochs is too large: the number of iterations overflows"))?;
        let keeps = keep.is_some() || args.checkpointing.resume.is_some();
        let digest = keeps.then(|| digest(data)).transpose()?;
        Ok(TrainingRun {
            args,
            source,
            data,
            notes,
            light_paper,
            rows,
            machine,
            shape,
            schedule,
            gradient,
            rule,
            save,
            log,
            keep,
            report,
            plot,
            digest,
            started,
        })
    }
}

/// The digest of the training set.
fn digest(data: &DataSet) -> Result<String, CliError> {
    let images = data.train.images();
    let labels: Vec<u8> = data.train.labels().iter().flat_map(|label| label.to_le_bytes()).collect();
    let lengths = [images, &labels].map(|part| (part.len() as u64).to_le_bytes());
    let all = (&lengths[0][..]).chain(images).chain(&lengths[1][..]).chain(&labels[..]);
    md5::of(all).map_err(CliError::new)
}

impl TrainingRun<'_> {
    /// An error if so many runs side by side need more memory than there is.
    pub fn check_memory(&self, width: usize, runs: usize) -> Result<(), CliError> {
        let logged = if self.log.is_some() { self.schedule.iterations } else { 0 };
        let lower = match logged {
            0 => "lower --hidden, --batch or --threads",
            _ => "lower --hidden, --batch, --threads or the iterations to --log",
        };
        let plain = self.args.learning.unusual().is_empty() && self.keep.is_none();
        // Each of several runs has a training set in an order of its own, if it holds out rows of each class.
        let reordered = runs > 1 && validation_rows::is_reordered(self.args);
        let images = if reordered { self.data.train.images().len() } else { 0 };
        let options = TrainOptions { batch: self.args.size.batch, gradient: self.gradient, ..TrainOptions::default() };
        let need = MemoryEstimate::default()
            .training(self.shape, width, &options, self.machine.threads())
            // The optimiser's state, the best weights, a checkpoint.
            .parameters(self.shape, width, if plain { 0 } else { 7 })
            .parameters(self.shape, size_of::<f64>(), if plain { 0 } else { 8 })
            // A loss and its line of CSV.
            .elements(logged, 8 + 32)
            .elements(images, 1);
        let one = usize::try_from(need.bytes()).unwrap_or(usize::MAX);
        memory::check(need.elements(one, runs - 1), lower)
    }

    /// Checks that a checkpoint is not beyond the end of this run.
    pub fn check_resumed<T: Float>(&self, state: &mut State<T>) -> Result<(), CliError> {
        let measured = state.record.history.len();
        if state.best.as_ref().is_some_and(|best| measured > 0 && best.is_over(measured, self.args.learning.patience)) {
            state.outcome.early = Some(EarlyStop::Patience);
        }
        let (done, end) = (state.outcome.iterations, self.schedule.iterations);
        if done > end {
            let (done, end) = (count(done, "iteration"), count(end, "iteration"));
            return Err(CliError::usage(format!(
                "--resume: the checkpoint already has {done}, but the run would end after {end}; ask for more"
            )));
        }
        if self.log.is_some() && state.record.losses.len() != done {
            return Err(CliError::usage("--log: the checkpoint has no losses; leave it out, or start a new run"));
        }
        Ok(())
    }

    /// Iterations between checkpoints.
    fn every(&self) -> usize {
        self.args.checkpointing.every.unwrap_or(self.schedule.epoch)
    }

    /// Whether a checkpoint is due after `done` iterations.
    pub fn is_due(&self, done: usize) -> bool {
        self.keep.is_some() && (done.is_multiple_of(self.every()) || done == self.schedule.iterations)
    }

    /// The iteration to stop at after `done` iterations: the next measurement, checkpoint or change of the
    /// learning rate.
    pub fn next_stop(&self, done: usize) -> usize {
        let next = |every: usize| (done / every + 1).saturating_mul(every);
        let mut stop = self.schedule.next_stop(done);
        if self.keep.is_some() {
            stop = stop.min(next(self.every()));
        }
        if self.args.learning.lr_decay != 1.0 {
            stop = stop.min(next(self.schedule.epoch));
        }
        stop
    }

    /// The learning rate after `done` iterations.
    pub fn rate(&self, done: usize) -> f64 {
        let epoch = i32::try_from(done / self.schedule.epoch).unwrap_or(i32::MAX);
        self.args.learning.rate() * self.args.learning.lr_decay.powi(epoch)
    }
}
