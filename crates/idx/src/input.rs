//! The bytes of a file, decompressed if gzip, with errors that give the offset.

use std::io::{self, BufRead, Chain, Cursor, ErrorKind as IoKind, Read};

use crate::bytes::Bytes;
use crate::bytes::Fresh;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::gunzip::{Fault, GZIP_MAGIC, Gunzip, MAX_RATIO};
use crate::header::{Header, MAGIC_LEN};

/// Elements other than bytes are converted in pieces of this many bytes, which the second-level cache
/// holds. A multiple of every element's size.
const PIECE: usize = 64 << 10;

/// If a gzip stream announces at most this many times its own length, memory is allocated at once;
/// above that, memory grows with the data actually unpacked. MNIST's images compress 4.9 times.
const BELIEVED_RATIO: u64 = 64;

/// The initial size of memory that grows with the data actually read, in bytes.
const FIRST_STEP: usize = 1 << 20;

/// Bytes by which a file of another kind is recognised.
const RECOGNISED: usize = 32;

/// One file, from its first byte.
pub(crate) struct Input<'a, R> {
    name: &'a str,
    stream: Stream<Chain<Cursor<Vec<u8>>, R>>,
    /// Bytes read so far, unpacked.
    at: u64,
    /// The file's (packed) length in bytes, if known.
    length: Option<u64>,
}

enum Stream<R> {
    Raw(R),
    Gzip(Gunzip<R>),
}

impl<'a, R: BufRead> Input<'a, R> {
    /// Distinguishes gzip from raw by the first bytes of `reader`. `length` is the reader's length, if known.
    pub fn new(name: &'a str, mut reader: R, length: Option<u64>) -> Result<Self> {
        let mut head = vec![0; MAGIC_LEN];
        let n = fill(&mut reader, &mut head).map_err(|e| Error::io(name, "read", e))?;
        head.truncate(n);
        let gzip = head.starts_with(&GZIP_MAGIC);
        let whole = Cursor::new(head).chain(reader);
        Ok(Input {
            name,
            stream: if gzip { Stream::Gzip(Gunzip::new(whole)) } else { Stream::Raw(whole) },
            at: 0,
            length,
        })
    }

    /// Whether the file is not packed.
    pub fn is_raw(&self) -> bool {
        matches!(self.stream, Stream::Raw(_))
    }

    fn error(&self, offset: u64, kind: ErrorKind) -> Error {
        let unpacked = !self.is_raw();
        Error::new(self.name, Some(Place { offset, unpacked }), kind)
    }

