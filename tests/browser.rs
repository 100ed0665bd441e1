//! The page of a run in a real browser: light and dark, wide and narrow.

use std::fs;

use crate::common::chromium::Browser;
use crate::common::{floats, ok};

/// How many pictures of a page could not be shown, and how many there are.
fn pictures(browser: &mut Browser) -> [f64; 2] {
    let broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length";
    floats(&browser.eval(&format!("[{broken}, document.images.length]"))).try_into().unwrap()
}

/// On the open page: by how much the matrix is wider than its frame, the distance of the class table from the matrix's
/// top, and whether a number of the matrix unfolds the images that it leads to.
const LAYOUT: &str = r##"(async () => {
  const box = q => document.querySelector(q).getBoundingClientRect();
  const cells = [...document.querySelectorAll(".matrix td")].map(cell => cell.getBoundingClientRect().right);
  const cut = Math.max(...cells) - box("#confusion .scroll").right, below = box("#classes h2").top - box("#confusion h2").top;
  const image = link => document.querySelector(link.hash + " img");
  const folded = [...document.querySelectorAll(".matrix a")].find(link => !image(link).checkVisibility());
  folded.click();
  await new Promise(done => setTimeout(done, 100));
  return [cut, below, +image(folded).checkVisibility()];
})()"##;

#[test]
fn a_browser_shows_the_page_in_light_and_dark_wide_and_narrow() {
    let Some(mut browser) = Browser::start() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let [trained, evaluated, model] = ["train.html", "eval.html", "model"].map(|name| scratch.path().join(name));
    ok("train --quiet --epochs 60 --report {} --out {}", &[&trained, &model]);
    ok("eval {} --report {}", &[&model, &evaluated]);
    let mut texts = Vec::new();
    // 360 pixels, of which a scroll bar may take 15; and columns as wide as MNIST's numbers of four digits.
    for (page, widths) in [(&trained, &[345, 1600][..]), (&evaluated, &[345])] {
        fs::write(page, fs::read_to_string(page).unwrap().replace("--w:2", "--w:4")).unwrap();
        for &width in widths {
            for dark in [false, true] {
                browser.open(page, (width, 800), dark);
                let what = format!("{}, {width} wide, dark: {dark}", page.display());
                assert!(browser.complaints.is_empty(), "{what}: {:?}", browser.complaints);
                assert!(browser.overflow() <= 0, "{what}: the page scrolls sideways by {}", browser.overflow());
                assert_eq!(browser.brightness() < 200, dark, "{what}");
                let [broken, all] = pictures(&mut browser);
                assert!(broken == 0.0 && all > 50.0, "{what}: {broken} of {all}");
                if page == &trained {
                    texts.push(browser.eval("document.querySelector('figure text').getBoundingClientRect().height"));
                }
                let [cut, below, unfolded] = floats(&browser.eval(LAYOUT)).try_into().unwrap();
                assert!(cut < 1.0, "{what}: the matrix is cut off by {cut}");
                assert!((below == 0.0) == (width > 1000), "{what}: the class table is lower by {below}");
                assert_eq!(unfolded, 1.0, "{what}: a number of the matrix does not lead to its images");
            }
        }
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "texts of the curves change size: {texts:?}");
    // The measurements can fail: a picture from elsewhere is refused by the page's own policy, and a wide box scrolls.
    let page = fs::read_to_string(&trained).unwrap();
    let spoilt = page.replace("</main>", "<img src=\"https://127.0.0.1/x\"><div style=\"width:5000px\">x</div></main>");
    fs::write(&trained, spoilt).unwrap();
    browser.open(&trained, (360, 800), false);
    assert!(browser.overflow() > 4000 && pictures(&mut browser)[0] == 1.0 && !browser.complaints.is_empty());
}
