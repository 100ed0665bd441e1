//! Threads that are started once and sleep while idle.

use super::clock::Instant;
use super::sync::{AtomicUsize, Builder, Condvar, JoinHandle, Mutex, MutexGuard, polls, spawn, spin_loop};
use super::tuner::{Choice, First, Tuner};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError, TryLockError};

/// A set of threads, including the caller's. The others are started when they are first needed, sleep while idle, and
/// end when the pool is dropped.
pub struct ThreadPool {
    threads: usize,
    /// Held by the call that uses the threads.
    started: Mutex<Started>,
    /// Chooses how many threads to use, unless that is fixed.
    tuner: Option<Mutex<Tuner>>,
    processors: OnceLock<usize>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work_is_there: Condvar,
    work_is_done: Condvar,
    /// Increases with each job. Changes under the lock, as `running` does, but is watched for a moment without it.
    job: AtomicUsize,
    /// Threads that have begun the job and not finished it.
    running: AtomicUsize,
}

#[derive(Default)]
struct State {
    task: Option<Task>,
    /// Threads that take part: those with an index below it.
    threads: usize,
    panic: Option<Box<dyn std::any::Any + Send>>,
    is_dropped: bool,
}

/// The closure of the current job. Its lifetime is that of the call that waits for all threads that have begun it.
#[derive(Clone, Copy)]
struct Task(*const (dyn Fn(usize) + Sync));

// SAFETY: the closure is `Sync`, and outlives its use, as `run` waits for all threads that have begun it.
unsafe impl Send for Task {}

/// The started threads, and the process that started them: a fork of it has none of them.
#[derive(Default)]
struct Started {
    threads: Vec<JoinHandle<()>>,
    process: u32,
    shared: Arc<Shared>,
}

/// Why a job was not run.
#[derive(Debug)]
pub(crate) enum NotRun {
    /// Another call uses the pool, or a task of it does.
    Busy,
    /// The system refuses a thread.
    Refused(io::Error),
}

/// The name of the core's own threads.
pub const THREAD_NAME: &str = "twolayer";

/// How often an idle thread looks for work, and the caller for the end of the others' work, before it sleeps: 50
/// microseconds on Zen 4, tens of them elsewhere. To wake up takes as long, which is too long between the products of a
/// small network.
const LOOKS: usize = polls(2_000);

/// The stack of a thread, in bytes. Without a size, the standard library would read one from the environment.
const STACK_SIZE: usize = 2 << 20;

impl ThreadPool {
    /// A pool of `threads` threads (0 counts as 1), all of which are used where there is work enough.
    pub fn new(threads: usize) -> Self {
        Self::with_tuner(threads, None)
    }

    /// A pool of as many threads as there are processors. How many are used is chosen by measuring, so that it is as
    /// fast as one thread where more do not pay, and beside other programs.
    pub fn auto() -> Self {
        Self::auto_up_to(available_processors())
    }

    /// As [`auto`](Self::auto), with at most `threads` threads.
    pub fn auto_up_to(threads: usize) -> Self {
        Self::with_tuner(threads, Some(Mutex::default()))
    }

    fn with_tuner(threads: usize, tuner: Option<Mutex<Tuner>>) -> Self {
        ThreadPool { threads: threads.max(1), started: Mutex::default(), tuner, processors: OnceLock::new() }
    }

    /// The number of threads, including the caller's.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The number of processors that the process may use, when first asked for: finding it reads files.
    pub(crate) fn processors(&self) -> usize {
        *self.processors.get_or_init(available_processors)
    }

    /// Whether the number of threads in use is chosen by measuring.
    pub fn is_auto(&self) -> bool {
        self.tuner.is_some()
    }

    /// How many threads to use next for this kind of work, at most `most`.
    pub(crate) fn choose(&self, kind: u64, most: usize, first: First) -> Choice {
        let most = most.min(self.threads);
        match &self.tuner {
            Some(tuner) if most > 1 => lock(tuner).choose(kind, most, first, Instant::now()),
            _ => Choice { threads: most, is_trial: false, expected: f64::INFINITY },
        }
    }

