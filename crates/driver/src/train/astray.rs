//! Recognises a run that went astray: finite, but worse at its end than before its first update.

use crate::epoch_table::Measurement;
use crate::number_format::number;

/// Less than this above a bound is chance, such as that of a last batch.
const CHANCE: f64 = 1.05;

/// A warning with a learning rate to try, if the loss at the end is above that of guessing, ln(classes), or that of the
/// first batch before any update. `rates` are the run's and its optimiser's usual one.
pub fn warning(history: &[Measurement], classes: usize, rates: (f64, f64)) -> Option<String> {
    let [first, .., last] = history else { return None };
    let shown = |loss: f64| if loss < 1e4 { format!("{loss:.2}") } else { format!("{loss:.2e}") };
    let guessing = (classes as f64).ln();
    let bound = if last.loss > CHANCE * guessing {
        format!("that of guessing, {}", shown(guessing))
    } else if last.loss > CHANCE * first.loss {
        format!("the {} of the first batch", shown(first.loss))
    } else {
        return None;
    };
    let other = lower_rate(rates);
    let loss = shown(last.loss);
    Some(format!(
        "the run went astray: the last loss, {loss}, is above {bound}; try a lower rate, such as --lr {}",
        number(other)
    ))
}

/// A rate to try instead of one that was too high: the optimiser's usual one, or a tenth.
pub fn lower_rate((rate, usual): (f64, f64)) -> f64 {
    // Rounded to three digits: a tenth of 0.7 is 0.06999999999999999.
    let tenth = format!("{:.2e}", rate / 10.0).parse().unwrap_or(rate / 10.0);
    if rate > usual { usual } else { tenth }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(losses: &[f64], classes: usize, rate: f64) -> Option<String> {
        let history: Vec<Measurement> = losses
            .iter()
            .enumerate()
            .map(|(i, &loss)| Measurement {
                iterations: i + 1,
                loss,
                test_loss: loss,
                train_accuracy: 0.1,
                test_accuracy: 0.1,
                validation_accuracy: None,
            })
            .collect();
        warning(&history, classes, (rate, 0.1))
    }

    #[test]
    fn an_end_that_is_worse_than_guessing_or_the_start_is_told_with_a_rate() {
        let told = of(&[2.3, 9.0, 411.0], 10, 50.0).unwrap();
        assert!(told.contains("411.00") && told.contains("guessing, 2.30") && told.ends_with("--lr 0.1"), "{told}");
        let told = of(&[0.5, 0.2, 1.7], 10, 0.07).unwrap();
        assert!(told.contains("the 0.50 of the first batch") && told.ends_with("--lr 0.007"), "{told}");
    }

    #[test]
    fn a_run_that_learns_or_has_hardly_begun_gets_no_warning() {
        for (losses, classes) in
            [(&[2.3, 1.0, 0.2][..], 10), (&[2.31, 2.32], 10), (&[400.0], 10), (&[], 10), (&[0.0, 0.0], 1)]
        {
            assert_eq!(of(losses, classes, 0.1), None, "{losses:?}");
        }
    }
}
