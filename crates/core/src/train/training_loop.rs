//! The training loop.
//!
//! Each worker owns a shard of the hidden layer: some blocks of hidden units, whose weights are in memory of its own.
//! Transfers between cores are slow, so each worker gathers the whole batch itself, and keeps its own output layer. Only
//! the logits' parts cross, one for each block. Step t of worker w:
//!
//! ```text
//! gather the batch, with its masks
//! parts[t mod 2][blocks of w] ← activation(X·W1[columns of w] + b1) · W2[rows of w]    prefetching the next batch
//! w = 0: draw the batch of step t + 2
//! barrier
//! logits ← b2 + parts[t mod 2] of all blocks, in order;  loss, dY                      each worker for itself
//! dA ← dY·W2ᵀ ⊙ activation′;  W2, b1, W1, b2 ← … − rate · gradient                     as it leaves the registers
//! ```
//!
//! One barrier a step is enough: parts and lists of indices rotate through several buffers, and no worker can write one
//! again before all workers have passed the barrier after its last use.

use super::barrier::Barrier;
use super::options::{Progress, TrainOptions, TrainSummary};
use super::sampler::Sampler;
use super::workers::{Shared, run};
use crate::error::{Error, Result};
use crate::math::Float;
use crate::network::{
    BATCH_BLOCK, BLOCK, Input, MiniBatch, OutputLayer, Parameters, Prefetch, STATES, SgdUpdate, Shard, Step,
    TwoLayerNet,
};
use crate::simd::Level;
use crate::softmax::LossSum;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Index lists: one in use, one being prefetched, one being drawn.
const LISTS: usize = 3;

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

/// What the workers share, besides the barrier.
struct Context<'a, T, P> {
    rate: T,
    /// The steps of an optimiser with state.
    step: Option<&'a (dyn Fn(usize) -> Step<T> + Sync)>,
    inputs: usize,
    data: &'a [P],
    labels: &'a [u32],
    batch: usize,
    /// Parts of the logits, blocks × rows × classes (padded), for even and odd phases.
    parts: [Shared<T>; 2],
    /// Hidden blocks × classes (padded), and classes (padded).
    part_sizes: (usize, usize),
    lists: [Shared<u64>; LISTS],
    /// The number of iterations; lowered if the sampler chooses a row that does not exist. Written before a barrier, read
    /// after it.
    limit: AtomicUsize,
    /// The iteration after which to stop, if before the limit.
    stop: AtomicUsize,
    /// The first iteration that left a weight that is not finite.
    diverged: AtomicUsize,
}

/// One worker's state.
struct Worker<T: Float, P> {
    blocks: Range<usize>,
    shard: Shard<T>,
    output: OutputLayer<T>,
    batch: MiniBatch<T, P>,
    labels: Vec<u32>,
}

/// What only the first worker does: draw batches and report progress.
struct Leader<'a> {
    sampler: &'a mut dyn Sampler,
    observer: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    first_iteration: usize,
    indices: Vec<usize>,
    /// An iteration whose batch has a row that does not exist.
    invalid_batch: Option<(usize, Error)>,
}

/// The end of a worker's loop.
struct Ended {
    iterations: usize,
    loss: f64,
}

