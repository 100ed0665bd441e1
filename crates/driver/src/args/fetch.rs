//! The arguments of `fetch`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::published_datasets::{EMNIST, NAMES};

/// The longest timeout in seconds.
const MAX_TIMEOUT: f64 = 3600.0;

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer fetch mnist               into data/mnist
  twolayer fetch emnist-letters --dir letters
  twolayer fetch mnist --mirror http://fileserver/mnist/

Needs the program curl. Proxies are those of curl: ALL_PROXY, HTTPS_PROXY, http_proxy (small letters only) and NO_PROXY. A \
fetch that was interrupted is continued by the same command; files that are there are checked and not fetched again.")]
pub struct FetchArgs {
    /// The data set
    #[arg(value_name = "SET", value_parser = names(), ignore_case = true)]
    pub set: String,

    /// Folder for the files, created if missing [default: data/SET]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Fetch from this address instead; may be given several times, to be tried in order
    #[arg(long, value_name = "URL", value_parser = mirror)]
    pub mirror: Vec<String>,

    /// Give up on a server after this many seconds without a connection or a byte
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = timeout)]
    #[arg(allow_negative_numbers = true)]
    pub timeout: Duration,

    /// Print one JSON object and nothing else
    #[arg(long)]
    pub json: bool,
}

/// The sets, and `emnist`, for which `fetch` lists the splits.
fn names() -> PossibleValuesParser {
    let sets = NAMES.into_iter().map(PossibleValue::new);
    PossibleValuesParser::new(sets.chain([PossibleValue::new(EMNIST).hide(true)]))
}

/// An address to which file names are appended.
fn mirror(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(if text.ends_with('/') { text.into() } else { format!("{text}/") })
        }
        _ => Err("expected an address that begins with https:// or http://".into()),
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= MAX_TIMEOUT => Ok(Duration::from_secs_f64(seconds.max(1e-3))),
        _ => Err(format!("expected a number of seconds above 0, up to {MAX_TIMEOUT}")),
    }
}
