//! The threads and the instruction set of a command.

use rayon::{ThreadPool, ThreadPoolBuilder};
use twolayer_core::{Engine, Level};

use crate::args::MachineArgs;
use crate::error::CliError;
use crate::report::count;

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

    /// `2 threads, avx512, float`, or `fixed (avx512-vnni)` in place of the last.
    pub fn describe(&self, engine: Engine) -> String {
        let by = if engine == Engine::Fixed { format!(" ({})", self.level.bytes()) } else { String::new() };
        format!("{}, {}, {}{by}", count(self.threads, "thread"), self.level, engine.name())
    }
}
