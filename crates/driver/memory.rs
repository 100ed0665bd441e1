//! Sizes that cannot be meant, told before the allocator aborts the program.

use twolayer_core::Shape;

use crate::error::Failure;

/// Lanes of the widest vector: rows of parameters are padded to a multiple of it.
const PAD: u128 = 16;

/// The network's shape, if there can be one of these sizes.
pub fn shape(inputs: usize, hidden: usize, classes: usize) -> Result<Shape, Failure> {
    Shape::new(inputs, hidden, classes).map_err(|e| Failure::new(format!("{e}; lower --hidden or --classes")))
}

/// What a run will allocate, in bytes, within a factor of two. All counts are wide enough not to overflow.
#[derive(Clone, Copy, Default)]
pub struct Need(u128);

impl Need {
    /// `copies` of the parameters of a network whose numbers take `width` bytes.
    pub fn parameters(self, shape: Shape, width: usize, copies: usize) -> Self {
        let padded = |n: usize| (n as u128).next_multiple_of(PAD);
        let count = (shape.inputs() as u128 + 1).saturating_mul(padded(shape.hidden()))
            + (shape.hidden() as u128 + 1).saturating_mul(padded(shape.classes()));
        self.plus(count.saturating_mul(width as u128).saturating_mul(copies as u128))
    }

    /// `copies` of one batch on its way through the network: its pixels, and numbers for what comes of them.
    pub fn batch(self, rows: usize, shape: Shape, width: usize, copies: usize) -> Self {
        let numbers = 2 * (shape.hidden() as u128 + shape.classes() as u128);
        let row = numbers.saturating_mul(width as u128).saturating_add(shape.inputs() as u128);
        self.plus((rows as u128).saturating_mul(row).saturating_mul(copies as u128))
    }

    /// `count` numbers of `width` bytes.
    pub fn numbers(self, count: usize, width: usize) -> Self {
        self.plus((count as u128).saturating_mul(width as u128))
    }

    fn plus(self, bytes: u128) -> Self {
        Need(self.0.saturating_add(bytes))
    }

    /// An error if the machine has not as much memory to give; `options` are those that could be lowered.
    pub fn check(self, options: &str) -> Result<(), Failure> {
        let free = available();
        // What the system has free, and what it would give this process: both must do. The probe is given back
        // untouched.
        let granted = |bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
        let fits = free.is_none_or(|free| self.0 <= u128::from(free)) && usize::try_from(self.0).is_ok_and(granted);
        if fits {
            return Ok(());
        }
        let have = match free {
            Some(free) if self.0 > u128::from(free) => format!(" and {} are free", size(u128::from(free))),
            _ => ", which the system does not grant".into(),
        };
        Err(Failure::new(format!("not enough memory: the run needs about {}{have}; lower {options}", size(self.0))))
    }
}

/// Memory that can be had without swapping, where the system tells.
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
    fn refuses_what_no_machine_has() {
        let shape = Shape::new(784, 50, 10).unwrap();
        assert!(Need::default().parameters(shape, 8, 4).batch(100, shape, 8, 8).check("--hidden").is_ok());
        let huge = Shape::new(784, 1 << 30, 10).unwrap();
        let message = format!("{:?}", Need::default().parameters(huge, 8, 300).check("--hidden").unwrap_err());
        assert!(message.contains("PB") && message.contains("--hidden"), "{message}");
        assert!(Need::default().batch(usize::MAX, shape, 8, 8).check("--batch").is_err());
        assert!(Need::default().numbers(usize::MAX, 8).check("--log").is_err());
    }

    #[test]
    fn sizes_have_a_fitting_unit() {
        assert_eq!((size(999).as_str(), size(47_040_000).as_str()), ("999.0 B", "47.0 MB"));
        assert_eq!(size(u128::MAX).rsplit_once(' ').unwrap().1, "EB");
    }
}
