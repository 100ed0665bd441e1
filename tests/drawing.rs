//! The page that `export --format html` writes, in a real browser: digits are drawn with mouse, finger and pen, and what
//! the page shows is compared with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::chromium::Browser;
use crate::common::{floats, folder, idx, idx_labels, integer, json, ok};
use data_encoding::BASE64;
use serde_json::json as value;
use twolayer_core::{Activation, Float, Init, Parameters, Shape};
use twolayer_model::Model;

const WIDE: (u32, u32) = (1200, 900);
const PHONE: (u32, u32) = (360, 740);
/// How far the page's probabilities may be from the program's.
const TOLERANCE: f64 = 1e-5;
/// How far its pixels may be, of 255, from those of `predict` on the same drawing: a rounding.
const LEVELS: u8 = 1;

type Stroke = Vec<(f64, f64)>;

/// Points on an ellipse around a centre, in degrees, clockwise from the right.
fn arc((x, y): (f64, f64), (across, down): (f64, f64), from: f64, to: f64) -> Stroke {
    let angle = |i: u32| (from + (to - from) * f64::from(i) / 12.0).to_radians();
    (0..=12).map(|i| (x + across * angle(i).cos(), y + down * angle(i).sin())).collect()
}

/// A digit as one writes it on a square of side 1.
fn strokes(digit: usize) -> Vec<Stroke> {
    let join = |a: &[(f64, f64)], b: Stroke, c: &[(f64, f64)]| [a, &b, c].concat();
    match digit {
        0 => vec![arc((0.5, 0.5), (0.17, 0.27), -90.0, 270.0)],
        1 => vec![vec![(0.52, 0.22), (0.5, 0.5), (0.48, 0.78)]],
        2 => vec![join(&[], arc((0.5, 0.36), (0.17, 0.14), -180.0, 30.0), &[(0.33, 0.76), (0.68, 0.76)])],
        3 => vec![join(
            &arc((0.48, 0.36), (0.17, 0.14), -150.0, 90.0),
            arc((0.48, 0.64), (0.19, 0.15), -90.0, 150.0),
            &[],
        )],
        4 => vec![vec![(0.42, 0.22), (0.33, 0.55), (0.68, 0.55)], vec![(0.6, 0.35), (0.58, 0.8)]],
        5 => vec![join(&[(0.66, 0.24), (0.4, 0.24), (0.38, 0.46)], arc((0.48, 0.6), (0.18, 0.16), -120.0, 150.0), &[])],
        6 => vec![join(&[(0.6, 0.22), (0.42, 0.4)], arc((0.5, 0.62), (0.16, 0.16), -180.0, 180.0), &[])],
        7 => vec![vec![(0.3, 0.25), (0.68, 0.25), (0.55, 0.5), (0.45, 0.78)]],
        8 => vec![arc((0.5, 0.36), (0.13, 0.13), 90.0, 450.0), arc((0.5, 0.64), (0.16, 0.15), -90.0, 270.0)],
        _ => vec![join(&[], arc((0.5, 0.37), (0.15, 0.14), 0.0, 360.0), &[(0.63, 0.78)])],
    }
}

/// Draws one stroke as a browser's user does.
fn draw_stroke(browser: &mut Browser, tool: &str, stroke: &Stroke) {
    let place = "(b => [b.left, b.top, b.width])(document.getElementById('paper').getBoundingClientRect())";
    let place = floats(&browser.eval(place));
    let points: Vec<_> = stroke.iter().map(|(x, y)| (place[0] + x * place[2], place[1] + y * place[2])).collect();
    if tool == "finger" {
        for (i, (x, y)) in points.iter().enumerate() {
            let kind = if i == 0 { "touchStart" } else { "touchMove" };
            browser.call("Input.dispatchTouchEvent", value!({"type": kind, "touchPoints": [{"x": x, "y": y}]}));
        }
        browser.call("Input.dispatchTouchEvent", value!({"type": "touchEnd", "touchPoints": []}));
        return;
    }
    let steps = points.iter().enumerate().map(|(i, point)| (if i == 0 { "mousePressed" } else { "mouseMoved" }, point));
    for (kind, (x, y)) in steps.chain([("mouseReleased", &points[points.len() - 1])]) {
        let event = value!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": tool});
        browser.call("Input.dispatchMouseEvent", event);
    }
}

/// What the page shows.
struct Seen {
    answer: String,
    doubt: String,
    /// The classes shown, each with its probability.
    bars: Vec<(usize, f64)>,
    /// The image, 0 for paper.
    ink: Vec<u8>,
    /// Hidden units that are shown.
    units: usize,
}

