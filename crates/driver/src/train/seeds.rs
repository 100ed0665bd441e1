//! `train --seeds`: the same run with several seeds, side by side, each on one thread.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, RangeInclusive};
use std::time::Instant;

use serde::Serialize;
use twolayer_core::Float;
use twolayer_idx::DataSet;

use super::outcome::EarlyStop;
use super::plan::Plan;
use super::run::TrainingRun;
use super::validation_rows;
use crate::args::{Precision, ThreadCount, TrainArgs};
use crate::color;
use crate::data::Source;
use crate::data_notes::{self, Noted};
use crate::epoch_table::Measurement;
use crate::error::CliError;
use crate::html_report::training_record::TrainingRecord;
use crate::html_report::{SeedRun, SeedsPage};
use crate::interrupt;
use crate::machine::Machine;
use crate::number_format::{count, loss, percent, seconds};
use crate::output::Output;
use crate::output_file::OutputFile;
use crate::random::Generator;
use crate::side_by_side;

/// The result of a run, and its row in JSON.
#[derive(Serialize)]
struct SeedReport {
    seed: u64,
    iterations: usize,
    test_loss: f64,
    train_accuracy: f64,
    test_accuracy: f64,
    train_seconds: f64,
    #[serde(skip)]
    interrupted: bool,
    #[serde(skip)]
    history: Vec<Measurement>,
    /// What went wrong in the run.
    warnings: Vec<String>,
}

/// The row in JSON of a run that failed.
#[derive(Serialize)]
struct SeedFailure {
    seed: u64,
    error: String,
}

/// The spread of the accuracies on the test set, and the last row in JSON.
#[derive(Serialize)]
struct Spread {
    runs: usize,
    mean: f64,
    /// That of a sample: with runs - 1 below. None of one run.
    standard_deviation: Option<f64>,
    least: f64,
    least_seed: u64,
    greatest: f64,
    greatest_seed: u64,
    total_seconds: f64,
    /// What is unusual about the data.
    notes: Vec<String>,
    /// The HTML report that was written.
    report: Option<String>,
}

