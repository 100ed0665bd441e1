//! Cache lines and prefetching.

/// Bytes of a cache line.
pub(crate) const CACHE_LINE: usize = 64;

/// Requests the cache line of `p` without waiting for it: into the first-level cache if `L1`, else into the second.
#[inline(always)]
pub(crate) fn prefetch<const L1: bool, P>(p: *const P) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: prefetching is in the architecture's baseline, and is harmless at any address.
        unsafe { if L1 { _mm_prefetch::<_MM_HINT_T0>(p.cast()) } else { _mm_prefetch::<_MM_HINT_T1>(p.cast()) } }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}
