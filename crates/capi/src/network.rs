//! Networks: creation, files, parameters.

use std::ffi::c_char;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{Activation, MemoryEstimate, Parameter, Parameters, Shape, TwoLayerNet};
use twolayer_model::{AnyModel, Model};

use crate::handle::{self, Network, Precision, tl_network_f32, tl_network_f64};
use crate::memory;
use crate::pointer::{self, In, Out, one};
use crate::status::{Failure, Result, tl_status};

/// One of a network's parameters, or all of them. Matrices are row-major without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum tl_parameter {
    /// W1, b1, W2, b2, concatenated: (inputs + 1) x hidden + (hidden + 1) x classes elements.
    All = 0,
    /// Weights of the hidden layer, inputs x hidden.
    W1 = 1,
    /// Biases of the hidden layer, hidden.
    B1 = 2,
    /// Weights of the output layer, hidden x classes.
    W2 = 3,
    /// Biases of the output layer, classes.
    B2 = 4,
}

/// Creates a network with the notebook's initial weights: 0.01 times a standard normal distribution, biases zero. The
/// same seed gives the same weights on every machine and in every version with the same major number; the batches
/// of later training continue from the same generator. The network uses the best level and a number of threads chosen
/// by measuring. If the call fails, `*network` becomes NULL; its previous value is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_new_f32(
    inputs: usize,
    hidden: usize,
    classes: usize,
    seed: u64,
    network: *mut *mut tl_network_f32,
) -> tl_status {
    call!(new::<f32>((inputs, hidden, classes), seed, network))
}

/// As `tl_network_new_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_new_f64(
    inputs: usize,
    hidden: usize,
    classes: usize,
    seed: u64,
    network: *mut *mut tl_network_f64,
) -> tl_status {
    call!(new::<f64>((inputs, hidden, classes), seed, network))
}

/// Creates a network with the caller's parameters, in the order of `TL_PARAMETER_ALL`. Batches of later
/// training are drawn as after `tl_network_set_seed_f32` with 0. If the call fails, `*network` becomes NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_from_parameters_f32(
    inputs: usize,
    hidden: usize,
    classes: usize,
    parameters: *const f32,
    parameters_length: usize,
    network: *mut *mut tl_network_f32,
) -> tl_status {
    call!(from_parameters::<f32>((inputs, hidden, classes), In(parameters, parameters_length, "parameters"), network))
}

/// As `tl_network_from_parameters_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_from_parameters_f64(
    inputs: usize,
    hidden: usize,
    classes: usize,
    parameters: *const f64,
    parameters_length: usize,
    network: *mut *mut tl_network_f64,
) -> tl_status {
    call!(from_parameters::<f64>((inputs, hidden, classes), In(parameters, parameters_length, "parameters"), network))
}

/// Reads a network from a model file (safetensors, as `twolayer train --out` writes it). A file of double precision is
/// refused with `TL_STATUS_PRECISION`. Batches of later training are drawn as after `tl_network_set_seed_f32` with 0.
/// If the call fails, `*network` becomes NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_load_f32(path: *const c_char, network: *mut *mut tl_network_f32) -> tl_status {
    call!(load::<f32>(path, network))
}

/// As `tl_network_load_f32`, in double precision; a file of single precision is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_load_f64(path: *const c_char, network: *mut *mut tl_network_f64) -> tl_status {
    call!(load::<f64>(path, network))
}

/// Writes the network to a model file, whole or not at all: an old file is replaced once all is on disk.
/// Parameters that are infinite or NaN are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_save_f32(network: *const tl_network_f32, path: *const c_char) -> tl_status {
    call!(save::<f32>(network, path))
}

/// As `tl_network_save_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_save_f64(network: *const tl_network_f64, path: *const c_char) -> tl_status {
    call!(save::<f64>(network, path))
}

/// Frees the network and sets `*network` to NULL. If it is NULL already, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_free_f32(network: *mut *mut tl_network_f32) -> tl_status {
    call!(free::<f32>(network))
}

/// As `tl_network_free_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_free_f64(network: *mut *mut tl_network_f64) -> tl_status {
    call!(free::<f64>(network))
}

/// The network's dimensions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_shape_f32(
    network: *const tl_network_f32,
    inputs: *mut usize,
    hidden: *mut usize,
    classes: *mut usize,
) -> tl_status {
    call!(shape::<f32>(network, (inputs, hidden, classes)))
}

