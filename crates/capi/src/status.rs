//! Statuses and errors.

use std::ffi::{CStr, c_char};

use twolayer_core::Error as CoreError;
use twolayer_idx::{Error as IdxError, ErrorKind as IdxKind};
use twolayer_model::{Error as ModelError, ErrorKind as ModelKind};

pub type tl_status = i32;
pub const TL_OK: tl_status = 0;
pub const TL_ERROR_NULL: tl_status = 1;
pub const TL_ERROR_MISALIGNED: tl_status = 2;
pub const TL_ERROR_LENGTH: tl_status = 3;
pub const TL_ERROR_OVERLAP: tl_status = 4;
pub const TL_ERROR_STRUCT_SIZE: tl_status = 5;
pub const TL_ERROR_HANDLE: tl_status = 6;
pub const TL_ERROR_BUSY: tl_status = 7;
pub const TL_ERROR_SHAPE: tl_status = 8;
pub const TL_ERROR_LABEL: tl_status = 9;
pub const TL_ERROR_OPTION: tl_status = 10;
pub const TL_ERROR_TYPE: tl_status = 11;
pub const TL_ERROR_LEVEL: tl_status = 12;
pub const TL_ERROR_FILE: tl_status = 13;
pub const TL_ERROR_FORMAT: tl_status = 14;
pub const TL_ERROR_DIVERGED: tl_status = 15;
pub const TL_ERROR_THREAD: tl_status = 16;
pub const TL_ERROR_MEMORY: tl_status = 17;
pub const TL_ERROR_INTERNAL: tl_status = 18;

/// The names, by number.
const NAMES: [&CStr; 19] = [
    c"TL_OK",
    c"TL_ERROR_NULL",
    c"TL_ERROR_MISALIGNED",
    c"TL_ERROR_LENGTH",
    c"TL_ERROR_OVERLAP",
    c"TL_ERROR_STRUCT_SIZE",
    c"TL_ERROR_HANDLE",
    c"TL_ERROR_BUSY",
    c"TL_ERROR_SHAPE",
    c"TL_ERROR_LABEL",
    c"TL_ERROR_OPTION",
    c"TL_ERROR_TYPE",
    c"TL_ERROR_LEVEL",
    c"TL_ERROR_FILE",
    c"TL_ERROR_FORMAT",
    c"TL_ERROR_DIVERGED",
    c"TL_ERROR_THREAD",
    c"TL_ERROR_MEMORY",
    c"TL_ERROR_INTERNAL",
];

#[unsafe(no_mangle)]
pub extern "C" fn tl_status_name(status: i32) -> *const c_char {
    let known = usize::try_from(status).ok().and_then(|status| NAMES.get(status));
    known.map_or(c"unknown", |name| name).as_ptr()
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

impl From<CoreError> for Failure {
    #[inline(never)]
    fn from(error: CoreError) -> Self {
        let status = match error {
            CoreError::UnknownLevel { .. } | CoreError::LevelUnavailable { .. } => TL_ERROR_LEVEL,
            CoreError::Shape { .. } => TL_ERROR_SHAPE,
            CoreError::Length { .. } | CoreError::Empty { .. } => TL_ERROR_LENGTH,
            CoreError::Label { .. } => TL_ERROR_LABEL,
            CoreError::Option { .. } => TL_ERROR_OPTION,
            CoreError::Thread { .. } => TL_ERROR_THREAD,
            CoreError::Diverged { .. } => TL_ERROR_DIVERGED,
            _ => TL_ERROR_INTERNAL,
        };
        Failure::new(status, error.to_string())
    }
}

impl From<IdxError> for Failure {
    #[inline(never)]
    fn from(error: IdxError) -> Self {
        let status = match error.kind() {
            IdxKind::Io { .. } => TL_ERROR_FILE,
            IdxKind::OtherLength { .. } => TL_ERROR_LENGTH,
            IdxKind::OtherType { .. } => TL_ERROR_TYPE,
            _ => TL_ERROR_FORMAT,
        };
        Failure::new(status, error.to_string())
    }
}

impl From<ModelError> for Failure {
    #[inline(never)]
    fn from(error: ModelError) -> Self {
        let status = match error.kind() {
            ModelKind::Io { .. } | ModelKind::NoPlace { .. } => TL_ERROR_FILE,
            _ => TL_ERROR_FORMAT,
        };
        Failure::new(status, error.to_string())
    }
}
