//! NumPy's `.npz`: a ZIP archive with a `.npy` file for each array.

use std::borrow::Cow;
use std::io::{Cursor, Read, Write};

use twolayer_core::{Activation, Float, Parameter, Parameters};
use twolayer_model::AnyModel;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::error::{Error, Result, names, short};
use crate::npy::{self, Header};
use crate::tensor::{Layout, Tensor, network};
use crate::tensor::{bytes, sizes};

/// The most bytes that a byte of deflate unpacks to: a match of 258 bytes takes at least two bits.
const MAX_RATIO: u64 = 1032;

/// The array that names the activation, if it is not sigmoid.
const ACTIVATION: &str = "activation.npy";

/// The network's arrays W1, b1, W2 and b2, in its own precision, for `numpy.load`; and, unless the activation is
/// sigmoid, the text `activation`. The same network gives the same bytes.
///
/// # Errors
///
/// If there are too many parameters for an archive.
pub fn write<T: Float>(parameters: &Parameters<T>, activation: Activation) -> Result<Vec<u8>> {
    let numbers = |parameter| {
        let mut array = npy::header(size_of::<T>(), &sizes(parameters, parameter));
        array.extend(bytes(parameters, parameter));
        (file_of(parameter), array)
    };
    let told = (activation != Activation::default()).then(|| (ACTIVATION.into(), npy::of_text(activation.name())));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in Parameter::ALL.into_iter().map(numbers).chain(told) {
        // Stored, like numpy.savez: weights hardly compress. Without time stamps, which would differ.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(u32::try_from(array.len()).is_err());
        archive
            .start_file(name, options)
            .map_err(Into::into)
            .and_then(|()| archive.write_all(&array))
            .map_err(|error| Error::new("npz in memory", error))?;
    }
    match archive.finish() {
        Ok(cursor) => Ok(cursor.into_inner()),
        Err(error) => Err(Error::new("npz in memory", error)),
    }
}

fn file_of(parameter: Parameter) -> String {
    format!("{}.npy", parameter.name())
}

/// Reads the network's four arrays and the activation, and whether that is present; if not, it is sigmoid.
pub(crate) fn read(file: &str, content: &[u8]) -> Result<(AnyModel, bool)> {
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|error| damaged(file, &error))?;
    check_names(file, &archive)?;
    let mut arrays = Vec::with_capacity(4);
    for parameter in Parameter::ALL {
        let entry = archive.by_name(&file_of(parameter)).map_err(|error| damaged(file, &error))?;
        let array = unpacked(entry, content.len() as u64).and_then(numbers);
        arrays.push(array.map_err(|what| Error::new(file, format_args!("array {} {what}", parameter.name())))?);
    }
    let tensor = |i: usize| {
        let (header, bytes): &(Header, Vec<u8>) = &arrays[i];
        Tensor {
            name: Parameter::ALL[i].name(),
            sizes: header.sizes.clone(),
            kind: header.kind,
            bytes,
            columns_first: header.fortran_order,
            layout: Layout::Notebook,
        }
    };
    let mut tensors = std::array::from_fn(tensor);
    find_transposed(file, &mut tensors)?;
    let mut model = network(file, &tensors)?;
    let named = archive.index_for_name(ACTIVATION);
    if let Some(i) = named {
        let entry = archive.by_index(i).map_err(|error| damaged(file, &error))?;
        let activation = unpacked(entry, content.len() as u64).and_then(activation);
        let activation = activation.map_err(|what| Error::new(file, format_args!("array activation {what}")))?;
        match &mut model {
            AnyModel::F32(model) => model.activation = activation,
            AnyModel::F64(model) => model.activation = activation,
        }
    }
    Ok((model, named.is_some()))
}

