//! What `gradcheck` prints.

use serde::Serialize;
use twolayer_core::Parameter;
use twolayer_idx::Split as Half;

use super::difference::{ByName, Element, Verdict, place};
use super::kinks::Kink;
use crate::args::RngName;
use crate::color;
use crate::data::{self, Source};
use crate::error::CliError;
use crate::machine::Machine;
use crate::number_format::{count, grouped, seconds};
use crate::output::Output;
use crate::terminal::Table;

/// The most kinks that are listed; all are counted.
pub const LISTED_KINKS: usize = 3;

/// The output of `--json`.
#[derive(Serialize)]
pub struct GradcheckReport {
    pub passed: bool,
    pub tolerance: f64,
    pub h: f64,
    pub method: &'static str,
    pub parameters: ByName,
    /// The parameter with the largest difference.
    pub worst: &'static str,
    /// Why the check did not pass.
    pub explanations: Vec<String>,
    /// Hidden units that stand on the kink of ReLU in a row, or cross it within ± h, counted row by row.
    pub kinks: usize,
    /// The rows with kinks.
    pub rows_with_kinks: usize,
    /// The first kinks.
    pub first_kinks: Vec<Kink>,
    /// Sigmoid units that are saturated in every row: agreement in their W1 and b1 says nothing.
    pub saturated_units: usize,
    /// ReLU units that are below 0 in every row: all their derivatives are 0.
    pub dead_units: usize,
    pub seconds_numerical: f64,
    pub seconds_backprop: f64,
    pub data: String,
    pub batch: usize,
    /// The model file, or the seed and generator of random weights.
    pub model: Option<String>,
    pub inputs: usize,
    pub hidden: usize,
    pub classes: usize,
    pub activation: &'static str,
    pub seed: Option<u64>,
    pub rng: Option<RngName>,
    pub threads: usize,
    pub isa: &'static str,
    pub precision: &'static str,
}

impl GradcheckReport {
    /// Prints the report.
    pub fn print(&self, source: Source, (train, machine): (&Half, &Machine), out: &mut Output) {
        let images = count(self.batch, "training image");
        let size = data::size(train);
        out.context("Data", format_args!("{}: the first {images} of {size}", source.describe()));
        let weights = match (&self.model, self.seed, self.rng) {
            (Some(model), ..) => format!("of {model}"),
            (None, seed, rng) => format!("seed {}, {}", seed.unwrap_or_default(), rng.map_or("", RngName::name)),
        };
        let (inputs, hidden, classes) = (self.inputs, self.hidden, self.classes);
        let units = if self.activation == "sigmoid" { String::new() } else { format!("{}, ", self.activation) };
        out.context("Network", format_args!("{inputs} -> {hidden} -> {classes}, {units}f64, {weights}"));
        out.context("Machine", machine.describe());
        out.context("Method", format_args!("central differences, {}, h = {:e}", self.method, self.h));
        if !out.is_quiet() {
            out.line("");
        }
        self.print_differences(out);
        out.line("");
        if let (p, Some(worst), max) = self.worst_element() {
            out.paragraph("", format_args!("Worst: {}, off by {max:.2e}", place(p, &worst)));
        }
        let (numerical, backprop) = (seconds(self.seconds_numerical), seconds(self.seconds_backprop));
        out.paragraph("", format_args!("Numerical gradient in {numerical}, backpropagation in {backprop}"));
        out.paragraph("", self.verdict());
        self.explanations.iter().chain(&self.notes()).for_each(|text| out.paragraph("  ", text));
    }

    /// The element that is furthest off, and by how much.
    fn worst_element(&self) -> (Parameter, Option<Element>, f64) {
        let (p, worst) = self.parameters.worst();
        (p, worst.worst, worst.max_abs)
    }

