//! Reading any file gives a model or an error, and never panics.

use std::io::{self, Read};

use twolayer_core::Float;
use twolayer_model::{AnyModel, Error, Model};

use crate::fixtures::{model, sound};

/// A reader that gives one byte at a time, and is interrupted before each.
struct Dribble<'a> {
    bytes: &'a [u8],
    interrupted: bool,
}

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = out.len().min(1);
        self.bytes.read(&mut out[..n])
    }
}

/// Reads in every way; the ways must agree. What can be read must be finite and can be written again.
fn survive(bytes: &[u8]) {
    let slice = AnyModel::from_slice("slice", bytes);
    let dribble = Dribble { bytes, interrupted: false };
    let reader = AnyModel::from_reader("reader", dribble);
    let written = |read: Result<AnyModel, Error>| match read {
        Ok(AnyModel::F32(model)) => Some(model.to_bytes().unwrap()),
        Ok(AnyModel::F64(model)) => Some(model.to_bytes().unwrap()),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    };
    assert_eq!(written(slice), written(reader));
}

/// Sets each byte to the values that `values` gives for it.
fn every_byte<I: IntoIterator<Item = u8>>(sound: &[u8], values: impl Fn(u8) -> I) {
    for at in 0..sound.len() {
        for value in values(sound[at]) {
            let mut bytes = sound.to_vec();
            bytes[at] = value;
            survive(&bytes);
        }
    }
}

fn small<T: Float>() -> Vec<u8> {
    let mut model: Model<T> = model(2, 1, 2);
    model.options.retain(|name, _| name == "seed");
    model.to_bytes().unwrap()
}

#[test]
fn every_value_of_every_byte() {
    every_byte(&small::<f32>(), |_| 0..=255);
}

/// Flipped bits are enough here, as the parser is the same.
#[test]
fn every_flipped_bit_in_double_precision_and_a_larger_file() {
    for sound in [small::<f64>(), sound()] {
        every_byte(&sound, |byte| (0..8).map(move |bit| byte ^ 1 << bit));
    }
}

#[test]
fn every_truncation_and_every_doubling() {
    let sound = small::<f32>();
    for n in 0..sound.len() {
        survive(&sound[..n]);
        let mut longer = sound.clone();
        longer.extend(&sound[n..]);
        survive(&longer);
    }
}

/// Omits each byte of the header and changes each digit, so that sizes and offsets contradict each other.
#[test]
fn every_edit_of_the_header() {
    let sound = small::<f32>();
    let length = u64::from_le_bytes(sound[..8].try_into().unwrap());
    for at in 8..8 + length as usize {
        let mut shorter = sound.clone();
        shorter.remove(at);
        shorter[..8].copy_from_slice(&(length - 1).to_le_bytes());
        survive(&shorter);
        if sound[at].is_ascii_digit() {
            for digits in ["0", "99", "4294967296", "18446744073709551615", "1e9", "-1"] {
                let mut longer = sound.clone();
                longer.splice(at..=at, digits.bytes());
                longer[..8].copy_from_slice(&(length - 1 + digits.len() as u64).to_le_bytes());
                survive(&longer);
            }
        }
    }
}
