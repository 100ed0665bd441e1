//! The page of a run in a real browser: light and dark, wide and narrow.

#[path = "common/chromium.rs"]
mod chromium;
mod common;

use std::fs;

use chromium::Browser;
use common::{floats, ok};

/// How many pictures of a page could not be shown, and how many there are.
fn pictures(browser: &mut Browser) -> [f64; 2] {
    let broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length";
    floats(&browser.eval(&format!("[{broken}, document.images.length]"))).try_into().unwrap()
}

#[test]
fn a_browser_shows_the_page_in_light_and_dark_wide_and_narrow() {
    let Some(mut browser) = Browser::start() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let [trained, evaluated, model] = ["train.html", "eval.html", "model"].map(|name| scratch.path().join(name));
    ok("train --quiet --epochs 60 --report {} --out {}", &[&trained, &model]);
    ok("eval {} --report {}", &[&model, &evaluated]);
    for (page, widths) in [(&trained, &[360, 1280][..]), (&evaluated, &[360])] {
        for &width in widths {
            for dark in [false, true] {
                browser.open(page, (width, 800), dark);
                let what = format!("{}, {width} wide, dark: {dark}", page.display());
                assert!(browser.complaints.is_empty(), "{what}: {:?}", browser.complaints);
                assert!(browser.overflow() <= 0, "{what}: the page scrolls sideways by {}", browser.overflow());
                assert_eq!(browser.brightness() < 200, dark, "{what}");
                let [broken, all] = pictures(&mut browser);
                assert!(broken == 0.0 && all > 50.0, "{what}: {broken} of {all}");
            }
        }
    }
    // The measurements can fail: a picture from elsewhere is refused by the page's own policy, and a wide box scrolls.
    let page = fs::read_to_string(&trained).unwrap();
    let spoilt = page.replace("</main>", "<img src=\"https://127.0.0.1/x\"><div style=\"width:5000px\">x</div></main>");
    fs::write(&trained, spoilt).unwrap();
    browser.open(&trained, (360, 800), false);
    assert!(browser.overflow() > 4000 && pictures(&mut browser)[0] == 1.0 && !browser.complaints.is_empty());
}
