//! The pages: every link leads somewhere, README leads to every page, and every command has the options that they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common;

/// The pages, as paths from the root.
fn pages() -> Vec<PathBuf> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(PathBuf::from);
    let docs = fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path());
    top.into_iter().chain(docs.filter(|path| path.extension().is_some_and(|e| e == "md"))).collect()
}

/// A page without its blocks of code, and these.
fn prose_and_code(page: &Path) -> (String, String) {
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    (text.split("```").step_by(2).collect(), text.split("```").skip(1).step_by(2).collect())
}

/// The anchors that GitHub makes of a page's headings.
fn anchors(page: &Path) -> BTreeSet<String> {
    let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
    let anchor = |line: &str| line.trim_matches(['#', ' ']).to_lowercase().chars().filter(kept).collect::<String>();
    let (prose, _) = prose_and_code(page);
    prose.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line).replace(' ', "-")).collect()
}

/// A page's links to files of this repository: the file, from the root, and the anchor, which may be empty.
fn links(page: &Path) -> Vec<(PathBuf, String)> {
    let (prose, _) = prose_and_code(page);
    let targets = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let local = targets.filter(|target| !target.contains("://")).map(|target| {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
        (file, anchor.to_owned())
    });
    local.collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for (file, anchor) in links(&page) {
            if !file.exists() || (!anchor.is_empty() && !anchors(&file).contains(&anchor)) {
                broken.push(format!("{}: {}, anchor {anchor:?}", page.display(), file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "nothing is there:\n{}", broken.join("\n"));
}

#[test]
fn readme_leads_to_every_page() {
    let linked: BTreeSet<PathBuf> = links("README.md".as_ref()).into_iter().map(|(file, _)| file).collect();
    let missing: Vec<PathBuf> = pages().into_iter().skip(1).filter(|page| !linked.contains(page)).collect();
    assert!(missing.is_empty(), "README has no link to {missing:?}");
}

#[test]
fn commands_have_the_options_that_the_pages_name() {
    for page in pages() {
        let (prose, code) = prose_and_code(&page);
        let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
        for line in spans.chain(code.lines().map(|line| line.trim_start_matches("$ ").to_owned())) {
            let words = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("twolayer "));
            let Some(words) = words.filter(|words| !words.starts_with("help ")) else { continue };
            let words: Vec<&str> = words.split('#').next().unwrap().split_whitespace().collect();
            let command = words[..if words[0] == "data" { 2 } else { 1 }].join(" ");
            let help = common::ok(&format!("{command} --help"), &[]);
            let known: BTreeSet<&str> = help.split(|c: char| c != '-' && !c.is_alphanumeric()).collect();
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(known.contains(option), "{}: {line}: {command} has no {option}", page.display());
            }
        }
    }
}
