//! Images and labels of every element type and layout.

use twolayer_idx::{Data, DataSet, Error, ErrorKind, Idx, Split};

use crate::fixtures::assert_told;

fn idx(sizes: &[usize], data: impl Into<Data>) -> Idx {
    Idx::new(sizes.to_vec(), data).unwrap()
}

fn pair(images: Idx, labels: Idx) -> Result<Split, Error> {
    Split::pair(("the images", images), ("the labels", labels))
}

/// Two images of 2 x 3 pixels.
fn two() -> Idx {
    idx(&[2, 2, 3], (0..12u8).collect::<Vec<_>>())
}

#[test]
fn labels_of_every_type() {
    let lists: [Data; 6] = [
        vec![3u8, 120].into(),
        vec![3i8, 120].into(),
        vec![3i16, 120].into(),
        vec![3i32, 120].into(),
        vec![3f32, 120.0].into(),
        vec![3f64, 120.0].into(),
    ];
    for list in lists {
        let split = pair(two(), idx(&[2], list)).unwrap();
        assert_eq!((split.labels(), split.classes()), (&[3, 120][..], 121));
    }
    for sizes in [&[2, 1][..], &[1, 2], &[2, 1, 1]] {
        assert_eq!(pair(two(), idx(sizes, vec![3u8, 4])).unwrap().labels(), [3, 4]);
    }
    let many = pair(two(), idx(&[2], vec![299i16, 70])).unwrap();
    assert_eq!(many.classes(), 300);
    many.check_labels(300).unwrap();
    let error = many.check_labels(299).unwrap_err();
    assert_told(&error, "the labels", &["label 299 at index 0", "299 classes"]);
}

#[test]
fn one_hot_labels() {
    let table = [0, 0, 1, 1, 0, 0];
    let tables: [Data; 3] =
        [table.to_vec().into(), table.map(|x| x as u8).to_vec().into(), table.map(|x| x as f32).to_vec().into()];
    for table in tables {
        assert_eq!(pair(two(), idx(&[2, 3], table)).unwrap().labels(), [2, 0]);
    }
    // A table of one row, and one with QMNIST's number of columns.
    let one = pair(idx(&[1, 2, 2], vec![1u8; 4]), idx(&[1, 3], vec![0u8, 1, 0])).unwrap();
    assert_eq!(one.labels(), [1]);
    let mut eight = vec![0i32; 16];
    (eight[1], eight[8]) = (1, 1);
    assert_eq!(pair(two(), idx(&[2, 8], eight)).unwrap().labels(), [1, 0]);
    for (row, wrong) in [(1, [1, 0, 0, 0, 0, 0]), (1, [1, 0, 0, 1, 1, 0]), (0, [2, 0, 0, 1, 0, 0])] {
        let error = pair(two(), idx(&[2, 3], wrong.to_vec())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotOneHot { .. }));
        assert_told(&error, "the labels", &[&format!("row {row}"), "2 x 3", "one 1 among zeros"]);
    }
}

#[test]
fn labels_that_are_none() {
    for (label, shown) in [(-1.0, "-1"), (1.5, "1.5"), (1e6, "1000000"), (f64::NAN, "NaN")] {
        let error = pair(two(), idx(&[2], vec![0.0, label])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::LabelOutOfBounds { index: 1, .. }));
        assert_told(&error, "the labels", &[&format!("label {shown} at index 1"), "whole numbers from 0 to 999999"]);
    }
    // Images in the place of labels.
    let error = pair(two(), idx(&[2, 2, 3], vec![0u8; 12])).unwrap_err();
    assert_told(&error, "the labels", &["cannot be the labels", "2 x 2 x 3", "one-hot"]);
}

#[test]
fn images_of_every_type_and_range() {
    let images: [Data; 8] = [
        vec![0u8, 51, 102, 127].into(),
        vec![0i8, 51, 102, 127].into(),
        vec![0i16, 51, 102, 127].into(),
        vec![0i32, 51, 102, 127].into(),
        vec![0f32, 51.0, 102.0, 127.0].into(),
        vec![0f64, 51.0, 102.0, 127.0].into(),
        [0u8, 51, 102, 127].map(|p| f32::from(p) / 255.0).to_vec().into(),
        [0u8, 51, 102, 127].map(|p| f64::from(p) / 255.0).to_vec().into(),
    ];
    for images in images {
        let split = pair(idx(&[1, 2, 2], images), idx(&[1], vec![0u8])).unwrap();
        assert_eq!(split.images(), [0, 51, 102, 127]);
        assert_eq!(split.notes(), [""; 0]);
    }
}

