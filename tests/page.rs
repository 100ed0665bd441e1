//! The HTML report of a run and its curves, from the real binary: complete, self-contained and correct.

use std::fs;
use std::path::Path;

use crate::common::{Model, fails, float, folder, idx, integer, json, names_in, ok, tiny};
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use tempfile::TempDir;

/// Reads a page, which must be well-formed and load nothing.
fn read(path: &Path) -> Html {
    let text = fs::read_to_string(path).expect("the page is there");
    assert!(text.len() < 1_500_000, "{} bytes", text.len());
    let page = Html::parse_document(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    for forbidden in ["script", "iframe", "object", "embed", "audio", "video", "base"] {
        assert!(select(&page, forbidden).is_empty(), "<{forbidden}>");
    }
    let style = select(&page, "style").iter().map(|s| s.inner_html()).collect::<String>();
    assert!(!style.contains("@import") && !style.contains("url("), "{style}");
    for element in select(&page, "*") {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on"), "a script in {name}");
            if ["src", "href", "srcset", "data", "action", "poster"].contains(&name) {
                assert!(value.starts_with("data:") || value.starts_with('#'), "{name}={value}");
            }
            if let Some(place) = value.strip_prefix('#').filter(|_| *name == *"href") {
                assert_eq!(select(&page, &format!("[id={place}]")).len(), 1, "nothing to link to: {value}");
            }
            assert!(!value.contains("http://") && !value.contains("https://"), "{name}={value}");
        }
    }
    accessible(&page);
    page
}

/// A language, a title, headings without gaps, a text for every picture and a name for every region.
fn accessible(page: &Html) {
    assert_eq!(one(page, "html").attr("lang"), Some("en"));
    assert!(!text(one(page, "title")).is_empty());
    assert_eq!(select(page, "h1").len(), 1);
    let levels: Vec<u8> = select(page, "h1, h2, h3, h4").iter().map(|h| h.value().name().as_bytes()[1]).collect();
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    for (selector, attribute) in [("img", "alt"), ("figure > svg", "aria-label"), ("[role=region]", "aria-label")] {
        for element in select(page, selector) {
            assert!(element.attr(attribute).is_some_and(|words| words.len() > 5), "{}", element.html());
        }
    }
    for section in select(page, "section") {
        let heading = format!("#{}", section.attr("aria-labelledby").expect("a section has a name"));
        assert_eq!(select(page, &heading).len(), 1, "{heading}");
    }
    for cell in select(page, "th") {
        assert!(cell.attr("scope").is_some(), "{}", cell.html());
    }
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn one<'a>(page: &'a Html, selector: &str) -> ElementRef<'a> {
    let found = select(page, selector);
    assert_eq!(found.len(), 1, "{selector}");
    found[0]
}

fn text(element: ElementRef) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    select(page, selector).into_iter().map(text).collect()
}

/// The value beside a name in the lists of the page's section on the run.
fn fact(page: &Html, name: &str) -> String {
    let (names, values) = (texts(page, "#run dt"), texts(page, "#run dd"));
    let places: Vec<usize> = (0..names.len()).filter(|&i| names[i] == name).collect();
    assert_eq!(places.len(), 1, "{name} among {names:?}");
    values[places[0]].clone()
}

fn percent(value: &Value) -> String {
    format!("{:.2}%", 100.0 * float(value))
}

fn sections(page: &Html) -> Vec<&str> {
    select(page, "section").iter().map(|s| s.attr("id").expect("an id")).collect()
}

/// The counts of the page's confusion matrix; a point is zero.
fn matrix(page: &Html) -> Vec<Vec<usize>> {
    let number = |cell: ElementRef| if text(cell) == "·" { 0 } else { text(cell).parse().expect("a count") };
    let cells = Selector::parse("td").unwrap();
    select(page, "#confusion tbody tr").into_iter().map(|row| row.select(&cells).map(number).collect()).collect()
}

