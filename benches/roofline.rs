//! The machine's peak: multiply-adds per level and bytes from memory, on 1 and 2 threads, so that every
//! other figure can be read as a share of it.
//!
//! `fma` counts two operations (elements) for each multiply-add, in registers, in more independent chains
//! than the units' latency and width require; the scalar level multiplies and adds separately, in the baseline's
//! vectors of 128 bits. `memory` counts the bytes that a program asks for (a copy's are read and written ones), over
//! buffers many times larger than the last-level cache.

use common::{THREADS, group};
use criterion::{Bencher, Criterion, Throughput};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Multiply-adds of one chain per iteration: some tens of microseconds.
const ROUNDS: usize = 16_384;
/// Bytes of a buffer.
const BUFFER: usize = 256 << 20;

/// Times `work` on that many threads at once, started together; each does all iterations on a separate item.
fn together<I: Send>(b: &mut Bencher<'_>, items: &mut [I], work: impl Fn(&mut I) + Sync) {
    b.iter_custom(|iterations| {
        let barrier = Barrier::new(items.len());
        let (first, others) = items.split_first_mut().expect("a thread");
        let repeat = |item: &mut I| -> Duration {
            barrier.wait();
            let start = Instant::now();
            (0..iterations).for_each(|_| work(item));
            start.elapsed()
        };
        thread::scope(|scope| {
            let others: Vec<_> = others.iter_mut().map(|item| scope.spawn(|| repeat(item))).collect();
            let own = repeat(first);
            others.into_iter().map(|other| other.join().expect("a thread")).fold(own, Duration::max)
        })
    });
}

/// One way to multiply and add in registers.
struct Peak {
    case: &'static str,
    level: &'static str,
    /// Multiply-adds of one round.
    width: usize,
    /// The chains' sum after so many rounds from 0: x ← x · factor + term in each.
    run: fn(rounds: usize, factor: f64, term: f64) -> f64,
}

/// x ← x · FACTOR + TERM tends to 1, so nothing overflows or becomes subnormal.
const FACTOR: f64 = 0.75;
const TERM: f64 = 0.25;

fn multiply_adds(c: &mut Criterion) {
    for (case, threads) in ["f32", "f64"].into_iter().flat_map(|case| THREADS.map(|threads| (case, threads))) {
        for peak in peaks::available().into_iter().filter(|peak| peak.case == case) {
            for rounds in [1, 2, 3, ROUNDS] {
                let expected = peak.width as f64 * (1.0 - FACTOR.powi(rounds as i32));
                let found = (peak.run)(rounds, FACTOR, TERM);
                let close = (found - expected).abs() < 1e-4 * expected;
                assert!(close, "{case} {}: {found} after {rounds} rounds, not {expected}", peak.level);
            }
            let work = Throughput::Elements((threads * 2 * peak.width * ROUNDS) as u64);
            let mut group = group(c, "roofline", &format!("fma-{case}-t{threads}"), work);
            group.bench_function(peak.level, |b| {
                together(b, &mut vec![(); threads], |()| {
                    black_box((peak.run)(black_box(ROUNDS), black_box(FACTOR), black_box(TERM)));
                });
            });
        }
    }
}

/// The sum of all numbers, in enough partial sums to be limited by memory.
fn read(buffer: &[u64]) -> u64 {
    let mut sums = [0u64; 32];
    for part in buffer.chunks_exact(32) {
        sums.iter_mut().zip(part).for_each(|(sum, x)| *sum = sum.wrapping_add(*x));
    }
    sums.iter().fold(0, |all, sum| all.wrapping_add(*sum))
}

fn memory(c: &mut Criterion) {
    for threads in THREADS {
        let numbers = BUFFER / 8 / threads;
        let buffer = || (0..numbers as u64).collect::<Vec<u64>>();
        let mut buffers: Vec<(Vec<u64>, Vec<u64>)> = (0..threads).map(|_| (buffer(), vec![1; numbers])).collect();
        let expected = numbers as u64 * (numbers as u64 - 1) / 2;
        assert_eq!(read(&buffers[0].0), expected);

        let mut once = group(c, "roofline", &format!("memory-t{threads}"), Throughput::Bytes(BUFFER as u64));
        common::slow(&mut once);
        once.bench_function("read", |b| {
            together(b, &mut buffers, |(x, _)| assert_eq!(read(black_box(x)), expected));
        });
        once.bench_function("write", |b| together(b, &mut buffers, |(_, y)| black_box(y).fill(3)));
        once.throughput(Throughput::Bytes(2 * BUFFER as u64));
        once.bench_function("copy", |b| together(b, &mut buffers, |(x, y)| black_box(y).copy_from_slice(x)));
        once.finish();
    }
}

/// The instruction sets' own multiply-adds. These are measured independently of the library's kernels.
#[cfg(target_arch = "x86_64")]
mod peaks {
    use super::Peak;
    use std::arch::x86_64::*;
    use twolayer_core::Level;

    /// A vector register of one instruction set and element type.
    trait Register: Copy {
        const LANES: usize;

        /// # Safety
        /// The processor has the instruction set.
        unsafe fn splat(x: f64) -> Self;

        /// `self · factor + term`.
        ///
        /// # Safety
        /// As for `splat`.
        unsafe fn mul_add(self, factor: Self, term: Self) -> Self;

        /// The sum of the lanes. A register is as many elements as lanes, without padding.
        fn sum(self) -> f64;
    }

    macro_rules! register {
        ($register:ident, $element:ident, $lanes:literal, $splat:ident, |$x:ident, $f:ident, $t:ident| $mul_add:expr) => {
            impl Register for $register {
                const LANES: usize = $lanes;

                #[inline(always)]
                unsafe fn splat(x: f64) -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $splat(x as $element) }
                }

                #[inline(always)]
                unsafe fn mul_add(self, $f: Self, $t: Self) -> Self {
                    let $x = self;
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $mul_add }
                }

