//! Tests of each step and of a whole picture.

use super::decode::{decode, grey};
use super::fit::{box_side, centre_of_mass};
use super::gray_plane::{Plane, Rectangle};
use super::prepare::prepare;
use super::{components, ink};

const SIDE: usize = 28;

/// Dark ink, 0.2, on light paper, 0.8, inside a rectangle.
fn bar(width: usize, height: usize, ink: Rectangle) -> Plane {
    let inside = |x, y| (ink.left..ink.right).contains(&x) && (ink.top..ink.bottom).contains(&y);
    Plane::from_fn(width, height, |x, y| if inside(x, y) { 0.2 } else { 0.8 })
}

fn prepared(grey: &Plane) -> Plane {
    let photo = prepare(grey, (grey.width, grey.height), SIDE).unwrap();
    Plane { width: SIDE, height: SIDE, values: photo.pixels.iter().map(|&p| f32::from(p)).collect() }
}

fn bounds(plane: &Plane) -> Rectangle {
    let ink = (0..plane.values.len()).filter(|&i| plane.values[i] > 0.0).map(|i| {
        let (left, top) = (i % plane.width, i / plane.width);
        Rectangle { left, top, right: left + 1, bottom: top + 1 }
    });
    ink.reduce(Rectangle::around).unwrap()
}

#[test]
fn dark_ink_on_light_paper_and_the_reverse_are_separated() {
    let dark = bar(120, 90, Rectangle { left: 50, top: 20, right: 60, bottom: 70 });
    let light = Plane { values: dark.values.iter().map(|v| 1.0 - v).collect(), ..dark.clone() };
    let (a, b) = (ink::separate(&dark, 1.0).unwrap(), ink::separate(&light, 1.0).unwrap());
    assert!(a.light_paper && !b.light_paper);
    for (i, (a, b)) in a.plane.values.iter().zip(&b.plane.values).enumerate() {
        let expected = if dark.values[i] < 0.5 { 1.0 } else { 0.0 };
        assert!((a - expected).abs() < 1e-3 && (b - expected).abs() < 1e-3, "{i}: {a} and {b}");
    }
}

#[test]
fn light_from_one_side_and_noise_leave_the_paper_at_0() {
    let mut seed = 1u32;
    let mut photo = bar(200, 200, Rectangle { left: 90, top: 50, right: 110, bottom: 150 });
    for (i, value) in photo.values.iter_mut().enumerate() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (seed >> 16) as f32 / 65_536.0 - 0.5;
        *value += 0.15 - 0.3 * (i % 200) as f32 / 200.0 + 0.03 * noise;
    }
    let seen = prepared(&photo);
    let found = bounds(&seen);
    // The centre of mass is between two pixels, so noise may move it either way.
    assert_eq!((found.width(), found.height()), (4, 20));
    assert!(seen.values.iter().all(|&v| v == 0.0 || v > 200.0), "{:?}", seen.values);
}

#[test]
fn the_longer_side_fills_the_box_and_the_aspect_is_kept() {
    let cases = [((30, 200), (3, 20)), ((200, 50), (20, 5)), ((100, 100), (20, 20)), ((1, 300), (3, 20))];
    for ((width, height), expected) in cases {
        let ink = Rectangle { left: 20, top: 33, right: 20 + width, bottom: 33 + height };
        let found = bounds(&prepared(&bar(400, 500, ink)));
        assert_eq!((found.width(), found.height()), expected, "{width} x {height}");
    }
    assert_eq!((box_side(28), box_side(56), box_side(8), box_side(20)), (20, 40, 8, 14));
}

#[test]
fn the_centre_of_mass_is_mnists_to_half_a_pixel() {
    // A 7 and an h-like shape, whose centres of mass are far from the middle of their bounds.
    for (row, column) in [(40, 120), (110, 30)] {
        let grey = Plane::from_fn(170, 190, |x, y| {
            let inside = (30..130).contains(&x) && (40..150).contains(&y);
            let stroke = y.abs_diff(row) < 10 || x.abs_diff(column) < 10;
            if inside && stroke { 0.0 } else { 1.0 }
        });
        let (x, y) = centre_of_mass(&prepared(&grey));
        assert!((x - 14.5).abs() <= 0.5 && (y - 14.5).abs() <= 0.5, "({x}, {y})");
    }
}

#[test]
fn specks_are_dropped_and_digits_side_by_side_give_a_note() {
    let one = Rectangle { left: 60, top: 40, right: 80, bottom: 140 };
    let mut grey = bar(300, 200, one);
    let clean = prepared(&grey);
    grey.values[30 * 300 + 250] = 0.0;
    assert_eq!(prepared(&grey), clean, "a speck changes nothing");
    assert!(prepare(&grey, (300, 200), SIDE).unwrap().notes.is_empty());
    for (x, y) in (150..170).flat_map(|x| (45..140).map(move |y| (x, y))) {
        grey.values[y * 300 + x] = 0.2;
    }
    let photo = prepare(&grey, (300, 200), SIDE).unwrap();
    assert!(photo.notes[0].starts_with("2 shapes"), "{:?}", photo.notes);
    assert_eq!(components::find(&ink::separate(&grey, 1.0).unwrap().plane).len(), 3);
}

#[test]
fn pictures_without_ink_are_errors() {
    let even = Plane::from_fn(50, 50, |_, _| 0.7);
    let slope = Plane::from_fn(50, 50, |x, y| (x + y) as f32 / 100.0);
    let faint = Plane::from_fn(50, 50, |x, _| if x == 25 { 0.75 } else { 0.8 });
    let single = Plane::from_fn(1, 1, |_, _| 0.0);
    for grey in [even, slope, faint, single] {
        assert_eq!(prepare(&grey, (50, 50), SIDE).unwrap_err(), ink::BLANK);
    }
}

#[test]
fn transparent_is_white_unless_all_ink_is_white() {
    // Grey and alpha of two pixels, and the expected grey values.
    for ([a, b], expected) in [
        ([[0, 0], [0, 255]], [1.0, 0.0]),
        ([[255, 0], [255, 255]], [0.0, 1.0]),
        ([[0, 0], [250, 255]], [0.0, 250.0 / 255.0]),
        ([[255, 255], [255, 255]], [1.0, 1.0]),
        ([[255, 255], [0, 0]], [1.0, 0.0]),
    ] {
        let mut png = std::io::Cursor::new(Vec::new());
        let pixels = image::GrayAlphaImage::from_fn(2, 1, |x, _| image::LumaA(if x == 0 { a } else { b }));
        pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let (plane, size) = grey(&decode(png.get_ref()).unwrap().into_luma_alpha8());
        assert_eq!((plane.values.as_slice(), size), (&expected[..], (2, 1)), "{a:?} {b:?}");
    }
}

#[test]
fn each_kind_of_invalid_picture_has_its_error() {
    let cases: [(&[u8], &str); 5] = [
        (b"GIF89a\x01\0\x01\0", "Gif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"iteration,loss\n", "not a PNG, JPEG, BMP or PGM"),
        (b"P5\n100000 100000\n255\n", "100000 x 100000"),
        (b"P5\n9 9\n255\nshort", ""),
    ];
    for (bytes, word) in cases {
        let error = decode(bytes).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}
