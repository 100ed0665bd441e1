//! A reserve for small allocations that the system refuses during a call.
//!
//! A call checks its memory before it starts (see `memory`). The system may still refuse an allocation later, because
//! other threads have taken memory meanwhile, and Rust's standard library then aborts the process. Such requests are
//! served from this reserve. While less than half of it is left and the system refuses even a little, calls fail at
//! once.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory is handed out in lines of this many bytes, aligned to them.
const LINE: usize = 64;
/// Lines of the reserve: 512 KiB, which take no memory until they are used.
const LINES: usize = 8192;
/// The most lines of a piece.
const MOST_LINES: usize = LINES / 8;
/// `Reserve::state` counts the lines in use in units of this; its low 16 bits count the pieces.
const ONE_LINE: usize = 1 << 16;

#[global_allocator]
static ALLOCATOR: WithReserve = WithReserve;

static RESERVE: Reserve = Reserve { lines: Lines(UnsafeCell::new([0; LINE * LINES])), state: AtomicUsize::new(0) };

/// Whether less than half of the reserve is left.
pub(crate) fn is_low() -> bool {
    RESERVE.state.load(Ordering::Relaxed) / ONE_LINE > LINES / 2
}

/// A bump allocator: pieces follow one another. The room of the last one is free when it is, and all once no piece is
/// left.
struct Reserve {
    lines: Lines,
    /// `ONE_LINE` for each line up to the end of the last piece, and 1 for each piece.
    state: AtomicUsize,
}

#[repr(align(64))]
struct Lines(UnsafeCell<[u8; LINE * LINES]>);

// SAFETY: pieces do not overlap, and each belongs to its caller alone.
unsafe impl Sync for Lines {}

/// The lines of a piece of so many bytes.
fn lines(size: usize) -> usize {
    size.div_ceil(LINE).max(1)
}

impl Reserve {
    fn start(&self) -> *mut u8 {
        self.lines.0.get().cast()
    }

    /// The place of a pointer, in bytes from the start; beyond the end if it is elsewhere.
    fn place(&self, piece: *mut u8) -> usize {
        (piece as usize).wrapping_sub(self.start() as usize)
    }

    fn owns(&self, piece: *mut u8) -> bool {
        self.place(piece) < LINE * LINES
    }

    /// A piece for this layout, or NULL.
    fn take(&self, layout: Layout) -> *mut u8 {
        let lines = lines(layout.size());
        let fits = |used: usize| layout.align() <= LINE && lines <= MOST_LINES.min(LINES - used);
        let more = |state: usize| fits(state / ONE_LINE).then_some(state + lines * ONE_LINE + 1);
        match self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, more) {
            Ok(before) => self.start().wrapping_add(before / ONE_LINE * LINE),
            Err(_) => ptr::null_mut(),
        }
    }

    /// Takes back a piece of this size.
    fn give_back(&self, piece: *mut u8, size: usize) {
        let (first, lines) = (self.place(piece) / LINE, lines(size));
        let fewer = |state: usize| match (state / ONE_LINE, state % ONE_LINE) {
            (_, 1) => 0,
            (end, pieces) if end == first + lines => first * ONE_LINE + pieces - 1,
            _ => state - 1,
        };
        let _ = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| Some(fewer(state)));
    }
}

/// The system's allocator, and the reserve.
struct WithReserve;

