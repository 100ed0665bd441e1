//! Where a page comes from: the date, the machine and the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

/// A paragraph below the title.
pub fn paragraph() -> Markup {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    html! {
        p.origin {
            time { (date(now)) } @if let Some(host) = host() { ", on " (host) } ": "
            code { @for word in command() { span { (word) } " " } }
        }
    }
}

/// The date and time of seconds since 1970, such as `2026-03-01 09:05 UTC`, in years that begin in March, so that the day of a leap year is their last.
fn date(seconds: u64) -> String {
    // Days since 1 March 0, whose calendar repeats after 400 years.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = 400 * era + year + month / 10;
    let (month, minutes) = ((month + 2) % 12 + 1, seconds / 60);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60 % 24, minutes % 60)
}

/// The name of the machine, where the system tells it without a call.
fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| ["COMPUTERNAME", "HOSTNAME"].into_iter().find_map(|name| std::env::var(name).ok()));
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The words of the command line.
fn command() -> Vec<String> {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    ["twolayer".into()].into_iter().chain(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
