//! The vocabulary of bytes: sums of products of bytes, four by four, in 32-bit integers.
//!
//! It stands beside [`Simd`]: a [`Unit`] is to [`Bytes`] what a [`Level`] is to `Simd`, and a level's unit is the best
//! one that the processor has within it. Integer sums have neither rounding nor order, and the floats beside them are
//! [`Unfused`](super::Unfused), so that all units give the same bits.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod emulated;
mod scalar;
#[cfg(test)]
mod tests;

use super::{Level, Simd};

/// One unit's vectors of 32-bit integers, or of four times as many bytes.
pub trait Bytes: Copy + Send + Sync + 'static {
    /// The floats beside the integers, in as many lanes.
    type F: Simd<f32>;
    /// A vector of integers.
    type I: Copy;
    /// Whether there is [`tiles`](Self::tiles).
    const TILES: bool = false;

    fn floats(self) -> Self::F;
    fn splat(self, x: i32) -> Self::I;
    /// # Safety
    /// `p` points to a vector of readable bytes (any alignment).
    unsafe fn load(self, p: *const u8) -> Self::I;
    /// # Safety
    /// `p` points to a vector of writable bytes (any alignment).
    unsafe fn store(self, p: *mut u8, v: Self::I);
    /// The four bytes at `p` in every lane.
    /// # Safety
    /// `p` points to four readable bytes (any alignment).
    unsafe fn quad(self, p: *const u8) -> Self::I;
    /// In every lane, `sum` plus the four products of `x`'s bytes, which have no sign, with `d`'s, which have one.
    fn dot(self, sum: Self::I, x: Self::I, d: Self::I) -> Self::I;
    fn add(self, a: Self::I, b: Self::I) -> Self::I;
    fn and(self, a: Self::I, b: Self::I) -> Self::I;
    fn or(self, a: Self::I, b: Self::I) -> Self::I;
    fn xor(self, a: Self::I, b: Self::I) -> Self::I;
    fn max(self, a: Self::I, b: Self::I) -> Self::I;
    /// The bits of floats.
    fn bits(self, v: <Self::F as Simd<f32>>::V) -> Self::I;
    /// The nearest floats, halves to even.
    fn to_float(self, a: Self::I) -> <Self::F as Simd<f32>>::V;
    /// a·b + c where a·b is exact, so that it is the same fused or not.
    #[inline(always)]
    fn mul_add_exact(
        self,
        a: <Self::F as Simd<f32>>::V,
        b: <Self::F as Simd<f32>>::V,
        c: <Self::F as Simd<f32>>::V,
    ) -> <Self::F as Simd<f32>>::V {
        self.floats().mul_add(a, b, c)
    }
    /// The nearest integers, halves to even; anything where there is none.
    fn to_int(self, v: <Self::F as Simd<f32>>::V) -> Self::I;
    /// In every lane, the square of the four vectors' bytes turned: byte j of vector i and byte i of vector j change
    /// places.
    fn turn(self, v: [Self::I; 4]) -> [Self::I; 4];
    /// Bit i tells whether lane i is not zero.
    fn nonzero(self, a: Self::I) -> u64;

    /// With matrix tiles: the same sums for 16 rows at once.
    /// # Safety
    /// As [`Tiles`] says.
    unsafe fn tiles(self, _: Tiles) {
        unreachable!("no tiles")
    }
    /// Before the first and after the last of [`tiles`](Self::tiles): the state of the tiles is made and released.
    fn tiles_begin(self) {}
    fn tiles_end(self) {}
}

/// Sums of products for 16 rows of bytes and 16 columns of digits:
/// `sums[r][k][c] ← Σ x[r][4q + b] · digits[q][k][c][b]`, for r and c below 16, k below 3, b below 4 and q below 16 ·
/// `steps`.
///
/// Behind `x` are 16 rows of 64 · `steps` bytes, `x_row` apart; behind `digits`, 16 · `steps` quads, `quad` bytes apart,
/// of three digits, `digit` bytes apart, of 64 bytes; behind `sums`, 16 · 3 · 16 integers.
#[derive(Clone, Copy)]
pub struct Tiles {
    pub x: *const u8,
    pub x_row: usize,
    pub digits: *const u8,
    pub quad: usize,
    pub digit: usize,
    pub steps: usize,
    pub sums: *mut i32,
}

