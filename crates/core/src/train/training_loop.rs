//! The training loop of a worker.
//!
//! Each worker owns a shard of the hidden layer: some blocks of hidden units, whose weights are in memory of its own.
//! Transfers between cores are slow, so each worker gathers the whole batch itself, and keeps its own output layer.
//! Only the logits' parts cross, one for each block. Step t of worker w:
//!
//! ```text
//! gather the batch, with its masks
//! parts[t mod 2][blocks of w] ← activation(X·W1[columns of w] + b1) · W2[rows of w]    prefetching the next batch
//! w = 0: draw the batch of step t + 2
//! barrier
//! logits ← b2 + parts[t mod 2] of all workers, in order;  loss, dY                      each worker for itself
//! dA ← dY·W2ᵀ ⊙ activation′;  W2, b1, W1, b2 ← … − rate · gradient
//! ```
//!
//! Batches of more than 128 rows go through this in blocks; the gradients of the blocks are added up before the step.
//!
//! One barrier for each block is enough: parts and lists of indices rotate through several buffers, and no worker can
//! write one again before all workers have passed the barrier after its last use.

use super::options::{Progress, TrainOptions};
use super::sampler::Sampler;
use crate::error::Error;
use crate::math::Float;
use crate::network::{
    BATCH_BLOCK, Input, LogitParts, MiniBatch, OutputLayer, Parameters, Prefetch, STATES, SgdUpdate, Shape, Shard,
    Step, TwoLayerNet,
};
use crate::simd::Level;
use crate::softmax::LossSum;
use crate::threads::{Barrier, Instant, Shared, sync::AtomicUsize};
use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;

/// Index lists: one in use, one being prefetched, one being drawn.
const LISTS: usize = 3;

/// Seconds that any segment may take, as threads wake up at its start.
const SLACK: f64 = 5e-4;

/// What the workers share, besides the barrier.
pub(super) struct Context<'a, T, P> {
    rate: T,
    loss_epsilon: f64,
    /// The steps of an optimiser with state.
    step: Option<&'a (dyn Fn(usize) -> Step<T> + Sync)>,
    inputs: usize,
    data: &'a [P],
    labels: &'a [u32],
    batch: usize,
    parts: LogitParts<T>,
    lists: [Shared<u64>; LISTS],
    /// The number of iterations; lowered if the sampler chooses a row that does not exist. Written before a barrier,
    /// read after it.
    pub(super) limit: AtomicUsize,
    /// The iteration after which to stop, if before the limit and the end of the segment.
    pub(super) stop: AtomicUsize,
    /// The first iteration that left a weight that is not finite.
    pub(super) diverged: AtomicUsize,
}

/// One worker's state.
pub(super) struct Worker<T: Float, P> {
    pub(super) shard: Shard<T>,
    pub(super) output: OutputLayer<T>,
    batch: MiniBatch<T, P>,
    labels: Vec<u32>,
}

/// What only the first worker does: draw batches, report progress, and end a segment that takes too long.
pub(super) struct Leader<'a> {
    sampler: &'a mut dyn Sampler,
    observer: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    pub(super) first_iteration: usize,
    indices: Vec<usize>,
    /// An iteration whose batch has a row that does not exist.
    pub(super) invalid_batch: Option<(usize, Error)>,
    /// Whether the observer ended the run.
    pub(super) is_stopped: bool,
    /// Seconds that an iteration of the segment may take; else the segment ends.
    pub(super) patience: f64,
}

/// How far a run has come.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    pub(super) iterations: usize,
    /// The loss of the last iteration.
    pub(super) loss: f64,
}

impl<'a, T: Float, P> Context<'a, T, P> {
    pub(super) fn new(
        (shape, loss_epsilon): (Shape, f64),
        options: &TrainOptions,
        (data, labels): (&'a [P], &'a [u32]),
        step: Option<&'a (dyn Fn(usize) -> Step<T> + Sync)>,
    ) -> Self {
        Context {
            rate: T::from_f64(options.learning_rate),
            loss_epsilon,
            step,
            inputs: shape.inputs(),
            data,
            labels,
            batch: options.batch,
            parts: LogitParts::new(shape, options.batch.min(BATCH_BLOCK)),
            lists: std::array::from_fn(|_| Shared::new([options.batch])),
            limit: AtomicUsize::new(options.iterations),
            stop: AtomicUsize::new(usize::MAX),
            diverged: AtomicUsize::new(usize::MAX),
        }
    }
}

impl<'a> Leader<'a> {
    pub(super) fn new(
        sampler: &'a mut dyn Sampler,
        observer: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
        options: &TrainOptions,
    ) -> Self {
        Leader {
            sampler,
            observer,
            first_iteration: options.first_iteration,
            indices: vec![0; options.batch],
            invalid_batch: None,
            is_stopped: false,
            patience: f64::INFINITY,
        }
    }

    /// Draws the batch of iteration `t`, if there is one.
    pub(super) fn draw<T, P>(&mut self, context: &Context<'_, T, P>, t: usize) {
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
        // SAFETY: the list of iteration t was last read in iteration t − 3, and the leader, drawing two ahead, has
        // passed the barrier of iteration t − 3; workers read the list after their next barrier.
        let list = unsafe { context.lists[t % LISTS].write(0..self.indices.len()) };
        list.iter_mut().zip(&self.indices).for_each(|(to, &from)| *to = from as u64);
    }
}

