//! Sequences of calls of the C library with valid and invalid arguments: each ends with a status that is no bug, and
//! writes to nothing if it fails.
#![no_main]

mod c;

use c::Matrix;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::ffi::CStr;
use std::ptr::{null, null_mut};
use twolayer::*;

/// All buffers are in it, anywhere.
const POOL: usize = 2048;

/// The statuses that a call may end with: all but `TL_ERROR_INTERNAL` and `TL_ERROR_BUSY`, as nothing runs at the same time.
const INTERNAL: i32 = 18;
const BUSY: i32 = 7;
const DIVERGED: i32 = 15;

const TYPES: [i32; 8] = [8, 9, 11, 12, 13, 14, 0, -1];

struct State {
    pool: Box<[f64; POOL]>,
    networks: [*mut tl_network; 2],
}

fuzz_target!(|input: &[u8]| {
    let u = &mut Unstructured::new(input);
    let mut state = State { pool: Box::new([0.25; POOL]), networks: [null_mut(); 2] };
    for _ in 0..40 {
        if u.is_empty() || call(&mut state, u).is_err() {
            break;
        }
    }
    for network in &mut state.networks {
        // SAFETY: a live network, or NULL.
        assert_eq!(unsafe { tl_network_free(network) }, 0);
    }
});

impl State {
    /// A place in the pool: mostly at an element; else not aligned, or NULL. The second is what fits behind it, in bytes.
    fn place<T>(&mut self, u: &mut Unstructured) -> Result<(*mut T, usize)> {
        let at = u.int_in_range(0..=POOL - 1)? * size_of::<f64>();
        let odd = match u.int_in_range(0..=15)? {
            0 => return Ok((null_mut(), usize::MAX)),
            1 => 1,
            _ => 0,
        };
        // SAFETY: within the pool.
        let place = unsafe { self.pool.as_mut_ptr().cast::<u8>().add(at + odd) };
        Ok((place.cast(), POOL * size_of::<f64>() - at - odd))
    }

    /// A list of so many elements, or nearly, which are there.
    fn list<T>(&mut self, u: &mut Unstructured, count: usize) -> Result<(*mut T, usize)> {
        let count = near(u, count)?;
        let (place, room) = self.place(u)?;
        Ok((place, count.min(room / size_of::<T>())))
    }

    /// A matrix of these sizes, or nearly, whose elements are there.
    fn matrix(&mut self, u: &mut Unstructured, kinds: &[i32], rows: usize, cols: usize) -> Result<Matrix> {
        let kind = if u.ratio(1, 16)? { *u.choose(&TYPES)? } else { *u.choose(kinds)? };
        let (mut rows, cols) = (near(u, rows)?, near(u, cols)?);
        let (data, room) = self.place(u)?;
        let gap = if u.ratio(1, 4)? { u.int_in_range(0..=3)? } else { 0 };
        let row_stride = if u.ratio(1, 16)? { u.int_in_range(0..=40)? } else { cols + gap };
        // Room for the largest type, as the type may be wrong.
        let room = room / size_of::<f64>();
        if rows > 0 && cols > 0 && (rows - 1) * row_stride + cols > room {
            rows = if cols > room { 0 } else { (room - cols) / row_stride.max(1) + 1 };
        }
        Ok(Matrix { data, kind, rows, cols, row_stride, col_stride: 1 })
    }

    fn network(&self, u: &mut Unstructured) -> Result<*mut tl_network> {
        Ok(self.networks[u.int_in_range(0..=1)?])
    }
}

/// Mostly this number.
fn near(u: &mut Unstructured, n: usize) -> Result<usize> {
    Ok(match u.int_in_range(0..=31)? {
        0 => u.int_in_range(0..=40)?,
        1 => n + 1,
        2 => n.saturating_sub(1),
        _ => n,
    })
}

fn number(u: &mut Unstructured, usual: f64) -> Result<f64> {
    Ok(match u.int_in_range(0..=15)? {
        0 => f64::from_bits(u.arbitrary()?),
        1 => *u.choose(&[0.0, -1.0, 1.0, 1e308, f64::NAN, f64::INFINITY])?,
        _ => usual,
    })
}

