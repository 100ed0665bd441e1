//! The confusion matrix.

/// Counts of predictions: a row for each true class, a column for each predicted one.
pub fn matrix(labels: &[u32], predicted: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; classes]; classes];
    for (&label, &class) in labels.iter().zip(predicted) {
        counts[label as usize][class] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_true_class_and_then_by_prediction() {
        assert_eq!(matrix(&[0, 0, 1, 2], &[0, 1, 1, 0], 3), [vec![1, 1, 0], vec![0, 1, 0], vec![1, 0, 0]]);
    }
}
