//! What the end-to-end tests share: running the real binary, reading what it wrote, making folders of data.

pub mod chromium;
pub mod server;
#[cfg(target_os = "linux")]
pub mod shim;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use serde_json::Value;

/// The binary under test, in a terminal of no known width.
pub fn twolayer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twolayer"));
    command.env_remove("COLUMNS");
    command
}

/// Sends a signal such as `-INT`.
pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").arg(name).arg(child.id().to_string()).status().unwrap().success());
}

/// The result of a run of the binary.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    #[expect(dead_code, reason = "failing tests show it")]
    pub command: String,
}

impl Ran {
    pub fn new(command: String, output: Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
            command,
        }
    }
}

/// Runs the binary with arguments separated by spaces; `{}` stands for each of `paths` in turn.
pub fn run(arguments: &str, paths: &[&Path]) -> Ran {
    let mut paths = paths.iter();
    let mut command = twolayer();
    for argument in arguments.split_whitespace() {
        match argument {
            "{}" => command.arg(paths.next().expect("a path for each {}")),
            _ => command.arg(argument),
        };
    }
    assert!(paths.next().is_none(), "a {{}} for each path");
    let output = command.output().expect("the binary runs");
    Ran::new(format!("{command:?}"), output)
}

/// Runs the binary, which must succeed with nothing on standard error; returns its standard output.
pub fn ok(arguments: &str, paths: &[&Path]) -> String {
    let ran = run(arguments, paths);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
    ran.stdout
}

/// Runs the binary with `--json`; standard output must be one object on one line.
pub fn json(arguments: &str, paths: &[&Path]) -> Value {
    let stdout = ok(&format!("{arguments} --json"), paths);
    assert_eq!(stdout.matches('\n').count(), 1, "{stdout}");
    let value: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert!(value.is_object(), "{stdout}");
    value
}

/// Runs the binary, which must fail with `code` and one paragraph that contains all of `words`.
pub fn fails(code: i32, arguments: &str, paths: &[&Path], words: &[&str]) -> Ran {
    let ran = run(arguments, paths);
    assert_eq!(ran.code, Some(code), "{ran:#?}");
    assert_paragraph(&ran, words);
    ran
}

/// One paragraph on standard error that begins with `error: `, and no trace of a panic.
pub fn assert_paragraph(ran: &Ran, words: &[&str]) {
    let text = ran.stderr.as_str();
    assert!(text.starts_with("error: ") && text.ends_with('\n'), "{ran:#?}");
    assert!(!text.contains("\n\n") && text.matches("error: ").count() == 1, "not one paragraph: {ran:#?}");
    for sign in ["panicked", "RUST_BACKTRACE", "defect", "\u{1b}"] {
        assert!(!text.contains(sign), "{sign:?} in {ran:#?}");
    }
    for word in words {
        assert!(text.contains(word), "no {word:?} in {ran:#?}");
    }
}

/// A fixture of `tests/fixtures`.
pub fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_str(&fs::read_to_string(path).expect("the fixture is there")).expect("the fixture is JSON")
}

/// The numbers of a JSON list.
pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(float).collect()
}

/// A JSON number.
pub fn float(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// A JSON number without a fraction.
pub fn integer(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}

/// The levels that this processor has, as the program says.
pub fn levels() -> Vec<String> {
    let info = json("info", &[]);
    let levels = info["levels"].as_array().expect("a list").iter();
    levels.map(|name| name.as_str().expect("a name").to_string()).collect()
}

/// The folder of the bundled digits.
pub fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// The folder of MNIST's four files, which are too large to be part of this repository. Tests that need
/// them are skipped with a message, unless TWOLAYER_MNIST names the folder; then it must exist.
pub fn mnist() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("TWOLAYER_MNIST") else {
        // Not by `eprintln!`, which the test harness captures.
        let _ = writeln!(std::io::stderr(), "skipped: set TWOLAYER_MNIST to the folder of MNIST's four files");
        return None;
    };
    let folder = PathBuf::from(folder);
    assert!(folder.is_dir(), "TWOLAYER_MNIST names {}, which is not a folder", folder.display());
    Some(folder)
}

/// A model file, read without the project's own reader.
pub struct Model {
    pub metadata: Value,
    pub dtype: String,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Model {
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("the model is there");
        let (head, rest) = bytes.split_at(8);
        let (header, data) = rest.split_at(u64::from_le_bytes(head.try_into().unwrap()) as usize);
        let header: Value = serde_json::from_slice(header).expect("the header is JSON");
        let mut model = Model { metadata: Value::Null, dtype: String::new(), tensors: BTreeMap::new() };
        for (name, entry) in header.as_object().expect("the header is an object") {
            if name == "__metadata__" {
                model.metadata = entry.clone();
                continue;
            }
            let shape = entry["shape"].as_array().unwrap().iter().map(integer).collect();
            let bytes = &data[integer(&entry["data_offsets"][0])..integer(&entry["data_offsets"][1])];
            model.dtype = entry["dtype"].as_str().unwrap().into();
            let values = match model.dtype.as_str() {
                "F32" => bytes.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
                "F64" => bytes.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
                other => panic!("{name} has the type {other}"),
            };
            model.tensors.insert(name.clone(), (shape, values));
        }
        model
    }

    /// The names of the tensors, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    pub fn shape(&self, name: &str) -> &[usize] {
        &self.tensors[name].0
    }

    pub fn values(&self, name: &str) -> &[f64] {
        &self.tensors[name].1
    }
}

/// An IDX file of bytes.
pub fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

/// An IDX file of labels below 256.
pub fn idx_labels(labels: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = labels.iter().map(|&label| label.try_into().expect("a label below 256")).collect();
    idx(&[labels.len() as u32], &bytes)
}

/// The four names of a data set, images and labels of the training set first.
pub const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// A data set of four images of 2 x 3 pixels in each half, with two classes, as the bytes of its files.
pub fn tiny() -> [Vec<u8>; 4] {
    let pixels = [200, 0, 10, 180, 5, 0, 0, 190, 0, 0, 220, 3];
    let images = idx(&[4, 2, 3], &[pixels, pixels].concat());
    let labels = idx(&[4], &[0, 1, 0, 1]);
    [images.clone(), labels.clone(), images, labels]
}

/// A folder with these files under the names of a data set.
pub fn folder(files: &[Vec<u8>; 4]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in NAMES.iter().zip(files) {
        fs::write(folder.path().join(name), bytes).expect("the file is written");
    }
    folder
}

/// The names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The rows of a file that `--log` wrote: the losses of the iterations 0, 1, 2, ...
pub fn losses(path: &Path) -> Vec<f64> {
    let text = fs::read_to_string(path).expect("the log is there");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("iteration,loss"));
    let row = |(i, line): (usize, &str)| {
        let (iteration, loss) = line.split_once(',').expect("two columns");
        assert_eq!(iteration, i.to_string());
        loss.parse().expect("a number")
    };
    lines.enumerate().map(row).collect()
}