impl<T: Float> Training<'_, T> {
    /// Trains on the rows `data`; `STATEFUL` tells whether there is an optimiser with state. Returns the steps taken, and
    /// the result.
    ///
    /// # Errors
    /// If the system refuses a thread; nothing has been changed then.
    pub fn run<P: Input<T>, const STATEFUL: bool>(self, data: &[P]) -> Result<(usize, Result<TrainSummary>)> {
        let Training { net, labels, sampler, options, observer, optimizer } = self;
        let (shape, batch) = (net.shape(), options.batch);
        let capacity = batch.min(BATCH_BLOCK);
        let (blocks, classes) = (shape.hidden_padded() / BLOCK, shape.classes_padded());
        let (mut state, step) = optimizer.filter(|_| STATEFUL).unzip();
        let context = Context {
            rate: T::from_f64(options.learning_rate),
            step,
            inputs: shape.inputs(),
            data,
            labels,
            batch,
            parts: std::array::from_fn(|_| Shared::new([blocks, capacity, classes])),
            part_sizes: (blocks * classes, classes),
            lists: std::array::from_fn(|_| Shared::new([batch])),
            limit: AtomicUsize::new(options.iterations),
            stop: AtomicUsize::new(usize::MAX),
            diverged: AtomicUsize::new(usize::MAX),
        };
        let first_iteration = options.first_iteration;
        let mut leader = Leader { sampler, observer, first_iteration, indices: vec![0; batch], invalid_batch: None };
        leader.draw(&context, 0);
        leader.draw(&context, 1);
        let count = options.threads.min(shape.max_threads());
        let worker = |w| {
            let mine = blocks * w / count..blocks * (w + 1) / count;
            let mut worker = Worker {
                shard: Shard::new((net.level, net.activation), &net.parameters, mine.clone(), capacity),
                blocks: mine,
                output: OutputLayer::new(net.level, &net.parameters, capacity),
                batch: MiniBatch::for_training(shape.inputs(), capacity),
                labels: Vec::with_capacity(capacity),
            };
            if let Some(state) = &state {
                worker.shard.load_state(state);
                worker.output.load_state(state);
            }
            worker
        };
        let mut workers: Vec<_> = (0..count).map(worker).collect();
        let ended = run(
            &mut workers,
            |worker, barrier| worker.train::<STATEFUL>(net.level, &context, barrier, Some(&mut leader)),
            |worker, barrier| {
                worker.train::<STATEFUL>(net.level, &context, barrier, None);
            },
        );
        let ended = ended.map_err(|refused| Error::Thread { threads: count, what: refused.to_string() })?;
        workers.iter().for_each(|w| w.shard.store(&mut net.parameters));
        workers[0].output.store(&mut net.parameters);
        if let Some(state) = &mut state {
            workers.iter().for_each(|w| w.shard.store_state(state));
            workers[0].output.store_state(state);
        }
        Ok((ended.iterations, result(context, leader, &net.parameters, (ended, options.iterations))))
    }
}

/// The result of a run that was to take `iterations` steps.
fn result<T: Float, P>(
    context: Context<'_, T, P>,
    leader: Leader<'_>,
    parameters: &Parameters<T>,
    (ended, iterations): (Ended, usize),
) -> Result<TrainSummary> {
    let done = ended.iterations;
    let diverged = |iteration, what| Err(Error::Diverged { iteration: leader.first_iteration + iteration, what });
    match context.diverged.into_inner() {
        usize::MAX => {}
        at => return diverged(at, parameters.first_not_finite().map_or("a weight", |(p, ..)| p.name())),
    }
    match leader.invalid_batch {
        // The run reached this batch. One that was drawn ahead of an earlier end is not an error.
        Some((t, error)) if t == done && context.stop.into_inner() == usize::MAX => Err(error),
        _ if done < iterations && !ended.loss.is_finite() => diverged(done, "the loss"),
        _ => Ok(TrainSummary { iterations: done, final_loss: ended.loss }),
    }
}

impl Leader<'_> {
    /// Draws the batch of iteration `t`, if there is one.
    fn draw<T, P>(&mut self, context: &Context<'_, T, P>, t: usize) {
        if t >= context.limit.load(Ordering::Relaxed) {
            return;
        }
        self.sampler.next_batch(&mut self.indices);
        let rows = context.labels.len();
        if let Some(&row) = self.indices.iter().find(|&&row| row >= rows) {
            self.invalid_batch = Some((t, Error::Sample { iteration: self.first_iteration + t, row, rows }));
            context.limit.store(t, Ordering::Relaxed);
            return;
        }
        // SAFETY: the list of iteration t was last read in iteration t − 3, and the leader, drawing two ahead, has passed
        // the barrier of iteration t − 3; workers read the list after their next barrier.
        let list = unsafe { context.lists[t % LISTS].write(0..self.indices.len()) };
        list.iter_mut().zip(&self.indices).for_each(|(to, &from)| *to = from as u64);
    }
}

