//! Decodes safetensors files. Nothing in them is trusted before it is checked.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use twolayer_core::{Activation, Float, MemoryEstimate, Parameter, Parameters, Shape};

use crate::error::ErrorKind;
use crate::format::{FORMAT, FORMAT_VERSIONS, INPUT_SCALE, MAX_HEADER, OPTION, RUN, shape_text, sizes};
use crate::kind::FileKind;
use crate::model::{AnyModel, Model, check_finite};
use crate::precision::Precision;

/// A training run's state, by name.
type Lists = BTreeMap<String, Vec<f64>>;

type Result<T> = std::result::Result<T, ErrorKind>;

/// Bytes before the header: its length.
const PREFIX: usize = 8;

/// Bytes read at a time; a multiple of both element sizes.
const PIECE: usize = 64 << 10;

/// Reads a model from a reader of `length` bytes, if known.
pub(crate) fn model(reader: impl Read, length: Option<u64>) -> Result<AnyModel> {
    let mut input = Input { reader, at: 0, length };
    let header = header(&mut input)?;
    let version = version(&header)?;
    check_names(&header, version)?;
    let precision = check_types(&header)?;
    let shape = check_shapes(&header)?;
    let checked = check_metadata(header.metadata(), shape)?;
    input.check_length(input.at.saturating_add(header.data_len() as u64))?;
    // The numbers as read, and the network that is made of them. Where the length is not known, the header may boast.
    let need = MemoryEstimate::default().parameters(shape, precision.size(), 1).elements(header.data_len(), 1);
    if input.length.is_some() && !need.is_available() {
        return Err(ErrorKind::OutOfMemory { bytes: need.bytes() });
    }
    Ok(match precision {
        Precision::F32 => AnyModel::F32(checked.model(tensors(&mut input, &header, shape)?)),
        Precision::F64 => AnyModel::F64(checked.model(tensors(&mut input, &header, shape)?)),
    })
}

/// Reads the header. The safetensors crate checks that the tensors fill the data without gap or overlap and that their
/// lengths match their shapes and types.
fn header(input: &mut Input<impl Read>) -> Result<Metadata> {
    // The header begins with a brace: so do no other files that happen to begin with a plausible length.
    let mut start = [0; PREFIX + 1];
    let n = input.read(&mut start)?;
    let [prefix @ .., brace] = start;
    let length = u64::from_le_bytes(prefix);
    let plausible = (2..=MAX_HEADER as u64).contains(&length);
    if !plausible || brace != b'{' {
        return Err(other_kind(input, &start[..n], Some(length).filter(|_| plausible && n >= PREFIX))?);
    }
    let mut bytes = vec![brace; length as usize];
    input.fill(&mut bytes[1..], PREFIX as u64 + length)?;
    serde_json::from_slice(&bytes).map_err(|error| ErrorKind::CorruptHeader { reason: error.to_string() })
}

/// What is wrong with a file that does not begin as safetensors do, by its start and the rest; `length` is that of its
/// header, if there may be one.
fn other_kind(input: &mut Input<impl Read>, start: &[u8], length: Option<u64>) -> Result<ErrorKind> {
    let (n, mut head) = (start.len(), start.to_vec());
    head.resize(FileKind::HEAD, 0);
    let more = input.read(&mut head[n..])?;
    head.truncate(n + more);
    let found = n as u64;
    Ok(match (FileKind::of(&head), length) {
        (FileKind::Unknown, _) if n < PREFIX => ErrorKind::Truncated { expected: PREFIX as u64, found },
        (FileKind::Unknown, Some(header)) if n == PREFIX => {
            ErrorKind::Truncated { expected: PREFIX as u64 + header, found }
        }
        (FileKind::Unknown, Some(_)) => ErrorKind::CorruptHeader { reason: "it does not begin with {".into() },
        (found, _) => ErrorKind::NotAModel { found },
    })
}

/// The format version in the metadata, if the file has this format. It decides what else the file may contain.
fn version(header: &Metadata) -> Result<Option<&str>> {
    let ours = header.metadata().as_ref().filter(|m| m.get("format").is_some_and(|name| name == FORMAT));
    match ours.and_then(|metadata| metadata.get("format_version")) {
        Some(found) if !FORMAT_VERSIONS.contains(&found.as_str()) => {
            Err(ErrorKind::UnknownVersion { found: found.clone() })
        }
        version => Ok(version.map(String::as_str)),
    }
}

