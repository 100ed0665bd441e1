//! Tests of the crate's public API.

mod corruption;
mod dataset;
mod finding;
mod fixtures;
mod forms;
mod into;
mod malformed;
mod mnist;
mod reading;
mod relatives;
mod saving;
