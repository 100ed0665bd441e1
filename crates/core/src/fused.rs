//! `a · b + c` in one rounding, as the instruction `fma` computes it, on targets with and without the instruction.

/// `a · b + c` in each lane, rounded once to nearest, ties to even (IEEE 754-2019, fusedMultiplyAdd).
#[inline(always)]
pub(crate) fn mul_add_f32<const N: usize>(a: [f32; N], b: [f32; N], c: [f32; N]) -> [f32; N] {
    if HAS_INSTRUCTION { std::array::from_fn(|i| a[i].mul_add(b[i], c[i])) } else { emulated_f32(a, b, c) }
}

/// As [`mul_add_f32`]. The standard library computes it exactly on every target, in software where necessary.
#[inline(always)]
pub(crate) fn mul_add_f64<const N: usize>(a: [f64; N], b: [f64; N], c: [f64; N]) -> [f64; N] {
    if HAS_INSTRUCTION { std::array::from_fn(|i| a[i].mul_add(b[i], c[i])) } else { library_f64(&a, &b, &c) }
}

/// Not inlined: a call for each vector makes less code than one for each element.
#[inline(never)]
fn library_f64<const N: usize>(a: &[f64; N], b: &[f64; N], c: &[f64; N]) -> [f64; N] {
    std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
}

/// Whether the compiler may emit the instruction; elsewhere `f32::mul_add` is a slow library call.
const HAS_INSTRUCTION: bool = cfg!(any(
    target_feature = "fma",
    target_arch = "aarch64",
    target_arch = "arm64ec",
    target_arch = "riscv64",
    target_arch = "powerpc64",
    target_arch = "s390x"
));

/// The product of two `f32` is exact in `f64`. Rounding the sum to `f64` and then to `f32` differs from rounding it once
/// only where the `f64` is subnormal as an `f32` or lies exactly between two of them, which is rare.
#[inline(always)]
fn emulated_f32<const N: usize>(a: [f32; N], b: [f32; N], c: [f32; N]) -> [f32; N] {
    let sum: [f64; N] = std::array::from_fn(|i| f64::from(a[i]) * f64::from(b[i]) + f64::from(c[i]));
    let rounded = sum.map(|sum| sum as f32);
    // The 29 bits that an f32 lacks.
    let is_between = |i: usize| sum[i].to_bits() as u32 & 0x1fff_ffff == 0x1000_0000;
    let is_subnormal = |i: usize| (rounded[i].abs() < f32::MIN_POSITIVE) & (sum[i] != 0.0);
    if (0..N).fold(false, |any, i| any | is_between(i) | is_subnormal(i)) {
        return all_rounded_to_odd(&a, &b, &c);
    }
    rounded
}

/// Not inlined, as it is rare and is in every kernel.
#[cold]
#[inline(never)]
fn all_rounded_to_odd<const N: usize>(a: &[f32; N], b: &[f32; N], c: &[f32; N]) -> [f32; N] {
    std::array::from_fn(|i| rounded_to_odd(a[i], b[i], c[i]))
}

