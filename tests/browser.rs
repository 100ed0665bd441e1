//! The page of a run in a real browser: light and dark, wide and narrow.
//!
//! The test looks for Chromium under its usual names and is skipped without it, unless TWOLAYER_CHROMIUM names the
//! program; then it must exist.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::ok;

fn chromium() -> Option<String> {
    if let Some(program) = std::env::var_os("TWOLAYER_CHROMIUM") {
        return Some(program.into_string().expect("TWOLAYER_CHROMIUM is UTF-8"));
    }
    let runs = |name: &&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs);
    if found.is_none() {
        // Not by `eprintln!`, which the test harness captures.
        let _ = writeln!(std::io::stderr(), "skipped: there is no Chromium; install it or set TWOLAYER_CHROMIUM");
    }
    found.map(String::from)
}

/// What the browser measured on a page, and its error messages.
struct Seen {
    overflow: i64,
    background: i64,
    broken: i64,
    pictures: i64,
    complaints: Vec<String>,
}

/// Opens the unchanged page in a frame of this width and measures it by a script outside the frame: a window cannot be
/// as narrow as a phone, and the page allows no scripts.
fn open(program: &str, page: &str, width: u32, dark: bool, folder: &Path) -> Seen {
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame = format!(
        r#"<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<iframe style="border:0;width:{width}px;height:800px" srcdoc="{escaped}"></iframe>
<script>addEventListener("load", () => {{
  const d = document.querySelector("iframe").contentDocument, e = d.documentElement;
  const paper = getComputedStyle(d.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0);
  const broken = [...d.images].filter(i => !i.complete || !i.naturalWidth).length;
  document.title = ["seen", e.scrollWidth - e.clientWidth, paper, broken, d.images.length, "end"].join(" ");
}})</script>"#
    );
    let file = folder.join("frame.html");
    fs::write(&file, frame).unwrap();
    let mut command = Command::new(program);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1400,900"]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }));
    let output = command.arg("--dump-dom").arg(format!("file://{}", file.display())).output().expect("Chromium runs");
    let dom = String::from_utf8_lossy(&output.stdout);
    let title = dom.split("<title>seen ").nth(1).unwrap_or_else(|| panic!("nothing measured: {output:?}"));
    let numbers: Vec<i64> = title.split(' ').take(4).map(|n| n.parse().expect("a number")).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let complaints = stderr.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    let [overflow, background, broken, pictures] = numbers[..] else { panic!("four numbers: {numbers:?}") };
    Seen { overflow, background, broken, pictures, complaints }
}

#[test]
fn a_browser_shows_the_page_in_light_and_dark_wide_and_narrow() {
    let Some(program) = chromium() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let (trained, evaluated, model) =
        (scratch.path().join("train.html"), scratch.path().join("eval.html"), scratch.path().join("model.st"));
    ok("train --quiet --epochs 60 --report {} --out {}", &[&trained, &model]);
    ok("eval {} --report {}", &[&model, &evaluated]);
    for (path, widths) in [(&trained, &[360, 1280][..]), (&evaluated, &[360])] {
        let page = fs::read_to_string(path).unwrap();
        for &width in widths {
            for dark in [false, true] {
                let seen = open(&program, &page, width, dark, scratch.path());
                let what = format!("{}, {width} wide, dark: {dark}", path.display());
                assert!(seen.complaints.is_empty(), "{what}: {:?}", seen.complaints);
                assert!(seen.overflow <= 0, "{what}: the page scrolls sideways by {}", seen.overflow);
                assert!((seen.background < 200) == dark, "{what}: the paper's brightness is {}", seen.background);
                assert!(seen.broken == 0 && seen.pictures > 50, "{what}: {} of {}", seen.broken, seen.pictures);
            }
        }
    }
    // The measurements can fail: a picture from elsewhere is refused by the page's own policy, and a wide box scrolls.
    let page = fs::read_to_string(&trained).unwrap();
    let spoilt = page.replace("</main>", "<img src=\"https://127.0.0.1/x\"><div style=\"width:5000px\">x</div></main>");
    let seen = open(&program, &spoilt, 360, false, scratch.path());
    assert!(seen.overflow > 4000 && seen.broken == 1 && !seen.complaints.is_empty());
}
