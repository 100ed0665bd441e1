//! Files read into the caller's memory.

use std::fs;

use twolayer_idx::{Data, Element, ElementType, ErrorKind, Idx, Packing};

use crate::fixtures::{arrays, assert_told, encoded, file_of_bytes, gzip};

fn into<T: Element + PartialEq + std::fmt::Debug>(idx: &Idx, path: &std::path::Path, wrong: T) {
    let want = idx.data().as_slice::<T>().unwrap();
    let mut elements = vec![wrong; want.len()];
    assert_eq!(Idx::load_into(path, &mut elements).unwrap(), idx.sizes());
    assert_eq!(elements, want);
}

#[test]
fn every_type_rank_and_packing_is_read_into_memory_of_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    // The last is longer than the pieces in which elements are converted.
    for sizes in [&[1][..], &[0], &[3, 4], &[2, 3, 2, 1, 3], &[70_001]] {
        for idx in arrays(sizes) {
            for packing in [Packing::Raw, Packing::Gzip] {
                fs::write(&path, encoded(&idx, packing)).unwrap();
                assert_eq!(Idx::peek(&path).unwrap(), (idx.element_type(), sizes.to_vec()));
                match idx.data() {
                    Data::U8(_) => into(&idx, &path, 9u8),
                    Data::I8(_) => into(&idx, &path, 9i8),
                    Data::I16(_) => into(&idx, &path, 9i16),
                    Data::I32(_) => into(&idx, &path, 9i32),
                    Data::F32(_) => into(&idx, &path, 9f32),
                    Data::F64(_) => into(&idx, &path, 9f64),
                }
            }
        }
    }
}

#[test]
fn another_type_or_length_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    fs::write(&path, file_of_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6])).unwrap();
    let name = path.display().to_string();
    let mut floats = [7.0f32; 6];
    let error = Idx::load_into(&path, &mut floats).unwrap_err();
    let types = (ElementType::U8, ElementType::F32);
    assert!(matches!(error.kind(), ErrorKind::OtherType { found, expected } if (*found, *expected) == types));
    assert_told(&error, &name, &["u8", "f32", "read it as u8"]);
    assert_eq!(floats, [7.0; 6]);
    for length in [0, 5, 7] {
        let mut bytes = vec![7u8; length];
        let error = Idx::load_into(&path, &mut bytes).unwrap_err();
        assert_told(&error, &name, &["6 elements (2 x 3)", &format!("buffer holds {length}")]);
        assert!(bytes.iter().all(|&b| b == 7));
    }
}

#[test]
fn damaged_files_give_the_same_errors_as_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    let whole = file_of_bytes(&[4], &[1, 2, 3, 4]);
    let packed = gzip(&whole);
    for file in [&whole[..7], &whole[..3], &packed[..packed.len() - 1], &[packed.clone(), vec![0]].concat()] {
        fs::write(&path, file).unwrap();
        let error = Idx::load_into(&path, &mut [0u8; 4]).unwrap_err();
        assert_eq!(error.to_string(), Idx::load(&path).unwrap_err().to_string());
    }
    fs::write(&path, [&whole[..], &[5]].concat()).unwrap();
    assert!(matches!(Idx::load_into(&path, &mut [0u8; 4]).unwrap_err().kind(), ErrorKind::TrailingBytes { .. }));
    assert!(matches!(Idx::peek(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io { .. }));
}