// Not inlined: memory is allocated in thousands of places, and programs would be 40 kB larger.
//
// SAFETY: each pointer goes back to the allocator it came from. Pieces of the reserve have at least the size and
// alignment asked for.
unsafe impl GlobalAlloc for WithReserve {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
        let given = unsafe { System.alloc(layout) };
        if given.is_null() { RESERVE.take(layout) } else { given }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
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
        if is_ours && lines(size) <= lines(layout.size()) {
            return old;
        }
        // SAFETY: where it is not in the reserve, `old` is from `System`; the caller's promises are those that it asks
        // for.
        let given = if is_ours { ptr::null_mut() } else { unsafe { System.realloc(old, layout, size) } };
        if !given.is_null() {
            return given;
        }
        // SAFETY: the caller promises that `size`, rounded up to the alignment, fits in `isize`.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the caller promises that `size` is not 0.
        let new = if is_ours { unsafe { self.alloc(wanted) } } else { RESERVE.take(wanted) };
        if !new.is_null() {
            // SAFETY: both have that many bytes, in different places; `old` has that layout, and is not used any more.
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
            true => RESERVE.give_back(old, layout.size()),
            // SAFETY: not from the reserve, so from `System`, with this layout.
            false => unsafe { System.dealloc(old, layout) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not the library's, which other tests use.
    fn new() -> Reserve {
        Reserve { lines: Lines(UnsafeCell::new([0; LINE * LINES])), state: AtomicUsize::new(0) }
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn pieces_are_apart_and_aligned_until_it_is_full() {
        let reserve = Box::new(new());
        for _ in 0..2 {
            let sizes = [0, 1, 64, 65, 1000];
            let pieces = sizes.map(|size| reserve.take(layout(size, 64)));
            assert_eq!(pieces[0], reserve.start(), "from the beginning");
            let starts = pieces.map(|piece| piece as usize);
            assert!(pieces.iter().all(|&piece| reserve.owns(piece) && (piece as usize).is_multiple_of(64)));
            assert!((0..4).all(|i| starts[i] + sizes[i].max(1) <= starts[i + 1]));
            assert!(reserve.take(layout(1, 128)).is_null() && reserve.take(layout(LINE * MOST_LINES + 1, 1)).is_null());
            let large: Vec<_> = (0..7).map(|_| reserve.take(layout(LINE * MOST_LINES, 1))).collect();
            let rest = reserve.take(layout(LINE * (MOST_LINES - 21), 1));
            assert!(!rest.is_null() && !large.contains(&ptr::null_mut()));
            assert!(reserve.take(layout(1, 1)).is_null(), "it is full");
            reserve.give_back(rest, LINE * (MOST_LINES - 21));
            large.iter().for_each(|&piece| reserve.give_back(piece, LINE * MOST_LINES));
            pieces.iter().zip(sizes).for_each(|(&piece, size)| reserve.give_back(piece, size));
        }
        assert!(!reserve.owns(reserve.start().wrapping_sub(1)));
        assert!(!reserve.owns(reserve.start().wrapping_add(LINE * LINES)));
    }

    #[test]
    fn a_piece_that_is_held_leaves_the_rest_to_others() {
        let reserve = Box::new(new());
        let held = reserve.take(layout(100, 8));
        for _ in 0..10_000 {
            let [first, second] = [1000, 10_000].map(|size| reserve.take(layout(size, 8)));
            assert!(!first.is_null() && !second.is_null());
            reserve.give_back(second, 10_000);
            reserve.give_back(first, 1000);
        }
        reserve.give_back(held, 100);
        assert_eq!(reserve.state.into_inner(), 0);
    }

    #[test]
    fn threads_get_pieces_of_their_own() {
        let reserve = Box::new(new());
        let work = |id: u8| {
            for round in 0..2000 {
                let size = 1 + round % 300;
                let piece = reserve.take(layout(size, 1));
                // It is full where pieces between others were given back.
                if piece.is_null() {
                    continue;
                }
                // SAFETY: as long as it is taken, the piece is this thread's alone.
                unsafe {
                    piece.write_bytes(id, size);
                    std::thread::yield_now();
                    assert!((0..size).all(|i| piece.add(i).read() == id));
                }
                reserve.give_back(piece, size);
            }
        };
        std::thread::scope(|scope| (1..=4).for_each(|id| drop(scope.spawn(move || work(id)))));
    }

    /// What the system's allocator does where it has no memory: nothing may get lost on the way into the reserve and
    /// out.
    #[test]
    fn memory_moves_between_the_system_and_the_reserve() {
        let piece = RESERVE.take(layout(10, 1));
        // SAFETY: the piece has ten bytes, then as many as it is reallocated to.
        unsafe {
            (0..10).for_each(|i| piece.add(i as usize).write(i));
            let same = ALLOCATOR.realloc(piece, layout(10, 1), 60);
            assert_eq!(same, piece, "there is room");
            let moved = ALLOCATOR.realloc(same, layout(60, 1), 5000);
            assert!(!RESERVE.owns(moved), "the system has memory");
            assert!((0..10).all(|i| moved.add(i as usize).read() == i));
            ALLOCATOR.dealloc(moved, layout(5000, 1));
        }
    }
}
