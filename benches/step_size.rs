//! The error of central differences against their step h: f64, structured;
//! f64 and f32, by brute force. Nothing is timed: it prints a table, and draws it as SVG beside criterion's results.
//!
//! The errors are h²/6 · L‴ (truncation) and about ε·L/h (rounding). Their sum is smallest near h =
//! ε^⅓, within a factor of ten, where it is about ε^⅔: the picture shows both slopes. "Exact" is backpropagation in
//! f64. The network is 64-20-10 with random weights, the batch 30 of the bundled digits.

use common::data;
use plotters::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::error::Error;
use std::fs;
use std::path::Path;
use twolayer_core::{Float, Labels, Parameter, Parameters, Rows, Shape, TwoLayerNet};
use twolayer_idx::{DataSet, Split};

const ROWS: usize = 30;
const HIDDEN: usize = 20;
/// Steps for each decade of h.
const PER_DECADE: i32 = 4;

/// A way to compute differences: its name, its errors by step, and its colour.
struct Curve {
    name: &'static str,
    errors: Vec<(f64, f64)>,
    colour: RGBColor,
}

/// The mean absolute difference of all parameters.
fn error<T: Float>(exact: &Parameters<f64>, found: &Parameters<T>) -> f64 {
    let (exact, found) = (exact.to_vec(), found.to_vec());
    exact.iter().zip(&found).map(|(e, f)| (e - f.to_f64()).abs()).sum::<f64>() / exact.len() as f64
}

fn curves(digits: &Split) -> Result<[Curve; 3], Box<dyn Error>> {
    let shape = Shape::new(digits.inputs(), HIDDEN, digits.classes())?;
    // Larger weights than the notebook's, so that third derivatives are not tiny; f32 has the same, rounded.
    let start = TwoLayerNet::<f32>::random(shape, &mut ChaCha8Rng::seed_from_u64(0)).parameters;
    let mut single = TwoLayerNet::new(start.clone());
    for p in Parameter::ALL {
        let larger: Vec<f32> = start.get(p).to_vec().iter().map(|w| 30.0 * w).collect();
        single.parameters.set(p, &larger)?;
    }
    let double = TwoLayerNet::new(single.parameters.to_f64());
    let (pixels, labels) = (&digits.images()[..ROWS * digits.inputs()], &digits.labels()[..ROWS]);
    let exact = double.gradient(Rows::Pixels(pixels), Labels::Classes(labels))?;
    let steps: Vec<f64> =
        (PER_DECADE..=10 * PER_DECADE).map(|k| 10f64.powf(-f64::from(k) / f64::from(PER_DECADE))).collect();
    let curve =
        |name, colour, at: &dyn Fn(f64) -> Result<f64, twolayer_core::Error>| -> Result<Curve, Box<dyn Error>> {
            let errors = steps.iter().map(|&h| Ok((h, at(h)?))).collect::<Result<_, twolayer_core::Error>>()?;
            Ok(Curve { name, errors, colour })
        };
    let (x, t) = (Rows::Pixels(pixels), Labels::Classes(labels));
    let (x32, t32) = (Rows::Pixels(pixels), Labels::Classes(labels));
    Ok([
        curve("f64, structured", RGBColor(0, 114, 178), &|h| Ok(error(&exact, &double.numerical_gradient(x, t, h)?)))?,
        curve("f64, brute force", RGBColor(213, 94, 0), &|h| {
            Ok(error(&exact, &double.numerical_gradient_brute_force(x, t, h)?))
        })?,
        curve("f32, brute force", RGBColor(0, 158, 115), &|h| {
            Ok(error(&exact, &single.numerical_gradient_brute_force(x32, t32, h as f32)?))
        })?,
    ])
}

/// The step with the least error.
fn best(curve: &Curve) -> (f64, f64) {
    let least = |a: (f64, f64), b: &(f64, f64)| if b.1 < a.1 { *b } else { a };
    curve.errors.iter().fold((f64::NAN, f64::INFINITY), least)
}

fn print(curves: &[Curve]) {
    println!("Mean |central difference - gradient| over all parameters\n");
    println!("{:>9}{}", "h", curves.iter().map(|c| format!("  {:>17}", c.name)).collect::<String>());
    for i in (0..curves[0].errors.len()).step_by(PER_DECADE as usize) {
        let row: String = curves.iter().map(|c| format!("  {:>17.2e}", c.errors[i].1)).collect();
        println!("{:>9.0e}{row}", curves[0].errors[i].0);
    }
    let row: String = curves.iter().map(|c| format!("  {:>17.1e}", best(c).0)).collect();
    println!("{:>9}{row}", "best h");
    let row: String = curves.iter().map(|c| format!("  {:>17.1e}", best(c).1)).collect();
    println!("{:>9}{row}", "error");
}

fn draw(curves: &[Curve], path: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, (900, 600)).into_drawing_area();
    area.fill(&WHITE)?;
    let all = || curves.iter().flat_map(|c| &c.errors).map(|e| e.1).filter(|e| *e > 0.0);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let mut chart = ChartBuilder::on(&area)
        .caption("Error of central differences against their step", ("sans-serif", 24))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(80)
        .build_cartesian_2d((1e-10..0.1f64).log_scale(), (low / 3.0..high * 3.0).log_scale())?;
    let power = |x: &f64| format!("1e{:.0}", x.log10());
    chart
        .configure_mesh()
        .x_desc("step h")
        .y_desc("mean absolute error of all parameters")
        .x_label_formatter(&power)
        .y_label_formatter(&power)
        .label_style(("sans-serif", 15))
        .light_line_style(WHITE)
        .draw()?;
    for curve in curves {
        let style = curve.colour.stroke_width(2);
        let (h, e) = best(curve);
        chart
            .draw_series(LineSeries::new(curve.errors.iter().copied(), style))?
            .label(format!("{} (least {e:.0e} at h = {h:.0e})", curve.name))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style));
        chart.draw_series([Circle::new((h, e), 5, curve.colour.filled())])?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 15))
        .draw()?;
    area.present()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let digits = DataSet::load(data::bundled_folder())?;
    let curves = curves(&digits.train)?;
    print(&curves);
    for curve in &curves {
        // Checks that both slopes are visible.
        let (h, least) = best(curve);
        let ends = [curve.errors[0].1, curve.errors[curve.errors.len() - 1].1];
        assert!(ends.iter().all(|end| *end > 5.0 * least), "{}: {least:e} at {h:e}, {ends:?} at the ends", curve.name);
    }
    let folder = common::results();
    fs::create_dir_all(&folder)?;
    let picture = folder.join("step_size.svg");
    draw(&curves, &picture)?;
    println!("\nPicture: {}", picture.display());
    Ok(())
}
