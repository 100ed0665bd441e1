//! Chooses the number of threads by measuring.
//!
//! Results do not depend on the number of threads, so it may be chosen by time alone. Each kind of work is tried with one
//! thread and with more; the fastest is kept, and the others are tried again now and then, as other programs come and
//! go. A number that was much slower is tried again later and later: on a busy machine, workers that wait for each other
//! can take a hundred times as long as one that works alone.

use super::clock::Instant;
use std::time::Duration;

/// When a slower number of threads is first tried again.
const FIRST_RETRY: Duration = Duration::from_millis(200);
/// The longest time until it is tried again.
const LAST_RETRY: Duration = Duration::from_secs(5);
/// It is not tried again before so many units of its work could be done, within an hour.
const RETRY_UNITS: f64 = 30.0;
const HOUR: f64 = 3600.0;
/// A number this much slower than the fastest is tried again later each time.
const MUCH_SLOWER: f64 = 1.2;

/// Measurements by kind of work.
#[derive(Default)]
pub(super) struct Tuner(Vec<(u64, Vec<Candidate>)>);

/// A number of threads.
struct Candidate {
    threads: usize,
    /// Seconds per unit of work in the last two measurements; infinite before. The smaller one counts, so that a single
    /// disturbance changes nothing.
    seconds: [f64; 2],
    retry_at: Instant,
    retry_after: Duration,
}

impl Candidate {
    fn best(&self) -> f64 {
        self.seconds[0].min(self.seconds[1])
    }
}

/// Which number of threads is tried first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum First {
    /// For threads that wait for each other, which may take very long on a busy machine.
    One,
    /// For independent pieces of work, which may be done only once.
    Most,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    pub threads: usize,
    /// Whether this is a trial, which should be short.
    pub is_trial: bool,
    /// Seconds per unit of work with the fastest number of threads, as far as measured; else infinite.
    pub expected: f64,
}

impl Tuner {
    /// The number of threads, at most `most`, for the next piece of work of this kind.
    pub fn choose(&mut self, kind: u64, most: usize, first: First, now: Instant) -> Choice {
        if self.candidates(kind).is_none() {
            let powers = std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n < most);
            let seconds = [f64::INFINITY; 2];
            let candidate = |threads| Candidate { threads, seconds, retry_at: now, retry_after: FIRST_RETRY };
            let mut candidates: Vec<Candidate> = powers.chain([most]).map(candidate).collect();
            if first == First::Most {
                candidates.reverse();
            }
            self.0.push((kind, candidates));
        }
        let candidates = self.candidates(kind).expect("just made");
        let (threads, expected) = fastest(candidates);
        // Each is measured twice at first, as the first time finds its data outside the caches; unless that shows enough.
        let is_new = |c: &&Candidate| c.seconds[0] == f64::INFINITY;
        let due = |c: &&Candidate| match c.seconds {
            [first, f64::INFINITY] if first <= expected * MUCH_SLOWER => true,
            _ => c.threads != threads && now >= c.retry_at,
        };
        match candidates.iter().find(is_new).or_else(|| candidates.iter().find(due)) {
            Some(candidate) => Choice { threads: candidate.threads, is_trial: true, expected },
            None => Choice { threads, is_trial: false, expected },
        }
    }

    /// Records that a unit of this kind of work took so many seconds with `threads` threads.
    pub fn record(&mut self, kind: u64, threads: usize, seconds: f64, now: Instant) {
        let Some(candidates) = self.candidates(kind) else { return };
        let (_, best) = fastest(candidates);
        if let Some(candidate) = candidates.iter_mut().find(|c| c.threads == threads) {
            let slow = seconds > best * MUCH_SLOWER;
            let later = if slow { (candidate.retry_after * 2).min(LAST_RETRY) } else { FIRST_RETRY };
            candidate.retry_after = later.max(Duration::from_secs_f64((RETRY_UNITS * seconds).min(HOUR)));
            candidate.retry_at = now + candidate.retry_after;
            candidate.seconds = [seconds.min(f64::MAX), candidate.seconds[0]];
        }
    }

    /// The fastest number of threads measured for this kind of work.
    pub fn fastest(&mut self, kind: u64) -> Option<usize> {
        let (threads, seconds) = fastest(self.candidates(kind)?);
        Some(threads).filter(|_| seconds < f64::INFINITY)
    }

    /// Those of one kind of work. There are few kinds.
    fn candidates(&mut self, kind: u64) -> Option<&mut Vec<Candidate>> {
        self.0.iter_mut().find(|(k, _)| *k == kind).map(|(_, candidates)| candidates)
    }
}

/// The fastest number of threads, and its seconds per unit of work: infinite if none has been measured.
fn fastest(candidates: &[Candidate]) -> (usize, f64) {
    let all = candidates.iter().map(|c| (c.threads, c.best()));
    all.min_by(|a, b| a.1.total_cmp(&b.1)).expect("each kind of work has a candidate")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the tuner against a machine where `seconds(threads, time)` is the time of a unit; returns the choices.
    fn choices(most: usize, seconds: impl Fn(usize, f64) -> f64, units: usize) -> Vec<usize> {
        let (mut tuner, start, mut time) = (Tuner::default(), Instant::now(), 0.0);
        (0..units)
            .map(|_| {
                let now = start + Duration::from_secs_f64(time);
                let threads = tuner.choose(7, most, First::One, now).threads;
                let took = seconds(threads, time);
                time += took;
                tuner.record(7, threads, took, start + Duration::from_secs_f64(time));
                threads
            })
            .collect()
    }

    #[test]
    fn the_fastest_number_is_kept_and_the_others_are_tried_rarely() {
        for best in [1, 2, 4] {
            let chosen = choices(4, |threads, _| if threads == best { 0.001 } else { 0.01 }, 5000);
            let others = chosen.iter().filter(|&&threads| threads != best).count();
            assert!((3..40).contains(&others), "{best}: {others}");
        }
    }

    #[test]
    fn a_machine_that_becomes_busy_and_quiet_again_is_noticed() {
        let busy = |time: f64| (2.0..6.0).contains(&time);
        let seconds = |threads: usize, time: f64| match threads {
            1 => 0.001,
            _ if busy(time) => 0.1,
            _ => 0.0005,
        };
        let chosen = choices(2, seconds, 12_000);
        let late = &chosen[chosen.len() - 1000..];
        assert!(late.iter().filter(|&&threads| threads == 2).count() > 900, "two threads again");
        let took = chosen.iter().scan(0.0, |time, &threads| {
            let took = seconds(threads, *time);
            *time += took;
            Some(took)
        });
        assert!(took.filter(|&took| took == 0.1).count() < 8, "few units wait on a busy machine");
    }

    #[test]
    fn few_long_units_are_spent_on_trials() {
        let chosen = choices(4, |threads, _| 0.4 / threads as f64, 40);
        assert_eq!(chosen[..3], [1, 2, 4]);
        assert!(chosen[3..].iter().all(|&threads| threads == 4), "{chosen:?}");
    }

    #[test]
    fn one_thread_needs_no_trial() {
        assert!(choices(1, |_, _| 0.001, 100).iter().all(|&threads| threads == 1));
    }
}
