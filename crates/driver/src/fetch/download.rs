//! One file, from the first mirror that gives it, under its name only when it is known to be right.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::digest;
use super::http::{Client, FileResponse, reason};
use super::progress_bar::DownloadBar;
use crate::error::CliError;
use crate::number_format::grouped;
use crate::published_datasets::Remote;

/// What is read at once.
const BUFFER: usize = 1 << 16;

/// A connection that breaks is taken up again at the same mirror, as long as each brings something, and so often.
const MAX_CONNECTIONS: usize = 10;

/// How a file came to be where it is.
#[derive(Debug, PartialEq, Eq)]
pub enum DownloadResult {
    /// It was there, and is the published one.
    Present,
    /// It was fetched from this address.
    Fetched(String),
    /// No mirror gave it; why, mirror by mirror.
    Refused(String),
}

/// Why a mirror was left.
enum DownloadError {
    /// The next one may do better.
    Mirror(String),
    /// This machine's own fault: no other mirror helps.
    Local(CliError),
}

/// Makes sure that `folder` has the file.
pub fn ensure(file: &Remote, folder: &Path, mirrors: &[String], client: &Client) -> Result<DownloadResult, CliError> {
    let target = folder.join(file.name);
    if is_present(file, &target)? || is_unpacked(file, &target)? {
        return Ok(DownloadResult::Present);
    }
    let mut partial = Partial::open(&target)?;
    // Another run may have finished it since.
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
    // Without a network all say the same.
    let told = match refusals.as_slice() {
        [(_, first), others @ ..] if others.iter().all(|(_, why)| why == first) => first.clone(),
        _ => refusals.iter().map(|(mirror, why)| format!("{mirror}: {why}")).collect::<Vec<_>>().join("; "),
    };
    Ok(DownloadResult::Refused(told))
}

/// Whether the file is there; one of its name that is not the file is an error, because it is not ours to replace.
pub fn is_present(file: &Remote, target: &Path) -> Result<bool, CliError> {
    match digest::verify(target, file) {
        Ok(Ok(())) => Ok(true),
        Ok(Err(found)) => Err(CliError::new(format!(
            "{} is not the published file: its MD5 sum is {found}, where {} is expected; move it away or remove it, and \
             fetch again",
            target.display(),
            file.md5
        ))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(CliError::new(format!("cannot read {}: {e}", target.display()))),
    }
}

/// Where a file is that somebody has put there unpacked.
pub fn unpacked(target: &Path) -> PathBuf {
    target.with_extension("")
}

/// Whether the file is there unpacked, where it is known what it unpacks to; otherwise it is fetched packed.
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
                // What is there is as long as the file, or longer, and was not right: from the start.
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
                                "what it sent is not the file: its MD5 sum is {found}, where {expected} is expected"
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
    Err(DownloadError::Mirror(format!("the connection broke {MAX_CONNECTIONS} times, at last: {broken}")))
}

/// What has come so far, in a file beside the target. It stays when a run ends, for the next to go on from.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    /// Opens it for this run alone.
    fn open(target: &Path) -> Result<Self, CliError> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|e| CliError::new(format!("cannot write {}: {e}", path.display())))?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            let path = path.display();
            return Err(CliError::new(format!("another run is fetching {path} at this moment; wait until it is done")));
        }
        Ok(Partial { path, file })
    }

    fn fault(&self, error: &io::Error) -> DownloadError {
        DownloadError::Local(CliError::new(format!("cannot write {}: {error}", self.path.display())))
    }

    /// How much is there; nothing, if it is more than the file can be.
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

    /// Appends what comes; gives why it ended early, if it did.
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
        let mut bar = DownloadBar::new(file.name, answer.from, announced, shows);
        let mut buffer = vec![0; BUFFER];
        let mut at = answer.from;
        loop {
            let n = match answer.body.read(&mut buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ok(Some(reason(&ureq::Error::from(e)))),
            };
            if n == 0 {
                break;
            }
            at += n as u64;
            if at > file.at_most {
                self.cut(0)?;
                return Err(too_long());
            }
            self.file.write_all(&buffer[..n]).map_err(|e| self.fault(&e))?;
            bar.at(at);
        }
        Ok(announced.filter(|&end| end > at).map(|end| format!("it sent {at} bytes of {end}")))
    }

    fn verify(&mut self, file: &Remote) -> Result<Result<(), String>, DownloadError> {
        digest::verify(&self.path, file).map_err(|e| self.fault(&e))
    }

    /// Gives the file its name, once it is on the disk.
    fn finish(self, target: &Path) -> Result<(), CliError> {
        let named = self.file.sync_all().and_then(|()| fs::rename(&self.path, target));
        named.map_err(|e| CliError::new(format!("cannot write {}: {e}", target.display())))
    }

    /// Nothing to go on from is nothing to keep.
    fn leave(self) {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
