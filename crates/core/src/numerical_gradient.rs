//! The numerical gradient of any function by central differences, (L(θ + h) − L(θ − h)) / 2h for each parameter θ.
//!
//! The truncation error is h²/6 times the third derivative, and the rounding error about ε·|L| / h: some 1e-9 and 1e-12
//! for `f64`, losses around 1, and the notebook's h = 1e-4.

use crate::math::Float;
use crate::threads::{self, Threads};

/// The gradient of `loss` at `parameters` by central differences with step `h`, on rayon's current pool (feature
/// `rayon`). `loss` is called 2 · `parameters.len()` times, each time with one element changed by ± `h`. With `h` = 0
/// the result is NaN.
///
/// # Panics
/// If `loss` does.
///
/// ```
/// let g = twolayer_core::numerical_gradient(|p: &[f64]| p[0] * p[0] + 3.0 * p[1], &[2.0, 1.0], 1e-4);
/// assert!((g[0] - 4.0).abs() < 1e-9 && (g[1] - 3.0).abs() < 1e-9);
/// ```
pub fn numerical_gradient<T: Float>(loss: impl Fn(&[T]) -> T + Sync, parameters: &[T], h: T) -> Vec<T> {
    let places: Vec<usize> = (0..parameters.len()).collect();
    let loss = |p: &mut Vec<T>| loss(p).to_f64();
    central_differences(&Threads::Current, (&places, h), || parameters.to_vec(), |p, i| &mut p[i], loss)
        .into_iter()
        .map(T::from_f64)
        .collect()
}

/// Elements that a thread takes at a time.
const CHUNK: usize = 64;

/// The central difference for each of `places`. Each thread has its own `state`; `element` returns the parameter in it,
/// and `loss` computes the loss from it.
pub(crate) fn central_differences<T: Float, S>(
    threads: &Threads,
    (places, h): (&[usize], T),
    state: impl Fn() -> S + Sync,
    element: impl Fn(&mut S, usize) -> &mut T + Sync,
    loss: impl Fn(&mut S) -> f64 + Sync,
) -> Vec<f64> {
    let one = |state: &mut S, place: usize| {
        let was = *element(state, place);
        *element(state, place) = was.add(h);
        let up = loss(state);
        *element(state, place) = was.sub(h);
        let down = loss(state);
        *element(state, place) = was;
        (up - down) / (2.0 * h.to_f64())
    };
    let chunk = |state: &mut S, i: usize| {
        let mine = &places[i * CHUNK..places.len().min((i + 1) * CHUNK)];
        mine.iter().map(|&place| one(state, place)).collect::<Vec<f64>>()
    };
    threads::map(threads, (places.len().div_ceil(CHUNK), 1), state, chunk).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differentiates_a_closure() {
        let at: Vec<f64> = (0..300).map(|i| f64::from(i) / 100.0 - 1.0).collect();
        let g = numerical_gradient(|p| p.iter().enumerate().map(|(i, x)| x.sin() * i as f64).sum(), &at, 1e-4);
        for (i, (g, x)) in g.iter().zip(&at).enumerate() {
            assert!((g - x.cos() * i as f64).abs() < 1e-5, "{i}");
        }
        assert!(numerical_gradient(|_: &[f64]| 0.0, &[], 1e-4).is_empty());
    }
}