impl<T: Float, P: Input<T>> Worker<T, P> {
    /// A worker with the network's parameters of these blocks, and the state of its optimiser, if it keeps any.
    pub(super) fn new(
        net: &TwoLayerNet<T>,
        state: Option<&[Parameters<T>; STATES]>,
        blocks: Range<usize>,
        batch: usize,
    ) -> Self {
        let (shape, capacity) = (net.shape(), batch.min(BATCH_BLOCK));
        let mut worker = Worker {
            shard: Shard::new((net.level, net.activation), &net.parameters, blocks, capacity),
            output: OutputLayer::new(net.level, &net.parameters, capacity),
            batch: MiniBatch::for_training(shape.inputs(), capacity),
            labels: Vec::with_capacity(capacity),
        };
        if let Some(state) = state {
            worker.shard.load_state(state);
            worker.output.load_state(state);
        }
        worker
    }

    /// Trains from where the run is to iteration `until`, or to an earlier end.
    pub(super) fn train(
        &mut self,
        (level, context): (Level, &Context<'_, T, P>),
        barrier: &Barrier,
        (mut reached, until): (Reached, usize),
        mut leader: Option<&mut Leader<'_>>,
    ) -> Reached {
        let (start, first) = (Instant::now(), reached.iterations);
        // SAFETY: only the workers of this barrier use the context; each owns its blocks and calls `train` once per
        // barrier; all go through the same rows, and end at an error.
        let mut exchange = unsafe { context.parts.exchange(barrier, self.shard.blocks()) };
        while reached.iterations < until.min(context.limit.load(Ordering::Relaxed)) {
            let t = reached.iterations;
            let mut losses = LossSum::new(level, context.loss_epsilon);
            for first in (0..context.batch).step_by(BATCH_BLOCK) {
                let rows = first..context.batch.min(first + BATCH_BLOCK);
                self.forward(level, context, (t, rows.clone()), exchange.own_parts(rows.len()));
                if let Some(leader) =
                    leader.as_mut().filter(|_| first == 0 && context.stop.load(Ordering::Relaxed) >= t)
                {
                    leader.draw(context, t + 2);
                }
                let Ok(parts) = exchange.all_parts(rows.len()) else { return reached };
                if context.stop.load(Ordering::Relaxed) < t {
                    return reached;
                }
                self.output.forward(parts, rows.len());
                self.output.loss_gradient(&self.labels, context.batch, &mut losses);
                if rows.end < context.batch {
                    self.backward(first > 0);
                }
            }
            reached.loss = losses.total() / context.batch as f64;
            if let Some(leader) = &mut leader {
                let progress = Progress { iteration: leader.first_iteration + t, loss: reached.loss };
                leader.is_stopped = (leader.observer)(progress).is_break();
                let allowed = SLACK + (t + 1 - first) as f64 * leader.patience;
                if leader.is_stopped || leader.patience < f64::INFINITY && start.elapsed().as_secs_f64() > allowed {
                    context.stop.fetch_min(t, Ordering::Relaxed);
                }
            }
            if !reached.loss.is_finite() {
                break;
            }
            if !self.step(context, t) {
                context.diverged.fetch_min(t, Ordering::Relaxed);
                context.stop.fetch_min(t, Ordering::Relaxed);
            }
            reached.iterations += 1;
        }
        reached
    }

    /// Gathers some rows of the batch of iteration `t` and computes this worker's parts of their logits.
    fn forward(
        &mut self,
        level: Level,
        context: &Context<'_, T, P>,
        (t, rows): (usize, Range<usize>),
        parts: &mut [T],
    ) {
        // SAFETY: the lists of this iteration and the next (if there is one) were written before the last barrier or
        // the start, and are written again after the next barrier.
        let (now, next) = unsafe { (context.lists[t % LISTS].read(), context.lists[(t + 1) % LISTS].read()) };
        let next = match rows.end < context.batch {
            true => &now[rows.end..context.batch.min(rows.end + BATCH_BLOCK)],
            false if t + 1 < context.limit.load(Ordering::Relaxed) => &next[..context.batch.min(BATCH_BLOCK)],
            false => &[],
        };
        let now = &now[rows];
        self.batch.gather(level, context.data, &mut now.iter().map(|&i| i as usize));
        self.labels.clear();
        self.labels.extend(now.iter().map(|&i| context.labels[i as usize]));
        self.shard.forward(&self.batch, &mut Prefetch::new(context.data, context.inputs, next), parts);
    }

    /// Computes the gradients of the gathered rows, or continues those of earlier rows.
    fn backward(&mut self, accumulate: bool) {
        self.shard.backward(&self.batch, self.output.dy(self.labels.len()), accumulate);
        self.output.backward(self.labels.len(), accumulate);
    }

    /// Computes the gradients of the last rows and takes the step; returns whether all weights stayed finite.
    fn step(&mut self, context: &Context<'_, T, P>, t: usize) -> bool {
        let update = SgdUpdate { rate: context.rate };
        if context.step.is_none() && context.batch <= BATCH_BLOCK {
            let rows = self.labels.len();
            let finite = self.shard.backward_and_sgd_step(&self.batch, self.output.dy(rows), update);
            self.output.backward(rows, false);
            return self.output.sgd_step(update) && finite;
        }
        self.backward(context.batch > BATCH_BLOCK);
        match context.step {
            Some(step) => self.shard.optimizer_step(step(t)) & self.output.optimizer_step(step(t)),
            None => self.shard.sgd_step(update) & self.output.sgd_step(update),
        }
    }
}
