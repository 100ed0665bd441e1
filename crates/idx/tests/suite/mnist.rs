//! MNIST itself, where the environment variable `TWOLAYER_MNIST` names a folder that has it.

use std::time::Instant;

use twolayer_idx::DataSet;

#[test]
fn mnist() {
    let Some(folder) = std::env::var_os("TWOLAYER_MNIST") else {
        eprintln!("skipped: TWOLAYER_MNIST names no folder with MNIST");
        return;
    };
    let start = Instant::now();
    let set = DataSet::load(folder).unwrap();
    eprintln!("loaded in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    for (split, rows, first, ink) in
        [(&set.train, 60_000, [5, 0, 4, 1, 9], 1_567_298_545_u64), (&set.test, 10_000, [7, 2, 1, 0, 4], 264_923_200)]
    {
        assert_eq!(split.rows(), rows);
        assert_eq!((split.height(), split.width()), (28, 28));
        assert_eq!(split.images().len(), rows * 28 * 28);
        assert_eq!(split.labels()[..5], first);
        assert_eq!(split.classes(), 10);
        let sum: u64 = split.images().iter().map(|&p| u64::from(p)).sum();
        assert_eq!(sum, ink);
    }
    set.check_labels(10).unwrap();
    set.check_labels(9).unwrap_err();
}
