//! Why a check failed, where the numbers tell.
//!
//! A central difference is wrong by truncation, which falls with h², and by rounding, which grows with 1/h. So other
//! steps tell what is at fault: if a smaller one brings the two gradients together, h was too large; if a larger one
//! does, too small; if none does and the numerical gradient hardly moves, it is right, and backpropagation is not. What
//! is no larger than the numerical gradients differ among themselves says nothing.

use twolayer_core::{Error, Labels, Parameter, Parameters, Rows, TwoLayerNet};

use super::difference::{Difference, place};

/// Steps tried besides the one at hand, as multiples of it: truncation changes by their square.
const SMALLER: f64 = 0.25;
const LARGER: f64 = 8.0;

/// A unit whose activations are all so close to 0 or 1 has derivatives that are lost in rounding.
const SATURATED: f64 = 1e-9;

/// What is checked.
pub struct Subject<'a> {
    pub net: &'a TwoLayerNet<f64>,
    pub rows: Rows<'a, f64>,
    pub labels: Labels<'a, f64>,
    /// How many rows there are.
    pub batch: usize,
    pub h: f64,
}

/// A sentence for each parameter that failed, and one for each of their hidden units that is saturated.
pub fn failures(
    subject: &Subject<'_>,
    backprop: &Parameters<f64>,
    differences: &[(Parameter, Difference)],
) -> Result<Vec<String>, Error> {
    let numerical = |h: f64| subject.net.numerical_gradient(subject.rows, subject.labels, h);
    let (smaller, larger) = (numerical(subject.h * SMALLER)?, numerical(subject.h * LARGER)?);
    let mut told = Vec::new();
    for (p, d) in differences {
        let at = |other: &Parameters<f64>| Difference::of(*p, backprop, other).mean_abs;
        let spread = Difference::of(*p, &smaller, &larger).mean_abs;
        told.push(cause(*p, d, subject.h, [at(&smaller), at(&larger), spread]));
        if let Some(unit) = unit(*p, d).filter(|&unit| is_saturated(subject, unit)) {
            told.push(format!(
                "hidden unit {unit} is saturated: in every row its activation is within {SATURATED:e} of 0 or 1, so that \
                 its derivatives are lost in rounding; smaller weights, or scaled inputs, would help"
            ));
        }
    }
    told.dedup();
    Ok(told)
}

/// What the mean differences at a smaller and a larger step, and the one between these two, say of that at `h`.
fn cause(p: Parameter, d: &Difference, h: f64, [smaller, larger, spread]: [f64; 3]) -> String {
    let (name, mean) = (p.name(), d.mean_abs);
    let element = place(p, &d.worst);
    if !mean.is_finite() {
        return format!("{element} is {} by backpropagation, {} numerically", d.worst.backprop, d.worst.numerical);
    }
    if smaller < mean / 4.0 {
        let h = h * SMALLER;
        return format!(
            "{name}: h is too large; with --h {h:e} the mean difference falls from {mean:.1e} to {smaller:.1e}"
        );
    }
    if larger < mean / 2.0 {
        let h = h * LARGER;
        return format!(
            "{name}: h is so small that rounding dominates; with --h {h:e} the mean difference falls from {mean:.1e} to \
             {larger:.1e}"
        );
    }
    if mean < 4.0 * spread {
        return format!(
            "{name}: numerical gradients differ by as much among themselves, {spread:.1e} from one step to another: a \
             tolerance below that asks too much of them"
        );
    }
    format!(
        "{name}: the numerical gradient is the same at other steps, so backpropagation is wrong, most of all in {element}: \
         {:.6e} instead of {:.6e}",
        d.worst.backprop, d.worst.numerical
    )
}

/// The hidden unit that the worst element belongs to.
fn unit(p: Parameter, d: &Difference) -> Option<usize> {
    match p {
        Parameter::W1 | Parameter::B1 => Some(d.worst.column),
        Parameter::W2 => Some(d.worst.row),
        Parameter::B2 => None,
    }
}

fn is_saturated(subject: &Subject<'_>, unit: usize) -> bool {
    let Rows::Pixels(pixels) = subject.rows else { return false };
    let (w1, bias) = (subject.net.parameters.w1(), subject.net.parameters.b1()[unit]);
    pixels.chunks_exact(w1.rows()).all(|row| {
        let sum: f64 = row.iter().enumerate().map(|(i, &p)| f64::from(p) / 255.0 * w1.get(i, unit)).sum();
        // 1 - z for a positive sum, z for a negative one.
        1.0 / (1.0 + (sum + bias).abs().exp()) < SATURATED
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use twolayer_core::Shape;

    fn net() -> TwoLayerNet<f64> {
        let mut number = 0.0f64;
        let draw = || {
            number += 1.0;
            (number * 37.0).sin()
        };
        TwoLayerNet::new(Parameters::normal(Shape::new(6, 3, 4).unwrap(), 1.0, draw))
    }

    const PIXELS: [u8; 12] = [255, 0, 9, 200, 17, 0, 0, 80, 255, 255, 3, 1];

    /// What is said of W1 when it is checked with this step against a gradient that is so much off.
    fn told(net: &TwoLayerNet<f64>, h: f64, factor: f64) -> String {
        let (rows, labels) = (Rows::Pixels(&PIXELS), Labels::Classes(&[3, 1]));
        let mut backprop = net.gradient(rows, labels).unwrap();
        let wrong: Vec<f64> = backprop.w1().to_vec().iter().map(|g| g * factor).collect();
        backprop.set(Parameter::W1, &wrong).unwrap();
        let numerical = net.numerical_gradient(rows, labels, h).unwrap();
        let d = [(Parameter::W1, Difference::of(Parameter::W1, &backprop, &numerical))];
        failures(&Subject { net, rows, labels, batch: 2, h }, &backprop, &d).unwrap().join("\n")
    }

    #[test]
    fn the_fault_is_found_where_it_is() {
        assert!(told(&net(), 0.1, 1.0).contains("h is too large"));
        assert!(told(&net(), 1e-11, 1.0).contains("rounding dominates"));
        let wrong = told(&net(), 1e-4, 1.01);
        assert!(wrong.contains("backpropagation is wrong") && !wrong.contains("saturated"), "{wrong}");
    }

    #[test]
    fn rounding_alone_is_nobodys_fault() {
        assert!(told(&net(), 2e-5, 1.0).contains("asks too much"), "{}", told(&net(), 2e-5, 1.0));
    }

    #[test]
    fn a_saturated_unit_is_named() {
        let mut net = net();
        net.parameters.get_mut(Parameter::B1).row_mut(0).copy_from_slice(&[40.0, -40.0, 50.0]);
        assert!(told(&net, 1e-4, 1.0).contains("is saturated"));
    }
}
