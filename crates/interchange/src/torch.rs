//! PyTorch's linear layers in a safetensors file.
//!
//! They are recognised by their tensors' sizes, not by their names, which wrappers, compilers and every author choose.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use twolayer_model::AnyModel;

use crate::error::{Error, Result, names, short};
use crate::tensor::{Layout, Tensor, Type, network};

/// The names of this project's own model files.
const OWN: [&str; 4] = ["W1", "b1", "W2", "b2"];

const SAVE: &str = "save it without the others, or, if two of its layers are the network, name them with --layers A,B";

/// A weight of two dimensions and the bias that belongs to it.
struct Layer {
    /// What their names have in common.
    name: String,
    weight: String,
    bias: String,
    inputs: usize,
    outputs: usize,
}

/// Reads the network of the only two linear layers, or of the two that `layers` names.
pub(crate) fn read(file: &str, bytes: &[u8], layers: Option<[&str; 2]>) -> Result<AnyModel> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| Error::new(file, format_args!("damaged safetensors file: {error}; save or copy it again")))?;
    let mut found: Vec<(String, TensorView<'_>)> = tensors.tensors();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    if OWN.iter().all(|own| found.iter().any(|(name, _)| name == own)) {
        return Err(Error::new(file, "this is already a model of twolayer; give it to the other commands"));
    }
    let all = linear_layers(&found);
    let [first, second] = match layers {
        Some(asked) => named(file, &all, asked)?,
        None => only_two(file, &all, &found)?,
    };
    if first.bias == second.bias {
        let bias = short(&first.bias);
        return Err(Error::new(file, format_args!("one bias, {bias}, for two layers; expected one for each")));
    }
    let tensor = |name: &String| {
        let at = found.iter().position(|(other, _)| other == name).unwrap_or_default();
        tensor(file, &found[at].0, &found[at].1)
    };
    let four = [&first.weight, &first.bias, &second.weight, &second.bias].map(tensor);
    let [w1, b1, w2, b2] = four;
    network(file, &[w1?, b1?, w2?, b2?])
}

