//! Turns a picture of a digit into an image like those that the network was trained on.
//!
//! The steps are those of MNIST: read as grey (`decode`), separate ink from paper (`ink`), drop specks and crop
//! (`components`), thicken thin strokes (`stroke_width`), scale into a box and centre by mass (`fit`).

mod components;
mod decode;
mod digits;
mod fit;
mod gray_plane;
mod ink;
mod likeness;
mod lines;
mod memory;
mod paper;
mod prepare;
mod stroke_width;

pub use decode::{ENDINGS, Encoded, FORMATS, Reader, contents, has_ending, is_decoding};
pub use gray_plane::{Plane, Rectangle};
pub use prepare::{Digit, PreparedImage, Steps};

#[cfg(test)]
mod tests;