    /// Records the time of a unit of this kind of work.
    pub(crate) fn record(&self, kind: u64, threads: usize, seconds: f64) {
        if let Some(tuner) = &self.tuner {
            lock(tuner).record(kind, threads, seconds, Instant::now());
        }
    }

    /// The number of threads, at most `most`, that is fastest for this kind of work as far as measured; all of them if the
    /// number is not chosen.
    pub(crate) fn fastest(&self, kind: u64, most: usize) -> usize {
        let measured = self.tuner.as_ref().and_then(|tuner| lock(tuner).fastest(kind));
        measured.unwrap_or(if self.is_auto() { 1 } else { most.min(self.threads) })
    }

    /// Calls `run` with the number of threads, at most `most`, that is to be used next for this kind of work, and records
    /// the time, divided by `units`. If the pool is busy or the system refuses a thread, calls it with one.
    ///
    /// # Panics
    /// If `run` fails with one thread, which needs no other.
    pub(crate) fn run_measured(
        &self,
        (kind, first): (u64, First),
        most: usize,
        units: usize,
        mut run: impl FnMut(usize) -> Result<(), NotRun>,
    ) {
        let threads = self.choose(kind, most, first).threads;
        let start = Instant::now();
        match run(threads) {
            Ok(()) => return self.record(kind, threads, start.elapsed().as_secs_f64() / units as f64),
            Err(NotRun::Refused(_)) => self.record(kind, threads, f64::MAX),
            Err(NotRun::Busy) => {}
        }
        run(1).expect("no other thread is needed");
    }

    /// Calls `leader` on this thread and `task(1)` to `task(threads - 1)` on others, at the same time. Returns when `leader`
    /// and every task that has begun have returned: a thread that has not begun by then, as other programs keep it from
    /// running, is not waited for.
    ///
    /// # Errors
    /// If the pool is in use or the system refuses a thread. Nothing has been called then.
    ///
    /// # Panics
    /// If `leader` or a task does, once all have ended.
    pub(crate) fn run<R>(
        &self,
        threads: usize,
        leader: impl FnOnce() -> R,
        task: &(dyn Fn(usize) + Sync),
    ) -> Result<R, NotRun> {
        debug_assert!(threads <= self.threads);
        if threads <= 1 {
            return Ok(leader());
        }
        let started = self.start(threads)?;
        // SAFETY: only the lifetime changes; this function waits for all threads that have begun the task before it
        // returns or unwinds, and no other begins it after that.
        let task = Task(unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), _>(task) });
        {
            let mut state = lock(&started.shared.state);
            (state.task, state.threads) = (Some(task), threads);
            started.shared.job.fetch_add(1, Ordering::Relaxed);
        }
        started.shared.work_is_there.notify_all();
        let mine = catch_unwind(AssertUnwindSafe(leader));
        lock(&started.shared.state).task = None;
        let all_have_ended = || started.shared.running.load(Ordering::Relaxed) == 0;
        watch(all_have_ended);
        let mut state = lock(&started.shared.state);
        while !all_have_ended() {
            state = started.shared.work_is_done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let theirs = state.panic.take();
        drop(state);
        drop(started);
        match (mine, theirs) {
            (Err(panic), _) | (Ok(_), Some(panic)) => resume_unwind(panic),
            (Ok(result), None) => Ok(result),
        }
    }

    /// Takes the pool and starts the threads that are missing.
    fn start(&self, threads: usize) -> Result<MutexGuard<'_, Started>, NotRun> {
        let mut started = match self.started.try_lock() {
            Ok(started) => started,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(NotRun::Busy),
        };
        started.forget_parents();
        if started.threads.is_empty() {
            started.process = std::process::id();
        }
        while started.threads.len() + 1 < threads {
            let (shared, index) = (Arc::clone(&started.shared), started.threads.len() + 1);
            // The thread must not take part in an earlier job.
            let job = shared.job.load(Ordering::Relaxed);
            let thread = Builder::new().name(THREAD_NAME.to_owned()).stack_size(STACK_SIZE);
            started.threads.push(spawn(thread, move || shared.work(index, job)).map_err(NotRun::Refused)?);
        }
        Ok(started)
    }
}

