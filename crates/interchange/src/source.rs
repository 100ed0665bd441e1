//! Detects which program a file is from by its first bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use twolayer_model::{AnyModel, FileKind};

use crate::error::{Error, Result};
use crate::{npz, torch};

/// The source of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// NumPy arrays under the notebook's names.
    Npz {
        /// Whether one more array names the activation.
        names_activation: bool,
    },
    /// Safetensors with PyTorch's layers.
    Torch,
}

impl Source {
    /// Whether the file names the activation. If not, the model has the notebook's, sigmoid, which may be wrong.
    pub fn names_activation(self) -> bool {
        self == Source::Npz { names_activation: true }
    }
}

/// What the first bytes tell of a file.
enum Kind {
    Npz,
    Torch,
}

const EXPECTED: &str = "expected are W1, b1, W2 and b2 saved by numpy.savez, or a PyTorch state_dict saved by \
                        safetensors.torch.save_file";

/// Reads the network in the file at `path`. Anything that can be opened and read will do, pipes included. Of a state_dict
/// with several networks, `layers` names the first and the second layer; of one that has no others, they are found.
///
/// # Errors
///
/// Any error of the file or of the system.
pub fn load(path: impl AsRef<Path>, layers: Option<[&str; 2]>) -> Result<(Source, AnyModel)> {
    let name = path.as_ref().display().to_string();
    let file = File::open(path).map_err(|error| Error::io(&name, "open", &error))?;
    from_reader(&name, file, layers)
}

/// Reads the content of a reader, as [`load`] does. `name` is what errors call it.
///
/// # Errors
///
/// Any error of the content or of the reader.
pub fn from_reader(name: &str, mut reader: impl Read, layers: Option<[&str; 2]>) -> Result<(Source, AnyModel)> {
    let mut bytes = Vec::new();
    let mut more = |limit: u64, bytes: &mut Vec<u8>| {
        reader.by_ref().take(limit).read_to_end(bytes).map_err(|error| Error::io(name, "read", &error))
    };
    more(FileKind::HEAD as u64, &mut bytes)?;
    // Before reading the rest, which may be infinite.
    recognise(name, &bytes)?;
    more(u64::MAX, &mut bytes)?;
    read(name, &bytes, layers)
}

/// Reads the content of a file from memory, as [`load`] does. `name` is what errors call it.
///
/// # Errors
///
/// Any error of the content.
pub fn read(name: &str, bytes: &[u8], layers: Option<[&str; 2]>) -> Result<(Source, AnyModel)> {
    match recognise(name, bytes)? {
        Kind::Npz if layers.is_some() => {
            Err(Error::new(name, "--layers is for PyTorch's state_dict; the arrays of an .npz are W1, b1, W2 and b2"))
        }
        Kind::Npz => {
            let (model, names_activation) = npz::read(name, bytes)?;
            Ok((Source::Npz { names_activation }, model))
        }
        Kind::Torch => Ok((Source::Torch, torch::read(name, bytes, layers)?)),
    }
}

/// The kind of a file by its first bytes.
fn recognise(name: &str, bytes: &[u8]) -> Result<Kind> {
    match FileKind::of(&bytes[..bytes.len().min(FileKind::HEAD)]) {
        // An archive without NumPy's arrays gets an error that lists what it holds.
        FileKind::Npz | FileKind::Zip => Ok(Kind::Npz),
        FileKind::Safetensors => Ok(Kind::Torch),
        found @ (FileKind::Empty | FileKind::Text | FileKind::Unknown) => {
            Err(Error::new(name, format_args!("{found}; {EXPECTED}")))
        }
        found => Err(Error::new(name, format_args!("{found}; {}", found.advice()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_of_files_are_named_in_errors() {
        for (bytes, word) in [
            (&b""[..], "numpy.savez"),
            (b"\x93NUMPY\x01\0v\0{", "a single NumPy array"),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9", "safetensors.torch.save_file"),
            (b"<html>404 Not Found", "a web page"),
            (b"\0\0\0\0\0\0\0\0", "unknown kind"),
            (b"\x89PNG\r\n\x1a\n\0", "`twolayer predict"),
        ] {
            let message = read("given", bytes, None).unwrap_err().to_string();
            assert!(message.starts_with("given: ") && message.contains(word), "{message}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_endless_file_is_not_read_to_its_end() {
        let message = load("/dev/zero", None).unwrap_err().to_string();
        assert!(message.contains("/dev/zero: a file of an unknown kind"), "{message}");
    }
}
