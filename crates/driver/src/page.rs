//! What a run leaves to look at: a page in one file that needs no network and no script, and the curves by themselves.
//!
//! A page tells what `--json` prints ([`facts`]) and draws what numbers cannot tell: the curves ([`plot`]) of what was
//! recorded ([`record`]), the scores and mistakes of the network ([`scores`]), digits and weights ([`image`]).

mod document;
mod facts;
mod image;
mod plot;
pub mod record;
mod scores;

use std::path::Path;

use serde_json::Value;
use twolayer_idx::Split as Half;

use crate::args::Split;
use crate::error::CliError;
use crate::network::Network;
use crate::output_file::OutputFile;
use record::Record;

/// A file for the curves, and what goes into it.
pub struct Plot {
    pub target: OutputFile,
    png: bool,
}

impl Plot {
    /// Takes the format from the file's name, and checks that the file could be written.
    pub fn new(path: &Path) -> Result<Self, CliError> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        let png = match extension.as_deref() {
            Some("png") => true,
            Some("svg") => false,
            _ => {
                let shown = path.display();
                return Err(CliError::usage(format!("--plot {shown}: expected a name that ends in .svg or .png")));
            }
        };
        Ok(Plot { target: OutputFile::new(path)?, png })
    }

    /// Draws what was recorded.
    pub fn write(&self, record: &Record) -> Result<(), CliError> {
        let drawing = plot::both(record);
        let bytes = if self.png { drawing.png()? } else { drawing.svg().into_bytes() };
        self.target.write(&bytes)
    }
}

/// A network and the images that it is examined on.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub net: &'a dyn Network,
    pub split: Split,
    pub half: &'a Half,
}

/// What a page is made of.
pub struct Page<'a> {
    /// What was done, such as `Training on mnist`.
    pub title: String,
    /// Why it ended before its end, if it did.
    pub trouble: Option<String>,
    /// The object that `--json` prints.
    pub report: Value,
    /// What was recorded while it trained.
    pub record: Option<&'a Record>,
    /// What came of it.
    pub subject: Option<Subject<'a>>,
}

impl Page<'_> {
    /// The page, as one file.
    pub fn html(&self) -> Result<String, CliError> {
        Ok(document::page(self)?.into_string() + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let report = serde_json::json!({ "data": "<b>&\"x\"", "<i>": "<u>" });
        let title = "Training on <b>&\"x\"".to_string();
        let page = Page { title, trouble: Some("<s>".into()), report, record: None, subject: None };
        let html = page.html().unwrap();
        assert!(html.contains("&lt;b&gt;&amp;&quot;x&quot;"));
        for tag in ["<b>", "<i>", "<u>", "<s>"] {
            assert!(!html.contains(tag), "{tag}");
        }
    }

    #[test]
    fn curves_go_where_their_names_say() {
        let folder = tempfile::tempdir().unwrap();
        let plot = |name: &str| Plot::new(&folder.path().join(name));
        for name in ["curves", "curves.jpg", ".svg"] {
            assert!(plot(name).is_err(), "{name}");
        }
        for (name, start) in [("a.svg", &b"<svg "[..]), ("b.PNG", b"\x89PNG")] {
            plot(name).unwrap().write(&Record::new(false)).unwrap();
            assert!(std::fs::read(folder.path().join(name)).unwrap().starts_with(start), "{name}");
        }
    }
}
