//! An array in memory.

use std::io::Read;

use crate::element_type::Type;
use crate::npy::{AGAIN, Header, failed};

/// An array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The type of its elements.
    pub kind: Type,
    /// Its sizes, outermost first; none for a single number.
    pub sizes: Vec<usize>,
    /// Whether the first index varies fastest.
    pub fortran_order: bool,
    /// The elements, little-endian; as many as the product of the sizes.
    pub bytes: Vec<u8>,
}

impl Array {
    /// Reads the `length` bytes of the elements that follow a header.
    pub(crate) fn read(header: Header, length: u64, elements: impl Read) -> Result<Array, String> {
        let expected = header.check_length(length)?;
        let Header { kind, big_endian, fortran_order, sizes } = header;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(expected).map_err(|_| {
            format!("needs {} MB of memory, which the system refuses; end other programs", expected.div_ceil(1_000_000))
        })?;
        elements.take(length).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() != expected {
            return Err(format!("ends after {} of {expected} bytes of data; {AGAIN}", bytes.len()));
        }
        if big_endian {
            bytes.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
        }
        Ok(Array { kind, sizes, fortran_order, bytes })
    }

    /// The same array with the last index varying fastest.
    #[must_use]
    pub fn in_c_order(self) -> Array {
        if !self.fortran_order || self.sizes.len() < 2 {
            return Array { fortran_order: false, ..self };
        }
        let size = self.kind.size();
        let mut strides = vec![size; self.sizes.len()];
        (1..strides.len()).for_each(|d| strides[d] = strides[d - 1] * self.sizes[d - 1]);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let (mut index, mut from) = (vec![0; self.sizes.len()], 0);
        while bytes.len() < self.bytes.len() {
            bytes.extend_from_slice(&self.bytes[from..][..size]);
            for d in (0..index.len()).rev() {
                index[d] += 1;
                from += strides[d];
                if index[d] < self.sizes[d] {
                    break;
                }
                from -= strides[d] * index[d];
                index[d] = 0;
            }
        }
        Array { fortran_order: false, bytes, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{header, npy};

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        let bytes = [0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23];
        let array = Array { kind: Type::U8, sizes: vec![2, 3, 4], fortran_order: true, bytes: bytes.to_vec() };
        assert_eq!(array.in_c_order().bytes, (0..24).collect::<Vec<u8>>());
        let wide =
            Array { kind: Type::I16, sizes: vec![2, 2], fortran_order: true, bytes: vec![1, 0, 3, 0, 2, 0, 4, 0] };
        assert_eq!(wide.in_c_order().bytes, [1, 0, 2, 0, 3, 0, 4, 0]);
    }

    #[test]
    fn data_must_match_the_header() {
        let read = |file: Vec<u8>| {
            let (header, length) = npy::read(&file[..])?;
            Array::read(header, (file.len() - length) as u64, &file[length..])
        };
        let array = |sizes: &[usize], data: &[u8]| read([&header(Type::U16, sizes), data].concat());
        assert_eq!(array(&[2], &[1, 0, 2, 1]).unwrap().bytes, [1, 0, 2, 1]);
        for (sizes, data) in [(&[2][..], &[1, 0, 2][..]), (&[3], &[1, 0, 2, 1]), (&[usize::MAX, 2], &[])] {
            assert!(array(sizes, data).unwrap_err().contains("do not match shape"));
        }
        let mut big = header(Type::U16, &[1]);
        let at = big.windows(3).position(|w| w == b"<u2").unwrap();
        big[at] = b'>';
        assert_eq!(read([big, vec![1, 2]].concat()).unwrap().bytes, [2, 1]);
    }
}
