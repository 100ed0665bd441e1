//! `twolayer info`: the version, instruction sets and threads.

use serde::Serialize;
use twolayer_core::Level;

use crate::args::{InfoArgs, available_threads};
use crate::error::CliError;
use crate::output::Output;

#[derive(Serialize)]
struct InfoReport {
    version: &'static str,
    levels: Vec<&'static str>,
    isa: &'static str,
    threads: usize,
    target: String,
}

/// Runs `twolayer info`.
pub fn run(args: &InfoArgs, out: &mut Output) -> Result<(), CliError> {
    let report = InfoReport {
        version: env!("CARGO_PKG_VERSION"),
        levels: Level::available().into_iter().map(Level::name).collect(),
        isa: Level::best().name(),
        threads: available_threads(),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
    };
    if args.json {
        return out.json(&report);
    }
    out.field("version", format_args!("twolayer {}", report.version));
    out.field("target", format_args!("{}", report.target));
    out.field("levels", format_args!("{}", report.levels.join(", ")));
    out.field("isa", format_args!("{} (chosen unless --isa says otherwise)", report.isa));
    out.field("threads", format_args!("{} (the most that are used unless --threads says otherwise)", report.threads));
    Ok(())
}
