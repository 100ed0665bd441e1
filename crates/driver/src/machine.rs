//! The threads and the instruction set of a command.

use twolayer_core::{Float, Level, Threads, TwoLayerNet};

use crate::args::{MachineArgs, ThreadCount};
use crate::error::CliError;
use crate::number_format::count;

/// The threads and instruction set in use.
pub struct Machine {
    pub level: Level,
    /// One pool for training and evaluation.
    threads: Threads,
}

impl Machine {
    /// The machine that the options ask for. An instruction set that is missing is an error.
    pub fn new(args: &MachineArgs) -> Result<Self, CliError> {
        let level = args.level()?;
        let threads = match args.threads {
            ThreadCount::Auto => Threads::auto(),
            ThreadCount::Fixed(threads) => Threads::new(threads),
        };
        Ok(Machine { level, threads })
    }

    /// The network, computed by this machine.
    pub fn run<T: Float>(&self, net: TwoLayerNet<T>) -> TwoLayerNet<T> {
        net.with_level(self.level).with_threads(self.threads.clone())
    }

    /// The most threads in use.
    pub fn threads(&self) -> usize {
        self.threads.count()
    }

    /// `2 threads, avx512`, or `up to 2 threads, avx512`.
    pub fn describe(&self) -> String {
        let up_to = if self.threads.is_auto() && self.threads() > 1 { "up to " } else { "" };
        format!("{up_to}{}, {}", count(self.threads(), "thread"), self.level)
    }
}