#[test]
fn the_report_of_a_training_run_agrees_with_its_json() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, curves, model) = paths(&scratch, "run.svg");
    let run = json("train --epochs 40 --seed 3 --lr 0.5 --report {} --plot {} --out {}", &[&page, &curves, &model]);
    assert_eq!(run["report"], page.display().to_string());
    assert_eq!(run["plot"], curves.display().to_string());
    assert_eq!(names_in(scratch.path()), ["model.st", "page.html", "run.svg"]);
    let evaluation = json("eval {}", &[&model]);
    let page = read(&page);
    assert_eq!(sections(&page), ["curves", "confusion", "classes", "mistakes", "units", "run"]);

    assert_eq!(fact(&page, "test accuracy"), percent(&run["test_accuracy"]));
    assert_eq!(fact(&page, "train accuracy"), percent(&run["train_accuracy"]));
    assert_eq!(fact(&page, "test loss"), format!("{:.4}", float(&run["test_loss"])));
    assert_eq!((fact(&page, "iterations"), fact(&page, "seed")), ("560".into(), "3".into()));
    assert_eq!((fact(&page, "learning rate"), fact(&page, "instruction set")), ("0.5".into(), word(&run["isa"])));
    assert_eq!(fact(&page, "threads"), run["threads"].to_string());
    for time in ["training time", "total time", "samples per second"] {
        assert!(fact(&page, time).starts_with(|c: char| c.is_ascii_digit()), "{time}");
    }
    let origin = text(one(&page, ".origin"));
    assert!(origin.contains("train --epochs 40 --seed 3"), "{origin}");
    assert!(origin.starts_with("20") && origin.contains(" UTC"), "{origin}");
    if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
        assert!(origin.contains(&format!(", on {}: twolayer", host.trim())), "{origin}");
    }
    let tiles = texts(&page, ".highlights div");
    let wrong = 360 - evaluation["correct"].as_u64().unwrap();
    for (tile, expected) in tiles.iter().zip([
        format!("test accuracy{}", percent(&run["test_accuracy"])),
        format!("errors of 360{wrong}"),
        "parameters3,760".into(),
        format!("test loss{:.4}", float(&run["test_loss"])),
        "training time".into(),
    ]) {
        assert!(tile.starts_with(&expected), "{tiles:?}");
    }
    assert_eq!(tiles.len(), 5);

    assert_eq!(serde_json::json!(matrix(&page)), evaluation["confusion"]);
    let rows = texts(&page, "#curves tbody tr");
    let history = run["history"].as_array().unwrap();
    assert_eq!(rows.len(), 41, "the first iteration of each epoch, and the last");
    for (row, m) in rows.iter().zip(history) {
        let loss = format!("{:.4}{:.4}", float(&m["loss"]), float(&m["test_loss"]));
        assert_eq!(
            *row,
            format!("{}{loss}{}{}", m["iterations"], percent(&m["train_accuracy"]), percent(&m["test_accuracy"]))
        );
    }
    assert_eq!(select(&page, "#curves figure > svg").len(), 2);
    let ends = [&run["train_accuracy"], &run["test_accuracy"]].map(percent);
    let drawn = texts(&page, "#curves svg text");
    assert!(ends.iter().all(|end| drawn.contains(end)) && drawn.contains(&"epoch".into()), "{drawn:?}");
    assert_eq!((select(&page, "#units img").len(), select(&page, "#units details img").len()), (50, 26));
}

fn word(value: &Value) -> String {
    value.as_str().expect("a word").into()
}

fn paths(scratch: &TempDir, curves: &str) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
    ["page.html", curves, "model.st"].map(|name| scratch.path().join(name)).into()
}

