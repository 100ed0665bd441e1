//! PyTorch's linear layers in a safetensors file.

use safetensors::{Dtype, SafeTensors};
use twolayer_model::AnyModel;

use crate::error::{Error, Result, names};
use crate::tensor::{Layout, Tensor, Type, network};

/// Names of the four tensors: as attributes of a module, or in an `nn.Sequential`.
const NAMES: [[&str; 4]; 2] =
    [["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], ["0.weight", "0.bias", "2.weight", "2.bias"]];

/// The names of this project's own model files.
const OWN: [&str; 4] = ["W1", "b1", "W2", "b2"];

/// Reads the network's four tensors.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<AnyModel> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| Error::new(file, format_args!("damaged safetensors file: {error}; save or copy it again")))?;
    let found = tensors.names();
    if OWN.iter().all(|name| found.contains(name)) {
        return Err(Error::new(file, "this is already a model of twolayer; give it to the other commands"));
    }
    // The set of names with the most matches, so that a missing tensor is reported by its likely name.
    let present = |set: &&[&str; 4]| set.iter().filter(|name| found.contains(name)).count();
    let [named, placed] = &NAMES;
    let set = if present(&placed) > present(&named) { placed } else { named };
    if let Some(missing) = set.iter().find(|name| !found.contains(name)) {
        return Err(Error::new(
            file,
            format_args!(
                "no tensor {missing}: a two-layer network has {}, but the file has {}; rename the layers to fc1 and fc2",
                set.join(", "),
                names(found)
            ),
        ));
    }
    if found.len() > 4 {
        let extra = found.into_iter().filter(|name| !set.contains(name));
        return Err(Error::new(
            file,
            format_args!(
                "not a two-layer network: besides {} the file has {}; save it without them",
                set.join(", "),
                names(extra)
            ),
        ));
    }
    let mut read = Vec::with_capacity(4);
    for &name in set {
        read.push(tensor(file, &tensors, name)?);
    }
    match <[Tensor<'_>; 4]>::try_from(read) {
        Ok(four) => network(file, &four, Layout::Torch),
        Err(_) => unreachable!("a tensor for each of four names"),
    }
}

fn tensor<'a>(file: &str, tensors: &SafeTensors<'a>, name: &'static str) -> Result<Tensor<'a>> {
    let view = tensors
        .tensor(name)
        .map_err(|error| Error::new(file, format_args!("tensor {name}: {error}; save it again")))?;
    let kind = match view.dtype() {
        Dtype::F16 => Type::F16,
        Dtype::BF16 => Type::Bf16,
        Dtype::F32 => Type::F32,
        Dtype::F64 => Type::F64,
        other => {
            return Err(Error::new(
                file,
                format_args!(
                    "tensor {name} has type {other}; expected F16, BF16, F32 or F64; convert it with .float()"
                ),
            ));
        }
    };
    Ok(Tensor { name, sizes: view.shape().to_vec(), kind, bytes: view.data(), columns_first: false })
}