/// Runs `twolayer train --seeds`.
pub fn run(args: &TrainArgs, seeds: RangeInclusive<u64>, out: &mut Output) -> Result<(), CliError> {
    let started = Instant::now();
    let runs = (seeds.end() - seeds.start()) as usize + 1;
    let at_once = side_by_side::at_once(args.machine.threads, runs);
    let args_of = |seed: u64| {
        let mut args = args.clone();
        (args.random.seed, args.machine.threads) = (seed, ThreadCount::Fixed(1));
        // One page for all.
        args.report = None;
        args
    };
    let source = Source::new(&args.data);
    let target = args.report.as_deref().map(OutputFile::new).transpose()?;
    out.keep_stdout_for(&target);
    let (first, last) = (args_of(*seeds.start()), args_of(*seeds.end()));
    // One test set for all runs, so that they can be compared.
    let (data, classes, note) = validation_rows::load(&first, source, args.json || out.is_quiet())?;
    // NumPy's seeds are bounded.
    Generator::new(&last.random)?;
    let machine = Machine::new(&first.machine)?;
    let mut noted = data_notes::look(&data.train, Some(&data.test), classes);
    noted.notes.extend(note);
    let planned = Plan::new(&first, started)?.with(&machine, source, (&data, classes), noted.clone())?;
    planned.check_memory(if args.precision == Precision::F32 { 4 } else { 8 }, at_once)?;
    let talks = !args.json && !out.is_quiet();
    if talks {
        match args.precision {
            Precision::F32 => planned.print_plan::<f32>(out),
            Precision::F64 => planned.print_plan::<f64>(out),
        }
    }
    interrupt::listen(out.is_quiet());
    let mut ended = Ended::new(args, seeds.clone());
    ended.print_header(out);
    let seed_of = |n: usize| seeds.start() + n as u64;
    side_by_side::run(
        runs,
        at_once,
        |n| one(&args_of(seed_of(n)), (&data, classes, &noted), source, started),
        |n, report| {
            ended.add(seed_of(n), report, out);
            if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    if out.is_closed() {
        return Ok(());
    }
    let page = target.as_ref().map(|target| (target, &planned));
    ended.finish(started, (at_once, noted.notes), page, out)
}

/// A run of one seed, without a word.
fn one(
    args: &TrainArgs,
    (data, classes, noted): (&DataSet, usize, &Noted),
    source: Source,
    started: Instant,
) -> Result<SeedReport, CliError> {
    let generator = Generator::new(&args.random)?;
    let machine = Machine::new(&args.machine)?;
    let reordered = validation_rows::reordered(&data.train, args);
    let reordered = reordered.map(|train| DataSet { train, test: data.test.clone() });
    let data = reordered.as_ref().unwrap_or(data);
    let run = Plan::new(args, started)?.with(&machine, source, (data, classes), noted.clone())?;
    match args.precision {
        Precision::F32 => run.report_of_seed::<f32>(generator),
        Precision::F64 => run.report_of_seed::<f64>(generator),
    }
}

impl TrainingRun<'_> {
    fn page_of_seeds<'a>(
        &self,
        reports: &'a [SeedReport],
        spread: &Spread,
        trouble: Option<&CliError>,
    ) -> SeedsPage<'a> {
        let record = TrainingRecord::new(false, self.schedule.epoch);
        let mut options = match self.args.precision {
            Precision::F32 => self.report_of_failure::<f32>(&record),
            Precision::F64 => self.report_of_failure::<f64>(&record),
        };
        // What each run has of its own.
        if let Some(fields) = options.as_object_mut() {
            for name in ["iterations", "seed", "threads", "total_seconds"] {
                fields.remove(name);
            }
        }
        let of_seed = |share: f64, seed: u64| format!("{} (seed {seed})", percent(share));
        SeedsPage {
            title: format!("{} on {}", count(spread.runs, "run"), self.source.title()),
            trouble: trouble.map(ToString::to_string),
            spread: vec![
                ("mean", percent(spread.mean)),
                ("standard deviation", spread.standard_deviation.map_or("–".into(), percent)),
                ("min", of_seed(spread.least, spread.least_seed)),
                ("max", of_seed(spread.greatest, spread.greatest_seed)),
            ],
            runs: reports
                .iter()
                .map(|r| SeedRun {
                    seed: r.seed,
                    test_loss: r.test_loss,
                    train_accuracy: r.train_accuracy,
                    test_accuracy: r.test_accuracy,
                    history: &r.history,
                })
                .collect(),
            options,
        }
    }

    fn report_of_seed<T: Float>(&self, generator: Generator) -> Result<SeedReport, CliError> {
        let (mut state, mut sampler) = self.start::<T>(generator)?;
        self.train(&mut state, sampler.as_mut(), false, &mut Output::new(true))?;
        let outcome = state.outcome;
        Ok(SeedReport {
            seed: self.args.random.seed,
            iterations: outcome.iterations,
            test_loss: outcome.test_loss,
            train_accuracy: outcome.train_accuracy,
            test_accuracy: outcome.test_accuracy,
            train_seconds: outcome.train_seconds,
            interrupted: outcome.early == Some(EarlyStop::Interrupted),
            warnings: self.warnings(&state.record.history),
            history: state.record.history,
        })
    }
}

/// The runs that ended, printed in the order of their seeds.
struct Ended<'a> {
    args: &'a TrainArgs,
    seeds: RangeInclusive<u64>,
    /// The seed that is printed next.
    next: u64,
    waiting: BTreeMap<u64, Result<SeedReport, CliError>>,
    reports: Vec<SeedReport>,
    failures: Vec<String>,
}

impl<'a> Ended<'a> {
    fn new(args: &'a TrainArgs, seeds: RangeInclusive<u64>) -> Self {
        let next = *seeds.start();
        Ended { args, seeds, next, waiting: BTreeMap::new(), reports: Vec::new(), failures: Vec::new() }
    }

    fn print_header(&self, out: &mut Output) {
        if !self.args.json && !out.is_quiet() {
            out.line(self.row("seed", ["test loss", "train", "test"]));
        }
    }

    /// A row as wide as the last seed needs.
    fn row(&self, seed: &str, [loss, train, test]: [&str; 3]) -> String {
        let width = self.seeds.end().to_string().len().max("seed".len());
        format!("{seed:>width$}  {loss:>9}  {train:>7}  {test:>7}")
    }

    fn add(&mut self, seed: u64, report: Result<SeedReport, CliError>, out: &mut Output) {
        self.waiting.insert(seed, report);
        while let Some(report) = self.waiting.remove(&self.next) {
            let seed = self.next;
            self.next = seed.wrapping_add(1);
            self.print(seed, report, out);
        }
    }

