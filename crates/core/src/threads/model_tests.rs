//! The pool in every order of events (`.ci/loom`).

use super::pool::{NotRun, ThreadPool};
use super::sync::{AtomicUsize, GRANTED};
use super::{Threads, map};
use loom::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Runs `test` in every order of events with at most `preemptions` switches away from a thread that could go on.
pub(crate) fn model(preemptions: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        GRANTED.set(usize::MAX);
        test();
    });
    println!("{} orders of events", count.load(Ordering::Relaxed));
}

/// A place for each thread, of which the model tells unordered accesses.
struct Places(Vec<UnsafeCell<usize>>);

// SAFETY: the model ends the test on an access that is not ordered after the last one.
unsafe impl Sync for Places {}

impl Places {
    fn new(count: usize) -> Self {
        Places((0..count).map(|_| UnsafeCell::new(0)).collect())
    }

    fn add(&self, i: usize) {
        // SAFETY: as for `Sync`.
        self.0[i].with_mut(|place| unsafe { *place += 1 });
    }

    fn get(&self, i: usize) -> usize {
        // SAFETY: as for `Sync`.
        self.0[i].with(|place| unsafe { *place })
    }
}

fn check_jobs(threads: usize, jobs: usize, preemptions: usize) {
    model(preemptions, move || {
        // Tasks outlive the pool, so that one which runs too late is an unordered access and no use of freed memory.
        let places: Vec<_> = (0..jobs).map(|_| Places::new(threads)).collect();
        let tasks: Vec<_> = places.iter().map(|places| |i| places.add(i)).collect();
        let pool = ThreadPool::new(threads);
        for (places, task) in places.iter().zip(&tasks) {
            pool.run(threads, || places.add(0), task).unwrap();
            // No task is running, or begins later.
            assert_eq!(places.get(0), 1);
            (1..threads).for_each(|i| assert!(places.get(i) <= 1));
        }
    });
}

#[test]
fn a_job_is_over_when_run_returns() {
    check_jobs(2, 2, 3);
    check_jobs(3, 1, 2);
}

#[test]
fn an_idle_thread_misses_no_job() {
    for (threads, preemptions) in [(2, 3), (3, 1)] {
        model(preemptions, move || {
            let pool = ThreadPool::new(threads);
            // The leader waits for the others, as in training.
            let others = AtomicUsize::new(0);
            let wait = || {
                while others.load(Ordering::Acquire) < threads - 1 {
                    loom::thread::yield_now();
                }
            };
            let begin = |_| {
                others.fetch_add(1, Ordering::Release);
            };
            pool.run(threads, wait, &begin).unwrap();
        });
    }
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_stays_usable() {
    for (threads, guilty) in [(2, 0), (2, 1), (3, 2)] {
        model(2, move || {
            let pool = ThreadPool::new(threads);
            let begun = AtomicUsize::new(0);
            let task = |i: usize| {
                if i == guilty {
                    begun.store(1, Ordering::Relaxed);
                    resume_unwind(Box::new("on purpose"));
                }
            };
            let result = catch_unwind(AssertUnwindSafe(|| pool.run(threads, || task(0), &task)));
            assert_eq!(result.is_err(), begun.load(Ordering::Relaxed) == 1);
            assert_eq!(pool.run(threads, || 7, &|_| ()).unwrap(), 7);
        });
    }
}

#[test]
fn a_refused_thread_is_an_error_and_a_later_job_runs() {
    for granted in [0, 1] {
        model(2, move || {
            let pool = ThreadPool::new(3);
            GRANTED.set(granted);
            let places = Places::new(3);
            let result = pool.run(3, || places.add(0), &|i| places.add(i));
            assert!(matches!(result, Err(NotRun::Refused(_))));
            (0..3).for_each(|i| assert_eq!(places.get(i), 0));
            GRANTED.set(usize::MAX);
            pool.run(3, || places.add(0), &|i| places.add(i)).unwrap();
            assert_eq!(places.get(0), 1);
        });
    }
}

#[test]
fn two_callers_do_not_meet() {
    model(2, || {
        let pool = Arc::new(ThreadPool::new(2));
        let call = |pool: &ThreadPool| {
            let places = Places::new(2);
            match pool.run(2, || places.add(0), &|i| places.add(i)) {
                Ok(()) => assert_eq!(places.get(0), 1),
                Err(not_run) => assert!(matches!(not_run, NotRun::Busy)),
            }
        };
        let other = loom::thread::spawn({
            let pool = Arc::clone(&pool);
            move || call(&pool)
        });
        call(&pool);
        other.join().unwrap();
    });
}

#[test]
fn every_piece_is_done_once_with_any_choice_of_threads() {
    for (granted, callers) in [(usize::MAX, 1), (0, 1), (usize::MAX, 2)] {
        model(2, move || {
            GRANTED.set(granted);
            let threads = Threads::Pool(Arc::new(ThreadPool::auto_up_to(2)));
            let call = |threads: &Threads| {
                let places = Places::new(3);
                let twice = |_: &mut (), i: usize| {
                    places.add(i);
                    2 * i
                };
                assert_eq!(map(threads, (3, 1), || (), twice), [0, 2, 4]);
                (0..3).for_each(|i| assert_eq!(places.get(i), 1));
            };
            let other = (callers > 1).then(|| {
                let threads = threads.clone();
                loom::thread::spawn(move || call(&threads))
            });
            call(&threads);
            if let Some(other) = other {
                other.join().unwrap();
            }
        });
    }
}
