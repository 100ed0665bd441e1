//! The content of an IDX file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::element::{Data, Element, ElementType};
use crate::error::{Error, ErrorKind, Result, name_of};
use crate::header::Header;
use crate::input::Input;

/// Bytes read at a time if the data is packed or of another type than bytes; of files of known length, an eighth of it,
/// but at least a few pages. More than that is read around the buffer.
const BUFFER: usize = 256 << 10;
const LEAST_BUFFER: usize = 8 << 10;

/// An array: sizes, and as many elements as their product, in row-major order.
///
/// ```
/// use twolayer_idx::{Idx, Packing};
///
/// let labels = Idx::new(vec![5], vec![5u8, 0, 4, 1, 9])?;
/// let mut file = Vec::new();
/// labels.write_to("labels", &mut file, Packing::Gzip)?;
///
/// let read = Idx::from_slice("labels", &file)?;
/// assert_eq!(read.sizes(), [5]);
/// assert_eq!(read.data().as_slice::<u8>(), Some(&[5, 0, 4, 1, 9][..]));
/// # Ok::<(), twolayer_idx::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    sizes: Vec<usize>,
    data: Data,
}

impl Idx {
    /// An array of these sizes, outermost first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RankOutOfBounds`] unless there are 1 to 255 sizes (the format counts dimensions from 1, for a
    /// list, so a single number without dimensions is not IDX); [`ErrorKind::SizeOutOfBounds`] if a size is 2^32 or
    /// more; [`ErrorKind::SizesDoNotMatchData`] if the sizes' product is not the number of elements.
    pub fn new(sizes: Vec<usize>, data: impl Into<Data>) -> Result<Self> {
        let data = data.into();
        let whole = |kind| Error::whole("IDX data in memory", kind);
        let header = Header::new(data.element_type(), &sizes).map_err(whole)?;
        let (elements, _) = header.elements_and_bytes().map_err(whole)?;
        if elements != data.len() {
            let elements = data.len();
            return Err(whole(ErrorKind::SizesDoNotMatchData { sizes, elements }));
        }
        Ok(Idx { sizes, data })
    }

    /// Reads the file at `path`, raw or gzip, whatever its name.
    ///
    /// Anything that can be opened and read will do, pipes included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if it cannot be opened or read, and a separate [`ErrorKind`] for every fault of the format or
    /// the compression.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Unread::open(&name_of(path.as_ref()), path.as_ref())?.read()
    }

    /// The element type and sizes of the file at `path`, raw or gzip; reads the header only.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), for the header.
    pub fn peek(path: impl AsRef<Path>) -> Result<(ElementType, Vec<usize>)> {
        let Header { element_type, sizes } = Unread::open(&name_of(path.as_ref()), path.as_ref())?.header;
        Ok((element_type, sizes))
    }

    /// Reads the file at `path`, raw or gzip, into the caller's memory; returns the sizes, whose product is its length.
    /// If the file fails late, such as by a wrong checksum, the content of `elements` is unspecified.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); [`ErrorKind::OtherType`] and [`ErrorKind::OtherLength`] if the elements are not of type
    /// `T` or not `elements.len()` many; nothing is written then.
    pub fn load_into<T: Element>(path: impl AsRef<Path>, elements: &mut [T]) -> Result<Vec<usize>> {
        let name = name_of(path.as_ref());
        let Unread { mut input, header } = Unread::open(&name, path.as_ref())?;
        if header.element_type != T::TYPE {
            let (found, expected) = (header.element_type, T::TYPE);
            return Err(Error::whole(&name, ErrorKind::OtherType { found, expected }));
        }
        let (found, _) = input.volume(&header)?;
        if found != elements.len() {
            let (expected, sizes) = (elements.len(), header.sizes);
            return Err(Error::whole(&name, ErrorKind::OtherLength { found, sizes, expected }));
        }
        input.elements_into(&header, elements)?;
        input.end()?;
        Ok(header.sizes)
    }

    /// Reads the content of a file, raw or gzip, from memory. `name` is its name in errors.
    ///
    /// # Errors
    ///
    /// A separate [`ErrorKind`] for every fault of the format or the compression.
    pub fn from_slice(name: &str, bytes: &[u8]) -> Result<Self> {
        Unread::new(Input::new(name, bytes, Some(bytes.len() as u64))?)?.read()
    }

    /// Reads a file, raw or gzip, from a reader, which is read to its end. `name` is its name in errors. The reader
    /// need not be buffered; memory grows with the data actually read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the reader fails, and a separate [`ErrorKind`] for every fault of the format or the
    /// compression.
    pub fn from_reader(name: &str, reader: impl Read) -> Result<Self> {
        Unread::new(Input::new(name, BufReader::with_capacity(BUFFER, reader), None)?)?.read()
    }

    /// The sizes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The elements, in row-major order.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.data.element_type()
    }

    /// The sizes, and the elements.
    pub fn into_parts(self) -> (Vec<usize>, Data) {
        (self.sizes, self.data)
    }
}

/// A file of which the header has been read.
pub(crate) struct Unread<'a, R> {
    input: Input<'a, R>,
    header: Header,
}

impl<'a> Unread<'a, BufReader<File>> {
    pub fn open(name: &'a str, path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(name, "open", e))?;
        let length = length(name, &file)?;
        Unread::new(Input::new(name, buffered(file, length), length)?)
    }
}

impl<'a, R: BufRead> Unread<'a, R> {
    pub fn new(mut input: Input<'a, R>) -> Result<Self> {
        let header = input.header()?;
        Ok(Unread { input, header })
    }

    /// The sizes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.header.sizes
    }

    /// Reads the rest.
    pub fn read(self) -> Result<Idx> {
        let Unread { mut input, header } = self;
        let (elements, bytes) = input.volume(&header)?;
        let data = match header.element_type {
            ElementType::U8 => Data::U8(input.bytes(&header, bytes)?),
            ElementType::I8 => Data::I8(input.elements(&header, elements)?),
            ElementType::I16 => Data::I16(input.elements(&header, elements)?),
            ElementType::I32 => Data::I32(input.elements(&header, elements)?),
            ElementType::F32 => Data::F32(input.elements(&header, elements)?),
            ElementType::F64 => Data::F64(input.elements(&header, elements)?),
        };
        input.end()?;
        Ok(Idx { sizes: header.sizes, data })
    }
}

fn buffered(file: File, length: Option<u64>) -> BufReader<File> {
    let wanted = length.map_or(BUFFER, |length| usize::try_from(length / 8).unwrap_or(BUFFER));
    BufReader::with_capacity(wanted.clamp(LEAST_BUFFER, BUFFER), file)
}

/// The length of a regular file; unknown for anything else, such as a pipe.
fn length(name: &str, file: &File) -> Result<Option<u64>> {
    let metadata = file.metadata().map_err(|e| Error::io(name, "look at", e))?;
    Ok(metadata.is_file().then_some(metadata.len()))
}
