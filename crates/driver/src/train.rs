//! `twolayer train`: trains a network and reports accuracies once an epoch.

mod astray;
mod best_weights;
mod checkpoint;
mod lr_find;
mod outcome;
mod plan;
mod report_files;
mod resume;
mod run;
mod seeds;
mod summary;
mod tune;
mod validation_rows;

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use twolayer_core::{Evaluation, Float, Optimizer, Sampler, TrainOptions, TwoLayerNet};
use twolayer_model::{AnyModel, Model};

use crate::args::{Options, Precision, TrainArgs};
use crate::data::{self, Source};
use crate::data_notes;
use crate::epoch_table::{EpochTable, Measurement};
use crate::error::CliError;
use crate::html_report::training_record::TrainingRecord;
use crate::interrupt;
use crate::machine::Machine;
use crate::network;
use crate::number_format::count;
use crate::output::Output;
use crate::output_file::OutputFile;
use crate::progress::Progress;
use crate::random::Generator;
use best_weights::BestWeights;
use checkpoint::State;
pub use lr_find::run as lr_find;
use outcome::{EarlyStop, Outcome};
use plan::Plan;
use run::TrainingRun;
use summary::WrittenFiles;
pub use tune::run as tune;

/// Runs `twolayer train`.
pub fn run(args: &TrainArgs, out: &mut Output) -> Result<(), CliError> {
    let started = Instant::now();
    if let Some(seeds) = args.seeds.clone() {
        return seeds::run(args, seeds, out);
    }
    let Some(path) = &args.checkpointing.resume else { return run_from(None, args, started, out) };
    let checkpoint = network::read(path)?;
    let args = resume::arguments(path, &checkpoint, args)?;
    run_from(Some((path, checkpoint)), &args, started, out)
}

/// A run from its start, or from a checkpoint.
fn run_from(
    checkpoint: Option<(&Path, AnyModel)>,
    args: &TrainArgs,
    started: Instant,
    out: &mut Output,
) -> Result<(), CliError> {
    let generator = Generator::new(&args.random)?;
    let plan = Plan::new(args, started)?;
    out.keep_stdout_for(plan.files());
    let (machine, source) = (Machine::new(&args.machine)?, Source::new(&args.data));
    let (mut data, classes, note) = validation_rows::load(args, source, args.json || out.is_quiet())?;
    if let Some(train) = validation_rows::reordered(&data.train, args) {
        data.train = train;
    }
    let mut noted = data_notes::look(&data.train, Some(&data.test), classes);
    noted.notes.extend(note);
    let job = plan.with(&machine, source, (&data, classes), noted)?;
    match args.precision {
        Precision::F32 => job.run::<f32>(generator, checkpoint, out),
        Precision::F64 => job.run::<f64>(generator, checkpoint, out),
    }
}

