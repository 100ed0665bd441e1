//! End to end: real files and the real binary. One test binary, so that what the tests share is compiled once, and all
//! processors are busy to the end.

mod browser;
mod capi;
mod cli;
mod common;
mod compare;
mod data;
mod docs;
mod drawing;
mod errors;
mod faults;
mod gradcheck;
mod interchange;
mod layers;
mod learning;
mod manners;
mod mnist;
mod page;
mod pictures;
mod reference;
mod resume;
mod same_bytes;
mod several_digits;
mod tuning;
