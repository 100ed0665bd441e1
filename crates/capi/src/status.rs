//! Statuses and errors.

use std::convert::identity;
use std::ffi::c_char;
use std::fmt::Display;
use std::io;

use twolayer_core::Error as CoreError;
use twolayer_idx::{Error as IdxError, ErrorKind as IdxKind};
use twolayer_model::{Error as ModelError, ErrorKind as ModelKind};

macro_rules! statuses {
    ($($name:ident = $value:literal),*) => {
        constants! { tl_status { $($name = $value),* } }
        /// The names, by number.
        const NAMES: &[&str] = &[$(concat!(stringify!($name), "\0")),*];
    };
}

statuses! {
    TL_OK = 0, TL_ERROR_NULL = 1, TL_ERROR_MISALIGNED = 2, TL_ERROR_LENGTH = 3, TL_ERROR_OVERLAP = 4,
    TL_ERROR_STRUCT_SIZE = 5, TL_ERROR_HANDLE = 6, TL_ERROR_BUSY = 7, TL_ERROR_SHAPE = 8, TL_ERROR_LABEL = 9,
    TL_ERROR_OPTION = 10, TL_ERROR_TYPE = 11, TL_ERROR_LEVEL = 12, TL_ERROR_FILE = 13, TL_ERROR_FORMAT = 14,
    TL_ERROR_DIVERGED = 15, TL_ERROR_THREAD = 16, TL_ERROR_MEMORY = 17, TL_ERROR_INTERNAL = 18
}

#[unsafe(no_mangle)]
pub extern "C" fn tl_status_name(status: i32) -> *const c_char {
    let known = usize::try_from(status).ok().and_then(|status| NAMES.get(status));
    known.map_or(c"unknown".as_ptr(), |name| name.as_ptr().cast())
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: tl_status,
    pub message: String,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(status: tl_status, message: impl Into<String>) -> Self {
        Failure { status, message: message.into() }
    }
}

/// A failed result.
pub(crate) fn refuse<T>(status: tl_status, message: impl Into<String>) -> Result<T> {
    Err(Failure::new(status, message))
}

/// An error of an option or argument.
pub(crate) fn invalid<T>(name: &str, found: impl Display, expected: &str) -> Result<T> {
    refuse(TL_ERROR_OPTION, format!("{name} is {found}; expected {expected}"))
}

/// Says which statuses another crate's errors have.
macro_rules! failures {
    ($($error:ident, $kind:expr => { $($pattern:pat $(if $condition:expr)? => $status:ident,)* })*) => { $(
        impl From<$error> for Failure {
            #[inline(never)]
            fn from(error: $error) -> Self {
                Failure::new(match $kind(&error) { $($pattern $(if $condition)? => $status),* }, error.to_string())
            }
        }
    )* };
}

failures! {
    CoreError, identity => {
        CoreError::UnknownLevel { .. } | CoreError::LevelUnavailable { .. } => TL_ERROR_LEVEL,
        CoreError::Shape { .. } => TL_ERROR_SHAPE,
        CoreError::Length { .. } | CoreError::Empty { .. } => TL_ERROR_LENGTH,
        CoreError::Label { .. } => TL_ERROR_LABEL,
        CoreError::Option { .. } => TL_ERROR_OPTION,
        CoreError::Thread { .. } => TL_ERROR_THREAD,
        CoreError::Diverged { .. } => TL_ERROR_DIVERGED,
        _ => TL_ERROR_INTERNAL,
    }
    IdxError, IdxError::kind => {
        IdxKind::Io { error, .. } if error.kind() == io::ErrorKind::OutOfMemory => TL_ERROR_MEMORY,
        IdxKind::Io { .. } => TL_ERROR_FILE,
        IdxKind::OutOfMemory { .. } => TL_ERROR_MEMORY,
        IdxKind::OtherLength { .. } => TL_ERROR_LENGTH,
        IdxKind::OtherType { .. } => TL_ERROR_TYPE,
        _ => TL_ERROR_FORMAT,
    }
    ModelError, ModelError::kind => {
        ModelKind::Io { error, .. } if error.kind() == io::ErrorKind::OutOfMemory => TL_ERROR_MEMORY,
        ModelKind::Io { .. } | ModelKind::NoPlace { .. } => TL_ERROR_FILE,
        ModelKind::OutOfMemory { .. } => TL_ERROR_MEMORY,
        _ => TL_ERROR_FORMAT,
    }
}