impl<T: Float, P: Input<T>> Worker<T, P> {
    fn train<const STATEFUL: bool>(
        &mut self,
        level: Level,
        context: &Context<'_, T, P>,
        barrier: &Barrier,
        mut leader: Option<&mut Leader<'_>>,
    ) -> Ended {
        let mut ended = Ended { iterations: 0, loss: f64::NAN };
        let mut phase = 0;
        while ended.iterations < context.limit.load(Ordering::Relaxed) {
            let t = ended.iterations;
            let mut losses = LossSum::default();
            for first in (0..context.batch).step_by(BATCH_BLOCK) {
                let rows = first..context.batch.min(first + BATCH_BLOCK);
                self.forward(level, context, (t, phase), rows.clone());
                if let Some(leader) = leader.as_mut().filter(|_| first == 0) {
                    leader.draw(context, t + 2);
                }
                if barrier.wait().is_err() || context.stop.load(Ordering::Relaxed) < t {
                    return ended;
                }
                // SAFETY: parts of this parity are written again in the next phase but one, after another barrier.
                let parts = unsafe { context.parts[phase % 2].read() };
                self.output.forward(&parts[..rows.len() * context.part_sizes.0], rows.len());
                self.output.loss_gradient(&self.labels, context.batch, &mut losses);
                phase += 1;
                if rows.end < context.batch {
                    self.backward(first > 0);
                }
            }
            ended.loss = losses.total() / context.batch as f64;
            if let Some(leader) = &mut leader {
                let progress = Progress { iteration: leader.first_iteration + t, loss: ended.loss };
                if (leader.observer)(progress).is_break() {
                    context.stop.fetch_min(t, Ordering::Relaxed);
                }
            }
            if !ended.loss.is_finite() {
                break;
            }
            if !self.step::<STATEFUL>(context, t) {
                context.diverged.fetch_min(t, Ordering::Relaxed);
                context.stop.fetch_min(t, Ordering::Relaxed);
            }
            ended.iterations += 1;
        }
        ended
    }

    /// Gathers some rows of the batch of iteration `t` and computes this worker's parts of their logits.
    fn forward(&mut self, level: Level, context: &Context<'_, T, P>, (t, phase): (usize, usize), rows: Range<usize>) {
        // SAFETY: the lists of this iteration and the next (if there is one) were written before the last barrier or the
        // start, and are written again after the next barrier.
        let (now, next) = unsafe { (context.lists[t % LISTS].read(), context.lists[(t + 1) % LISTS].read()) };
        let next = match rows.end < context.batch {
            true => &now[rows.end..context.batch.min(rows.end + BATCH_BLOCK)],
            false if t + 1 < context.limit.load(Ordering::Relaxed) => &next[..context.batch.min(BATCH_BLOCK)],
            false => &[],
        };
        let count = rows.len();
        let now = &now[rows];
        self.batch.gather(level, context.data, &mut now.iter().map(|&i| i as usize));
        self.labels.clear();
        self.labels.extend(now.iter().map(|&i| context.labels[i as usize]));
        let part = count * context.part_sizes.1;
        let mine = self.blocks.start * part..self.blocks.end * part;
        // SAFETY: only this worker writes its blocks, and parts of this parity were last read before the last barrier.
        let parts = unsafe { context.parts[phase % 2].write(mine) };
        self.shard.forward(&self.batch, &mut Prefetch::new(context.data, context.inputs, next), parts);
    }

    /// Computes the gradients of the gathered rows, or continues those of earlier rows.
    fn backward(&mut self, accumulate: bool) {
        self.shard.backward(&self.batch, self.output.dy(self.labels.len()), accumulate);
        self.output.backward(self.labels.len(), accumulate);
    }

    /// Computes the gradients of the last rows and takes the step; returns whether all weights stayed finite.
    fn step<const STATEFUL: bool>(&mut self, context: &Context<'_, T, P>, t: usize) -> bool {
        let update = SgdUpdate { rate: context.rate };
        if !STATEFUL && context.batch <= BATCH_BLOCK {
            let rows = self.labels.len();
            let finite = self.shard.backward_and_sgd_step(&self.batch, self.output.dy(rows), update);
            self.output.backward(rows, false);
            return self.output.sgd_step(update) && finite;
        }
        self.backward(context.batch > BATCH_BLOCK);
        match context.step.filter(|_| STATEFUL) {
            Some(step) => self.shard.optimizer_step(step(t)) & self.output.optimizer_step(step(t)),
            None => self.shard.sgd_step(update) & self.output.sgd_step(update),
        }
    }
}
