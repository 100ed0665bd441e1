//! HTTP requests by the program `curl`, which brings TLS and the system's certificates.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The most redirects; mirrors redirect once or twice.
const MAX_REDIRECTS: &str = "5";

/// The most bytes before the body, over all redirects.
const MAX_HEAD: u64 = 1 << 20;

const LATE: &str = "it did not answer in time";

/// Requests files from servers.
pub struct Client {
    /// How long to wait for a byte.
    pub timeout: Duration,
    /// Whether to show progress.
    pub shows_progress: bool,
}

/// The response to a request for a file.
pub struct FileResponse {
    /// The offset of the first byte of the body in the file.
    pub from: u64,
    /// The length of the body, if known.
    pub length: Option<u64>,
    pub body: BufReader<CurlOutput>,
    status: u16,
    curl: JoinHandle<Result<Output, String>>,
}

/// What curl writes: the head of each response, then the body of the last.
pub struct CurlOutput {
    pipe: ChildStdout,
    /// Takes the number of bytes of each read.
    reads: Sender<usize>,
}

impl Client {
    /// Requests the file at `url` from byte `from` on. A server may send all of it instead. `None` if the server has no
    /// bytes from there on.
    pub fn get(&self, url: &str, from: u64) -> Result<Option<FileResponse>, String> {
        let mut response = self.start(url, from)?;
        let starts_at = response.read_head();
        match response.status {
            200 => {}
            206 if from > 0 && starts_at == Some(from) => response.from = from,
            206 => return Err("it sent a different part of the file than requested".into()),
            416 if from > 0 => return Ok(None),
            400.. => return Err(format!("it answered with HTTP status {}", response.status)),
            status => {
                response.end()?;
                return Err(format!("it answered with HTTP status {status} and no file"));
            }
        }
        Ok(Some(response))
    }

    /// Starts curl. All its options are older than 2018. Its own timeouts, which are less precise, end it if this
    /// program is killed.
    fn start(&self, url: &str, from: u64) -> Result<FileResponse, String> {
        let mut command = Command::new("curl");
        // `-q` must be the first; it ignores .curlrc.
        command.args(["-q", "--silent", "--show-error", "--include", "--suppress-connect-headers", "--no-buffer"]);
        command.args(["--user-agent", concat!("twolayer/", env!("CARGO_PKG_VERSION"))]);
        // The bytes are checked as stored.
        command.args(["--header", "Accept-Encoding: identity"]);
        let seconds = self.timeout.as_secs_f64().ceil().to_string();
        command.args(["--connect-timeout", &seconds, "--speed-time", &seconds, "--speed-limit", "1"]);
        // An HTTPS request is not redirected to plain HTTP.
        let followed = if url.starts_with("https:") { "=https" } else { "=http,https" };
        command.args(["--location", "--max-redirs", MAX_REDIRECTS, "--proto-redir", followed]);
        if from > 0 {
            command.args(["--range", &format!("{from}-")]);
        }
        if cfg!(test) {
            command.args(["--noproxy", "*"]);
        }
        command.args(["--globoff", "--url", url]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => "the program curl is not on PATH".into(),
            _ => format!("cannot run curl: {e}"),
        })?;
        let pipe = child.stdout.take().ok_or("curl has no output")?;
        let (reads, timeout) = (mpsc::channel(), self.timeout);
        let watch = move || {
            loop {
                match reads.1.recv_timeout(timeout) {
                    // The end of its output.
                    Ok(0) => return child.wait_with_output().map_err(|e| e.to_string()),
                    Ok(_) => {}
                    // It is late, or nobody wants to read the rest.
                    Err(_) => {
                        let _ = child.kill().and_then(|()| child.wait());
                        return Err(LATE.into());
                    }
                }
            }
        };
        let curl = thread::Builder::new().spawn(watch).map_err(|e| format!("cannot watch curl: {e}"))?;
        let body = BufReader::new(CurlOutput { pipe, reads: reads.0 });
        Ok(FileResponse { from: 0, length: None, body, status: 0, curl })
    }
}

impl FileResponse {
    /// Reads up to the body. Returns the first byte of a partial response, as in `Content-Range: bytes 100-199/200`.
    fn read_head(&mut self) -> Option<u64> {
        let mut starts_at = None;
        for line in self.body.by_ref().take(MAX_HEAD).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim().to_lowercase();
            if line.starts_with("http/") {
                self.status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
                (self.length, starts_at) = (None, None);
            } else if let Some(length) = line.strip_prefix("content-length:") {
                self.length = length.trim().parse().ok();
            } else if let Some(range) = line.strip_prefix("content-range:") {
                let first = range.trim().strip_prefix("bytes").and_then(|range| range.split_once('-'));
                starts_at = first.and_then(|(first, _)| first.trim().parse().ok());
            } else if line.is_empty() && !matches!(self.status, 100..200 | 300..400) {
                break;
            }
        }
        starts_at
    }

    /// Waits for curl; call it at the end of the output.
    pub fn end(self) -> Result<(), String> {
        let ended = self.curl.join().map_err(|_| "curl was lost")??;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        // As in `curl: (7) Failed to connect`; advice may follow.
        let line = stderr.lines().find_map(|line| line.strip_prefix("curl: ")).unwrap_or_default();
        let told = line.split_once(") ").map_or(line, |(_, words)| words).replace(char::is_control, "");
        Err(match ended.status.code() {
            Some(0) => return Ok(()),
            Some(1) if self.status > 0 => "it redirected to another protocol, which is not followed".into(),
            Some(5) => "no such proxy, or no network".into(),
            Some(6) => "no such host, or no network".into(),
            Some(7) => "connection refused, or no network".into(),
            Some(18) => "the connection ended before the file".into(),
            Some(28) => LATE.into(),
            Some(35) => format!("no TLS connection: {told}"),
            Some(47) => format!("it redirected more than {MAX_REDIRECTS} times"),
            Some(56) => format!("the connection broke: {told}"),
            Some(60) => format!("its certificate is not trusted: {told}"),
            _ => format!("curl failed: {}, {told}", ended.status),
        })
    }
}

impl Read for CurlOutput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.pipe.read(buffer)?;
        // Nobody listens after a timeout.
        let _ = self.reads.send(n);
        Ok(n)
    }
}
