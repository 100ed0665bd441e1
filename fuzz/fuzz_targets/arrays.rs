//! Other programs' files: NumPy's npy and npz, and PyTorch's layers as safetensors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use twolayer_core::Float;
use twolayer_interchange::{c, npz, onnx, read};
use twolayer_model::{AnyModel, Model};
use twolayer_numpy::Archive;

fuzz_target!(|input: &[u8]| {
    if let Ok(mut archive) = Archive::new(Cursor::new(input)) {
        for name in archive.files().unwrap_or_default() {
            let name = name.trim_end_matches(".npy");
            let _ = archive.text(name);
            let Ok(array) = archive.array(name) else { continue };
            let bytes = array.sizes.iter().product::<usize>() * array.kind.size();
            assert_eq!((array.bytes.len(), array.in_c_order().bytes.len()), (bytes, bytes));
        }
    }
    for layers in [None, Some(["fc1", "fc2"])] {
        match read("given", input, layers) {
            Ok((_, AnyModel::F32(model))) => write(&model),
            Ok((_, AnyModel::F64(model))) => write(&model),
            Err(error) => assert!(error.to_string().starts_with("given")),
        }
    }
});

/// What was read can be written for others.
fn write<T: Float>(model: &Model<T>) {
    let bytes = npz::write(&model.parameters, model.activation).unwrap();
    assert!(read("written", &bytes, None).is_ok());
    onnx::write(model).unwrap();
    c::write(model, "model").unwrap();
}