/// Recognises transposed weights, outputs × inputs, by the lengths of the biases.
///
/// # Errors
///
/// If one weight is transposed and the other, square, may be.
fn find_transposed(file: &str, [w1, b1, w2, b2]: &mut [Tensor<'_>; 4]) -> Result<()> {
    let [hidden, classes] = [b1, b2].map(|bias| bias.sizes.iter().product::<usize>());
    let fits = |rows: Option<usize>, columns: usize, sizes: &[usize]| match *sizes {
        [a, b] => {
            (rows.is_none_or(|rows| rows == a) && columns == b, columns == a && rows.is_none_or(|rows| rows == b))
        }
        _ => (false, false),
    };
    let first = fits(None, hidden, &w1.sizes);
    let second = fits(Some(hidden), classes, &w2.sizes);
    if first.0 && second.0 {
        return Ok(());
    }
    for (weight, fits, other) in [(w1, first, second), (w2, second, first)] {
        match fits {
            (false, true) => weight.layout = Layout::Torch,
            (true, true) if other == (false, true) => {
                return Err(Error::new(
                    file,
                    format_args!(
                        "array {} is square, {:?}, and the other weight is transposed, so that this one may be too; \
                         save both as inputs x outputs, with .T",
                        weight.name, weight.sizes
                    ),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn activation(array: Vec<u8>) -> Result<Activation, String> {
    let name = npy::text(&array)?;
    let known = [Activation::Sigmoid, Activation::Relu].into_iter().find(|activation| activation.name() == name);
    known.ok_or_else(|| format!("is {}; expected sigmoid or relu", short(&name)))
}

fn damaged(file: &str, error: &ZipError) -> Error {
    Error::new(file, format_args!("damaged ZIP archive: {error}; save or copy the arrays again"))
}

/// Checks that the four arrays are present and no others except the activation: a third layer must not be ignored.
fn check_names(file: &str, archive: &ZipArchive<Cursor<&[u8]>>) -> Result<()> {
    let found: Vec<Cow<'_, str>> =
        archive.file_names().collect::<Result<_, _>>().map_err(|error| damaged(file, &error))?;
    if found.iter().any(|name| name.ends_with("data.pkl")) {
        return Err(Error::new(
            file,
            "this is PyTorch's own format, a pickle, which can run any code when loaded, so it is not read; save the \
             state_dict with safetensors.torch.save_file",
        ));
    }
    let arrays = || found.iter().map(|name| name.strip_suffix(".npy").unwrap_or(name));
    if let Some(missing) = Parameter::ALL.into_iter().find(|&p| !found.iter().any(|name| **name == file_of(p))) {
        return Err(Error::new(
            file,
            format_args!(
                "no array {}: a two-layer network has W1, b1, W2 and b2, but the file has {}; save them with \
                 numpy.savez(FILE, W1=..., b1=..., W2=..., b2=...)",
                missing.name(),
                names(arrays())
            ),
        ));
    }
    if found.len() > 4 + usize::from(found.iter().any(|name| name == ACTIVATION)) {
        let known = |name: &str| name == "activation" || Parameter::ALL.iter().any(|p| p.name() == name);
        let extra = arrays().filter(|name| !known(name));
        return Err(Error::new(
            file,
            format_args!(
                "not a two-layer network: besides W1, b1, W2 and b2 the file has {}; save it without them",
                names(extra)
            ),
        ));
    }
    Ok(())
}

const AGAIN: &str = "save or copy the arrays again";

/// The bytes of an array; `packed` bounds its size in the file. Errors complete "the array ...".
fn unpacked(mut entry: ZipFile<'_, impl Read>, packed: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be unpacked: {error}; {AGAIN}");
    let size = entry.size();
    if size / MAX_RATIO > entry.compressed_size().min(packed) {
        return Err(format!(
            "is damaged: {} compressed bytes cannot unpack to {size}; {AGAIN}",
            entry.compressed_size()
        ));
    }
    let mut bytes = Vec::new();
    entry.by_ref().take(size).read_to_end(&mut bytes).map_err(failed)?;
    // Reading to the end verifies the checksum.
    match entry.read(&mut [0]).map_err(failed)? {
        0 => Ok(bytes),
        _ => Err(format!("is longer than the archive says; {AGAIN}")),
    }
}

/// An array's header and its data in little-endian order.
fn numbers(mut bytes: Vec<u8>) -> Result<(Header, Vec<u8>), String> {
    let header = npy::parse(&bytes)?;
    let (found, expected) = (bytes.len() - header.length, header.data());
    if expected != Some(found) {
        return Err(format!(
            "has {found} bytes of data, which do not match shape {:?} and type {:?}; {AGAIN}",
            header.sizes, header.kind
        ));
    }
    bytes.drain(..header.length);
    if header.big_endian {
        bytes.chunks_exact_mut(header.kind.size()).for_each(<[u8]>::reverse);
    }
    Ok((header, bytes))
}
