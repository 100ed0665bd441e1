//! Models, and files made by hand.

use twolayer_core::{Float, Init, Parameters, Shape};
use twolayer_model::{Error, Model};

/// Parameters of every size and sign, no two alike.
pub fn parameters<T: Float>(inputs: usize, hidden: usize, classes: usize) -> Parameters<T> {
    let mut n = 0;
    let shape = Shape::new(inputs, hidden, classes).unwrap();
    let mut parameters = Parameters::normal(shape, Init::Normal(1.0), || {
        n += 1;
        f64::from(n).sin() * 10f64.powi(n % 40 - 20)
    });
    for (p, value) in [(twolayer_core::Parameter::B1, 0.1), (twolayer_core::Parameter::B2, -0.0)] {
        let (_, columns) = p.dims(shape);
        let values: Vec<T> = (0..columns).map(|c| T::from_f64(value * (c as f64 + 1.0))).collect();
        parameters.set(p, &values).unwrap();
    }
    parameters
}

/// A model with options that need care in JSON.
pub fn model<T: Float>(inputs: usize, hidden: usize, classes: usize) -> Model<T> {
    let mut model = Model::new(parameters(inputs, hidden, classes));
    for (name, value) in [
        ("seed", "0"),
        ("learning_rate", "0.1"),
        ("data", "a \"quoted\" \\ name\n\u{1F600}\0"),
        ("", "empty name"),
        ("train.twice", ""),
    ] {
        model.options.insert(name.to_owned(), value.to_owned());
    }
    model
}

/// The bits of all parameters, which distinguish -0 from 0.
pub fn bits<T: Float>(parameters: &Parameters<T>) -> Vec<u64> {
    let values = parameters.to_vec();
    values.into_iter().map(|v| v.to_f64().to_bits()).collect()
}

/// A safetensors file of that header and data.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The metadata of the valid file.
pub const METADATA: &str = r#""format":"twolayer","format_version":"1","input_scale":"1/255","shape":"2x1x2""#;

/// The tensors of the valid file, of 28 bytes.
pub const TENSORS: &str = r#""W1":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b1":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"W2":{"dtype":"F32","shape":[1,2],"data_offsets":[12,20]},"b2":{"dtype":"F32","shape":[2],"data_offsets":[20,28]}"#;

/// The data of the valid file: 1 to 7.
pub fn data() -> Vec<u8> {
    (1..8u8).flat_map(|n| f32::from(n).to_le_bytes()).collect()
}

/// A header of that metadata and those tensors.
pub fn header(metadata: &str, tensors: &str) -> String {
    format!(r#"{{"__metadata__":{{{metadata}}},{tensors}}}"#)
}

/// A valid file of a 2 x 1 x 2 network.
pub fn sound() -> Vec<u8> {
    file(&header(METADATA, TENSORS), &data())
}

/// Checks an error's text: one line that begins with the file's name and contains these words.
pub fn assert_told(error: &Error, file: &str, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.file(), file);
    assert!(text.starts_with(file), "{text}");
    assert!(!text.contains('\n') && !text.contains("Some("), "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}