/// Work with bytes that is written once; see [`Kernel`](super::Kernel).
pub trait ByteKernel {
    type Output;
    /// Whether it uses nothing that is a unit's own, neither [`dot`](Bytes::dot) nor tiles, so that units of one vector
    /// width need not each have a copy.
    const COMMON: bool = false;
    fn run<B: Bytes>(self, b: B) -> Self::Output;
}

/// What computes with bytes on this processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    Amx,
}

/// Every unit, slowest first, with its name and the level that it needs.
const TABLE: &[(Kind, &str, &str)] = &[
    (Kind::Scalar, "scalar", "scalar"),
    #[cfg(target_arch = "x86_64")]
    (Kind::Avx2, "avx2", "avx2"),
    #[cfg(target_arch = "x86_64")]
    (Kind::AvxVnni, "avx-vnni", "avx2"),
    #[cfg(target_arch = "x86_64")]
    (Kind::Avx512Vnni, "avx512-vnni", "avx512"),
    #[cfg(target_arch = "x86_64")]
    (Kind::Amx, "amx", "avx512"),
];

impl Unit {
    /// The units that this process may use within `level`, slowest first.
    pub fn available(level: Level) -> impl Iterator<Item = Unit> {
        Unit::among(level, Kind::detected)
    }

    fn among(level: Level, usable: impl Fn(Kind) -> bool) -> impl Iterator<Item = Unit> {
        let within = move |name| Level::by_name(name).is_ok_and(|needed| needed <= level);
        TABLE.iter().filter(move |(kind, _, needs)| within(needs) && usable(*kind)).map(|&(kind, ..)| Unit(kind))
    }

    /// The fastest within `level`.
    pub fn best(level: Level) -> Unit {
        #[cfg(test)]
        if let Some(unit) = tests::preferred(level) {
            return unit;
        }
        Unit::available(level).last().unwrap_or(Unit(Kind::Scalar))
    }

    pub fn name(self) -> &'static str {
        TABLE.iter().find(|(kind, ..)| *kind == self.0).map_or("", |(_, name, _)| name)
    }

    /// Whether it is many times as fast as the units of floats, so that zeros need not be skipped.
    pub fn has_tiles(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.0 == Kind::Amx;
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    /// Runs `kernel` compiled for this unit, or for the one that stands in for it: the guards leave out the code of the
    /// others.
    pub fn dispatch<K: ByteKernel>(self, kernel: K) -> K::Output {
        match self.0.within(K::COMMON) {
            Kind::Scalar => scalar::run(kernel),
            // SAFETY: a unit of this kind is made only where `detected` said that the processor has it.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni if !K::COMMON => unsafe { avx2::run_vnni(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => unsafe { avx512::run(kernel) },
            #[cfg(target_arch = "x86_64")]
            Kind::Amx if !K::COMMON => {
                // SAFETY: as above; and the system has given this process leave.
                let output = unsafe { amx::run(kernel) };
                #[cfg(all(test, target_os = "linux"))]
                assert!(emulated::released(), "a kernel has left tiles behind");
                output
            }
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni | Kind::Amx => unreachable!("another unit runs what is common"),
        }
    }
}

impl Kind {
    /// The unit that runs a kernel in this one's place, if it is `common` to several.
    #[inline(always)]
    fn within(self, common: bool) -> Kind {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni if common => Kind::Avx2,
            #[cfg(target_arch = "x86_64")]
            Kind::Amx if common => Kind::Avx512Vnni,
            own => own,
        }
    }

    fn detected(self) -> bool {
        match self {
            Kind::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::detected(),
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => avx2::detected() && avx2::vnni_detected(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => avx512::detected(),
            #[cfg(target_arch = "x86_64")]
            Kind::Amx => avx512::detected() && amx::detected(),
        }
    }
}
