//! Reading images and labels: the bundled digits, and MNIST where `TWOLAYER_MNIST` names its folder; raw and gzip, with
//! the files in the system's cache. Bytes are those of the pixels.
//!
//! `first-row` ends when the first image can be read, `pixels` when every pixel has been read. Peers of the latter: the
//! standard library's `fs::read` for raw files, flate2's decoder into a fresh vector for gzip; they leave out the labels
//! and all checks.

use common::{data, group};
use criterion::{Criterion, Throughput};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use twolayer_idx::{Idx, Packing, Part, Split};

/// A training set's images and labels, as raw files and as gzip files.
struct Files {
    name: &'static str,
    raw: (PathBuf, PathBuf),
    gzip: (PathBuf, PathBuf),
    pixels: Vec<u8>,
}

impl Files {
    /// The training set in `folder`, in both forms; missing forms are created in `scratch`.
    fn new(name: &'static str, folder: &Path, scratch: &Path) -> Files {
        let (images, labels) = Part::Train.find(folder).expect("a training set");
        let form = |path: &Path, packing, suffix: &str| {
            let gzip = fs::read(path).expect("a file").starts_with(&[0x1f, 0x8b]);
            if gzip == (packing == Packing::Gzip) {
                return path.to_owned();
            }
            let stem = path.file_stem().expect("a name").to_string_lossy();
            let other = scratch.join(format!("{name}-{stem}{suffix}"));
            Idx::load(path).expect("an IDX file").save(&other, packing).expect("a file saved");
            other
        };
        let both = |packing, suffix| (form(&images, packing, suffix), form(&labels, packing, suffix));
        let pixels = Split::load(&images, &labels).expect("a training set").images().to_vec();
        assert!(pixels.iter().any(|&p| p > 0));
        Files { name, raw: both(Packing::Raw, ""), gzip: both(Packing::Gzip, ".gz"), pixels }
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks(4096).map(|part| u64::from(part.iter().map(|&p| u32::from(p)).sum::<u32>())).sum()
}

fn load((images, labels): &(PathBuf, PathBuf)) -> Split {
    Split::load(images, labels).expect("a training set")
}

fn unpack(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).expect("a file")).read_to_end(&mut bytes).expect("gzip");
    bytes
}

fn bench(c: &mut Criterion, files: &Files) {
    let inputs = load(&files.raw).inputs();
    let expected = sum(&files.pixels);
    for (packing, paths) in [("raw", &files.raw), ("gzip", &files.gzip)] {
        let case = format!("{}-{packing}", files.name);
        assert!(load(paths).images() == files.pixels, "{case}: other pixels");
        let mut first = group(c, "idx", &format!("{case}-first-row"), Throughput::Elements(1));
        first.bench_function("twolayer-idx", |b| b.iter(|| sum(&load(paths).images()[..inputs])));
        first.finish();

        let work = Throughput::Bytes(files.pixels.len() as u64);
        let mut pixels = group(c, "idx", &format!("{case}-pixels"), work);
        if files.pixels.len() > 1 << 20 {
            common::slow(&mut pixels);
        }
        pixels.bench_function("twolayer-idx", |b| b.iter(|| assert_eq!(sum(load(paths).images()), expected)));
        let (peer, read): (_, fn(&Path) -> Vec<u8>) = match packing {
            "raw" => ("fs-read", |path| fs::read(path).expect("a file")),
            _ => ("flate2", unpack),
        };
        pixels.bench_function(peer, |b| {
            b.iter(|| {
                let file = read(black_box(&paths.0));
                assert_eq!(sum(&file[file.len() - files.pixels.len()..]), expected);
            });
        });
    }
}

fn reading(c: &mut Criterion) {
    let scratch = tempfile::tempdir().expect("a folder for files");
    bench(c, &Files::new("bundled", &data::bundled_folder(), scratch.path()));
    match data::mnist_folder() {
        Some(folder) => bench(c, &Files::new("mnist", &folder, scratch.path())),
        None => eprintln!("TWOLAYER_MNIST names no folder: MNIST is left out"),
    }
}

fn main() {
    common::run(&[reading]);
}
