//! The HTML report and the curves of a run.

use serde_json::Value;
use twolayer_core::Float;

use super::checkpoint::State;
use super::outcome::Outcome;
use super::run::TrainingRun;
use crate::args::Split;
use crate::error::CliError;
use crate::html_report::training_record::TrainingRecord;
use crate::html_report::{EvaluatedModel, Page};

impl TrainingRun<'_> {
    /// Writes the report and the curves of a finished run.
    pub fn draw<T: Float>(&self, state: &State<T>) -> Result<(), CliError> {
        let State { net, outcome, record, .. } = state;
        // The curves first: a failure of the report should not lose them.
        let plotted = self.plot.as_ref().map_or(Ok(()), |plot| plot.write(record));
        if let Some(target) = &self.report {
            let subject = EvaluatedModel { net, split: Split::Test, half: &self.data.test, seen: &self.data.train };
            let page = Page {
                title: self.title(),
                trouble: None,
                report: serde_json::to_value(self.report_of::<T>(outcome, &record.history)).map_err(CliError::new)?,
                parameters: self.shape.parameters(),
                record: Some(record),
                subject: Some(subject),
            };
            target.write(page.html()?.as_bytes())?;
        }
        plotted
    }

    /// Writes the report and curves of a failed run, and adds their names to the error.
    /// `log` is the file of the losses, if written.
    pub fn draw_failed<T: Float>(&self, failure: CliError, record: &TrainingRecord, log: Option<String>) -> CliError {
        let plot = self.plot.as_ref().filter(|plot| plot.write(record).is_ok());
        let report = self.report.as_ref().filter(|target| {
            let trouble = Some(failure.to_string());
            let report = self.report_of_failure::<T>(record);
            let (title, parameters) = (self.title(), self.shape.parameters());
            let page = Page { title, trouble, report, parameters, record: Some(record), subject: None };
            page.html().and_then(|html| target.write(html.as_bytes())).is_ok()
        });
        let plot = plot.map(|plot| plot.target.shown().to_string());
        let files: Vec<String> =
            [log, plot, report.map(|target| target.shown().to_string())].into_iter().flatten().collect();
        if files.is_empty() {
            failure
        } else {
            failure.with_note(format!("the losses so far are in {}", files.join(", ")))
        }
    }

    /// The JSON report of a failed run, without results.
    pub fn report_of_failure<T: Float>(&self, record: &TrainingRecord) -> Value {
        let outcome = Outcome { iterations: record.iterations, ..Outcome::default() };
        let mut report = serde_json::to_value(self.report_of::<T>(&outcome, &[])).unwrap_or_default();
        if let Some(fields) = report.as_object_mut() {
            let results = ["test_accuracy", "train_accuracy", "test_loss", "train_seconds", "samples_per_second"];
            for name in results.into_iter().chain(["threads", "out"]) {
                fields.remove(name);
            }
        }
        report
    }

    fn title(&self) -> String {
        format!("Training on {}", self.source.title())
    }
}