/// Each matrix with the vector of the same name but for "weight" and "bias", or the only one of its size.
fn linear_layers(found: &[(String, TensorView<'_>)]) -> Vec<Layer> {
    let of_rank = |rank| found.iter().filter(move |(_, view)| view.shape().len() == rank);
    let bias_of = |weight: &str, outputs: usize| {
        let named = of_rank(1).find(|(name, _)| name != weight && stem(name) == stem(weight));
        let mut sized = of_rank(1).filter(|(name, view)| {
            view.shape() == [outputs] && !of_rank(2).any(|(other, _)| stem(other) == stem(name))
        });
        let only = sized.next().filter(|_| sized.next().is_none());
        named.or(only).map(|(name, _)| name.clone())
    };
    let layer = |(weight, view): &(String, TensorView<'_>)| {
        let (outputs, inputs) = (view.shape()[0], view.shape()[1]);
        let bias = bias_of(weight, outputs)?;
        let name = stem(weight).trim_matches(['.', '_']).to_owned();
        Some(Layer { name, weight: weight.clone(), bias, inputs, outputs })
    };
    of_rank(2).filter_map(layer).collect()
}

/// A tensor's name without the words that tell a layer's weight and bias apart.
fn stem(name: &str) -> String {
    name.replace("weight", "").replace("bias", "")
}

/// The two layers that the caller names.
fn named<'a>(file: &str, all: &'a [Layer], asked: [&str; 2]) -> Result<[&'a Layer; 2]> {
    let find = |asked: &str| {
        all.iter().find(|layer| layer.name == asked).ok_or_else(|| {
            let known = names(all.iter().map(|layer| layer.name.as_str()));
            Error::new(file, format_args!("no linear layer {}; the file has {known}", short(asked)))
        })
    };
    Ok([find(asked[0])?, find(asked[1])?])
}

/// The only two layers of a file that has nothing else, in order.
fn only_two<'a>(file: &str, all: &'a [Layer], found: &[(String, TensorView<'_>)]) -> Result<[&'a Layer; 2]> {
    let [one, other] = all else {
        let have = names_and_sizes(found.iter());
        return Err(Error::new(
            file,
            format_args!(
                "not a two-layer network: expected two linear layers, with a weight [outputs, inputs] and a bias \
                 [outputs] each, but the file has {have}; {SAVE}"
            ),
        ));
    };
    let is_known = |name: &String| [one, other].iter().any(|layer| *name == layer.weight || *name == layer.bias);
    let mut extra = found.iter().filter(|(name, _)| !is_known(name)).peekable();
    if extra.peek().is_some() {
        let both = names([one.name.as_str(), other.name.as_str()]);
        let extra = names_and_sizes(extra);
        return Err(Error::new(
            file,
            format_args!("not a two-layer network: besides the layers {both} the file has {extra}; {SAVE}"),
        ));
    }
    let follows = |first: &Layer, second: &Layer| first.outputs == second.inputs;
    let numbered = by_number(&one.name, &other.name);
    match (follows(one, other), follows(other, one)) {
        (true, false) => Ok([one, other]),
        (false, true) => Ok([other, one]),
        // Neither fits: the error of the sizes is told in the order of the names.
        (false, false) => Ok(if numbered == Some(false) { [other, one] } else { [one, other] }),
        (true, true) => match numbered {
            Some(true) => Ok([one, other]),
            Some(false) => Ok([other, one]),
            None => Err(Error::new(
                file,
                format_args!(
                    "its layers {} fit each other in either order; name the first and the second with --layers {},{} \
                     or --layers {},{}",
                    names([one.name.as_str(), other.name.as_str()]),
                    one.name,
                    other.name,
                    other.name,
                    one.name
                ),
            )),
        },
    }
}

/// Whether the first name has the smaller number, if the names differ in one number alone, as in fc2 and fc10.
fn by_number(one: &str, other: &str) -> Option<bool> {
    let is_digit = |c: char| c.is_ascii_digit();
    let common: usize = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    // Back to where the number begins.
    let start = one[..common].trim_end_matches(is_digit).len();
    let parts = |name: &str| {
        let rest = name.get(start..)?;
        let end = rest.trim_start_matches(is_digit);
        Some((rest[..rest.len() - end.len()].parse::<u64>().ok()?, end.to_owned()))
    };
    let ((a, rest_of_one), (b, rest_of_other)) = (parts(one)?, parts(other)?);
    (rest_of_one == rest_of_other).then_some(a < b)
}

/// `"fc1.bias" [3], "fc1.weight" [3, 2]`; of very many, the first eight.
fn names_and_sizes<'a, 'b: 'a>(tensors: impl Iterator<Item = &'a (String, TensorView<'b>)>) -> String {
    let mut all: Vec<String> = tensors.map(|(name, view)| format!("{} {:?}", short(name), view.shape())).collect();
    if all.len() > 8 {
        let more = all.len() - 8;
        all.truncate(8);
        all.push(format!("{more} more"));
    }
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

fn tensor<'a>(file: &str, name: &'a str, view: &'a TensorView<'a>) -> Result<Tensor<'a>> {
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
    let (sizes, layout) = (view.shape().to_vec(), Layout::Torch);
    Ok(Tensor { name, sizes, kind, bytes: view.data(), columns_first: false, layout })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_give_an_order() {
        for (one, other, expected) in [
            ("fc1", "fc2", Some(true)),
            ("fc10", "fc2", Some(false)),
            ("module.2", "module.10", Some(true)),
            ("net.0.linear", "net.2.linear", Some(true)),
            ("layer19", "layer11", Some(false)),
            ("encoder", "decoder", None),
            ("a1", "b2", None),
            ("fc", "fc2", None),
            ("é1", "é2", Some(true)),
            ("é1", "è2", None),
        ] {
            assert_eq!(by_number(one, other), expected, "{one} {other}");
        }
    }
}
