//! The rows that are held out, to validate on or to test: a share of each class, drawn by the seed.
//!
//! Many files are sorted by class. Their last rows are of few classes, which a network that never saw them gets wrong.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use twolayer_core::{Sampler, ShuffledSampler};
use twolayer_idx::{DataSet, Split as Half};

use crate::args::{TrainArgs, ValidationFrom};
use crate::data::Source;
use crate::error::CliError;
use crate::number_format;

/// The generator's stream for this, so that weights and batches are drawn as without validation.
const STREAM: u64 = 1;

/// How many of `rows` a share of them is, rounded up.
pub fn count(rows: usize, share: f64) -> usize {
    ((rows as f64 * share).ceil() as usize).min(rows)
}

/// The share of a training set that is the test set where there is none.
const TEST_SHARE: f64 = 0.1;

/// The data, its number of classes, and a note if a part of the training set is held out, for want of a test set.
pub fn load(args: &TrainArgs, source: Source, quiet: bool) -> Result<(DataSet, usize, Option<String>), CliError> {
    let (all, test) = source.load(quiet)?;
    let classes = args.size.classes.unwrap_or_else(|| all.classes());
    all.check_labels(classes)?;
    if let Some(test) = test {
        test.check_labels(classes)?;
        return Ok((DataSet { train: all, test }, classes, None));
    }
    let held_out = count(all.rows(), TEST_SHARE);
    let rows = all.rows() - held_out;
    if rows == 0 {
        return Err(CliError::new(format!("{}: one image is too few to train on and to test", all.images_name())));
    }
    let chosen = drawn(all.labels(), held_out, args.random.seed);
    let half = |test: bool| all.reordered(&(0..all.rows()).filter(|&row| chosen[row] == test).collect::<Vec<_>>());
    let held_out = number_format::count(held_out, "training image");
    let note =
        format!("no test images: tested on {held_out}, drawn by the seed, about a tenth of each class; not trained on");
    Ok((DataSet::new(half(false), half(true))?, classes, Some(note)))
}

/// Whether the rows to hold out come to the end of the training set, rather than being those that are there.
pub fn is_reordered(args: &TrainArgs) -> bool {
    args.learning.validation.is_some() && args.learning.validation_from == ValidationFrom::Classes
}

/// The training set with the rows to hold out at its end, unless the options take them from where they are.
pub fn reordered(train: &Half, args: &TrainArgs) -> Option<Half> {
    let share = args.learning.validation.filter(|_| is_reordered(args))?;
    Some(at_the_end(train, count(train.rows(), share), args.random.seed))
}

/// The rows that are trained on with `--validation` of this share, and as the test set those held out.
pub fn split(train: &Half, share: f64, seed: u64) -> Result<DataSet, CliError> {
    let held_out = count(train.rows(), share);
    let rows = train.rows() - held_out;
    if rows == 0 {
        let all = number_format::count(train.rows(), "row");
        return Err(CliError::usage(format!("--validation leaves none of {all} for training; give a smaller share")));
    }
    let ordered = at_the_end(train, held_out, seed);
    let half = |rows: std::ops::Range<usize>| ordered.reordered(&rows.collect::<Vec<_>>());
    Ok(DataSet::new(half(0..rows), half(rows..train.rows()))?)
}

/// The training set with `held_out` rows at its end, drawn from each class in proportion; the others keep their order.
fn at_the_end(train: &Half, held_out: usize, seed: u64) -> Half {
    let chosen = drawn(train.labels(), held_out, seed);
    let (mut order, mut end): (Vec<usize>, Vec<usize>) = (Vec::with_capacity(train.rows()), Vec::new());
    (0..train.rows()).for_each(|row| if chosen[row] { end.push(row) } else { order.push(row) });
    order.extend(end);
    train.reordered(&order)
}

/// Which rows are drawn: all rows are shuffled, sorted by class, and taken at equal distances, so that a class gets its
/// share of `held_out`, rounded up or down.
fn drawn(labels: &[u32], held_out: usize, seed: u64) -> Vec<bool> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(STREAM);
    let mut rows = vec![0; labels.len()];
    ShuffledSampler::new(rng, labels.len()).next_batch(&mut rows);
    rows.sort_by_key(|&row| labels[row]);
    let mut chosen = vec![false; labels.len()];
    (0..held_out).for_each(|k| chosen[rows[k * labels.len() / held_out]] = true);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_gets_its_share_and_the_seed_decides_which_rows() {
        // Sorted, of unequal sizes: 700, 200, 100 and one row.
        let labels: Vec<u32> = [(0, 700), (1, 200), (2, 100), (4, 1)].iter().flat_map(|&(c, n)| vec![c; n]).collect();
        for held_out in [1, 7, 100, 101, 500, 1000] {
            let chosen = drawn(&labels, held_out, 3);
            assert_eq!(chosen.iter().filter(|&&chosen| chosen).count(), held_out);
            for (class, size) in [(0, 700.0), (1, 200.0), (2, 100.0), (4, 1.0)] {
                let found = labels.iter().zip(&chosen).filter(|&(&label, &chosen)| label == class && chosen).count();
                let share = size * held_out as f64 / 1001.0;
                assert!((found as f64 - share).abs() < 1.0 + 1e-9, "{found} of class {class}, expected {share}");
            }
        }
        assert_eq!(drawn(&labels, 100, 3), drawn(&labels, 100, 3));
        assert_ne!(drawn(&labels, 100, 3), drawn(&labels, 100, 4));
    }

    /// As for all draws: the same seed means the same rows, always.
    #[test]
    fn a_seed_means_the_same_rows_forever() {
        let rows: Vec<usize> = drawn(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 4, 0)
            .iter()
            .enumerate()
            .filter_map(|(i, &c)| c.then_some(i))
            .collect();
        assert_eq!(rows, [0, 5, 8, 9]);
    }
}
