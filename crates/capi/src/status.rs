//! Statuses and errors.

use std::ffi::{CStr, c_char};

use twolayer_core::Error as CoreError;
use twolayer_idx::{Error as IdxError, ErrorKind as IdxKind};
use twolayer_model::{Error as ModelError, ErrorKind as ModelKind};

/// The result of a call. Later versions may add others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum tl_status {
    /// Success.
    Ok = 0,
    /// A required pointer is NULL.
    NullPointer = 1,
    /// A pointer is not aligned for what it points to.
    Misaligned = 2,
    /// A length does not fit the shape, another length or the file, or a buffer is longer than the address space.
    Length = 3,
    /// An output buffer overlaps another buffer.
    Overlap = 4,
    /// The size of a struct is invalid, or fields that this version does not know are not zero.
    StructSize = 5,
    /// Not a live network of this type.
    Handle = 6,
    /// The network is being changed by another call, or this call would change it while another one uses it.
    Busy = 7,
    /// No network or matrix product can have these dimensions.
    Shape = 8,
    /// A label is not below the number of classes.
    Label = 9,
    /// An option or argument has an invalid value.
    Option = 10,
    /// No instruction-set level has this name, or this processor lacks it.
    Level = 11,
    /// A file could not be opened, read or written.
    File = 12,
    /// A file is damaged or of the wrong kind.
    Format = 13,
    /// The model file has the other precision: use the function with the other suffix.
    Precision = 14,
    /// Training diverged: the loss or a weight is infinite or NaN. The network has the parameters of that moment.
    Diverged = 15,
    /// The system refused to start a thread.
    Thread = 16,
    /// Not enough memory.
    Memory = 17,
    /// A bug of the library; please report its message.
    Internal = 18,
}

impl tl_status {
    fn name(self) -> &'static CStr {
        match self {
            tl_status::Ok => c"TL_STATUS_OK",
            tl_status::NullPointer => c"TL_STATUS_NULL_POINTER",
            tl_status::Misaligned => c"TL_STATUS_MISALIGNED",
            tl_status::Length => c"TL_STATUS_LENGTH",
            tl_status::Overlap => c"TL_STATUS_OVERLAP",
            tl_status::StructSize => c"TL_STATUS_STRUCT_SIZE",
            tl_status::Handle => c"TL_STATUS_HANDLE",
            tl_status::Busy => c"TL_STATUS_BUSY",
            tl_status::Shape => c"TL_STATUS_SHAPE",
            tl_status::Label => c"TL_STATUS_LABEL",
            tl_status::Option => c"TL_STATUS_OPTION",
            tl_status::Level => c"TL_STATUS_LEVEL",
            tl_status::File => c"TL_STATUS_FILE",
            tl_status::Format => c"TL_STATUS_FORMAT",
            tl_status::Precision => c"TL_STATUS_PRECISION",
            tl_status::Diverged => c"TL_STATUS_DIVERGED",
            tl_status::Thread => c"TL_STATUS_THREAD",
            tl_status::Memory => c"TL_STATUS_MEMORY",
            tl_status::Internal => c"TL_STATUS_INTERNAL",
        }
    }

    const ALL: [tl_status; 19] = [
        tl_status::Ok,
        tl_status::NullPointer,
        tl_status::Misaligned,
        tl_status::Length,
        tl_status::Overlap,
        tl_status::StructSize,
        tl_status::Handle,
        tl_status::Busy,
        tl_status::Shape,
        tl_status::Label,
        tl_status::Option,
        tl_status::Level,
        tl_status::File,
        tl_status::Format,
        tl_status::Precision,
        tl_status::Diverged,
        tl_status::Thread,
        tl_status::Memory,
        tl_status::Internal,
    ];
}

/// The name of a status, such as `TL_STATUS_LENGTH`; `TL_STATUS_UNKNOWN` for other numbers. The text is
/// static.
#[unsafe(no_mangle)]
pub extern "C" fn tl_status_name(status: i32) -> *const c_char {
    let known = tl_status::ALL.into_iter().find(|s| *s as i32 == status);
    known.map_or(c"TL_STATUS_UNKNOWN", tl_status::name).as_ptr()
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: tl_status,
    pub message: String,
}

impl Failure {
    pub fn new(status: tl_status, message: impl Into<String>) -> Self {
        let message = message.into();
        Failure { status, message }
    }
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<CoreError> for Failure {
    fn from(error: CoreError) -> Self {
        let status = match error {
            CoreError::UnknownLevel { .. } | CoreError::LevelUnavailable { .. } => tl_status::Level,
            CoreError::Shape { .. } => tl_status::Shape,
            CoreError::Length { .. } | CoreError::Empty { .. } => tl_status::Length,
            CoreError::Label { .. } => tl_status::Label,
            CoreError::Option { .. } => tl_status::Option,
            CoreError::Thread { .. } => tl_status::Thread,
            CoreError::Diverged { .. } => tl_status::Diverged,
            _ => tl_status::Internal,
        };
        Failure::new(status, error.to_string())
    }
}

impl From<IdxError> for Failure {
    fn from(error: IdxError) -> Self {
        let status = match error.kind() {
            IdxKind::Io { .. } => tl_status::File,
            IdxKind::OtherLength { .. } => tl_status::Length,
            _ => tl_status::Format,
        };
        Failure::new(status, error.to_string())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let status = match error.kind() {
            ModelKind::Io { .. } | ModelKind::NoPlace { .. } => tl_status::File,
            _ => tl_status::Format,
        };
        Failure::new(status, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_number_and_name() {
        for (number, status) in tl_status::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, number);
        }
        // SAFETY: the texts are static.
        let name = |n| unsafe { CStr::from_ptr(tl_status_name(n)) }.to_str().unwrap();
        assert_eq!((name(0), name(3), name(18)), ("TL_STATUS_OK", "TL_STATUS_LENGTH", "TL_STATUS_INTERNAL"));
        assert_eq!((name(19), name(-1)), ("TL_STATUS_UNKNOWN", "TL_STATUS_UNKNOWN"));
    }
}
