//! `twolayer info`: what this machine has and what a run would use.

use serde::Serialize;
use twolayer_core::Level;

use crate::args::{InfoArgs, available_threads};
use crate::error::Failure;
use crate::output::Output;

#[derive(Serialize)]
struct Report {
    version: &'static str,
    levels: Vec<&'static str>,
    isa: &'static str,
    threads: usize,
    target: String,
}

/// Runs `twolayer info`.
pub fn run(args: &InfoArgs, out: &mut Output) -> Result<(), Failure> {
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        levels: Level::available().into_iter().map(Level::name).collect(),
        isa: Level::best().name(),
        threads: available_threads(),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
    };
    if args.json {
        return out.json(&report);
    }
    out.line(format_args!("version  twolayer {}", report.version));
    out.line(format_args!("target   {}", report.target));
    out.line(format_args!("levels   {}", report.levels.join(", ")));
    out.line(format_args!("isa      {} (chosen unless --isa says otherwise)", report.isa));
    out.line(format_args!("threads  {} (used unless --threads says otherwise)", report.threads));
    Ok(())
}
