//! Units that the processor lacks.

use super::{Kind, Level, Unit};
use std::cell::Cell;

thread_local! {
    static PREFERRED: Cell<Option<Unit>> = const { Cell::new(None) };
}

/// What [`Unit::best`] says instead, on this thread.
pub fn preferred(level: Level) -> Option<Unit> {
    let unit = PREFERRED.get()?;
    Unit::among(level, |kind| kind == unit.0).last()
}

/// Whether the processor lacks this unit, and has what is needed to emulate it.
fn lacking(kind: Kind) -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    match kind {
        Kind::AvxVnni => return super::avx2::detected() && !super::avx2::vnni_detected(),
        Kind::Amx => return super::avx512::detected() && !super::amx::processor_has_tiles(),
        Kind::Scalar | Kind::Avx2 | Kind::Avx512Vnni => {}
    }
    let _ = kind;
    false
}

impl Unit {
    /// The units within `level` that the processor lacks and that are emulated from now on.
    pub fn emulated(level: Level) -> Vec<Unit> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        super::emulated::install();
        Unit::among(level, lacking).collect()
    }

    /// Whether each sum of four products is a signal; those of tiles are few.
    pub fn is_slowly_emulated(self) -> bool {
        lacking(self.0) && !self.has_tiles()
    }

    /// Does `work` while this unit, emulated, is the best of those levels that it is within, for this thread.
    pub fn preferred(self, work: impl FnOnce()) {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        let before = super::emulated::done();
        PREFERRED.set(Some(self));
        work();
        PREFERRED.set(None);
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        assert!(super::emulated::done() > before, "{}", self.name());
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linux {
    use super::super::emulated::{Instruction, Operand, Tiles, done, install, released};
    use super::super::{ByteKernel, Bytes, Kind, Level, Unit, amx};
    use super::lacking;
    use crate::simd::Simd;
    use crate::testing::Random;
    use std::arch::asm;
    use std::os::unix::process::ExitStatusExt;

    /// As the register of that number times 2^20; the code is at 2^30.
    fn decode(code: &[u8]) -> Option<Instruction> {
        Instruction::decode(|at| code[at], 1 << 30, |register| register << 20)
    }

    /// What GNU's assembler makes of each is read as what it was given.
    #[test]
    fn instructions_are_read() {
        let (r, code) = (|register: isize| register << 20, 1 << 30);
        let memory =
            |start: isize, stride: isize, sib| Operand::Memory { start: start as usize, stride: stride as usize, sib };
        let register = Operand::Register;
        type Kind = (bool, u8, u8);
        let table: &[(&[u8], Kind, usize, usize, Operand)] = &[
            // ldtilecfg [rax]; [r13 + r12*8 - 300]; [rip + 64]
            (b"\xc4\xe2\x78\x49\x00", (false, 0, 0x49), 0, 0, memory(r(0), 0, false)),
            (b"\xc4\x82\x78\x49\x84\xe5\xd4\xfe\xff\xff", (false, 0, 0x49), 0, 0, memory(r(13) - 300, r(12 * 8), true)),
            (b"\xc4\xe2\x78\x49\x05\x40\x00\x00\x00", (false, 0, 0x49), 0, 0, memory(code + 9 + 64, 0, false)),
            // tilerelease; tilezero tmm6
            (b"\xc4\xe2\x78\x49\xc0", (false, 0, 0x49), 0, 0, register(0)),
            (b"\xc4\xe2\x7b\x49\xf0", (false, 3, 0x49), 6, 0, register(0)),
            // tileloadd tmm3, [r12 + r13*2]; tmm7, [rbp + rax + 5]; tmm1, [rsp + r15*4 - 129]; tmm2, [r9*8 + 4096];
            // tmm2, [r8]; tmm2, [r13]
            (b"\xc4\x82\x7b\x4b\x1c\x6c", (false, 3, 0x4b), 3, 0, memory(r(12), r(26), true)),
            (b"\xc4\xe2\x7b\x4b\x7c\x05\x05", (false, 3, 0x4b), 7, 0, memory(r(5) + 5, r(0), true)),
            (b"\xc4\xa2\x7b\x4b\x8c\xbc\x7f\xff\xff\xff", (false, 3, 0x4b), 1, 0, memory(r(4) - 129, r(60), true)),
            (b"\xc4\xa2\x7b\x4b\x14\xcd\x00\x10\x00\x00", (false, 3, 0x4b), 2, 0, memory(4096, r(72), true)),
            (b"\xc4\xc2\x7b\x4b\x14\x20", (false, 3, 0x4b), 2, 0, memory(r(8), 0, true)),
            (b"\xc4\xc2\x7b\x4b\x54\x25\x00", (false, 3, 0x4b), 2, 0, memory(r(13), 0, true)),
            // tilestored [rsi + r14 - 128], tmm5; tdpbusd tmm1, tmm2, tmm7
            (b"\xc4\xa2\x7a\x4b\x6c\x36\x80", (false, 2, 0x4b), 5, 0, memory(r(6) - 128, r(14), true)),
            (b"\xc4\xe2\x41\x5e\xca", (false, 1, 0x5e), 1, 7, register(2)),
            // vpdpbusd ymm9, ymm14, ymm3; ymm1, ymm2, ymm11; ymm10, ymm5, [r13 + rcx*2 + 8]; ymm10, ymm5, [rip - 4]
            (b"\xc4\x62\x0d\x50\xcb", (true, 1, 0x50), 9, 14, register(3)),
            (b"\xc4\xc2\x6d\x50\xcb", (true, 1, 0x50), 1, 2, register(11)),
            (b"\xc4\x42\x55\x50\x54\x4d\x08", (true, 1, 0x50), 10, 5, memory(r(13) + 8, r(2), true)),
            (b"\xc4\x62\x55\x50\x15\xfc\xff\xff\xff", (true, 1, 0x50), 10, 5, memory(code + 9 - 4, 0, false)),
        ];
        for (code, (wide, prefix, opcode), reg, vvvv, rm) in table {
            let i = decode(code).unwrap();
            assert_eq!((i.length, i.wide, i.prefix, i.opcode), (code.len(), *wide, *prefix, *opcode), "{code:x?}");
            assert_eq!((i.reg, i.vvvv, &i.rm), (*reg, *vvvv, rm), "{code:x?}");
        }
        // ud2; another map; W = 1.
        for code in [b"\x0f\x0b\0\0\0", b"\xc4\xe1\x78\x49\xc0", b"\xc4\xe2\xf8\x49\xc0"] {
            assert_eq!(decode(code), None);
        }
    }

    /// A configuration of these tiles: number, rows, bytes per row.
    fn configuration(shapes: &[(usize, u8, u8)]) -> [u8; 64] {
        let mut c = [0; 64];
        c[0] = 1;
        shapes.iter().for_each(|&(tile, rows, bytes)| (c[16 + 2 * tile], c[48 + tile]) = (bytes, rows));
        c
    }

    fn run(tiles: &mut Tiles, code: &[u8], memory: &[u8]) -> Option<Result<(), &'static str>> {
        let i = Instruction::decode(|at| code[at], 0, |_| memory.as_ptr() as usize)?;
        // SAFETY: what is run here names `memory` alone, with the index none.
        unsafe { tiles.execute(&i) }
    }

    #[test]
    fn tiles_fault_by_the_manual() {
        const CONFIGURE: &[u8] = b"\xc4\xe2\x78\x49\x00"; // ldtilecfg [rax]
        const RELEASE: &[u8] = b"\xc4\xe2\x78\x49\xc0";
        const ZERO: [&[u8]; 2] = [b"\xc4\xe2\x7b\x49\xc0", b"\xc4\xe2\x7b\x49\xd8"]; // tilezero tmm0, tmm3
        const DOT: &[u8] = b"\xc4\xe2\x69\x5e\xc1"; // tdpbusd tmm0, tmm1, tmm2
        let good = configuration(&[(0, 5, 12), (1, 5, 8), (2, 2, 12)]);
        let mut tiles = Tiles::RELEASED;
        let fails = |tiles: &mut Tiles, code: &[u8]| run(tiles, code, &[0; 64]).unwrap().is_err();
        assert!(fails(&mut tiles, ZERO[0]) && fails(&mut tiles, DOT));
        assert_eq!(run(&mut tiles, RELEASE, &[]), Some(Ok(())));
        assert_eq!(run(&mut tiles, CONFIGURE, &good), Some(Ok(())));
        assert!(!fails(&mut tiles, ZERO[0]) && !fails(&mut tiles, DOT));
        // Tile 3 has no shape; there is no tile 8; vvvv is not free; tiles are the same.
        assert!(fails(&mut tiles, ZERO[1]) && fails(&mut tiles, b"\xc4\x62\x7b\x49\xc0"));
        assert!(fails(&mut tiles, b"\xc4\xe2\x73\x49\xc0"));
        assert!(fails(&mut tiles, b"\xc4\xe2\x69\x5e\xc0") && fails(&mut tiles, b"\xc4\xe2\x71\x5e\xc1"));
        // Without SIB, as 512 bits or with another opcode it is none of these.
        assert_eq!(run(&mut tiles, b"\xc4\xe2\x7b\x4b\x00", &[]), None);
        assert_eq!(run(&mut tiles, b"\xc4\xe2\x7f\x49\xc0", &[]), None);
        assert_eq!(run(&mut tiles, b"\xc4\xe2\x7b\x5e\xc1", &[]), None);
        for wrong in [
            [(0, 4, 12), (1, 5, 8), (2, 2, 12)],
            [(0, 5, 12), (1, 5, 12), (2, 2, 12)],
            [(0, 5, 8), (1, 5, 8), (2, 2, 12)],
        ] {
            assert_eq!(run(&mut tiles, CONFIGURE, &configuration(&wrong)), Some(Ok(())));
            assert!(fails(&mut tiles, DOT));
        }
        for (at, byte) in [(0, 2), (2, 1), (15, 1), (48, 17), (48, 0), (16, 65), (17, 1), (16, 0), (32, 4), (56, 1)] {
            let mut bad = good;
            bad[at] = byte;
            assert!(run(&mut tiles, CONFIGURE, &bad).unwrap().is_err(), "{at} {byte}");
            assert!(fails(&mut tiles, ZERO[0]));
        }
        for end in [(RELEASE, [0; 64]), (CONFIGURE, [0; 64])] {
            assert_eq!(run(&mut tiles, CONFIGURE, &good), Some(Ok(())));
            assert_eq!(run(&mut tiles, end.0, &end.1), Some(Ok(())));
            assert!(fails(&mut tiles, ZERO[0]) && fails(&mut tiles, DOT));
        }
    }

    /// Whether there are tiles, real ones or not.
    fn tiles_are_here() -> bool {
        install();
        lacking(Kind::Amx) || Unit::available(Level::best()).any(Unit::has_tiles)
    }

    /// Other registers than those of the unit, tiles that are not full, and what is left of them beyond their shapes.
    #[test]
    fn tiles_of_any_shape_and_registers() {
        if !tiles_are_here() {
            return;
        }
        let mut random = Random::new(5);
        let mut bytes = |n: usize| (0..n).map(|_| random.bits() as u8).collect::<Vec<u8>>();
        let (x, d, mut sums) = (bytes(5 * 10), bytes(2 * 20), bytes(5 * 16));
        let (was, config) = (sums.clone(), configuration(&[(2, 5, 12), (5, 5, 8), (7, 2, 12)]));
        // SAFETY: tiles of 5 rows of 8 bytes 10 apart, of 2 of 12 bytes 20 apart and of 5 of 12 bytes 16 apart.
        unsafe {
            asm!(
                "ldtilecfg [r11]",
                "tileloadd tmm5, [r12 + r13*2]",
                "tileloadd tmm7, [r10 + rax*4 + 1000]",
                "push rbp",
                "mov rbp, r8",
                "tileloadd tmm2, [rbp + r9*8 - 3]",
                "tdpbusd tmm2, tmm5, tmm7",
                "tilestored [r9*8 + rbp - 3], tmm2",
                "pop rbp",
                "tilerelease",
                in("r11") &config, in("r12") x.as_ptr(), in("r13") 5usize, in("r10") d.as_ptr().wrapping_sub(1000),
                in("rax") 5usize, in("r8") sums.as_mut_ptr().wrapping_add(3), in("r9") 2usize,
                out("tmm2") _, out("tmm5") _, out("tmm7") _,
            );
        }
        assert!(released());
        let int = |at: &[u8]| i32::from_le_bytes(at[..4].try_into().unwrap());
        for m in 0..5 {
            for n in 0..3 {
                let term = |k: usize| i32::from(x[m * 10 + k]) * i32::from(d[k / 4 * 20 + n * 4 + k % 4] as i8);
                let want = int(&was[m * 16 + n * 4..]).wrapping_add((0..8).map(term).sum());
                assert_eq!(int(&sums[m * 16 + n * 4..]), want, "{m} {n}");
            }
            assert_eq!(sums[m * 16 + 12..][..4], was[m * 16 + 12..][..4]);
        }
    }

    /// Sums of four products in the lanes of a vector, in registers and with memory.
    struct Dot<'a>(&'a [u8], &'a [u8], &'a mut [i32]);

    impl ByteKernel for Dot<'_> {
        type Output = ();
        #[inline(always)]
        fn run<B: Bytes>(self, b: B) {
            for at in (0..self.2.len()).step_by(B::F::LANES) {
                // SAFETY: 4 bytes for each sum, and as many sums as are a number of vectors.
                unsafe {
                    let to = self.2.as_mut_ptr().add(at).cast();
                    let (x, d) = (b.load(self.0.as_ptr().add(4 * at)), b.load(self.1.as_ptr().add(4 * at)));
                    let sum = b.dot(b.load(to), x, d);
                    b.store(to, b.dot(sum, d, x));
                }
            }
        }
    }

    #[test]
    fn sums_of_products_are_alike() {
        let mut random = Random::new(6);
        let mut bytes = || (0..256).map(|_| random.bits() as u8).collect::<Vec<u8>>();
        let (mut x, mut d) = (bytes(), bytes());
        x[..32].fill(255);
        d[..16].fill(0x80);
        let at = |unit: Unit| {
            let mut sums: Vec<i32> = (0..64).map(|i| i32::MIN + i).collect();
            unit.dispatch(Dot(&x, &d, &mut sums));
            sums
        };
        for unit in Unit::available(Level::best()).chain(Unit::emulated(Level::best())) {
            let before = done();
            assert_eq!(at(unit), at(Unit(Kind::Scalar)), "{}", unit.name());
            assert_eq!(done() > before, lacking(Kind::AvxVnni) && unit.0 == Kind::AvxVnni, "{}", unit.name());
        }
    }

    /// The upper eight registers, a register that is read and written, and memory with an index.
    #[test]
    fn sums_of_products_in_any_registers() {
        install();
        if !lacking(Kind::AvxVnni) {
            return;
        }
        let mut random = Random::new(7);
        let mut bytes = || std::array::from_fn::<u8, 32, _>(|_| random.bits() as u8);
        let (x, d, start) = (bytes(), bytes(), bytes());
        let mut sums = [start; 2];
        // SAFETY: three vectors are read and two written; the processor has AVX2.
        unsafe {
            asm!(
                "vmovdqu ymm14, [{x}]", "vmovdqu ymm11, [{d}]", "vmovdqu ymm9, [{sums}]", "vmovdqu ymm3, [{sums} + 32]",
                "{{vex}} vpdpbusd ymm9, ymm14, ymm11",
                "{{vex}} vpdpbusd ymm3, ymm14, [{before} + {half}*2 + 8]",
                "vmovdqu [{sums}], ymm9", "vmovdqu [{sums} + 32], ymm3", "vzeroupper",
                x = in(reg) &x, d = in(reg) &d, sums = in(reg) &mut sums, before = in(reg) d.as_ptr().wrapping_sub(40),
                half = in(reg) 16usize, out("xmm3") _, out("xmm9") _, out("xmm11") _, out("xmm14") _,
            );
        }
        for lane in 0..8 {
            let term = |k: usize| i32::from(x[k]) * i32::from(d[k] as i8);
            let first = i32::from_le_bytes(start[4 * lane..][..4].try_into().unwrap());
            let want = first.wrapping_add((4 * lane..4 * lane + 4).map(term).sum());
            sums.iter().for_each(|sum| assert_eq!(sum[4 * lane..][..4], want.to_le_bytes(), "{lane}"));
        }
    }

    /// This test in a process of its own ends by SIGILL, whether the instruction is another or a tile's at fault.
    #[test]
    fn other_faults_end_the_process() {
        const NAME: &str = "TWOLAYER_TEST_SIGILL";
        let end = std::env::var(NAME);
        if let Ok(end) = &end {
            install();
            // SAFETY: none of these touches memory or comes back.
            unsafe {
                match end.as_str() {
                    "ud2" => asm!("ud2"),
                    "raised" => assert_eq!(libc::raise(libc::SIGILL), 0),
                    _ => asm!("tilezero tmm1", out("tmm1") _),
                }
            }
            return;
        }
        for (end, said) in [("ud2", "not an instruction"), ("raised", "not an instruction"), ("tile", "not configured")]
        {
            if end == "tile" && !lacking(Kind::Amx) {
                continue;
            }
            let mut process = std::process::Command::new(std::env::current_exe().unwrap());
            let name = format!("{}::other_faults_end_the_process", module_path!().split_once("::").unwrap().1);
            let output = process.args([&name, "--exact"]).env(NAME, end).output().unwrap();
            assert_eq!(output.status.signal(), Some(libc::SIGILL), "{end}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{end}: {output:?}");
        }
    }

    #[test]
    fn without_leave_there_are_no_tiles() {
        for (has_tiles, leave) in [(false, true), (true, false), (true, true)] {
            let mut asked = false;
            let usable = amx::usable(has_tiles, || {
                asked = true;
                leave
            });
            assert_eq!((usable, asked), (has_tiles && leave, has_tiles));
            let detected = |kind: Kind| if kind == Kind::Amx { usable } else { kind.detected() };
            let top = Level::by_name("avx512");
            assert!(top.is_err() || Unit::among(top.unwrap(), detected).any(Unit::has_tiles) == usable);
        }
    }
}
