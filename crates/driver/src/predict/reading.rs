//! What was read from a picture, as JSON and on the terminal.

use std::path::{Path, PathBuf};

use serde::Serialize;
use twolayer_pictures::{Digit, PreparedImage, Rectangle};

use super::{most_probable, print_bars};
use crate::ascii_image;
use crate::color::{self, DOUBT, STRONG, paint};
use crate::network::SURE;
use crate::number_format::{count, grouped, percent};
use crate::output::Output;
use crate::terminal;

/// Digits in a row belong to one number if the gap between them is at most this share of their height.
const GAP: f64 = 1.5;
/// The columns of a picture on a terminal of unknown width.
const COLUMNS: usize = 80;
/// The columns of a usual answer beside its picture's name: `  7   99.83%  not sure`.
const ANSWER: usize = 22;

/// A picture and the class probabilities of each of its digits.
pub struct Reading {
    pub picture: PreparedImage,
    /// The side of the network's images.
    pub side: usize,
    pub probabilities: Vec<Vec<f64>>,
}

/// A picture's result in `--json`. What is said of one digit is said of the most central one.
#[derive(Serialize)]
pub struct Prediction {
    file: String,
    /// The file's size, turned upright.
    width: usize,
    height: usize,
    paper: &'static str,
    predicted: usize,
    probabilities: Vec<f64>,
    /// Whether each digit is sure.
    sure: bool,
    /// The rows of pixels that the network saw: 0 for paper, or 255 if the model was trained on light paper.
    pixels: Vec<Vec<u8>>,
    notes: Vec<String>,
    /// All digits, in reading order.
    digits: Vec<DigitResult>,
    /// Numbers of two and more digits.
    numbers: Vec<String>,
}

#[derive(Serialize)]
struct DigitResult {
    predicted: usize,
    probabilities: Vec<f64>,
    sure: bool,
    /// Left, top, right, bottom, in pixels of the file.
    #[serde(rename = "box")]
    bounds: [usize; 4],
    pixels: Vec<Vec<u8>>,
    notes: Vec<String>,
}

impl Reading {
    /// The index of the most central digit.
    fn main(&self) -> usize {
        let (row, column) = self.picture.main;
        self.picture.rows[..row].iter().map(Vec::len).sum::<usize>() + column
    }

    /// The class and the probabilities of the most central digit.
    pub fn prediction(&self) -> (usize, &[f64]) {
        let probabilities = &self.probabilities[self.main()];
        (most_probable(probabilities), probabilities)
    }

    /// Why a digit's answer is not sure.
    fn doubts(&self, index: usize) -> Vec<String> {
        let mut doubts = self.picture.digits().nth(index).map_or(Vec::new(), |digit| digit.doubts.clone());
        let probabilities = &self.probabilities[index];
        let p = probabilities[most_probable(probabilities)];
        if p < SURE {
            doubts.push(format!("its probability is {}, below {}", percent(p), percent(SURE)));
        }
        doubts
    }

    /// Whether there is nothing to doubt in any digit.
    pub fn is_sure(&self) -> bool {
        (0..self.probabilities.len()).all(|index| self.doubts(index).is_empty())
    }

    /// The digits of each row that stand close together, as numbers.
    fn numbers(&self) -> Vec<String> {
        let mut classes = self.probabilities.iter().map(|p| most_probable(p));
        let mut numbers = Vec::new();
        for row in &self.picture.rows {
            let mut right = None;
            for digit in row {
                let b = digit.bounds;
                let is_near = right.is_some_and(|right| b.left as f64 <= right as f64 + GAP * b.height() as f64);
                if !is_near {
                    numbers.push(String::new());
                }
                right = Some(b.right);
                let class = classes.next().unwrap_or_default().to_string();
                numbers.last_mut().into_iter().for_each(|number: &mut String| number.push_str(&class));
            }
        }
        numbers
    }

    fn rows_of(&self, pixels: &[u8]) -> Vec<Vec<u8>> {
        pixels.chunks_exact(self.side).map(<[u8]>::to_vec).collect()
    }
}

