//! Instructions that this processor lacks, for the tests of the units that are made of them: a handler of SIGILL does
//! what Intel's manual (volume 2) says of matrix tiles and of AVX-VNNI's `vpdpbusd`.
//!
//! What is none of those, and what faults by the manual's rules, ends the process by SIGILL, as if there were no handler.

use std::arch::x86_64::__cpuid_count;
use std::cell::{Cell, RefCell};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Where Linux saves the general registers, by their numbers in instructions.
const PLACES: [libc::c_int; 16] = {
    use libc::*;
    [
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11,
        REG_R12, REG_R13, REG_R14, REG_R15,
    ]
};

/// Why an instruction faults.
pub type Fault = &'static str;

/// An instruction with a VEX prefix, of the opcodes that start with 0F38 and with W = 0, and without an immediate.
#[derive(Debug, PartialEq)]
pub struct Instruction {
    pub length: usize,
    /// VEX.L: 256 bits.
    pub wide: bool,
    /// VEX.pp: none, 66, F3 or F2.
    pub prefix: u8,
    pub opcode: u8,
    pub reg: usize,
    pub vvvv: usize,
    pub rm: Operand,
}

/// What ModRM.rm and what follows it say.
#[derive(Debug, PartialEq)]
pub enum Operand {
    Register(usize),
    /// Memory at `start + stride`: for tiles, rows from `start` on that are `stride` apart.
    Memory {
        start: usize,
        stride: usize,
        sib: bool,
    },
}

impl Instruction {
    /// The instruction at `code`, which is at `address` when it runs, if it is one such.
    pub fn decode(code: impl Fn(usize) -> u8, address: usize, register: impl Fn(usize) -> usize) -> Option<Self> {
        if code(0) != 0xc4 || code(1) & 0x1f != 2 || code(2) & 0x80 != 0 {
            return None;
        }
        // The fourth bits of numbers of registers, and vvvv, are stored inverted.
        let [r, x, b] = [7, 6, 5].map(|bit| usize::from(!code(1) >> bit & 1) << 3);
        let (vex, opcode, modrm) = (code(2), code(3), code(4));
        let (mode, low) = (modrm >> 6, usize::from(modrm & 7));
        let (length, rm) = if mode == 3 {
            (5, Operand::Register(low | b))
        } else {
            let sib = low == 4;
            let (base, stride) = if sib {
                let index = usize::from(code(5) >> 3 & 7) | x;
                (usize::from(code(5) & 7), if index == 4 { 0 } else { register(index) << (code(5) >> 6) })
            } else {
                (low, 0)
            };
            let at = 5 + usize::from(sib);
            let baseless = mode == 0 && base == 5;
            let long = || i32::from_le_bytes([code(at), code(at + 1), code(at + 2), code(at + 3)]) as usize;
            let (displacement, length) = match mode {
                1 => (code(at) as i8 as usize, at + 1),
                0 if !baseless => (0, at),
                _ => (long(), at + 4),
            };
            let base = match baseless {
                true if sib => 0,
                true => address.wrapping_add(length),
                false => register(base | b),
            };
            (length, Operand::Memory { start: base.wrapping_add(displacement), stride, sib })
        };
        let (reg, vvvv) = (usize::from(modrm >> 3 & 7) | r, usize::from(!vex >> 3 & 15));
        Some(Instruction { length, wide: vex & 4 != 0, prefix: vex & 3, opcode, reg, vvvv, rm })
    }
}

/// A thread's tiles: palette 1, eight tiles of at most 16 rows of 64 bytes.
pub struct Tiles {
    configured: bool,
    start_row: usize,
    /// Rows and bytes per row.
    shapes: [(usize, usize); 8],
    data: [[[u8; 64]; 16]; 8],
}

impl Tiles {
    pub const RELEASED: Tiles =
        Tiles { configured: false, start_row: 0, shapes: [(0, 0); 8], data: [[[0; 64]; 16]; 8] };

