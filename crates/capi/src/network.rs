//! Networks of either element type: creation, settings, parameters.

use std::ffi::c_char;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{
    Activation, Init, Level, MemoryEstimate, Optimizer, OptimizerKind, Parameter, Parameters, Shape, Threads,
    TwoLayerNet,
};

use crate::handle::{self, tl_network};
use crate::machine;
use crate::matrix::{Precision, Target, tl_matrix, tl_matrix_out, tl_type, wrong_type};
use crate::memory;
use crate::pointer::{self, one};
use crate::predict::Inference;
use crate::sized::{self, Versioned};
use crate::status::{Result, TL_ERROR_LENGTH, TL_ERROR_OPTION, refuse, tl_status};
use crate::train::Training;

pub type tl_activation = i32;
pub const TL_SIGMOID: tl_activation = 0;
pub const TL_RELU: tl_activation = 1;

pub type tl_init = i32;
pub const TL_NORMAL: tl_init = 0;
pub const TL_XAVIER: tl_init = 1;
pub const TL_HE: tl_init = 2;

pub type tl_parameter = i32;
pub const TL_ALL: tl_parameter = 0;
pub const TL_W1: tl_parameter = 1;
pub const TL_B1: tl_parameter = 2;
pub const TL_W2: tl_parameter = 3;
pub const TL_B2: tl_parameter = 4;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_network_options {
    pub size: usize,
    pub activation: tl_activation,
    pub init: tl_init,
    pub init_std: f64,
    pub seed: u64,
}

impl Default for tl_network_options {
    fn default() -> Self {
        let (activation, init, init_std, seed) = (TL_SIGMOID, TL_NORMAL, 0.01, 0);
        tl_network_options { size: size_of::<Self>(), activation, init, init_std, seed }
    }
}

// SAFETY: plain numbers, the first of them the size.
unsafe impl Versioned for tl_network_options {
    const NAME: &'static str = "tl_network_options";
    const FIRST: usize = std::mem::offset_of!(tl_network_options, seed) + size_of::<u64>();
}

/// A network with the state of its training: the optimiser, the generator of batches, and, once batches were shuffled,
/// the order of the rows and how many of them were taken.
pub(crate) struct Network<T: Precision> {
    pub net: TwoLayerNet<T>,
    pub optimizer: Optimizer<T>,
    pub rng: ChaCha8Rng,
    pub order: (Vec<usize>, usize),
}

/// A network of either element type. The trait object keeps the code for `f64` out of programs that never make such a
/// network: nothing else refers to it.
pub(crate) enum AnyNetwork {
    F32(Box<Network<f32>>),
    F64(Box<dyn Operations>),
}

/// What the interface does with a network of whichever element type.
pub(crate) trait Operations: Basics + Inference + Training + Send + Sync {}

impl<T: Precision> Operations for Network<T> {}

/// Evaluates an expression of the network, whatever its element type.
macro_rules! with {
    ($any:expr, $network:ident => $body:expr) => {
        match $any {
            $crate::network::AnyNetwork::F32($network) => $body,
            $crate::network::AnyNetwork::F64($network) => $body,
        }
    };
}
pub(crate) use with;

/// A network's settings.
pub(crate) struct Info {
    r#type: tl_type,
    shape: Shape,
    activation: Activation,
    iterations: u64,
    threads: usize,
    level: Level,
}

/// Settings, parameters and files.
pub(crate) trait Basics {
    fn info(&self) -> Info;
    fn set_seed(&mut self, seed: u64);
    fn set_threads(&mut self, threads: Threads);
    fn set_level(&mut self, level: Level);
    /// # Safety
    /// As [`Target::new`].
    unsafe fn get_parameters(&self, parameter: tl_parameter, values: tl_matrix_out) -> Result<()>;
    /// # Safety
    /// As [`tl_matrix::floats`].
    unsafe fn set_parameters(&mut self, parameter: tl_parameter, values: tl_matrix) -> Result<()>;
    fn save(&self, path: &Path) -> Result<()>;
    fn save_checkpoint(&self, path: &Path) -> Result<()>;
}

impl<T: Precision> Network<T> {
    /// At the best level, with a number of threads chosen by measuring, before any training.
    pub fn new(net: TwoLayerNet<T>, rng: ChaCha8Rng) -> Result<Self> {
        let optimizer = Optimizer::new(net.shape(), OptimizerKind::Sgd, 0.0)?;
        Ok(Network { net, optimizer, rng, order: (Vec::new(), 0) })
    }

