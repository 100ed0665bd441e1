//! The threads and the instruction set of a command.

use rayon::{ThreadPool, ThreadPoolBuilder};
use twolayer_core::Level;

use crate::args::MachineArgs;
use crate::error::CliError;
use crate::number_format::count;

/// What of the machine a command uses.
pub struct Machine {
    pub level: Level,
    pub threads: usize,
    /// For work that is split into tasks: predictions over many rows, finite differences. Training has its own team.
    pub pool: ThreadPool,
}

impl Machine {
    /// The machine as the options want it; an instruction set that is not there is an error, never a fallback.
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