#[test]
fn the_report_of_an_evaluation_shows_scores_and_mistakes() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, _, model) = paths(&scratch, "none");
    ok("train --quiet --epochs 40 --out {}", &[&model]);
    let run = json("eval {} --report {}", &[&model, &page]);
    let page = read(&page);
    assert_eq!(sections(&page), ["confusion", "classes", "mistakes", "units", "run"]);
    assert_eq!(fact(&page, "accuracy"), percent(&run["accuracy"]));
    assert_eq!(fact(&page, "mean loss"), format!("{:.4}", float(&run["mean_loss"])));
    assert_eq!(serde_json::json!(matrix(&page)), run["confusion"]);

    // Precision and recall of each class, from the counts of the JSON.
    let counts: Vec<Vec<usize>> = serde_json::from_value(run["confusion"].clone()).unwrap();
    let rows = texts(&page, "#classes tbody tr");
    assert_eq!(rows.len(), 10);
    for (class, row) in rows.iter().enumerate() {
        let (right, all) = (counts[class][class], counts[class].iter().sum::<usize>());
        let taken: usize = counts.iter().map(|row| row[class]).sum();
        let share = |part: usize, of: usize| {
            if of == 0 { "–".into() } else { format!("{:.2}%", 100.0 * part as f64 / of as f64) }
        };
        let (precision, recall, f1) = (share(right, taken), share(right, all), share(2 * right, all + taken));
        assert_eq!(*row, format!("{class}{precision}{recall}{f1}{all}"));
    }

    // Mistakes: each cell of the matrix leads to those of its pair, the most confident first, the same as `predict`'s.
    let wrong = integer(&run["rows"]) - integer(&run["correct"]);
    assert!(texts(&page, "#mistakes p")[0].starts_with(&format!("{wrong} of 360 images")));
    let shown = select(&page, "#mistakes li").len();
    assert!((150..=200).contains(&shown) && shown < wrong, "{shown} of {wrong}: this test needs more than are shown");
    let mut last = usize::MAX;
    for list in select(&page, "#mistakes .tiles") {
        let place = list.attr("id").expect("a place to link to");
        let [label, taken] = [1, 4].map(|word| place.split('-').nth(word).unwrap().parse::<usize>().unwrap());
        assert_eq!(text(one(&page, &format!("#confusion a[href='#{place}']"))), counts[label][taken].to_string());
        assert!(counts[label][taken] <= last, "the most frequent pair is first");
        last = counts[label][taken];
        let mut surest = 100.0;
        for (i, tile) in texts(&page, &format!("#{place} li")).into_iter().enumerate() {
            let rest = tile.strip_prefix(&format!("true {label}, taken for {taken} (")).expect("a caption");
            let (sure, index) = rest.split_once("%) image ").expect("a probability and an index");
            let number: f64 = sure.parse().expect("a probability");
            assert!(number <= surest, "{place}");
            surest = number;
            if i == 2 {
                let prediction = json(&format!("predict {{}} --index {index}"), &[&model]);
                assert_eq!((integer(&prediction["label"]), integer(&prediction["predicted"])), (label, taken));
                assert_eq!(format!("{sure}%"), percent(&prediction["probabilities"][taken]));
            }
        }
    }
    assert_eq!(select(&page, "#confusion td.wrong").len(), select(&page, "#confusion td a").len());
}

#[test]
fn errors_are_shaded_by_their_own_greatest_number() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, ..) = paths(&scratch, "none");
    ok("train --quiet --epochs 60 --report {}", &[&page]);
    let page = read(&page);
    let counts = matrix(&page);
    let greatest = (0..100).filter(|i| i / 10 != i % 10).map(|i| counts[i / 10][i % 10]).max().unwrap();
    assert!(greatest > 5, "this test needs a frequent mistake");
    for cell in select(&page, "#confusion td.wrong") {
        let n: usize = text(cell).parse().unwrap();
        let share = format!("--s:{:.0}", 100.0 * n as f64 / greatest as f64);
        assert_eq!(cell.attr("style"), Some(&*share), "{n} of {greatest}");
    }
    assert!(text(one(&page, "#confusion .key")).starts_with(&format!("errors: 1 {greatest}")));
}

