//! NumPy's `.npy` format: a header, which is a Python dictionary as text, and the data.

use std::io::{self, Read};

use crate::element_type::Type;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The alignment of the data in bytes.
const ALIGNMENT: usize = 64;

/// Enough bytes for what is before a header's text, in every version; also the least that the text has.
const LEAST: usize = 12;

/// The longest header that is read, in bytes; those of plain arrays take about a hundred.
const MAX_HEADER: usize = 1 << 16;

pub(crate) const AGAIN: &str = "save or copy the arrays again";

pub(crate) fn failed(error: io::Error) -> String {
    format!("cannot be unpacked: {error}; {AGAIN}")
}

/// What is said of an array before its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of its elements.
    pub kind: Type,
    /// Its sizes, outermost first; none for a single number.
    pub sizes: Vec<usize>,
    /// Whether the first index varies fastest.
    pub fortran_order: bool,
    pub(crate) big_endian: bool,
}

impl Header {
    /// The bytes of the elements, if `length` is what the header announces.
    pub(crate) fn check_length(&self, length: u64) -> Result<usize, String> {
        let Header { kind, sizes, .. } = self;
        let expected = sizes.iter().try_fold(kind.size(), |product, &n| product.checked_mul(n));
        expected.filter(|&bytes| bytes as u64 == length).ok_or_else(|| {
            format!("has {length} bytes of data, which do not match shape {sizes:?} and type {kind}; {AGAIN}")
        })
    }
}

/// The header of an array, little-endian, in C order, of version 1.0; the elements follow it.
pub fn header(kind: Type, sizes: &[usize]) -> Vec<u8> {
    let name = Type::NAMES.iter().find(|(this, ..)| *this == kind).map_or("", |(_, short, _)| short);
    let order = if kind.size() == 1 { "|" } else { "<" };
    header_of(&format!("{order}{name}"), sizes)
}

/// A text as an array without dimensions, like `numpy.array("...")`.
pub fn of_text(text: &str) -> Vec<u8> {
    let mut bytes = header_of(&format!("<U{}", text.chars().count()), &[]);
    bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
    bytes
}

/// The header, version 1.0, of an array with this NumPy type.
fn header_of(description: &str, sizes: &[usize]) -> Vec<u8> {
    let list: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let text = format!("{{'descr': '{description}', 'fortran_order': False, 'shape': ({}{comma}), }}", list.join(", "));
    let fixed = MAGIC.len() + 4;
    // The last byte of the padding is a line break.
    let length = (fixed + text.len() + 1).next_multiple_of(ALIGNMENT) - fixed;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.resize(fixed + length - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// Reads the header at the start of an array, and how many bytes it has. Errors complete "the array ...".
pub(crate) fn read(mut array: impl Read) -> Result<(Header, usize), String> {
    let mut bytes = Vec::new();
    let mut more = |count: usize, bytes: &mut Vec<u8>| {
        array.by_ref().take(count as u64).read_to_end(bytes).map(drop).map_err(failed)
    };
    more(LEAST, &mut bytes)?;
    let (fixed, text) = length(&bytes)?;
    more((fixed + text).saturating_sub(bytes.len()), &mut bytes)?;
    let ((name, fortran_order, sizes), length) = fields(&bytes)?;
    let (kind, big_endian) = number(name)?;
    Ok((Header { kind, sizes, fortran_order, big_endian }, length))
}

/// The text of an array without dimensions.
pub(crate) fn text(bytes: &[u8]) -> Result<String, String> {
    let ((name, _, sizes), length) = fields(bytes)?;
    let number = match name.get(..2) {
        Some("<U") => u32::from_le_bytes,
        Some(">U") => u32::from_be_bytes,
        _ => return Err(format!("has type {}; expected a string", short(name))),
    };
    let data = &bytes[length..];
    let characters = name[2..].parse::<usize>().ok().and_then(|n| n.checked_mul(4));
    if characters != Some(data.len()) || sizes.iter().any(|&n| n != 1) {
        return Err("must hold one string".into());
    }
    let text: Option<String> = data.as_chunks().0.iter().map(|c| char::from_u32(number(*c))).collect();
    // NumPy pads with zeros.
    Ok(text.ok_or("is not a valid string")?.trim_end_matches('\0').into())
}

/// The parsed header and its length.
fn fields(bytes: &[u8]) -> Result<(Fields<'_>, usize), String> {
    let (fixed, length) = length(bytes)?;
    let length = fixed + length;
    let text = bytes.get(fixed..length).ok_or("ends within its header")?;
    let text = std::str::from_utf8(text).map_err(|_| "has a header that is not UTF-8")?;
    let mut parser = Parser { rest: text };
    let fields = parser.dictionary().ok_or_else(|| format!("has an invalid header: {}", short(text)))??;
    Ok((fields, length))
}

/// The bytes before a header's text, and those of the text.
fn length(bytes: &[u8]) -> Result<(usize, usize), String> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err("is not a NumPy array".into()) };
    let (fixed, length) = match rest {
        &[1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([a, b]))),
        &[2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        &[1..=3, ..] | &[] => return Err("ends within its header".into()),
        &[version, ..] => return Err(format!("has format version {version}; expected 1 to 3")),
    };
    match length {
        // No type and shape can be told in less, and the shortest header is read at once.
        0..LEAST => Err("has an invalid header".into()),
        LEAST..=MAX_HEADER => Ok((fixed, length)),
        _ => Err(format!("has a header of {length} bytes; expected at most {MAX_HEADER}")),
    }
}

/// NumPy's name for the type, whether the order is Fortran's, and the sizes.
type Fields<'a> = (&'a str, bool, Vec<usize>);

