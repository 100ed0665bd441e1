//! Training: a step on a batch, or many steps on batches drawn from the caller's data.

use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;

use twolayer_core::{Error as CoreError, GradientMethod, MemoryEstimate, Sampler, TrainOptions, UniformSampler};

use crate::handle::{self, Network, Precision, tl_network_f32, tl_network_f64};
use crate::memory;
use crate::pointer::{In, one};
use crate::predict::{Batch, Element, batch};
use crate::sized::{self, Versioned};
use crate::status::{Failure, Result, tl_status};

/// Called once an iteration, on the thread that called the training function, with the mean loss of the iteration's
/// batch before its step. `user` is that of the options. Return 0 to continue, anything else to stop after the
/// current step. It must not throw, longjmp, end the thread or access the buffers of the call, and cannot use the
/// network: calls with it return `TL_STATUS_BUSY`.
pub type tl_progress = Option<unsafe extern "C" fn(user: *mut c_void, iteration: usize, loss: f64) -> c_int>;

/// Training options. Initialise them by `tl_train_options_init`, then change fields.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tl_train_options {
    /// `sizeof(tl_train_options)`, the version of the struct.
    pub size: usize,
    /// Rows of a mini-batch: 1 to 2^24. Default 100.
    pub batch: usize,
    /// The learning rate, 0 or more. Default 0.1.
    pub learning_rate: f64,
    /// Steps to take. Default 10000.
    pub iterations: usize,
    /// The number of the first step, for `progress` and messages: training may be split into several calls. Default 0.
    pub first_iteration: usize,
    /// 0 for backpropagation; above 0, for numerical gradients with this step, which are some
    /// hundred times slower. Default 0.
    pub numerical_h: f64,
    /// Called once an iteration, or NULL. Default NULL.
    pub progress: tl_progress,
    /// Given to `progress`. Default NULL.
    pub user: *mut c_void,
}

impl Default for tl_train_options {
    fn default() -> Self {
        let TrainOptions { batch, learning_rate, iterations, first_iteration, .. } = TrainOptions::default();
        tl_train_options {
            size: size_of::<Self>(),
            batch,
            learning_rate,
            iterations,
            first_iteration,
            numerical_h: 0.0,
            progress: None,
            user: std::ptr::null_mut(),
        }
    }
}

// SAFETY: plain numbers and pointers that may be anything, the first of them the size.
unsafe impl Versioned for tl_train_options {
    const NAME: &'static str = "tl_train_options";
    const FIRST: usize = std::mem::offset_of!(tl_train_options, user) + size_of::<*mut c_void>();
}

/// Fills in the options' defaults. `size` is `sizeof(tl_train_options)`; it is also stored in the first field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_train_options_init(options: *mut tl_train_options, size: usize) -> tl_status {
    call!(sized::write(options, size))
}

/// Takes one step of SGD on a batch of 1 to 2^24 rows: subtracts `learning_rate`
/// times the gradient. `loss` becomes the batch's mean loss before the step.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_step_f32(
    network: *mut tl_network_f32,
    x: *const f32,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    learning_rate: f64,
    loss: *mut f64,
) -> tl_status {
    call!(step::<f32, f32>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), learning_rate, loss))
}

/// As `tl_step_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_step_u8_f32(
    network: *mut tl_network_f32,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    learning_rate: f64,
    loss: *mut f64,
) -> tl_status {
    call!(step::<f32, u8>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), learning_rate, loss))
}

/// As `tl_step_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_step_f64(
    network: *mut tl_network_f64,
    x: *const f64,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    learning_rate: f64,
    loss: *mut f64,
) -> tl_status {
    call!(step::<f64, f64>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), learning_rate, loss))
}

/// As `tl_step_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_step_u8_f64(
    network: *mut tl_network_f64,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    learning_rate: f64,
    loss: *mut f64,
) -> tl_status {
    call!(step::<f64, u8>(network, (In(x, x_length, "x"), In(labels, labels_length, "labels")), learning_rate, loss))
}

/// Trains by mini-batch SGD on the caller's rows. Each batch is drawn uniformly, with
/// replacement, by the network's generator; see `tl_network_new_f32` and `tl_network_set_seed_f32`. Several calls of
/// some iterations each give the same network as one call, unless `progress` stops one: up to two batches
/// that were drawn ahead are lost then. `iterations` becomes the number of steps taken, and `loss` the mean loss of
/// the last batch before its step (NaN if no step was taken).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_train_f32(
    network: *mut tl_network_f32,
    x: *const f32,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    options: *const tl_train_options,
    iterations: *mut usize,
    loss: *mut f64,
) -> tl_status {
    call!(train::<f32, f32>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        options,
        (iterations, loss)
    ))
}

/// As `tl_train_f32`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_train_u8_f32(
    network: *mut tl_network_f32,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    options: *const tl_train_options,
    iterations: *mut usize,
    loss: *mut f64,
) -> tl_status {
    call!(train::<f32, u8>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        options,
        (iterations, loss)
    ))
}

/// As `tl_train_f32`, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_train_f64(
    network: *mut tl_network_f64,
    x: *const f64,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    options: *const tl_train_options,
    iterations: *mut usize,
    loss: *mut f64,
) -> tl_status {
    call!(train::<f64, f64>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        options,
        (iterations, loss)
    ))
}

