//! Pictures of several digits, and doubtful ones, predicted by the real binary.

use crate::common::{digits, fails, json, ok};
use image::{GrayImage, Luma};
use twolayer_idx::{Part, Split};

/// Test images of the bundled digits, as a network of them should read them.
const SHOWN: [usize; 3] = [0, 3, 5];

/// The images side by side, ten times as large, dark ink on light paper.
fn row(half: &Split) -> GrayImage {
    let side = half.width();
    GrayImage::from_fn(20 + 120 * SHOWN.len() as u32, 120, |x, y| {
        let (place, x) = ((x / 120) as usize, x % 120);
        let at = |v: u32| (v as usize / 10).checked_sub(2).filter(|&v| v < side);
        let image = SHOWN.get(place).and_then(|&index| half.image(index));
        let ink = image.zip(at(x).zip(at(y))).map_or(0, |(image, (x, y))| image[y * side + x]);
        Luma([255 - ink])
    })
}

#[test]
fn several_digits_are_read_in_order_and_as_a_number() {
    let scratch = tempfile::tempdir().unwrap();
    let (model, file, seen) =
        (scratch.path().join("model"), scratch.path().join("row.png"), scratch.path().join("seen.png"));
    ok("train --quiet --iters 3000 --lr 0.5 --out {}", &[&model]);
    let half = Split::load_part(digits(), Part::Test).unwrap();
    row(&half).save(&file).unwrap();
    let result = &json("predict {} {}", &[&model, &file])["results"][0];
    let found = result["digits"].as_array().unwrap();
    assert_eq!(found.len(), SHOWN.len(), "{result}");
    for (i, digit) in found.iter().enumerate() {
        let left = digit["box"][0].as_u64().unwrap();
        assert!((120 * i as u64..120 * (i as u64 + 1)).contains(&left), "{digit}");
        let p = digit["probabilities"][digit["predicted"].as_u64().unwrap() as usize].as_f64().unwrap();
        assert_eq!(digit["sure"], p >= 0.9, "{digit}");
        assert_eq!(digit["notes"].to_string().contains("below 90"), p < 0.9, "{digit}");
    }
    let number: String = found.iter().map(|digit| digit["predicted"].to_string()).collect();
    assert_eq!(result["numbers"], serde_json::json!([number]), "{result}");
    assert_eq!(result["predicted"], found[1]["predicted"], "the most central one");
    let text = ok("predict {} {}", &[&model, &file]);
    assert!(
        text.contains("3 digits, in reading order") && text.starts_with(&format!("Answer    {number} (least ")),
        "{text}"
    );
    assert_eq!(text.matches('┌').count(), 3, "a box for each: {text}");

    let one = &json("predict {} {} --one", &[&model, &file])["results"][0];
    assert_eq!((one["digits"].as_array().unwrap().len(), &one["predicted"]), (1, &found[1]["predicted"]));
    assert!(one["notes"].to_string().contains("2 other digits were left out"), "{one}");

    ok("predict {} {} --show-input {}", &[&model, &file, &seen]);
    let steps = image::open(&seen).unwrap();
    assert_eq!((steps.width(), steps.height()), (3 * 380 + 16, 120 + 8 + 32));
    fails(2, "predict {} {} {} --show-input {}", &[&model, &file, &file, &seen], &["--show-input", "one picture"]);
    fails(2, "predict {} --one --index 1", &[&model], &["--one"]);
}
