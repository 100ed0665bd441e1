//! `twolayer tune`: a random search for options, by the accuracy on rows that are held out.

mod trial;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use twolayer_core::Float;
use twolayer_idx::DataSet;

use super::outcome::EarlyStop;
use super::plan::Plan;
use super::run::TrainingRun;
use super::validation_rows;
use crate::args::{Precision, ThreadCount, TrainArgs, TuneArgs};
use crate::data::Source;
use crate::data_notes::{self, Noted};
use crate::error::CliError;
use crate::html_report::TrialsPage;
use crate::interrupt;
use crate::machine::Machine;
use crate::number_format::{count, grouped, percent, seconds};
use crate::output::Output;
use crate::output_file::OutputFile;
use crate::random::Generator;
use crate::side_by_side;
use crate::terminal::Table;
use crate::waiting_bar::WaitingBar;
use trial::{Measured, Trial};

/// The generator's stream for this; weights, batches and validation rows have others.
const STREAM: u64 = 2;
/// Draws for each trial until the values count as exhausted.
const DRAWS: usize = 20;

/// The output of `--json`.
#[derive(Serialize)]
struct TuneReport<'a> {
    /// The command that repeats the best trial.
    command: Option<&'a str>,
    data: String,
    rows: usize,
    validation_rows: usize,
    total_seconds: f64,
    csv: Option<String>,
    /// The HTML report that was written.
    report: Option<String>,
    /// What is unusual about the training set.
    notes: &'a [String],
    /// The best first.
    trials: &'a [Trial],
}

/// What the trials share.
struct Search<'a> {
    source: Source<'a>,
    machine: Machine,
    /// The rows to train on, and those held out.
    data: DataSet,
    classes: usize,
    noted: Noted,
    trials: Vec<TrainArgs>,
    started: Instant,
}

/// Runs `twolayer tune`.
pub fn run(args: &TuneArgs, out: &mut Output) -> Result<(), CliError> {
    let started = Instant::now();
    if !args.momentum.is_empty() && !args.optimizer.iter().any(|optimizer| optimizer.has_momentum()) {
        return Err(CliError::usage("--momentum is for --optimizer momentum or nesterov"));
    }
    if args.validation == 0.0 {
        return Err(CliError::usage("--validation 0 leaves no rows to compare the trials with; try 0.1"));
    }
    let csv = args.csv.as_deref().map(OutputFile::new).transpose()?;
    let page = args.report.as_deref().map(OutputFile::new).transpose()?;
    out.keep_stdout_for(csv.iter().chain(&page));
    let trials = draw(args);
    Generator::new(&args.random)?;
    let quiet = args.json || out.is_quiet();
    let source = Source::new(&args.data);
    let (all, classes, note) = validation_rows::load(&trials[0], source, quiet)?;
    let mut noted = data_notes::look(&all.train, None, classes);
    noted.notes.extend(note);
    let data = validation_rows::split(&all.train, args.validation, args.random.seed)?;
    let mut machine = args.machine.clone();
    machine.threads = ThreadCount::Fixed(1);
    let search = Search { source, machine: Machine::new(&machine)?, data, classes, noted, trials, started };
    let at_once = side_by_side::at_once(args.machine.threads, search.trials.len());
    search.check(at_once)?;
    interrupt::listen(out.is_quiet());
    if !quiet {
        search.print_plan(args, out);
    }
    let trials = search.run(at_once, quiet);
    let ended = search.failure(&trials);
    let mut report = search.report(&trials);
    let table = csv.map_or(Ok(None), |file| written(&file, &trial::csv(&trials)));
    report.csv = table.as_ref().ok().cloned().flatten();
    let page = page.map_or(Ok(None), |file| written(&file, &search.page(&report, ended.as_ref().err()).html()));
    report.report = page.as_ref().ok().cloned().flatten();
    match args.json {
        true => out.json(&report)?,
        false => print(&report, at_once, out),
    }
    table.and(page).and(ended)
}

/// Writes a file, and returns its name.
fn written(file: &OutputFile, text: &str) -> Result<Option<String>, CliError> {
    file.write(text.as_bytes()).map(|()| Some(file.shown().to_string()))
}

