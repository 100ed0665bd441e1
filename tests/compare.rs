//! `twolayer compare`: two models on the same images.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{self, fails, float, floats, integer, json, ok};
use scraper::{Html, Selector};
use serde_json::Value;

/// A good model and a worse one.
fn models(folder: &Path) -> [PathBuf; 2] {
    let [a, b] = ["a.model", "b.model"].map(|name| folder.join(name));
    ok("train --quiet --iters 600 --lr 0.5 --out {}", &[&a]);
    ok("train --quiet --iters 150 --lr 0.5 --hidden 12 --seed 3 --out {}", &[&b]);
    [a, b]
}

/// The images that a model gets right.
fn right(model: &Path, csv: &Path) -> Vec<bool> {
    ok("predict {} --csv {}", &[model, csv]);
    let text = fs::read_to_string(csv).unwrap();
    let fields = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    fields.map(|fields| fields[1] == fields[2]).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(integer).collect()
}

#[test]
fn the_images_that_only_one_gets_right_are_those_of_predict() {
    let scratch = tempfile::tempdir().unwrap();
    let [a, b] = models(scratch.path());
    let report = json("compare {} {}", &[&a, &b]);
    let seen = [&a, &b].map(|model| right(model, &scratch.path().join("rows.csv")));
    let of =
        |left: bool, other: bool| (0..360).filter(|&i| seen[0][i] == left && seen[1][i] == other).collect::<Vec<_>>();
    assert_eq!(indices(&report["a"]["only"]), of(true, false));
    assert_eq!(indices(&report["b"]["only"]), of(false, true));
    assert_eq!(integer(&report["both_right"]), of(true, true).len());
    assert_eq!(integer(&report["both_wrong"]), of(false, false).len());
    for (side, model) in [("a", &a), ("b", &b)] {
        let evaluated = json("eval {}", &[model]);
        for name in ["accuracy", "mean_loss", "correct"] {
            assert_eq!(report[side][name], evaluated[name], "{side} {name}");
        }
    }
    assert!(!of(false, true).is_empty() && of(true, false).len() > 10, "the models differ: {report}");
    let p = float(&report["p_value"]);
    assert!(p < 0.05, "{p}");
    let swapped = json("compare {} {}", &[&b, &a]);
    assert_eq!((&swapped["p_value"], &swapped["b"]["only"]), (&report["p_value"], &report["a"]["only"]));

    let text = ok("compare {} {}", &[&a, &b]);
    assert!(text.starts_with("Answer    A is better"), "{text}");
    let only = of(true, false);
    let first: Vec<String> = only.iter().take(10).map(ToString::to_string).collect();
    let told = format!("Only A    {} images: {}, and {} more\n", only.len(), first.join(", "), only.len() - 10);
    assert!(text.contains(&told), "no {told:?} in {text}");
    assert!(ok("compare {} {}", &[&b, &a]).starts_with("Answer    B is better"));
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let [a, _] = models(scratch.path());
    let report = json("compare {} {} --split train", &[&a, &a]);
    assert_eq!((float(&report["p_value"]), integer(&report["rows"])), (1.0, 1437));
    assert!(floats(&report["a"]["only"]).is_empty() && floats(&report["b"]["only"]).is_empty(), "{report}");
    assert!(ok("compare {} {}", &[&a, &a]).contains("Answer    both models get the same images right\n"));
}

#[test]
fn the_page_shows_the_images_that_only_one_gets_right() {
    let scratch = tempfile::tempdir().unwrap();
    let [a, b] = models(scratch.path());
    let file = scratch.path().join("page.html");
    let report = json("compare {} {} --report {}", &[&a, &b, &file]);
    let page = Html::parse_document(&fs::read_to_string(&file).unwrap());
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    for (section, side) in [("only-a", "a"), ("only-b", "b")] {
        let tiles = Selector::parse(&format!("#{section} li")).unwrap();
        let tiles: Vec<String> = page.select(&tiles).map(|tile| tile.text().collect()).collect();
        let only = indices(&report[side]["only"]);
        assert_eq!(tiles.len(), only.len().min(60), "{section}");
        for (tile, index) in tiles.iter().zip(only) {
            assert!(tile.ends_with(&format!("image {index}")), "{tile}");
        }
    }
    let images = page.select(&Selector::parse("li img[src^='data:image/png']").unwrap()).count();
    assert_eq!(images, page.select(&Selector::parse("li").unwrap()).count());
    assert!(page.select(&Selector::parse("script, link[href^=http]").unwrap()).next().is_none());
}

#[test]
fn what_cannot_be_compared_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let [a, _] = models(scratch.path());
    let none = scratch.path().join("none");
    fails(1, "compare {} {}", &[&a, &none], &["none", "No such file"]);
    fails(2, "compare {}", &[&a], &["<B>"]);
    fails(2, "compare - -", &[], &["standard input", "only once"]);
    fails(2, "compare {} {} --report {}", &[&a, &a, &a], &["--report and a model are both", "a.model"]);
    let data = common::folder(&common::tiny());
    fails(1, "compare {} {} --data {}", &[&a, &a, data.path()], &["a.model does not fit the data", "64 pixels"]);
}