fn look(browser: &mut Browser) -> Seen {
    browser.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let mut text = |id: &str| browser.eval(&format!("document.getElementById('{id}').textContent"));
    let [answer, doubt] = ["class", "doubt"].map(|id| text(id).as_str().unwrap().to_owned());
    let mut numbers = |what: &str| floats(&browser.eval(&format!("[...document.querySelectorAll({what})")));
    let classes = numbers("'#bars th')].map(name => +name.textContent").into_iter().map(|class| class as usize);
    let bars = classes.zip(numbers("'#bars data')].map(number => +number.value")).collect();
    let ink = browser.eval(
        "(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 3))
         (document.getElementById('seen'))",
    );
    let ink = ink.as_array().unwrap().iter().map(|ink| integer(ink) as u8).collect();
    let units = integer(&browser.eval("document.querySelectorAll('#units li:not([hidden])').length"));
    Seen { answer, doubt, bars, ink, units }
}

/// Draws a digit on an empty page.
fn draw(browser: &mut Browser, tool: &str, digit: usize) -> Seen {
    press(browser, "Escape", 0);
    strokes(digit).iter().for_each(|stroke| draw_stroke(browser, tool, stroke));
    look(browser)
}

/// Presses a key; 2 is Control.
fn press(browser: &mut Browser, key: &str, modifiers: u32) {
    browser.call("Input.dispatchKeyEvent", value!({"type": "keyDown", "key": key, "modifiers": modifiers}));
}

/// A model of random weights for images of this side and so many classes.
fn random<T: Float>(path: &Path, (side, classes): (usize, usize), activation: Activation, paper: &str) {
    let mut state = 1u64;
    let draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let shape = Shape::new(side * side, 24, classes).unwrap();
    let mut model = Model::new(Parameters::<T>::normal(shape, Init::Normal(0.3), draw));
    model.activation = activation;
    model.options.insert("paper".into(), paper.into());
    model.save(path).unwrap();
}

/// A trained model for 8 x 8, and random ones for other sizes, numbers of classes, activations, types and paper.
fn models(folder: &Path) -> Vec<(PathBuf, usize)> {
    let at = |name: &str| folder.join(name);
    ok("train --quiet --iters 3000 --lr 0.5 --out {}", &[&at("digits")]);
    random::<f32>(&at("mnist"), (28, 10), Activation::Sigmoid, "dark");
    random::<f64>(&at("double"), (28, 10), Activation::Relu, "light");
    random::<f32>(&at("other"), (33, 26), Activation::Relu, "dark");
    [("digits", 8), ("mnist", 28), ("double", 28), ("other", 33)].map(|(name, side)| (at(name), side)).into()
}

/// All classes if there are at most ten, else the ten most probable ones.
fn most_probable(probabilities: &[f64]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    if classes.len() > 10 {
        classes.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
        classes.truncate(10);
    }
    classes
}

