//! The clock by which threads are timed. The standard library has none in WebAssembly without a system, where there is
//! one thread and nothing to choose by time: there it stands still.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use std::time::Instant;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use stopped::Instant;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod stopped {
    use std::ops::Add;
    use std::time::Duration;

    #[derive(Clone, Copy, PartialEq, PartialOrd)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub fn now() -> Self {
            Instant(Duration::ZERO)
        }

        pub fn elapsed(self) -> Duration {
            Duration::ZERO
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, time: Duration) -> Self {
            Instant(self.0 + time)
        }
    }
}
