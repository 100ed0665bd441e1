//! IDX, raw or gzip: any bytes are data or an error of one line, and what was read is written back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twolayer_idx::{Idx, Packing, Split};

fuzz_target!(|input: &[u8]| {
    let read = Idx::from_slice("given", input);
    // A reader does not tell its length, so that other code decides how much to take.
    let streamed = Idx::from_reader("given", input);
    match (&read, &streamed) {
        (Ok(read), Ok(streamed)) => assert!(same(read, streamed)),
        (Err(error), Err(_)) => assert!(error.to_string().starts_with("given")),
        _ => panic!("read {:?}, streamed {:?}", read.is_ok(), streamed.is_ok()),
    }
    if let Ok(read) = read {
        for packing in [Packing::Raw, Packing::Gzip] {
            let mut bytes = Vec::new();
            read.write_to("memory", &mut bytes, packing).unwrap();
            assert!(same(&Idx::from_slice("written", &bytes).unwrap(), &read));
        }
    }
    // The first byte splits the rest into images and labels.
    let Some((&at, rest)) = input.split_first() else { return };
    let (images, labels) = rest.split_at(rest.len() * usize::from(at) / 256);
    if let Ok(split) = Split::from_slices(("images", images), ("labels", labels)) {
        assert_eq!(split.images().len(), split.rows() * split.inputs());
        assert_eq!(split.labels().len(), split.rows());
        let classes = split.classes();
        assert!(split.check_labels(classes).is_ok());
        assert_eq!(split.class_counts(classes).iter().sum::<usize>(), split.rows());
    }
});

/// Whether all bits are the same, those of NaN too.
fn same(a: &Idx, b: &Idx) -> bool {
    let bytes = |idx: &Idx| {
        let mut bytes = Vec::new();
        idx.write_to("memory", &mut bytes, Packing::Raw).unwrap();
        bytes
    };
    a.sizes() == b.sizes() && bytes(a) == bytes(b)
}
