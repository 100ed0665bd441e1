//! A page on which one draws and sees what the network makes of it, in one file that needs no network and no server.

use data_encoding::BASE64;
use twolayer_core::{Float, Parameter};
use twolayer_model::Model;

use crate::error::{Error, Result};
use crate::tensor::bytes;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/draw.js");

/// Smaller images show nothing that one drew; networks with so few inputs were trained on other things than images.
const MIN_SIDE: usize = 4;
/// The limit of the weights: in base64, they are one string of the browser, of which some hold 512 MiB.
const MAX_BYTES: usize = 256 << 20;

/// What the page takes into account besides the network.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whether the network was trained on dark ink on light paper.
    pub light_paper: bool,
    /// Answers with a smaller probability are shown as not sure.
    pub sure: f64,
}

/// The network as a page to draw on. The same model gives the same bytes.
///
/// # Errors
///
/// If the network does not take square images of at least 4 x 4 pixels, or is too large for a page.
pub fn write<T: Float>(model: &Model<T>, reading: Reading) -> Result<String> {
    let shape = model.parameters.shape();
    let (inputs, hidden, classes) = (shape.inputs(), shape.hidden(), shape.classes());
    let fail = |what: &dyn std::fmt::Display| Err(Error::new("page to draw on", what));
    let side = inputs.isqrt();
    if side * side != inputs || side < MIN_SIDE {
        return fail(&format_args!(
            "the network takes {inputs} inputs, which is no square image such as 28 x 28 or 8 x 8, so that nothing can \
             be drawn for it; export it as onnx, c or npz"
        ));
    }
    let size = shape.parameters().saturating_mul(size_of::<T>());
    if size > MAX_BYTES {
        return fail(&format_args!(
            "its weights take {size} bytes, but a page is limited to {MAX_BYTES}; export it as onnx or npz"
        ));
    }
    let (activation, precision) = (model.activation.name(), T::NAME);
    let weights: Vec<u8> = Parameter::ALL.into_iter().flat_map(|p| bytes(&model.parameters, p)).collect();
    let Reading { light_paper, sure } = reading;
    let json = format!(
        "{{\"side\":{side},\"hidden\":{hidden},\"classes\":{classes},\"activation\":\"{activation}\",\
         \"precision\":\"{precision}\",\"light_paper\":{light_paper},\"sure\":{sure},\"weights\":\"{}\"}}",
        BASE64.encode(&weights)
    );
    let title = if classes == 10 { "Draw a digit" } else { "Draw a picture" };
    let network = format!("{inputs} → {hidden} → {classes} ({activation}, {precision})");
    let page = PAGE.replace("@VERSION@", env!("CARGO_PKG_VERSION")).replace("@TITLE@", title);
    let page = page.replace("@SIDE@", &side.to_string()).replace("@NETWORK@", &network);
    Ok(page.replace("@STYLE@", STYLE).replace("@SCRIPT@", SCRIPT).replace("@MODEL@", &json))
}
