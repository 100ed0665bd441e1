//! C headers: weights and functions that predict, for C99 and C++, without dependencies.

use std::fmt::Write;

use twolayer_core::{Activation, Float, Parameter};
use twolayer_model::Model;

use crate::error::{Error, Result};

/// Numbers per line.
const COLUMNS: usize = 8;

/// The limit of an array's length: that of a C enumerator.
const MAX_LENGTH: usize = i32::MAX as usize;

/// Whether a name can be the prefix: a C identifier that begins with a letter, since others are
/// reserved.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A prefix from the stem of a header's file name.
pub fn name_for(stem: &str) -> String {
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match name.trim_start_matches('_') {
        rest if is_name(rest) => rest.to_owned(),
        rest => format!("model_{rest}").trim_end_matches('_').to_owned(),
    }
}

/// The network as a header with the prefix `name`. The same model gives the same text.
///
/// # Errors
///
/// If `name` is not valid by [`is_name`], or an array has 2^31 elements or more.
pub fn write<T: Float>(model: &Model<T>, name: &str) -> Result<String> {
    let shape = model.parameters.shape();
    let fail = |what: &dyn std::fmt::Display| Err(Error::new("C header", what));
    if !is_name(name) {
        return fail(&format_args!(
            "{name:?} is not a C identifier; use letters, digits and _, and begin with a letter"
        ));
    }
    let longest = (shape.inputs() * shape.hidden()).max(shape.hidden() * shape.classes());
    if longest > MAX_LENGTH {
        return fail(&format_args!("an array of {longest} elements is too large for C compilers; export it as onnx"));
    }
    let mut text = head::<T>(model, name);
    for parameter in Parameter::ALL {
        array(&mut text, model, parameter, name);
    }
    text += &fill(FUNCTIONS, &words::<T>(model.activation, name));
    Ok(text)
}

/// The values of the templates' placeholders, which are words between two @.
fn words<T: Float>(activation: Activation, name: &str) -> Vec<(&'static str, String)> {
    let single = size_of::<T>() == 4;
    let pick = |a: &str, b: &str| if single { a } else { b }.to_owned();
    let activate = match activation {
        Activation::Sigmoid => "@ONE@ / (@ONE@ + @EXP@(-hidden[j]))",
        Activation::Relu => "hidden[j] > @ZERO@ ? hidden[j] : @ZERO@",
    };
    vec![
        ("ACTIVATE", activate.to_owned()),
        ("NAME", name.to_owned()),
        ("GUARD", format!("{}_TWOLAYER_H", name.to_ascii_uppercase())),
        ("REAL", pick("float", "double")),
        ("EXP", pick("expf", "exp")),
        ("ZERO", pick("0.0f", "0.0")),
        ("ONE", pick("1.0f", "1.0")),
        // The division is in single precision for every network, as in the notebook's loader.
        ("SCALED", pick("(float)pixels[i] / 255.0f", "(double)((float)pixels[i] / 255.0f)")),
    ]
}

fn fill(template: &str, words: &[(&str, String)]) -> String {
    words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(&format!("@{word}@"), value))
}

