//! The memory of pictures that are decoded side by side.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use twolayer_core::MemoryEstimate;

/// The bytes that pictures under way were promised.
#[derive(Default)]
pub struct Memory {
    promised: Mutex<u64>,
    freed: Condvar,
}

/// Bytes that are promised until it is dropped.
pub struct Promised<'a>(&'a Memory, u64);

impl Memory {
    /// Promises so many bytes; none if the system does not grant them. Where it does not grant them beside those promised
    /// to others, it waits for these.
    pub fn promise(&self, bytes: u64) -> Option<Promised<'_>> {
        let mut promised = self.lock();
        loop {
            let all = usize::try_from(*promised + bytes).unwrap_or(usize::MAX);
            if MemoryEstimate::default().elements(all, 1).is_available() {
                *promised += bytes;
                return Some(Promised(self, bytes));
            }
            if *promised == 0 {
                return None;
            }
            promised = self.freed.wait(promised).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Promised<'_> {
    fn drop(&mut self) {
        *self.0.lock() -= self.1;
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_waits_for_memory_promised_to_others_and_is_refused_what_no_system_has() {
        const REFUSED: u64 = 1 << 62;
        let memory = Memory::default();
        assert!(memory.promise(REFUSED).is_none());
        *memory.lock() = REFUSED;
        let others = Promised(&memory, REFUSED);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| memory.promise(1).map(|promised| promised.1));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waits.is_finished());
            drop(others);
            assert_eq!(waits.join().unwrap(), Some(1));
        });
        assert_eq!(*memory.lock(), 0);
    }
}
