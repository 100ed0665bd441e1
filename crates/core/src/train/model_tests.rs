//! The barrier, the exchange between workers and whole runs, in every order of events (`.ci/loom`).

use super::{Progress, TrainOptions, TrainSummary};
use crate::error::{Error, Result};
use crate::network::{Init, Labels, Parameters, Rows, Shape, TwoLayerNet};
use crate::random::Random;
use crate::simd::Level;
use crate::threads::sync::GRANTED;
use crate::threads::{Barrier, Shared, ThreadPool, Threads, model_tests::model};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

/// Runs `work` with a barrier on so many threads.
fn run(workers: usize, spins: bool, work: impl Fn(usize, &Barrier) + Sync) {
    let barrier = Barrier::new(workers, spins);
    ThreadPool::new(workers).run(workers, || work(0, &barrier), &|id| work(id, &barrier)).unwrap();
}

#[test]
fn writes_before_the_barrier_are_read_after_it() {
    for (workers, spins, phases, preemptions) in [(2, false, 3, 3), (2, true, 3, 3), (3, false, 1, 1), (3, true, 1, 1)]
    {
        model(preemptions, move || {
            let shared = [Shared::<u64>::new([workers]), Shared::<u64>::new([workers])];
            run(workers, spins, |id, barrier| {
                for phase in 0..phases {
                    let here = &shared[phase % 2];
                    // SAFETY: each worker writes its own element, of the buffer that nobody reads before the barrier.
                    unsafe { here.write(id..id + 1)[0] = (phase * 10 + id) as u64 };
                    barrier.wait().unwrap();
                    // SAFETY: until the next barrier but one, nobody writes to this buffer.
                    let read = unsafe { here.read() };
                    assert!(read.iter().enumerate().all(|(i, &value)| value == (phase * 10 + i) as u64));
                }
            });
        });
    }
}

#[test]
fn a_panic_of_one_worker_ends_all() {
    for (workers, guilty, at, preemptions) in [(2, 0, 1, 3), (2, 1, 1, 3), (3, 0, 0, 1), (3, 2, 0, 1)] {
        model(preemptions, move || {
            let phases = |id: usize, barrier: &Barrier| {
                for phase in 0..=at {
                    if id == guilty && phase == at {
                        resume_unwind(Box::new("on purpose"));
                    }
                    if barrier.wait().is_err() {
                        return;
                    }
                }
                panic!("no worker panicked");
            };
            let work = |id, barrier: &Barrier| barrier.break_on_panic(|| phases(id, barrier));
            assert!(catch_unwind(AssertUnwindSafe(|| run(workers, true, work))).is_err());
        });
    }
}

/// What a run may meet.
#[derive(Clone, Copy)]
struct Case {
    iterations: usize,
    batch: usize,
    /// The observer stops the run after this iteration.
    stop: usize,
    /// The batch of this iteration has a row that is not there.
    invalid: usize,
    rate: f64,
}

const PLAIN: Case = Case { iterations: 4, batch: 1, stop: usize::MAX, invalid: usize::MAX, rate: 0.5 };

/// The result of a run, the losses and the parameters after it.
type Outcome = (Result<TrainSummary>, Vec<u64>, Vec<u32>);

/// Trains a network of two blocks of hidden units for each of three workers.
fn train(case: Case, threads: Threads) -> Outcome {
    let shape = Shape::new(2, 48, 2).unwrap();
    let (mut random, rows) = (Random(3), 4);
    let parameters = Parameters::<f32>::normal(shape, Init::Normal(0.3), || random.value());
    let mut net = TwoLayerNet::new(parameters).with_level(Level::SCALAR).with_threads(threads);
    let (x, t): (Vec<u8>, Vec<u32>) = ((0..2 * rows as u8).map(|i| i * 30).collect(), vec![0, 1, 1, 0]);
    let mut drawn = 0;
    let mut sampler = |indices: &mut [usize]| {
        indices.iter_mut().enumerate().for_each(|(i, row)| *row = (drawn * 3 + i) % rows);
        if drawn == case.invalid {
            indices[0] = rows;
        }
        drawn += 1;
    };
    let Case { iterations, batch, rate, .. } = case;
    let options = TrainOptions { iterations, batch, learning_rate: rate, ..TrainOptions::default() };
    let mut losses = Vec::new();
    let observer = &mut |progress: Progress| {
        losses.push(progress.loss.to_bits());
        if progress.iteration == case.stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let result = net.train(Rows::Pixels(&x), Labels::Classes(&t), &mut sampler, &options, observer);
    (result, losses, net.parameters.to_vec().iter().map(|w| w.to_bits()).collect())
}

/// What one worker makes of it.
fn alone(case: Case) -> Arc<Outcome> {
    let outcome = Arc::new(Mutex::new(None));
    let here = Arc::clone(&outcome);
    model(0, move || *here.lock().unwrap() = Some(train(case, Threads::new(1))));
    let outcome = outcome.lock().unwrap().take().unwrap();
    Arc::new(outcome)
}

fn assert_same((result, losses, parameters): &Outcome, want: &Outcome) {
    let iterations = |result: &Result<TrainSummary>| result.as_ref().map(|s| s.iterations).map_err(Error::to_string);
    assert_eq!(iterations(result), iterations(&want.0));
    assert!((losses, parameters) == (&want.1, &want.2), "other bits than one worker");
}

fn check_runs(case: Case, (workers, preemptions): (usize, usize)) {
    let want = alone(case);
    model(preemptions, move || assert_same(&train(case, Threads::new(workers)), &want));
}

#[test]
fn a_run_is_that_of_one_worker() {
    check_runs(PLAIN, (2, 2));
    check_runs(Case { iterations: 2, ..PLAIN }, (3, 1));
}

#[test]
fn blocks_of_a_large_batch_are_exchanged() {
    check_runs(Case { iterations: 2, batch: 129, ..PLAIN }, (2, 1));
}

#[test]
fn a_stop_is_seen_by_all_after_the_same_step() {
    check_runs(Case { stop: 1, ..PLAIN }, (2, 2));
    check_runs(Case { stop: 0, ..PLAIN }, (3, 1));
}

#[test]
fn a_row_that_is_not_there_ends_all() {
    check_runs(Case { invalid: 2, ..PLAIN }, (2, 2));
}

#[test]
fn a_divergence_ends_all() {
    check_runs(Case { rate: f64::from(f32::MAX), ..PLAIN }, (2, 2));
}

#[test]
fn a_refused_thread_changes_nothing_or_leaves_one_worker() {
    let want = alone(PLAIN);
    model(1, move || {
        GRANTED.set(0);
        let (result, losses, _) = train(PLAIN, Threads::new(2));
        assert!(matches!(result, Err(Error::Thread { threads: 2, .. })) && losses.is_empty());
        assert_same(&train(PLAIN, Threads::Pool(Arc::new(ThreadPool::auto_up_to(2)))), &want);
    });
}

#[test]
fn a_gradient_is_that_of_one_worker() {
    model(2, || {
        let net = |threads| {
            let shape = Shape::new(2, 32, 2).unwrap();
            let mut random = Random(3);
            let parameters = Parameters::<f32>::normal(shape, Init::Normal(0.3), || random.value());
            TwoLayerNet::new(parameters).with_level(Level::SCALAR).with_threads(threads)
        };
        let (x, t) = (Rows::Pixels(&[0, 90, 200, 0]), Labels::Classes(&[0, 1]));
        assert_eq!(net(Threads::new(2)).gradient(x, t), net(Threads::one()).gradient(x, t));
    });
}
