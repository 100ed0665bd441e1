//! A file's new content, whole or not at all.

use std::io::{ErrorKind as Io, Write};
use std::path::Path;

use twolayer_atomic::Place;

use crate::ErrorKind;

/// Gives the file at `path` this content.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), ErrorKind> {
    let failed = |error| ErrorKind::Io { action: "write", error };
    let place = Place::new(path).map_err(|error| match error.kind() {
        Io::IsADirectory | Io::NotFound => ErrorKind::NoPlace { reason: error.to_string() },
        _ => failed(error),
    })?;
    place.write(|file| file.write_all(content)).map_err(failed)
}
