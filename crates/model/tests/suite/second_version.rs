//! The second version of the format: activations other than the sigmoid, and the state to resume a run from.

use twolayer_core::Activation;
use twolayer_model::{AnyModel, ErrorKind};

use crate::fixtures::{assert_told, bits, model};

#[test]
fn activation_and_state_round_trip_and_a_plain_model_stays_in_version_1() {
    let mut plain = model::<f32>(5, 3, 2);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first = text(&plain.to_bytes().unwrap());
    assert!(first.contains(r#""format_version":"1""#) && !first.contains("activation"), "{first}");
    plain.run.insert("empty".into(), vec![]);
    plain.run.insert("losses \"so far\"".into(), vec![2.5, f64::NAN, f64::INFINITY, -0.0]);
    for activation in Activation::ALL {
        plain.activation = activation;
        let bytes = plain.to_bytes().unwrap();
        assert!(text(&bytes).contains(r#""format_version":"2""#));
        let AnyModel::F32(read) = AnyModel::from_slice("some file", &bytes).unwrap() else { panic!("f32") };
        let any = AnyModel::from_slice("some file", &bytes).unwrap();
        assert!(any.clone().of::<f64>().is_none() && any.of::<f32>().is_some_and(|same| same.options == read.options));
        assert_eq!((read.activation, bits(&read.parameters)), (activation, bits(&plain.parameters)));
        assert_eq!(read.options, plain.options);
        let wide = |list: &[f64]| list.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let lists = |run: &std::collections::BTreeMap<String, Vec<f64>>| {
            run.iter().map(|(name, list)| (name.clone(), wide(list))).collect::<Vec<_>>()
        };
        assert_eq!(lists(&read.run), lists(&plain.run));
        assert_eq!(read.to_bytes().unwrap(), bytes, "the same bytes again");
    }
}

#[test]
fn unknown_activations_and_misplaced_state_are_errors() {
    let mut relu = model::<f64>(4, 3, 2);
    relu.activation = Activation::Relu;
    relu.run.insert("losses".into(), vec![1.0]);
    let bytes = relu.to_bytes().unwrap();
    // Of the same length, so that the header's stays true.
    let with = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        AnyModel::from_slice("some file", &bytes).unwrap_err()
    };
    assert_told(&with("\"relu\"", "\"tanh\""), "some file", &["\"tanh\"; expected sigmoid or relu"]);
    assert!(matches!(with("run.losses", "ran.losses").kind(), ErrorKind::ExtraTensors { .. }));
    // A file of the first version has no lists.
    assert!(matches!(with("_version\":\"2", "_version\":\"1").kind(), ErrorKind::ExtraTensors { .. }));
    assert_told(&with("_version\":\"2", "_version\":\"3"), "some file", &["unknown format version \"3\""]);
    assert!(matches!(with("activation", "activision").kind(), ErrorKind::MissingMetadata { key: "activation" }));
    for end in 0..bytes.len() {
        assert!(AnyModel::from_slice("some file", &bytes[..end]).is_err(), "{end}");
    }
}
