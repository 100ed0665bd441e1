//! Refuses sizes that do not fit into memory, before an allocation aborts the program.

use twolayer_core::{MemoryEstimate, Shape};

use crate::error::CliError;

/// The network's shape, or an error if it is impossible.
pub fn shape(inputs: usize, hidden: usize, classes: usize) -> Result<Shape, CliError> {
    Shape::new(inputs, hidden, classes).map_err(|e| CliError::new(format!("{e}; lower --hidden or --classes")))
}

/// What to do where no option makes a command need less.
pub const END_OTHERS: &str = "end other programs";

/// An error if the machine lacks the memory; `advice` is what to do.
pub fn check(need: MemoryEstimate, advice: &str) -> Result<(), CliError> {
    let (free, bytes) = (available(), need.bytes());
    // Both the free memory and the limit of the process must suffice.
    if free.is_none_or(|free| bytes <= u128::from(free)) && need.is_available() {
        return Ok(());
    }
    let have = match free {
        Some(free) if bytes > u128::from(free) => format!(" and {} are free", size(u128::from(free))),
        _ => ", more than the system allows".into(),
    };
    Err(CliError::new(format!("not enough memory: it takes about {}{have}; {advice}", size(bytes))))
}

/// Memory available without swapping, if known.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn size(bytes: u128) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_beyond_any_memory_are_errors() {
        let shape = Shape::new(784, 50, 10).unwrap();
        assert!(
            check(MemoryEstimate::default().parameters(shape, 8, 4).batch(100, shape, 8, 8), "lower --hidden").is_ok()
        );
        let huge = Shape::new(784, 1 << 30, 10).unwrap();
        let message =
            format!("{:?}", check(MemoryEstimate::default().parameters(huge, 8, 300), "lower --hidden").unwrap_err());
        assert!(message.contains("PB") && message.contains("--hidden"), "{message}");
        assert!(check(MemoryEstimate::default().batch(usize::MAX, shape, 8, 8), "lower --batch").is_err());
        assert!(check(MemoryEstimate::default().elements(usize::MAX, 8), "lower --log").is_err());
    }

    #[test]
    fn sizes_have_a_fitting_unit() {
        assert_eq!((size(999).as_str(), size(47_040_000).as_str()), ("999.0 B", "47.0 MB"));
        assert_eq!(size(u128::MAX).rsplit_once(' ').unwrap().1, "EB");
    }
}
