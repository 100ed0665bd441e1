//! Model files: loading and saving.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use twolayer_atomic::AtomicFile;
use twolayer_core::Float;

use crate::error::{Error, ErrorKind, Result, name_of};
use crate::model::{AnyModel, Model};
use crate::{decode, encode};

impl<T: Float> Model<T> {
    /// The content of the model's file. The same model gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFinite`] if a parameter is infinite or NaN; [`ErrorKind::OptionsTooLong`] if the options take
    /// almost 1 MiB or more.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        encode::model(self).map_err(|kind| Error::new("model in memory", kind))
    }

    /// Writes the model's file.
    ///
    /// The file appears whole or not at all: it is written to a temporary file, synced, and renamed. An old file
    /// is replaced, also through a symbolic link, and keeps its permissions. A device or a pipe is written to
    /// directly.
    ///
    /// # Errors
    ///
    /// Those of [`Model::to_bytes`]; [`ErrorKind::NoPlace`] if the path is a folder or its folder does not exist;
    /// [`ErrorKind::Io`] if the system refuses anything, such as for a full disk. No partial file is left then,
    /// and an old file is unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        encode::model(self).and_then(|bytes| write(path, &bytes)).map_err(|kind| Error::new(&name_of(path), kind))
    }
}

impl AnyModel {
    /// Reads the model file at `path`. Anything that can be opened and read will do, pipes included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if it cannot be opened or read, and a separate [`ErrorKind`] for every fault of the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read(path).map_err(|kind| Error::new(&name_of(path), kind))
    }

    /// Reads the content of a model file from memory. `name` is its name in errors.
    ///
    /// # Errors
    ///
    /// A separate [`ErrorKind`] for every fault of the content.
    pub fn from_slice(name: &str, bytes: &[u8]) -> Result<Self> {
        decode::model(bytes, Some(bytes.len() as u64)).map_err(|kind| Error::new(name, kind))
    }

    /// Reads the content of a model file from a reader, which is read to its end. `name` is its name in errors.
    /// Memory grows with the data actually read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the reader fails, and a separate [`ErrorKind`] for every fault of the content.
    pub fn from_reader(name: &str, reader: impl Read) -> Result<Self> {
        decode::model(reader, None).map_err(|kind| Error::new(name, kind))
    }
}

fn read(path: &Path) -> Result<AnyModel, ErrorKind> {
    let failed = |action| move |error| ErrorKind::Io { action, error };
    let file = File::open(path).map_err(failed("open"))?;
    let metadata = file.metadata().map_err(failed("look at"))?;
    // Only the length of a regular file is that of its content.
    let length = metadata.is_file().then_some(metadata.len());
    decode::model(file, length)
}

fn write(path: &Path, content: &[u8]) -> Result<(), ErrorKind> {
    let failed = |error| ErrorKind::Io { action: "write", error };
    let file = AtomicFile::new(path).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory | io::ErrorKind::NotFound => ErrorKind::NoPlace { reason: error.to_string() },
        _ => failed(error),
    })?;
    file.write(|file| file.write_all(content)).map_err(failed)
}