/// As `tl_train_f64`, for rows of pixels, 0 to 255.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_train_u8_f64(
    network: *mut tl_network_f64,
    x: *const u8,
    x_length: usize,
    labels: *const u8,
    labels_length: usize,
    options: *const tl_train_options,
    iterations: *mut usize,
    loss: *mut f64,
) -> tl_status {
    call!(train::<f64, u8>(
        network,
        (In(x, x_length, "x"), In(labels, labels_length, "labels")),
        options,
        (iterations, loss)
    ))
}

unsafe fn step<T: Precision, P: Element<T>>(
    network: *mut T::Opaque,
    given: Batch<P>,
    learning_rate: f64,
    loss: *mut f64,
) -> Result<()> {
    let (loss, spans) = (one(loss, "loss"), [given.0.span()?, given.1.span()?]);
    // SAFETY: as of this function.
    let mut network = unsafe {
        loss.slice(&spans)?;
        handle::write::<T>(network)?
    };
    let batch = given.1.1;
    if batch > MOST_ROWS {
        return Err(Failure::new(
            tl_status::Length,
            format!("labels has {batch} rows; a step takes up to {MOST_ROWS}"),
        ));
    }
    let options = TrainOptions { batch, learning_rate, iterations: 1, ..TrainOptions::default() };
    let mut all = |rows: &mut [usize]| rows.iter_mut().enumerate().for_each(|(i, row)| *row = i);
    // SAFETY: as of this function.
    unsafe {
        let summary = run::<T, P>(&mut network, &given, options, &mut all, (None, std::ptr::null_mut()))?;
        loss.slice(&spans)?[0] = summary.final_loss;
    }
    Ok(())
}

unsafe fn train<T: Precision, P: Element<T>>(
    network: *mut T::Opaque,
    given: Batch<P>,
    options: *const tl_train_options,
    (iterations, loss): (*mut usize, *mut f64),
) -> Result<()> {
    let spans = [given.0.span()?, given.1.span()?];
    let (iterations, loss) = (one(iterations, "iterations"), one(loss, "loss"));
    let both = [spans[0].clone(), spans[1].clone(), loss.span()?];
    // Checked now, and written after the run: meanwhile the caller's function may read them.
    // SAFETY: as of this function.
    let (options, mut network) = unsafe {
        iterations.slice(&both)?;
        loss.slice(&spans)?;
        (sized::read(options)?, handle::write::<T>(network)?)
    };
    let gradient = match options.numerical_h {
        0.0 => GradientMethod::Backpropagation,
        h => GradientMethod::Numerical { h },
    };
    let (progress, rows, first) = ((options.progress, options.user), given.1.1, options.first_iteration);
    let options = TrainOptions {
        batch: options.batch,
        learning_rate: options.learning_rate,
        iterations: options.iterations,
        first_iteration: first,
        gradient,
    };
    let mut rng = network.rng.clone();
    // Without rows, the core returns the error.
    let mut sampler = UniformSampler::new(&mut rng, rows.max(1));
    // SAFETY: as of this function.
    let summary = unsafe { run::<T, P>(&mut network, &given, options, &mut sampler, progress) };
    network.rng = rng;
    let (done, last) = match &summary {
        Ok(summary) => (summary.iterations, summary.final_loss),
        Err(Stop::Diverged(at, _)) => (at - first, f64::NAN),
        Err(Stop::Refused(_)) => return summary.map(|_| ()).map_err(Failure::from),
    };
    // SAFETY: as of this function.
    unsafe { (iterations.slice(&both)?[0], loss.slice(&spans)?[0]) = (done, last) };
    summary.map(|_| ()).map_err(Failure::from)
}

/// Why a run ended early.
enum Stop {
    /// In this iteration.
    Diverged(usize, Failure),
    Refused(Failure),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Diverged(_, failure) | Stop::Refused(failure) => failure,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Refused(failure)
    }
}

/// Rows that a step takes.
const MOST_ROWS: usize = 1 << 24;

/// # Safety
/// The buffers are as the caller promised; `progress` may be called with its user.
unsafe fn run<T: Precision, P: Element<T>>(
    network: &mut Network<T>,
    given: &Batch<P>,
    options: TrainOptions,
    sampler: &mut dyn Sampler,
    (progress, user): (tl_progress, *mut c_void),
) -> Result<twolayer_core::TrainSummary, Stop> {
    // SAFETY: as of this function.
    let (x, t) = unsafe { batch::<T, P>(given) }?;
    let shape = network.net.shape();
    let threads = options.max_threads(shape, network.threads());
    if options.batch <= MOST_ROWS {
        let need = MemoryEstimate::default().training(shape, size_of::<T>(), &options, threads);
        memory::check(need.elements(given.1.1, 4), threads)?;
    }
    let trained = network.net.train(x, t, sampler, &options, &mut |p| match progress {
        // SAFETY: the caller's own function, with what it asked for.
        Some(progress) if unsafe { progress(user, p.iteration, p.loss) } != 0 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    trained.map_err(|error| match error {
        CoreError::Diverged { iteration, .. } => Stop::Diverged(iteration, error.into()),
        _ => Stop::Refused(error.into()),
    })
}
