//! The HTML report of a run, one file without scripts, and its curves as SVG or PNG.
//!
//! The report shows the values of `--json` ([`option_tables`]), the curves ([`plot`]) of the training record
//! ([`training_record`]), the class scores and mistakes ([`class_scores`]), digits and weights ([`png_image`]). Each section
//! has a file; [`markup`] puts them together.

mod class_scores;
mod compare;
mod confusion_matrix;
mod hidden_units;
mod learning_curves;
mod markup;
mod mistakes;
mod option_tables;
mod origin;
mod page;
mod plot;
mod png_image;
pub mod range_test;
mod seeds;
pub mod training_record;
mod trials;

use std::path::Path;

use crate::error::CliError;
use crate::output_file::OutputFile;
pub use class_scores::{ClassScores, mix_ups};
pub use compare::ComparisonPage;
pub use page::{EvaluatedModel, Page};
use range_test::RangeTest;
pub use seeds::{SeedRun, SeedsPage};
use training_record::TrainingRecord;
pub use trials::TrialsPage;

/// The file for the curves and its format.
pub struct Plot {
    pub target: OutputFile,
    png: bool,
}

impl Plot {
    /// Takes the format from the file extension, and checks that the file can be written.
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

    /// Draws the record.
    pub fn write(&self, record: &TrainingRecord) -> Result<(), CliError> {
        self.draw("Loss and accuracy of a training run", &[plot::loss(record), plot::accuracy(record)])
    }

    /// Draws the loss against the learning rate.
    pub fn write_range_test(&self, test: &RangeTest) -> Result<(), CliError> {
        self.draw("Loss against the learning rate", &[plot::range_test(test)])
    }

    fn draw(&self, title: &str, drawings: &[plot::Drawing]) -> Result<(), CliError> {
        let bytes = if self.png { plot::png(drawings)? } else { plot::svg(title, drawings).into_bytes() };
        self.target.write(&bytes)
    }
}

impl Page<'_> {
    /// The report as one HTML file.
    pub fn html(&self) -> Result<String, CliError> {
        markup::render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_text_is_html_escaped() {
        let report = serde_json::json!({ "data": "<b>&\"x\"", "<i>": "<u>" });
        let title = "Training on <b>&\"x\"".to_string();
        let page = Page { title, trouble: Some("<s>".into()), report, parameters: 0, record: None, subject: None };
        let html = page.html().unwrap();
        assert!(html.contains("&lt;b&gt;&amp;&quot;x&quot;"));
        for tag in ["<b>", "<i>", "<u>", "<s>"] {
            assert!(!html.contains(tag), "{tag}");
        }
    }

    #[test]
    fn the_file_name_decides_the_format_of_curves() {
        let folder = tempfile::tempdir().unwrap();
        let plot = |name: &str| Plot::new(&folder.path().join(name));
        for name in ["curves", "curves.jpg", ".svg"] {
            assert!(plot(name).is_err(), "{name}");
        }
        for (name, start) in [("a.svg", &b"<svg "[..]), ("b.PNG", b"\x89PNG")] {
            plot(name).unwrap().write(&TrainingRecord::new(false, 1)).unwrap();
            assert!(std::fs::read(folder.path().join(name)).unwrap().starts_with(start), "{name}");
        }
    }
}