impl Started {
    /// Forgets threads that were started before this process was forked: they exist in its parent only, and may have held
    /// the lock of what is shared.
    fn forget_parents(&mut self) {
        // Without threads it does not matter; WebAssembly has no threads, and no processes either.
        if !self.threads.is_empty() && self.process != std::process::id() {
            self.threads.drain(..).for_each(std::mem::forget);
            std::mem::forget(std::mem::take(&mut self.shared));
        }
    }
}

fn available_processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Shared {
    /// The life of the thread with this index, which has seen `job`.
    fn work(&self, index: usize, mut job: usize) {
        let mut takes_part = true;
        loop {
            let is_new = || self.job.load(Ordering::Relaxed) != job;
            if takes_part {
                watch(is_new);
            }
            let mut state = lock(&self.state);
            while !is_new() && !state.is_dropped {
                state = self.work_is_there.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_dropped {
                return;
            }
            job = self.job.load(Ordering::Relaxed);
            takes_part = index < state.threads;
            let Some(Task(task)) = state.task.filter(|_| takes_part) else { continue };
            self.running.fetch_add(1, Ordering::Relaxed);
            drop(state);
            // SAFETY: `run` keeps the closure alive until this thread has counted itself out below.
            let result = catch_unwind(AssertUnwindSafe(|| unsafe { (*task)(index) }));
            let mut state = lock(&self.state);
            let others = self.running.fetch_sub(1, Ordering::Relaxed) - 1;
            if let Err(panic) = result {
                state.panic.get_or_insert(panic);
            }
            if others == 0 {
                self.work_is_done.notify_one();
            }
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        let started = self.started.get_mut().unwrap_or_else(PoisonError::into_inner);
        started.forget_parents();
        {
            let mut state = lock(&started.shared.state);
            state.is_dropped = true;
            // Whoever watches for work looks at the state.
            started.shared.job.fetch_add(1, Ordering::Relaxed);
        }
        started.shared.work_is_there.notify_all();
        started.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Waits for a moment, until the condition is true or the time is up.
fn watch(is_true: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if is_true() {
            return;
        }
        spin_loop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadPool").field("threads", &self.threads).field("auto", &self.tuner.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn every_thread_is_called_once_per_job() {
        let pool = ThreadPool::new(5);
        for round in 0..500 {
            let threads = 1 + round % 5;
            let calls: [AtomicUsize; 5] = Default::default();
            let all = Barrier::new(threads);
            let call = |i: usize| {
                calls[i].fetch_add(1, Ordering::Relaxed);
                all.wait();
            };
            pool.run(threads, || call(0), &call).unwrap();
            let calls = calls.map(AtomicUsize::into_inner);
            assert!(calls.iter().enumerate().all(|(i, &n)| n == usize::from(i < threads)), "{threads}: {calls:?}");
            assert_eq!(lock(&pool.started).threads.len(), round.min(4), "as many were started as had to be");
        }
    }

    #[test]
    fn a_panic_on_any_thread_reaches_the_caller_and_the_pool_stays_usable() {
        let pool = ThreadPool::new(3);
        for guilty in 0..3 {
            let all = Barrier::new(3);
            let job = |i| {
                all.wait();
                if i == guilty {
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
            };
            assert!(catch_unwind(AssertUnwindSafe(|| pool.run(3, || job(0), &job))).is_err());
            assert_eq!(pool.run(3, || 7, &|_| ()).unwrap(), 7);
        }
    }

    #[test]
    fn a_pool_in_use_refuses_a_second_job() {
        let pool = ThreadPool::new(2);
        let result = pool.run(2, || pool.run(2, || (), &|_| ()), &|_| ()).unwrap();
        assert!(matches!(result, Err(NotRun::Busy)));
    }

    #[test]
    fn a_thread_that_has_not_begun_is_not_waited_for() {
        let pool = ThreadPool::new(2);
        for _ in 0..200 {
            // Mostly returns before the other thread has woken; that one must not call the closure then. Its panic
            // would reach the next job.
            let is_over = AtomicUsize::new(0);
            pool.run(2, || (), &|_| assert_eq!(is_over.load(Ordering::Relaxed), 0)).unwrap();
            is_over.store(1, Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }
}