impl Prediction {
    /// What `--json` prints of a picture.
    pub fn new(path: &Path, reading: &Reading) -> Prediction {
        let picture = &reading.picture;
        let result_of = |(i, (digit, probabilities)): (usize, (&Digit, &Vec<f64>))| {
            let notes = reading.doubts(i);
            let b = digit.bounds;
            DigitResult {
                predicted: most_probable(probabilities),
                probabilities: probabilities.clone(),
                sure: notes.is_empty(),
                bounds: [b.left, b.top, b.right, b.bottom],
                pixels: reading.rows_of(&digit.pixels),
                notes,
            }
        };
        let digits: Vec<DigitResult> =
            picture.digits().zip(&reading.probabilities).enumerate().map(result_of).collect();
        let (predicted, probabilities) = reading.prediction();
        let mut notes = picture.notes.clone();
        notes.extend(digits[reading.main()].notes.iter().map(|doubt| format!("not sure: {doubt}")));
        Prediction {
            file: path.display().to_string(),
            width: picture.width,
            height: picture.height,
            paper: if picture.light_paper { "light" } else { "dark" },
            predicted,
            probabilities: probabilities.to_vec(),
            sure: digits.iter().all(|digit| digit.sure),
            pixels: reading.rows_of(&picture.main().pixels),
            notes,
            digits,
            numbers: reading.numbers().into_iter().filter(|number| number.len() > 1).collect(),
        }
    }
}

/// The answer, its probability (of several digits the least), and whether it is sure.
fn answer(reading: &Reading, seen: &Prediction) -> [String; 3] {
    let of = |digit: &DigitResult| digit.probabilities[digit.predicted];
    let least = seen.digits.iter().map(of).fold(1.0, f64::min);
    let least = if seen.digits.len() > 1 { format!("least {}", percent(least)) } else { percent(least) };
    let unsure = if seen.sure { String::new() } else { paint(DOUBT, "not sure") };
    [paint(STRONG, reading.numbers().join(" ")), least, unsure]
}

/// Many pictures, a line each.
pub struct Lines {
    /// The width of names.
    names: usize,
}

impl Lines {
    /// None if there is one picture, which has room for details.
    pub fn new(files: &[PathBuf], width: Option<usize>) -> Option<Lines> {
        let longest = files.iter().map(|file| file.display().to_string().chars().count()).max()?;
        let most = width.map_or(usize::MAX, |width| width.saturating_sub(ANSWER));
        (files.len() > 1).then(|| Lines { names: longest.min(most) })
    }

    /// Prints a picture's line.
    pub fn print(&self, reading: &Reading, seen: &Prediction, out: &mut Output) {
        let [answer, p, unsure] = answer(reading, seen);
        let name = color::padded(&terminal::tail(&seen.file, self.names), self.names, true);
        out.line(format!("{name}  {answer}  {p:>7}  {unsure}").trim_end());
    }
}

/// Prints the answer, what the network saw and the probabilities; of several digits, where they are.
pub fn show(reading: &Reading, seen: &Prediction, out: &mut Output) {
    let name = if seen.file == "-" { "standard input" } else { &seen.file };
    let ink = if seen.paper == "light" { "dark ink on light paper" } else { "light ink on dark paper" };
    let (width, height) = (grouped(seen.width), grouped(seen.height));
    let [answer, p, unsure] = answer(reading, seen);
    let unsure = if seen.sure { unsure } else { format!(", {unsure}") };
    out.field("Answer", format_args!("{answer} ({p}){unsure}"));
    if let [only] = seen.digits.as_slice() {
        only.notes.iter().for_each(|doubt| out.caution("Not sure", doubt));
    }
    out.field("Picture", format_args!("{name}: {width} x {height}, {ink}"));
    if !out.is_quiet() {
        reading.picture.notes.iter().for_each(|note| out.field("Note", note));
    }
    if seen.digits.len() > 1 {
        return show_several(reading, seen, out);
    }
    let side = reading.side;
    let drawing = ascii_image::draw(&reading.picture.main().pixels, side, side);
    out.line(format_args!("\nWhat the network sees, {side} x {side}:"));
    print_bars(&drawing, &seen.probabilities, out);
}

/// Prints a picture with a box around each digit, and a line for each.
fn show_several(reading: &Reading, seen: &Prediction, out: &mut Output) {
    let kept = &reading.picture.steps.kept;
    let (from, to) = ((seen.width, seen.height), (kept.width, kept.height));
    let places: Vec<Rectangle> = reading.picture.digits().map(|digit| digit.bounds.scaled(from, to)).collect();
    let labels: Vec<String> = seen.digits.iter().map(|digit| digit.predicted.to_string()).collect();
    let columns = out.width().unwrap_or(COLUMNS).min(COLUMNS);
    out.line(format_args!("\n{}, in reading order:", count(places.len(), "digit")));
    for line in ascii_image::draw_boxes(kept, &places, &labels, columns) {
        out.line(line);
    }
    out.line("");
    for digit in &seen.digits {
        let [left, top, right, bottom] = digit.bounds;
        let p = percent(digit.probabilities[digit.predicted]);
        out.line(format_args!("{}  {p:>7}  at {left}..{right} x {top}..{bottom}", paint(STRONG, digit.predicted)));
        digit
            .notes
            .iter()
            .for_each(|doubt| out.paragraph("            ", format_args!("{}: {doubt}", paint(DOUBT, "not sure"))));
    }
}