/// Parses the part of Python that headers use.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// The dictionary's three entries in any order; `None` if malformed, an error for record types.
    fn dictionary(&mut self) -> Option<Result<Fields<'a>, String>> {
        let (mut kind, mut order, mut sizes) = (None, None, None);
        self.token("{")?;
        while self.token("}").is_none() {
            let key = self.string()?;
            self.token(":")?;
            match key {
                "descr" if self.peek("[") => return Some(Err("has records; expected numbers".into())),
                "descr" => kind = Some(self.string()?),
                "fortran_order" => order = Some(self.boolean()?),
                "shape" => sizes = Some(self.tuple()?),
                _ => return None,
            }
            if self.token(",").is_none() && !self.peek("}") {
                return None;
            }
        }
        self.rest.trim().is_empty().then_some(())?;
        Some(Ok((kind?, order?, sizes?)))
    }

    fn peek(&self, token: &str) -> bool {
        self.rest.trim_start().starts_with(token)
    }

    fn token(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = if self.peek("'") { "'" } else { "\"" };
        self.token(quote)?;
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.token("True") {
            Some(()) => Some(true),
            None => self.token("False").map(|()| false),
        }
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        let mut numbers = Vec::new();
        self.token("(")?;
        while self.token(")").is_none() {
            let text = self.rest.trim_start();
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            numbers.push(text[..digits].parse().ok()?);
            self.rest = &text[digits..];
            if self.token(",").is_none() && !self.peek(")") {
                return None;
            }
        }
        Some(numbers)
    }
}

/// The element type, and whether it is big-endian, from NumPy's name.
fn number(name: &str) -> Result<(Type, bool), String> {
    let kind = Type::NAMES.iter().find(|(_, short, _)| name.get(1..) == Some(short)).map(|&(kind, ..)| kind);
    match (kind, name.as_bytes().first()) {
        (Some(kind), Some(b'<')) => Ok((kind, false)),
        (Some(kind), Some(b'>')) => Ok((kind, true)),
        (Some(kind), Some(b'=' | b'|')) => Ok((kind, cfg!(target_endian = "big"))),
        _ => Err(format!("has type {}; expected numbers, such as float32 or uint8", short(name))),
    }
}

/// A text from a file, quoted and cut short.
fn short(text: &str) -> String {
    let cut: String = text.chars().take(40).collect();
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<Header, String> {
        let mut bytes = [MAGIC, &[1, 0]].concat();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        Ok(read(&bytes[..])?.0)
    }

    #[test]
    fn what_is_written_is_read_and_aligned() {
        for sizes in [&[784, 50][..], &[50], &[1], &[usize::MAX, usize::MAX]] {
            for (kind, ..) in Type::NAMES {
                let bytes = header(kind, sizes);
                assert_eq!((bytes.len() % ALIGNMENT, bytes.last()), (0, Some(&b'\n')));
                let expected = Header { kind, big_endian: false, fortran_order: false, sizes: sizes.to_vec() };
                // Whatever follows is left alone.
                assert_eq!(read(&[&bytes[..], b"12"].concat()[..]), Ok((expected, bytes.len())));
            }
        }
    }

    #[test]
    fn a_text_round_trips_and_other_arrays_are_errors() {
        let bytes = of_text("relu");
        assert_eq!(text(&bytes).as_deref(), Ok("relu"));
        let padded = [header_of(">U3", &[1]), b"\0\0\0h\0\0\0\xe9\0\0\0\0".to_vec()].concat();
        assert_eq!(text(&padded).as_deref(), Ok("hé"));
        let none = [header_of("<U1", &[]), vec![0xFF; 4]].concat();
        for wrong in
            [&bytes[..bytes.len() - 1], &none, &header_of("<U4", &[2]), &header(Type::F32, &[]), &header_of("<U", &[])]
        {
            assert!(text(wrong).unwrap_err().contains("string"), "{wrong:?}");
        }
    }

    #[test]
    fn headers_of_other_writers_are_read() {
        let header = with("{\"shape\":(3,4),\"descr\":\">f8\",\"fortran_order\":True}").unwrap();
        assert_eq!((header.kind, header.big_endian, header.fortran_order), (Type::F64, true, true));
        assert_eq!(header.sizes, [3, 4]);
        assert_eq!(with("{'descr': '<f2', 'fortran_order': False, 'shape': (), }  \n").unwrap().sizes, [0usize; 0]);
        let mut second = [MAGIC, &[2, 0, 60, 0, 0, 0]].concat();
        second.extend(format!("{:60}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}").bytes());
        assert_eq!(read(&second[..]).unwrap().1, 72);
    }

    #[test]
    fn each_fault_of_a_header_has_its_error() {
        for (text, word) in [
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", "'<c8'"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "'|O'"),
            ("{'descr': '', 'fortran_order': False, 'shape': (2,)}", "type"),
            ("{'descr': 'éf4', 'fortran_order': False, 'shape': (2,)}", "type"),
            ("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", "records"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "invalid"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + 1", "invalid"),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "invalid"),
            ("{'descr': '<f4', 'shape': (2,)}", "invalid"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "invalid"),
            ("{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", "invalid"),
            ("{", "invalid"),
            ("", "invalid"),
        ] {
            let message = with(text).unwrap_err().replace('"', "'");
            assert!(message.contains(word), "{text}: {message}");
        }
        assert!(read(&b"\x93NUMPY\x04\0"[..]).unwrap_err().contains("version 4"));
        assert!(read(&b"\x93NUMPY\x01\0\xff\0{"[..]).unwrap_err().contains("ends within"));
        assert!(read(&b"\x93NUMPY\x02\0\xff\xff\xff\xff{"[..]).unwrap_err().contains("at most"));
        assert!(read(&b"\x93NUMP"[..]).unwrap_err().contains("not a NumPy array"));
    }
}
