//! The schedule of a run: when accuracies are measured.

/// Accuracies are measured as in the notebook: after iterations 0, epoch, 2 * epoch, ...
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Iterations per epoch: the batches that fit into the training set, at least one.
    pub epoch: usize,
    /// Iterations of the run.
    pub iterations: usize,
}

impl Schedule {
    /// A run of `iterations`, or of `epochs` if given; `None` if the number of iterations overflows.
    pub fn new(rows: usize, batch: usize, iterations: usize, epochs: Option<usize>) -> Option<Self> {
        let epoch = (rows / batch).max(1);
        let iterations = match epochs {
            Some(epochs) => epochs.checked_mul(epoch)?,
            None => iterations,
        };
        Some(Schedule { epoch, iterations })
    }

    /// The number of measurements of a whole run.
    pub fn measurements(&self) -> usize {
        self.iterations.div_ceil(self.epoch)
    }

    /// The iteration to stop at after `done` iterations: the next measurement, or the end.
    pub fn next_stop(&self, done: usize) -> usize {
        let measured = done.div_ceil(self.epoch).saturating_mul(self.epoch);
        self.iterations.min(measured.saturating_add(1))
    }

    /// The epoch of a measurement after `done` iterations, and the tenths of the next one, rounded down: that of the
    /// measurement after an epoch's first iteration is whole, as in the notebook.
    pub fn epochs(&self, done: usize) -> (usize, usize) {
        match done.checked_sub(1).filter(|&iteration| self.is_measured(iteration)) {
            Some(iteration) => (iteration / self.epoch, 0),
            None => (done / self.epoch, 10 * (done % self.epoch) / self.epoch),
        }
    }

    /// Whether accuracies are measured after this iteration.
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
        assert_eq!([1, 601, 6000, 10_000].map(|done| mnist.epochs(done)), [(0, 0), (1, 0), (10, 0), (16, 6)]);
    }

    #[test]
    fn edge_cases_are_correct() {
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
