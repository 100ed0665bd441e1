//! Everything that the crate promises, checked from outside.

mod corruption;
mod dataset;
mod fixtures;
mod into;
mod malformed;
mod mnist;
mod reading;
mod relatives;
mod saving;
