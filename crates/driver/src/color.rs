//! Colour and weight of what is printed, and whether there are any: `--color`, NO_COLOR, pipes.

use std::ffi::OsString;
use std::fmt::Display;

use anstream::adapter::strip_str;
use clap::ColorChoice;
use clap::builder::styling::{AnsiColor, Style};

pub const STRONG: Style = Style::new().bold();
pub const FAINT: Style = Style::new().dimmed();
pub const RIGHT: Style = AnsiColor::Green.on_default().bold();
pub const WRONG: Style = AnsiColor::Red.on_default().bold();
pub const DOUBT: Style = AnsiColor::Yellow.on_default().bold();

/// `text` in a style. The streams of [`crate::output`] drop it where colours are not wanted.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The columns that `text` takes on a terminal.
pub fn columns(text: &str) -> usize {
    if text.contains('\u{1b}') { strip_str(text).to_string().chars().count() } else { text.chars().count() }
}

/// `text` with spaces after or before it, up to `width` columns.
pub fn padded(text: &str, width: usize, left: bool) -> String {
    let spaces = " ".repeat(width.saturating_sub(columns(text)));
    if left { format!("{text}{spaces}") } else { format!("{spaces}{text}") }
}

/// Decides for all streams. `auto` is yes on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb says no; and
/// CLICOLOR_FORCE says yes.
pub fn choose(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// The choice in the arguments before they are parsed, for help and usage errors.
pub fn in_arguments(arguments: impl IntoIterator<Item = OsString>) -> ColorChoice {
    let mut words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
    let mut choice = ColorChoice::Auto;
    while let Some(word) = words.next().filter(|word| word != "--") {
        let value = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(value) => value.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        choice = value.and_then(|value| value.parse().ok()).unwrap_or(choice);
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_take_no_columns() {
        let painted = paint(WRONG, "½ 12");
        assert_eq!((columns(&painted), columns("½ 12")), (4, 4));
        assert_eq!(columns(&padded(&painted, 7, true)), 7);
        assert_eq!(padded("12", 4, false), "  12");
    }

    #[test]
    fn the_choice_is_found_before_the_arguments_are_parsed() {
        let of = |line: &str| in_arguments(line.split(' ').map(OsString::from));
        assert_eq!(of("train --color never --help"), ColorChoice::Never);
        assert_eq!(of("--color=always"), ColorChoice::Always);
        assert_eq!(of("predict m --colors --color x"), ColorChoice::Auto);
        assert_eq!(of("predict m -- --color never"), ColorChoice::Auto);
    }
}
