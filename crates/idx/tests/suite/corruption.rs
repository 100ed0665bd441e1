//! Reading any file gives data or an error, and never panics.

use twolayer_idx::{Idx, Packing};

use crate::fixtures::{Dribble, arrays, encoded, gzip};

/// Reads in every way; the ways must agree on whether it can be read, and on what was.
fn survive(bytes: &[u8]) {
    let slice = Idx::from_slice("slice", bytes);
    let reader = Idx::from_reader("reader", bytes);
    let dribble = Dribble { bytes, interrupted: false };
    let dribble = Idx::from_reader("dribble", dribble);
    // Not compared as values, since a corrupted float may be NaN.
    let text = |idx: Result<Idx, twolayer_idx::Error>| {
        idx.map(|idx| encoded(&idx, Packing::Raw)).map_err(|error| assert!(!error.to_string().is_empty()))
    };
    let slice = text(slice);
    assert_eq!(slice, text(reader));
    assert_eq!(slice, text(dribble));
}

#[test]
fn every_single_byte_corruption() {
    for sizes in [&[7][..], &[2, 3, 2]] {
        for (i, idx) in arrays(sizes).into_iter().enumerate() {
            // To unpack takes long, and one type of elements is like another then.
            let packings = [Packing::Raw, Packing::Gzip].into_iter().take(if i == 0 { 2 } else { 1 });
            for packing in packings {
                let sound = encoded(&idx, packing);
                for at in 0..sound.len() {
                    for value in 0..=255 {
                        let mut bytes = sound.clone();
                        bytes[at] = value;
                        survive(&bytes);
                    }
                }
            }
        }
    }
}

/// Every corruption of what gzip's checksum covers is detected.
#[test]
fn every_corruption_of_packed_data_is_detected() {
    let idx = &arrays(&[40])[0];
    let sound = encoded(idx, Packing::Gzip);
    // Of gzip's header, the flags for text, the time, the extra flags and the system do not touch the data.
    for at in 10..sound.len() {
        for value in (0..=255).filter(|&v| v != sound[at]) {
            let mut bytes = sound.clone();
            bytes[at] = value;
            if let Ok(read) = Idx::from_slice("corrupt", &bytes) {
                assert_eq!(&read, idx, "byte {at} set to {value}");
            }
        }
    }
}

#[test]
fn every_truncation_and_every_doubling() {
    for idx in arrays(&[2, 3]) {
        for packing in [Packing::Raw, Packing::Gzip] {
            let sound = encoded(&idx, packing);
            for n in 0..sound.len() {
                survive(&sound[..n]);
                let mut longer = sound.clone();
                longer.extend(&sound[n..]);
                survive(&longer);
            }
        }
    }
}

/// Corrupted files packed again, so that the checksum is right and the header is not.
#[test]
fn every_single_byte_corruption_inside_valid_gzip() {
    for idx in arrays(&[2, 3]) {
        let sound = encoded(&idx, Packing::Raw);
        for at in 0..sound.len() {
            for value in [0, 1, 2, 8, 9, 0x0E, 0x7F, 0x80, 0xFE, 0xFF] {
                let mut bytes = sound.clone();
                bytes[at] = value;
                survive(&gzip(&bytes));
            }
        }
    }
}

#[test]
fn random_bytes() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    for prefix in [&[][..], &[0, 0], &[0, 0, 8, 1], &[0x1F, 0x8B], &[0x1F, 0x8B, 8, 0]] {
        for n in 0..2000 {
            let mut bytes = prefix.to_vec();
            bytes.extend((0..n % 97).map(|_| random()));
            survive(&bytes);
        }
    }
}
