//! Parts of error messages.

use std::fmt;
use std::io;

/// Advice on an error of the system.
pub(crate) fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::IsADirectory => "; give a file, not a folder",
        io::ErrorKind::PermissionDenied => "; allow it to this user or give another path",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space or give another path",
        _ => "",
    }
}

/// What a file that is not IDX looks like, for common mistakes.
pub(crate) fn resemblance(head: &[u8]) -> &'static str {
    if head.starts_with(b"PK") {
        " (a zip archive: unpack it)"
    } else if head.starts_with(b"BZh") {
        " (bzip2: unpack it)"
    } else if head.starts_with(b"<") {
        " (a web page, perhaps of a failed download)"
    } else if !head.is_empty() && head.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        " (text)"
    } else {
        ""
    }
}

/// Bytes as hexadecimal, separated by spaces.
pub(crate) struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Sizes as "60000 x 28 x 28", at most eight.
pub(crate) struct Sizes<'a>(pub &'a [usize]);

impl fmt::Display for Sizes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, size) in self.0.iter().take(8).enumerate() {
            write!(f, "{}{size}", if i == 0 { "" } else { " x " })?;
        }
        if self.0.len() > 8 {
            write!(f, " x ... ({} sizes)", self.0.len())?;
        }
        Ok(())
    }
}

/// The bytes after the expected end.
pub(crate) struct Trailing(pub u64, pub Option<u64>);

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(found) => write!(f, "trailing bytes: {}", found.saturating_sub(self.0)),
            None => f.write_str("trailing bytes: at least one"),
        }
    }
}
