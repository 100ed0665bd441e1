//! Memory that workers share.

use crate::buffer::{Aligned, Plain};
use std::ops::Range;

/// A buffer shared by all workers. Between two barriers, an element is either written by one worker or read by any.
pub struct Shared<T> {
    elements: *mut T,
    len: usize,
    /// Keeps the memory; accessed through the pointer only.
    _owner: Aligned<T>,
    /// Where a model sees who reads and writes.
    #[cfg(loom)]
    cells: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: a `Shared` is plain numbers, and the callers of its methods keep to the rule above.
unsafe impl<T: Plain> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Send for Shared<T> {}

impl<T: Plain> Shared<T> {
    /// A buffer of zeros, as many as the product of `dims`.
    pub fn new<const D: usize>(dims: [usize; D]) -> Self {
        let mut owner = Aligned::zeroed(dims);
        Shared {
            elements: owner.as_mut_ptr(),
            len: owner.len(),
            #[cfg(loom)]
            cells: owner.iter().map(|_| loom::cell::UnsafeCell::new(())).collect(),
            _owner: owner,
        }
    }

    /// # Safety
    /// No worker writes to it while the slice is in use.
    pub unsafe fn read(&self) -> &[T] {
        #[cfg(loom)]
        self.cells.iter().for_each(|cell| drop(cell.get()));
        // SAFETY: the pointer and length are the owner's; the caller promises that nobody writes.
        unsafe { std::slice::from_raw_parts(self.elements, self.len) }
    }

    /// # Panics
    /// If the range is not within the buffer.
    ///
    /// # Safety
    /// No other worker reads or writes the range before the caller's next barrier, and the caller has no other
    /// reference into it.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        #[cfg(loom)]
        self.cells[range.clone()].iter().for_each(|cell| drop(cell.get_mut()));
        // SAFETY: within the owner's memory; the caller promises that nobody else is there.
        unsafe { std::slice::from_raw_parts_mut(self.elements.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::barrier::Barrier;
    use super::*;
    use crate::threads::ThreadPool;

    #[test]
    fn writes_before_the_barrier_are_read_after_it() {
        for workers in [1, 2, 3, 8] {
            let shared = [Shared::<u64>::new([workers]), Shared::<u64>::new([workers])];
            let barrier = Barrier::new(workers, true);
            let work = |id: usize| {
                for t in 0..2000 / workers as u64 {
                    let here = &shared[t as usize % 2];
                    // SAFETY: each worker writes its own element, of the buffer that nobody reads before the barrier.
                    unsafe { here.write(id..id + 1)[0] = t * id as u64 };
                    barrier.wait().unwrap();
                    // SAFETY: until the next barrier but one, nobody writes to this buffer.
                    let sum: u64 = unsafe { here.read() }.iter().sum();
                    assert_eq!(sum, t * (workers as u64 * (workers as u64 - 1) / 2));
                }
            };
            ThreadPool::new(workers).run(workers, || work(0), &work).unwrap();
        }
    }
}
