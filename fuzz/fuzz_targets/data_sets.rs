//! Data sets in a folder: IDX, NumPy, CSV and pictures, or files that are none of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use twolayer_data::{Form, Options};

/// Where the two parts of an input are written.
const PLACES: [[&str; 2]; 8] = [
    ["train.csv", "test.csv"],
    ["only.csv", "notes.txt"],
    ["mnist.npz", "other.npz"],
    ["0/a.png", "1/b.png"],
    ["train/0/a.bmp", "test/0/a.pgm"],
    ["train/a/x.pgm", "train/b/x.gif"],
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
    ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"],
];

// The first byte chooses the places, the second splits the rest between them.
fuzz_target!(|input: &[u8]| {
    let [choice, at, rest @ ..] = input else { return };
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let parts: [&[u8]; 2] = rest.split_at(rest.len() * usize::from(*at) / 255).into();
    let places = PLACES[usize::from(*choice) % PLACES.len()];
    for (place, part) in places.into_iter().zip(parts) {
        let path = folder.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, part).unwrap();
    }
    load(folder.path(), None);
    load(&folder.path().join(places[0]), Some("2"));
});

fn load(path: &Path, label_column: Option<&str>) {
    let options = Options { label_column, progress: None };
    match Form::of(path).and_then(|form| form.load(&options)) {
        Ok((train, test)) => {
            for split in [Some(train), test].into_iter().flatten() {
                assert_eq!(split.images().len(), split.rows() * split.inputs());
                assert_eq!(split.labels().len(), split.rows());
                assert!(split.check_labels(split.classes()).is_ok());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