/// One call.
fn call(state: &mut State, u: &mut Unstructured) -> Result<()> {
    const FLOATS: [i32; 2] = [13, 14];
    const INPUTS: [i32; 3] = [8, 13, 14];
    let function = u.int_in_range(0..=15)?;
    let network = state.network(u)?;
    let (inputs, classes, parameters) = match network.is_null() {
        true => (3, 2, 20),
        false => {
            let info = c::info(network);
            let (i, h, c) = (info.inputs, info.hidden, info.classes);
            (i, c, (i + 1) * h + (h + 1) * c)
        }
    };
    let rows = u.int_in_range(1..=6)?;
    let x = state.matrix(u, &INPUTS, rows, inputs)?;
    let y = state.matrix(u, &FLOATS, rows, classes)?;
    let all = state.matrix(u, &FLOATS, 1, parameters)?;
    let (labels, count) = state.list::<u32>(u, rows)?;
    // With room for two, as `tl_evaluate` writes two numbers.
    let loss = match state.place::<f64>(u)? {
        (place, 16..) => place,
        _ => null_mut(),
    };
    if u.ratio(3, 4)? && !labels.is_null() {
        // SAFETY: the list is in the pool.
        (0..count).for_each(|i| unsafe { labels.add(i).write_unaligned((i % classes) as u32) });
    }
    let before = state.pool.clone();
    // SAFETY: pointers are NULL or lead to as much of the pool as sizes say, and no network is used after it was freed.
    let status = unsafe {
        match function {
            0 | 1 => {
                let made = &mut state.networks[u.int_in_range(0..=1)?];
                assert_eq!(tl_network_free(made), 0);
                let options = tl_network_options {
                    activation: u.int_in_range(-1..=2)?,
                    init: u.int_in_range(-1..=3)?,
                    init_std: number(u, 0.5)?,
                    ..tl_network_options::default()
                };
                let options = if u.ratio(1, 4)? { null() } else { &raw const options };
                let [i, h, c] = [u.int_in_range(0..=20)?, u.int_in_range(0..=40)?, u.int_in_range(0..=12)?];
                let status = match function {
                    0 => tl_network_new_f32(13, i, h, c, options, made),
                    _ => tl_network_new_f64(14, i, h, c, options, made),
                };
                assert_eq!(status == 0, !made.is_null());
                status
            }
            2 => tl_predict(network, x.read(), y.written()),
            3 => tl_classify(network, x.read(), labels, count),
            4 => tl_evaluate(network, x.read(), labels, count, loss, loss.wrapping_add(usize::from(u.ratio(7, 8)?))),
            5 => tl_gradient(network, x.read(), labels, count, all.written()),
            6 => tl_numerical_gradient(network, x.read(), labels, count, number(u, 1e-4)?, all.written()),
            7 => tl_network_get_parameters(network, u.int_in_range(-1..=5)?, all.written()),
            8 => tl_network_set_parameters(network, u.int_in_range(-1..=5)?, all.read()),
            9 => tl_network_set_threads(network, *u.choose(&[0, 1, 2, 3, 1025])?),
            10 => {
                let name = *u.choose(&[c"scalar", c"avx2", c"avx512", c"mmx", c"\xFF"])?;
                tl_network_set_level(network, if u.ratio(1, 8)? { null() } else { name.as_ptr() })
            }
            11 => {
                let options = tl_train_options {
                    size: near(u, size_of::<tl_train_options>())?,
                    batch: near(u, rows)?,
                    iterations: u.int_in_range(0..=3)?,
                    learning_rate: number(u, 0.1)?,
                    learning_rate_decay: number(u, 1.0)?,
                    optimizer: u.int_in_range(-1..=6)?,
                    sampling: u.int_in_range(-1..=2)?,
                    momentum: number(u, 0.9)?,
                    weight_decay: number(u, 0.0)?,
                    ..tl_train_options::default()
                };
                // A program of a later version has more fields, which are zero.
                let options = [options, std::mem::zeroed()];
                tl_train(network, x.read(), labels, count, options.as_ptr(), loss)
            }
            12 => {
                let [a, b] = [state.matrix(u, &FLOATS, rows, inputs)?, state.matrix(u, &FLOATS, inputs, classes)?];
                tl_gemm(number(u, 1.0)?, a.read(), b.read(), number(u, 0.0)?, y.written(), u.int_in_range(0..=2)?)
            }
            13 => tl_softmax_cross_entropy(y.written(), labels, count, loss),
            14 => u.choose(&[tl_exp, tl_sigmoid, tl_softmax])?(y.written()),
            _ => {
                let (bytes, room) = state.list::<u8>(u, rows)?;
                tl_labels_from_u8(bytes, count.min(room), labels)
            }
        }
    };
    assert!((0..INTERNAL).contains(&status) && status != BUSY, "status {status}: {:?}", message());
    if status != 0 {
        assert!(!message().is_empty());
        let same = before.iter().zip(state.pool.iter()).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same || status == DIVERGED, "a call that failed wrote: {:?}", message());
    }
    Ok(())
}

fn message() -> String {
    // SAFETY: a text of the library.
    unsafe { CStr::from_ptr(tl_last_error_message()) }.to_string_lossy().into_owned()
}
