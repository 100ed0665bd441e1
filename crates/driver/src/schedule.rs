//! When a run stops to measure itself.

/// A run cut where the notebook takes its accuracies: after the iterations 0, epoch, 2 * epoch, ...
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Iterations of an epoch: the batches that fit into the training set, at least one.
    pub epoch: usize,
    /// Iterations of the run.
    pub iterations: usize,
}

impl Schedule {
    /// A run of `iterations`, or of `epochs` where that is given; `None` if their product is no number.
    pub fn new(rows: usize, batch: usize, iterations: usize, epochs: Option<usize>) -> Option<Self> {
        let epoch = (rows / batch).max(1);
        let iterations = match epochs {
            Some(epochs) => epochs.checked_mul(epoch)?,
            None => iterations,
        };
        Some(Schedule { epoch, iterations })
    }

    /// How many accuracies an uncut run takes.
    pub fn measurements(&self) -> usize {
        self.iterations.div_ceil(self.epoch)
    }

    /// How far the next piece goes when `done` iterations are done: behind the next measured iteration, or to the end.
    pub fn next_stop(&self, done: usize) -> usize {
        let measured = done.div_ceil(self.epoch).saturating_mul(self.epoch);
        self.iterations.min(measured.saturating_add(1))
    }

    /// Whether accuracies are taken after this iteration's update.
    pub fn is_measured(&self, iteration: usize) -> bool {
        iteration.is_multiple_of(self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(schedule: Schedule) -> Vec<usize> {
        let mut stops = vec![0];
        while *stops.last().unwrap() < schedule.iterations {
            stops.push(schedule.next_stop(*stops.last().unwrap()));
        }
        stops.split_off(1)
    }

    #[test]
    fn measures_after_every_epochs_first_iteration() {
        let mnist = Schedule::new(60_000, 100, 10_000, None).unwrap();
        assert_eq!(mnist.epoch, 600);
        let stops = stops(mnist);
        assert_eq!(stops.len(), 18);
        assert_eq!(stops[..3], [1, 601, 1201]);
        assert_eq!(stops[16..], [9601, 10_000]);
        assert_eq!(mnist.measurements(), 17);
        assert!(mnist.is_measured(0) && mnist.is_measured(9600) && !mnist.is_measured(9999));
    }

    #[test]
    fn knows_the_small_cases() {
        let piece = |rows, batch, iters, epochs| stops(Schedule::new(rows, batch, iters, epochs).unwrap());
        assert_eq!(piece(10, 3, 0, None), [0; 0]);
        assert_eq!(piece(10, 3, 1, None), [1]);
        assert_eq!(piece(10, 3, 4, None), [1, 4]);
        assert_eq!(piece(10, 3, 5, None), [1, 4, 5]);
        assert_eq!(piece(10, 3, 99, Some(2)), [1, 4, 6]);
        assert_eq!(piece(10, 20, 3, None), [1, 2, 3]);
        assert_eq!(piece(10, 20, 99, Some(0)), [0; 0]);
        assert!(Schedule::new(10, 1, 0, Some(usize::MAX)).is_none());
        assert_eq!(Schedule::new(10, 1, usize::MAX, None).unwrap().next_stop(usize::MAX - 1), usize::MAX);
    }
}