/// Checks that the four tensors are present, and no others except the state of a run.
fn check_names(header: &Metadata, version: Option<&str>) -> Result<()> {
    let mut found = header.offset_keys();
    found.sort();
    let names = Parameter::ALL.map(Parameter::name);
    if let Some(tensor) = names.into_iter().find(|&name| header.info(name).is_none()) {
        return Err(ErrorKind::MissingTensor { tensor, found });
    }
    let second = version == Some(FORMAT_VERSIONS[1]);
    let is_list = |name: &String| header.info(name).is_some_and(|i| i.dtype == Dtype::F64 && i.shape.len() == 1);
    let belongs = |name: &String| names.contains(&name.as_str()) || second && name.starts_with(RUN) && is_list(name);
    found.retain(|name| !belongs(name));
    match found.is_empty() {
        true => Ok(()),
        false => Err(ErrorKind::ExtraTensors { found }),
    }
}

/// Those of the four tensors that are present.
fn infos(header: &Metadata) -> impl Iterator<Item = (Parameter, &TensorInfo)> {
    Parameter::ALL.into_iter().filter_map(|parameter| Some((parameter, header.info(parameter.name())?)))
}

/// Checks that all tensors have one of the two types; returns it.
fn check_types(header: &Metadata) -> Result<Precision> {
    let mut first = None;
    for (parameter, info) in infos(header) {
        let tensor = parameter.name();
        let found = info.dtype.to_string();
        let precision = match info.dtype {
            Dtype::F32 => Precision::F32,
            Dtype::F64 => Precision::F64,
            _ => return Err(ErrorKind::WrongType { tensor, found }),
        };
        let expected = *first.get_or_insert(precision);
        if precision != expected {
            let expected = expected.to_string();
            return Err(ErrorKind::MixedTypes { tensor, found, expected });
        }
    }
    Ok(first.unwrap_or(Precision::F32))
}

/// Checks that the tensors' sizes are those of one network; returns its shape.
fn check_shapes(header: &Metadata) -> Result<Shape> {
    let dims = |parameter: Parameter, expected: &str| {
        let found = header.info(parameter.name()).map(|info| &info.shape);
        match found.map(Vec::as_slice) {
            Some(&[rows, columns]) => Ok((rows, columns)),
            found => Err(ErrorKind::WrongShape {
                tensor: parameter.name(),
                found: found.unwrap_or_default().to_vec(),
                expected: expected.to_owned(),
            }),
        }
    };
    // The two matrices determine the shape; the other sizes must match it.
    let (inputs, hidden) = dims(Parameter::W1, "[inputs, hidden]")?;
    let (_, classes) = dims(Parameter::W2, "[hidden, classes]")?;
    let shape = Shape::new(inputs, hidden, classes)
        .map_err(|error| ErrorKind::ImpossibleShape { reason: error.to_string() })?;
    for (parameter, info) in infos(header) {
        let expected = sizes(parameter, shape);
        if info.shape != expected {
            return Err(ErrorKind::WrongShape {
                tensor: parameter.name(),
                found: info.shape.clone(),
                expected: format!("{expected:?}"),
            });
        }
    }
    Ok(shape)
}

/// The content of the metadata.
#[derive(Default)]
struct Checked {
    activation: Activation,
    options: BTreeMap<String, String>,
}

impl Checked {
    fn model<T: Float>(self, (parameters, run): (Parameters<T>, Lists)) -> Model<T> {
        let Checked { activation, options } = self;
        Model { parameters, activation, run, options }
    }
}

