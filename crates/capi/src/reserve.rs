//! Memory for what the system refuses in the middle of a call.
//!
//! A call asks for the memory that it needs before it begins (see `memory`). But the system may still refuse a part of it
//! later, as other threads take some meanwhile, and Rust's standard library then ends the process. So such a request, if
//! it is small, is answered from a reserve of the library. While little of that is left, calls fail that need memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory is given in lines of this many bytes, and aligned to them.
const LINE: usize = 64;
/// Lines of the reserve: 512 KiB, which take no memory until they are used.
const LINES: usize = 8192;
/// One line in use, in `Reserve::state`; the rest of that number counts the pieces.
const ONE_LINE: usize = 1 << 16;

#[global_allocator]
static ALLOCATOR: WithReserve = WithReserve;

static RESERVE: Reserve = Reserve { lines: Lines(UnsafeCell::new([0; LINE * LINES])), state: AtomicUsize::new(0) };

/// Whether less than half of the reserve is left.
pub(crate) fn is_low() -> bool {
    RESERVE.state.load(Ordering::Relaxed) / ONE_LINE > LINES / 2
}

/// Pieces are taken one after the other; once all have been given back, from the beginning.
struct Reserve {
    lines: Lines,
    /// `ONE_LINE` for each line up to the end of the last piece, and 1 for each piece.
    state: AtomicUsize,
}

#[repr(align(64))]
struct Lines(UnsafeCell<[u8; LINE * LINES]>);

// SAFETY: pieces do not overlap, and each belongs to who asked for it.
unsafe impl Sync for Lines {}

impl Reserve {
    fn start(&self) -> *mut u8 {
        self.lines.0.get().cast()
    }

    fn owns(&self, piece: *mut u8) -> bool {
        (piece as usize).wrapping_sub(self.start() as usize) < LINE * LINES
    }

    /// A piece for this layout, or NULL.
    fn take(&self, layout: Layout) -> *mut u8 {
        let lines = layout.size().div_ceil(LINE).max(1);
        let more = |state: usize| {
            (layout.align() <= LINE && lines <= LINES - state / ONE_LINE).then(|| state + lines * ONE_LINE + 1)
        };
        match self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, more) {
            Ok(before) => self.start().wrapping_add(before / ONE_LINE * LINE),
            Err(_) => ptr::null_mut(),
        }
    }

    fn give_back(&self) {
        let fewer = |state: usize| Some(if state % ONE_LINE == 1 { 0 } else { state - 1 });
        let _ = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, fewer);
    }
}

/// The system's allocator, and the reserve.
struct WithReserve;

// Not inlined: memory is allocated in thousands of places, and programs would be 40 kB larger.
//
// SAFETY: what the system's allocator gives goes back to it; pieces of the reserve are as long and as aligned as was asked.
unsafe impl GlobalAlloc for WithReserve {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for; so below.
        let given = unsafe { System.alloc(layout) };
        if given.is_null() { RESERVE.take(layout) } else { given }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let given = unsafe { System.alloc_zeroed(layout) };
        if !given.is_null() {
            return given;
        }
        let piece = RESERVE.take(layout);
        if !piece.is_null() {
            // SAFETY: the piece has that size; it may have been used before.
            unsafe { piece.write_bytes(0, layout.size()) };
        }
        piece
    }

    #[inline(never)]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let is_ours = RESERVE.owns(old);
        // SAFETY: as above; `old` is from `System`.
        let given = if is_ours { ptr::null_mut() } else { unsafe { System.realloc(old, layout, size) } };
        if !given.is_null() {
            return given;
        }
        // SAFETY: the caller promises that this size can be aligned so.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as above.
        let new = if is_ours { unsafe { self.alloc(wanted) } } else { RESERVE.take(wanted) };
        if !new.is_null() {
            // SAFETY: both have that many bytes, in different places; `old` is not used any more.
            unsafe {
                ptr::copy_nonoverlapping(old, new, layout.size().min(size));
                self.dealloc(old, layout);
            }
        }
        new
    }

    #[inline(never)]
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        match RESERVE.owns(old) {
            true => RESERVE.give_back(),
            // SAFETY: as above; `old` is from `System`.
            false => unsafe { System.dealloc(old, layout) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reserve of its own, as other tests use the library's.
    #[test]
    fn pieces_are_apart_aligned_and_used_again() {
        static MINE: Reserve = Reserve { lines: Lines(UnsafeCell::new([0; LINE * LINES])), state: AtomicUsize::new(0) };
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        for _ in 0..2 {
            let sizes = [0, 1, 64, 65, 1000];
            let pieces = sizes.map(|size| MINE.take(layout(size, 64)));
            assert_eq!(pieces[0], MINE.start(), "from the beginning");
            let starts = pieces.map(|piece| piece as usize);
            for i in 0..4 {
                assert!(
                    MINE.owns(pieces[i])
                        && starts[i] + sizes[i].max(1) <= starts[i + 1]
                        && starts[i].is_multiple_of(64)
                );
            }
            assert!(MINE.take(layout(LINE * LINES, 1)).is_null() && MINE.take(layout(1, 128)).is_null());
            let rest = MINE.take(layout(LINE * (LINES - 21), 1));
            assert!(!rest.is_null() && MINE.take(layout(1, 1)).is_null(), "it is full");
            (0..6).for_each(|_| MINE.give_back());
        }
        assert!(!MINE.owns(MINE.start().wrapping_sub(1)) && !MINE.owns(MINE.start().wrapping_add(LINE * LINES)));
    }
}