/// The trials, all different; fewer than asked for if there are no more.
fn draw(args: &TuneArgs) -> Vec<TrainArgs> {
    let mut rng = ChaCha8Rng::seed_from_u64(args.random.seed);
    rng.set_stream(STREAM);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let (mut trials, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 0..DRAWS * args.trials {
        let trial = args.draw(&mut uniform);
        if seen.insert(trial.of_run(true)) {
            trials.push(trial);
        }
        if trials.len() == args.trials {
            break;
        }
    }
    trials
}

impl Search<'_> {
    /// The run of a trial. What it validates with is its test set, so that no other is looked at.
    fn plan<'a>(&'a self, args: &'a TrainArgs) -> Result<TrainingRun<'a>, CliError> {
        Plan::new(args, self.started)?.with(&self.machine, self.source, (&self.data, self.classes), self.noted.clone())
    }

    /// An error if a trial could not begin.
    fn check(&self, at_once: usize) -> Result<(), CliError> {
        for args in &self.trials {
            let args = without_validation(args);
            let width = if args.precision == Precision::F32 { 4 } else { 8 };
            self.plan(&args)?.check_memory(width, at_once)?;
        }
        Ok(())
    }

    /// The trials that ended, the best first.
    fn run(&self, at_once: usize, quiet: bool) -> Vec<Trial> {
        let mut ended: Vec<Trial> = Vec::new();
        let mut bar = WaitingBar::parts("trials", self.trials.len() as u64, !quiet);
        let each = |n: usize, result: Result<Option<Measured>, CliError>| {
            let args = &self.trials[n];
            match result {
                // As if it had not begun.
                Ok(None) => {}
                Ok(Some(measured)) => ended.push(Trial::new(n, args, Some(measured))),
                // `check` saw to all else.
                Err(_) => ended.push(Trial::new(n, args, None)),
            }
            bar.at(ended.len() as u64);
            ControlFlow::Continue(())
        };
        side_by_side::run(self.trials.len(), at_once, |n| self.one(&without_validation(&self.trials[n])), each);
        drop(bar);
        ended.sort_by(Trial::compare);
        ended
    }

    /// A trial without a word; none if interrupted.
    fn one(&self, args: &TrainArgs) -> Result<Option<Measured>, CliError> {
        let (run, generator) = (self.plan(args)?, Generator::new(&args.random)?);
        match args.precision {
            Precision::F32 => run.measure_trial::<f32>(generator),
            Precision::F64 => run.measure_trial::<f64>(generator),
        }
    }

    fn print_plan(&self, args: &TuneArgs, out: &mut Output) {
        out.field("Data", self.source.describe());
        self.noted.notes.iter().for_each(|note| out.field("Note", note));
        let (rows, held_out) = (count(self.data.train.rows(), "training row"), grouped(self.data.test.rows()));
        out.field("Training", format_args!("on {rows}; the test set is not used"));
        out.field("Validate", format_args!("on {held_out} others, drawn by the seed, the same share of each class"));
        let trials = self.trials.len();
        let fewer = if trials < args.trials { ", all that there are" } else { "" };
        out.field("Search", format_args!("{}{fewer}, seed {}", count(trials, "trial"), args.random.seed));
        out.line("");
    }

    /// An error if trials are missing, or none of them is of use.
    fn failure(&self, trials: &[Trial]) -> Result<(), CliError> {
        match (self.trials.len(), trials.len()) {
            (all, done) if done < all => {
                Err(CliError::new(format!("interrupted after {done} of {}", count(all, "trial"))))
            }
            _ if trials[0].measured.is_none() => Err(CliError::new("all trials diverged; try lower rates with --lr")),
            _ => Ok(()),
        }
    }

    fn report<'a>(&'a self, trials: &'a [Trial]) -> TuneReport<'a> {
        TuneReport {
            command: trials.first().filter(|best| best.measured.is_some()).map(|best| best.command.as_str()),
            data: self.source.name(),
            rows: self.data.train.rows(),
            validation_rows: self.data.test.rows(),
            total_seconds: self.started.elapsed().as_secs_f64(),
            csv: None,
            report: None,
            notes: &self.noted.notes,
            trials,
        }
    }

    fn page<'a>(&self, report: &'a TuneReport, trouble: Option<&CliError>) -> TrialsPage<'a> {
        let point = |trial: &Trial| (trial.lr, trial.measured.as_ref().map(|m| 1.0 - m.validation_accuracy));
        TrialsPage {
            title: format!("{} on {}", count(report.trials.len(), "trial"), self.source.title()),
            trouble: trouble.map(ToString::to_string),
            command: report.command,
            points: report.trials.iter().map(point).collect(),
            table: trial::table(report.trials),
            options: serde_json::to_value(report).unwrap_or_default(),
        }
    }
}

fn print(report: &TuneReport, at_once: usize, out: &mut Output) {
    let table = trial::table(report.trials);
    if let Some(header) = table.first() {
        let cell = |row: usize, column: usize| table[row][column].clone();
        out.table(&Table { rows: table.len(), columns: header.len(), cell: &cell, left: &[] });
        out.line("");
    }
    let (done, time) = (count(report.trials.len(), "trial"), seconds(report.total_seconds));
    out.context("Tried", format_args!("{done} in {time}, {at_once} at a time, each on 1 thread"));
    if let Some((best, measured)) = report.trials.first().and_then(|best| Some((best, best.measured.as_ref()?))) {
        let accuracy = percent(measured.validation_accuracy);
        out.field("Best", format_args!("trial {}: {accuracy} of the rows held out", best.trial));
        // In one line, to be copied.
        out.line(format_args!("Repeat    {}", best.command));
    }
    for (name, file) in [("Table", &report.csv), ("Report", &report.report)] {
        file.iter().for_each(|file| out.field(name, file));
    }
}

/// The same training on a data set of which the rows are held out already.
fn without_validation(args: &TrainArgs) -> TrainArgs {
    let mut args = args.clone();
    args.learning.validation = None;
    args
}

impl TrainingRun<'_> {
    fn measure_trial<T: Float>(&self, generator: Generator) -> Result<Option<Measured>, CliError> {
        let (mut state, mut sampler) = self.start::<T>(generator)?;
        self.train(&mut state, sampler.as_mut(), false, &mut Output::new(true))?;
        let outcome = state.outcome;
        Ok((outcome.early != Some(EarlyStop::Interrupted)).then_some(Measured {
            validation_accuracy: outcome.test_accuracy,
            validation_loss: outcome.test_loss,
            train_accuracy: outcome.train_accuracy,
        }))
    }
}
