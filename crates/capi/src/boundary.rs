//! Turns errors and panics into a status and a message.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_char;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::*;

/// Bytes of a message with its terminating zero; longer ones are truncated.
const LONGEST: usize = 2048;

thread_local! {
    /// The last message, at a fixed address for the life of the thread.
    static MESSAGE: UnsafeCell<[u8; LONGEST]> = const { UnsafeCell::new([0; LONGEST]) };
    /// Whether this thread is in a function of the interface.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

#[unsafe(no_mangle)]
pub extern "C" fn tl_last_error_message() -> *const c_char {
    MESSAGE.try_with(|message| message.get().cast_const().cast()).unwrap_or(c"".as_ptr())
}

/// Runs a function's body; turns any error or panic into a status. Nothing is printed.
pub(crate) fn guard(body: impl FnOnce() -> Result<()>) -> tl_status {
    hush();
    let outer = INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(false);
    let ended = panic::catch_unwind(AssertUnwindSafe(body));
    let _ = INSIDE.try_with(|inside| inside.set(outer));
    let failure = match ended {
        Ok(Ok(())) => return TL_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(TL_ERROR_INTERNAL, format!("internal error of the library: {}", text_of(&*panic))),
    };
    let _ = MESSAGE.try_with(|message| {
        // SAFETY: it is this thread's own, and nothing in here calls back into the library.
        write_message(unsafe { &mut *message.get() }, &failure.message);
    });
    failure.status
}

/// Copies a text, truncated to fit and without zeros, and terminates it with a zero.
fn write_message(to: &mut [u8; LONGEST], text: &str) {
    let most = text.len().min(LONGEST - 1);
    let text = &text[..(0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0)];
    to.fill(0);
    to.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = if byte == 0 { b'?' } else { byte });
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no message")
}

/// Keeps panics of this library from standard error; they become a status. The hook is that of this library's copy of
/// Rust's standard library, and passes the panics of others on.
fn hush() {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let inside = INSIDE.try_with(Cell::get).unwrap_or(false);
            if !inside && std::thread::current().name() != Some(twolayer_core::THREAD_NAME) {
                others(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status and the message of a body.
    fn ended(body: impl FnOnce() -> Result<()>) -> (tl_status, String) {
        let status = guard(body);
        // SAFETY: the text stays until the next failure on this thread.
        (status, unsafe { std::ffi::CStr::from_ptr(tl_last_error_message()) }.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_panic_becomes_a_status_and_a_message() {
        assert_eq!(
            ended(|| panic!("broken {}", 7)),
            (TL_ERROR_INTERNAL, "internal error of the library: broken 7".into())
        );
        let in_a_thread = || {
            let builder = std::thread::Builder::new().name(twolayer_core::THREAD_NAME.into());
            let thread = builder.spawn(|| panic!("broken in a thread")).unwrap();
            thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
        };
        assert!(ended(in_a_thread).1.contains("broken in a thread"));
    }

    #[test]
    fn messages_belong_to_their_thread_and_outlast_success() {
        let fail = |text: &str| ended(|| Err(Failure::new(TL_ERROR_INTERNAL, text))).1;
        assert_eq!(fail("zero \0 inside"), "zero ? inside");
        assert_eq!(ended(|| Ok(())), (TL_OK, "zero ? inside".into()));
        assert_eq!(fail(&"ä".repeat(LONGEST)), "ä".repeat((LONGEST - 1) / 2));
        assert_eq!(fail("short"), "short");
        std::thread::scope(|scope| scope.spawn(|| assert_eq!(ended(|| Ok(())).1, "")).join()).unwrap();
    }
}