    fn print(&mut self, seed: u64, report: Result<SeedReport, CliError>, out: &mut Output) {
        let report = match report {
            // As if it had not begun.
            Ok(report) if report.interrupted => return,
            Ok(report) => report,
            Err(error) => {
                let error = error.to_string();
                self.failures.push(format!("seed {seed}: {error}"));
                if self.args.json {
                    let _ = out.json(&SeedFailure { seed, error });
                }
                return;
            }
        };
        if self.args.json {
            let _ = out.json(&report);
        } else {
            let loss = loss(report.test_loss);
            let (train, test) = (percent(report.train_accuracy), percent(report.test_accuracy));
            if !out.is_quiet() {
                out.line(self.row(&seed.to_string(), [&loss, &train, &test]));
            }
            report.warnings.iter().for_each(|warning| out.caution("Warning", format_args!("seed {seed}: {warning}")));
        }
        self.reports.push(report);
    }

    /// Prints the spread; fails if a run did, or was interrupted.
    fn finish(
        self,
        started: Instant,
        (at_once, notes): (usize, Vec<String>),
        page: Option<(&OutputFile, &TrainingRun)>,
        out: &mut Output,
    ) -> Result<(), CliError> {
        let ended = self.failure();
        let mut written = Ok(());
        if let Some(mut spread) = spread(&self.reports, started, notes) {
            if let Some((target, run)) = page {
                written =
                    target.write(run.page_of_seeds(&self.reports, &spread, ended.as_ref().err()).html().as_bytes());
                spread.report = written.is_ok().then(|| target.shown().to_string());
            }
            match self.args.json {
                true => out.json(&spread)?,
                false => print_spread(&spread, at_once, out),
            }
        }
        ended.and(written)
    }

    /// An error if a run failed, or is missing.
    fn failure(&self) -> Result<(), CliError> {
        let runs = (self.seeds.end() - self.seeds.start()) as usize + 1;
        match (self.failures.as_slice(), self.reports.len()) {
            ([], done) if done == runs => Ok(()),
            ([], done) => Err(CliError::new(format!("interrupted after {done} of {}", count(runs, "run")))),
            (failures, _) => {
                let failed = format!("{} of {} failed", failures.len(), count(runs, "run"));
                Err(CliError::new(failed).with_items(failures))
            }
        }
    }
}

fn spread(reports: &[SeedReport], started: Instant, notes: Vec<String>) -> Option<Spread> {
    let by_accuracy = |a: &&SeedReport, b: &&SeedReport| a.test_accuracy.total_cmp(&b.test_accuracy);
    // Of equals, the first seed.
    let (least, greatest) = (reports.iter().min_by(by_accuracy)?, reports.iter().rev().max_by(by_accuracy)?);
    let runs = reports.len();
    let mean = reports.iter().map(|report| report.test_accuracy).sum::<f64>() / runs as f64;
    let squares: f64 = reports.iter().map(|report| (report.test_accuracy - mean).powi(2)).sum();
    Some(Spread {
        runs,
        mean,
        standard_deviation: (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt()),
        least: least.test_accuracy,
        least_seed: least.seed,
        greatest: greatest.test_accuracy,
        greatest_seed: greatest.seed,
        total_seconds: started.elapsed().as_secs_f64(),
        notes,
        report: None,
    })
}

fn print_spread(spread: &Spread, at_once: usize, out: &mut Output) {
    if !out.is_quiet() {
        out.line("");
    }
    let Spread { runs, least_seed, greatest_seed, .. } = spread;
    let (runs, time) = (count(*runs, "run"), seconds(spread.total_seconds));
    out.field("Trained", format_args!("{runs} in {time}, {at_once} at a time, each on 1 thread"));
    let deviation = spread.standard_deviation.map_or("-".into(), percent);
    out.field(
        "Accuracy",
        format_args!(
            "{} on the test set, standard deviation {deviation}",
            color::paint(color::STRONG, percent(spread.mean))
        ),
    );
    let (least, greatest) = (percent(spread.least), percent(spread.greatest));
    out.field("Range", format_args!("{least} (seed {least_seed}) to {greatest} (seed {greatest_seed})"));
    if let Some(file) = &spread.report {
        out.field("Report", file);
    }
}