/// Checks that metadata of this format agrees with the tensors. Another program's metadata is ignored.
fn check_metadata(metadata: &Option<HashMap<String, String>>, shape: Shape) -> Result<Checked> {
    let Some(metadata) = metadata.as_ref().filter(|metadata| metadata.get("format").is_some_and(|name| name == FORMAT))
    else {
        return Ok(Checked::default());
    };
    let entry = |key| metadata.get(key).cloned().ok_or(ErrorKind::MissingMetadata { key });
    let found = entry("format_version")?;
    let activation = match found == FORMAT_VERSIONS[0] {
        true => Activation::Sigmoid,
        false => {
            let found = entry("activation")?;
            Activation::by_name(&found).map_err(|_| ErrorKind::UnknownActivation { found })?
        }
    };
    let (found, expected) = (entry("shape")?, shape_text(shape));
    if found != expected {
        return Err(ErrorKind::ShapeMismatch { found, expected });
    }
    let found = entry("input_scale")?;
    if found != INPUT_SCALE {
        return Err(ErrorKind::UnknownScale { found });
    }
    let option = |(key, value): (&String, &String)| Some((key.strip_prefix(OPTION)?.to_owned(), value.clone()));
    let options: BTreeMap<String, String> = metadata.iter().filter_map(option).collect();
    match options.get("engine") {
        Some(engine) if engine != "float" => Err(ErrorKind::UnknownEngine { found: engine.clone() }),
        _ => Ok(Checked { activation, options }),
    }
}

/// Reads the tensors, in whichever order the file has them.
fn tensors<T: Float>(input: &mut Input<impl Read>, header: &Metadata, shape: Shape) -> Result<(Parameters<T>, Lists)> {
    let names = header.offset_keys();
    let end = input.at + header.data_len() as u64;
    let (mut read, mut run) = (Vec::new(), BTreeMap::new());
    for name in names {
        let length = header.info(&name).map_or(0, |info| info.shape.iter().product());
        match Parameter::ALL.into_iter().find(|parameter| parameter.name() == name) {
            Some(parameter) => read.push((parameter, input.numbers::<T>(length, end)?)),
            None => {
                let numbers = input.numbers::<f64>(length, end)?;
                run.insert(name.strip_prefix(RUN).unwrap_or(&name).to_owned(), numbers);
            }
        }
    }
    input.end()?;
    // Allocated only now: all numbers have been read, so the sizes are correct.
    let mut parameters = Parameters::zeros(shape);
    for (parameter, numbers) in read {
        parameters
            .set(parameter, &numbers)
            .map_err(|error| ErrorKind::ImpossibleShape { reason: error.to_string() })?;
    }
    check_finite(&parameters)?;
    Ok((parameters, run))
}

/// A reader with its position.
struct Input<R> {
    reader: R,
    /// Bytes read so far.
    at: u64,
    /// The total number of bytes, if known.
    length: Option<u64>,
}

impl<R: Read> Input<R> {
    /// Fills `out`, or returns an error that the file is shorter than `expected` bytes.
    fn fill(&mut self, out: &mut [u8], expected: u64) -> Result<()> {
        let n = self.read(out)?;
        if n < out.len() {
            let found = self.at;
            return Err(ErrorKind::Truncated { expected, found });
        }
        Ok(())
    }

    /// Reads until `out` is full or the reader ends; returns the number of bytes read.
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            match self.reader.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let action = "read";
                    return Err(ErrorKind::Io { action, error });
                }
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }

    /// Compares the length announced by the header with the known one.
    fn check_length(&self, expected: u64) -> Result<()> {
        match self.length {
            Some(found) if found < expected => Err(ErrorKind::Truncated { expected, found }),
            Some(found) if found > expected => {
                let found = Some(found);
                Err(ErrorKind::TrailingBytes { expected, found })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Reads `n` numbers of a file that should end at `end`.
    fn numbers<T: Float>(&mut self, n: usize, end: u64) -> Result<Vec<T>> {
        let precision = Precision::of::<T>();
        let size = precision.size();
        let mut piece = vec![0; PIECE.min(n * size)];
        let mut numbers = Vec::new();
        while numbers.len() < n {
            let step = (PIECE / size).min(n - numbers.len());
            let piece = &mut piece[..step * size];
            self.fill(piece, end)?;
            // All at once if the file is that long; else it grows by doubling, only after as much has been read.
            let more = if self.length.is_some() { n - numbers.len() } else { step };
            numbers.try_reserve(more).map_err(|_| ErrorKind::OutOfMemory { bytes: 2 * u128::from(end) })?;
            precision.decode(piece, &mut numbers);
        }
        Ok(numbers)
    }

    /// Checks that nothing follows.
    fn end(&mut self) -> Result<()> {
        let expected = self.at;
        match self.read(&mut [0])? {
            0 => Ok(()),
            _ => {
                let found = None;
                Err(ErrorKind::TrailingBytes { expected, found })
            }
        }
    }
}
