//! Weight initialisation.

use super::parameters::{Parameter, Parameters};
use super::shape::Shape;
use crate::math::Float;

/// The standard deviation of initial weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// The given standard deviation.
    Normal(f64),
    /// 1 / √n for a unit with n inputs: for sigmoid units (Glorot and Bengio 2010, in the book's form).
    Xavier,
    /// √(2 / n): for ReLU (He et al. 2015).
    He,
}

impl Init {
    /// The notebook's: 0.01.
    pub const NOTEBOOK: Init = Init::Normal(0.01);

    fn std(self, inputs: usize) -> f64 {
        match self {
            Init::Normal(std) => std,
            Init::Xavier => (1.0 / inputs as f64).sqrt(),
            Init::He => (2.0 / inputs as f64).sqrt(),
        }
    }
}

impl<T: Float> Parameters<T> {
    /// Initial parameters: each element of W1, then of W2, row by row, is `draw()` times the standard deviation of
    /// `init`; biases are zero. `draw` returns standard normal numbers.
    pub fn normal(shape: Shape, init: Init, mut draw: impl FnMut() -> f64) -> Self {
        let mut parameters = Self::zeros(shape);
        for parameter in [Parameter::W1, Parameter::W2] {
            let mut matrix = parameters.get_mut(parameter);
            let std = init.std(matrix.rows());
            for r in 0..matrix.rows() {
                matrix.row_mut(r).iter_mut().for_each(|w| *w = T::from_f64(std * draw()));
            }
        }
        parameters
    }

    /// [`normal`](Self::normal) with numbers from a generator. The same random words give the same parameters in every
    /// version of this crate, on every machine.
    #[cfg(feature = "rand")]
    pub fn random(shape: Shape, init: Init, rng: &mut impl rand::Rng) -> Self {
        let mut normal = StandardNormal { rng, next: None };
        Self::normal(shape, init, || normal.draw())
    }
}

/// Standard normal numbers by Marsaglia's polar method, with this crate's own logarithm.
#[cfg(feature = "rand")]
struct StandardNormal<'a, R> {
    rng: &'a mut R,
    /// The method makes two numbers at a time; this is the second one.
    next: Option<f64>,
}

#[cfg(feature = "rand")]
impl<R: rand::Rng> StandardNormal<'_, R> {
    fn draw(&mut self) -> f64 {
        if let Some(next) = self.next.take() {
            return next;
        }
        loop {
            let mut uniform = || (self.rng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
            let (x, y) = (uniform(), uniform());
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let mut ln = [square];
                crate::math::ln(crate::simd::Level::SCALAR, &mut ln);
                let factor = (-2.0 * ln[0] / square).sqrt();
                self.next = Some(x * factor);
                return y * factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_weights_have_the_deviation_of_their_layer() {
        let shape = Shape::new(50, 8, 3).unwrap();
        for (init, first, second) in
            [(Init::Normal(0.01), 0.01, 0.01), (Init::Xavier, 0.02f64.sqrt(), 0.125f64.sqrt()), (Init::He, 0.2, 0.5)]
        {
            let p = Parameters::<f64>::normal(shape, init, || 1.0);
            assert!(p.w1().to_vec().iter().all(|w| (w - first).abs() < 1e-15), "{init:?}");
            assert!(p.w2().to_vec().iter().all(|w| (w - second).abs() < 1e-15), "{init:?}");
            assert!(p.b1().iter().chain(p.b2()).all(|&b| b == 0.0));
        }
    }

    #[cfg(feature = "rand")]
    #[test]
    fn normal_numbers_have_the_moments_of_a_normal_distribution() {
        let mut rng = generator(2);
        let mut normal = StandardNormal { rng: &mut rng, next: None };
        let n = 100_000;
        let mut moments = [0.0; 4];
        for _ in 0..n {
            let x = normal.draw();
            (1..=4).for_each(|k| moments[k as usize - 1] += x.powi(k) / f64::from(n));
        }
        for (moment, (want, within)) in moments.iter().zip([(0.0, 0.013), (1.0, 0.02), (0.0, 0.05), (3.0, 0.15)]) {
            assert!((moment - want).abs() < within, "{moments:?}");
        }
    }

    /// A seed must give the same run in every version.
    #[cfg(feature = "rand")]
    #[test]
    fn the_first_numbers_of_a_seed_are_fixed() {
        let mut rng = generator(0);
        let mut normal = StandardNormal { rng: &mut rng, next: None };
        let draws = [normal.draw(), normal.draw(), normal.draw()];
        assert_eq!(draws, [-0.298_165_672_285_482_1, 1.829_291_736_184_812_9, -0.340_761_184_925_323_1]);
    }

    #[cfg(feature = "rand")]
    fn generator(seed: u64) -> rand_chacha::ChaCha8Rng {
        use rand::SeedableRng;
        rand_chacha::ChaCha8Rng::seed_from_u64(seed)
    }
}