    /// Does what a tile instruction says; none if it is something else.
    ///
    /// # Safety
    /// The memory that it names is there.
    pub unsafe fn execute(&mut self, i: &Instruction) -> Option<Result<(), Fault>> {
        use Operand::{Memory, Register};
        if i.wide {
            return None;
        }
        Some(match (i.opcode, i.prefix, &i.rm) {
            (0x49 | 0x4b, ..) if i.vvvv != 0 => Err("vvvv names a register"),
            (0x49, 0, &Memory { start, stride, .. }) if i.reg == 0 => {
                // SAFETY: the caller's promise.
                self.configure(&unsafe { (start.wrapping_add(stride) as *const [u8; 64]).read_unaligned() })
            }
            (0x49, 0, Register(0)) if i.reg == 0 => {
                *self = Tiles::RELEASED;
                Ok(())
            }
            (0x49, 3, Register(0)) => self.shape(i.reg).map(|_| self.data[i.reg] = [[0; 64]; 16]),
            (0x4b, 3, &Memory { start, stride, sib: true }) => self.shape(i.reg).map(|(rows, bytes)| {
                for row in self.start_row..rows {
                    let from = start.wrapping_add(row.wrapping_mul(stride)) as *const u8;
                    self.data[i.reg][row] = [0; 64];
                    // SAFETY: the caller's promise.
                    unsafe { from.copy_to(self.data[i.reg][row].as_mut_ptr(), bytes) };
                }
                self.data[i.reg][rows..].fill([0; 64]);
                self.start_row = 0;
            }),
            (0x4b, 2, &Memory { start, stride, sib: true }) => self.shape(i.reg).map(|(rows, bytes)| {
                for row in self.start_row..rows {
                    let to = start.wrapping_add(row.wrapping_mul(stride)) as *mut u8;
                    // SAFETY: the caller's promise.
                    unsafe { to.copy_from(self.data[i.reg][row].as_ptr(), bytes) };
                }
                self.start_row = 0;
            }),
            (0x5e, 1, &Register(x)) => self.multiply(i.reg, x, i.vvvv),
            _ => return None,
        })
    }

    /// `ldtilecfg`.
    fn configure(&mut self, c: &[u8; 64]) -> Result<(), Fault> {
        *self = Tiles::RELEASED;
        if c[0] == 0 {
            return Ok(());
        }
        // 16 bytes, then bytes per row as 16-bit numbers for up to 16 tiles, then rows; palette 1 has 8.
        if c[0] != 1 || [&c[2..16], &c[32..48], &c[56..]].iter().any(|reserved| reserved.iter().any(|&b| b != 0)) {
            return Err("another palette, or reserved bytes are not zero");
        }
        for (tile, shape) in self.shapes.iter_mut().enumerate() {
            let (rows, bytes) = (c[48 + tile].into(), u16::from_le_bytes([c[16 + 2 * tile], c[17 + 2 * tile]]).into());
            if rows > 16 || bytes > 64 || (rows == 0) != (bytes == 0) {
                return Err("no such tile");
            }
            *shape = (rows, bytes);
        }
        (self.configured, self.start_row) = (true, c[1].into());
        Ok(())
    }

    /// A tile's rows and bytes per row, if it has some.
    fn shape(&self, tile: usize) -> Result<(usize, usize), Fault> {
        match self.shapes.get(tile) {
            _ if !self.configured => Err("tiles are not configured, or released"),
            None => Err("there are eight tiles"),
            Some((0, _)) => Err("this tile is not configured"),
            Some(&shape) => Ok(shape),
        }
    }

    /// `tdpbusd`: adds the product of `x`'s bytes, which have no sign, and `d`'s, which have one.
    fn multiply(&mut self, sum: usize, x: usize, d: usize) -> Result<(), Fault> {
        let ((rows, bytes), (x_rows, x_bytes), (d_rows, d_bytes)) = (self.shape(sum)?, self.shape(x)?, self.shape(d)?);
        if sum == x || x == d || sum == d {
            return Err("one tile is two operands");
        }
        if bytes % 4 != 0 || x_bytes % 4 != 0 || x_rows != rows || d_bytes != bytes || d_rows != x_bytes / 4 {
            return Err("shapes of tiles do not match");
        }
        for m in 0..rows {
            let mut row = [0; 64];
            row[..bytes].copy_from_slice(&self.data[sum][m][..bytes]);
            for (k, x) in self.data[x][m][..x_bytes].as_chunks::<4>().0.iter().enumerate() {
                let d = self.data[d][k][..bytes].as_chunks::<4>().0;
                row.as_chunks_mut().0.iter_mut().zip(d).for_each(|(sum, d)| add_products(sum, x, d));
            }
            self.data[sum][m] = row;
        }
        self.data[sum][rows..].fill([0; 64]);
        self.start_row = 0;
        Ok(())
    }
}

/// Adds four products of bytes to a 32-bit sum.
fn add_products(sum: &mut [u8; 4], x: &[u8; 4], d: &[u8; 4]) {
    let products = x.iter().zip(d).map(|(&x, &d)| i32::from(x) * i32::from(d as i8));
    *sum = i32::from_le_bytes(*sum).wrapping_add(products.sum()).to_le_bytes();
}

