//! Tests of the crate's public API.

mod corruption;
mod fixtures;
mod malformed;
mod round_trip;
mod saving;
mod second_version;
