//! `twolayer`: trains, checks and runs the two-layer network from the command line.
//!
//! Each command is a module with a `run`, which prints its report or returns a [`CliError`].
#![deny(unsafe_code)]

mod args;
mod ascii_image;
mod color;
mod compare;
mod comparison;
mod confusion;
mod data;
mod data_command;
mod data_notes;
mod epoch_table;
mod error;
mod eval;
mod export;
mod fetch;
mod gradcheck;
mod help;
mod html_report;
mod import;
mod info;
mod interrupt;
mod machine;
mod md5;
mod memory;
mod network;
mod number_format;
mod numpy_random;
mod out_of_memory;
mod output;
mod output_file;
mod predict;
mod progress;
mod published_datasets;
mod random;
mod schedule;
mod side_by_side;
mod terminal;
mod train;
mod waiting_bar;

use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

use args::{Cli, Command};
use error::CliError;
use output::Output;

fn main() -> ExitCode {
    out_of_memory::listen();
    color::choose(color::in_arguments(std::env::args_os()));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return help::report_usage(&error),
    };
    color::choose(cli.color);
    // A panic is a bug, but the user should still get one paragraph; one only, where several threads work.
    let told = AtomicBool::new(false);
    panic::set_hook(Box::new(move |info| {
        if !twolayer_pictures::is_decoding() && !told.swap(true, Ordering::Relaxed) {
            let error = out_of_memory::explains_panic();
            error.unwrap_or_else(|| CliError::new(format!("internal error, please report it: {info}"))).report();
        }
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
        Command::LrFind(args) => train::lr_find(args, out),
        Command::Tune(args) => train::tune(args, out),
        Command::Eval(args) => eval::run(args, out),
        Command::Compare(args) => compare::run(args, out),
        Command::Predict(args) => predict::run(args, out),
        Command::Gradcheck(args) => gradcheck::run(args, out),
        Command::Fetch(args) => fetch::run(args, out),
        Command::Data(command) => data_command::run(command, out),
        Command::Export(args) => export::run(args, out),
        Command::Import(args) => import::run(args, out),
        Command::Completions(args) => help::completions(args, out),
        Command::Man(args) => help::man(args, out),
        Command::Info(args) => info::run(args, out),
    }
}
