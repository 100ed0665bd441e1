//! Explanations of failures whose cause is known.

use super::*;
use twolayer_core::{Init, Shape, TwoLayerNet};

fn net() -> TwoLayerNet<f64> {
    let mut number = 0.0f64;
    let draw = || {
        number += 1.0;
        (number * 37.0).sin()
    };
    TwoLayerNet::new(Parameters::normal(Shape::new(6, 3, 4).unwrap(), Init::Normal(1.0), draw))
}

const PIXELS: [u8; 12] = [255, 0, 9, 200, 17, 0, 0, 80, 255, 255, 3, 1];

fn subject(net: &TwoLayerNet<f64>, h: f64, tolerance: f64) -> CheckedNetwork<'_> {
    CheckedNetwork { net, pixels: &PIXELS, labels: &[3, 1], h, tolerance }
}

/// The explanation when `wrong` is added to the gradient of `p` by backpropagation.
fn explanation(net: &TwoLayerNet<f64>, p: Parameter, (h, tolerance): (f64, f64), wrong: f64) -> String {
    let subject = subject(net, h, tolerance);
    let (rows, labels) = subject.batch();
    let mut backprop = net.gradient(rows, labels).unwrap();
    let values: Vec<f64> = backprop.get(p).to_vec().iter().map(|g| g + wrong).collect();
    backprop.set(p, &values).unwrap();
    let of = |batch: Batch<'_>| subject.numerical(batch, h);
    let compared = Comparable::new(&subject, h, (&backprop, of(subject.batch()).unwrap()), &of).unwrap();
    let judged = compared.differences().map(|difference| {
        let verdict = difference.verdict(tolerance);
        Judged { verdict, difference }
    });
    failures(&subject, &backprop, &judged, subject.idle_units().unwrap()).unwrap().join("\n")
}

#[test]
fn each_cause_of_failure_is_identified() {
    for p in Parameter::ALL {
        for h in [0.01, 1.0, 30.0, 1e3, 1e300] {
            let why = explanation(&net(), p, (h, 1e-9), 0.0);
            assert!(why.contains("h is too large"), "{h:e}: {why}");
        }
        for h in [1e-11, 1e-17, 1e-40, 1e-320] {
            let why = explanation(&net(), p, (h, 1e-9), 0.0);
            assert!(why.contains("h is too small"), "{h:e}: {why}");
        }
        for (h, wrong) in [(1e-4, 1e-8), (1e-4, -0.1), (1e-2, 1e-6), (1e-40, 1e-8)] {
            let why = explanation(&net(), p, (h, 1e-9), wrong);
            assert!(why.contains(&format!("{}: backpropagation is wrong", p.name())), "{wrong:e} at {h:e}: {why}");
        }
        let why = explanation(&net(), p, (1e-4, 1e-16), 0.0);
        assert!(why.contains("cannot reach the tolerance"), "{why}");
    }
}

/// The suggested step is one at which a second check passes.
#[test]
fn one_step_is_suggested_for_all_parameters() {
    for h in [0.1, 1e-10] {
        let why = explanation(&net(), Parameter::W1, (h, 1e-9), 0.0);
        assert_eq!((why.lines().count(), why.matches("--h ").count()), (1, 1), "{why}");
        let suggested = why.split("--h ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(explanation(&net(), Parameter::W1, (suggested, 1e-9), 0.0), "");
    }
}

#[test]
fn overflow_is_not_blamed_on_backpropagation() {
    let mut net = net();
    net.parameters.get_mut(Parameter::B2).row_mut(0)[0] = 1e300;
    let why = explanation(&net, Parameter::B2, (1e-4, 1e-9), 0.0);
    assert!(why.contains("cannot reach the tolerance"), "{why}");
    (0..3).for_each(|j| net.parameters.get_mut(Parameter::W2).row_mut(j)[0] = 1.7e308);
    let why = explanation(&net, Parameter::W1, (1e-4, 1e-9), 0.0);
    assert!(why.contains("overflow"), "{why}");
}

#[test]
fn units_that_say_nothing_are_counted() {
    let mut net = net();
    assert_eq!(subject(&net, 1e-4, 1e-9).idle_units(), Ok(0));
    net.parameters.get_mut(Parameter::B1).row_mut(0).copy_from_slice(&[40.0, 0.0, -50.0]);
    assert_eq!(subject(&net, 1e-4, 1e-9).idle_units(), Ok(2));
    net.activation = Activation::Relu;
    net.parameters.get_mut(Parameter::B1).row_mut(0).copy_from_slice(&[40.0, 30.0, -50.0]);
    assert_eq!(subject(&net, 1e-4, 1e-9).idle_units(), Ok(1));
    net.parameters.get_mut(Parameter::B1).row_mut(0).fill(-50.0);
    let why = explanation(&net, Parameter::B2, (1e-4, 1e-9), 0.0);
    assert_eq!(why.matches("nothing to compare: every hidden unit is below 0").count(), 3, "{why}");
}
