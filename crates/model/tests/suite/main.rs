//! Everything that the crate promises, checked from outside.

mod corruption;
mod fixtures;
mod malformed;
mod round_trip;
mod saving;
mod second_version;