    /// The most threads of its calls.
    pub fn threads(&self) -> usize {
        self.net.threads.count()
    }
}

impl<T: Precision> Basics for Network<T> {
    fn info(&self) -> Info {
        let (activation, level) = (self.net.activation, self.net.level);
        let (iterations, threads) = (self.optimizer.steps(), self.threads());
        Info { r#type: T::TYPE, shape: self.net.shape(), activation, iterations, threads, level }
    }

    fn set_seed(&mut self, seed: u64) {
        (self.rng, self.order) = (ChaCha8Rng::seed_from_u64(seed), (Vec::new(), 0));
    }

    fn set_threads(&mut self, threads: Threads) {
        self.net.threads = threads;
    }

    fn set_level(&mut self, level: Level) {
        self.net.level = level;
    }

    unsafe fn get_parameters(&self, parameter: tl_parameter, values: tl_matrix_out) -> Result<()> {
        let (which, dims) = parameters(parameter, self.net.shape())?;
        // SAFETY: as of this function.
        let to = unsafe { Target::new(values, "values", dims, &[]) }?;
        memory::check(MemoryEstimate::default().parameters(self.net.shape(), size_of::<T>(), 2), 1)?;
        to.store(&match which {
            Some(one) => self.net.parameters.get(one).to_vec(),
            None => self.net.parameters.to_vec(),
        });
        Ok(())
    }

    unsafe fn set_parameters(&mut self, parameter: tl_parameter, values: tl_matrix) -> Result<()> {
        let (which, (rows, cols)) = parameters(parameter, self.net.shape())?;
        if (values.rows, values.cols) != (rows, cols) {
            let text = format!("values is {} x {}; expected {rows} x {cols}", values.rows, values.cols);
            return refuse(TL_ERROR_LENGTH, text);
        }
        // SAFETY: as of this function.
        let (values, _) = unsafe { values.floats::<T>("values") }?;
        match which {
            Some(one) => self.net.parameters.set(one, &values)?,
            None => self.net.parameters.set_all(&values)?,
        }
        Ok(())
    }

    fn save(&self, path: &Path) -> Result<()> {
        Ok(self.model(3)?.save(path)?)
    }

    fn save_checkpoint(&self, path: &Path) -> Result<()> {
        Ok(self.checkpoint()?.save(path)?)
    }
}

/// A parameter, or `None` for all, and its dimensions.
fn parameters(parameter: tl_parameter, shape: Shape) -> Result<(Option<Parameter>, (usize, usize))> {
    let one = match parameter {
        TL_ALL => return Ok((None, (1, shape.parameters()))),
        TL_W1 => Parameter::W1,
        TL_B1 => Parameter::B1,
        TL_W2 => Parameter::W2,
        TL_B2 => Parameter::B2,
        _ => return refuse(TL_ERROR_OPTION, format!("parameter is {parameter}; expected a tl_parameter, 0 to 4")),
    };
    Ok((Some(one), one.dims(shape)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_options_init(options: *mut tl_network_options, size: usize) -> tl_status {
    call!(sized::write(options, size))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_new_f32(
    r#type: tl_type,
    inputs: usize,
    hidden: usize,
    classes: usize,
    options: *const tl_network_options,
    network: *mut *mut tl_network,
) -> tl_status {
    call!({
        let made = new::<f32>(r#type, (inputs, hidden, classes), options);
        handle::hand_over(made.map(|made| AnyNetwork::F32(Box::new(made))), network)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_new_f64(
    r#type: tl_type,
    inputs: usize,
    hidden: usize,
    classes: usize,
    options: *const tl_network_options,
    network: *mut *mut tl_network,
) -> tl_status {
    call!({
        let made = new::<f64>(r#type, (inputs, hidden, classes), options);
        handle::hand_over(made.map(|made| AnyNetwork::F64(Box::new(made))), network)
    })
}

/// # Safety
/// As [`sized::read`].
unsafe fn new<T: Precision>(
    r#type: tl_type,
    (inputs, hidden, classes): (usize, usize, usize),
    options: *const tl_network_options,
) -> Result<Network<T>> {
    if r#type != T::TYPE {
        return wrong_type("the network", r#type, T::TYPE_NAME);
    }
    // SAFETY: as of this function.
    let options = unsafe { sized::read(options) }?;
    let activation = match options.activation {
        TL_SIGMOID => Activation::Sigmoid,
        TL_RELU => Activation::Relu,
        other => return refuse(TL_ERROR_OPTION, format!("activation is {other}; expected a tl_activation, 0 or 1")),
    };
    let init = match options.init {
        TL_NORMAL if options.init_std >= 0.0 && options.init_std.is_finite() => Init::Normal(options.init_std),
        TL_NORMAL => {
            let text = format!("init_std is {}; expected a finite number, 0 or more", options.init_std);
            return refuse(TL_ERROR_OPTION, text);
        }
        TL_XAVIER => Init::Xavier,
        TL_HE => Init::He,
        other => return refuse(TL_ERROR_OPTION, format!("init is {other}; expected a tl_init, 0 to 2")),
    };
    let shape = Shape::new(inputs, hidden, classes)?;
    // Some functions copy the parameters.
    memory::check(MemoryEstimate::default().parameters(shape, size_of::<T>(), 3), 1)?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let parameters = Parameters::random(shape, init, &mut rng);
    Network::new(TwoLayerNet::new(parameters).with_activation(activation), rng)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_free(network: *mut *mut tl_network) -> tl_status {
    call!({
        pointer::check(network, "network")?;
        if !network.read().is_null() {
            handle::free(network.read())?;
            network.write(std::ptr::null_mut());
        }
        Ok(())
    })
}

/// # Safety
/// As [`handle::read`].
pub(crate) unsafe fn info(network: *const tl_network) -> Result<Info> {
    // SAFETY: as of this function.
    Ok(with!(&*unsafe { handle::read(network) }?, n => n.info()))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_type(network: *const tl_network, r#type: *mut tl_type) -> tl_status {
    call!({
        one(r#type, "type").slice(&[])?[0] = info(network)?.r#type;
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_shape(
    network: *const tl_network,
    inputs: *mut usize,
    hidden: *mut usize,
    classes: *mut usize,
) -> tl_status {
    call!({
        let shape = info(network)?.shape;
        let (i, h, c) = (one(inputs, "inputs"), one(hidden, "hidden"), one(classes, "classes"));
        let spans = [h.span()?, c.span()?];
        let (i, h, c) = (i.slice(&spans)?, h.slice(&spans[1..])?, c.slice(&[])?);
        (i[0], h[0], c[0]) = (shape.inputs(), shape.hidden(), shape.classes());
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_activation(
    network: *const tl_network,
    activation: *mut tl_activation,
) -> tl_status {
    call!({
        let found = info(network)?.activation;
        one(activation, "activation").slice(&[])?[0] = if found == Activation::Relu { TL_RELU } else { TL_SIGMOID };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_iterations(network: *const tl_network, iterations: *mut usize) -> tl_status {
    call!({
        let found = info(network)?.iterations;
        one(iterations, "iterations").slice(&[])?[0] = usize::try_from(found).unwrap_or(usize::MAX);
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_threads(network: *const tl_network, threads: *mut usize) -> tl_status {
    call!({
        one(threads, "threads").slice(&[])?[0] = info(network)?.threads;
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_level(network: *const tl_network, name: *mut *const c_char) -> tl_status {
    call!({
        one(name, "name").slice(&[])?[0] = machine::name_of(info(network)?.level).as_ptr();
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_seed(network: *mut tl_network, seed: u64) -> tl_status {
    call!({
        with!(&mut *handle::write(network)?, n => n.set_seed(seed));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_threads(network: *mut tl_network, threads: usize) -> tl_status {
    call!({
        let mut network = handle::write(network)?;
        let threads = machine::threads(threads, 0)?;
        with!(&mut *network, n => n.set_threads(threads));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_level(network: *mut tl_network, name: *const c_char) -> tl_status {
    call!({
        let level = machine::level(pointer::text(name, "name")?)?;
        with!(&mut *handle::write(network)?, n => n.set_level(level));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_get_parameters(
    network: *const tl_network,
    parameter: tl_parameter,
    values: tl_matrix_out,
) -> tl_status {
    call!(with!(&*handle::read(network)?, n => n.get_parameters(parameter, values)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_parameters(
    network: *mut tl_network,
    parameter: tl_parameter,
    values: tl_matrix,
) -> tl_status {
    call!(with!(&mut *handle::write(network)?, n => n.set_parameters(parameter, values)))
}
