//! Networks of either element type: creation, settings, parameters.

use std::ffi::c_char;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{
    Activation, Init, Level, MemoryEstimate, Optimizer, OptimizerKind, Parameter, Parameters, Shape, Threads,
    TwoLayerNet,
};

use crate::*;

constants! { tl_activation { TL_SIGMOID = 0, TL_RELU = 1 } }
constants! { tl_init { TL_NORMAL = 0, TL_XAVIER = 1, TL_HE = 2 } }
constants! { tl_parameter { TL_ALL = 0, TL_W1 = 1, TL_B1 = 2, TL_W2 = 3, TL_B2 = 4 } }

options! {
    tl_network_options {
        activation: tl_activation = TL_SIGMOID,
        init: tl_init = TL_NORMAL,
        init_std: f64 = 0.01,
        seed: u64 = 0,
    }
    first: seed: u64
}

options! {
    tl_network_info {
        r#type: tl_type = 0,
        activation: tl_activation = TL_SIGMOID,
        inputs: usize = 0,
        hidden: usize = 0,
        classes: usize = 0,
        iterations: usize = 0,
        threads: usize = 0,
        level: *const c_char = std::ptr::null(),
    }
    first: level: *const c_char
}

/// What batches are drawn from: the generator and, once batches were shuffled, the order of the rows and how many of
/// them were taken.
#[derive(Clone)]
pub(crate) struct Draws {
    pub rng: ChaCha8Rng,
    pub order: (Vec<usize>, usize),
}

/// A network with the state of its training.
pub(crate) struct Network<T: Precision> {
    pub net: TwoLayerNet<T>,
    pub optimizer: Optimizer<T>,
    pub draws: Draws,
}

/// A network of either element type. The trait object keeps the code for `f64` out of programs that never make such a
/// network: nothing else refers to it.
pub(crate) enum AnyNetwork {
    F32(Box<Network<f32>>),
    F64(Box<dyn Operations>),
}

/// Makes a trait of methods that [`Network`] has.
macro_rules! operations {
    ($(fn $read:ident($($a:ident: $t:ty),*) -> $r:ty;)* mut $(fn $write:ident($($b:ident: $u:ty),*) -> $s:ty;)*) => {
        /// What the interface does with a network of whichever element type.
        pub(crate) trait Operations: Send + Sync {
            $(fn $read(&self, $($a: $t),*) -> $r;)*
            $(fn $write(&mut self, $($b: $u),*) -> $s;)*
        }

        impl<T: Precision> Operations for Network<T> {
            $(fn $read(&self, $($a: $t),*) -> $r { Network::$read(self, $($a),*) })*
            $(fn $write(&mut self, $($b: $u),*) -> $s { Network::$write(self, $($b),*) })*
        }
    };
}

operations! {
    fn info() -> tl_network_info;
    fn get_parameters(parameter: tl_parameter, values: tl_matrix_out) -> Result<()>;
    fn predict(x: tl_matrix, to: tl_matrix_out) -> Result<()>;
    fn classify(x: tl_matrix, to: Out<u32>) -> Result<()>;
    fn evaluate(data: Data, to: (Out<f64>, Out<f64>)) -> Result<()>;
    fn gradient(data: Data, to: tl_matrix_out) -> Result<()>;
    fn numerical_gradient(data: Data, h: f64, to: tl_matrix_out) -> Result<()>;
    fn save(path: &Path) -> Result<()>;
    fn save_checkpoint(path: &Path) -> Result<()>;
    mut
    fn settings() -> (&mut Threads, &mut Level, &mut Draws);
    fn set_parameters(parameter: tl_parameter, values: tl_matrix) -> Result<()>;
    fn train(data: Data, options: &tl_train_options, loss: Out<f64>) -> Result<()>;
}

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

impl<T: Precision> Network<T> {
    /// At the best level, with a number of threads chosen by measuring, before any training.
    pub fn new(net: TwoLayerNet<T>, rng: ChaCha8Rng) -> Result<Self> {
        let optimizer = Optimizer::new(net.shape(), OptimizerKind::Sgd, 0.0)?;
        Ok(Network { net, optimizer, draws: Draws { rng, order: (Vec::new(), 0) } })
    }

    fn info(&self) -> tl_network_info {
        let shape = self.net.shape();
        tl_network_info {
            r#type: T::TYPE,
            activation: if self.net.activation == Activation::Relu { TL_RELU } else { TL_SIGMOID },
            inputs: shape.inputs(),
            hidden: shape.hidden(),
            classes: shape.classes(),
            iterations: usize::try_from(self.optimizer.steps()).unwrap_or(usize::MAX),
            threads: self.net.threads.count(),
            level: machine::name_of(self.net.level).as_ptr(),
            ..tl_network_info::default()
        }
    }