/// As `tl_network_shape_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_shape_f64(
    network: *const tl_network_f64,
    inputs: *mut usize,
    hidden: *mut usize,
    classes: *mut usize,
) -> tl_status {
    call!(shape::<f64>(network, (inputs, hidden, classes)))
}

/// Copies one parameter of the network, or all of them, to `values`, whose length must be that of the parameter.
/// `parameter` is one of `tl_parameter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_get_parameters_f32(
    network: *const tl_network_f32,
    parameter: i32,
    values: *mut f32,
    values_length: usize,
) -> tl_status {
    call!(get_parameters::<f32>(network, parameter, Out(values, values_length, "values")))
}

/// As `tl_network_get_parameters_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_get_parameters_f64(
    network: *const tl_network_f64,
    parameter: i32,
    values: *mut f64,
    values_length: usize,
) -> tl_status {
    call!(get_parameters::<f64>(network, parameter, Out(values, values_length, "values")))
}

/// Sets one parameter of the network, or all of them, to `values`, whose length must be that of the parameter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_parameters_f32(
    network: *mut tl_network_f32,
    parameter: i32,
    values: *const f32,
    values_length: usize,
) -> tl_status {
    call!(set_parameters::<f32>(network, parameter, In(values, values_length, "values")))
}

/// As `tl_network_set_parameters_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_network_set_parameters_f64(
    network: *mut tl_network_f64,
    parameter: i32,
    values: *const f64,
    values_length: usize,
) -> tl_status {
    call!(set_parameters::<f64>(network, parameter, In(values, values_length, "values")))
}

/// Writes a new network to the caller's pointer, or NULL if there is none.
unsafe fn hand_over<T: Precision>(made: Result<Network<T>>, network: *mut *mut T::Opaque) -> Result<()> {
    pointer::check(network, "network")?;
    let (handle, result) = match made {
        Ok(made) => (made.into_handle(), Ok(())),
        Err(failure) => (std::ptr::null_mut(), Err(failure)),
    };
    // SAFETY: not NULL and aligned; that it can be written is the caller's promise.
    unsafe { network.write(handle) };
    result
}

/// A shape for which three copies of the parameters fit into memory, since some functions copy them.
fn checked_shape<T: Precision>((inputs, hidden, classes): (usize, usize, usize)) -> Result<Shape> {
    let shape = Shape::new(inputs, hidden, classes)?;
    memory::check(MemoryEstimate::default().parameters(shape, size_of::<T>(), 3), 1)?;
    Ok(shape)
}

unsafe fn new<T: Precision>(shape: (usize, usize, usize), seed: u64, network: *mut *mut T::Opaque) -> Result<()> {
    let make = || {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let net = TwoLayerNet::<T>::random(checked_shape::<T>(shape)?, &mut rng);
        Ok(Network::new(net, rng))
    };
    // SAFETY: as of this function.
    unsafe { hand_over(make(), network) }
}

unsafe fn from_parameters<T: Precision>(
    shape: (usize, usize, usize),
    values: In<T>,
    network: *mut *mut T::Opaque,
) -> Result<()> {
    let make = || {
        let mut parameters = Parameters::zeros(checked_shape::<T>(shape)?);
        // SAFETY: as of this function.
        set(&mut parameters, tl_parameter::All as i32, ("parameters", unsafe { values.slice() }?))?;
        Ok(Network::of(parameters, Activation::Sigmoid))
    };
    // SAFETY: as of this function.
    unsafe { hand_over(make(), network) }
}

unsafe fn load<T: Precision>(path: *const c_char, network: *mut *mut T::Opaque) -> Result<()> {
    let make = || {
        // SAFETY: as of this function.
        let path = unsafe { pointer::path(path) }?;
        let length = std::fs::metadata(&path).map_or(0, |found| usize::try_from(found.len()).unwrap_or(usize::MAX));
        memory::check(MemoryEstimate::default().elements(length, 4).elements(memory::READER, 1), 1)?;
        match AnyModel::load(&path)?.of::<T>() {
            Some(model) => Ok(Network::of(model.parameters, model.activation)),
            None => {
                let other = if T::SUFFIX == "_f32" { "_f64" } else { "_f32" };
                let text = format!(
                    "{}: it has the other precision; load it with the function ending in {other}",
                    path.display()
                );
                Err(Failure::new(tl_status::Precision, text))
            }
        }
    };
    // SAFETY: as of this function.
    unsafe { hand_over(make(), network) }
}

