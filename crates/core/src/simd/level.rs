//! The instruction set as a value: made only after detection, passed as an argument.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use super::neon;
use super::scalar;
use super::vector::{Kernel, Simd};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::element::Element;
use crate::error::{Error, Result};
use std::fmt;

/// An instruction set that this processor has.
///
/// A `Level` exists only if the processor has the instruction set, so running its kernels is always safe.
/// All levels give the same results, to the bit; they differ in speed.
///
/// ```
/// use twolayer_core::Level;
/// for level in Level::available() {
///     assert_eq!(Level::by_name(level.name()).unwrap(), level);
/// }
/// assert!(Level::by_name("mmx").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(Kind);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Scalar,
    Avx2,
    Avx512,
    Neon,
}

/// Every level and its name; those of one architecture lowest first.
const TABLE: [(Kind, &str); 4] =
    [(Kind::Scalar, "scalar"), (Kind::Avx2, "avx2"), (Kind::Avx512, "avx512"), (Kind::Neon, "neon")];

impl Level {
    /// The names that [`by_name`](Self::by_name) knows: the levels of all architectures, each one's lowest first.
    pub const NAMES: &[&str] = &{
        let mut names = [""; TABLE.len()];
        let mut i = 0;
        while i < names.len() {
            names[i] = TABLE[i].1;
            i += 1;
        }
        names
    };

    /// The level that every processor has.
    pub(crate) const SCALAR: Level = Level(Kind::Scalar);

    /// The levels this processor has, lowest first. `scalar` is always there.
    pub fn available() -> Vec<Level> {
        TABLE.iter().filter(|(kind, _)| kind.detected()).map(|&(kind, _)| Level(kind)).collect()
    }

    /// The highest level this processor has.
    pub fn best() -> Level {
        let best = TABLE.iter().rev().find(|(kind, _)| kind.detected());
        best.map_or(Level::SCALAR, |&(kind, _)| Level(kind))
    }

    /// The level of that name.
    ///
    /// # Errors
    /// [`Error::UnknownLevel`] for a name outside [`NAMES`](Self::NAMES), [`Error::LevelUnavailable`] for a level that
    /// this processor lacks: there is no silent fallback.
    pub fn by_name(name: &str) -> Result<Level> {
        find(name, Kind::detected)
    }

    /// One of [`NAMES`](Self::NAMES).
    pub fn name(self) -> &'static str {
        TABLE[self.0 as usize].1
    }

    /// Lanes of this instruction set's vectors of `T`.
    pub(crate) fn lanes<T: SimdElement>(self) -> usize {
        self.dispatch::<T, _>(LanesAndRegisters).0
    }

    /// Vector registers of this instruction set.
    pub(crate) fn registers<T: SimdElement>(self) -> usize {
        self.dispatch::<T, _>(LanesAndRegisters).1
    }

    /// Runs `kernel` compiled for this instruction set.
    #[inline]
    pub(crate) fn dispatch<T: SimdElement, K: Kernel<T>>(self, kernel: K) -> K::Output {
        T::dispatch(self, kernel)
    }
}

/// The level called `name`, if the processor `has` it.
fn find(name: &str, has: impl Fn(Kind) -> bool) -> Result<Level> {
    match TABLE.iter().find(|(_, n)| *n == name) {
        None => Err(Error::UnknownLevel { name: name.to_owned(), known: Level::NAMES }),
        Some(&(kind, name)) if !has(kind) => {
            let available = Level::available().into_iter().map(Level::name).collect();
            Err(Error::LevelUnavailable { name, available })
        }
        Some(&(kind, _)) => Ok(Level(kind)),
    }
}

struct LanesAndRegisters;

impl<T: Element> Kernel<T> for LanesAndRegisters {
    type Output = (usize, usize);

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> (usize, usize) {
        (S::LANES, S::REGISTERS)
    }
}

/// An element type that every level supports.
pub trait SimdElement: Element {
    /// [`Level::dispatch`] for this type.
    fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output;
}

macro_rules! simd_element {
    ($t:ty) => {
        impl SimdElement for $t {
            #[inline]
            fn dispatch<K: Kernel<$t>>(level: Level, kernel: K) -> K::Output {
                match level.0 {
                    Kind::Scalar => scalar::run(kernel),
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: a `Level` of this kind exists only where `detected` found the instruction set.
                    Kind::Avx2 => unsafe { avx2::run(kernel) },
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: as above.
                    Kind::Avx512 => unsafe { avx512::run(kernel) },
                    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
                    Kind::Neon => neon::run(kernel),
                    _ => unreachable!("not detected on this architecture"),
                }
            }
        }
    };
}

simd_element!(f32);
simd_element!(f64);

impl Kind {
    fn detected(self) -> bool {
        match self {
            Kind::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::detected(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::detected(),
            #[cfg(not(target_arch = "x86_64"))]
            Kind::Avx2 | Kind::Avx512 => false,
            // The architecture's baseline. Intrinsics number lanes otherwise where the highest byte comes first.
            Kind::Neon => cfg!(all(target_arch = "aarch64", target_endian = "little")),
        }
    }
}

impl Default for Level {
    /// [`Level::best`].
    fn default() -> Self {
        Level::best()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Level({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_level_is_an_error_and_not_replaced_by_a_lower_one() {
        for &name in Level::NAMES {
            assert!(matches!(find(name, |_| false), Err(Error::LevelUnavailable { name: n, .. }) if n == name));
            assert_eq!(find(name, |_| true).map(Level::name), Ok(name));
        }
        assert!(matches!(find("AVX2", |_| true), Err(Error::UnknownLevel { name, .. }) if name == "AVX2"));
        assert_eq!(Level::by_name("scalar"), Ok(Level::SCALAR));
    }
}
