//! A team of threads that meets once a step: scoped threads, a barrier that spins and then sleeps, and memory that all
//! of them reach between meetings. No pool, so nothing can be nested wrongly, and nothing is left behind.

use crate::buffer::{Aligned, Plain};
use crate::parallel::builder;
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Polls before a waiting thread goes to sleep: some 200 µs on the processors it was measured on. That is longer than
/// the waking of an idle core takes on a virtual machine; if it were not, members that have once slept would keep each
/// other asleep in turn.
///
/// Sleeping, not yielding: a thread that yields on a busy machine waits for a whole time slice of whoever comes next,
/// while one that is woken is run at once.
const SPINS: u32 = 20_000;

/// On a cache line of its own, so that polling one does not slow the writing of another.
#[repr(align(128))]
struct Line<A>(A);

/// Where the members of a team wait for each other.
pub(super) struct Barrier {
    members: usize,
    spins: u32,
    arrived: Line<AtomicUsize>,
    meeting: Line<AtomicUsize>,
    /// Members that sleep or are about to.
    asleep: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
    broken: AtomicBool,
}

/// A member of the team panicked or could not be started: there will be no further meeting.
#[derive(Debug)]
pub(super) struct Broken;

impl Barrier {
    fn new(members: usize) -> Self {
        let line = || Line(AtomicUsize::new(0));
        // A team larger than the machine only keeps the others from working by spinning.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Barrier {
            members,
            spins: if members > cores { 0 } else { SPINS },
            arrived: line(),
            meeting: line(),
            asleep: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
            broken: AtomicBool::new(false),
        }
    }

    /// Returns once all members have called it. What any member wrote before is visible to all after.
    pub fn wait(&self) -> Result<(), Broken> {
        let meeting = self.meeting.0.load(Ordering::Relaxed);
        if self.arrived.0.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.0.store(0, Ordering::Relaxed);
            self.meeting.0.store(meeting.wrapping_add(1), Ordering::SeqCst);
            self.wake();
            return Ok(());
        }
        let over = || self.meeting.0.load(Ordering::SeqCst) != meeting;
        for _ in 0..self.spins {
            if over() || self.broken.load(Ordering::Relaxed) {
                break;
            }
            std::hint::spin_loop();
        }
        if !over() {
            self.sleep(over);
        }
        if over() { Ok(()) } else { Err(Broken) }
    }

    /// Until `over`, or until the barrier breaks.
    fn sleep(&self, over: impl Fn() -> bool) {
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted before looking once more, as `wake` looks at the count after the change that it tells of: one of the
        // two sees the other.
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while !over() && !self.broken.load(Ordering::SeqCst) {
            bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    /// Ends the wait of all who wait, now and later.
    fn break_up(&self) {
        self.broken.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if self.asleep.load(Ordering::SeqCst) > 0 {
            // Whoever counted itself has looked before it let go of the lock to sleep.
            drop(self.bed.lock().unwrap_or_else(PoisonError::into_inner));
            self.bell.notify_all();
        }
    }
}

/// Breaks the barrier if its owner unwinds, so that nobody waits for a member that will not come.
struct BreakOnPanic<'a>(&'a Barrier);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_up();
        }
    }
}

/// Runs `lead` on the first member on this thread and `follow` on each other one on a thread of its own; all are given
/// the barrier. Returns what `lead` returns.
///
/// # Errors
/// If the system refuses a thread; `lead` has not run then, and nobody is past the first meeting.
///
/// # Panics
/// If one of them does, once all have ended.
pub(super) fn run<M: Send, R>(
    members: &mut [M],
    lead: impl FnOnce(&mut M, &Barrier) -> R,
    follow: impl Fn(&mut M, &Barrier) + Sync,
) -> io::Result<R> {
    let barrier = Barrier::new(members.len());
    let (first, others) = members.split_first_mut().expect("a team has a member");
    if others.is_empty() {
        return Ok(lead(first, &barrier));
    }
    let (barrier, follow) = (&barrier, &follow);
    std::thread::scope(|scope| {
        let _guard = BreakOnPanic(barrier);
        let mut threads = Vec::with_capacity(others.len());
        for member in others {
            let started = builder().spawn_scoped(scope, move || {
                let _guard = BreakOnPanic(barrier);
                follow(member, barrier);
            });
            match started {
                Ok(thread) => threads.push(thread),
                Err(refused) => {
                    barrier.break_up();
                    return Err(refused);
                }
            }
        }
        let result = lead(first, barrier);
        // The scope would wait for their work alone, and leave the threads themselves to end a moment later.
        threads.into_iter().for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok(result)
    })
}

