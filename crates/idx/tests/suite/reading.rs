//! Valid files, from every kind of source, in every type, rank and packing.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use twolayer_idx::{Element, ElementType, ErrorKind, Idx, Packing};

use crate::fixtures::{Dribble, arrays, each_type, encoded, file_of_bytes, gzip, header};

#[test]
fn hand_made_files_of_each_type() {
    for (file, data) in each_type() {
        for file in [file.clone(), gzip(&file)] {
            let idx = Idx::from_slice("hand made", &file).unwrap();
            assert_eq!(idx.sizes(), [data.len()]);
            assert_eq!(idx.data(), &data);
            assert_eq!(idx.element_type(), data.element_type());
        }
    }
}

#[test]
fn hand_made_files_are_what_is_written() {
    for (file, data) in each_type() {
        let idx = Idx::new(vec![data.len()], data).unwrap();
        assert_eq!(encoded(&idx, Packing::Raw), file);
        let packed = encoded(&idx, Packing::Gzip);
        assert_eq!(packed[..2], [0x1F, 0x8B]);
        assert_eq!(packed, encoded(&idx, Packing::Gzip), "the same bytes again");
    }
}

#[test]
fn codes_and_sizes_of_types() {
    let expected =
        [(0x08, 1, "u8"), (0x09, 1, "i8"), (0x0B, 2, "i16"), (0x0C, 4, "i32"), (0x0D, 4, "f32"), (0x0E, 8, "f64")];
    for (t, (code, size, name)) in ElementType::ALL.into_iter().zip(expected) {
        assert_eq!((t.code(), t.size(), t.to_string().as_str()), (code, size, name));
        assert_eq!(ElementType::from_code(code), Some(t));
    }
    let known = (0..=255).filter(|&c| ElementType::from_code(c).is_some());
    assert_eq!(known.count(), 6);
    assert_eq!(<f32 as Element>::TYPE, ElementType::F32);
}

#[test]
fn round_trips_of_every_type_rank_and_source() {
    let folder = tempfile::tempdir().unwrap();
    // The last two are longer than one piece of conversion and one buffer of the reader.
    let shapes: [&[usize]; 8] = [&[1], &[0], &[5], &[3, 4], &[3, 0, 4], &[2, 3, 2, 1, 3], &[70_001], &[3, 101, 211, 5]];
    for sizes in shapes {
        for idx in arrays(sizes) {
            for packing in [Packing::Raw, Packing::Gzip] {
                let file = encoded(&idx, packing);
                assert_eq!(Idx::from_slice("slice", &file).unwrap(), idx);
                assert_eq!(Idx::from_reader("reader", &file[..]).unwrap(), idx);
                // The extension contradicts the packing: only the content counts.
                let path = folder.path().join(match packing {
                    Packing::Raw => "a.gz",
                    Packing::Gzip => "a",
                });
                fs::write(&path, &file).unwrap();
                assert_eq!(Idx::load(&path).unwrap(), idx);
                if file.len() < 2000 {
                    let dribble = Dribble { bytes: &file, interrupted: false };
                    assert_eq!(Idx::from_reader("dribble", dribble).unwrap(), idx);
                }
            }
        }
    }
}

#[test]
fn every_rank_up_to_255() {
    for rank in 1..=255 {
        let idx = Idx::new(vec![1; rank], vec![-7i16]).unwrap();
        for packing in [Packing::Raw, Packing::Gzip] {
            let read = Idx::from_slice("ranks", &encoded(&idx, packing)).unwrap();
            assert_eq!(read, idx);
        }
    }
}

/// From 4 MiB on, bytes are in huge pages; the content must be the same.
#[test]
fn long_files_of_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for n in [(1 << 20) - 20, 1 << 20, 5_000_003] {
        let data: Vec<u8> = (0..n).map(|i: usize| ((i * i) >> 9) as u8).collect();
        let idx = Idx::new(vec![1, n], data.clone()).unwrap();
        for packing in [Packing::Raw, Packing::Gzip] {
            let path = folder.path().join(format!("{n} {packing:?}"));
            idx.save(&path, packing).unwrap();
            let read = Idx::load(&path).unwrap();
            assert!(read == idx, "{n} {packing:?}");
            let again = read.clone();
            drop(read);
            let (sizes, bytes) = again.into_parts();
            assert_eq!(sizes, [1, n]);
            assert!(bytes.as_slice::<u8>() == Some(&data));
            assert!(Idx::from_slice("slice", &fs::read(&path).unwrap()).unwrap() == idx);
        }
    }
}

