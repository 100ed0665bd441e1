//! HTTP requests with a timeout.

use std::io::Read;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body, Error, Proxy};

/// The most redirects; mirrors redirect once or twice.
const MAX_REDIRECTS: u32 = 5;

/// Requests files from servers.
pub struct Client {
    agent: Agent,
    /// Whether to show progress.
    pub shows_progress: bool,
}

/// The response to a request for a file.
pub struct FileResponse {
    /// The offset of the first byte of the body in the file.
    pub from: u64,
    /// The length of the body, if known.
    pub length: Option<u64>,
    pub body: Box<dyn Read>,
}

impl Client {
    /// A client that gives up after `timeout` without a connection or a byte.
    pub fn new(timeout: Duration, proxy: Option<Proxy>, shows_progress: bool) -> Self {
        let config = Agent::config_builder()
            .timeout_resolve(Some(timeout))
            .timeout_connect(Some(timeout))
            .timeout_recv_response(Some(timeout))
            .timeout_per_read(Some(timeout))
            .timeout_per_write(Some(timeout))
            .max_redirects(MAX_REDIRECTS)
            .http_status_as_error(false)
            // No transfer encoding: the bytes are checked as stored.
            .accept_encoding("identity")
            .user_agent(concat!("twolayer/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .build();
        Client { agent: config.into(), shows_progress }
    }

    /// Requests the file at `url` from byte `from` on. A server may send all of it instead. `None` if the server has no
    /// bytes from there on.
    pub fn get(&self, url: &str, from: u64) -> Result<Option<FileResponse>, String> {
        // An HTTPS request is not redirected to plain HTTP.
        let mut request = self.agent.get(url).config().https_only(url.starts_with("https:")).build();
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let response = request.call().map_err(|e| reason(&e))?;
        let from = match response.status().as_u16() {
            200 => 0,
            206 if from > 0 && starts_at(&response) == Some(from) => from,
            206 => return Err("it sent a different part of the file than requested".into()),
            416 if from > 0 => return Ok(None),
            _ => return Err(format!("it answered {}", response.status())),
        };
        let length = header(&response, "content-length").and_then(|text| text.parse().ok());
        let body = Box::new(response.into_body().into_reader());
        Ok(Some(FileResponse { from, length, body }))
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The first byte of a partial response, as in `Content-Range: bytes 100-199/200`.
fn starts_at(response: &Response<Body>) -> Option<u64> {
    let range = header(response, "content-range")?.trim().strip_prefix("bytes")?;
    range.trim_start().split_once('-')?.0.parse().ok()
}

/// The error in words.
pub fn reason(error: &Error) -> String {
    match error {
        Error::HostNotFound => "no such host, or no network".into(),
        Error::Timeout(_) => "it did not answer in time".into(),
        Error::TooManyRedirects => format!("it redirected more than {MAX_REDIRECTS} times"),
        Error::RequireHttpsOnly(_) => "it redirected from https to http, which is not followed".into(),
        Error::ConnectProxyFailed(why) => format!("the proxy refused: {why}"),
        Error::Io(e) => e.to_string(),
        other => other.to_string(),
    }
}
