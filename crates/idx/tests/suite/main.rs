//! Tests of the crate's public API.

mod corruption;
mod dataset;
mod fixtures;
mod into;
mod malformed;
mod mnist;
mod reading;
mod relatives;
mod saving;
