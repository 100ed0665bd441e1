//! The threads and the instruction set of a command.

use rayon::{ThreadPool, ThreadPoolBuilder};
use twolayer_core::Level;

use crate::args::MachineArgs;
use crate::error::CliError;
use crate::number_format::count;

/// The threads and instruction set in use.
pub struct Machine {
    pub level: Level,
    pub threads: usize,
    /// For predictions over many rows and numerical gradients. Training has worker threads of its own.
    pub pool: ThreadPool,
}

impl Machine {
    /// The machine that the options ask for. An instruction set that is missing is an error.
    pub fn new(args: &MachineArgs) -> Result<Self, CliError> {
        let level = args.level()?;
        let threads = args.threads();
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|e| CliError::new(format!("cannot start {threads} threads: {e}; lower --threads")))?;
        Ok(Machine { level, threads, pool })
    }

    /// `2 threads, avx512`.
    pub fn describe(&self) -> String {
        format!("{}, {}", count(self.threads, "thread"), self.level)
    }
}
