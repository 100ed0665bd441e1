//! How the first layer is computed: with floats, or with whole numbers.

use super::ahead::Ahead;
use super::batch::{Batch, Input};
use super::first::{Forward, Gradient, Panel, Sink};
use crate::buffer::Plain;
use crate::float::Float;
use crate::simd::{Dispatch, Level};
use std::marker::PhantomData;

/// The first layer's two passes, and what goes with them. All that stands on the first layer is computed at the
/// layer's [`Rounding`](Self::Rounding).
pub trait FirstLayer<T: Float>: Copy + Send + Sync {
    /// What its rows are made of.
    type Pixel: Plain;
    /// Rows that were gathered.
    type Batch: Send;
    /// What it keeps of a panel of W1 besides the floats.
    type Kept: Send + Sync;
    /// Where the other kernels run.
    type Rounding: Dispatch;
    /// Whether rows that are alike had better stand together in a batch.
    const LIKES_COMPANY: bool;

    fn rounding(self) -> Self::Rounding;
    /// Whether it is faster than others for many rows.
    fn pays(self) -> bool;

    /// Room for `capacity` rows, for the forward pass and if `both_ways` for the gradient.
    fn batch(self, inputs: usize, capacity: usize, both_ways: bool) -> Self::Batch;
    /// Rows at hand.
    fn rows(batch: &Self::Batch) -> usize;
    /// Copies the rows `indices` of `source` and makes all that the passes need of them.
    fn gather(self, batch: &mut Self::Batch, source: &[Self::Pixel], indices: &mut dyn Iterator<Item = usize>);

    /// What is to be kept of a panel; `capacity` rows are the most whose gradient will be asked for.
    fn keep(self, panel: &Panel<'_, T>, inputs: usize, capacity: usize) -> Self::Kept;
    /// The same after the panel, whose rows lie together, has changed.
    fn keep_again(self, kept: &mut Self::Kept, w1: &[T], inputs: usize);

    /// Z = activation(X·W1 + b1) for the panel's units, batch × width, while the rows `ahead` are asked for.
    fn forward(
        self,
        batch: &mut Self::Batch,
        panel: Panel<'_, T>,
        kept: &Self::Kept,
        z: &mut [T],
        ahead: &mut Ahead<'_>,
    );

    /// Hands W1's gradient Xᵀ·dA for the panel that `into` has to its sink; returns whether all weights stayed finite.
    fn gradient<K: Sink<T>>(
        self,
        batch: &Self::Batch,
        da: &[T],
        kept: &mut Self::Kept,
        into: Destination<'_, T, K>,
    ) -> bool;
}

/// Where the gradient of a panel goes.
pub struct Destination<'a, T, K> {
    /// The panel's columns of W1 or of its gradient, padded to pairs of rows, which lie together.
    pub w1: &'a mut [T],
    pub inputs: usize,
    pub width: usize,
    pub sink: K,
}

/// The first layer in floats, for rows of `P`.
pub struct Floats<P>(pub Level, PhantomData<P>);

impl<P> Floats<P> {
    pub fn new(level: Level) -> Self {
        Floats(level, PhantomData)
    }
}

impl<P> Clone for Floats<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Floats<P> {}

impl<T: Float, P: Input<T>> FirstLayer<T> for Floats<P> {
    type Pixel = P;
    type Batch = Batch<P>;
    type Kept = ();
    type Rounding = Level;
    const LIKES_COMPANY: bool = false;

    fn rounding(self) -> Level {
        self.0
    }

    fn pays(self) -> bool {
        true
    }

    fn batch(self, inputs: usize, capacity: usize, both_ways: bool) -> Batch<P> {
        Batch::new(inputs, capacity, both_ways)
    }

    fn rows(batch: &Batch<P>) -> usize {
        batch.rows()
    }

    fn gather(self, batch: &mut Batch<P>, source: &[P], indices: &mut dyn Iterator<Item = usize>) {
        batch.gather::<T>(self.0, source, indices);
    }

    fn keep(self, _: &Panel<'_, T>, _: usize, _: usize) {}

    fn keep_again(self, (): &mut (), _: &[T], _: usize) {}

    fn forward(self, batch: &mut Batch<P>, panel: Panel<'_, T>, (): &(), z: &mut [T], ahead: &mut Ahead<'_>) {
        self.0.dispatch(Forward { batch, panel, z, ahead });
    }

    fn gradient<K: Sink<T>>(self, batch: &Batch<P>, da: &[T], (): &mut (), into: Destination<'_, T, K>) -> bool {
        let Destination { w1, width, sink, .. } = into;
        self.0.dispatch(Gradient { batch, da, w1, stride: width, width, sink })
    }
}