                #[inline(always)]
                fn sum(self) -> f64 {
                    // SAFETY: both types are plain numbers of the same size.
                    let lanes: [$element; $lanes] = unsafe { std::mem::transmute(self) };
                    lanes.iter().map(|&x| f64::from(x)).sum()
                }
            }
        };
    }

    register!(__m128, f32, 4, _mm_set1_ps, |x, f, t| _mm_add_ps(_mm_mul_ps(x, f), t));
    register!(__m128d, f64, 2, _mm_set1_pd, |x, f, t| _mm_add_pd(_mm_mul_pd(x, f), t));
    register!(__m256, f32, 8, _mm256_set1_ps, |x, f, t| _mm256_fmadd_ps(x, f, t));
    register!(__m256d, f64, 4, _mm256_set1_pd, |x, f, t| _mm256_fmadd_pd(x, f, t));
    register!(__m512, f32, 16, _mm512_set1_ps, |x, f, t| _mm512_fmadd_ps(x, f, t));
    register!(__m512d, f64, 8, _mm512_set1_pd, |x, f, t| _mm512_fmadd_pd(x, f, t));

    /// Chains that fit 16 registers beside the two constants, and 32.
    const FEW: usize = 14;
    const MANY: usize = 24;

    /// `rounds` multiply-adds in each of `N` independent chains.
    ///
    /// # Safety
    /// The processor has the register's instruction set.
    #[inline(always)]
    unsafe fn chains<R: Register, const N: usize>(rounds: usize, factor: f64, term: f64) -> f64 {
        // SAFETY: as the caller promises.
        let (factor, term, mut x) = unsafe { (R::splat(factor), R::splat(term), [R::splat(0.0); N]) };
        for _ in 0..rounds {
            for x in &mut x {
                // SAFETY: as above.
                *x = unsafe { x.mul_add(factor, term) };
            }
        }
        x.into_iter().map(R::sum).sum()
    }

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn chains_avx2<R: Register>(rounds: usize, factor: f64, term: f64) -> f64 {
        // SAFETY: as the caller promises.
        unsafe { chains::<R, FEW>(rounds, factor, term) }
    }

    /// # Safety
    /// The processor has AVX-512.
    #[target_feature(enable = "avx512f")]
    unsafe fn chains_avx512<R: Register>(rounds: usize, factor: f64, term: f64) -> f64 {
        // SAFETY: as the caller promises.
        unsafe { chains::<R, MANY>(rounds, factor, term) }
    }

    fn baseline<R: Register>(rounds: usize, factor: f64, term: f64) -> f64 {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { chains::<R, FEW>(rounds, factor, term) }
    }

    fn avx2<R: Register>(rounds: usize, factor: f64, term: f64) -> f64 {
        assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
        // SAFETY: just detected.
        unsafe { chains_avx2::<R>(rounds, factor, term) }
    }

    fn avx512<R: Register>(rounds: usize, factor: f64, term: f64) -> f64 {
        assert!(is_x86_feature_detected!("avx512f"));
        // SAFETY: just detected.
        unsafe { chains_avx512::<R>(rounds, factor, term) }
    }

    /// A way for each level that this processor has, and each element type.
    pub fn available() -> Vec<Peak> {
        let all = Level::available().into_iter().flat_map(|level| ["f32", "f64"].map(|case| (level.name(), case)));
        all.map(|(level, case)| peak(level, case)).collect()
    }

    fn peak(level: &'static str, case: &'static str) -> Peak {
        let (width, run): (usize, fn(usize, f64, f64) -> f64) = match (level, case) {
            ("scalar", "f32") => (FEW * __m128::LANES, baseline::<__m128>),
            ("scalar", _) => (FEW * __m128d::LANES, baseline::<__m128d>),
            ("avx2", "f32") => (FEW * __m256::LANES, avx2::<__m256>),
            ("avx2", _) => (FEW * __m256d::LANES, avx2::<__m256d>),
            ("avx512", "f32") => (MANY * __m512::LANES, avx512::<__m512>),
            ("avx512", _) => (MANY * __m512d::LANES, avx512::<__m512d>),
            _ => panic!("no measurement for {level}"),
        };
        Peak { case, level, width, run }
    }
}

/// Elsewhere the best level's, in plain Rust, of which the compiler makes vectors of 128 bits.
#[cfg(not(target_arch = "x86_64"))]
mod peaks {
    use super::Peak;
    use twolayer_core::Level;

    /// Chains that fit 32 registers beside the two constants.
    const CHAINS: usize = 24;

    macro_rules! chains {
        ($name:ident, $t:ident, $lanes:literal) => {
            fn $name(rounds: usize, factor: f64, term: f64) -> f64 {
                let (factor, term) = (factor as $t, term as $t);
                let mut x = [[0.0; $lanes]; CHAINS];
                for _ in 0..rounds {
                    for x in x.as_flattened_mut() {
                        // Without the instruction, the fused one is a slow call.
                        *x = if cfg!(target_arch = "aarch64") { x.mul_add(factor, term) } else { *x * factor + term };
                    }
                }
                x.as_flattened().iter().map(|&x| f64::from(x)).sum()
            }
        };
    }

    chains!(chains_f32, f32, 4);
    chains!(chains_f64, f64, 2);

    pub fn available() -> Vec<Peak> {
        let level = Level::best().name();
        vec![
            Peak { case: "f32", level, width: 4 * CHAINS, run: chains_f32 },
            Peak { case: "f64", level, width: 2 * CHAINS, run: chains_f64 },
        ]
    }
}

fn main() {
    common::run(&[multiply_adds, memory]);
}
