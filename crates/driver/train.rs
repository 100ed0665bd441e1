//! `twolayer train`: the notebook's loop, with its accuracies once an epoch.

mod drawn;
mod outcome;

use std::fmt::Write;
use std::ops::ControlFlow;
use std::time::Instant;

use twolayer_core::{Float, Gradient, Need, Sampler, Shape, TrainOptions, TwoLayerNet};
use twolayer_idx::{DataSet, Split as Half};
use twolayer_model::Model;

use crate::args::{Precision, TrainArgs, available_threads};
use crate::data::{self, Source};
use crate::error::Failure;
use crate::files::{self, Target};
use crate::machine::Machine;
use crate::memory;
use crate::output::Output;
use crate::page::Plot;
use crate::page::record::Record;
use crate::progress::Progress;
use crate::random::Generator;
use crate::report::{EpochTable, Measurement};
use crate::schedule::Schedule;
use outcome::{Outcome, Written};

/// Everything a run needs that does not depend on its precision.
struct Job<'a> {
    args: &'a TrainArgs,
    source: Source<'a>,
    data: &'a DataSet,
    machine: &'a Machine,
    shape: Shape,
    schedule: Schedule,
    gradient: Gradient,
    save: Option<Target>,
    log: Option<Target>,
    report: Option<Target>,
    plot: Option<Plot>,
    started: Instant,
}

/// Runs `twolayer train`.
pub fn run(args: &TrainArgs, out: &mut Output) -> Result<(), Failure> {
    let started = Instant::now();
    let generator = Generator::new(&args.random)?;
    if args.precision == Precision::F32 && !(args.lr as f32).is_normal() {
        return Err(Failure::usage(format!("--lr {:?} is beyond the numbers of --precision f32; try f64", args.lr)));
    }
    let gradient = args.gradient()?;
    let machine = Machine::new(&args.machine)?;
    let save = args.out.as_deref().map(Target::new).transpose()?;
    let log = args.log.as_deref().map(Target::new).transpose()?;
    let report = args.report.as_deref().map(Target::new).transpose()?;
    let plot = args.plot.as_deref().map(Plot::new).transpose()?;
    let files = [("--out", &save), ("--log", &log), ("--report", &report)].map(|(name, file)| (name, file.as_ref()));
    files::check_distinct(&[&files[..], &[("--plot", plot.as_ref().map(|plot| &plot.target))]].concat())?;
    let source = Source::new(&args.data);
    let (data, classes) = source.load(args.classes)?;
    let shape = memory::shape(data.train.inputs(), args.hidden, classes)?;
    let schedule = Schedule::new(data.train.rows(), args.batch, args.iters, args.epochs)
        .ok_or_else(|| Failure::usage("--epochs is too large: its iterations cannot be counted"))?;
    let (data, machine) = (&data, &machine);
    let job = Job { args, source, data, machine, shape, schedule, gradient, save, log, report, plot, started };
    match args.precision {
        Precision::F32 => job.run::<f32>(generator, out),
        Precision::F64 => job.run::<f64>(generator, out),
    }
}

