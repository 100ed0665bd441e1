//! NumPy's `.npz`: a ZIP archive with a `.npy` file for each array.

use std::io::Cursor;

use twolayer_core::{Activation, Float, Parameter, Parameters};
use twolayer_model::AnyModel;
use twolayer_numpy::{self as numpy, Archive};

use crate::error::{Error, Result, names, short};
use crate::tensor::{Layout, Tensor, Type, check, network};
use crate::tensor::{bytes, sizes};

/// The array that names the activation, if it is not sigmoid.
const ACTIVATION: &str = "activation";

/// The network's arrays W1, b1, W2 and b2, in its own precision, for `numpy.load`; and, unless the activation is
/// sigmoid, the text `activation`. The same network gives the same bytes.
///
/// # Errors
///
/// If there are too many parameters for an archive.
pub fn write<T: Float>(parameters: &Parameters<T>, activation: Activation) -> Result<Vec<u8>> {
    let kind = if size_of::<T>() == 4 { numpy::Type::F32 } else { numpy::Type::F64 };
    let numbers = |parameter: Parameter| {
        let header = numpy::header(kind, &sizes(parameters, parameter));
        (parameter.name(), [header, bytes(parameters, parameter)].concat())
    };
    let told = (activation != Activation::default()).then(|| (ACTIVATION, numpy::of_text(activation.name())));
    let arrays: Vec<_> = Parameter::ALL.into_iter().map(numbers).chain(told).collect();
    numpy::write(&arrays).map_err(|error| Error::new("npz in memory", error))
}

/// Reads the network's four arrays and the activation, and whether that is present; if not, it is sigmoid.
pub(crate) fn read(file: &str, content: &[u8]) -> Result<(AnyModel, bool)> {
    let mut archive = Archive::new(Cursor::new(content)).map_err(|error| Error::new(file, error))?;
    let files = archive.files().map_err(|error| Error::new(file, error))?;
    check_names(file, &files)?;
    let wrong = |name: &str, what: String| Error::new(file, format_args!("array {name} {what}"));
    let mut headers = Vec::with_capacity(4);
    for parameter in Parameter::ALL {
        let header = archive.header(parameter.name()).and_then(|header| Ok((float(header.kind)?, header)));
        headers.push(header.map_err(|what| wrong(parameter.name(), what))?);
    }
    let mut tensors = std::array::from_fn(|i| {
        let (kind, header) = &headers[i];
        Tensor {
            name: Parameter::ALL[i].name(),
            sizes: header.sizes.clone(),
            kind: *kind,
            bytes: &[],
            columns_first: header.fortran_order,
            layout: Layout::Notebook,
        }
    });
    find_transposed(file, &mut tensors)?;
    // Before anything large is unpacked.
    check(file, &tensors)?;
    let mut arrays = Vec::with_capacity(4);
    for parameter in Parameter::ALL {
        arrays.push(archive.array(parameter.name()).map_err(|what| wrong(parameter.name(), what))?);
    }
    tensors.iter_mut().zip(&arrays).for_each(|(tensor, array)| tensor.bytes = &array.bytes);
    let mut model = network(file, &tensors)?;
    let named = files.contains(&file_of(ACTIVATION));
    if named {
        let activation = archive.text(ACTIVATION).and_then(activation).map_err(|what| wrong(ACTIVATION, what))?;
        match &mut model {
            AnyModel::F32(model) => model.activation = activation,
            AnyModel::F64(model) => model.activation = activation,
        }
    }
    Ok((model, named))
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

fn file_of(array: &str) -> String {
    format!("{array}.npy")
}

fn activation(name: String) -> Result<Activation, String> {
    let known = [Activation::Sigmoid, Activation::Relu].into_iter().find(|activation| activation.name() == name);
    known.ok_or_else(|| format!("is {}; expected sigmoid or relu", short(&name)))
}

/// The element type of weights.
fn float(kind: numpy::Type) -> Result<Type, String> {
    match kind {
        numpy::Type::F16 => Ok(Type::F16),
        numpy::Type::F32 => Ok(Type::F32),
        numpy::Type::F64 => Ok(Type::F64),
        other => Err(format!("has type {other}; expected float32 or float64")),
    }
}

/// Checks that the four arrays are present and no others except the activation: a third layer must not be ignored.
fn check_names(file: &str, found: &[String]) -> Result<()> {
    if found.iter().any(|name| name.ends_with("data.pkl")) {
        return Err(Error::new(
            file,
            "this is PyTorch's own format, a pickle, which can run any code when loaded, so it is not read; save the \
             state_dict with safetensors.torch.save_file",
        ));
    }
    let arrays = || found.iter().map(|name| name.strip_suffix(".npy").unwrap_or(name));
    if let Some(missing) = Parameter::ALL.into_iter().find(|&p| !found.iter().any(|name| *name == file_of(p.name()))) {
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
    if found.len() > 4 + usize::from(found.contains(&file_of(ACTIVATION))) {
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
