//! Downloads a file from the first mirror that has it. It is renamed to its final name once its checksum is verified.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::curl::{Client, FileResponse};
use super::digest;
use crate::error::CliError;
use crate::number_format::grouped;
use crate::published_datasets::Remote;
use crate::waiting_bar::WaitingBar;

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;

/// A broken connection is resumed at the same mirror, if it made progress, at most this many times.
const MAX_CONNECTIONS: usize = 10;

/// The result of a download.
#[derive(Debug, PartialEq, Eq)]
pub enum DownloadResult {
    /// The file was already present.
    Present,
    /// The file was downloaded from this address.
    Fetched(String),
    /// No mirror had it; the reasons, one per mirror.
    Refused(String),
}

/// Why a download failed.
enum DownloadError {
    /// The mirror's fault: try the next one.
    Mirror(String),
    /// This machine's fault: no other mirror helps.
    Local(CliError),
}

/// Downloads the file into `folder`, unless it is already present.
pub fn ensure(file: &Remote, folder: &Path, mirrors: &[String], client: &Client) -> Result<DownloadResult, CliError> {
    let target = folder.join(file.name);
    if is_present(file, &target)? || is_unpacked(file, &target)? {
        return Ok(DownloadResult::Present);
    }
    let mut partial = Partial::open(&target)?;
    // Another process may have completed it meanwhile.
    if is_present(file, &target)? {
        return Ok(DownloadResult::Present);
    }
    let mut refusals: Vec<(&str, String)> = Vec::new();
    for mirror in mirrors {
        let url = format!("{mirror}{}", file.name);
        match from_mirror(file, &url, client, &mut partial) {
            Ok(()) => {
                partial.finish(&target)?;
                return Ok(DownloadResult::Fetched(url));
            }
            Err(DownloadError::Mirror(why)) => refusals.push((mirror, why)),
            Err(DownloadError::Local(failure)) => return Err(failure),
        }
    }
    partial.leave();
    // Without a network, all reasons are the same.
    let reasons = match refusals.as_slice() {
        [(_, first), others @ ..] if others.iter().all(|(_, why)| why == first) => first.clone(),
        _ => refusals.iter().map(|(mirror, why)| format!("{mirror}: {why}")).collect::<Vec<_>>().join("; "),
    };
    Ok(DownloadResult::Refused(reasons))
}

/// Whether the file is present. A different file of that name is an error: it is not replaced.
pub fn is_present(file: &Remote, target: &Path) -> Result<bool, CliError> {
    match digest::verify(target, file) {
        Ok(Ok(())) => Ok(true),
        Ok(Err(found)) => Err(CliError::new(format!(
            "{} is not the published file: its MD5 sum is {found}; expected {}; move it away or remove it, and \
             fetch again",
            target.display(),
            file.md5
        ))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(CliError::new(format!("cannot read {}: {e}", target.display()))),
    }
}

/// The path of the unpacked file.
pub fn unpacked(target: &Path) -> PathBuf {
    target.with_extension("")
}

/// Whether the unpacked file is present, if its checksum is known.
fn is_unpacked(file: &Remote, target: &Path) -> Result<bool, CliError> {
    let path = unpacked(target);
    match file.content_md5.filter(|_| path != target && path.is_file()) {
        Some(md5) => is_present(&Remote { md5, content_md5: None, ..*file }, &path),
        None => Ok(false),
    }
}

fn from_mirror(file: &Remote, url: &str, client: &Client, partial: &mut Partial) -> Result<(), DownloadError> {
    let mut broken = String::new();
    for _ in 0..MAX_CONNECTIONS {
        let before = partial.length(file.at_most)?;
        match client.get(url, before) {
            Ok(None) => {
                // The partial file is complete or too long, and its checksum is wrong: start again.
                partial.cut(0)?;
                continue;
            }
            Ok(Some(answer)) => {
                let resumed = answer.from > 0;
                match partial.receive(answer, file, client.shows_progress)? {
                    None => match partial.verify(file)? {
                        Ok(()) => return Ok(()),
                        Err(_) if resumed => partial.cut(0)?,
                        Err(found) => {
                            partial.cut(0)?;
                            let expected = file.md5;
                            return Err(DownloadError::Mirror(format!(
                                "it sent a different file: its MD5 sum is {found}; expected {expected}"
                            )));
                        }
                    },
                    Some(why) if partial.length(file.at_most)? > before => broken = why,
                    Some(why) => return Err(DownloadError::Mirror(why)),
                }
            }
            Err(why) => return Err(DownloadError::Mirror(why)),
        }
    }
    Err(DownloadError::Mirror(format!("the connection broke {MAX_CONNECTIONS} times; the last time: {broken}")))
}

/// A partial download, in a file beside the target. It stays when the program ends, to be resumed.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    /// Opens and locks it.
    fn open(target: &Path) -> Result<Self, CliError> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|e| CliError::new(format!("cannot write {}: {e}", path.display())))?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            let path = path.display();
            return Err(CliError::new(format!("another run is fetching {path}; wait until it has finished")));
        }
        Ok(Partial { path, file })
    }

    fn fault(&self, error: &io::Error) -> DownloadError {
        DownloadError::Local(CliError::new(format!("cannot write {}: {error}", self.path.display())))
    }

    /// Its length; 0 if it is longer than the file can be.
    fn length(&mut self, at_most: u64) -> Result<u64, DownloadError> {
        let length = self.file.metadata().map_err(|e| self.fault(&e))?.len();
        if length >= at_most {
            self.cut(0)?;
            return Ok(0);
        }
        Ok(length)
    }

    fn cut(&mut self, length: u64) -> Result<(), DownloadError> {
        let cut = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length)));
        cut.map(|_| ()).map_err(|e| self.fault(&e))
    }

    /// Appends the response's body; returns why it ended early, if it did.
    fn receive(
        &mut self,
        mut answer: FileResponse,
        file: &Remote,
        shows: bool,
    ) -> Result<Option<String>, DownloadError> {
        self.cut(answer.from)?;
        let too_long = || DownloadError::Mirror(format!("it sends more than {} bytes", grouped(file.at_most as usize)));
        if answer.length.is_some_and(|length| answer.from.saturating_add(length) > file.at_most) {
            return Err(too_long());
        }
        let announced = answer.length.map(|length| answer.from + length);
        let mut bar = WaitingBar::bytes(file.name, answer.from, announced, shows);
        let mut buffer = vec![0; BUFFER];
        let mut at = answer.from;
        loop {
            let n = match answer.body.read(&mut buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ok(Some(e.to_string())),
            };
            if n == 0 {
                return Ok(answer.end().err());
            }
            at += n as u64;
            if at > file.at_most {
                self.cut(0)?;
                return Err(too_long());
            }
            self.file.write_all(&buffer[..n]).map_err(|e| self.fault(&e))?;
            bar.at(at);
        }
    }

    fn verify(&mut self, file: &Remote) -> Result<Result<(), String>, DownloadError> {
        digest::verify(&self.path, file).map_err(|e| self.fault(&e))
    }

    /// Syncs the file to disk and renames it.
    fn finish(self, target: &Path) -> Result<(), CliError> {
        let named = self.file.sync_all().and_then(|()| fs::rename(&self.path, target));
        named.map_err(|e| CliError::new(format!("cannot write {}: {e}", target.display())))
    }

    /// An empty partial file is removed.
    fn leave(self) {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
