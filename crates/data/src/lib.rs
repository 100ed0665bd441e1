//! Data sets of labelled images in the forms that people have them in.
//!
//! | form | where |
//! |---|---|
//! | IDX | a folder with the four files of a set, raw or gzip ([`twolayer_idx::Part::find`]) |
//! | NumPy | an `.npz` file with `x_train`, `y_train`, `x_test` and `y_test`, as Keras has it, or its folder |
//! | CSV | a row for each image, in two files named `train` and `test`; the training file or its folder |
//! | pictures | a folder for each class, within `train` and `test`, or without: then each sixth picture is for testing |
//!
//! All become [`Split`]s: grey bytes and class indices. What is not a data set is called by its kind, with what to do.
//!
//! ```no_run
//! use twolayer_data::{Form, Options};
//!
//! let (train, test) = Form::of("mnist.npz".as_ref())?.load(&Options::default())?;
//! println!("{} images of {} x {}", train.rows(), train.height(), train.width());
//! println!("{} test images", test.map_or(0, |test| test.rows()));
//! # Ok::<(), twolayer_data::Error>(())
//! ```

mod csv;
mod error;
mod form;
mod npz;
mod options;
mod paths;
mod pictures;

pub use error::{Error, Result};
pub use form::Form;
pub use options::{Options, Progress};
pub use twolayer_idx::{Part, Split};
