//! `twolayer fetch`: downloads a data set and verifies each file before renaming it to its final name.

mod archive;
mod curl;
mod digest;
mod download;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::FetchArgs;
use crate::error::CliError;
use crate::number_format::{count, grouped};
use crate::output::Output;
use crate::published_datasets::{Dataset, dataset};
pub use crate::published_datasets::{EMNIST, NAMES};
use crate::terminal::Table;
use curl::Client;
use download::DownloadResult;

/// The output of `--json`.
#[derive(Serialize)]
struct FetchReport {
    set: String,
    dir: String,
    files: Vec<FetchedFile>,
}

/// A file of the set, in the folder.
#[derive(Serialize)]
struct FetchedFile {
    name: String,
    bytes: u64,
    /// The address it was fetched from, or the archive it was unpacked from; none if it was already present.
    from: Option<String>,
}

/// Runs `twolayer fetch`.
pub fn run(args: &FetchArgs, out: &mut Output) -> Result<(), CliError> {
    // The command line also accepts this name, to list its splits: clap would suggest only a few of them.
    let splits = || NAMES.into_iter().filter(|name| name.starts_with(EMNIST)).collect::<Vec<_>>().join(", ");
    let mut set = dataset(&args.set.to_lowercase())
        .ok_or_else(|| CliError::usage(format!("{EMNIST} is several sets; give one of {}", splits())))?;
    if !args.mirror.is_empty() {
        set.mirrors.clone_from(&args.mirror);
    }
    let folder = args.dir.clone().unwrap_or_else(|| Path::new("data").join(&set.name));
    let client = Client { timeout: args.timeout, shows_progress: !out.is_quiet() };
    let entries = fetch(&set, &folder, &client)?;
    if args.json {
        let dir = folder.display().to_string();
        return out.json(&FetchReport { set: set.name, dir, files: entries });
    }
    print(&set.name, &folder, &entries, out);
    Ok(())
}

/// Ensures that the folder contains the set's files. Removes a new folder if it stays empty.
fn fetch(set: &Dataset, folder: &Path, client: &Client) -> Result<Vec<FetchedFile>, CliError> {
    let made = !folder.exists();
    let fetched = fetch_into(set, folder, client);
    if made && fetched.is_err() {
        // Fails if the folder contains a partial file, which is needed to resume.
        let _ = fs::remove_dir(folder);
    }
    fetched
}

fn fetch_into(set: &Dataset, folder: &Path, client: &Client) -> Result<Vec<FetchedFile>, CliError> {
    fs::create_dir_all(folder)
        .map_err(|e| CliError::new(format!("cannot create the folder {}: {e}", folder.display())))?;
    if !set.members.is_empty() {
        return fetch_archive(set, folder, client);
    }
    let files = set.files.iter();
    files
        .map(|file| {
            entry(folder, file.name, source(download::ensure(file, folder, &set.mirrors, client)?, set, folder)?)
        })
        .collect()
}

/// The same for files in an archive. Removes the archive if it was fetched for this, and keeps one that was present.
fn fetch_archive(set: &Dataset, folder: &Path, client: &Client) -> Result<Vec<FetchedFile>, CliError> {
    let mut from = None;
    if !archive::is_unpacked(folder, &set.members)? {
        for file in &set.files {
            let path = folder.join(file.name);
            let fetched = source(download::ensure(file, folder, &set.mirrors, client)?, set, folder)?;
            archive::unpack(&path, folder, &set.members)?;
            if fetched.is_some() {
                fs::remove_file(&path).map_err(|e| CliError::new(format!("cannot remove {}: {e}", path.display())))?;
            }
            from = Some(fetched.unwrap_or_else(|| path.display().to_string()));
        }
    }
    set.members.iter().map(|name| entry(folder, name, from.clone())).collect()
}

/// Where a file was fetched from, or an error that explains how to get it by hand.
fn source(outcome: DownloadResult, set: &Dataset, folder: &Path) -> Result<Option<String>, CliError> {
    match outcome {
        DownloadResult::Present => Ok(None),
        DownloadResult::Fetched(url) => Ok(Some(url)),
        DownloadResult::Refused(why) => {
            let (set, from, names, folder) = (&set.name, &set.mirrors[0], &set.names, folder.display());
            Err(CliError::new(format!(
                "cannot fetch {set} ({why}); by hand: put {from}{names} into {folder}, and run this again"
            )))
        }
    }
}

fn entry(folder: &Path, name: &str, from: Option<String>) -> Result<FetchedFile, CliError> {
    let mut path: PathBuf = folder.join(name);
    if !path.exists() {
        path = download::unpacked(&path);
    }
    let metadata = fs::metadata(&path).map_err(|e| CliError::new(format!("cannot access {}: {e}", path.display())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into();
    Ok(FetchedFile { name, bytes: metadata.len(), from })
}

fn print(set: &str, folder: &Path, entries: &[FetchedFile], out: &mut Output) {
    let fetched = entries.iter().filter(|entry| entry.from.is_some()).count();
    let folder = folder.display();
    let summary = match fetched {
        0 => {
            format!("{set}: nothing to fetch, the {} in {folder} are the published ones", count(entries.len(), "file"))
        }
        n => format!("{set}: {} fetched into {folder}, checked by MD5", count(n, "file")),
    };
    out.paragraph("", summary);
    let cell = |row: usize, column: usize| match (row.checked_sub(1).map(|row| &entries[row]), column) {
        (None, _) => ["bytes", "file", ""][column].into(),
        (Some(entry), 0) => format!("  {}", grouped(entry.bytes as usize)),
        (Some(entry), 1) => entry.name.clone(),
        (Some(entry), _) => if entry.from.is_some() { "fetched" } else { "there" }.into(),
    };
    // The third column is needed only if some files were fetched and others were present.
    let columns = if fetched == 0 || fetched == entries.len() { 2 } else { 3 };
    out.table(&Table { rows: 1 + entries.len(), columns, cell: &cell, left: &[1, 2] });
    out.note(format_args!("Train on it with: twolayer train --data {folder}"));
}
