//! Encodes models as safetensors files.
//!
//! The safetensors crate reads these files but does not write them: it writes metadata in random order, and the same
//! model must give the same bytes. The format is short: the header's length in eight bytes; the header as JSON, padded
//! with spaces to a multiple of eight; the tensors.

use std::collections::BTreeMap;

use serde::Serialize;
use twolayer_core::{Float, Parameter};

use crate::error::ErrorKind;
use crate::format::{FORMAT, FORMAT_VERSIONS, INPUT_SCALE, MAX_HEADER, OPTION, RUN, shape_text, sizes};
use crate::model::{Model, check_finite};
use crate::precision::Precision;

/// The content of the model's file.
pub(crate) fn model<T: Float>(model: &Model<T>) -> Result<Vec<u8>, ErrorKind> {
    check_finite(&model.parameters)?;
    let precision = Precision::of::<T>();
    let header = header(model)?;
    let count = model.parameters.shape().parameters();
    let mut bytes = Vec::with_capacity(8 + header.len() + count * precision.size());
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    for parameter in Parameter::ALL {
        precision.encode(&model.parameters.get(parameter).to_vec(), &mut bytes);
    }
    model.run.values().for_each(|numbers| Precision::F64.encode(numbers, &mut bytes));
    Ok(bytes)
}

fn header<T: Float>(model: &Model<T>) -> Result<Vec<u8>, ErrorKind> {
    let (shape, precision) = (model.parameters.shape(), Precision::of::<T>());
    let mut header = format!(r#"{{"__metadata__":{}"#, metadata(model)?);
    let mut offset = 0;
    let mut tensor = |name: &str, precision: Precision, sizes: &[usize]| -> Result<(), ErrorKind> {
        let end = offset + sizes.iter().product::<usize>() * precision.size();
        let sizes: Vec<_> = sizes.iter().map(usize::to_string).collect();
        let (name, sizes) = (json(name)?, sizes.join(","));
        header += &format!(r#",{name}:{{"dtype":"{precision}","shape":[{sizes}],"data_offsets":[{offset},{end}]}}"#);
        offset = end;
        Ok(())
    };
    for parameter in Parameter::ALL {
        tensor(parameter.name(), precision, &sizes(parameter, shape))?;
    }
    for (name, numbers) in &model.run {
        tensor(&format!("{RUN}{name}"), Precision::F64, &[numbers.len()])?;
    }
    header += "}";
    let mut header = header.into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() > MAX_HEADER {
        let (found, limit) = (header.len(), MAX_HEADER);
        return Err(ErrorKind::OptionsTooLong { found, limit });
    }
    Ok(header)
}

/// The metadata as JSON, sorted by key.
fn metadata<T: Float>(model: &Model<T>) -> Result<String, ErrorKind> {
    let shape = shape_text(model.parameters.shape());
    let always =
        [("format", FORMAT), ("format_version", model.version()), ("input_scale", INPUT_SCALE), ("shape", &shape)];
    let second = model.version() != FORMAT_VERSIONS[0];
    let activation = second.then(|| ("activation", model.activation.name()));
    let entries = always.into_iter().chain(activation).map(|(key, value)| (key.to_owned(), value));
    let options = model.options.iter().map(|(name, value)| (format!("{OPTION}{name}"), value.as_str()));
    let entries: BTreeMap<String, &str> = entries.chain(options).collect();
    json(&entries)
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<String, ErrorKind> {
    serde_json::to_string(value).map_err(|error| ErrorKind::CorruptHeader { reason: error.to_string() })
}
