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

/// What a file that is not IDX is, by its first bytes, and what to do, for common mistakes.
pub(crate) fn resemblance(head: &[u8]) -> &'static str {
    let begins = |magic: &[u8]| head.starts_with(magic);
    let is_text = head.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    let is_csv = || is_text && head.iter().all(|b| b.is_ascii_digit() || b",; \t\r\n.".contains(b));
    match head {
        [] => "",
        _ if begins(b"version https://git-lfs") => "a Git LFS pointer, not the file itself: run `git lfs pull`",
        _ if begins(b"\x1F\x8B") => "gzip within gzip: unpack it once",
        _ if begins(b"PK") => "a zip archive, as .npz files are too: unpack it",
        _ if begins(b"BZh") => "bzip2: unpack it",
        _ if begins(b"\xFD7zXZ") => "xz: unpack it",
        _ if begins(b"\x28\xB5\x2F\xFD") => "zstd: unpack it",
        _ if begins(b"7z\xBC\xAF") => "a 7z archive: unpack it",
        _ if begins(b"\x93NUMPY") => "a NumPy array, .npy",
        _ if begins(b"\x89HDF") => "HDF5",
        _ if begins(b"\x89PNG") => "a PNG picture",
        _ if begins(b"\xFF\xD8\xFF") => "a JPEG picture",
        _ if begins(b"<") => "a web page, perhaps of a failed download",
        _ if is_csv() => "numbers as text, CSV",
        _ if is_text => "text",
        _ => "",
    }
}

/// Names in a folder, at most eight, and what to do with files of a known ending.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    match names.len() {
        0 => return "no files".to_owned(),
        1..=SHOWN => {}
        n => text += &format!(" and {} more", n - SHOWN),
    }
    let archive =
        names.iter().find(|name| [".zip", ".tar", ".tgz", ".tar.gz", ".7z"].iter().any(|e| name.ends_with(e)));
    match archive {
        Some(name) => format!("{text}; unpack {name} there, if the set is in it"),
        None => text,
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
