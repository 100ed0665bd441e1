//! Tests of each step and of a whole picture.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

use super::decode::{Encoded, Reader, grey};
use super::fit::{box_side, centre_of_mass};
use super::gray_plane::{Plane, Rectangle};
use super::ink;
use super::prepare::prepare;

const SIDE: usize = 28;

fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    Encoded::open(bytes)?.decode(false)
}

/// Dark ink, 0.2, on light paper, 0.8, inside a rectangle.
fn bar(width: usize, height: usize, ink: Rectangle) -> Plane {
    let inside = |x, y| (ink.left..ink.right).contains(&x) && (ink.top..ink.bottom).contains(&y);
    Plane::from_fn(width, height, |x, y| if inside(x, y) { 0.2 } else { 0.8 })
}

fn prepared(grey: &Plane) -> Plane {
    let photo = prepare(grey.clone(), (grey.width, grey.height), SIDE).unwrap();
    Plane { width: SIDE, height: SIDE, values: photo.main().pixels.iter().map(|&p| f32::from(p)).collect() }
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
    for (grey, light_paper) in [(&dark, true), (&light, false)] {
        let photo = prepare(grey.clone(), (120, 90), SIDE).unwrap();
        assert_eq!(photo.light_paper, light_paper);
        for (i, kept) in photo.steps.kept.values.iter().enumerate() {
            let expected = if dark.values[i] < 0.5 { 1.0 } else { 0.0 };
            assert!((kept - expected).abs() < 1e-3, "{i}: {kept}");
        }
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
fn specks_are_dropped_and_digits_side_by_side_are_several() {
    let one = Rectangle { left: 60, top: 40, right: 80, bottom: 140 };
    let mut grey = bar(300, 200, one);
    let clean = prepared(&grey);
    grey.values[30 * 300 + 250] = 0.0;
    assert_eq!(prepared(&grey), clean, "a speck changes nothing");
    assert!(prepare(grey.clone(), (300, 200), SIDE).unwrap().notes.is_empty());
    let other = Rectangle { left: 160, top: 45, right: 180, bottom: 140 };
    paint(&mut grey, other, 0.2);
    let mut photo = prepare(grey, (600, 400), SIDE).unwrap();
    let twice = |b: Rectangle| b.scaled((300, 200), (600, 400));
    assert_eq!(photo.digits().map(|digit| digit.bounds).collect::<Vec<_>>(), [twice(one), twice(other)]);
    photo.keep_main();
    assert_eq!(photo.digits().map(|digit| digit.bounds).collect::<Vec<_>>(), [twice(other)]);
    assert!(photo.notes[0].starts_with("1 other digit was left out"), "{:?}", photo.notes);
}

fn paint(grey: &mut Plane, place: Rectangle, value: f32) {
    for y in place.top..place.bottom {
        grey.values[y * grey.width + place.left..y * grey.width + place.right].fill(value);
    }
}

/// A thick T, no line of which is as thin as a ruled one.
fn letter() -> Plane {
    let mut grey = bar(400, 300, Rectangle { left: 150, top: 90, right: 250, bottom: 112 });
    paint(&mut grey, Rectangle { left: 190, top: 90, right: 212, bottom: 210 }, 0.2);
    grey
}

#[test]
fn a_shadow_with_an_edge_changes_next_to_nothing() {
    let clean = letter();
    let shadow = Plane::from_fn(400, 300, |x, y| clean.at(x, y) * if x + y / 4 < 230 { 0.5 } else { 1.0 });
    assert!(difference(&prepared(&shadow), &prepared(&clean)) < 0.06);
}

#[test]
fn ruled_and_squared_lines_go_and_strokes_stay_whole() {
    let clean = letter();
    for squared in [false, true] {
        let is_line = |x: usize, y: usize| y % 40 < 2 || squared && x % 40 < 2;
        let ruled =
            Plane::from_fn(400, 300, |x, y| if is_line(x, y) { clean.at(x, y).min(0.25) } else { clean.at(x, y) });
        let photo = prepare(ruled.clone(), (400, 300), SIDE).unwrap();
        assert!(photo.notes[0].contains("straight lines were left out"), "{:?}", photo.notes);
        let off = difference(&prepared(&ruled), &prepared(&clean));
        assert!(off < 0.06, "{off}");
    }
}

/// How far two images differ, as a share of the ink.
fn difference(a: &Plane, b: &Plane) -> f32 {
    let off: f32 = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()).sum();
    off / b.values.iter().sum::<f32>()
}

#[test]
fn frames_edges_and_tables_are_left_out() {
    let clean = letter();
    let expected = prepared(&clean);
    let in_frame = Plane::from_fn(400, 300, |x, y| {
        let inside = |by: usize| (60 + by..340 - by).contains(&x) && (50 + by..250 - by).contains(&y);
        if inside(0) && !inside(12) { 0.3 } else { clean.at(x, y) }
    });
    let at_edge = Plane::from_fn(400, 300, |x, y| if x < 25 || y > 290 { 0.0 } else { clean.at(x, y) });
    let on_table = Plane::from_fn(700, 600, |x, y| {
        let sheet = (150..550).contains(&x) && (150..450).contains(&y);
        if sheet { clean.at(x - 150, y - 150) } else { 0.3 }
    });
    for (grey, what) in [(in_frame, "frame"), (at_edge, "edge"), (on_table, "")] {
        let notes = prepare(grey.clone(), (grey.width, grey.height), SIDE).unwrap().notes;
        assert!(what.is_empty() || notes.iter().any(|note| note.contains(what)), "{what}: {notes:?}");
        assert!(prepared(&grey) == expected, "{what}");
    }
}

#[test]
fn most_of_a_picture_may_be_a_rough_table() {
    let (clean, mut seed) = (letter(), 1u32);
    let mut photo = Plane::from_fn(800, 700, |x, y| {
        let sheet = (200..600).contains(&x) && (200..500).contains(&y);
        if sheet { clean.at(x - 200, y - 200) } else { 0.3 + 0.1 * ((x / 9 + y / 7) % 3) as f32 }
    });
    for value in &mut photo.values {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value += 0.02 * ((seed >> 16) as f32 / 65_536.0 - 0.5);
    }
    let found = prepare(photo, (800, 700), SIDE).unwrap();
    assert!(found.light_paper && found.digits().count() == 1, "{:?}", found.notes);
    let main = found.main().bounds;
    assert!(main.left > 210 && main.right < 590 && main.top > 210 && main.bottom < 490, "{main:?}");
}

#[test]
fn strokes_that_do_not_touch_or_meet_at_corners_are_one_digit() {
    let drawn = |strokes: &[(usize, usize, usize, usize)]| {
        let mut grey = Plane::from_fn(56, 56, |_, _| 1.0);
        for &(left, top, right, bottom) in strokes {
            paint(&mut grey, Rectangle { left, top, right, bottom }, 0.0);
        }
        grey
    };
    // A 5 whose bar is apart, a 4 of three straight strokes, and a square 0 whose hole might be ink on dark paper.
    let five = drawn(&[(20, 22, 22, 28), (20, 27, 28, 29), (27, 29, 29, 38), (18, 37, 28, 39), (24, 18, 38, 20)]);
    let four = drawn(&[(18, 18, 20, 38), (18, 36, 34, 38), (30, 18, 32, 48)]);
    let radius = |x: usize, y: usize| {
        let power = |v: usize| (v as f32 - 27.5).abs().powf(2.6);
        (power(x) + power(y)).powf(1.0 / 2.6)
    };
    let zero = Plane::from_fn(56, 56, |x, y| if (5.0..10.0).contains(&radius(x, y)) { 0.0 } else { 1.0 });
    for (grey, left, right) in [(five, 18, 38), (four, 18, 34), (zero, 18, 38)] {
        let found = prepare(grey, (56, 56), SIDE).unwrap();
        let b = found.main().bounds;
        assert!(found.light_paper && found.notes.is_empty(), "{:?}", found.notes);
        assert_eq!((b.left, b.right, found.digits().count()), (left, right, 1));
    }
}

#[test]
fn what_is_not_like_a_digit_is_doubted() {
    let doubts = |grey: Plane| {
        let size = (grey.width, grey.height);
        prepare(grey, size, SIDE).unwrap().main().doubts.join(", ")
    };
    assert_eq!(doubts(letter()), "");
    let at = |left, top, right, bottom| bar(400, 300, Rectangle { left, top, right, bottom });
    assert!(doubts(at(150, 100, 250, 200)).contains("a blot"));
    assert!(doubts(at(100, 130, 300, 150)).contains("as wide as high"));
    assert!(doubts(at(190, 0, 210, 150)).contains("edge"));
}

#[test]
fn pictures_without_ink_are_errors() {
    let even = Plane::from_fn(50, 50, |_, _| 0.7);
    let slope = Plane::from_fn(50, 50, |x, y| (x + y) as f32 / 100.0);
    let faint = Plane::from_fn(50, 50, |x, _| if x == 25 { 0.75 } else { 0.8 });
    let single = Plane::from_fn(1, 1, |_, _| 0.0);
    for grey in [even, slope, faint, single] {
        assert_eq!(prepare(grey, (50, 50), SIDE).map(|photo| photo.rows).unwrap_err(), ink::BLANK);
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
        let (plane, size) = grey(decode(png.get_ref()).unwrap());
        assert_eq!((plane.values.as_slice(), size), (&expected[..], (2, 1)), "{a:?} {b:?}");
    }
}

#[test]
fn a_picture_without_pixels_is_an_error() {
    for (width, height) in [(0, 0), (5, 0), (0, 5)] {
        let error = Reader::new(SIDE).read_luma_alpha(Vec::new(), (width, height)).err().unwrap();
        assert!(error.contains(&format!("has {width} x {height} pixels")), "{error}");
    }
}

#[test]
fn each_kind_of_invalid_picture_has_its_error() {
    let cases: [(&[u8], &str); 5] = [
        (b"GIF89a\x01\0\x01\0", "copy it again"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"iteration,loss\n", "not a PNG, JPEG, WebP"),
        (b"P5\n100000 100000\n255\n", "100000 x 100000"),
        (b"P5\n9 9\n255\nshort", ""),
    ];
    for (bytes, word) in cases {
        let error = decode(bytes).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn every_format_is_read() {
    let picture = DynamicImage::from(image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * y / 5) as u8])));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff] {
        let mut file = Cursor::new(Vec::new());
        // WebP and GIF are in colour.
        picture.to_rgb8().write_to(&mut file, format).unwrap();
        let read = decode(file.get_ref()).unwrap_or_else(|why| panic!("{format:?}: {why}"));
        assert_eq!((read.width(), read.height()), (40, 30), "{format:?}");
    }
}

#[test]
fn a_jpeg_that_ends_early_is_an_error_and_what_follows_its_end_is_not() {
    let mut file = Cursor::new(Vec::new());
    image::GrayImage::from_fn(200, 200, |x, y| image::Luma([(x * y % 251) as u8]))
        .write_to(&mut file, ImageFormat::Jpeg)
        .unwrap();
    let mut bytes = file.into_inner();
    for cut in [100, bytes.len() / 2, bytes.len() - 2] {
        assert!(decode(&bytes[..cut]).unwrap_err().contains("copy it again"), "{cut} bytes");
    }
    bytes.extend_from_slice(b"\0\0\0\x18ftypmp42 a film");
    decode(&bytes).unwrap();
}