/// The comment at the top, the guard and the sizes.
fn head<T: Float>(model: &Model<T>, name: &str) -> String {
    let shape = model.parameters.shape();
    let mut words = words::<T>(model.activation, name);
    words.extend([
        ("INPUTS", shape.inputs().to_string()),
        ("HIDDEN", shape.hidden().to_string()),
        ("CLASSES", shape.classes().to_string()),
        ("FUNCTION", model.activation.name().to_owned()),
        ("VERSION", env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    fill(HEAD, &words)
}

fn array<T: Float>(text: &mut String, model: &Model<T>, parameter: Parameter, name: &str) {
    let numbers = model.parameters.get(parameter).to_vec();
    let single = size_of::<T>() == 4;
    let real = if single { "float" } else { "double" };
    // Writing to a string does not fail.
    let _ = writeln!(text, "static const {real} {name}_{}[{}] = {{", parameter.name(), numbers.len());
    for line in numbers.chunks(COLUMNS) {
        // With this many digits, the decimal is read as exactly this number, even by a
        // compiler that parses a double first.
        let list: Vec<String> = match single {
            true => line.iter().map(|x| format!("{:.8e}f", x.to_f64())).collect(),
            false => line.iter().map(|x| format!("{:.16e}", x.to_f64())).collect(),
        };
        let _ = writeln!(text, "    {},", list.join(", "));
    }
    *text += "};\n\n";
}

const HEAD: &str = "\
/*
 * A two-layer network: @INPUTS@ inputs, @HIDDEN@ hidden units (@FUNCTION@), @CLASSES@ classes (softmax).
 * Written by twolayer @VERSION@. C99 or C++; link with the mathematics library (-lm).
 *
 *     #include \"@NAME@.h\" // or whatever this file is called
 *
 *     uint8_t pixels[@INPUTS@]; // row by row, 0 for the paper to 255 for the ink
 *     @REAL@ probabilities[@CLASSES@];
 *     @NAME@_predict_u8(pixels, probabilities);
 *
 * @NAME@_predict takes the same as @REAL@ from 0 to 1. Both keep @HIDDEN@ numbers on the stack, allocate nothing and have no
 * state: threads may call them at once.
 */
#ifndef @GUARD@
#define @GUARD@

#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { @NAME@_inputs = @INPUTS@, @NAME@_hidden = @HIDDEN@, @NAME@_classes = @CLASSES@ };

";

const FUNCTIONS: &str = "\
/* Adds what one input gives to the hidden units' sums. */
static inline void @NAME@_add(size_t i, @REAL@ x, @REAL@ *hidden)
{
    size_t j;
    for (j = 0; j < (size_t)@NAME@_hidden; ++j) hidden[j] += x * @NAME@_W1[i * (size_t)@NAME@_hidden + j];
}

/* From the hidden units' sums to the probabilities. */
static inline void @NAME@_finish(@REAL@ *hidden, @REAL@ *probabilities)
{
    size_t j, k;
    @REAL@ largest, sum = @ZERO@;
    for (k = 0; k < (size_t)@NAME@_classes; ++k) probabilities[k] = @NAME@_b2[k];
    for (j = 0; j < (size_t)@NAME@_hidden; ++j) {
        const @REAL@ activation = @ACTIVATE@;
        for (k = 0; k < (size_t)@NAME@_classes; ++k) {
            probabilities[k] += activation * @NAME@_W2[j * (size_t)@NAME@_classes + k];
        }
    }
    largest = probabilities[0];
    for (k = 1; k < (size_t)@NAME@_classes; ++k) {
        if (probabilities[k] > largest) largest = probabilities[k];
    }
    for (k = 0; k < (size_t)@NAME@_classes; ++k) {
        probabilities[k] = @EXP@(probabilities[k] - largest);
        sum += probabilities[k];
    }
    for (k = 0; k < (size_t)@NAME@_classes; ++k) probabilities[k] /= sum;
}

/* The probabilities of the classes for inputs from 0 to 1. */
static inline void @NAME@_predict(const @REAL@ *x, @REAL@ *probabilities)
{
    @REAL@ hidden[@NAME@_hidden];
    size_t i, j;
    for (j = 0; j < (size_t)@NAME@_hidden; ++j) hidden[j] = @NAME@_b1[j];
    for (i = 0; i < (size_t)@NAME@_inputs; ++i) @NAME@_add(i, x[i], hidden);
    @NAME@_finish(hidden, probabilities);
}

/* The probabilities of the classes for pixels from 0 to 255. */
static inline void @NAME@_predict_u8(const uint8_t *pixels, @REAL@ *probabilities)
{
    @REAL@ hidden[@NAME@_hidden];
    size_t i, j;
    for (j = 0; j < (size_t)@NAME@_hidden; ++j) hidden[j] = @NAME@_b1[j];
    for (i = 0; i < (size_t)@NAME@_inputs; ++i) {
        if (pixels[i] != 0) @NAME@_add(i, @SCALED@, hidden);
    }
    @NAME@_finish(hidden, probabilities);
}

#endif
";

#[cfg(test)]
mod tests {
    use super::*;
    use twolayer_core::{Parameters, Shape};

    #[test]
    fn names_are_what_c_allows() {
        for (stem, name) in [
            ("digits", "digits"),
            ("my-model.v2", "my_model_v2"),
            ("2layer", "model_2layer"),
            ("__x", "x"),
            ("数字", "model"),
            ("", "model"),
        ] {
            assert_eq!(name_for(stem), name, "{stem}");
            assert!(is_name(name));
        }
        for name in ["", "_x", "2x", "a-b", "a b", "é"] {
            assert!(!is_name(name), "{name}");
            let model = Model::new(Parameters::<f32>::zeros(Shape::new(1, 1, 1).unwrap()));
            assert!(write(&model, name).is_err());
        }
    }

    #[test]
    fn every_weight_is_in_the_text_to_the_bit() {
        fn check<T: Float + std::str::FromStr>(values: &[T]) {
            let shape = Shape::new(1, values.len(), 1).unwrap();
            let mut model = Model::new(Parameters::<T>::zeros(shape));
            model.parameters.set(Parameter::W1, values).unwrap();
            let text = write(&model, "m").unwrap();
            let (_, array) = text.split_once("m_W1[").unwrap();
            let list = &array[array.find('{').unwrap() + 1..array.find('}').unwrap()];
            let numbers = list.split(',').map(|word| word.trim().trim_end_matches('f')).filter(|word| !word.is_empty());
            let read: Vec<T> = numbers.map(|word| word.parse().ok().unwrap()).collect();
            assert_eq!(read, values);
        }
        check(&[0.1f32, -1.0 / 3.0, f32::MIN_POSITIVE, f32::MAX, 1e-45, 0.0, -16_777_217.0, 1.0 + f32::EPSILON]);
        check(&[0.1f64, -1.0 / 3.0, f64::MIN_POSITIVE, f64::MAX, 5e-324, 0.0, 1.0 + f64::EPSILON]);
    }
}
