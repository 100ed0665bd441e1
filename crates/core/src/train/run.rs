//! A training run: checked arguments in, a result out.
//!
//! It is a chain of segments, so that the number of workers can change between them. A pool that chooses the number by
//! measuring is told what the iterations of each segment took.

use super::options::{Progress, TrainOptions, TrainSummary};
use super::sampler::Sampler;
use super::training_loop::{Context, Leader, Reached, Worker};
use crate::error::{Error, Result};
use crate::math::Float;
use crate::network::{Input, Parameters, STATES, Shape, Step, TwoLayerNet};
use crate::threads::{Barrier, Choice, First, Instant, NotRun, kind_of_work, run_workers};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

/// Seconds of a segment where the number of workers is chosen by measuring, and of a trial.
const SEGMENT: f64 = 0.02;
const TRIAL: f64 = 0.002;
/// Multiply-adds per second that are assumed for an iteration that has not been measured: many, so that a short trial
/// has enough iterations where zeros are skipped.
const ASSUMED_RATE: f64 = 1e11;
/// A segment ends early if its iterations take this many times as long as with the best number of workers: other
/// programs keep a worker from running, and the others wait for it.
const MAX_SLOWDOWN: f64 = 3.0;

/// The state of an optimiser, and its step by the iteration's number in this call.
type Stateful<'a, T> = (&'a mut [Parameters<T>; STATES], &'a (dyn Fn(usize) -> Step<T> + Sync));

/// A call of `train`, its arguments checked.
pub(super) struct Training<'a, T: Float> {
    pub net: &'a mut TwoLayerNet<T>,
    pub labels: &'a [u32],
    pub sampler: &'a mut dyn Sampler,
    pub options: &'a TrainOptions,
    pub observer: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    /// For optimisers that keep state.
    pub optimizer: Option<Stateful<'a, T>>,
}

impl<T: Float> Training<'_, T> {
    /// Trains on the rows `data`. Returns the steps taken, and the result.
    ///
    /// # Errors
    /// If the system refuses a thread; nothing has been changed then.
    pub fn run<P: Input<T>>(self, data: &[P]) -> Result<(usize, Result<TrainSummary>)> {
        let Training { net, labels, sampler, options, observer, optimizer } = self;
        let (shape, batch) = (net.shape(), options.batch);
        let (mut state, step) = optimizer.unzip();
        let context = Context::new((shape, net.loss_epsilon), options, (data, labels), step);
        let mut leader = Leader::new(sampler, observer, options);
        leader.draw(&context, 0);
        leader.draw(&context, 1);
        let pool = net.threads.pool();
        let kind = kind_of_work(&(std::any::type_name::<(T, P)>(), state.is_some(), shape, batch));
        let (mut workers, mut most) = (Vec::new(), shape.max_threads());
        let mut reached = Reached { iterations: 0, loss: f64::NAN };
        while reached.iterations < context.limit.load(Ordering::Relaxed) {
            let choice = pool.choose(kind, most, First::One);
            if workers.len() != choice.threads {
                store(&workers, net, &mut state);
                workers = shape
                    .shares(choice.threads)
                    .map(|blocks| Worker::new(net, state.as_deref(), blocks, batch))
                    .collect();
            }
            leader.patience = MAX_SLOWDOWN * choice.expected;
            context.stop.store(usize::MAX, Ordering::Relaxed);
            let end = reached.iterations.saturating_add(segment(choice, shape, batch));
            let (level, context, start) = (net.level, &context, Instant::now());
            let lead = |worker: &mut Worker<T, P>, barrier: &Barrier| {
                worker.train((level, context), barrier, (reached, end), Some(&mut leader))
            };
            let follow = |worker: &mut Worker<T, P>, barrier: &Barrier| {
                worker.train((level, context), barrier, (reached, end), None);
            };
            match run_workers(&pool, &mut workers, lead, follow) {
                Ok(now) => {
                    let taken = (now.iterations - reached.iterations).max(1);
                    pool.record(kind, choice.threads, start.elapsed().as_secs_f64() / taken as f64);
                    reached = now;
                    let diverged = context.diverged.load(Ordering::Relaxed) != usize::MAX || !reached.loss.is_finite();
                    if leader.is_stopped || diverged {
                        break;
                    }
                }
                // Another call uses the threads.
                Err(NotRun::Busy) => most = 1,
                Err(NotRun::Refused(_)) if pool.is_auto() => pool.record(kind, choice.threads, f64::MAX),
                Err(NotRun::Refused(refused)) => {
                    return Err(Error::Thread { threads: choice.threads, what: refused.to_string() });
                }
            }
        }
        store(&workers, net, &mut state);
        let summary = TrainSummary {
            iterations: reached.iterations,
            final_loss: reached.loss,
            threads: pool.fastest(kind, most),
        };
        let result = result(&context, leader, &net.parameters, (summary, options.iterations));
        Ok((summary.iterations, result))
    }
}

/// The iterations of the next segment: all of them where there is no choice.
fn segment(choice: Choice, shape: Shape, batch: usize) -> usize {
    let (seconds, expected) = match (choice.is_trial, choice.expected < f64::INFINITY) {
        (true, false) => (TRIAL, 2.0 * shape.parameters() as f64 * batch as f64 / ASSUMED_RATE),
        (true, true) => (TRIAL, choice.expected),
        (false, true) => (SEGMENT, choice.expected),
        (false, false) => return usize::MAX,
    };
    // A conversion that saturates.
    ((seconds / expected) as usize).max(1)
}

/// Copies the workers' weights to the network, and their optimiser state to `state`.
fn store<T: Float, P: Input<T>>(
    workers: &[Worker<T, P>],
    net: &mut TwoLayerNet<T>,
    state: &mut Option<&mut [Parameters<T>; STATES]>,
) {
    let Some(first) = workers.first() else { return };
    workers.iter().for_each(|w| w.shard.store(&mut net.parameters));
    first.output.store(&mut net.parameters);
    if let Some(state) = state {
        workers.iter().for_each(|w| w.shard.store_state(state));
        first.output.store_state(state);
    }
}

/// The result of a run that was to take `iterations` steps.
fn result<T: Float, P>(
    context: &Context<'_, T, P>,
    leader: Leader<'_>,
    parameters: &Parameters<T>,
    (summary, iterations): (TrainSummary, usize),
) -> Result<TrainSummary> {
    let done = summary.iterations;
    let diverged = |iteration, what| Err(Error::Diverged { iteration: leader.first_iteration + iteration, what });
    match context.diverged.load(Ordering::Relaxed) {
        usize::MAX => {}
        at => return diverged(at, parameters.first_not_finite().map_or("a weight", |(p, ..)| p.name())),
    }
    match leader.invalid_batch {
        // The run reached this batch. One that was drawn ahead of an earlier end is not an error.
        Some((t, error)) if t == done && !leader.is_stopped => Err(error),
        _ if done < iterations && !summary.final_loss.is_finite() => diverged(done, "the loss"),
        _ => Ok(summary),
    }
}
