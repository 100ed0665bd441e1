//! `--resume`: the options of a run are those of its checkpoint.

use std::ffi::OsString;
use std::path::Path;

use twolayer_model::AnyModel;

use super::checkpoint::{DATA, END, FOLDER, ITERATIONS, LABEL_COLUMN, SINCE};
use crate::args::{Options, TrainArgs};
use crate::error::CliError;
use crate::network;

/// The options in a checkpoint that are not options of the command line.
const OTHERS: [&str; 6] = [DATA, FOLDER, LABEL_COLUMN, END, ITERATIONS, network::PAPER];

const OTHER_VERSION: &str = "its options are not those of this version; start the run again";

/// The options of the checkpoint's run, and those of the command that the run has not.
///
/// # Errors
///
/// If the command gives an option of the run another value.
pub fn arguments(path: &Path, checkpoint: &AnyModel, given: &TrainArgs) -> Result<TrainArgs, CliError> {
    let wrong = |what: &str| CliError::new(format!("cannot resume from {}: {what}", path.display()));
    if checkpoint.run().is_empty() {
        return Err(wrong("it is a model, not a checkpoint; give a file written by --checkpoint"));
    }
    if !checkpoint.run().contains_key(SINCE) {
        let text = "an earlier version of this program wrote it, with other losses; start the run again";
        return Err(wrong(&format!("{text} (its weights can still be evaluated and exported)")));
    }
    let kept = options(checkpoint);
    let mut words: Vec<OsString> =
        kept.iter().map(|(name, value)| format!("--{}={value}", name.replace('_', "-")).into()).collect();
    let its = TrainArgs::of_words(words.clone()).ok();
    // The file must not give any other option, such as a file to write.
    let its = its.filter(|its| its.of_run(false) == kept).ok_or_else(|| wrong(OTHER_VERSION))?;
    let other = |name| checkpoint.options().get(name);
    words.extend(other(END).filter(|_| given.epochs.is_none()).map(|end| format!("--iters={end}").into()));
    words.extend(other(FOLDER).map(|folder| format!("--data={folder}").into()));
    // Other data may have another column, or none.
    let column = other(LABEL_COLUMN).filter(|_| given.data.data.is_none() && other(FOLDER).is_some());
    words.extend(column.map(|column| format!("--label-column={column}").into()));
    words.extend(words_of_command());
    let args = TrainArgs::of_words(words).map_err(|_| wrong(OTHER_VERSION))?;
    if let Some(difference) = difference(&its.of_run(true), &args.of_run(true)) {
        return Err(CliError::usage(format!(
            "cannot resume from {}: {difference}; leave the option out, or start a new run",
            path.display()
        )));
    }
    match args.data.data.as_ref().filter(|folder| given.data.data.is_none() && !folder.exists()) {
        None => Ok(args),
        Some(folder) => {
            let folder = folder.display();
            Err(wrong(&format!("its run trained on {folder}, which is not there; give its new place with --data")))
        }
    }
}

/// The options of the command line that the checkpoint's run had.
fn options(checkpoint: &AnyModel) -> Options {
    let mut options = checkpoint.options().clone();
    options.retain(|name, _| !OTHERS.contains(&name.as_str()));
    let shape = checkpoint.shape();
    options.insert("hidden".into(), shape.hidden().to_string());
    options.insert("classes".into(), shape.classes().to_string());
    options
}

/// The words of the command line, without the program and `train`, its first word that is no option.
fn words_of_command() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(at) = words.iter().position(|word| word == "train") {
        words.remove(at);
    }
    words
}

/// The first option that differs, with both values.
fn difference(was: &Options, is: &Options) -> Option<String> {
    let shown = |options: &Options, name: &str| {
        let option = name.replace('_', "-");
        options.get(name).map_or(format!("no --{option}"), |value| format!("--{option} {value}"))
    };
    let name = was.keys().chain(is.keys()).filter(|name| was.get(*name) != is.get(*name)).min()?;
    Some(format!("its run has {}, the command {}", shown(was, name), shown(is, name)))
}
