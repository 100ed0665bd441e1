//! The header: two zero bytes, the element type's code, the rank, and a big-endian `u32` for each size.

use byteorder::{BigEndian, ByteOrder};

use crate::element::ElementType;
use crate::error::ErrorKind;

/// Bytes before the sizes.
pub(crate) const MAGIC_LEN: usize = 4;

/// The type and sizes of an IDX file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub element_type: ElementType,
    /// From 1 to 255 sizes, outermost first.
    pub sizes: Vec<usize>,
}

impl Header {
    /// Parses the first four bytes (fewer if the file is shorter); returns the type and the rank.
    pub fn parse_magic(head: &[u8]) -> Result<(ElementType, usize), (u64, ErrorKind)> {
        if head.iter().take(2).any(|&b| b != 0) {
            let found = head.to_vec();
            return Err((0, ErrorKind::NotIdx { found }));
        }
        let &[_, _, code, rank] = head else {
            let (expected, found) = (MAGIC_LEN as u64, head.len() as u64);
            return Err((found, ErrorKind::Truncated { expected, found }));
        };
        let Some(element_type) = ElementType::from_code(code) else {
            return Err((2, ErrorKind::UnknownType { code }));
        };
        if rank == 0 {
            return Err((3, ErrorKind::RankOutOfBounds { rank: 0 }));
        }
        Ok((element_type, usize::from(rank)))
    }

    /// Reads the sizes: `4 * rank` bytes.
    pub fn parse_sizes(bytes: &[u8]) -> Vec<usize> {
        bytes.chunks_exact(4).map(|b| BigEndian::read_u32(b) as usize).collect()
    }

    /// A header to be written, or an error for invalid sizes.
    pub fn new(element_type: ElementType, sizes: &[usize]) -> Result<Self, ErrorKind> {
        if sizes.is_empty() || sizes.len() > usize::from(u8::MAX) {
            return Err(ErrorKind::RankOutOfBounds { rank: sizes.len() });
        }
        let sizes = sizes.to_vec();
        if sizes.iter().any(|&size| u32::try_from(size).is_err()) {
            let reason = "not writable: IDX keeps each size in 32 bits".to_owned();
            return Err(ErrorKind::SizeOutOfBounds { sizes, reason });
        }
        Ok(Header { element_type, sizes })
    }

    /// The header's own length in bytes.
    pub fn len(&self) -> usize {
        MAGIC_LEN + 4 * self.sizes.len()
    }

    /// The number of elements and of their bytes, if they fit into memory with the header.
    pub fn elements_and_bytes(&self) -> Result<(usize, usize), ErrorKind> {
        // With a size of 0 there is nothing to store, however large the others are.
        let elements = if self.sizes.contains(&0) {
            Some(0)
        } else {
            self.sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
        };
        let bytes = elements.and_then(|n| n.checked_mul(self.element_type.size()));
        let total = bytes.and_then(|n| n.checked_add(self.len()));
        match (elements, bytes, total) {
            // No allocation may be larger than `isize::MAX`.
            (Some(elements), Some(bytes), Some(total)) if isize::try_from(total).is_ok() => Ok((elements, bytes)),
            _ => Err(ErrorKind::SizeOutOfBounds {
                sizes: self.sizes.clone(),
                reason: "more than a computer's memory can address".to_owned(),
            }),
        }
    }

    /// The bytes of the header.
    pub fn encode(&self) -> Vec<u8> {
        // `new` has bounded the rank by 255 and each size by `u32::MAX`; parsing cannot give more.
        let mut bytes = vec![0, 0, self.element_type.code(), self.sizes.len() as u8];
        for &size in &self.sizes {
            bytes.extend((size as u32).to_be_bytes());
        }
        bytes
    }
}
