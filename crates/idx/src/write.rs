//! Writes IDX files.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use twolayer_atomic::AtomicFile;

use crate::element::{Data, Element};
use crate::error::{Error, Result, name_of};
use crate::header::Header;
use crate::idx::Idx;

/// Elements other than bytes are converted in pieces of this many.
const PIECE: usize = 8 << 10;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Uncompressed.
    Raw,
    /// As one gzip member, at deflate's default level, without name or time: the same data give the same bytes.
    Gzip,
}

impl Idx {
    /// Writes to a writer, raw or gzip. `name` is its name in errors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the writer fails; part of the data may be written then.
    pub fn write_to(&self, name: &str, mut writer: impl Write, packing: Packing) -> Result<()> {
        self.encode(&mut writer, packing).map_err(|error| Error::io(name, "write", error))
    }

    /// Writes the file at `path`, raw or gzip, whatever its name.
    ///
    /// The file appears whole or not at all: it is written to a temporary file, synced, and renamed. An old file
    /// is replaced, also through a symbolic link, and keeps its permissions. A device or a pipe is written to
    /// directly.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) on any error of the system, such as a missing folder or a full
    /// disk; nothing half-written is left then, and an old file is unchanged.
    pub fn save(&self, path: impl AsRef<Path>, packing: Packing) -> Result<()> {
        let path = path.as_ref();
        AtomicFile::new(path)
            .and_then(|place| place.write(|file| self.encode(file, packing)))
            .map_err(|error| Error::io(&name_of(path), "write", error))
    }

    fn encode(&self, writer: &mut dyn Write, packing: Packing) -> io::Result<()> {
        match packing {
            Packing::Raw => self.encode_raw(writer)?,
            Packing::Gzip => {
                let mut gzip = GzEncoder::new(&mut *writer, Compression::default());
                self.encode_raw(&mut gzip)?;
                gzip.finish()?;
            }
        }
        writer.flush()
    }

    fn encode_raw(&self, writer: &mut dyn Write) -> io::Result<()> {
        let header = Header { element_type: self.element_type(), sizes: self.sizes().to_vec() };
        writer.write_all(&header.encode())?;
        match self.data() {
            Data::U8(bytes) => writer.write_all(bytes),
            Data::I8(values) => encode_elements(values, writer),
            Data::I16(values) => encode_elements(values, writer),
            Data::I32(values) => encode_elements(values, writer),
            Data::F32(values) => encode_elements(values, writer),
            Data::F64(values) => encode_elements(values, writer),
        }
    }
}

fn encode_elements<T: Element>(values: &[T], writer: &mut dyn Write) -> io::Result<()> {
    let mut bytes = vec![0; PIECE.min(values.len()) * T::TYPE.size()];
    for piece in values.chunks(PIECE) {
        let bytes = &mut bytes[..piece.len() * T::TYPE.size()];
        T::encode(piece, bytes);
        writer.write_all(bytes)?;
    }
    Ok(())
}
