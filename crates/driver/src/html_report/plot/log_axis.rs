//! A logarithmic axis, whose bounds and ticks are round.

/// The most steps between ticks.
const STEPS: i32 = 9;

/// The round numbers of a decade. Every other one is 1, 2 or 5.
const ROUND: [&str; 6] = ["1", "1.5", "2", "3", "5", "7"];
const DECADE: i32 = ROUND.len() as i32;

/// The bounds, as places among the round numbers, where 0 is 1.
#[derive(Clone, Copy, Debug)]
pub struct LogAxis {
    least: i32,
    most: i32,
    /// The low end, which has room for zero below the least tick.
    end: i32,
}

impl LogAxis {
    /// The narrowest axis that shows these values, without those that have no logarithm.
    pub fn around(values: impl Iterator<Item = f64>) -> LogAxis {
        let shown = values.filter(|value| *value > 0.0 && value.is_finite()).map(|value| value.clamp(1e-300, 1e300));
        let (least, most) = shown.fold((f64::INFINITY, 0.0), |(least, most), v| (v.min(least), v.max(most)));
        if most == 0.0 {
            return LogAxis { least: -DECADE, most: 0, end: -DECADE };
        }
        let (least, below) = (place_below(least), place_below(most));
        let most = if value(below) < most * (1.0 - 1e-9) { below + 1 } else { below };
        LogAxis { least, most: most.max(least + 1), end: least }
    }

    /// The same axis with zero at its low end, far enough from the ticks for a label.
    pub fn with_zero(self) -> LogAxis {
        LogAxis { end: self.least - 1 - (self.most - self.least) / 12, ..self }
    }

    /// Where a value is: 0 at the low end, 1 at the high end.
    pub fn share(&self, x: f64) -> f64 {
        let (least, most) = (value(self.end), value(self.most));
        // Not of the quotient, which may be infinite.
        ((x.clamp(least, most).ln() - least.ln()) / (most.ln() - least.ln())).clamp(0.0, 1.0)
    }

    /// The ticks: all places; every other one if those are too many; then powers of ten.
    pub fn ticks(&self) -> impl Iterator<Item = f64> {
        let (least, most) = (self.least, self.most);
        let steps = [1, 2].into_iter().chain((DECADE..).step_by(DECADE as usize));
        let step = steps.into_iter().find(|step| (most - least) / step <= STEPS).unwrap_or(1);
        (least..=most).filter(move |place| place.rem_euclid(step) == 0).map(value)
    }
}

fn value(place: i32) -> f64 {
    // The nearest number, which powers and products may miss.
    format!("{}e{}", ROUND[place.rem_euclid(DECADE) as usize], place.div_euclid(DECADE)).parse().unwrap_or(1.0)
}

/// The last place that is not above `x`.
fn place_below(x: f64) -> i32 {
    let decade = DECADE * x.log10().floor() as i32;
    (decade - 1..=decade + DECADE).rev().find(|&place| value(place) <= x * (1.0 + 1e-9)).unwrap_or(decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64]) -> Vec<f64> {
        LogAxis::around(values.iter().copied()).ticks().collect()
    }

    #[test]
    fn bounds_are_round_and_close_to_the_values() {
        assert_eq!(ticks(&[0.017, 0.8]), [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]);
        assert_eq!(ticks(&[0.02, 0.05]), [0.02, 0.03, 0.05]);
        assert_eq!(ticks(&[2.3]), [2.0, 3.0]);
        assert_eq!(ticks(&[0.0, f64::NAN, f64::INFINITY]), [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0]);
    }

    #[test]
    fn a_wide_range_has_few_ticks_at_powers_of_ten() {
        assert_eq!(ticks(&[0.004, 200.0]), [0.01, 0.1, 1.0, 10.0, 100.0]);
        let all = ticks(&[0.5, 1e300]);
        assert!((5..=10).contains(&all.len()) && all[0] == 1.0, "{all:?}");
    }

    #[test]
    fn equal_factors_are_equal_distances() {
        let axis = LogAxis::around([0.01, 1.0].into_iter());
        assert_eq!([0.01, 0.1, 1.0, 7.0, 0.0].map(|x| (10.0 * axis.share(x)).round()), [0.0, 5.0, 10.0, 10.0, 0.0]);
        let zero = axis.with_zero();
        assert!(zero.share(0.0) == 0.0 && zero.share(0.01) > 0.07 && zero.ticks().eq(axis.ticks()));
    }
}
