//! Model files with their checkpoints, and IDX files.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{MemoryEstimate, Optimizer, OptimizerKind, Parameters, TwoLayerNet};
use twolayer_idx::{Element as IdxElement, Idx};
use twolayer_model::{AnyModel, Model};

use crate::handle::{self, tl_network};
use crate::matrix::{
    Element, Precision, TL_F32, TL_F64, TL_I8, TL_I16, TL_I32, TL_U8, tl_matrix_out, tl_type, wrong_type,
};
use crate::memory;
use crate::network::{AnyNetwork, Network, with};
use crate::pointer::{self, Out};
use crate::status::{Result, TL_ERROR_FORMAT, TL_ERROR_LENGTH, refuse};

fn load(path: &Path) -> Result<AnyNetwork> {
    let length = std::fs::metadata(path).map_or(0, |found| usize::try_from(found.len()).unwrap_or(usize::MAX));
    memory::check(MemoryEstimate::default().elements(length, 4).elements(memory::READER, 1), 1)?;
    Ok(match AnyModel::load(path)? {
        AnyModel::F32(model) => AnyNetwork::F32(Box::new(Network::of(model, path)?)),
        AnyModel::F64(model) => AnyNetwork::F64(Box::new(Network::of(model, path)?)),
    })
}

/// The names of optimisers in checkpoints, which are those of the program.
const OPTIMIZERS: [&str; 6] = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"];

/// The settings of an optimiser, by name.
fn settings(kind: OptimizerKind, weight_decay: f64) -> BTreeMap<String, String> {
    let (index, numbers) = match kind {
        OptimizerKind::Sgd => (0, vec![]),
        OptimizerKind::Momentum { momentum } => (1, vec![("momentum", momentum)]),
        OptimizerKind::Nesterov { momentum } => (2, vec![("momentum", momentum)]),
        OptimizerKind::AdaGrad => (3, vec![]),
        OptimizerKind::RmsProp { decay_rate } => (4, vec![("decay_rate", decay_rate)]),
        OptimizerKind::Adam { beta1, beta2 } => (5, vec![("beta1", beta1), ("beta2", beta2)]),
    };
    let numbers = numbers.into_iter().chain([("weight_decay", weight_decay)]);
    let texts = numbers.map(|(name, number)| (name.to_owned(), format!("{number:?}")));
    texts.chain([("optimizer".to_owned(), OPTIMIZERS[index].to_owned())]).collect()
}

/// The optimiser of these settings; those that are not given have their defaults. `None` if one is damaged.
fn kind(settings: &BTreeMap<String, String>) -> Option<(OptimizerKind, f64)> {
    let number = |name: &str, default: f64| settings.get(name).map_or(Some(default), |text| text.parse().ok());
    let momentum = number("momentum", 0.9)?;
    let kind = match settings.get("optimizer").map_or("sgd", String::as_str) {
        "sgd" => OptimizerKind::Sgd,
        "momentum" => OptimizerKind::Momentum { momentum },
        "nesterov" => OptimizerKind::Nesterov { momentum },
        "adagrad" => OptimizerKind::AdaGrad,
        "rmsprop" => OptimizerKind::RmsProp { decay_rate: number("decay_rate", 0.99)? },
        "adam" => OptimizerKind::Adam { beta1: number("beta1", 0.9)?, beta2: number("beta2", 0.999)? },
        _ => return None,
    };
    Some((kind, number("weight_decay", 0.0)?))
}

impl<T: Precision> Network<T> {
    /// The content of a model file, if there is memory for so many copies of the parameters.
    fn model(&self, copies: usize) -> Result<Model<T>> {
        let need = MemoryEstimate::default().parameters(self.net.shape(), size_of::<T>(), copies);
        memory::check(need.elements(self.order.0.len(), 24).elements(memory::READER, 1), 1)?;
        Ok(Model { activation: self.net.activation, ..Model::new(self.net.parameters.clone()) })
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(self.model(3)?.save(path)?)
    }

    pub fn save_checkpoint(&self, path: &Path) -> Result<()> {
        let mut model = self.model(16)?;
        model.options = settings(self.optimizer.kind(), self.optimizer.weight_decay());
        for (i, kept) in self.optimizer.state().iter().enumerate() {
            model.run.insert(format!("optimizer.{i}"), kept.to_f64().to_vec());
        }
        let generator = self.rng.get_seed().into_iter().chain(self.rng.get_word_pos().to_le_bytes());
        let order = [self.order.1].into_iter().chain(self.order.0.iter().copied());
        model.run.insert("iterations".into(), vec![self.optimizer.steps() as f64]);
        model.run.insert("generator".into(), generator.map(f64::from).collect());
        model.run.insert("order".into(), order.map(|row| row as f64).collect());
        Ok(model.save(path)?)
    }

    /// The network of a model file or checkpoint.
    fn of(model: Model<T>, path: &Path) -> Result<Self> {
        let Model { parameters, activation, run, options } = model;
        let net = TwoLayerNet::new(parameters).with_activation(activation);
        let mut network = Network::new(net, ChaCha8Rng::seed_from_u64(0))?;
        if !run.is_empty() && network.resume(&run, &options).is_none() {
            return refuse(TL_ERROR_FORMAT, format!("{}: the state of its training is damaged", path.display()));
        }
        Ok(network)
    }

