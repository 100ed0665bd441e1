//! Matrix tiles of bytes (AMX-INT8): 16 rows by 16 columns of sums in one instruction.
//!
//! The compiler has no stable intrinsics for them, so they are written as assembly. A process must ask the system for
//! leave to use them, and may be refused it.

use super::avx512::Avx512Vnni;
use super::{ByteKernel, Bytes, Tiles};
use crate::simd::Simd;
use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

/// Whether the processor has the tiles and the system lets this process use them; asked once.
pub(super) fn detected() -> bool {
    static LEAVE: OnceLock<bool> = OnceLock::new();
    *LEAVE.get_or_init(|| usable(processor_has_tiles(), system_gives_leave))
}

/// The decision; the system is not asked for what the processor has not.
pub(super) fn usable(has_tiles: bool, leave: impl FnOnce() -> bool) -> bool {
    has_tiles && leave()
}

pub(super) fn processor_has_tiles() -> bool {
    let (highest, features) = (__cpuid_count(0, 0).eax, __cpuid_count(7, 0).edx);
    // Bits 24 and 25: AMX-TILE and AMX-INT8. The rest is what the system can save for a process.
    highest >= 7 && features >> 24 & 3 == 3
}

/// Linux's `arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`: 0 once and for all threads to come, or an error where
/// the system knows nothing of it or has been told not to.
#[cfg(target_os = "linux")]
fn system_gives_leave() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const XFEATURE_XTILEDATA: i64 = 18;
    let answer: i64;
    // SAFETY: the call takes two numbers and touches no memory; the kernel overwrites rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => answer, in("rdi") ARCH_REQ_XCOMP_PERM, in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer == 0
}

#[cfg(not(target_os = "linux"))]
fn system_gives_leave() -> bool {
    false
}

/// Proof that this process may use tiles; all else is AVX-512's.
#[derive(Clone, Copy)]
pub struct Amx(Avx512Vnni);

/// Runs `kernel` compiled for this unit. Calling it is unsafe unless this and AVX-512 VNNI were detected.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn run<K: ByteKernel>(kernel: K) -> K::Output {
    // SAFETY: whoever calls this knows that the processor has these features.
    kernel.run(Amx(unsafe { Avx512Vnni::token() }))
}

/// What `ldtilecfg` reads: seven tiles of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

const USED: usize = 7;

const CONFIG: Config = {
    let (mut bytes_per_row, mut rows) = ([0; 16], [0; 16]);
    let mut tile = 0;
    while tile < USED {
        (bytes_per_row[tile], rows[tile]) = (64, 16);
        tile += 1;
    }
    Config { palette: 1, start_row: 0, reserved: [0; 14], bytes_per_row, rows }
};

type I = <Avx512Vnni as Bytes>::I;
type F = <Avx512Vnni as Bytes>::F;
type V = <F as Simd<f32>>::V;

impl Bytes for Amx {
    type F = F;
    type I = I;
    const TILES: bool = true;

    #[inline(always)]
    fn floats(self) -> F {
        self.0.floats()
    }
    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> I {
        // SAFETY: the caller's promise.
        unsafe { self.0.load(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u8, v: I) {
        // SAFETY: the caller's promise.
        unsafe { self.0.store(p, v) }
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> I {
        // SAFETY: the caller's promise.
        unsafe { self.0.quad(p) }
    }
    delegate! {
        splat(x: i32) -> I;
        dot(sum: I, x: I, d: I) -> I;
        add(a: I, b: I) -> I;
        and(a: I, b: I) -> I;
        or(a: I, b: I) -> I;
        xor(a: I, b: I) -> I;
        mul_add_exact(a: V, b: V, c: V) -> V;
        max(a: I, b: I) -> I;
        bits(v: V) -> I;
        to_float(a: I) -> V;
        to_int(v: V) -> I;
        turn(v: [I; 4]) -> [I; 4];
        nonzero(a: I) -> u64;
    }

    #[inline(always)]
    fn tiles_begin(self) {
        // SAFETY: the token is proof of the instruction and of leave; the configuration is a valid one.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIG, options(nostack, preserves_flags, readonly)) }
    }

    #[inline(always)]
    fn tiles_end(self) {
        // SAFETY: the token is proof of the instruction. Tiles are not the compiler's, and this code keeps nothing in
        // them from one call to the next.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) }
    }

    /// Tiles 0 to 2 take the sums of the three digits, 3 the rows of bytes, 4 to 6 the digits.
    #[inline(always)]
    unsafe fn tiles(self, t: Tiles) {
        // SAFETY: the caller promises that all of these rows are there; the token, the instructions. One digit's sums
        // are 64 bytes of each 192.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "2:",
                "tileloadd tmm3, [{x} + {x_row}]",
                "tileloadd tmm4, [{d0} + {quad}]",
                "tileloadd tmm5, [{d1} + {quad}]",
                "tileloadd tmm6, [{d2} + {quad}]",
                "tdpbusd tmm0, tmm3, tmm4",
                "tdpbusd tmm1, tmm3, tmm5",
                "tdpbusd tmm2, tmm3, tmm6",
                "add {x}, 64",
                "add {d0}, {step}",
                "add {d1}, {step}",
                "add {d2}, {step}",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{sums} + {row}], tmm0",
                "tilestored [{sums} + {row} + 64], tmm1",
                "tilestored [{sums} + {row} + 128], tmm2",
                x = inout(reg) t.x => _,
                x_row = in(reg) t.x_row,
                d0 = inout(reg) t.digits => _,
                d1 = inout(reg) t.digits.wrapping_add(t.digit) => _,
                d2 = inout(reg) t.digits.wrapping_add(2 * t.digit) => _,
                quad = in(reg) t.quad,
                step = in(reg) 16 * t.quad,
                steps = inout(reg) t.steps => _,
                sums = in(reg) t.sums,
                row = in(reg) 192usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _,
                options(nostack),
            );
        }
    }
}
