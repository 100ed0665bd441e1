//! Written models are read back, by this crate and others, and the bytes are always the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;

use safetensors::{Dtype, SafeTensors};
use twolayer_core::{Float, Parameter};
use twolayer_model::{AnyModel, Model};

use crate::fixtures::{METADATA, TENSORS, bits, data, file, header, model, parameters, sound};

fn round_trip<T: Float>(unwrap: impl Fn(AnyModel) -> Model<T>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for (inputs, hidden, classes) in [(1, 1, 1), (2, 3, 4), (784, 50, 10), (5, 33, 1)] {
        let model = model::<T>(inputs, hidden, classes);
        model.save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes, model.to_bytes().unwrap());
        let loaded = AnyModel::load(&path).unwrap();
        assert_eq!(loaded.shape(), model.parameters.shape());
        assert_eq!(loaded.options(), &model.options);
        for read in [
            loaded,
            AnyModel::from_slice("slice", &bytes).unwrap(),
            AnyModel::from_reader("reader", &bytes[..]).unwrap(),
        ] {
            let read = unwrap(read);
            assert_eq!(bits(&read.parameters), bits(&model.parameters));
            assert_eq!(read, model);
        }
    }
}

#[test]
fn round_trips_in_single_precision() {
    round_trip::<f32>(|any| match any {
        AnyModel::F32(model) => model,
        AnyModel::F64(_) => panic!("read as F64"),
    });
}

#[test]
fn round_trips_in_double_precision() {
    round_trip::<f64>(|any| match any {
        AnyModel::F64(model) => model,
        AnyModel::F32(_) => panic!("read as F32"),
    });
}

/// The format, to the byte: readers of other versions depend on it.
#[test]
fn the_bytes_of_a_small_model() {
    let AnyModel::F32(mut model) = AnyModel::from_slice("sound", &sound()).unwrap() else {
        panic!("read as F64");
    };
    model.options.insert("seed".to_owned(), "0".to_owned());
    let metadata = format!(r#"{METADATA},"train.seed":"0""#);
    let mut expected = header(&metadata, TENSORS);
    while !expected.len().is_multiple_of(8) {
        expected.push(' ');
    }
    assert_eq!(model.to_bytes().unwrap(), file(&expected, &data()));
}

#[test]
fn the_safetensors_crate_reads_what_is_written() {
    let model = model::<f32>(3, 2, 4);
    let bytes = model.to_bytes().unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.len(), 4);
    for (parameter, shape) in Parameter::ALL.into_iter().zip([&[3, 2][..], &[2], &[2, 4], &[4]]) {
        let tensor = tensors.tensor(parameter.name()).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, shape));
        let values = model.parameters.get(parameter).to_vec();
        let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(tensor.data(), expected);
    }
    let (length, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(length % 8, 0, "data are aligned");
    let metadata = metadata.metadata().clone().unwrap();
    let expected = [
        ("format", "twolayer"),
        ("format_version", "1"),
        ("shape", "3x2x4"),
        ("input_scale", "1/255"),
        ("train.learning_rate", "0.1"),
    ];
    for (key, value) in expected {
        assert_eq!(metadata.get(key).map(String::as_str), Some(value));
    }
    assert_eq!(metadata.len(), 4 + model.options.len());
}

/// Options with the names of other metadata entries remain options.
#[test]
fn options_named_like_metadata() {
    let mut model = Model::new(parameters::<f64>(2, 2, 2));
    for name in ["format", "shape", "train.shape", "format_version"] {
        model.options.insert(name.to_owned(), "mine".to_owned());
    }
    let read = AnyModel::from_slice("options", &model.to_bytes().unwrap()).unwrap();
    assert_eq!(read.options(), &model.options);
}

/// Hash maps have a random order in each process and each map, so this tries several of both.
#[test]
fn the_same_model_gives_the_same_bytes_in_every_process() {
    let bytes = model::<f32>(7, 5, 3).to_bytes().unwrap();
    for _ in 0..100 {
        assert!(model::<f32>(7, 5, 3).to_bytes().unwrap() == bytes);
    }
    for _ in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "round_trip::write_for_another_process"])
            .env("TWOLAYER_MODEL_TEST_OUT", &path)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        assert!(fs::read(&path).unwrap() == bytes);
    }
}

/// Run by `the_same_model_gives_the_same_bytes_in_every_process` in a child process; otherwise it does nothing.
#[test]
fn write_for_another_process() {
    let Some(path) = std::env::var_os("TWOLAYER_MODEL_TEST_OUT") else {
        return;
    };
    model::<f32>(7, 5, 3).save(path).unwrap();
}

#[test]
fn other_programs_files_are_read_with_defaults() {
    // Without metadata; with other programs' metadata; with the tensors in another order, and keys in another.
    let reordered = r#""b2":{"shape":[2],"dtype":"F32","data_offsets":[0,8]},"b1":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"W2":{"dtype":"F32","data_offsets":[12,20],"shape":[1,2]},"W1":{"dtype":"F32","shape":[2,1],"data_offsets":[20,28]}"#;
    for (header, values) in [
        (format!("{{{TENSORS}}}"), [1., 2., 3., 4., 5., 6., 7.]),
        (header(r#""format":"pt","format_version":"9","shape":"odd""#, TENSORS), [1., 2., 3., 4., 5., 6., 7.]),
        (format!("{{{reordered}}}      "), [6., 7., 3., 4., 5., 1., 2.]),
    ] {
        let AnyModel::F32(read) = AnyModel::from_slice("foreign", &file(&header, &data())).unwrap() else {
            panic!("read as F64");
        };
        assert_eq!(read.parameters.to_vec(), values);
        assert_eq!(read.options, BTreeMap::new());
    }
}

/// The length of a pipe is unknown.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_under_a_path() {
    use std::os::fd::AsRawFd;

    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&sound()).unwrap();
    drop(writer);
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    assert_eq!(AnyModel::load(path).unwrap().shape().inputs(), 2);
}

/// Longer than the pieces in which tensors are read.
#[test]
fn a_large_model() {
    let model = Model::new(parameters::<f64>(1000, 129, 17));
    let bytes = model.to_bytes().unwrap();
    for read in [AnyModel::from_slice("slice", &bytes).unwrap(), AnyModel::from_reader("reader", &bytes[..]).unwrap()] {
        assert!(read == AnyModel::F64(model.clone()));
    }
}
