//! Each fault of a file has a separate error, which names the file and says what was found and what to do.

use std::io::{self, Read};

use twolayer_core::Parameter;
use twolayer_model::{AnyModel, Error, ErrorKind, FileKind, Model};

use crate::fixtures::{METADATA, TENSORS, assert_told, data, file, header, parameters, sound};

/// Reads malformed bytes as a slice, from a reader, and from a file; all must fail. Gives the slice's error.
fn refused(bytes: &[u8]) -> Error {
    let error = AnyModel::from_slice("some file", bytes).unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let on_disk = AnyModel::load(&path).unwrap_err();
    assert_eq!(on_disk.file(), path.to_str().unwrap());
    let text = |e: &Error| e.to_string().replace(e.file(), "");
    assert_eq!(text(&on_disk), text(&error));
    AnyModel::from_reader("reader", bytes).unwrap_err();
    error
}

/// The valid file with one replacement in its header.
fn with(found: &str, by: &str) -> Vec<u8> {
    let sound = header(METADATA, TENSORS);
    assert!(sound.contains(found), "{found}");
    file(&sound.replacen(found, by, 1), &data())
}

#[test]
fn the_valid_file_is_read() {
    AnyModel::from_slice("sound", &sound()).unwrap();
    AnyModel::from_slice("sound", &with("twolayer", "twolayer")).unwrap();
}

#[test]
fn files_of_other_kinds() {
    let idx = [0, 0, 8, 3, 0, 0, 0xEA, 0x60, 0, 0, 0, 28, 0, 0, 0, 28];
    let npz = [&b"PK\x03\x04"[..], &[0; 26], b"W1.npy"].concat();
    let gzip = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 1 << 20]].concat();
    for (bytes, words) in [
        (&idx[..], ["an IDX file", "--data"]),
        (&npz, ["NumPy's .npz", "`twolayer import FILE --out MODEL`"]),
        (&gzip, ["a gzip file", "gunzip"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["a PNG picture", "`twolayer predict MODEL FILE`"]),
        (b"", ["an empty file", "`twolayer train --out`"]),
        (b"P", ["a text file", "`twolayer train --out`"]),
        (b"not a model", ["a text file", "`twolayer train --out`"]),
        (&[0; 8], ["an unknown kind", "`twolayer train --out`"]),
        (&[0xFF; 100], ["an unknown kind", "`twolayer train --out`"]),
    ] {
        let error = refused(bytes);
        assert!(matches!(error.kind(), ErrorKind::NotAModel { .. }));
        assert_told(&error, "some file", &words);
        assert!(!error.to_string().contains(" bytes"), "{error}");
    }
    let other = r#"{"fc1.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    assert_told(&refused(&file(other, &[0; 8])), "some file", &["\"fc1.weight\"", "`twolayer import"]);
}

#[test]
fn a_header_longer_than_any() {
    let long = format!("{{{TENSORS}}}{}", " ".repeat(1 << 20));
    let error = refused(&file(&long, &data()));
    assert!(matches!(error.kind(), ErrorKind::NotAModel { found: FileKind::Safetensors }));
    let padding = (1 << 20) - TENSORS.len() - 2;
    let most = format!("{{{TENSORS}}}{}", " ".repeat(padding));
    assert_eq!(most.len(), 1 << 20);
    AnyModel::from_slice("longest", &file(&most, &data())).unwrap();
}

#[test]
fn truncated_at_every_byte() {
    let sound = sound();
    let header = 8 + header(METADATA, TENSORS).len();
    // The first byte alone is a letter.
    for n in 2..sound.len() {
        let error = refused(&sound[..n]);
        let least = match n {
            0..8 => 8,
            n if n < header => header,
            _ => sound.len(),
        };
        let (expected, found) = (least as u64, n as u64);
        assert!(
            matches!(error.kind(), ErrorKind::Truncated { expected: e, found: f } if (*e, *f) == (expected, found)),
            "{n}: {error}"
        );
        let words = format!("truncated: it ends after {found} of at least {expected} bytes");
        assert_told(&error, "some file", &[&words]);
        let error = AnyModel::from_reader("reader", &sound[..n]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{n}: {error}");
    }
}

#[test]
fn trailing_bytes() {
    let mut bytes = sound();
    let expected = bytes.len();
    bytes.extend([0; 3]);
    let error = refused(&bytes);
    assert!(matches!(error.kind(), ErrorKind::TrailingBytes { .. }));
    let words = format!("trailing bytes: 3 after the {expected}");
    assert_told(&error, "some file", &[&words]);
    let error = AnyModel::from_reader("reader", &bytes[..]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TrailingBytes { found: None, .. }));
}