    /// The verdict, in a sentence.
    fn verdict(&self) -> String {
        let (tolerance, failed) = (self.tolerance, self.parameters.with(Verdict::Fail).join(", "));
        let unchecked = self.parameters.with(Verdict::Unchecked).join(", ");
        match (failed.as_str(), unchecked.as_str()) {
            ("", "") => format!("Passed: every mean is below {tolerance:e}, and no element is 100 times further off"),
            ("", _) => format!("Not passed: nothing could be compared in {unchecked}"),
            _ => format!(
                "Failed: in {failed}, the mean is not below {tolerance:e}, or an element is off by 100 times that or more"
            ),
        }
    }

    /// What could not be compared, or only in part.
    fn notes(&self) -> Vec<String> {
        let units = count(self.hidden, "hidden unit");
        let mut notes = Vec::new();
        if self.kinks > 0 {
            let listed = self.first_kinks.iter().map(|kink| {
                let Kink { unit, row, pre_activation } = kink;
                format!("unit {unit} in row {row} (at {pre_activation:.1e})")
            });
            let (listed, more) = (listed.collect::<Vec<_>>().join(", "), self.kinks - self.first_kinks.len());
            let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
            let left_out: usize = self.parameters.iter().map(|(_, judged)| judged.difference.left_out).sum();
            let left_out = match left_out {
                0 => String::new(),
                n => format!("; {} left out, since no row remains", count(n, "element")),
            };
            notes.push(format!(
                "{} in {}: ReLU units that are at 0, or cross it within ±h, where no difference is the derivative: \
                 {listed}{more}. Their W1 and b1 are compared without these rows{left_out}",
                count(self.kinks, "kink"),
                count(self.rows_with_kinks, "row"),
            ));
        }
        if self.saturated_units > 0 {
            notes.push(format!(
                "{} of {units} saturated in every row: their W1 and b1 have derivatives of rounding alone, and \
                 their agreement says nothing",
                self.saturated_units
            ));
        }
        if self.dead_units > 0 {
            notes.push(format!(
                "{} of {units} below 0 in every row: all their derivatives are 0, and their agreement says nothing",
                self.dead_units
            ));
        }
        notes
    }

    /// The table, a row for each parameter.
    fn print_differences(&self, out: &mut Output) {
        let names = ["", "mean diff", "max diff", "max rel", "worst", "backpropagation", "numerical", ""];
        let rows: Vec<[String; 8]> = [names.map(String::from)]
            .into_iter()
            .chain(self.parameters.iter().map(|(p, judged)| {
                let d = &judged.difference;
                let element = |text: &dyn Fn(&Element) -> String| d.worst.as_ref().map_or("-".into(), text);
                [
                    p.name().into(),
                    format!("{:.2e}", d.mean_abs),
                    format!("{:.2e}", d.max_abs),
                    format!("{:.2e}", d.max_rel),
                    element(&|worst| place(p, worst)),
                    element(&|worst| format!("{:.9e}", worst.backprop)),
                    element(&|worst| format!("{:.9e}", worst.numerical)),
                    match judged.verdict {
                        Verdict::Pass => color::paint(color::RIGHT, "pass"),
                        Verdict::Fail => color::paint(color::WRONG, "FAIL"),
                        Verdict::Unchecked => color::paint(color::DOUBT, "unchecked"),
                    },
                ]
            }))
            .collect();
        let cell = |row: usize, column: usize| rows[row][column].clone();
        out.table(&Table { rows: rows.len(), columns: names.len(), cell: &cell, left: &[0, 4, 7] });
    }

    /// The error of a check that did not pass.
    pub fn failure(&self) -> CliError {
        let failed = self.parameters.iter().filter(|(_, judged)| judged.verdict == Verdict::Fail);
        let names: Vec<String> =
            failed.map(|(p, judged)| format!("{} by {:.2e}", p.name(), judged.difference.mean_abs)).collect();
        if names.is_empty() {
            let unchecked = self.parameters.with(Verdict::Unchecked).join(", ");
            return CliError::new(format!(
                "nothing could be compared in {unchecked}, so that the check says nothing of it"
            ));
        }
        CliError::new(format!(
            "backpropagation differs from the numerical gradient in {} on average; expected less than {:e}, and no element \
             100 times further off",
            names.join(", "),
            self.tolerance
        ))
    }
}