    /// Fills `out`; returns the number of bytes, fewer only at the end.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize> {
        let n = match &mut self.stream {
            Stream::Raw(reader) => fill(reader, out).map_err(|e| Error::io(self.name, "read", e))?,
            Stream::Gzip(gunzip) => match gunzip.fill(out) {
                Ok(n) => n,
                Err(fault) => {
                    let kind = match fault {
                        Fault::Corrupt(reason) => ErrorKind::CorruptGzip { reason },
                        Fault::EndsEarly => ErrorKind::TruncatedGzip,
                        Fault::Trailing(0) => ErrorKind::ZerosAfterGzip,
                        Fault::Trailing(_) => ErrorKind::BytesAfterGzip,
                        Fault::Io(error) => return Err(Error::io(self.name, "read", error)),
                    };
                    let place = Place { offset: gunzip.consumed(), unpacked: false };
                    return Err(Error::new(self.name, Some(place), kind));
                }
            },
        };
        self.at += n as u64;
        Ok(n)
    }

    /// Fills all of `out`, or returns an error that the data is shorter than the `expected` bytes.
    fn fill_exactly(&mut self, out: &mut [u8], expected: u64) -> Result<()> {
        let n = self.fill(out)?;
        if n < out.len() {
            let found = self.at;
            return Err(self.error(found, ErrorKind::Truncated { expected, found }));
        }
        Ok(())
    }

    /// Reads the header, and checks the sizes against the largest possible length of the data.
    pub fn header(&mut self) -> Result<Header> {
        let mut magic = [0; MAGIC_LEN];
        let n = self.fill(&mut magic)?;
        let (element_type, rank) = match Header::parse_magic(&magic[..n]) {
            Ok(parsed) => parsed,
            Err((offset, ErrorKind::NotIdx { mut found })) => {
                // More of the file, to recognise it. If it cannot be read, that it is not IDX is told all the same.
                let mut more = [0; RECOGNISED - MAGIC_LEN];
                let n = self.fill(&mut more).unwrap_or(0);
                found.extend_from_slice(&more[..n]);
                return Err(self.error(offset, ErrorKind::NotIdx { found }));
            }
            Err((offset, kind)) => return Err(self.error(offset, kind)),
        };
        let mut sizes = vec![0; 4 * rank];
        self.fill_exactly(&mut sizes, (MAGIC_LEN + 4 * rank) as u64)?;
        let header = Header { element_type, sizes: Header::parse_sizes(&sizes) };
        self.check_length(&header)?;
        Ok(header)
    }

    /// The number of elements, and of their bytes, that the header announces.
    pub fn volume(&self, header: &Header) -> Result<(usize, usize)> {
        header.elements_and_bytes().map_err(|kind| self.error(MAGIC_LEN as u64, kind))
    }

    fn check_length(&self, header: &Header) -> Result<()> {
        let sizes_at = MAGIC_LEN as u64;
        let (_, bytes) = self.volume(header)?;
        let expected = (header.len() + bytes) as u64;
        let Some(found) = self.length else {
            return Ok(());
        };
        if !self.is_raw() {
            if expected > found.saturating_mul(MAX_RATIO) {
                let reason = format!("{expected} bytes with the header, more than {found} bytes of gzip can unpack to");
                let sizes = header.sizes.clone();
                return Err(self.error(sizes_at, ErrorKind::SizeOutOfBounds { sizes, reason }));
            }
        } else if found < expected {
            return Err(self.error(found, ErrorKind::Truncated { expected, found }));
        } else if found > expected {
            let found = Some(found);
            return Err(self.error(expected, ErrorKind::TrailingBytes { expected, found }));
        }
        Ok(())
    }

    /// Reads the `n` bytes that the header announces.
    pub fn bytes(&mut self, header: &Header, n: usize) -> Result<Bytes> {
        let expected = (header.len() + n) as u64;
        let believed =
            self.length.is_some_and(|length| self.is_raw() || expected <= length.saturating_mul(BELIEVED_RATIO));
        if believed && let Some(mut fresh) = Fresh::zeroed(n) {
            self.fill_exactly(fresh.as_mut(), expected)?;
            return Ok(fresh.freeze());
        }
        let mut bytes = Vec::new();
        while bytes.len() < n {
            let done = bytes.len();
            let step = done.max(FIRST_STEP).min(n - done);
            bytes.try_reserve_exact(step).map_err(|_| self.no_memory(header))?;
            bytes.resize(done + step, 0);
            self.fill_exactly(&mut bytes[done..], expected)?;
        }
        Ok(bytes.into())
    }

    /// Reads the `n` elements that the header announces.
    pub fn elements<T: Element>(&mut self, header: &Header, n: usize) -> Result<Vec<T>> {
        let size = T::TYPE.size();
        let expected = (header.len() + n * size) as u64;
        let mut piece = vec![0; PIECE.min(n * size)];
        let mut elements = Vec::new();
        while elements.len() < n {
            let done = elements.len();
            let step = (PIECE / size).min(n - done);
            let piece = &mut piece[..step * size];
            self.fill_exactly(piece, expected)?;
            // `try_reserve` at least doubles, and only after as much has been read.
            elements.try_reserve(step).map_err(|_| self.no_memory(header))?;
            elements.resize(done + step, T::default());
            T::decode(piece, &mut elements[done..]);
        }
        Ok(elements)
    }

    /// Reads the elements that the header announces into `out`.
    pub fn elements_into<T: Element>(&mut self, header: &Header, elements: &mut [T]) -> Result<()> {
        let size = T::TYPE.size();
        let expected = (header.len() + elements.len() * size) as u64;
        let mut piece = vec![0; PIECE.min(elements.len() * size)];
        for elements in elements.chunks_mut(PIECE / size) {
            let piece = &mut piece[..elements.len() * size];
            self.fill_exactly(piece, expected)?;
            T::decode(piece, elements);
        }
        Ok(())
    }

    fn no_memory(&self, header: &Header) -> Error {
        let bytes = header.elements_and_bytes().map_or(0, |(_, bytes)| bytes as u64);
        self.error(MAGIC_LEN as u64, ErrorKind::OutOfMemory { sizes: header.sizes.clone(), bytes })
    }

    /// Checks that nothing follows; for gzip, this also verifies the checksum.
    pub fn end(&mut self) -> Result<()> {
        let expected = self.at;
        if self.fill(&mut [0])? > 0 {
            let found = None;
            return Err(self.error(expected, ErrorKind::TrailingBytes { expected, found }));
        }
        Ok(())
    }
}

/// Reads until `out` is full or the reader ends; returns the number of bytes.
fn fill<R: Read>(reader: &mut R, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == IoKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
