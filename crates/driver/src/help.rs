//! Help: usage errors, the first steps, shell completions and man pages.

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::color::columns;
use crate::error::CliError;
use crate::output::Output;
use crate::output_file::OutputFile;
use crate::terminal::{self, Table};

/// The first steps: commands and what they do.
const FIRST_STEPS: [(&str, &str); 4] = [
    ("twolayer train", "trains on the bundled digits"),
    ("twolayer train --out digits.model", "the same, and saves the model"),
    ("twolayer predict digits.model --index 0", "shows what it predicts for an image"),
    ("twolayer fetch mnist", "for more: train --data data/mnist"),
];

/// The first steps, printed by `twolayer` without arguments.
pub fn first_steps() -> String {
    let width = terminal::width(std::io::stderr());
    let cell = |row: usize, column: usize| match column {
        0 => format!("  {}", FIRST_STEPS[row].0),
        _ => FIRST_STEPS[row].1.into(),
    };
    let beside = Table { rows: FIRST_STEPS.len(), columns: 2, cell: &cell, left: &[0, 1] }.text(width);
    let fits = beside.lines().all(|line| line.len() <= width.unwrap_or(usize::MAX));
    let steps = match fits {
        true => beside,
        false => FIRST_STEPS.map(|(command, what)| format!("{command}\n    {what}")).join("\n"),
    };
    let about = "twolayer trains, checks and runs a two-layer network on handwritten digits.";
    let more = "`twolayer help` lists the commands, `twolayer help train` the options of one.";
    format!("{}\n\n{steps}\n\n{}\n", terminal::hanging("", about, width), terminal::hanging("", more, width))
}

/// Runs `twolayer completions`.
pub fn completions(args: &CompletionsArgs, out: &mut Output) -> Result<(), CliError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "twolayer", &mut text);
    out.line(String::from_utf8_lossy(&text).trim_end());
    Ok(())
}

/// Runs `twolayer man`.
pub fn man(args: &ManArgs, out: &mut Output) -> Result<(), CliError> {
    let dir = args.dir.display();
    fs::create_dir_all(&args.dir).map_err(|e| CliError::new(format!("cannot create the folder {dir}: {e}")))?;
    let mut command = Cli::command();
    command.build();
    let mut count = 0;
    write_pages(command, "twolayer".into(), &mut |name, page| {
        count += 1;
        OutputFile::new(&args.dir.join(format!("{name}.1")))?.write(&page)
    })?;
    out.paragraph("", format_args!("{count} pages in {dir}"));
    out.note(format_args!("Read one with `man -l {dir}/twolayer.1`"));
    Ok(())
}

/// The man page of a command, and those of its subcommands.
fn write_pages(
    command: clap::Command,
    name: String,
    write: &mut impl FnMut(&str, Vec<u8>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        write_pages(sub.clone(), format!("{name}-{}", sub.get_name()), write)?;
    }
    let mut page = Vec::new();
    let named = command.name(Box::leak(name.clone().into_boxed_str()) as &str);
    clap_mangen::Man::new(named).render(&mut page).map_err(CliError::new)?;
    write(&name, page)
}

/// Prints clap's message: help and version as they are, an error without blank lines, as one
/// paragraph.
pub fn report_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe is not a failure.
        return match error.print() {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        };
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // For a command with subcommands, its help; for the program, the first steps.
        if std::env::args_os().len() > 1 {
            let _ = error.print();
        } else {
            let _ = std::io::stderr().write_all(first_steps().as_bytes());
        }
        return ExitCode::from(2);
    }
    let text = error.render().ansi().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| columns(line) > 0).collect();
    let _ = writeln!(anstream::stderr(), "{}", lines.join("\n"));
    ExitCode::from(2)
}
