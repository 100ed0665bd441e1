//! SGD with numerical gradients, as in the notebook's comment.

use super::options::{Progress, TrainOptions, TrainSummary};
use super::sampler::Sampler;
use crate::error::{Error, Result};
use crate::math::Float;
use crate::network::{Parameter, Rows, TwoLayerNet, differences};
use std::ops::ControlFlow;

/// Trains by SGD with central differences of step `h` as gradients.
pub(super) fn train<T: Float>(
    net: &mut TwoLayerNet<T>,
    (data, labels): (Rows<'_, T>, &[u32]),
    sampler: &mut dyn Sampler,
    (options, h): (&TrainOptions, f64),
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<TrainSummary> {
    let mut rows = vec![0; options.batch];
    let mut summary = TrainSummary { iterations: 0, final_loss: f64::NAN, threads: net.threads.count() };
    while summary.iterations < options.iterations {
        let iteration = options.first_iteration + summary.iterations;
        sampler.next_batch(&mut rows);
        if let Some(&row) = rows.iter().find(|&&row| row >= labels.len()) {
            return Err(Error::Sample { iteration, row, rows: labels.len() });
        }
        let batch = data.to_f64(rows.iter().copied(), net.shape());
        let classes: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
        let wide = net.to_f64();
        let (loss, gradient) = differences(&wide, &batch, &classes, h);
        summary.final_loss = loss;
        let ends = observer(Progress { iteration, loss }).is_break();
        if !loss.is_finite() {
            return Err(Error::Diverged { iteration, what: "the loss" });
        }
        for p in Parameter::ALL {
            let (mut weights, slopes) = (net.parameters.get_mut(p), gradient.get(p));
            for r in 0..weights.rows() {
                let row = weights.row_mut(r).iter_mut().enumerate();
                row.for_each(|(c, w)| *w = T::from_f64(w.to_f64() - options.learning_rate * slopes.get(r, c)));
            }
        }
        summary.iterations += 1;
        if let Some((what, ..)) = net.parameters.first_not_finite() {
            return Err(Error::Diverged { iteration, what: what.name() });
        }
        if ends {
            break;
        }
    }
    Ok(summary)
}