    /// Restores the state of the training; `None` if it is damaged. A checkpoint of the program has no generator.
    fn resume(&mut self, run: &BTreeMap<String, Vec<f64>>, options: &BTreeMap<String, String>) -> Option<()> {
        let (shape, (kind, weight_decay)) = (self.net.shape(), kind(options)?);
        self.optimizer = Optimizer::new(shape, kind, weight_decay).ok()?;
        let state = |i| {
            let list: Vec<T> = run.get(&format!("optimizer.{i}"))?.iter().map(|&x| T::from_f64(x)).collect();
            let mut parameters = Parameters::zeros(shape);
            parameters.set_all(&list).ok().map(|()| parameters)
        };
        let state: Vec<_> = (0..self.optimizer.state().len()).map(state).collect::<Option<_>>()?;
        self.optimizer.resume(whole(*run.get("iterations")?.first()?)?, &state).ok()?;
        if let Some(generator) = run.get("generator") {
            let bytes: Vec<u8> = generator.iter().map(|&byte| whole(byte)?.try_into().ok()).collect::<Option<_>>()?;
            let (seed, position) = bytes.split_at_checked(32)?;
            self.rng = ChaCha8Rng::from_seed(seed.try_into().ok()?);
            self.rng.set_word_pos(u128::from_le_bytes(position.try_into().ok()?));
        }
        if let Some((&taken, order)) = run.get("order").and_then(|list| list.split_first()) {
            let row = |&row: &f64| usize::try_from(whole(row)?).ok().filter(|&row| row < order.len());
            self.order = (order.iter().map(row).collect::<Option<_>>()?, usize::try_from(whole(taken)?).ok()?);
            let mut seen = vec![false; order.len()];
            let is_new = |&row: &usize| !std::mem::replace(&mut seen[row], true);
            return (self.order.0.iter().all(is_new) && self.order.1 <= order.len()).then_some(());
        }
        Some(())
    }
}

/// A number that is an integer.
fn whole(x: f64) -> Option<u64> {
    (x >= 0.0 && x.fract() == 0.0 && x < 9e15).then_some(x as u64)
}

fn read<E: Element + IdxElement>(path: &Path, elements: tl_matrix_out) -> Result<()> {
    let elements = elements.contiguous::<E>("elements")?;
    memory::check(MemoryEstimate::default().elements(memory::READER, 1), 1)?;
    Idx::load_into(path, elements)?;
    Ok(())
}

functions! {
    fn tl_network_save(network: *const tl_network, path: *const c_char) {
        let path = pointer::path(path)?;
        with!(&*handle::read(network)?, n => n.save(&path))
    }

    fn tl_network_save_checkpoint(network: *const tl_network, path: *const c_char) {
        let path = pointer::path(path)?;
        with!(&*handle::read(network)?, n => n.save_checkpoint(&path))
    }

    fn tl_network_load(path: *const c_char, network: *mut *mut tl_network) {
        handle::hand_over(pointer::path(path).and_then(|path| load(&path)), network)
    }

    fn tl_idx_info(
        path: *const c_char, r#type: *mut tl_type, dimensions: *mut usize, sizes: *mut usize, sizes_length: usize,
    ) {
        let (element, count) = (Out::new(r#type, 1, "type"), Out::new(dimensions, 1, "dimensions"));
        let spans = [element.span()?, count.span()?];
        let (path, to) = (pointer::path(path)?, Out::new(sizes, sizes_length, "sizes").slice(&spans)?);
        let (element, count) = (element.slice(&spans[1..])?, count.slice(&[])?);
        memory::check(MemoryEstimate::default().elements(memory::READER, 1), 1)?;
        let (found, sizes) = Idx::peek(path)?;
        (element[0], count[0]) = (found.code().into(), sizes.len());
        let Some(to) = to.get_mut(..sizes.len()) else {
            let text = format!("sizes has room for {sizes_length}; the file has {} dimensions", sizes.len());
            return refuse(TL_ERROR_LENGTH, text);
        };
        to.copy_from_slice(&sizes);
        Ok(())
    }

    fn tl_idx_read(path: *const c_char, elements: tl_matrix_out) {
        let path = &pointer::path(path)?;
        match elements.r#type() {
            TL_U8 => read::<u8>(path, elements),
            TL_I8 => read::<i8>(path, elements),
            TL_I16 => read::<i16>(path, elements),
            TL_I32 => read::<i32>(path, elements),
            TL_F32 => read::<f32>(path, elements),
            TL_F64 => read::<f64>(path, elements),
            other => wrong_type("elements", other, "a tl_type"),
        }
    }

    fn tl_idx_read_labels(path: *const c_char, labels: *mut u32, count: usize) {
        let (path, labels) = (pointer::path(path)?, Out::new(labels, count, "labels").slice(&[])?);
        memory::check(MemoryEstimate::default().elements(memory::READER, 1).elements(count, 1), 1)?;
        let mut bytes = vec![0u8; count];
        Idx::load_into(path, &mut bytes)?;
        labels.iter_mut().zip(bytes).for_each(|(label, byte)| *label = byte.into());
        Ok(())
    }
}