#[test]
fn hidden_units_are_sorted_by_output_weights_and_pixels_without_ink_are_masked() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, _, model) = paths(&scratch, "none");
    let images = idx(&[4, 2, 3], &[9, 0, 0, 200, 4, 0, 0, 0, 80, 0, 255, 0, 9, 0, 0, 100, 60, 0, 0, 0, 20, 1, 7, 0]);
    let labels = idx(&[4], &[0, 1, 1, 0]);
    let data = folder(&[images.clone(), labels.clone(), images, labels]);
    ok("train --quiet --iters 9 --hidden 30 --data {} --report {} --out {}", &[data.path(), &page, &model]);
    let page = read(&page);
    let tiles = texts(&page, "#units li");
    let unit = |tile: &String| tile.strip_prefix("unit ").unwrap().split(':').next().unwrap().parse::<usize>().unwrap();
    let output = Model::read(&model);
    let length = |unit: usize| output.values("W2")[2 * unit..][..2].iter().map(|w| w * w).sum::<f64>();
    let lengths: Vec<f64> = tiles.iter().map(|tile| length(unit(tile))).collect();
    assert!(lengths.len() == 30 && lengths.is_sorted_by(|a, b| a >= b), "{lengths:?}");
    assert_eq!(select(&page, "#units details li").len(), 6);
    for image in select(&page, "#units img") {
        let address = image.attr("src").unwrap().strip_prefix("data:image/png;base64,").unwrap();
        let file = data_encoding::BASE64.decode(address.as_bytes()).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let gray: Vec<bool> = pixels.chunks(4).map(|p| p[0] == p[1] && p[1] == p[2] && p[3] > 0).collect();
        assert_eq!(gray, [false, true, false, false, false, true], "{pixels:?}");
    }
    assert!(text(select(&page, "#units .key")[0]).contains("never inked"));
}

#[test]
fn names_from_the_user_are_escaped() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("<b>&\"x\"");
    fs::rename(folder(&tiny()).keep(), &data).unwrap();
    let page = scratch.path().join("<i>.html");
    ok("train --quiet --iters 5 --data {} --report {}", &[&data, &page]);
    let page = read(&page);
    assert!(select(&page, "b, i, x").is_empty());
    assert_eq!(text(one(&page, "title")), format!("Training on {}", data.display()));
    assert_eq!(text(one(&page, "h1")), format!("Training on {}", data.display()));
    assert_eq!(fact(&page, "data"), data.display().to_string());
}

#[test]
fn a_run_of_no_iterations_has_a_page_without_curves() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, curves, _) = paths(&scratch, "empty.svg");
    ok("train --quiet --iters 0 --report {} --plot {}", &[&page, &curves]);
    let page = read(&page);
    assert!(texts(&page, "#curves p")[0].contains("no iterations"));
    assert_eq!(select(&page, "svg").len(), 0);
    assert_eq!(matrix(&page).len(), 10);
    assert!(fs::read_to_string(curves).unwrap().contains("no iterations"));
}

#[test]
fn a_run_that_diverges_still_writes_its_curves_and_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, curves, model) = paths(&scratch, "curves.png");
    let line = "train --quiet --lr 1e38 --seed 5 --out {} --report {} --plot {}";
    fails(
        1,
        line,
        &[&model, &page, &curves],
        &["diverged", "try --lr 0.1", "the losses so far are in", "page.html", "curves.png"],
    );
    assert_eq!(names_in(scratch.path()), ["curves.png", "page.html"]);
    let page = read(&page);
    assert_eq!(sections(&page), ["curves", "run"]);
    let trouble = text(one(&page, ".trouble"));
    assert!(trouble.contains("diverged") && trouble.contains("try --lr 0.1"), "{trouble}");
    let ends =
        texts(&page, "#curves svg text").iter().filter(|text| text.starts_with("not finite in iteration")).count();
    assert_eq!(ends, 1, "the curve says where it ends");
    assert_eq!(fact(&page, "seed"), "5");
    assert!(!text(one(&page, "body")).contains("accuracy 0.00%"), "a failed run has no accuracy");
}

