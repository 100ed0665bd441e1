//! The training loop, as each member of the team runs it.
//!
//! A member owns a few blocks of hidden units: their columns of W1 and b1 and rows of W2, in memory of its own. Cores
//! are far apart, so it prepares the whole batch by itself rather than read what another core has just written, and
//! keeps its own b2. All that crosses is one part of the logits for each block. A step of member m:
//!
//! ```text
//! gather the batch, with its masks
//! parts[t mod 2][my blocks] ← activation(X·W1[my columns] + b1) · W2[my rows]    while the next batch is asked for
//! m = 0: draw the batch after the next
//! meet
//! logits ← b2 + parts[t mod 2] of all blocks in order;  loss, dY            each member for itself
//! dA ← dY·W2ᵀ ⊙ activation′;  W2, b1, W1, b2 ← … − rate · gradient          as it leaves the registers
//! ```
//!
//! One meeting a step is enough: the parts and the lists of indices are in turn in different buffers, and nobody can
//! come to write one again before all have passed the meeting after its last reading.

use super::team::{Barrier, Shared, run};
use super::{Optimizer, Progress, Sampler, TrainOptions, TrainSummary};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::network::{Ahead, BLOCK, Descend, FirstLayer, Head, Parameters, Slice, Step, TwoLayerNet, Work};
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lists of batch indices in turn: one in use, one prefetched, one being drawn.
const LISTS: usize = 3;

/// What a run's members share, besides the barrier.
struct Run<'a, T: Float, L: FirstLayer<T>> {
    layer: L,
    rate: T,
    /// The steps of an optimiser with a memory, by the iteration's place in this call; `None` for plain descent.
    step: &'a (dyn Fn(usize) -> Option<Step<T>> + Sync),
    inputs: usize,
    data: &'a [L::Pixel],
    labels: &'a [u32],
    /// Partial logits, blocks × batch × classes (padded), for even and odd iterations.
    parts: [Shared<T>; 2],
    /// Elements of one part.
    part: usize,
    lists: [Shared<u64>; LISTS],
    /// Iterations to do; lowered when the sampler names a row that is not there. Written before a meeting, read after.
    limit: AtomicUsize,
    /// The iteration after which to stop, if before the limit.
    stop: AtomicUsize,
    /// The first iteration that left a weight that is not finite.
    diverged: AtomicUsize,
}

/// One member's state.
struct Member<T: Float, L: FirstLayer<T>> {
    blocks: Range<usize>,
    slice: Slice<T, L>,
    head: Head<T>,
    batch: L::Batch,
    labels: Vec<u32>,
}

/// What the first member does besides: draw batches, tell of progress.
struct Lead<'a> {
    sampler: &'a mut dyn Sampler,
    observer: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    first: usize,
    drawn: Vec<usize>,
    /// For each class, where its next row goes in the list that is being made.
    places: Vec<usize>,
    /// An iteration whose batch cannot be had, and why.
    wrong: Option<(usize, Error)>,
}

/// How a member's loop ended.
struct Ended {
    iterations: usize,
    loss: f64,
}

/// A run. `KEEPS`: whether the optimiser has a state.
pub(super) struct Training<'a, T: Float, const KEEPS: bool> {
    pub net: &'a mut TwoLayerNet<T>,
    pub labels: &'a [u32],
    pub sampler: &'a mut dyn Sampler,
    pub optimizer: &'a mut Optimizer<T>,
    pub options: &'a TrainOptions,
    pub observer: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl<T: Float, const KEEPS: bool> Work<T> for Training<'_, T, KEEPS> {
    type Output = Result<TrainSummary>;

    fn run<L: FirstLayer<T>>(self, layer: L, x: &[L::Pixel]) -> Result<TrainSummary> {
        train::<T, L, KEEPS>(layer, x, self)
    }
}

