//! Memory use is limited by the data present, not by the sizes in a header. The only test of its process, so that
//! nothing else allocates while it measures.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use flate2::Compression;
use flate2::write::GzEncoder;
use twolayer_idx::{ErrorKind, Idx};

/// The system's allocator, counting the bytes in use and their peak.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system's allocator as it is; the counters do not touch the memory. The provided
// `realloc` and `alloc_zeroed` go through these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(USED.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the contract of `System.alloc` is that of this allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the memory came from `System.alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result of a call, and the largest increase of memory in use, in bytes.
fn measured<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = USED.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = f();
    (result, PEAK.load(Relaxed) - before)
}

/// A peak of this process's memory that counts what is mapped too, in bytes: `VmHWM` of what is touched, `VmPeak` of
/// all. 0 where the system does not report it.
fn peak(of: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(of));
    let line = line.and_then(|line| line.strip_prefix(':'));
    let kib = line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok());
    kib.map_or(0, |kib| kib << 10)
}

fn header(code: u8, sizes: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes
}

fn gzip(parts: &[&[u8]]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for part in parts {
        encoder.write_all(part).unwrap();
    }
    encoder.finish().unwrap()
}

/// Incompressible bytes.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..n).map(|_| next()).collect()
}

const MIB: usize = 1 << 20;

#[test]
fn memory_use_is_limited_by_the_data_present() {
    // First, while the process has not grown: what is mapped. 1 MiB of noise announces 60, which are allocated
    // but not touched, then 1000, which are not allocated.
    for announced in [60, 1000] {
        let boast = gzip(&[&header(0x08, &[announced << 20]), &noise(MIB)]);
        let before = (peak("VmHWM"), peak("VmPeak"));
        let (result, used) = measured(|| Idx::from_slice("boast", &boast).unwrap_err());
        let truncated = matches!(result.kind(), ErrorKind::Truncated { .. });
        assert!(truncated, "{result}");
        assert!(used < 5 * MIB, "boast of {announced} MiB: {used} bytes");
        let touched = peak("VmHWM") - before.0;
        assert!(touched < 8 * MIB, "boast of {announced} MiB: {touched} bytes touched");
        let mapped = peak("VmPeak") - before.1;
        assert!(mapped < 80 * MIB, "boast of {announced} MiB: {mapped} bytes mapped");
    }

    let zeros = vec![0u8; 64 * MIB];
    for code in [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E] {
        let lie = [header(code, &[1 << 20, 1 << 20]), vec![1; 1000]].concat();
        let packed_lie = gzip(&[&lie, &noise(1000)]);
        // From a slice, whose length is known, and from a reader, whose length is not.
        for (bytes, kind) in [(&lie, "truncated"), (&packed_lie, "size out of bounds")] {
            let (result, used) = measured(|| Idx::from_slice("lie", bytes).unwrap_err());
            assert!(result.to_string().contains(kind), "{result}");
            assert!(used < MIB, "slice of type {code}: {used} bytes for a {kind} header");
            let (result, used) = measured(|| Idx::from_reader("lie", &bytes[..]).unwrap_err());
            let truncated = matches!(result.kind(), ErrorKind::Truncated { .. });
            assert!(truncated, "{result}");
            assert!(used < 3 * MIB, "reader of type {code}: {used} bytes");
        }

        // A bomb: 64 MiB of zeros packed into some hundred KiB, of which the header announces 1000 elements.
        let bomb = gzip(&[&header(code, &[1000]), &zeros]);
        let (result, used) = measured(|| Idx::from_slice("bomb", &bomb).unwrap_err());
        let trailing = matches!(result.kind(), ErrorKind::TrailingBytes { .. });
        assert!(trailing, "{result}");
        assert!(used < MIB, "bomb of type {code}: {used} bytes");

        // 64 KiB of noise that announces as much as gzip of that length could hold: memory grows with what there is.
        let boast = gzip(&[&header(code, &[8 << 20]), &noise(64 << 10)]);
        let (result, used) = measured(|| Idx::from_slice("boast", &boast).unwrap_err());
        let truncated = matches!(result.kind(), ErrorKind::Truncated { .. });
        assert!(truncated, "{result}");
        assert!(used < 3 * MIB, "noise of type {code}: {used} bytes");
    }
}