/// Rounds the sum to odd, then to `f32`: as an `f64` has more than two bits beyond an `f32`, that equals one rounding
/// (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd").
fn rounded_to_odd(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    // TwoSum (Knuth): `error` is exactly what the rounding of `sum` took away; NaN where `sum` is not finite.
    let c_part = sum - product;
    let error = (product - (sum - c_part)) + (c - c_part);
    // To odd: an inexact sum with an even last bit moves one place towards the exact value. The bits of a float grow
    // with its magnitude.
    let away = (error > 0.0) == (sum > 0.0);
    let inexact = (error > 0.0) | (error < 0.0);
    let bits = sum.to_bits();
    let even = !bits & 1;
    let step = if away { 1u64 } else { u64::MAX };
    let odd = bits.wrapping_add(step & (even & u64::from(inexact)).wrapping_neg());
    f64::from_bits(odd) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A finite float is `mantissa · 2^exponent`, exactly.
    fn parts(x: f32) -> (i64, i32) {
        let (bits, sign) = (x.to_bits(), if x.is_sign_negative() { -1 } else { 1 });
        let (field, fraction) = ((bits >> 23 & 0xff) as i32, i64::from(bits & 0x7f_ffff));
        if field == 0 { (sign * fraction, -149) } else { (sign * (fraction | 0x80_0000), field - 150) }
    }

    /// A non-negative integer in 64-bit digits, lowest first, wide enough for any sum of a product and a number.
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Wide([u64; 12]);

    impl Wide {
        fn shifted(value: u64, places: usize) -> Self {
            let mut digits = [0; 12];
            let wide = u128::from(value) << (places % 64);
            digits[places / 64] = wide as u64;
            digits[places / 64 + 1] = (wide >> 64) as u64;
            Wide(digits)
        }

        fn plus(self, other: Self) -> Self {
            let mut carry = false;
            Wide(std::array::from_fn(|i| {
                let (sum, first) = self.0[i].overflowing_add(other.0[i]);
                let (sum, second) = sum.overflowing_add(u64::from(carry));
                carry = first || second;
                sum
            }))
        }

        fn minus(self, other: Self) -> Self {
            let mut borrow = false;
            Wide(std::array::from_fn(|i| {
                let (rest, first) = self.0[i].overflowing_sub(other.0[i]);
                let (rest, second) = rest.overflowing_sub(u64::from(borrow));
                borrow = first || second;
                rest
            }))
        }

        fn is_below(self, other: Self) -> bool {
            self.0.iter().rev().lt(other.0.iter().rev())
        }

        fn bit(self, place: usize) -> bool {
            self.0[place / 64] >> (place % 64) & 1 == 1
        }

        fn length(self) -> usize {
            (0..768).rev().find(|&place| self.bit(place)).map_or(0, |place| place + 1)
        }
    }

    /// The exact sum in whole multiples of 2^-298, rounded by the definition.
    fn oracle(a: f32, b: f32, c: f32) -> f32 {
        if !(a.is_finite() && b.is_finite() && c.is_finite()) {
            // A finite product is far below the infinities of f64.
            return (f64::from(a) * f64::from(b) + f64::from(c)) as f32;
        }
        let ((ma, ea), (mb, eb), (mc, ec)) = (parts(a), parts(b), parts(c));
        let product = Wide::shifted((ma * mb).unsigned_abs(), (ea + eb + 298) as usize);
        let term = Wide::shifted(mc.unsigned_abs(), (ec + 298) as usize);
        let product_is_negative = a.is_sign_negative() != b.is_sign_negative();
        let (sum, negative) = if product_is_negative == c.is_sign_negative() {
            (product.plus(term), c.is_sign_negative())
        } else if product.is_below(term) {
            (term.minus(product), c.is_sign_negative())
        } else {
            // Opposite numbers add up to +0.
            (product.minus(term), product_is_negative && product != term)
        };
        // The result's last place: 24 bits below the first, but not below 2^-149, which is place 149 here.
        let last = sum.length().saturating_sub(24).max(149);
        let mantissa = (0..24).filter(|&i| sum.bit(last + i)).fold(0u64, |m, i| m | 1 << i);
        let half = sum.bit(last - 1);
        let rest = (0..last - 1).any(|place| sum.bit(place));
        let rounded = mantissa + u64::from(half && (rest || mantissa % 2 == 1));
        let magnitude = (rounded as f64 * 2f64.powi(last as i32 - 298)) as f32;
        if negative { -magnitude } else { magnitude }
    }

    fn check(a: f32, b: f32, c: f32) {
        let want = oracle(a, b, c);
        let (lanes, [hard]) = (emulated_f32([1.0, a], [1.0, b], [1.0, c]), mul_add_f32([a], [b], [c]));
        for got in [rounded_to_odd(a, b, c), lanes[1], hard, a.mul_add(b, c)] {
            let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
            assert!(same, "{a:e} * {b:e} + {c:e} = {got:e} ({:#x}); expected {want:e}", got.to_bits());
        }
    }

    #[test]
    fn special_values_follow_ieee_754() {
        let tiny = f32::from_bits(1);
        let mut values = vec![0.0, 1.0, 1.0 + f32::EPSILON, f32::MAX, f32::INFINITY, f32::NAN, f32::MIN_POSITIVE];
        values.extend([tiny, tiny * 3.0, 0.5, 1.5, 3.0, 8_388_609.0, f32::MIN_POSITIVE - tiny]);
        values.extend(values.clone().iter().map(|x| -x));
        for &a in &values {
            for &b in &values {
                values.iter().for_each(|&c| check(a, b, c));
            }
        }
    }

    #[test]
    fn random_bits_are_rounded_once() {
        let mut random = Random(1);
        for _ in 0..300_000 {
            let [a, b, c] = std::array::from_fn(|_| f32::from_bits(random.bits() as u32));
            check(a, b, c);
            // Exponents close enough that the sum depends on all three.
            let near = |random: &mut Random| f32::from_bits(random.bits() as u32 & 0x81ff_ffff | 0x3e00_0000);
            check(near(&mut random), near(&mut random), near(&mut random));
        }
    }

    /// Products that lie exactly between two floats beside a term, or next to it: double rounding gets these wrong.
    #[test]
    fn halfway_cases_are_rounded_once() {
        let mut random = Random(2);
        for _ in 0..200_000 {
            let c = f32::from_bits(random.bits() as u32 & 0x807f_ffff | (random.below(253) as u32 + 1) << 23);
            let half = f64::from(c).abs() * 2f64.powi(-24);
            let b = [1.0, 1.0 + f32::EPSILON, 1.0 - f32::EPSILON / 2.0, 1.5][random.below(4)];
            let a = (half * [1.0, -1.0, 3.0, 0.5][random.below(4)]) as f32;
            check(a, b, c);
            check(f32::from_bits(a.to_bits() & 0xff80_0000), b, c);
            check(a, b, c * f32::MIN_POSITIVE);
        }
    }

    #[test]
    fn subnormal_results_are_rounded_once() {
        let mut random = Random(3);
        for _ in 0..200_000 {
            let small = |random: &mut Random| f32::from_bits(random.bits() as u32 & 0x80ff_ffff);
            let scale = f32::from_bits(random.bits() as u32 & 0x807f_ffff | (random.below(40) as u32 + 100) << 23);
            check(small(&mut random), scale, small(&mut random));
        }
    }
}