fn train<T: Float, L: FirstLayer<T>, const KEEPS: bool>(
    layer: L,
    data: &[L::Pixel],
    training: Training<'_, T, KEEPS>,
) -> Result<TrainSummary> {
    let Training { net, labels, sampler, optimizer, options, observer } = training;
    let (shape, capacity) = (net.shape(), options.batch);
    let blocks = shape.hidden_padded() / BLOCK;
    let part = capacity * shape.classes_padded();
    let step = optimizer.ahead(options.learning_rate);
    let shared = Run {
        step: &step,
        layer,
        rate: T::from_f64(options.learning_rate),
        inputs: shape.inputs(),
        data,
        labels,
        parts: std::array::from_fn(|_| Shared::new([blocks, part])),
        part,
        lists: std::array::from_fn(|_| Shared::new([capacity])),
        limit: AtomicUsize::new(options.iterations),
        stop: AtomicUsize::new(usize::MAX),
        diverged: AtomicUsize::new(usize::MAX),
    };
    let first = options.first_iteration;
    let mut lead =
        Lead { sampler, observer, first, drawn: vec![0; capacity], places: vec![0; shape.classes() + 1], wrong: None };
    lead.draw(&shared, 0);
    lead.draw(&shared, 1);
    let team = options.threads.min(shape.most_threads());
    let member = |m| {
        let mine = blocks * m / team..blocks * (m + 1) / team;
        let mut member = Member {
            slice: Slice::new(layer, net, mine.clone(), capacity),
            blocks: mine,
            head: Head::new(&net.parameters, capacity),
            batch: layer.batch(shape.inputs(), capacity, true),
            labels: Vec::with_capacity(capacity),
        };
        if let Some(state) = optimizer.kept().filter(|_| KEEPS) {
            member.slice.remember(state);
            member.head.remember(state);
        }
        member
    };
    let mut members: Vec<_> = (0..team).map(member).collect();
    let ended = run(
        &mut members,
        |member, barrier| member.steps::<KEEPS>(&shared, barrier, Some(&mut lead)),
        |member, barrier| {
            member.steps::<KEEPS>(&shared, barrier, None);
        },
    );
    let ended = ended.map_err(|refused| Error::Thread { threads: team, what: refused.to_string() })?;
    members.iter().for_each(|m| m.slice.store(&mut net.parameters));
    members[0].head.store(&mut net.parameters);
    if let Some(state) = optimizer.kept_mut().filter(|_| KEEPS) {
        members.iter().for_each(|m| m.slice.recall(state));
        members[0].head.recall(state);
    }
    optimizer.advance(ended.iterations);
    conclude(shared, lead, &net.parameters, (ended, options.iterations))
}

/// What came of a run that was to have so many iterations.
fn conclude<T: Float, L: FirstLayer<T>>(
    run: Run<'_, T, L>,
    lead: Lead<'_>,
    parameters: &Parameters<T>,
    (ended, iterations): (Ended, usize),
) -> Result<TrainSummary> {
    let done = ended.iterations;
    let diverged = |iteration, what| Err(Error::Diverged { iteration: lead.first + iteration, what });
    match run.diverged.into_inner() {
        usize::MAX => {}
        at => return diverged(at, parameters.first_not_finite().map_or("a weight", |(p, ..)| p.name())),
    }
    match lead.wrong {
        // A batch that the run came to, rather than one drawn ahead of an end that came first.
        Some((t, wrong)) if t == done && run.stop.into_inner() == usize::MAX => Err(wrong),
        _ if done < iterations && !ended.loss.is_finite() => diverged(done, "the loss"),
        _ => Ok(TrainSummary { iterations: done, final_loss: ended.loss }),
    }
}

