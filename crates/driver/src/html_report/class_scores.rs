//! Scores of each class, and mistakes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use twolayer_idx::Split as Half;

use crate::confusion;
use crate::error::CliError;
use crate::network::Network;

/// The most classes that are listed.
const MOST_CLASSES: usize = 256;

/// The scores of a class; `None` where undefined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// The share of correct ones among those predicted as this class.
    pub precision: Option<f64>,
    /// The share of this class's images that were predicted correctly.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
    /// Images of this class.
    pub rows: usize,
}

impl ClassScores {
    /// The scores of every class, from a confusion matrix.
    pub fn of(confusion: &[Vec<usize>]) -> Vec<ClassScores> {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        let scores = |class: usize| {
            let right = confusion[class][class];
            let rows: usize = confusion[class].iter().sum();
            let taken: usize = confusion.iter().map(|row| row[class]).sum();
            let (precision, recall) = (share(right, taken), share(right, rows));
            ClassScores { precision, recall, f1: share(2 * right, rows + taken), rows }
        };
        (0..confusion.len()).map(scores).collect()
    }

    /// The mean of a score over the classes that have it.
    pub fn mean(scores: &[ClassScores], which: impl Fn(&ClassScores) -> Option<f64>) -> Option<f64> {
        let there: Vec<f64> = scores.iter().filter_map(which).collect();
        (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64)
    }
}

/// A wrongly classified image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    pub index: usize,
    /// The probability of the predicted class.
    pub probability: f64,
    /// The probability of the true class.
    pub right: f64,
}

/// The mistakes of one kind.
#[derive(Debug)]
pub struct Pair {
    pub label: usize,
    pub taken_for: usize,
    /// How many there are, shown or not.
    pub count: usize,
    /// Those to show, the most confident ones first.
    pub mistakes: Vec<Mistake>,
}

/// The evaluation of a network on labelled images.
pub struct Evaluated {
    pub rows: usize,
    pub wrong: usize,
    /// The confusion matrix; empty if there are too many classes.
    pub confusion: Option<Vec<Vec<usize>>>,
    /// The most frequent ones first.
    pub pairs: Vec<Pair>,
}

impl Evaluated {
    /// Evaluates `net` on all images of `half`; keeps up to `most` mistakes.
    pub fn new(net: &dyn Network, half: &Half, most: usize) -> Result<Evaluated, CliError> {
        let predicted = net.classify(half)?;
        let classes = net.shape().classes();
        let mut pairs: BTreeMap<(usize, usize), Vec<Mistake>> = BTreeMap::new();
        let images = half.images().chunks_exact(half.inputs());
        for (index, ((pixels, &label), &taken_for)) in images.zip(half.labels()).zip(&predicted).enumerate() {
            let label = label as usize;
            if label != taken_for {
                let p = net.probabilities(pixels)?;
                let mistake = Mistake { index, probability: p[taken_for], right: p[label] };
                pairs.entry((label, taken_for)).or_default().push(mistake);
            }
        }
        let wrong = pairs.values().map(Vec::len).sum();
        let confusion = (classes <= MOST_CLASSES).then(|| confusion::matrix(half.labels(), &predicted, classes));
        Ok(Evaluated { rows: half.rows(), wrong, confusion, pairs: chosen(pairs, most) })
    }

    /// The number of mistakes to show.
    pub fn shown(&self) -> usize {
        self.pairs.iter().map(|pair| pair.mistakes.len()).sum()
    }
}

/// The most frequent pairs first; of each the same number of mistakes, up to `most` in all.
fn chosen(pairs: BTreeMap<(usize, usize), Vec<Mistake>>, most: usize) -> Vec<Pair> {
    let pair =
        |((label, taken_for), mistakes): (_, Vec<Mistake>)| Pair { label, taken_for, count: mistakes.len(), mistakes };
    let mut pairs: Vec<Pair> = pairs.into_iter().map(pair).collect();
    pairs.sort_by_key(|pair| Reverse(pair.count));
    pairs.truncate(most);
    let all = |each: usize| pairs.iter().map(|pair| pair.count.min(each)).sum::<usize>();
    let each = (1..=most).take_while(|&each| all(each) <= most).last().unwrap_or(1);
    for Pair { mistakes, .. } in &mut pairs {
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
        mistakes.truncate(each);
    }
    pairs
}

/// The most frequent confusions, as (true, predicted, count), most frequent first.
pub fn mix_ups(confusion: &[Vec<usize>], most: usize) -> Vec<(usize, usize, usize)> {
    let mut pairs = Vec::new();
    for (class, row) in confusion.iter().enumerate() {
        let wrong = row.iter().enumerate().filter(|(predicted, n)| *predicted != class && **n > 0);
        pairs.extend(wrong.map(|(predicted, &n)| (class, predicted, n)));
    }
    pairs.sort_by_key(|&(class, predicted, n)| (usize::MAX - n, class, predicted));
    pairs.truncate(most);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_computed_by_hand() {
        // Class 0: 3 of its 4 images are correct, and 5 are predicted as it. Class 1: 6 of 8, and 7. Class 2: none.
        let scores = ClassScores::of(&[vec![3, 1, 0], vec![2, 6, 0], vec![0, 0, 0]]);
        let expected = [(0.6, 0.75, 2.0 / 3.0, 4), (6.0 / 7.0, 0.75, 0.8, 8)];
        for (found, (precision, recall, f1, rows)) in scores.iter().zip(expected) {
            let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
            assert!(close(found.precision, precision) && close(found.recall, recall), "{found:?}");
            assert!(close(found.f1, f1) && found.rows == rows, "{found:?}");
        }
        assert_eq!(scores[2], ClassScores { precision: None, recall: None, f1: None, rows: 0 });
        assert!((ClassScores::mean(&scores, |s| s.f1).unwrap() - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-12);
        assert_eq!(ClassScores::mean(&scores[2..], |s| s.f1), None);
    }

    #[test]
    fn a_class_that_is_never_predicted_has_no_precision() {
        let scores = ClassScores::of(&[vec![0, 2], vec![0, 3]]);
        assert_eq!(scores[0], ClassScores { precision: None, recall: Some(0.0), f1: Some(0.0), rows: 2 });
    }

    #[test]
    fn frequent_pairs_are_first_and_each_keeps_its_surest_mistakes() {
        let some = |n: usize| (0..n).map(|i| Mistake { index: i, probability: i as f64 / 10.0, right: 0.0 }).collect();
        let pairs = || BTreeMap::from([((0, 1), some(1)), ((1, 0), some(5)), ((2, 1), some(3))]);
        let kept =
            |most| chosen(pairs(), most).iter().map(|pair| (pair.label, pair.mistakes.len())).collect::<Vec<_>>();
        assert_eq!(kept(9), [(1, 5), (2, 3), (0, 1)]);
        assert_eq!(kept(6), [(1, 2), (2, 2), (0, 1)]);
        assert_eq!(kept(2), [(1, 1), (2, 1)]);
        let first = &chosen(pairs(), 3)[0];
        assert_eq!((first.count, first.mistakes[0].index), (5, 4));
        assert!(chosen(BTreeMap::new(), 9).is_empty());
    }

    #[test]
    fn confusions_are_sorted_by_frequency() {
        let confusion = [vec![9, 1, 3], vec![0, 9, 0], vec![3, 5, 9]];
        assert_eq!(mix_ups(&confusion, 3), [(2, 1, 5), (0, 2, 3), (2, 0, 3)]);
        assert_eq!(mix_ups(&confusion, 9).len(), 4);
        assert!(mix_ups(&[vec![4]], 9).is_empty());
    }
}
