//! Reading damaged files gives a network or an error of one line, and never panics.

use twolayer_core::{Activation, Init, Parameters, Shape};
use twolayer_interchange::{npz, read};
use twolayer_numpy::{Type, header, of_text, write};

/// An arbitrary network.
fn parameters() -> Parameters<f32> {
    let mut i = 0;
    Parameters::normal(Shape::new(5, 3, 4).unwrap(), Init::Normal(0.1), || {
        i += 1;
        f64::from(i)
    })
}

/// PyTorch's layers as a safetensors file.
fn torch(kind: &str, size: usize) -> Vec<u8> {
    let (mut header, mut offset) = (String::from("{"), 0);
    for (name, shape, count) in
        [("fc1.weight", "3,5", 15), ("fc1.bias", "3", 3), ("fc2.weight", "4,3", 12), ("fc2.bias", "4", 4)]
    {
        let (comma, end) = (if offset > 0 { "," } else { "" }, offset + count * size);
        header += &format!(r#"{comma}"{name}":{{"dtype":"{kind}","shape":[{shape}],"data_offsets":[{offset},{end}]}}"#);
        offset = end;
    }
    header += "}";
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    // 1, 2, 3, ... in bfloat16 are the upper halves of those in single precision.
    for i in 1..=34u16 {
        let single = f32::from(i).to_le_bytes();
        bytes.extend(if size == 2 { &single[2..] } else { &single[..] });
    }
    bytes
}

fn survives(bytes: &[u8]) -> bool {
    match read("given", bytes, None) {
        Ok(_) => true,
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("given: ") && text.len() < 1000, "{text}");
            false
        }
    }
}

#[test]
fn truncation_and_changed_bytes_never_panic() {
    for whole in [npz::write(&parameters(), Activation::Relu).unwrap(), torch("F32", 4), torch("BF16", 2)] {
        assert!(survives(&whole));
        for length in 0..whole.len() {
            assert!(!survives(&whole[..length]), "the first {length} bytes were read as a network");
        }
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xFF, 0x20] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                survives(&bytes);
            }
        }
    }
}

#[test]
fn several_changed_bytes_never_panic() {
    let mut state = 7u64;
    let mut draw = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for whole in [npz::write(&parameters(), Activation::Relu).unwrap(), torch("F32", 4)] {
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..=draw(4) {
                let at = draw(bytes.len());
                bytes[at] = [0, 1, 0x7F, 0xFF, b'9', draw(256) as u8][draw(6)];
            }
            if draw(8) == 0 {
                let (from, to) = (draw(bytes.len()), draw(bytes.len()));
                bytes.copy_within(from.min(to)..from.max(to), from.min(to) / 2);
            }
            survives(&bytes);
        }
    }
}

#[test]
fn bfloat16_is_widened_and_weights_are_turned() {
    let (_, model) = read("given", &torch("BF16", 2), None).unwrap();
    let twolayer_model::AnyModel::F32(model) = model else { panic!("bfloat16 becomes f32") };
    let w1 = model.parameters.get(twolayer_core::Parameter::W1);
    assert_eq!((w1.rows(), w1.cols(), w1.get(0, 1), w1.get(4, 0)), (5, 3, 6.0, 5.0));
    assert_eq!(model.parameters.b1(), [16.0, 17.0, 18.0]);
    assert_eq!(read("given", &torch("F32", 4), None).unwrap().1, twolayer_model::AnyModel::F32(model));
}

/// Several arrays may be one stream of a small file that unpacks to gigabytes.
#[test]
fn the_headers_of_all_arrays_are_compared_before_their_numbers_are_read() {
    let array = |sizes: &[usize]| [header(Type::F32, sizes), vec![0; 4 * sizes.iter().product::<usize>()]].concat();
    let file = write(&[("W1", array(&[5, 3])), ("b1", array(&[3])), ("W2", array(&[3, 4])), ("b2", array(&[5]))]);
    let error = read("given", &file.unwrap(), None).unwrap_err().to_string();
    assert!(error.contains("b2 has shape [5]; expected [4]"), "{error}");
    // What the file contradicts is no want of memory.
    for boast in [&[1 << 20, 1 << 20][..], &[usize::MAX, usize::MAX]] {
        let w1 = header(Type::F32, boast);
        let file = write(&[("W1", w1), ("b1", array(&[3])), ("W2", array(&[3, 4])), ("b2", array(&[4]))]);
        let error = read("given", &file.unwrap(), None).unwrap_err().to_string();
        assert!(error.contains("array W1 has 0 bytes of data, which do not match shape"), "{error}");
    }
    let long = [of_text("relu"), vec![0; 5000]].concat();
    let whole = [("W1", &[5, 3][..]), ("b1", &[3]), ("W2", &[3, 4]), ("b2", &[4])];
    let numbers = whole.map(|(name, sizes)| (name, array(sizes)));
    let file = write(&[&numbers[..], &[("activation", long)]].concat());
    let error = read("given", &file.unwrap(), None).unwrap_err().to_string();
    assert!(error.contains("array activation has 5") && error.contains("expected a word"), "{error}");
}