unsafe fn save<T: Precision>(network: *const T::Opaque, path: *const c_char) -> Result<()> {
    // SAFETY: as of this function.
    let (network, path) = unsafe { (handle::read::<T>(network)?, pointer::path(path)?) };
    let need = MemoryEstimate::default().parameters(network.net.shape(), size_of::<T>(), 3);
    memory::check(need.elements(memory::READER, 1), 1)?;
    let model = Model { activation: network.net.activation, ..Model::new(network.net.parameters.clone()) };
    model.save(path)?;
    Ok(())
}

unsafe fn free<T: Precision>(network: *mut *mut T::Opaque) -> Result<()> {
    pointer::check(network, "network")?;
    // SAFETY: not NULL and aligned; that it can be read and written is the caller's promise.
    unsafe {
        if !network.read().is_null() {
            handle::free::<T>(network.read())?;
            network.write(std::ptr::null_mut());
        }
    }
    Ok(())
}

unsafe fn shape<T: Precision>(
    network: *const T::Opaque,
    (inputs, hidden, classes): (*mut usize, *mut usize, *mut usize),
) -> Result<()> {
    // SAFETY: as of this function.
    let shape = unsafe { handle::read::<T>(network) }?.net.shape();
    let (i, h, c) = (one(inputs, "inputs"), one(hidden, "hidden"), one(classes, "classes"));
    let (i_span, h_span, c_span) = (i.span()?, h.span()?, c.span()?);
    // SAFETY: as of this function.
    let (i, h, c) =
        unsafe { (i.slice(&[h_span.clone(), c_span.clone()])?, h.slice(&[c_span])?, c.slice(&[i_span, h_span])?) };
    (i[0], h[0], c[0]) = (shape.inputs(), shape.hidden(), shape.classes());
    Ok(())
}

/// The parameters of a `tl_parameter`, in order.
fn parameters(parameter: i32) -> Result<&'static [Parameter]> {
    match parameter {
        0 => Ok(&Parameter::ALL),
        1..=4 => Ok(&Parameter::ALL[parameter as usize - 1..parameter as usize]),
        _ => Err(Failure::new(
            tl_status::Option,
            format!("parameter is {parameter}; expected one of tl_parameter, 0 to 4"),
        )),
    }
}

/// An error unless `values` has as many elements as the parameters.
fn check_length(which: &[Parameter], shape: Shape, name: &str, length: usize) -> Result<()> {
    let sizes = which.iter().map(|p| p.dims(shape));
    let expected: usize = sizes.map(|(rows, columns)| rows * columns).sum();
    if length == expected {
        return Ok(());
    }
    let names: Vec<_> = which.iter().map(|p| p.name()).collect();
    let text = format!("{name} has {length} numbers; expected {expected}, for {}", names.join(", "));
    Err(Failure::new(tl_status::Length, text))
}

/// Copies parameters, or a gradient, to a caller's buffer.
pub(crate) fn copy_out<T: Precision>(from: &Parameters<T>, parameter: i32, name: &str, to: &mut [T]) -> Result<()> {
    let which = parameters(parameter)?;
    check_length(which, from.shape(), name, to.len())?;
    let mut rest = to;
    for &p in which {
        let matrix = from.get(p);
        let (mine, others) = rest.split_at_mut(matrix.rows() * matrix.cols());
        for (r, row) in mine.chunks_exact_mut(matrix.cols()).enumerate() {
            row.iter_mut().enumerate().for_each(|(c, to)| *to = matrix.get(r, c));
        }
        rest = others;
    }
    Ok(())
}

fn set<T: Precision>(to: &mut Parameters<T>, parameter: i32, (name, values): (&str, &[T])) -> Result<()> {
    let which = parameters(parameter)?;
    check_length(which, to.shape(), name, values.len())?;
    match which {
        &[one] => to.set(one, values)?,
        _ => to.set_all(values)?,
    }
    Ok(())
}

unsafe fn get_parameters<T: Precision>(network: *const T::Opaque, parameter: i32, values: Out<T>) -> Result<()> {
    // SAFETY: as of this function.
    let (network, to) = unsafe { (handle::read::<T>(network)?, values.slice(&[])?) };
    copy_out(&network.net.parameters, parameter, "values", to)
}

unsafe fn set_parameters<T: Precision>(network: *mut T::Opaque, parameter: i32, values: In<T>) -> Result<()> {
    // SAFETY: as of this function.
    let (mut network, values) = unsafe { (handle::write::<T>(network)?, values.slice()?) };
    set(&mut network.net.parameters, parameter, ("values", values))
}
