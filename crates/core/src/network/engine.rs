//! Which kind of arithmetic computes the first layer.

use super::{FirstLayer, Floats, Rows, TwoLayerNet};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::simd::Level;

/// What computes the first layer's two products, nearly all of the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The faster one: whole numbers where the processor has matrix tiles of bytes and 64 rows of pixels or more are
    /// computed at a time, else floats. So the last bits of a row's results depend on how many come with it; see
    /// [`TwoLayerNet::engine_for`].
    #[default]
    Auto,
    /// Floats, at any precision and for any rows.
    Float,
    /// Whole numbers, for rows of pixels in a network of `f32`. Results are the same bits at every level, as exact as
    /// those of floats: see [`FIXED_MAX_ERROR`](crate::FIXED_MAX_ERROR). Central differences stay floats.
    Fixed,
}

impl Engine {
    /// All.
    pub const ALL: [Engine; 3] = [Engine::Auto, Engine::Float, Engine::Fixed];

    /// `auto`, `float` or `fixed`.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Auto => "auto",
            Engine::Float => "float",
            Engine::Fixed => "fixed",
        }
    }

    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::Option`] if there is none.
    pub fn by_name(name: &str) -> Result<Engine> {
        let found = Self::ALL.into_iter().find(|e| e.name() == name);
        found.ok_or_else(|| refuse(format!("is '{name}'; expected auto, float or fixed")))
    }

    /// The engine that computes the first layer of a network of `T` at `level` for so many rows of pixels at a time,
    /// those of a batch in training: never [`Engine::Auto`].
    ///
    /// # Errors
    /// [`Error::Option`] for [`Engine::Fixed`] where `T` is not `f32`.
    pub fn choose<T: Float>(self, level: Level, rows: usize) -> Result<Engine> {
        Ok(if self.fixed::<T>(level, rows)?.is_some() { Engine::Fixed } else { Engine::Float })
    }

    /// The layer in whole numbers, if it is chosen. What units there are is asked only where it matters: for tiles, the
    /// system must be.
    fn fixed<T: Float>(self, level: Level, rows: usize) -> Result<Option<T::Fixed>> {
        match self {
            Engine::Fixed => {
                let refused = || refuse(format!("is fixed, which computes f32; the network is {}", T::NAME));
                T::fixed(level).map(Some).ok_or_else(refused)
            }
            Engine::Auto if rows >= LEAST_ROWS => Ok(T::fixed(level).filter(|fixed| fixed.pays())),
            Engine::Auto | Engine::Float => Ok(None),
        }
    }

    fn choose_for_floats(self) -> Result<Engine> {
        match self {
            Engine::Fixed => Err(refuse("is fixed, which takes rows of u8 pixels; these are floats".into())),
            _ => Ok(Engine::Float),
        }
    }
}

/// Rows for which it is worth while to cut the weights, and which fill tiles.
const LEAST_ROWS: usize = 64;

fn refuse(what: String) -> Error {
    Error::Option { name: "engine", what }
}

/// Work on rows that is written once for all first layers.
pub(crate) trait Work<T: Float> {
    type Output;
    fn run<L: FirstLayer<T>>(self, layer: L, x: &[L::Pixel]) -> Self::Output;
}

/// A first layer and its rows.
pub(crate) enum Layer<'a, T: Float> {
    Fixed(T::Fixed, &'a [u8]),
    Pixels(Floats<u8>, &'a [u8]),
    Floats(Floats<T>, &'a [T]),
}

impl<T: Float> Layer<'_, T> {
    /// Inlined, as are its callers, so that a program that has rows of one kind need not carry what is for others.
    #[inline(always)]
    pub fn run<W: Work<T>>(self, work: W) -> W::Output {
        match self {
            Layer::Fixed(layer, x) => work.run(layer, x),
            Layer::Pixels(layer, x) => work.run(layer, x),
            Layer::Floats(layer, x) => work.run(layer, x),
        }
    }
}

impl<T: Float> TwoLayerNet<T> {
    /// The engine that computes the first layer of such rows in one call: never [`Engine::Auto`].
    ///
    /// # Errors
    /// [`Error::Option`] if the network's engine is [`Engine::Fixed`] and it cannot be.
    pub fn engine_for(&self, x: Rows<'_, T>) -> Result<Engine> {
        match x {
            Rows::Pixels(x) => self.engine.choose::<T>(self.level, x.len() / self.shape().inputs()),
            Rows::Floats(_) => self.engine.choose_for_floats(),
        }
    }

    /// The first layer for these rows, so many at a time.
    #[inline(always)]
    pub(crate) fn layer<'a>(&self, x: Rows<'a, T>, rows: usize) -> Result<Layer<'a, T>> {
        let level = self.level;
        match x {
            Rows::Floats(x) => {
                self.engine.choose_for_floats()?;
                Ok(Layer::Floats(Floats::new(level), x))
            }
            Rows::Pixels(x) => Ok(match self.engine.fixed::<T>(level, rows)? {
                Some(fixed) => Layer::Fixed(fixed, x),
                None => Layer::Pixels(Floats::new(level), x),
            }),
        }
    }

    #[inline(always)]
    pub(crate) fn with_layer<W: Work<T>>(&self, x: Rows<'_, T>, work: W) -> Result<W::Output> {
        Ok(self.layer(x, x.count(self.shape())?)?.run(work))
    }
}
