//! Durations as people write them: `45m`, `1h`, `1h30m`, `900` (seconds).

/// Parses a duration into whole seconds.
///
/// Accepts digits alone (seconds) or a sequence of `h`, `m` and `s` parts in that order.
pub fn parse(text: &str) -> Result<u32, DurationError> {
    let refuse = || DurationError(text.to_owned());
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map_err(|_| refuse());
    }
    let mut total: u32 = 0;
    let mut digits = String::new();
    let mut allowed: &[(char, u32)] = &[('h', 3600), ('m', 60), ('s', 1)];
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let place = allowed.iter().position(|(unit, _)| *unit == c).ok_or_else(refuse)?;
        let (_, factor) = *allowed.get(place).ok_or_else(refuse)?;
        let count: u32 = digits.parse().map_err(|_| refuse())?;
        let part = count.checked_mul(factor).ok_or_else(refuse)?;
        total = total.checked_add(part).ok_or_else(refuse)?;
        digits.clear();
        allowed = allowed.get(place + 1..).unwrap_or_default();
    }
    if text.is_empty() || !digits.is_empty() { Err(refuse()) } else { Ok(total) }
}

/// Seconds in the shortest exact form: `1h`, `1h30m`, `45m`, `59s`.
pub fn exact(seconds: u32) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(h, 'h'), (m, 'm'), (s, 's')];
    let text: String = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .fold(String::new(), |text, (n, unit)| format!("{text}{n}{unit}"));
    if text.is_empty() { "0s".into() } else { text }
}

/// Seconds as a person reads them, rounded down: `41m`, `7h`, `1h 5m`, `59s`; never negative.
pub fn brief(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m", s / 60),
        s if s / 60 % 60 == 0 => format!("{}h", s / 3600),
        s => format!("{}h {}m", s / 3600, s / 60 % 60),
    }
}

/// The text is no duration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no duration; write 900 (seconds), 45m, 1h or 1h30m")]
pub struct DurationError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        let cases = [("900", 900), ("45m", 2700), ("1h", 3600), ("1h30m", 5400), ("1h0m5s", 3605)];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(seconds), "{text}");
        }
        for bad in ["", "h", "1x", "30m1h", "1h1h", "-5", "1 h", "1.5h", "99999999999", "5h3"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(exact(5400), "1h30m");
        assert_eq!(exact(0), "0s");
        assert_eq!(brief(2519), "41m");
        assert_eq!(brief(3600), "1h");
        assert_eq!(brief(3900), "1h 5m");
        assert_eq!(brief(-3), "0s");
    }
}