impl Lead<'_> {
    /// Draws the batch of iteration `t`, if there is to be one.
    fn draw<T: Float, L: FirstLayer<T>>(&mut self, run: &Run<'_, T, L>, t: usize) {
        if t >= run.limit.load(Ordering::Relaxed) {
            return;
        }
        self.sampler.next_batch(&mut self.drawn);
        if let Some(&row) = self.drawn.iter().find(|&&row| row >= run.labels.len()) {
            let wrong = Error::Sample { iteration: self.first + t, row, rows: run.labels.len() };
            self.wrong = Some((t, wrong));
            run.limit.store(t, Ordering::Relaxed);
            return;
        }
        // SAFETY: the list of iteration t was last read in iteration t − 3, and the lead, drawing two ahead, is past
        // the meeting of iteration t − 3 by now; the members read it after their next meeting.
        let list = unsafe { run.lists[t % LISTS].write(0..self.drawn.len()) };
        if L::LIKES_COMPANY {
            self.by_class(run.labels, list);
        } else {
            list.iter_mut().zip(&self.drawn).for_each(|(to, &from)| *to = from as u64);
        }
    }

    /// Lists the rows drawn, class by class: those of one class have ink in the same places.
    fn by_class(&mut self, labels: &[u32], list: &mut [u64]) {
        self.places.fill(0);
        for &row in &self.drawn {
            self.places[labels[row] as usize + 1] += 1;
        }
        for class in 1..self.places.len() {
            self.places[class] += self.places[class - 1];
        }
        for &row in &self.drawn {
            let place = &mut self.places[labels[row] as usize];
            list[*place] = row as u64;
            *place += 1;
        }
    }
}

impl<T: Float, L: FirstLayer<T>> Member<T, L> {
    fn steps<const KEEPS: bool>(
        &mut self,
        run: &Run<'_, T, L>,
        barrier: &Barrier,
        mut lead: Option<&mut Lead<'_>>,
    ) -> Ended {
        let mut ended = Ended { iterations: 0, loss: f64::NAN };
        while ended.iterations < run.limit.load(Ordering::Relaxed) {
            let t = ended.iterations;
            self.forward(run, t);
            if let Some(lead) = &mut lead {
                lead.draw(run, t + 2);
            }
            if barrier.wait().is_err() || run.stop.load(Ordering::Relaxed) < t {
                break;
            }
            // SAFETY: parts of this parity are written again in iteration t + 2, after another meeting.
            let parts = unsafe { run.parts[t % 2].read() };
            self.head.combine(run.layer.rounding(), parts, self.labels.len());
            ended.loss = self.head.derivatives(run.layer.rounding(), &self.labels);
            if let Some(lead) = &mut lead {
                let progress = Progress { iteration: lead.first + t, loss: ended.loss };
                if (lead.observer)(progress).is_break() {
                    run.stop.fetch_min(t, Ordering::Relaxed);
                }
            }
            if !ended.loss.is_finite() {
                break;
            }
            if !self.backward::<KEEPS>(run, t) {
                run.diverged.fetch_min(t, Ordering::Relaxed);
                run.stop.fetch_min(t, Ordering::Relaxed);
            }
            ended.iterations += 1;
        }
        ended
    }

    /// Gathers the batch of iteration `t` and leaves this member's parts of its logits.
    fn forward(&mut self, run: &Run<'_, T, L>, t: usize) {
        // SAFETY: the lists of this iteration and, if there is one, the next were written before the last meeting (or the
        // start), and their buffers are written again after the next one.
        let (now, next) = unsafe { (run.lists[t % LISTS].read(), run.lists[(t + 1) % LISTS].read()) };
        let next = if t + 1 < run.limit.load(Ordering::Relaxed) { next } else { &[] };
        run.layer.gather(&mut self.batch, run.data, &mut now.iter().map(|&i| i as usize));
        self.labels.clear();
        self.labels.extend(now.iter().map(|&i| run.labels[i as usize]));
        let mine = self.blocks.start * run.part..self.blocks.end * run.part;
        // SAFETY: only this member writes its blocks, and parts of this parity were last read before the last meeting.
        let parts = unsafe { run.parts[t % 2].write(mine) };
        let mut ahead = Ahead::new(run.data, run.inputs, next);
        self.slice.forward(&mut self.batch, &mut ahead, parts);
    }

    /// Takes the step; returns whether all weights stayed finite.
    fn backward<const KEEPS: bool>(&mut self, run: &Run<'_, T, L>, t: usize) -> bool {
        let (level, rows) = (run.layer.rounding(), self.labels.len());
        if KEEPS && let Some(step) = (run.step)(t) {
            let slice = self.slice.step(&self.batch, self.head.dy(rows), step);
            return self.head.step(level, rows, step) && slice;
        }
        let sink = Descend(run.rate);
        let slice = self.slice.backward(&self.batch, self.head.dy(rows), sink);
        let head = self.head.backward(level, rows, sink);
        slice && head
    }
}