/// A buffer that all members reach, by the rule that between two meetings an element is either written by one member
/// or read by any.
pub(super) struct Shared<T> {
    elements: *mut T,
    len: usize,
    /// Keeps the memory; not touched but through the pointer.
    _owner: Aligned<T>,
}

// SAFETY: a `Shared` is plain numbers, and its methods' callers keep to the rule above.
unsafe impl<T: Plain> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Send for Shared<T> {}

impl<T: Plain> Shared<T> {
    /// As many zeros as the product of `dims`.
    pub fn new<const D: usize>(dims: [usize; D]) -> Self {
        let mut owner = Aligned::zeroed(dims);
        Shared { elements: owner.as_mut_ptr(), len: owner.len(), _owner: owner }
    }

    /// # Safety
    /// No member writes to any of it while the slice is in use.
    pub unsafe fn read(&self) -> &[T] {
        // SAFETY: the pointer and length are the owner's; the caller promises that nobody writes.
        unsafe { std::slice::from_raw_parts(self.elements, self.len) }
    }

    /// # Panics
    /// If the range is not within the buffer.
    ///
    /// # Safety
    /// No other member reads or writes the range before the caller's next meeting, and the caller has no other
    /// reference into it.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the owner's memory; the caller promises that nobody else is there.
        unsafe { std::slice::from_raw_parts_mut(self.elements.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_before_a_meeting_is_read_after_it() {
        for members in [1, 2, 3, 8] {
            let shared = [Shared::<u64>::new([members]), Shared::<u64>::new([members])];
            let mut ids: Vec<u64> = (0..members as u64).collect();
            let work = |id: &mut u64, barrier: &Barrier| {
                for t in 0..2000u64 {
                    let here = &shared[t as usize % 2];
                    let mine = *id as usize;
                    // SAFETY: each member writes its own element, of the buffer that nobody reads before the meeting.
                    unsafe { here.write(mine..mine + 1)[0] = t * *id };
                    barrier.wait().unwrap();
                    // SAFETY: until the next meeting but one, nobody writes to this buffer.
                    let sum: u64 = unsafe { here.read() }.iter().sum();
                    assert_eq!(sum, t * (members as u64 * (members as u64 - 1) / 2));
                }
            };
            run(&mut ids, work, work).unwrap();
        }
    }

    #[test]
    fn a_team_that_is_broken_up_waits_no_longer() {
        for spins in [0, SPINS] {
            let barrier = Barrier { spins, ..Barrier::new(2) };
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| barrier.wait().is_err());
                std::thread::sleep(std::time::Duration::from_millis(20));
                barrier.break_up();
                assert!(waiting.join().unwrap());
            });
        }
    }

    #[test]
    fn a_panic_of_one_member_ends_all() {
        for guilty in [0u64, 1, 2] {
            let work = |id: &mut u64, barrier: &Barrier| {
                for t in 0..100 {
                    if *id == guilty && t == 50 {
                        std::panic::resume_unwind(Box::new("on purpose"));
                    }
                    if barrier.wait().is_err() {
                        return;
                    }
                }
                panic!("met {guilty} after its end");
            };
            let ended = std::panic::catch_unwind(|| run(&mut [0, 1, 2], work, work));
            assert!(ended.is_err());
        }
    }
}
