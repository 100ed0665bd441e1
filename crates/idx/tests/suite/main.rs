//! Everything that the crate promises, checked from outside.

mod corruption;
mod dataset;
mod fixtures;
mod malformed;
mod mnist;
mod reading;
mod saving;
