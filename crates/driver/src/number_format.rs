//! Numbers as people write them.

/// `12,345,678`
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `94.68%`
pub fn percent(fraction: f64) -> String {
    format!("{:.2}%", 100.0 * fraction)
}

/// `1 iteration`, `2 iterations`
pub fn count(n: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `0.1`, `1`, `1e9`: the shortest digits, with an exponent instead of many zeros.
pub fn number(x: f64) -> String {
    if x == 0.0 || (1e-4..1e6).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

/// `0.1804`, or `1.50e9`.
pub fn loss(loss: f64) -> String {
    if loss < 1e4 { format!("{loss:.4}") } else { format!("{loss:.2e}") }
}

/// A duration with a fitting unit.
pub fn seconds(s: f64) -> String {
    let whole = s as u64;
    match s {
        0.0 => "0 s".into(),
        // From here on, 1000.0 would be shown.
        s if s < 0.99995e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 0.99995 => format!("{:.1} ms", s * 1e3),
        s if s < 119.995 => format!("{s:.2} s"),
        s if s < 3600.0 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", grouped(whole as usize / 3600), whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let expected = [(0, "0"), (999, "999"), (1000, "1,000"), (60_000, "60,000"), (1_234_567, "1,234,567")];
        for (n, text) in expected {
            assert_eq!(grouped(n), text);
        }
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(2000, "row"), "2,000 rows");
    }

    #[test]
    fn times_have_a_fitting_unit() {
        for (s, text) in [
            (0.0, "0 s"),
            (3.2e-5, "32.0 µs"),
            (0.999_99e-3, "1.0 ms"),
            (0.25, "250.0 ms"),
            (0.999_99, "1.00 s"),
            (1.234, "1.23 s"),
            (119.999, "1 min 59 s"),
            (187.9, "3 min 07 s"),
            (7505.0, "2 h 05 min"),
        ] {
            assert_eq!(seconds(s), text);
        }
    }

    #[test]
    fn numbers_are_short() {
        let expected = [(0.1, "0.1"), (1.0, "1"), (0.0, "0"), (1e-4, "0.0001"), (1e-7, "1e-7"), (1e9, "1e9")];
        for (x, text) in expected {
            assert_eq!(number(x), text);
        }
        assert_eq!((loss(2.3), loss(1.5e9)), ("2.3000".into(), "1.50e9".into()));
    }
}
