//! `twolayer`: trains, checks and runs the two-layer network from the command line.
//!
//! Each command is a module with a `run` that prints its report and fails with one paragraph. What they share: the
//! arguments ([`args`]), the data ([`data`]), the machine ([`machine`]), the random numbers ([`random`], [`numpy`]),
//! files written whole ([`output_file`]), an output that a closed pipe does not disturb ([`output`]), and text that fits into a
//! terminal ([`layout`]).
#![forbid(unsafe_code)]

mod args;
mod completions;
mod data;
mod error;
mod eval;
mod export;
mod fetch;
mod gradcheck;
mod import;
mod info;
mod inspect;
mod interrupt;
mod layout;
mod machine;
mod md5;
mod memory;
mod network;
mod numpy;
mod output;
mod output_file;
mod page;
mod photo;
mod picture;
mod predict;
mod progress;
mod random;
mod report;
mod schedule;
mod train;

use std::panic;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::CliError;
use output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return error::report_usage(&error),
    };
    // A panic is a defect of this program. Its user gets a paragraph all the same.
    panic::set_hook(Box::new(|info| {
        CliError::new(format!("a defect of this program, please report it: {info}")).report();
    }));
    let result = panic::catch_unwind(|| {
        let mut out = Output::new(cli.quiet);
        run(&cli.command, &mut out).and_then(|()| out.finish())
    });
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.report(),
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(command: &Command, out: &mut Output) -> Result<(), CliError> {
    match command {
        Command::Train(args) => train::run(args, out),
        Command::Eval(args) => eval::run(args, out),
        Command::Predict(args) => predict::run(args, out),
        Command::Gradcheck(args) => gradcheck::run(args, out),
        Command::Fetch(args) => fetch::run(args, out),
        Command::Data(command) => inspect::run(command, out),
        Command::Export(args) => export::run(args, out),
        Command::Import(args) => import::run(args, out),
        Command::Completions(args) => completions::completions(args, out),
        Command::Man(args) => completions::man(args, out),
        Command::Info(args) => info::run(args, out),
    }
}