#[test]
fn corrupt_headers() {
    let most = u64::MAX.to_string();
    for (bytes, words) in [
        (file("[]", &[]), "begin with {"),
        (file(&"[".repeat(10_000), &[]), "corrupt"),
        (file("{\"W1\":\u{7f}}", &[]), "corrupt"),
        (with("twolayer", "two\u{0}layer"), "control character"),
        (with("\"1/255\"", "255"), "expected a string"),
        (with("F32", "F33"), "unknown variant"),
        (with("[0,8]", "[0,9]"), "offset"),
        (with("[0,8]", "[1,8]"), "offset"),
        (with("[8,12]", "[12,8]"), "offset"),
        (with("[2,1]", "[3,1]"), "shape"),
        (with("[2,1]", "[-2,1]"), "integer"),
        (with("[2,1]", &format!("[{most},{most}]")), "overflow"),
        (with("[2,1]", "[2.5,1]"), "floating point"),
        (with("\"shape\":[2,1],", ""), "missing field"),
    ] {
        let error = refused(&bytes);
        assert!(matches!(error.kind(), ErrorKind::CorruptHeader { .. }), "{error}");
        assert_told(&error, "some file", &["corrupt safetensors header", words]);
    }
    // No UTF-8.
    let mut bytes = sound();
    bytes[20] = 0xFF;
    let error = refused(&bytes);
    assert!(matches!(error.kind(), ErrorKind::CorruptHeader { .. }));
}