    fn settings(&mut self) -> (&mut Threads, &mut Level, &mut Draws) {
        (&mut self.net.threads, &mut self.net.level, &mut self.draws)
    }

    fn get_parameters(&self, parameter: tl_parameter, values: tl_matrix_out) -> Result<()> {
        let (which, dims) = parameters(parameter, self.net.shape())?;
        let to = Target::new(values, "values", dims, &[])?;
        memory::check(MemoryEstimate::default().parameters(self.net.shape(), size_of::<T>(), 2), 1)?;
        let all = &self.net.parameters;
        to.store(&which.map_or_else(|| all.to_vec(), |one| all.get(one).to_vec()));
        Ok(())
    }

    fn set_parameters(&mut self, parameter: tl_parameter, values: tl_matrix) -> Result<()> {
        let (which, dims) = parameters(parameter, self.net.shape())?;
        let (values, _) = values.floats::<T>("values", dims)?;
        let all = &mut self.net.parameters;
        match which {
            Some(one) => Ok(all.set(one, &values)?),
            None => Ok(all.set_all(&values)?),
        }
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
        _ => return invalid("parameter", parameter, "a tl_parameter, 0 to 4"),
    };
    Ok((Some(one), one.dims(shape)))
}

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
        other => return invalid("activation", other, "a tl_activation, 0 or 1"),
    };
    let init = match options.init {
        TL_NORMAL if options.init_std >= 0.0 && options.init_std.is_finite() => Init::Normal(options.init_std),
        TL_NORMAL => return invalid("init_std", options.init_std, "a finite number, 0 or more"),
        TL_XAVIER => Init::Xavier,
        TL_HE => Init::He,
        other => return invalid("init", other, "a tl_init, 0 to 2"),
    };
    let shape = Shape::new(inputs, hidden, classes)?;
    // Some functions copy the parameters.
    memory::check(MemoryEstimate::default().parameters(shape, size_of::<T>(), 3), 1)?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let parameters = Parameters::random(shape, init, &mut rng);
    Network::new(TwoLayerNet::new(parameters).with_activation(activation), rng)
}

functions! {
    fn tl_network_options_init(options: *mut tl_network_options, size: usize) {
        sized::write(options, size, &tl_network_options::default())
    }

    fn tl_network_new_f32(
        r#type: tl_type, inputs: usize, hidden: usize, classes: usize, options: *const tl_network_options,
        network: *mut *mut tl_network,
    ) {
        let made = new::<f32>(r#type, (inputs, hidden, classes), options);
        handle::hand_over(made.map(|made| AnyNetwork::F32(Box::new(made))), network)
    }

    fn tl_network_new_f64(
        r#type: tl_type, inputs: usize, hidden: usize, classes: usize, options: *const tl_network_options,
        network: *mut *mut tl_network,
    ) {
        let made = new::<f64>(r#type, (inputs, hidden, classes), options);
        handle::hand_over(made.map(|made| AnyNetwork::F64(Box::new(made))), network)
    }

    fn tl_network_free(network: *mut *mut tl_network) {
        pointer::check(network, "network")?;
        if !network.read().is_null() {
            handle::free(network.read())?;
            network.write(std::ptr::null_mut());
        }
        Ok(())
    }

    fn tl_network_get_info(network: *const tl_network, info: *mut tl_network_info, size: usize) {
        sized::write(info, size, &with!(&*handle::read(network)?, n => n.info()))
    }

    fn tl_network_set_seed(network: *mut tl_network, seed: u64) {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        *with!(&mut *handle::write(network)?, n => n.settings()).2 = Draws { rng, order: (Vec::new(), 0) };
        Ok(())
    }

    fn tl_network_set_threads(network: *mut tl_network, threads: usize) {
        *with!(&mut *handle::write(network)?, n => n.settings()).0 = machine::threads(threads, 0)?;
        Ok(())
    }

    fn tl_network_set_level(network: *mut tl_network, name: *const c_char) {
        let level = Level::by_name(&pointer::text(name, "name")?.to_string_lossy())?;
        *with!(&mut *handle::write(network)?, n => n.settings()).1 = level;
        Ok(())
    }

    fn tl_network_get_parameters(network: *const tl_network, parameter: tl_parameter, values: tl_matrix_out) {
        with!(&*handle::read(network)?, n => n.get_parameters(parameter, values))
    }

    fn tl_network_set_parameters(network: *mut tl_network, parameter: tl_parameter, values: tl_matrix) {
        with!(&mut *handle::write(network)?, n => n.set_parameters(parameter, values))
    }
}
