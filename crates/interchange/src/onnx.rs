//! ONNX: a graph of operators that ONNX Runtime and others run.

mod message;

use prost::Message;
use twolayer_core::{Activation, Float, Parameter};
use twolayer_model::{INPUT_SCALE, Model};

use crate::error::{Error, Result};
use crate::tensor::{bytes, sizes};
use message as proto;

/// The name of the graph's input.
pub const INPUT: &str = "pixels";

/// The name of the graph's output.
pub const OUTPUT: &str = "probabilities";

/// The version of the file format: that of 2021, which runtimes since then read.
const IR_VERSION: i64 = 8;

/// The version of the operators, of the same year.
const OPSET: i64 = 13;

/// The size limit of protocol buffers.
const MAX_BYTES: usize = i32::MAX as usize;

/// The network as an ONNX model: `pixels`, N × inputs from 0 to 1, to `probabilities`, N × classes, in the network's own
/// precision. The same model gives the same bytes.
///
/// # Errors
///
/// If it would take 2 GiB or more.
pub fn write<T: Float>(model: &Model<T>) -> Result<Vec<u8>> {
    let size = model.parameters.shape().parameters().saturating_mul(size_of::<T>());
    let message = if size < MAX_BYTES { Some(network(model)) } else { None };
    match message.filter(|message| message.encoded_len() <= MAX_BYTES) {
        Some(message) => Ok(message.encode_to_vec()),
        None => Err(Error::new(
            "ONNX model in memory",
            format_args!("its weights take {size} bytes, but an ONNX file is limited to 2 GiB; export it as npz"),
        )),
    }
}

fn network<T: Float>(model: &Model<T>) -> proto::Model {
    let activation = model.activation;
    let shape = model.parameters.shape();
    let node = |op: &str, input: &[&str], output: &str| proto::Node {
        input: input.iter().map(ToString::to_string).collect(),
        output: vec![output.to_owned()],
        name: output.to_owned(),
        op_type: op.to_owned(),
        attribute: Vec::new(),
    };
    let (op, hidden) = match activation {
        Activation::Sigmoid => ("Sigmoid", "hidden"),
        Activation::Relu => ("Relu", "hidden"),
    };
    let mut softmax = node("Softmax", &["logits"], OUTPUT);
    softmax.attribute.push(proto::Attribute { name: "axis".into(), i: 1, r#type: proto::ATTRIBUTE_INT });
    let value = |name: &str, columns: usize, doc: &str| proto::Value {
        name: name.to_owned(),
        r#type: Some(proto::TypeProto { tensor_type: Some(proto::TensorType::of(kind::<T>(), columns as i64)) }),
        doc_string: doc.to_owned(),
    };
    let scale = format!("pixels from 0 (paper) to 255 (ink), multiplied by {INPUT_SCALE}, row by row");
    let graph = proto::Graph {
        node: vec![
            node("Gemm", &[INPUT, "W1", "b1"], "sums"),
            node(op, &["sums"], hidden),
            node("Gemm", &[hidden, "W2", "b2"], "logits"),
            softmax,
        ],
        name: "twolayer".into(),
        initializer: Parameter::ALL.into_iter().map(|parameter| tensor(model, parameter)).collect(),
        doc_string: String::new(),
        input: vec![value(INPUT, shape.inputs(), &scale)],
        output: vec![value(OUTPUT, shape.classes(), "of each class, adding up to 1")],
    };
    let fixed = [("activation", activation.name()), ("input_scale", INPUT_SCALE)];
    let entry = |key: &str, value: &str| proto::Entry { key: key.to_owned(), value: value.to_owned() };
    let options = model.options.iter().map(|(key, value)| entry(&format!("train.{key}"), value));
    proto::Model {
        ir_version: IR_VERSION,
        producer_name: "twolayer".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!("A two-layer network on digits. Input: {scale}. Output: the probabilities of the classes."),
        graph: Some(graph),
        opset_import: vec![proto::OperatorSet { version: OPSET }],
        metadata_props: fixed.map(|(key, value)| entry(key, value)).into_iter().chain(options).collect(),
    }
}

fn tensor<T: Float>(model: &Model<T>, parameter: Parameter) -> proto::TensorProto {
    proto::TensorProto {
        dims: sizes(&model.parameters, parameter).into_iter().map(|n| n as i64).collect(),
        data_type: kind::<T>(),
        name: parameter.name().to_owned(),
        raw_data: bytes(&model.parameters, parameter),
    }
}

/// ONNX's number for the type.
fn kind<T: Float>() -> i32 {
    match size_of::<T>() {
        4 => proto::FLOAT,
        _ => proto::DOUBLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twolayer_core::{Init, Parameters, Shape};

    #[test]
    fn what_is_written_is_decoded_with_the_weights_and_the_metadata() {
        let mut draw = 0.0;
        let shape = Shape::new(3, 2, 4).unwrap();
        let mut model = Model::new(Parameters::<f64>::normal(shape, Init::Normal(1.0), || {
            draw += 1.0;
            draw
        }));
        model.options.insert("seed".into(), "7".into());
        model.activation = Activation::Relu;
        let bytes = write(&model).unwrap();
        let read = proto::Model::decode(bytes.as_slice()).unwrap();
        assert_eq!(read, network(&model));
        let graph = read.graph.unwrap();
        let ops: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(ops, ["Gemm", "Relu", "Gemm", "Softmax"]);
        assert_eq!((&graph.initializer[0].dims[..], graph.initializer[0].data_type), (&[3, 2][..], 11));
        assert_eq!(graph.initializer[0].raw_data[8..16], 2f64.to_le_bytes());
        assert!(read.metadata_props.iter().any(|entry| entry.key == "train.seed" && entry.value == "7"));
    }
}
