//! Model files: any bytes are a model or an error; a model is written back the same; a checkpoint trains on.
#![no_main]

mod c;

use libfuzzer_sys::fuzz_target;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::ptr::null_mut;
use twolayer::{tl_network_free, tl_network_load, tl_train, tl_train_options};
use twolayer_core::Float;
use twolayer_model::{AnyModel, Model};

fuzz_target!(|input: &[u8]| {
    let read = AnyModel::from_slice("given", input);
    let streamed = AnyModel::from_reader("given", input);
    match (read, streamed) {
        (Ok(read), Ok(streamed)) => {
            assert_eq!(read, streamed);
            match read {
                AnyModel::F32(model) => check(&model, AnyModel::F32),
                AnyModel::F64(model) => check(&model, AnyModel::F64),
            }
            train_on(input);
        }
        (Err(error), Err(_)) => assert!(error.to_string().starts_with("given: ")),
        (read, streamed) => panic!("read {:?}, streamed {:?}", read.is_ok(), streamed.is_ok()),
    }
});

fn check<T: Float>(model: &Model<T>, of: impl Fn(Model<T>) -> AnyModel) {
    let bytes = model.to_bytes().expect("what was read can be written");
    assert_eq!(AnyModel::from_slice("written", &bytes).expect("what was written can be read"), of(model.clone()));
}

/// Loads the file as a checkpoint with the C library, and takes a step.
fn train_on(input: &[u8]) {
    let file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
    std::fs::write(file.path(), input).unwrap();
    let path = CString::new(file.path().as_os_str().as_bytes()).unwrap();
    let mut network = null_mut();
    // SAFETY: the arguments are as the header asks: a text, a place for the handle, rows as wide as the network.
    unsafe {
        if tl_network_load(path.as_ptr(), &mut network) == 0 {
            let inputs = c::info(network).inputs;
            let (row, mut loss) = (vec![99u8; inputs], 0.0);
            let options = tl_train_options { batch: 1, iterations: 1, ..tl_train_options::default() };
            tl_train(network, c::Matrix::bytes(&row, 1, inputs).read(), &0, 1, &options, &mut loss);
            assert_eq!(tl_network_free(&mut network), 0);
        }
    }
}