impl Job<'_> {
    fn run<T: Float>(&self, mut generator: Generator, out: &mut Output) -> Result<(), Failure> {
        self.check_memory(size_of::<T>())?;
        let mut net = TwoLayerNet::new(generator.weights::<T>(self.shape)).with_level(self.machine.level);
        let mut sampler = generator.sampler(self.data.train.rows())?;
        let talks = !self.args.json && !self.args.quiet;
        if talks {
            self.print_plan::<T>(out);
        }
        let mut record = Record::new(self.log.is_some());
        let trained = self.train(&mut net, sampler.as_mut(), &mut record, talks, out);
        // The losses up to a divergence are what one looks at to understand it.
        let logged = self.log.as_ref().map_or(Ok(()), |log| log.write(csv(&record.losses).as_bytes()));
        let outcome = match trained {
            Ok(outcome) => outcome,
            Err(e) => {
                let log = self.log.as_ref().filter(|_| logged.is_ok()).map(|log| log.shown().to_string());
                return Err(self.draw_failed::<T>(e, &record, log));
            }
        };
        let saved = self.save.as_ref().map_or(Ok(()), |target| self.write_model(&net, outcome.iterations, target));
        let drawn = self.draw(&net, &outcome, &record);
        let written = Written { model: saved.is_ok(), log: logged.is_ok(), drawn: drawn.is_ok() };
        self.print_outcome::<T>(&outcome, &written, out)?;
        saved.and(logged).and(drawn)
    }

    /// Writes the model with the options that made it: those that decide its weights, and no others, so that the same
    /// training gives the same file on any number of threads and at any time.
    fn write_model<T: Float>(&self, net: &TwoLayerNet<T>, iterations: usize, target: &Target) -> Result<(), Failure> {
        let (args, mut model) = (self.args, Model::new(net.parameters.clone()));
        let options = [
            ("seed", args.random.seed.to_string()),
            ("rng", args.random.rng.name().into()),
            ("iterations", iterations.to_string()),
            ("batch", args.batch.to_string()),
            ("lr", format!("{:?}", args.lr)),
            ("precision", T::NAME.into()),
            ("gradient", args.gradient.name().into()),
        ];
        model.options.extend(options.map(|(name, value)| (name.into(), value)));
        if let Gradient::Numerical { h } = self.gradient {
            model.options.insert("h".into(), format!("{h:?}"));
        }
        target.write(&model.to_bytes()?)
    }

    /// Threads that train: no more than there are processors, for a team meets in every iteration and waits for its last
    /// member, and no more than can share the work. The outcome does not depend on it.
    fn team(&self) -> usize {
        let most = match self.gradient {
            Gradient::Backpropagation => self.shape.most_threads(),
            Gradient::Numerical { .. } => usize::MAX,
        };
        self.machine.threads.min(most).min(available_threads())
    }

    fn check_memory(&self, width: usize) -> Result<(), Failure> {
        let logged = if self.log.is_some() { self.schedule.iterations } else { 0 };
        // Numerical gradients take everything in f64, and keep the inputs so and a list of those not zero.
        let (copies, listed) = if self.gradient == Gradient::Backpropagation { (0, 0) } else { (5, self.args.batch) };
        let options = match logged {
            0 => "--hidden, --batch or --threads",
            _ => "--hidden, --batch, --threads or the iterations to --log",
        };
        let need = Need::default()
            .parameters(self.shape, width, 3)
            .batch(self.args.batch, self.shape, width, 1 + self.team())
            .parameters(self.shape, size_of::<f64>(), copies)
            .batch(listed, self.shape, size_of::<f64>(), 3)
            .numbers(listed.saturating_mul(self.shape.inputs()), 8 + 16)
            // A loss, and its line of text at the end.
            .numbers(logged, 8 + 32);
        memory::check(need, options)
    }

    fn train<T: Float>(
        &self,
        net: &mut TwoLayerNet<T>,
        sampler: &mut dyn Sampler,
        record: &mut Record,
        talks: bool,
        out: &mut Output,
    ) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        let mut progress = Progress::new(self.schedule.iterations, talks);
        let table = EpochTable::new(self.schedule, out.is_terminal());
        if talks && self.schedule.iterations > 0 {
            out.line(table.header());
        }
        // A reader who closed the pipe wants no more, unless files are to be written.
        let pointless = |out: &Output| out.is_closed() && !self.writes();
        while outcome.iterations < self.schedule.iterations && !pointless(out) {
            self.train_piece(net, sampler, record, &progress, &mut outcome)?;
            let iteration = outcome.iterations - 1;
            if let Some(loss) = outcome.final_loss.filter(|_| self.schedule.is_measured(iteration)) {
                let (train_accuracy, test_accuracy) = self.accuracies(net)?;
                let m = Measurement { iteration, loss, train_accuracy, test_accuracy };
                progress.epoch(train_accuracy, test_accuracy);
                if let Some(row) = table.row(outcome.history.len(), &m).filter(|_| talks) {
                    progress.aside(|| out.line(row));
                }
                outcome.history.push(m);
                record.history.push(m);
            }
        }
        (outcome.train_accuracy, outcome.test_accuracy) = match outcome.history.last() {
            Some(last) if last.iteration + 1 == outcome.iterations => (last.train_accuracy, last.test_accuracy),
            _ => self.accuracies(net)?,
        };
        Ok(outcome)
    }

    /// Trains up to the next measurement. Only this is timed as training.
    fn train_piece<T: Float>(
        &self,
        net: &mut TwoLayerNet<T>,
        sampler: &mut dyn Sampler,
        record: &mut Record,
        progress: &Progress,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let options = TrainOptions {
            batch: self.args.batch,
            learning_rate: self.args.lr,
            iterations: self.schedule.next_stop(outcome.iterations) - outcome.iterations,
            first_iteration: outcome.iterations,
            threads: self.team(),
            gradient: self.gradient,
        };
        let (rows, labels) = data::view(&self.data.train);
        let start = Instant::now();
        let summary = net.train(rows, labels, sampler, &options, &mut |p| {
            record.push(p.iteration, p.loss);
            progress.iteration(p.iteration, p.loss);
            ControlFlow::Continue(())
        })?;
        outcome.train_seconds += start.elapsed().as_secs_f64();
        outcome.iterations += summary.iterations;
        outcome.final_loss = Some(summary.final_loss);
        Ok(())
    }

    /// Whether files are to be written.
    fn writes(&self) -> bool {
        self.save.is_some() || self.log.is_some() || self.report.is_some() || self.plot.is_some()
    }

    fn accuracies<T: Float>(&self, net: &TwoLayerNet<T>) -> Result<(f64, f64), Failure> {
        let accuracy = |half: &Half| -> Result<f64, Failure> {
            let (rows, labels) = data::view(half);
            Ok(self.machine.pool.install(|| net.accuracy(rows, labels))?)
        };
        Ok((accuracy(&self.data.train)?, accuracy(&self.data.test)?))
    }
}

/// The losses as a table whose numbers read back as they were.
fn csv(losses: &[f64]) -> String {
    let mut text = String::from("iteration,loss\n");
    for (iteration, loss) in losses.iter().enumerate() {
        let _ = writeln!(text, "{iteration},{loss:?}");
    }
    text
}
