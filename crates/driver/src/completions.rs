//! What a shell wants of a program: completions and man pages, both made from the command line's own description.

use std::fs;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::error::CliError;
use crate::layout::{self, Table};
use crate::output::Output;
use crate::output_file::OutputFile;

/// What to do first, and what it does.
const FIRST_STEPS: [(&str, &str); 4] = [
    ("twolayer train", "trains on digits that are built in"),
    ("twolayer train --out digits.model", "the same, and keeps the model"),
    ("twolayer predict digits.model --index 0", "shows what it takes a digit for"),
    ("twolayer fetch mnist", "for more: train --data data/mnist"),
];

/// What a first look at the program should tell, as wide as standard error is.
pub fn first_steps() -> String {
    let width = layout::width(std::io::stderr());
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
    format!("{}\n\n{steps}\n\n{}\n", layout::hanging("", about, width), layout::hanging("", more, width))
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
    fs::create_dir_all(&args.dir).map_err(|e| CliError::new(format!("cannot make the folder {dir}: {e}")))?;
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

/// The page of a command, and those of its own commands.
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
