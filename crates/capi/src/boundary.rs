//! The one place where failures and panics become a status and a message.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::status::{Failure, Result, tl_status};

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::new(CString::default());
    /// Whether this thread is in a function of the interface.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// What went wrong in the last call on this thread that failed: one or two sentences in UTF-8 that say what was found,
/// what was expected and what to do. Empty before the first failure; calls that succeed leave it alone. The text is the
/// library's, and stays until the next call on this thread that fails, or the thread's end.
#[unsafe(no_mangle)]
pub extern "C" fn tl_last_error_message() -> *const c_char {
    // In a destructor that runs at the end of the thread, the text may be gone.
    MESSAGE.try_with(|message| message.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Runs a function's body. Whatever ends it, the caller gets a status; nothing is printed.
pub(crate) fn guard(body: impl FnOnce() -> Result<()>) -> tl_status {
    hush();
    let outer = INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(false);
    let ended = panic::catch_unwind(AssertUnwindSafe(body));
    let _ = INSIDE.try_with(|inside| inside.set(outer));
    let failure = match ended {
        Ok(Ok(())) => return tl_status::Ok,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(tl_status::Internal, format!("a fault of the library: {}", text_of(&*panic))),
    };
    let message = CString::new(failure.message.replace('\0', "\u{fffd}")).unwrap_or_default();
    let _ = MESSAGE.try_with(|last| last.replace(message));
    failure.status
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no message")
}

/// Panics of this library are told by a status, not on standard error. The hook is that of the copy of Rust's standard
/// library that is in this one, and lets the panics of others pass.
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
    use std::ffi::CStr;

    fn message() -> String {
        // SAFETY: the text stays until the next failure on this thread.
        unsafe { CStr::from_ptr(tl_last_error_message()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_a_status_and_a_message() {
        assert_eq!(guard(|| panic!("broken {}", 7)), tl_status::Internal);
        assert!(message().contains("broken 7"), "{}", message());
        let in_a_thread = || {
            let builder = std::thread::Builder::new().name(twolayer_core::THREAD_NAME.into());
            let thread = builder.spawn(|| panic!("broken in a thread")).unwrap();
            thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
        };
        assert_eq!(guard(in_a_thread), tl_status::Internal);
        assert!(message().contains("broken in a thread"));
    }

    #[test]
    fn messages_belong_to_their_thread_and_outlast_success() {
        assert_eq!(guard(|| Err(Failure::new(tl_status::Length, "zero \0 inside"))), tl_status::Length);
        assert_eq!(guard(|| Ok(())), tl_status::Ok);
        assert_eq!(message(), "zero \u{fffd} inside");
        std::thread::scope(|scope| scope.spawn(|| assert_eq!(message(), "")).join()).unwrap();
    }
}
