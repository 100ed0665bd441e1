//! The page to draw on, as a file; `tests/drawing.rs` uses it in a browser.

use std::fs;

use data_encoding::BASE64;
use scraper::{Html, Selector};
use serde_json::{Value, json as value};

use super::{tensors, train};
use crate::common::{json, ok};

#[test]
fn the_page_holds_every_weight_and_may_load_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let [page, again] = ["digit.html", "again.HTML"].map(|name| scratch.path().join(name));
    for (precision, size) in [("f32", 4usize), ("f64", 8)] {
        let model = train(scratch.path(), precision);
        let report = json("export {} --out {}", &[&model, &page]);
        assert_eq!((&report["format"], &report["precision"]), (&value!("html"), &value!(precision)));
        ok("export {} --out {}", &[&model, &again]);
        let text = fs::read_to_string(&page).unwrap();
        assert_eq!(text, fs::read_to_string(&again).unwrap(), "the same model, the same bytes");
        let weights = size * (64 * 50 + 50 + 50 * 10 + 10);
        assert!(text.len() < weights.div_ceil(3) * 4 + 20_000, "{} bytes", text.len());

        let html = Html::parse_document(&text);
        assert!(html.errors.is_empty(), "{:?}", html.errors);
        let all = |selector: &str| html.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>();
        let given: Value = serde_json::from_str(&all("#model")[0].inner_html()).unwrap();
        assert_eq!(BASE64.decode(given["weights"].as_str().unwrap().as_bytes()).unwrap(), tensors(&model));
        for (name, expected) in [("side", 8), ("hidden", 50), ("classes", 10)] {
            assert_eq!(given[name], expected, "{name}");
        }
        assert_eq!((&given["activation"], &given["precision"]), (&value!("sigmoid"), &value!(precision)));
        assert_eq!((&given["light_paper"], &given["sure"]), (&value!(false), &value!(0.9)));

        let policy = all("meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"),
            "{policy}"
        );
        let elsewhere =
            all("[src], [href]").into_iter().filter(|element| element.attr("href") != Some("data:,")).count();
        assert!(elsewhere == 0 && !text.contains("://") && !text.contains("@import"));
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
        assert!(!text.split('@').any(is_word), "a placeholder is left");
        for labelled in all("canvas, section") {
            assert!(labelled.attr("aria-label").or(labelled.attr("aria-labelledby")).is_some(), "{labelled:?}");
        }
        assert_eq!((all("#answer[role=status]").len(), all("button").len()), (1, 2));
    }
}