impl TrainingRun<'_> {
    fn run<T: Float>(
        &self,
        generator: Generator,
        checkpoint: Option<(&Path, AnyModel)>,
        out: &mut Output,
    ) -> Result<(), CliError> {
        self.check_memory(size_of::<T>(), 1)?;
        let (mut state, mut sampler) = self.start::<T>(generator)?;
        if let Some((path, checkpoint)) = checkpoint {
            state.resume(path, checkpoint, self)?;
            self.check_resumed(&mut state)?;
            // Draws the batches of the earlier run again, to advance the generator.
            let mut rows = vec![0; self.args.size.batch];
            (0..state.outcome.iterations).for_each(|_| sampler.next_batch(&mut rows));
        }
        let talks = !self.args.json && !out.is_quiet();
        if talks {
            self.print_plan::<T>(out);
        }
        interrupt::listen(out.is_quiet());
        let trained = self.train(&mut state, sampler.as_mut(), talks, out);
        // The losses up to a divergence help to understand it.
        let logged = self.log.as_ref().map_or(Ok(()), |log| log.write(csv(&state.record.losses).as_bytes()));
        if let Err(failure) = trained {
            let log = self.log.as_ref().filter(|_| logged.is_ok()).map(|log| log.shown().to_string());
            return Err(self.draw_failed::<T>(failure, &state.record, log));
        }
        let saved = self.save.as_ref().map_or(Ok(()), |target| self.write_model(&state, target));
        let drawn = self.draw(&state);
        let written = WrittenFiles { model: saved.is_ok(), log: logged.is_ok(), drawn: drawn.is_ok() };
        self.print_outcome(&state, &written, out)?;
        saved.and(logged).and(drawn).and(state.kept).and(self.tell_interruption(&state.outcome))
    }

    /// The state before the first iteration, and the sampler of batches.
    fn start<T: Float>(&self, mut generator: Generator) -> Result<(State<T>, Box<dyn Sampler>), CliError> {
        let learning = &self.args.learning;
        let parameters = generator.weights::<T>(self.shape, learning.init());
        let state = State {
            best: learning.validation.map(|_| BestWeights::new(&parameters)),
            optimizer: Optimizer::new(self.shape, self.rule, learning.rule.weight_decay)?,
            net: self.machine.run(
                TwoLayerNet::new(parameters)
                    .with_activation(learning.activation())
                    .with_loss_epsilon(self.args.loss_epsilon),
            ),
            outcome: Outcome::default(),
            kept: Ok(()),
            record: TrainingRecord::new(self.log.is_some(), self.schedule.epoch),
        };
        Ok((state, generator.sampler(self.rows, learning.rule.sampling)?))
    }

    /// The options that determine the weights, and no others, so that the same training gives the same file on any number
    /// of threads.
    fn options(&self) -> Options {
        let mut options = self.args.of_weights(false);
        options.extend(self.light_paper.then(|| (network::PAPER.into(), network::LIGHT.into())));
        options
    }

    fn write_model<T: Float>(&self, state: &State<T>, target: &OutputFile) -> Result<(), CliError> {
        let mut model = Model::new(state.net.parameters.clone());
        model.activation = state.net.activation;
        model.options = self.options();
        let iterations = state.outcome.kept_iterations.unwrap_or(state.outcome.iterations);
        model.options.insert(checkpoint::ITERATIONS.into(), iterations.to_string());
        target.write(&model.to_bytes()?)
    }

    fn write_checkpoint<T: Float>(&self, state: &State<T>) -> Result<(), CliError> {
        let Some(keep) = &self.keep else { return Ok(()) };
        let mut options = self.options();
        options.extend(self.args.of_run(false));
        // The model's shape tells them.
        options.retain(|name, _| name != "hidden" && name != "classes");
        options.extend(self.digest.clone().map(|digest| (checkpoint::DATA.into(), digest)));
        options.extend(self.source.folder().map(|folder| (checkpoint::FOLDER.into(), folder)));
        let column = self.args.data.label_column.clone();
        options.extend(column.map(|column| (checkpoint::LABEL_COLUMN.into(), column)));
        options.insert(checkpoint::ITERATIONS.into(), state.outcome.iterations.to_string());
        options.insert(checkpoint::END.into(), self.schedule.iterations.to_string());
        keep.write(&state.to_bytes(options, self.total_seconds(&state.outcome))?)
    }

    fn train<T: Float>(
        &self,
        state: &mut State<T>,
        sampler: &mut dyn Sampler,
        talks: bool,
        out: &mut Output,
    ) -> Result<(), CliError> {
        let mut progress = Progress::new(self.schedule.iterations, talks);
        let table = EpochTable::new(self.schedule, self.args.every_epoch, state.best.is_some(), out.width());
        if talks && self.schedule.iterations > 0 {
            if let Some(note) = table.note() {
                out.paragraph("", note);
                out.line("");
            }
            out.line(table.header());
        }
        let show = |m: &Measurement, last: bool, progress: &Progress, out: &mut Output| {
            if let Some(row) = table.row(m, last).filter(|_| talks) {
                progress.aside(|| out.line(row));
            }
        };
        // If the pipe is closed, continue only if files are to be written.
        let files =
            self.plot.is_some() || [&self.save, &self.log, &self.keep, &self.report].iter().any(|f| f.is_some());
        let pointless = |out: &Output| out.is_closed() && !files;
        while !self.is_over(&state.outcome) && !pointless(out) {
            self.train_piece(state, sampler, &progress)?;
            let measured = self.measure_if_due(state)?;
            if interrupt::asked() && state.outcome.iterations < self.schedule.iterations {
                state.outcome.early.get_or_insert(EarlyStop::Interrupted);
            }
            if let Some(m) = measured {
                progress.epoch(m.train_accuracy, m.test_accuracy);
                show(&m, self.is_over(&state.outcome), &progress, out);
            }
            if self.is_due(state.outcome.iterations) || state.outcome.early.is_some() {
                // A failed checkpoint does not end the run; the next one may succeed.
                state.kept = self.write_checkpoint(state);
            }
        }
        if let Some(m) = self.finish(state)? {
            show(&m, true, &progress, out);
        }
        Ok(())
    }

    /// Whether a run ends here.
    fn is_over(&self, outcome: &Outcome) -> bool {
        outcome.iterations >= self.schedule.iterations || outcome.early.is_some()
    }

    /// The measurement after the last iteration, if due.
    fn measure_if_due<T: Float>(&self, state: &mut State<T>) -> Result<Option<Measurement>, CliError> {
        if !self.schedule.is_measured(state.outcome.iterations - 1) {
            return Ok(None);
        }
        let m = self.measure(state)?;
        if let Some((best, accuracy)) = state.best.as_mut().zip(m.validation_accuracy) {
            let epoch = state.record.history.len() - 1;
            best.see((epoch, m.iterations), accuracy, &state.net.parameters);
            if best.is_over(epoch + 1, self.args.learning.patience) {
                state.outcome.early = Some(EarlyStop::Patience);
            }
        }
        Ok(Some(m))
    }

    /// Adds the measurement of the present state to the record.
    fn measure<T: Float>(&self, state: &mut State<T>) -> Result<Measurement, CliError> {
        let (train_accuracy, test) = self.evaluate(&state.net)?;
        let (rows, labels) = data::after(&self.data.train, self.rows);
        let validation = state.best.as_ref().map(|_| state.net.accuracy(rows, labels));
        let (sum, batches) = state.record.since;
        let m = Measurement {
            iterations: state.outcome.iterations,
            loss: sum / batches as f64,
            test_loss: test.loss,
            train_accuracy,
            test_accuracy: test.accuracy(),
            validation_accuracy: validation.transpose()?,
        };
        state.record.measure(m);
        Ok(m)
    }

    /// Measures the final state, which is returned if it was not measured yet; with patience, restores the best weights.
    fn finish<T: Float>(&self, state: &mut State<T>) -> Result<Option<Measurement>, CliError> {
        let last = state.record.history.last().map_or(0, |last| last.iterations);
        let unmeasured = state.outcome.iterations > last;
        let added = if unmeasured { Some(self.measure(state)?) } else { None };
        let State { net, outcome, record, best, .. } = state;
        if let Some(best) = best.as_mut().filter(|_| self.args.learning.patience.is_some() && outcome.iterations > 0) {
            if let Some(accuracy) = added.and_then(|m| m.validation_accuracy) {
                best.see((record.history.len() - 1, outcome.iterations), accuracy, &net.parameters);
            }
            net.parameters = best.parameters.clone();
            outcome.kept_iterations = Some(best.iterations).filter(|&kept| kept < outcome.iterations);
        }
        match record.history.last().filter(|_| outcome.kept_iterations.is_none()) {
            Some(last) => {
                (outcome.train_accuracy, outcome.test_accuracy) = (last.train_accuracy, last.test_accuracy);
                outcome.test_loss = last.test_loss;
            }
            None => {
                let (train_accuracy, test) = self.evaluate(net)?;
                (outcome.train_accuracy, outcome.test_accuracy) = (train_accuracy, test.accuracy());
                outcome.test_loss = test.loss;
            }
        }
        Ok(added)
    }

    /// Trains up to the next stop. Only this is timed as training.
    fn train_piece<T: Float>(
        &self,
        state: &mut State<T>,
        sampler: &mut dyn Sampler,
        progress: &Progress,
    ) -> Result<(), CliError> {
        let State { net, optimizer, outcome, record, .. } = state;
        let options = TrainOptions {
            batch: self.args.size.batch,
            learning_rate: self.rate(outcome.iterations),
            iterations: self.next_stop(outcome.iterations) - outcome.iterations,
            first_iteration: outcome.iterations,
            gradient: self.gradient,
        };
        let (rows, labels) = data::first(&self.data.train, self.rows);
        let start = Instant::now();
        let trained = optimizer.train(net, rows, labels, sampler, &options, &mut |p| {
            record.push(p.iteration, p.loss);
            progress.iteration(p.iteration, p.loss);
            if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let summary = trained.map_err(|error| self.failure(error))?;
        outcome.train_seconds += start.elapsed().as_secs_f64();
        outcome.iterations += summary.iterations;
        outcome.threads = summary.threads;
        Ok(())
    }

    /// The accuracy on the rows to train on, and the evaluation of the test set.
    fn evaluate<T: Float>(&self, net: &TwoLayerNet<T>) -> Result<(f64, Evaluation), CliError> {
        let (rows, labels) = data::first(&self.data.train, self.rows);
        let (test_rows, test_labels) = data::view(&self.data.test);
        Ok((net.accuracy(rows, labels)?, net.evaluate(test_rows, test_labels)?))
    }

    /// An interrupted run is an error, so that scripts notice.
    fn tell_interruption(&self, outcome: &Outcome) -> Result<(), CliError> {
        if outcome.early != Some(EarlyStop::Interrupted) {
            return Ok(());
        }
        let done = count(outcome.iterations, "iteration");
        let saved = self.save.as_ref().map(|save| format!("; the model is in {}", save.shown())).unwrap_or_default();
        let kept =
            self.keep.as_ref().map(|keep| format!("; continue with --resume {}", keep.shown())).unwrap_or_default();
        Err(CliError::new(format!("interrupted after {done}{saved}{kept}")))
    }
}

/// The losses as CSV, with all digits.
fn csv(losses: &[f64]) -> String {
    let mut text = String::from("iteration,loss\n");
    for (iteration, loss) in losses.iter().enumerate() {
        let _ = writeln!(text, "{iteration},{loss:?}");
    }
    text
}
