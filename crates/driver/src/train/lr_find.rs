//! `twolayer lr-find`: Smith's range test, which trains with a rising learning rate and suggests one.

use std::ops::ControlFlow;
use std::time::Instant;

use serde::Serialize;
use twolayer_core::{Error, Float, TrainOptions};

use super::plan::Plan;
use super::run::TrainingRun;
use super::validation_rows;
use crate::args::{LrFindArgs, Precision};
use crate::data::{self, Source};
use crate::data_notes;
use crate::error::CliError;
use crate::html_report::Plot;
use crate::html_report::range_test::{RangeTest, Step, short};
use crate::interrupt;
use crate::machine::Machine;
use crate::number_format::count;
use crate::output::Output;
use crate::progress::Progress;
use crate::random::Generator;

/// The output of `--json`.
#[derive(Serialize)]
struct RangeReport<'a> {
    suggestion: Option<f64>,
    least_loss: Option<f64>,
    least_loss_lr: Option<f64>,
    /// Whether the test ended because the loss rose.
    diverged: bool,
    from: f64,
    to: f64,
    iterations: usize,
    data: String,
    plot: Option<String>,
    /// What is unusual about the training set.
    notes: Vec<String>,
    steps: &'a [Step],
}

/// Runs `twolayer lr-find`.
pub fn run(args: &LrFindArgs, out: &mut Output) -> Result<(), CliError> {
    if args.from >= args.to {
        return Err(CliError::usage(format!("--from {} must be below --to {}", args.from, args.to)));
    }
    let training = args.training();
    let plot = args.plot.as_deref().map(Plot::new).transpose()?;
    let generator = Generator::new(&args.random)?;
    let plan = Plan::new(&training, Instant::now())?;
    out.keep_stdout_for(plot.iter().map(|plot| &plot.target));
    let (machine, source) = (Machine::new(&args.machine)?, Source::new(&args.data));
    let quiet = args.json || out.is_quiet();
    let (data, classes, note) = validation_rows::load(&training, source, quiet)?;
    let mut noted = data_notes::look(&data.train, None, classes);
    noted.notes.extend(note);
    let run = plan.with(&machine, source, (&data, classes), noted)?;
    interrupt::listen(out.is_quiet());
    let test = match args.precision {
        Precision::F32 => range_test::<f32>(&run, args, generator, quiet),
        Precision::F64 => range_test::<f64>(&run, args, generator, quiet),
    }?;
    let written = plot.as_ref().map_or(Ok(()), |plot| plot.write_range_test(&test));
    print(args, &run, &test, plot.filter(|_| written.is_ok()), out)?;
    written?;
    match test.suggestion() {
        Some(_) => Ok(()),
        None => Err(CliError::new(format!(
            "no suggestion: the loss did not fall between the learning rates {} and {}; try others with --from and \
             --to, or more --iters",
            args.from, args.to
        ))),
    }
}

/// Trains with the rising rate.
fn range_test<T: Float>(
    run: &TrainingRun,
    args: &LrFindArgs,
    generator: Generator,
    quiet: bool,
) -> Result<RangeTest, CliError> {
    run.check_memory(size_of::<T>(), 1)?;
    let (mut state, mut sampler) = run.start::<T>(generator)?;
    let progress = Progress::new(args.iters, !quiet);
    let last = (args.iters - 1).max(1) as f64;
    let mut test = RangeTest::default();
    for iteration in 0..args.iters {
        if interrupt::asked() {
            return Err(CliError::new(format!("interrupted after {}", count(iteration, "iteration"))));
        }
        let lr = args.from * (args.to / args.from).powf(iteration as f64 / last);
        let options = TrainOptions {
            batch: args.size.batch,
            learning_rate: lr,
            iterations: 1,
            first_iteration: iteration,
            gradient: run.gradient,
        };
        let (rows, labels) = data::first(&run.data.train, run.rows);
        let mut loss = f64::NAN;
        let trained = state.optimizer.train(&mut state.net, rows, labels, sampler.as_mut(), &options, &mut |step| {
            loss = step.loss;
            ControlFlow::Continue(())
        });
        progress.iteration(iteration, loss);
        match trained {
            Err(Error::Diverged { .. }) => {
                test.diverged = true;
                break;
            }
            other => other?,
        };
        if !test.push(lr, loss) {
            break;
        }
    }
    Ok(test)
}

fn print(
    args: &LrFindArgs,
    run: &TrainingRun,
    test: &RangeTest,
    plot: Option<Plot>,
    out: &mut Output,
) -> Result<(), CliError> {
    let (least, iterations) = (test.least(), test.steps.len());
    let plot = plot.map(|plot| plot.target.shown().to_string());
    if args.json {
        return out.json(&RangeReport {
            suggestion: test.suggestion(),
            least_loss: least.map(|step| step.smoothed),
            least_loss_lr: least.map(|step| step.lr),
            diverged: test.diverged,
            from: args.from,
            to: args.to,
            iterations,
            data: run.source.name(),
            plot,
            notes: run.notes.clone(),
            steps: &test.steps,
        });
    }
    out.context("Data", run.source.describe());
    run.notes.iter().for_each(|note| out.context("Note", note));
    let end = test.steps.last().map_or(args.from, |step| step.lr);
    let why = if test.diverged { ", where the loss diverged" } else { "" };
    let iterations = count(iterations, "iteration");
    out.context("Tested", format_args!("learning rates from {} to {}{why}, in {iterations}", args.from, short(end)));
    if let Some((least, suggestion)) = least.zip(test.suggestion()) {
        let (loss, rate) = (least.smoothed, least.lr);
        out.context("Least", format_args!("smoothed loss {loss:.4}, at the learning rate {}", short(rate)));
        out.field("Suggested", format_args!("--lr {suggestion}"));
    }
    if let Some(plot) = plot {
        out.field("Curve", plot);
    }
    Ok(())
}