/// Gzip is detected by the first bytes even where a raw file could have that length and content.
#[test]
fn a_packed_file_as_long_as_what_it_unpacks_to() {
    let n = 2 << 20;
    let mut file = header(0x08, &[n]);
    let mut state = 1u32;
    file.extend((0..n).map(|i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if i < 60_000 { 0 } else { (state >> 24) as u8 }
    }));
    let pack = |extra: usize| {
        let mut encoder = flate2::GzBuilder::new().extra(vec![0; extra]).write(Vec::new(), Compression::default());
        encoder.write_all(&file).unwrap();
        encoder.finish().unwrap()
    };
    let packed = pack(file.len() - pack(0).len());
    assert_eq!(packed.len(), file.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packed");
    fs::write(&path, &packed).unwrap();
    assert!(Idx::load(&path).unwrap() == Idx::from_slice("raw", &file).unwrap());
}

/// The length of a pipe is unknown.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_under_a_path() {
    use std::os::fd::AsRawFd;

    for idx in arrays(&[3, 4]) {
        for packing in [Packing::Raw, Packing::Gzip] {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(&encoded(&idx, packing)).unwrap();
            drop(writer);
            let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
            assert_eq!(Idx::load(path).unwrap(), idx);
        }
    }
}

#[test]
fn gzip_of_several_members() {
    let file = file_of_bytes(&[6], &[1, 2, 3, 4, 5, 6]);
    // The cuts fall inside the header and inside the data; one member is empty.
    let mut packed = gzip(&file[..5]);
    packed.extend(gzip(&[]));
    packed.extend(gzip(&file[5..10]));
    packed.extend(gzip(&file[10..]));
    let expected = Idx::new(vec![6], vec![1u8, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(Idx::from_slice("slice", &packed).unwrap(), expected);
    let dribble = Dribble { bytes: &packed, interrupted: false };
    assert_eq!(Idx::from_reader("dribble", dribble).unwrap(), expected);
}

#[test]
fn gzip_with_every_optional_field() {
    let file = file_of_bytes(&[3], &[7, 8, 9]);
    let mut encoder = flate2::GzBuilder::new()
        .filename("train-labels")
        .comment("a comment")
        .extra(vec![1, 2, 0, 0])
        .mtime(1_700_000_000)
        .write(Vec::new(), Compression::none());
    encoder.write_all(&file).unwrap();
    let packed = encoder.finish().unwrap();
    let expected = Idx::new(vec![3], vec![7u8, 8, 9]).unwrap();
    assert_eq!(Idx::from_slice("fields", &packed).unwrap(), expected);
}

/// Blank images compress a thousandfold: memory is not allocated at once, and reading succeeds.
#[test]
fn gzip_that_packs_as_well_as_gzip_can() {
    let n = 30_000_000;
    let idx = Idx::new(vec![n], vec![0u8; n]).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&header(0x08, &[n as u32])).unwrap();
    encoder.write_all(&vec![0; n]).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < n / 900, "{}", packed.len());
    assert!(Idx::from_slice("blank", &packed).unwrap() == idx);
}

#[test]
fn a_slice_of_another_type_is_none() {
    let idx = Idx::new(vec![2], vec![1u8, 2]).unwrap();
    assert_eq!(idx.data().as_slice::<i8>(), None);
    assert_eq!(idx.data().as_slice::<u8>(), Some(&[1, 2][..]));
    assert!(!idx.data().is_empty());
}

#[test]
fn arrays_that_idx_cannot_hold() {
    let zero = Idx::new(vec![], vec![1u8]).unwrap_err();
    assert!(matches!(zero.kind(), ErrorKind::RankOutOfBounds { rank: 0 }));
    let many = Idx::new(vec![1; 256], vec![1u8]).unwrap_err();
    assert!(matches!(many.kind(), ErrorKind::RankOutOfBounds { rank: 256 }));
    let wrong = Idx::new(vec![2, 3], vec![0f32; 5]).unwrap_err();
    assert!(matches!(wrong.kind(), ErrorKind::SizesDoNotMatchData { elements: 5, .. }));
    let long = Idx::new(vec![0, 1 << 32], Vec::<u8>::new()).unwrap_err();
    assert!(matches!(long.kind(), ErrorKind::SizeOutOfBounds { .. }));
    let huge = Idx::new(vec![0xFFFF_FFFF; 4], Vec::<u8>::new()).unwrap_err();
    assert!(matches!(huge.kind(), ErrorKind::SizeOutOfBounds { .. }));
}