#[test]
fn drawn_digits_have_the_probabilities_of_the_program() {
    let Some(mut browser) = Browser::start() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let page = scratch.path().join("page.html");
    for (model, side) in models(scratch.path()) {
        let name = model.file_name().unwrap().to_str().unwrap();
        ok("export {} --out {} --quiet", &[&model, &page]);
        browser.open(&page, WIDE, false);
        let tools = ["mouse", "finger", "pen"];
        let seen: Vec<Seen> = (0..10).map(|digit| draw(&mut browser, tools[digit % 3], digit)).collect();
        let paper = if name == "double" { 255 } else { 0 };
        let pixels: Vec<u8> = seen.iter().flat_map(|seen| seen.ink.iter().map(|ink| ink ^ paper)).collect();
        let (images, labels) =
            (idx(&[10, side as u32, side as u32], &pixels), idx_labels(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        let data = folder(&[images.clone(), labels.clone(), images, labels]);
        for (digit, seen) in seen.iter().enumerate() {
            let expected = json(&format!("predict {{}} --data {{}} --index {digit}"), &[&model, data.path()]);
            let probabilities = floats(&expected["probabilities"]);
            let classes: Vec<usize> = seen.bars.iter().map(|(class, _)| *class).collect();
            assert_eq!(classes, most_probable(&probabilities), "{name}, {digit}");
            let worst = seen.bars.iter().map(|(class, p)| (p - probabilities[*class]).abs()).fold(0.0, f64::max);
            assert!(worst <= TOLERANCE, "{name}, {digit}: off by {worst:e}");
            let predicted = integer(&expected["predicted"]);
            assert_eq!(seen.answer, predicted.to_string(), "{name}, {digit}");
            assert_eq!(seen.doubt.contains("not sure: below 90%"), probabilities[predicted] < 0.9, "{name}, {digit}");
            assert!((1..=12).contains(&seen.units), "{name}, {digit}");
        }
        let distinct: BTreeSet<&Vec<u8>> = seen.iter().map(|seen| &seen.ink).collect();
        assert_eq!(distinct.len(), 10, "{name}: each digit has its image");
        if name == "digits" {
            let right = seen.iter().enumerate().filter(|(digit, seen)| seen.answer == digit.to_string()).count();
            assert!(right >= 8, "{right} of the ten digits are read");
        }
    }
}

#[test]
fn the_page_fits_a_drawing_into_the_image_as_predict_does() {
    let Some(mut browser) = Browser::start() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let [page, picture] = ["page.html", "drawing.png"].map(|name| scratch.path().join(name));
    for (model, side) in models(scratch.path()) {
        ok("export {} --out {} --quiet", &[&model, &page]);
        browser.open(&page, WIDE, false);
        let paper = if model.ends_with("double") { 255 } else { 0 };
        for digit in 0..10 {
            let seen = draw(&mut browser, "mouse", digit);
            let url = browser.eval("document.getElementById('paper').toDataURL()");
            let png = url.as_str().unwrap().strip_prefix("data:image/png;base64,").expect("a PNG file");
            fs::write(&picture, BASE64.decode(png.as_bytes()).unwrap()).unwrap();
            let found = json("predict {} {}", &[&model, &picture]);
            let rows = found["results"][0]["pixels"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
            let pixels: Vec<u8> = rows.map(|pixel| integer(pixel) as u8 ^ paper).collect();
            assert_eq!(pixels.len(), side * side);
            let worst = pixels.iter().zip(&seen.ink).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= LEVELS, "{side} x {side}, {digit}: {worst} levels");
        }
    }
}

#[test]
fn the_page_fits_a_phone_and_a_screen_in_light_and_dark_and_loads_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let page = scratch.path().join("page.html");
    for (model, side) in models(scratch.path()) {
        ok("export {} --out {} --quiet", &[&model, &page]);
        for (size, dark) in [(PHONE, false), (PHONE, true), (WIDE, false), (WIDE, true)] {
            browser.open(&page, size, dark);
            let what = format!("{side} x {side}, {size:?}, dark: {dark}");
            for digit in [None, Some(4)] {
                digit.map(|digit| draw(&mut browser, "finger", digit));
                assert!(browser.overflow() <= 0, "{what}: the page scrolls sideways by {}", browser.overflow());
            }
            assert_eq!(browser.brightness() < 200, dark, "{what}");
            let filter = browser.eval("getComputedStyle(document.getElementById('paper')).filter");
            assert_eq!(filter, if dark { "invert(1)" } else { "none" }, "{what}");
            assert_eq!(browser.requests, [format!("file://{}", page.display())], "{what}");
            assert!(browser.complaints.is_empty(), "{what}: {:?}", browser.complaints);
        }
    }
    // These can fail: the page's own policy refuses to load anything.
    browser.eval("fetch('http://127.0.0.1:9/x').catch(() => new Image().src = 'http://127.0.0.1:9/y').then(() => {})");
    browser.eval("new Promise(done => setTimeout(done, 50))");
    assert!(browser.complaints.len() >= 2, "{:?}", browser.complaints);
}

#[test]
fn strokes_are_undone_and_cleared_by_buttons_and_keys() {
    let Some(mut browser) = Browser::start() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let [model, page] = ["m", "page.html"].map(|name| scratch.path().join(name));
    random::<f32>(&model, (28, 10), Activation::Sigmoid, "dark");
    ok("export {} --out {} --quiet", &[&model, &page]);
    browser.open(&page, PHONE, false);
    let is_blank = |seen: &Seen| seen.answer == "–" && seen.units == 0 && seen.ink.iter().all(|ink| *ink == 0);
    assert!(is_blank(&look(&mut browser)));
    let click = |browser: &mut Browser, id: &str| {
        browser.eval(&format!("document.getElementById('{id}').click()"));
        look(browser)
    };
    draw_stroke(&mut browser, "pen", &strokes(4)[0]);
    let first = look(&mut browser);
    let both = draw(&mut browser, "pen", 4);
    assert!(!is_blank(&first) && first.ink != both.ink);
    assert!(click(&mut browser, "undo").ink == first.ink);
    press(&mut browser, "z", 2);
    assert!(is_blank(&look(&mut browser)));
    draw(&mut browser, "mouse", 4);
    assert!(is_blank(&click(&mut browser, "clear")));
    assert!(draw(&mut browser, "mouse", 4).ink == both.ink);
    press(&mut browser, "Escape", 0);
    assert!(is_blank(&look(&mut browser)));
    // The page does not scroll under a finger that draws.
    assert!(draw(&mut browser, "finger", 4).ink == both.ink);
    press(&mut browser, "Escape", 0);
    // A tap leaves a dot; the right button draws nothing.
    draw_stroke(&mut browser, "finger", &vec![(0.5, 0.5)]);
    assert!(!is_blank(&look(&mut browser)));
    press(&mut browser, "Escape", 0);
    for kind in ["mousePressed", "mouseReleased"] {
        let event = value!({"type": kind, "x": 100, "y": 200, "button": "right", "clickCount": 1});
        browser.call("Input.dispatchMouseEvent", event);
    }
    assert!(is_blank(&look(&mut browser)));
}
