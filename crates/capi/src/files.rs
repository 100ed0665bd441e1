//! Model files with their checkpoints, and IDX files.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{MemoryEstimate, Optimizer, OptimizerKind, Parameters, TwoLayerNet};
use twolayer_idx::{Element as IdxElement, Idx};
use twolayer_model::{AnyModel, Model};

use crate::*;

fn load(path: &Path) -> Result<AnyNetwork> {
    let length = std::fs::metadata(path).map_or(0, |found| usize::try_from(found.len()).unwrap_or(usize::MAX));
    memory::check(MemoryEstimate::default().elements(length, 4).elements(memory::READER, 1), 1)?;
    Ok(match AnyModel::load(path)? {
        AnyModel::F32(model) => AnyNetwork::F32(Box::new(Network::of(model, path)?)),
        AnyModel::F64(model) => AnyNetwork::F64(Box::new(Network::of(model, path)?)),
    })
}

/// An optimiser's settings in a checkpoint: its number and those of [`tl_train_options`], in their order.
fn settings<T: Precision>(optimizer: &Optimizer<T>) -> Vec<f64> {
    let mut o = tl_train_options { weight_decay: optimizer.weight_decay(), ..tl_train_options::default() };
    match optimizer.kind() {
        OptimizerKind::Sgd => o.optimizer = TL_SGD,
        OptimizerKind::Momentum { momentum } => (o.optimizer, o.momentum) = (TL_MOMENTUM, momentum),
        OptimizerKind::Nesterov { momentum } => (o.optimizer, o.momentum) = (TL_NESTEROV, momentum),
        OptimizerKind::AdaGrad => o.optimizer = TL_ADAGRAD,
        OptimizerKind::RmsProp { decay_rate } => (o.optimizer, o.decay_rate) = (TL_RMSPROP, decay_rate),
        OptimizerKind::Adam { beta1, beta2 } => (o.optimizer, o.beta1, o.beta2) = (TL_ADAM, beta1, beta2),
    }
    vec![o.optimizer.into(), o.momentum, o.decay_rate, o.beta1, o.beta2, o.weight_decay]
}

impl<T: Precision> Network<T> {
    /// The content of a model file, if there is memory for so many copies of the parameters.
    fn model(&self, copies: usize) -> Result<Model<T>> {
        let need = MemoryEstimate::default().parameters(self.net.shape(), size_of::<T>(), copies);
        memory::check(need.elements(self.draws.order.0.len(), 24).elements(memory::READER, 1), 1)?;
        Ok(Model { activation: self.net.activation, ..Model::new(self.net.parameters.clone()) })
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(self.model(3)?.save(path)?)
    }

    pub fn save_checkpoint(&self, path: &Path) -> Result<()> {
        let mut model = self.model(16)?;
        model.run.insert("settings".into(), settings(&self.optimizer));
        for (i, kept) in self.optimizer.state().iter().enumerate() {
            model.run.insert(format!("optimizer.{i}"), kept.to_f64().to_vec());
        }
        let generator = self.draws.rng.get_seed().into_iter().chain(self.draws.rng.get_word_pos().to_le_bytes());
        let order = [self.draws.order.1].into_iter().chain(self.draws.order.0.iter().copied());
        model.run.insert("iterations".into(), vec![self.optimizer.steps() as f64]);
        model.run.insert("generator".into(), generator.map(f64::from).collect());
        model.run.insert("order".into(), order.map(|row| row as f64).collect());
        Ok(model.save(path)?)
    }

    /// The network of a model file or checkpoint.
    fn of(model: Model<T>, path: &Path) -> Result<Self> {
        let Model { parameters, activation, run, .. } = model;
        let net = TwoLayerNet::new(parameters).with_activation(activation);
        let mut network = Network::new(net, ChaCha8Rng::seed_from_u64(0))?;
        // The program's checkpoints have other settings; their weights are read.
        if run.contains_key("settings") && network.resume(&run).is_none() {
            return refuse(TL_ERROR_FORMAT, format!("{}: the state of its training is damaged", path.display()));
        }
        Ok(network)
    }

    /// Restores the state of the training; `None` if it is damaged.
    fn resume(&mut self, run: &BTreeMap<String, Vec<f64>>) -> Option<()> {
        let &[number, momentum, decay_rate, beta1, beta2, weight_decay] = &run.get("settings")?[..] else {
            return None;
        };
        let optimizer = whole(number)?.try_into().ok()?;
        let options = tl_train_options { optimizer, momentum, decay_rate, beta1, beta2, ..tl_train_options::default() };
        let shape = self.net.shape();
        self.optimizer = Optimizer::new(shape, options.kind().ok()?, weight_decay).ok()?;
        let state = |i| {
            let list: Vec<T> = run.get(&format!("optimizer.{i}"))?.iter().map(|&x| T::from_f64(x)).collect();
            let mut parameters = Parameters::zeros(shape);
            parameters.set_all(&list).ok().map(|()| parameters)
        };
        let state: Vec<_> = (0..self.optimizer.state().len()).map(state).collect::<Option<_>>()?;
        self.optimizer.resume(whole(*run.get("iterations")?.first()?)?, &state).ok()?;
        let bytes = run.get("generator")?.iter().map(|&byte| whole(byte)?.try_into().ok());
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        let (seed, position) = bytes.split_at_checked(32)?;
        self.draws.rng = ChaCha8Rng::from_seed(seed.try_into().ok()?);
        self.draws.rng.set_word_pos(u128::from_le_bytes(position.try_into().ok()?));
        let order: Vec<usize> =
            run.get("order")?.iter().map(|&row| whole(row)?.try_into().ok()).collect::<Option<_>>()?;
        let (&taken, order) = order.split_first()?;
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        self.draws.order = (order.to_vec(), taken);
        (taken <= order.len() && sorted.into_iter().eq(0..order.len())).then_some(())
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
        with!(&*handle::read(network)?, n => n.save(&pointer::path(path)?))
    }

    fn tl_network_save_checkpoint(network: *const tl_network, path: *const c_char) {
        with!(&*handle::read(network)?, n => n.save_checkpoint(&pointer::path(path)?))
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