/// Where the upper halves of registers of 32 bytes, and of 64, lie in what the system saves.
static UPPER: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// `vpdpbusd`, with registers in an area of XSAVE's form (volume 1 of the manual, 13.4).
///
/// # Safety
/// Linux made the area, and the memory that the instruction names is there.
unsafe fn sum_products(i: &Instruction, area: *mut u8) -> Result<(), Fault> {
    const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
    const AVX: u64 = 1 << 2;
    const ZMM_UPPER: u64 = 1 << 6;
    let [upper, beyond] = UPPER.each_ref().map(|at| at.load(Relaxed));
    // SAFETY: the area's first 512 bytes are always there, and these four say that the rest is; in it are 16 bytes for
    // each of 16 registers in the first part and in the upper halves, and 32 in what lies beyond, if it is in use.
    unsafe {
        if area.add(464).cast::<u32>().read() != FP_XSTATE_MAGIC1 {
            return Err("registers are not saved in XSAVE's form");
        }
        let in_use = area.add(512).cast::<u64>();
        if *in_use & AVX == 0 {
            area.add(upper).write_bytes(0, 256);
            *in_use |= AVX;
        }
        let halves = |register| [area.add(160 + 16 * register), area.add(upper + 16 * register)].map(|p| p.cast());
        let read = |register| halves(register).map(|half: *mut [u8; 16]| half.read_unaligned());
        let d: [[u8; 16]; 2] = match i.rm {
            Operand::Register(register) => read(register),
            Operand::Memory { start, stride, .. } => (start.wrapping_add(stride) as *const [_; 2]).read_unaligned(),
        };
        let (mut sum, x) = (read(i.reg), read(i.vvvv));
        for half in 0..2 {
            let terms = x[half].as_chunks().0.iter().zip(d[half].as_chunks().0);
            sum[half].as_chunks_mut().0.iter_mut().zip(terms).for_each(|(sum, (x, d))| add_products(sum, x, d));
            halves(i.reg)[half].write_unaligned(sum[half]);
        }
        if *in_use & ZMM_UPPER != 0 {
            area.add(beyond + 32 * i.reg).write_bytes(0, 32);
        }
    }
    Ok(())
}

thread_local! {
    static TILES: RefCell<Tiles> = const { RefCell::new(Tiles::RELEASED) };
    static DONE: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread's tiles are released.
pub fn released() -> bool {
    TILES.with_borrow(|tiles| !tiles.configured)
}

/// Instructions emulated on this thread.
pub fn done() -> usize {
    DONE.get()
}

/// Executes the instruction that is at fault and goes on behind it.
///
/// # Safety
/// `context` is what a handler of SIGILL is given.
unsafe fn emulate(context: &mut libc::mcontext_t) -> Result<(), Fault> {
    let address = context.gregs[libc::REG_RIP as usize] as usize;
    // SAFETY: an instruction was fetched from there; `decode` reads none of the bytes behind it.
    let code = |at| unsafe { (address as *const u8).add(at).read() };
    let register = |number: usize| context.gregs[PLACES[number] as usize] as usize;
    let i = Instruction::decode(code, address, register).ok_or("not an instruction that is emulated")?;
    if i.opcode == 0x50 && i.prefix == 1 && i.wide {
        // SAFETY: behind the general registers is the address of the others; memory is the instruction's business.
        unsafe { sum_products(&i, (&raw const *context).cast::<*mut u8>().add(context.gregs.len()).read())? };
    } else {
        // SAFETY: memory is the instruction's business.
        let done = TILES.with_borrow_mut(|tiles| unsafe { tiles.execute(&i) });
        done.ok_or("not an instruction that is emulated")??;
    }
    context.gregs[libc::REG_RIP as usize] += i.length as i64;
    DONE.set(DONE.get() + 1);
    Ok(())
}

extern "C" fn handle(signal: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO, the system passes such a context. What is called on a fault may be called in handlers;
    // the signal raised is delivered when this one's handler returns.
    unsafe {
        let context = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        if let Err(fault) = emulate(context) {
            for part in ["SIGILL: ", fault, "\n"] {
                libc::write(2, part.as_ptr().cast(), part.len());
            }
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
            return;
        }
        // Signals are slow, so that those behind it are done as well. One at fault is left for the next signal.
        while emulate(context).is_ok() {}
    }
}

/// From now on, instructions that the processor lacks are emulated.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (at, component) in UPPER.iter().zip([2, 6]) {
            at.store(__cpuid_count(0xd, component).ebx as usize, Relaxed);
        }
        // SAFETY: an action of zeros is a valid one; the handler is of the kind that SA_SIGINFO says.
        let failed = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(libc::SIGILL, &action, std::ptr::null_mut())
        };
        assert_eq!(failed, 0);
    });
}