#[test]
fn rounding_that_loses_is_told() {
    for (pixels, expected, told) in [
        (
            vec![0.0, 0.5, 1.0, 0.1],
            [0, 128, 255, 26],
            "floats from 0 to 1 are rounded to 256 shades, by up to 0.50/255",
        ),
        (vec![0.0, 7.25, 255.0, 9.0], [0, 7, 255, 9], "floats from 0 to 255 are rounded to 256 shades, by up to 0.25"),
    ] {
        let split = pair(idx(&[1, 2, 2], pixels), idx(&[1], vec![0u8])).unwrap();
        assert_eq!(split.images(), expected);
        assert_eq!(split.notes(), [format!("the images: {told}")]);
    }
}

#[test]
fn other_ranges_are_named() {
    let refused = |pixels: Vec<f32>| pair(idx(&[1, 2, 2], pixels), idx(&[1], vec![0u8])).unwrap_err();
    for (pixels, range) in [
        (vec![-0.42421296, 0.0, 1.0, 2.8215127], "from -0.42421296 to 2.8215127"),
        (vec![-1.0, 0.0, 1.0, 0.5], "from -1.0 to 1.0"),
        (vec![0.0, 65535.0, 1.0, 0.5], "from 0.0 to 65535.0"),
        (vec![0.0, f32::INFINITY, 1.0, 0.5], "from 0.0 to inf"),
    ] {
        assert_told(&refused(pixels), "the images", &[range, "expected are 0 to 255, or floats from 0 to 1"]);
    }
    assert_told(&refused(vec![0.0, 0.0, f32::NAN, 1.0]), "the images", &["element 2", "NaN"]);
}

#[test]
fn layouts_of_grey_images() {
    for (sizes, height, width) in [
        (&[2, 2, 3][..], 2, 3),
        (&[2, 2, 3, 1], 2, 3),
        (&[2, 1, 2, 3], 2, 3),
        (&[1, 2, 2, 3], 2, 3),
        (&[2, 1, 1, 2, 3], 2, 3),
        (&[2, 6], 1, 6),
        (&[2, 6, 1], 1, 6),
        (&[2, 1, 6], 1, 6),
        (&[2, 4], 2, 2),
        (&[2, 1, 784], 28, 28),
        (&[2, 3, 32], 3, 32),
        (&[2, 1], 1, 1),
    ] {
        let pixels: Vec<u8> = (0..sizes.iter().product::<usize>()).map(|i| i as u8).collect();
        let split = pair(idx(sizes, pixels.clone()), idx(&[2], vec![0u8, 1])).unwrap();
        assert_eq!((split.rows(), split.height(), split.width()), (2, height, width), "{sizes:?}");
        assert_eq!(split.images(), pixels);
    }
}

#[test]
fn colour_and_other_ranks_are_called_by_name() {
    for (sizes, name) in [
        (&[2, 8, 8, 3][..], "3 for red, green and blue"),
        (&[2, 3, 8, 8], "3 for red, green and blue"),
        (&[2, 8, 8, 4], "4 for red, green, blue and opacity"),
        (&[2, 2, 8, 8], "2 for grey and opacity"),
    ] {
        let error = pair(idx(sizes, vec![0u8; sizes.iter().product()]), idx(&[2], vec![0u8, 1])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Colour { .. }));
        assert_told(&error, "the images", &["colour images", name, "convert them to grey"]);
    }
    for sizes in [&[2][..], &[2, 8, 8, 8], &[2, 3, 3, 3, 3]] {
        let error = pair(idx(sizes, vec![0u8; sizes.iter().product()]), idx(&[2], vec![0u8, 1])).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WrongRank { .. }));
        assert_told(&error, "the images", &["cannot be the images", "rows x height x width"]);
    }
}

#[test]
fn flat_images_get_the_size_of_the_other_half() {
    let flat = || pair(idx(&[2, 6], vec![0u8; 12]), idx(&[2], vec![0u8, 1])).unwrap();
    let upright = || pair(two(), idx(&[2], vec![0u8, 1])).unwrap();
    for (train, test) in [(flat(), upright()), (upright(), flat())] {
        let set = DataSet::new(train, test).unwrap();
        for half in [&set.train, &set.test] {
            assert_eq!((half.height(), half.width()), (2, 3));
        }
    }
}
