//! The arguments of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer completions bash \\
      > ~/.local/share/bash-completion/completions/twolayer
  twolayer completions zsh > ~/.zfunc/_twolayer
  twolayer completions fish \\
      > ~/.config/fish/completions/twolayer.fish")]
pub struct CompletionsArgs {
    /// Shell to complete commands in
    #[arg(value_enum, ignore_case = true)]
    pub shell: Shell,
}

#[derive(Args)]
#[command(after_help = "Examples:
  twolayer man --dir ~/.local/share/man/man1
  man twolayer-train")]
pub struct ManArgs {
    /// Folder to write the pages to, one for each command; created if missing
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
}
