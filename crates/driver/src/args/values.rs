//! Parsers and names of option values.

use std::ops::RangeInclusive;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use twolayer_core::Level;

/// The largest batch that the core takes.
const MAX_BATCH: usize = 1 << 24;

/// The most threads, so that a typing error does not start a million.
const MAX_THREADS: usize = 1024;

/// How a step's gradient is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GradientName {
    /// By backpropagation
    Backprop,
    /// By central differences in f64, some hundred times slower: the line that is commented out in the notebook
    Numerical,
}

impl GradientName {
    pub fn name(self) -> &'static str {
        match self {
            GradientName::Backprop => "backprop",
            GradientName::Numerical => "numerical",
        }
    }
}

/// The random number generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RngName {
    /// ChaCha with 8 rounds: the same numbers on every machine and in every release
    Chacha8,
    /// NumPy's legacy generator, replaying np.random.seed(SEED); seeds below 2^32
    Numpy,
}

impl RngName {
    pub fn name(self) -> &'static str {
        match self {
            RngName::Chacha8 => "chacha8",
            RngName::Numpy => "numpy",
        }
    }
}

/// The floating-point type of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// 32 bits: fast
    F32,
    /// 64 bits: comparable with NumPy
    F64,
}

/// A split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The training set
    Train,
    /// The test set
    Test,
}

impl Split {
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// The threads that this process may use; 1 if unknown.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) fn isa_names() -> PossibleValuesParser {
    PossibleValuesParser::new(["auto"].into_iter().chain(Level::NAMES.iter().copied()))
}

/// An integer, with a better message than clap's.
pub(super) fn integer(text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(n) if (least..=most).contains(&n) => Ok(n),
        _ if most == u64::MAX => Err(format!("expected a whole number, at least {least} and below 2^64")),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    integer(text, 0, u64::MAX)
}

pub(super) fn whole(text: &str) -> Result<usize, String> {
    integer(text, 0, usize::MAX as u64).map(|n| n as usize)
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    integer(text, 1, usize::MAX as u64).map(|n| n as usize)
}

pub(super) fn batch(text: &str) -> Result<usize, String> {
    integer(text, 1, MAX_BATCH as u64).map(|n| n as usize)
}

/// The most runs of `--seeds`.
const MAX_RUNS: u64 = 10_000;

/// `0..9` with both ends included, or one seed.
pub(super) fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (seed(first), seed(last)) {
        (Ok(first), Ok(last)) if first <= last && last - first < MAX_RUNS => Ok(first..=last),
        (Ok(first), Ok(last)) if first <= last => Err(format!("expected at most {MAX_RUNS} seeds")),
        _ => Err("expected two whole numbers in order, as in 0..9".into()),
    }
}

/// The number of threads, or that it is chosen by measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadCount {
    Auto,
    Fixed(usize),
}

pub(super) fn threads(text: &str) -> Result<ThreadCount, String> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(ThreadCount::Auto);
    }
    let count = integer(text, 1, MAX_THREADS as u64).map_err(|problem| format!("{problem}, or `auto`"))?;
    Ok(ThreadCount::Fixed(count as usize))
}

/// Beyond this range, differences are rounding errors, or of unrelated losses.
pub(super) fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(h) if (1e-15..=1e3).contains(&h) => Ok(h),
        _ => Err("expected a number from 1e-15 to 1e3".into()),
    }
}

pub(super) fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..1.0).contains(&x) => Ok(x),
        _ => Err("expected a number from 0 to below 1".into()),
    }
}

pub(super) fn zero_or_more(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
        _ => Err("expected a finite number from 0 on".into()),
    }
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x > 0.0 => Ok(x),
        _ => Err("expected a finite number above 0".into()),
    }
}
