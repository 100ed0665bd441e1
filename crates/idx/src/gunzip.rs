//! Unpacks a gzip stream incrementally.
//!
//! flate2's readers report every error as one of two kinds of `io::Error`. This one distinguishes a damaged stream,
//! one that ends early and a failing disk, and counts the bytes on both sides.

use std::io::{self, BufRead, ErrorKind};

use flate2::{Decompress, FlushDecompress, Status};

/// The first bytes of a gzip file.
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The most bytes that a byte of deflate unpacks to: a match of 258 bytes takes at least two bits.
pub(crate) const MAX_RATIO: u64 = 1032;

/// The largest window that a gzip stream may use, as a power of two.
const WINDOW_BITS: u8 = 15;

/// Why unpacking failed.
pub(crate) enum Fault {
    /// The stream is damaged.
    Corrupt(String),
    /// The stream ends before its end marker.
    EndsEarly,
    /// Something else follows the last member, beginning with this byte.
    Trailing(u8),
    /// The reader below failed.
    Io(io::Error),
}

/// Unpacks all members of a gzip stream, checksums included.
pub(crate) struct Gunzip<R> {
    input: R,
    /// `None` between members.
    member: Option<Decompress>,
    /// Whether a member has been read to its end.
    any: bool,
    /// Packed bytes consumed.
    consumed: u64,
}

impl<R: BufRead> Gunzip<R> {
    pub fn new(input: R) -> Self {
        Gunzip { input, member: None, any: false, consumed: 0 }
    }

    /// Packed bytes consumed so far.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Fills `out`; returns the number of bytes, fewer only at the end of the last member.
    pub fn fill(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            let packed = match self.input.fill_buf() {
                Ok(packed) => packed,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::Io(error)),
            };
            let ended = packed.is_empty();
            if self.member.is_none() {
                match packed.first() {
                    None if self.any => break,
                    Some(&byte) if self.any && byte != GZIP_MAGIC[0] => {
                        return Err(Fault::Trailing(byte));
                    }
                    _ => {}
                }
            }
            let member = self.member.get_or_insert_with(|| Decompress::new_gzip(WINDOW_BITS));
            let (before_in, before_out) = (member.total_in(), member.total_out());
            let status = member
                .decompress(packed, &mut out[filled..], FlushDecompress::None)
                .map_err(|error| Fault::Corrupt(error.message().unwrap_or("invalid data").to_owned()));
            // Both differences are at most the lengths of the slices passed in.
            let taken = (member.total_in() - before_in) as usize;
            let given = (member.total_out() - before_out) as usize;
            self.input.consume(taken);
            self.consumed += taken as u64;
            filled += given;
            match status? {
                Status::StreamEnd => {
                    self.member = None;
                    self.any = true;
                }
                _ if taken == 0 && given == 0 && ended => return Err(Fault::EndsEarly),
                _ if taken == 0 && given == 0 => {
                    return Err(Fault::Corrupt("no progress in the compressed data".to_owned()));
                }
                _ => {}
            }
        }
        Ok(filled)
    }
}