#[test]
fn inputs_that_are_not_images_have_no_images() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, ..) = paths(&scratch, "none");
    let features = idx(&[4, 6], &[9, 0, 200, 4, 0, 0, 0, 80, 0, 0, 255, 1, 9, 0, 100, 0, 0, 0, 0, 60, 0, 0, 20, 1]);
    let labels = idx(&[4], &[0, 1, 1, 0]);
    let data = folder(&[features.clone(), labels.clone(), features, labels]);
    ok("train --quiet --iters 0 --data {} --report {}", &[data.path(), &page]);
    let page = read(&page);
    assert!(select(&page, "img").is_empty());
    assert!(texts(&page, "#units p")[0].contains("not images"));
    assert_eq!(texts(&page, "#mistakes li").len(), 2);
}

#[test]
fn the_report_of_a_large_network_stays_small() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, ..) = paths(&scratch, "none");
    let mut noise = 1u32;
    let mut pixels = vec![0; 80 * 70 * 70];
    for pixel in &mut pixels {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *pixel = (noise >> 24) as u8;
    }
    let labels: Vec<u8> = (0..80).collect();
    let (images, labels) = (idx(&[80, 70, 70], &pixels), idx(&[80], &labels));
    let data = folder(&[images.clone(), labels.clone(), images, labels]);
    ok("train --quiet --iters 3 --hidden 300 --data {} --report {}", &[data.path(), &page]);
    let page = read(&page);
    assert_eq!(select(&page, "#units img").len(), 100);
    assert!(texts(&page, "#units p")[0].contains("The first 100 of 300"));
    assert_eq!(matrix(&page).len(), 80);
}

#[test]
fn curves_are_svg_or_png_by_their_names() {
    let scratch = tempfile::tempdir().unwrap();
    let (_, svg, _) = paths(&scratch, "curves.svg");
    let png = scratch.path().join("curves.png");
    assert!(ok("train --iters 100 --plot {}", &[&svg]).contains("\nCurves    "));
    ok("train --quiet --iters 100 --plot {}", &[&png]);
    let text = fs::read_to_string(&svg).unwrap();
    let picture = Html::parse_fragment(&text);
    for class in ["train", "test"] {
        assert!(select(&picture, &format!("path.{class}")).len() >= 2, "a line and its legend");
    }
    assert!(text.starts_with("<svg ") && text.contains("xmlns=") && !text.contains("<script"));
    assert!(text.contains("prefers-color-scheme: dark"));
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(&png).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (800, 1120));
    for colour in [[0x1f, 0x5f, 0xbf], [0xb3, 0x48, 0x0c], [0x1c, 0x23, 0x30], [255; 3]] {
        assert!(pixels.chunks(3).filter(|p| **p == colour).count() > 100, "{colour:?}");
    }
}

#[test]
fn invalid_output_names_are_errors_before_training() {
    let scratch = tempfile::tempdir().unwrap();
    let (page, svg, model) = paths(&scratch, "curves.svg");
    for name in ["curves.jpg", "curves"] {
        fails(2, "train --plot {}", &[&scratch.path().join(name)], &["--plot", name, ".svg or .png"]);
    }
    fails(2, "train --out {} --report {}", &[&page, &page], &["--out and --report both name"]);
    fails(2, "train --report {} --plot {}", &[&svg, &svg], &["--report and --plot both name"]);
    fails(2, "train --log {} --plot {}", &[&svg, &svg], &["--log and --plot both name"]);
    let missing = scratch.path().join("missing").join("file.svg");
    for option in ["--report", "--plot"] {
        let ran = fails(1, &format!("train {option} {{}}"), &[&missing], &["cannot write", "missing"]);
        assert_eq!(ran.stdout, "", "the error comes before training");
    }
    assert_eq!(names_in(scratch.path()), [""; 0]);
    ok("train --quiet --iters 1 --out {}", &[&model]);
    let before = fs::read(&model).unwrap();
    fails(2, "eval {} --report {}", &[&model, &model], &["--report", "model.st"]);
    assert_eq!(fs::read(&model).unwrap(), before);
}