#[test]
fn each_missing_tensor() {
    for name in Parameter::ALL.map(Parameter::name) {
        let error = refused(&with(&format!("\"{name}\""), "\"fc.weight\""));
        assert!(matches!(error.kind(), ErrorKind::MissingTensor { tensor, .. } if *tensor == name));
        let missing = format!("no tensor {name}");
        assert_told(&error, "some file", &[&missing, "\"fc.weight\""]);
    }
    let error = refused(&file("{}", &[]));
    assert_told(&error, "some file", &["no tensor W1", "the file has none"]);
    let many: Vec<String> =
        (100..130).map(|n| format!(r#""layer{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)).collect();
    let error = refused(&file(&format!("{{{}}}", many.join(",")), &[]));
    assert_told(&error, "some file", &["\"layer107\" and 22 more"]);
}

#[test]
fn extra_tensors() {
    let tensors = format!(r#"{TENSORS},"W3":{{"dtype":"F32","shape":[1],"data_offsets":[28,32]}}"#);
    let mut more = data();
    more.extend([0; 4]);
    let error = refused(&file(&header(METADATA, &tensors), &more));
    assert!(matches!(error.kind(), ErrorKind::ExtraTensors { found } if found == &["W3"]));
    assert_told(&error, "some file", &["besides W1, b1, W2 and b2", "\"W3\""]);
}

#[test]
fn wrong_and_mixed_types() {
    let error = refused(&file(&header(METADATA, &TENSORS.replace("F32", "I32")), &data()));
    assert!(matches!(error.kind(), ErrorKind::WrongType { tensor: "W1", found } if found == "I32"));
    assert_told(&error, "some file", &["W1 has type I32", "F32 or F64"]);
    let error = refused(&with(r#""W2":{"dtype":"F32""#, r#""W2":{"dtype":"U32""#));
    assert!(matches!(error.kind(), ErrorKind::WrongType { tensor: "W2", .. }));
    let tensors = TENSORS.replace("[1],\"data_offsets\":[8,12]", "[1],\"data_offsets\":[8,16]");
    let tensors = tensors.replace("[12,20]", "[16,24]").replace("[20,28]", "[24,32]");
    let tensors = tensors.replace(r#""b1":{"dtype":"F32""#, r#""b1":{"dtype":"F64""#);
    let error = refused(&file(&header(METADATA, &tensors), &[0; 32]));
    assert!(matches!(error.kind(), ErrorKind::MixedTypes { tensor: "b1", .. }), "{error}");
    assert_told(&error, "some file", &["b1 has type F64, but W1 has F32"]);
}

#[test]
fn wrong_shapes() {
    for (found, by, wrong, words) in [
        ("[2,1]", "[1,2]", "b1", "shape [1]; expected [2]"),
        ("[2,1]", "[2]", "W1", "shape [2]; expected [inputs, hidden]"),
        ("[2,1]", "[2,1,1]", "W1", "shape [2, 1, 1]"),
        ("[1,2]", "[2]", "W2", "expected [hidden, classes]"),
        ("[1,2]", "[2,1]", "W2", "shape [2, 1]; expected [1, 1]"),
        ("[2],", "[1,2],", "b2", "shape [1, 2]; expected [2]"),
        ("[1],", "[1,1],", "b1", "shape [1, 1]; expected [1]"),
        ("[1],", "[],", "b1", "shape []; expected [1]"),
    ] {
        let error = refused(&with(found, by));
        assert!(matches!(error.kind(), ErrorKind::WrongShape { tensor, .. } if *tensor == wrong), "{error}");
        assert_told(&error, "some file", &[words]);
    }
}

#[test]
fn sizes_of_zero_and_beyond_memory() {
    let tensors = r#""W1":{"dtype":"F32","shape":[0,1],"data_offsets":[0,0]},"b1":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"W2":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]},"b2":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}"#;
    let error = refused(&file(&format!("{{{tensors}}}"), &[0; 12]));
    assert!(matches!(error.kind(), ErrorKind::ImpossibleShape { .. }));
    assert_told(&error, "some file", &["do not form a network", "inputs"]);
    // 2^42 bytes announced, 28 there: neither the slice nor the reader may ask for the memory.
    let end = 1u64 << 42;
    let tensors =
        TENSORS.replace("[2,1]", &format!("[{},1]", 1u64 << 39)).replace("[0,8]", &format!("[0,{}]", 1u64 << 41));
    let tensors = tensors
        .replace("[8,12]", &format!("[{},{}]", 1u64 << 41, (1u64 << 41) + 4))
        .replace("[12,20]", &format!("[{},{}]", (1u64 << 41) + 4, (1u64 << 41) + 12))
        .replace("[20,28]", &format!("[{},{}]", (1u64 << 41) + 12, (1u64 << 41) + 20));
    let bytes = file(&format!("{{{tensors}}}"), &data());
    let error = refused(&bytes);
    assert!(matches!(error.kind(), ErrorKind::Truncated { expected, .. } if *expected < end));
    let error = AnyModel::from_reader("reader", &bytes[..]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
}

#[test]
fn wrong_metadata() {
    for (found, by, words) in [
        ("\"1\"", "\"3\"", "unknown format version \"3\"; expected \"1\" or \"2\""),
        ("2x1x2", "784x50x10", "\"784x50x10\", but its tensors have \"2x1x2\""),
        ("1/255", "1/256", "scaled by \"1/256\"; expected \"1/255\""),
        ("format_version", "version", "has no entry format_version"),
        ("input_scale", "scale", "has no entry input_scale"),
        ("\"shape\":\"", "\"size\":\"", "has no entry shape"),
    ] {
        let error = refused(&with(found, by));
        assert_told(&error, "some file", &[words]);
        let kind = error.kind();
        assert!(
            match by {
                "\"3\"" => matches!(kind, ErrorKind::UnknownVersion { .. }),
                "784x50x10" => matches!(kind, ErrorKind::ShapeMismatch { .. }),
                "1/256" => matches!(kind, ErrorKind::UnknownScale { .. }),
                _ => matches!(kind, ErrorKind::MissingMetadata { .. }),
            },
            "{error}"
        );
    }
    // A later version may have other entries, or none: the error must be about the version.
    let error = refused(&file(&header(r#""format":"twolayer","format_version":"3""#, TENSORS), &data()));
    assert!(matches!(error.kind(), ErrorKind::UnknownVersion { .. }));
}

#[test]
fn weights_that_are_not_finite() {
    let places = [("W1", 1, 0), ("b1", 0, 0), ("W2", 0, 1), ("b2", 0, 1)];
    for (at, (tensor, row, column)) in [1, 2, 4, 6].into_iter().zip(places) {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut data = data();
            data[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
            let error = refused(&file(&header(METADATA, TENSORS), &data));
            assert!(
                matches!(error.kind(), ErrorKind::NotFinite { tensor: t, row: r, column: c } if (*t, *r, *c) == (tensor, row, column)),
                "{error}"
            );
            let words = format!("tensor {tensor} has an infinite or NaN value at row {row}, column {column}");
            assert_told(&error, "some file", &[&words]);
        }
    }
}

#[test]
fn models_that_cannot_be_written() {
    let mut model = Model::new(parameters::<f64>(2, 3, 2));
    model.parameters.set(Parameter::B1, &[0.0, f64::NAN, 0.0]).unwrap();
    let error = model.to_bytes().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFinite { tensor: "b1", row: 0, column: 1 }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let error = model.save(&path).unwrap_err();
    assert_told(&error, path.to_str().unwrap(), &["tensor b1"]);
    assert!(!path.exists());

    let mut model = Model::new(parameters::<f32>(2, 3, 2));
    model.options.insert("long".to_owned(), "x".repeat(1 << 20));
    let error = model.to_bytes().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OptionsTooLong { .. }));
    assert_told(&error, "model in memory", &["shorten them"]);
    model.options.insert("long".to_owned(), "x".repeat((1 << 20) - 1000));
    AnyModel::from_slice("long", &model.to_bytes().unwrap()).unwrap();
}

/// A reader that fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::other("the disk failed")),
            n => Ok(n),
        }
    }
}

#[test]
fn a_failing_reader_is_not_reported_as_a_damaged_file() {
    let sound = sound();
    for n in 0..=sound.len() {
        let error = AnyModel::from_reader("burning", Failing(&sound[..n])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { action: "read", .. }));
        assert_told(&error, "burning", &["cannot read it", "the disk failed"]);
    }
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = AnyModel::load(&missing).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { action: "open", .. }));
    assert_told(&error, missing.to_str().unwrap(), &["cannot open it", "check the path"]);
    let error = AnyModel::load(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "a folder: {error}");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let error = AnyModel::load(&empty).unwrap_err();
    assert_told(&error, empty.to_str().unwrap(), &["an empty file"]);
}
