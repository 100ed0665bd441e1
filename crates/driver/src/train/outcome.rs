//! The outcome of a training run.

use serde::Serialize;

/// The outcome of a run.
#[derive(Default)]
pub struct Outcome {
    pub iterations: usize,
    /// Time of the iterations, without loading data and measuring accuracies.
    pub train_seconds: f64,
    /// Total time of the resumed runs, up to their checkpoints.
    pub earlier_seconds: f64,
    /// The threads that trained; the fastest number of them, where that was measured.
    pub threads: usize,
    /// The mean loss on the test set.
    pub test_loss: f64,
    pub train_accuracy: f64,
    pub test_accuracy: f64,
    /// With patience: the iteration of the best weights, which are kept, if it is not the last.
    pub kept_iterations: Option<usize>,
    /// Why the run ended before its last iteration.
    pub early: Option<EarlyStop>,
}

/// Reasons to end a run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EarlyStop {
    /// Ctrl-C.
    Interrupted,
    /// The validation accuracy stopped improving.
    Patience,
}
