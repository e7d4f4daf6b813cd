//! Times as AWS's services and the AWS CLI's files write them.
//!
//! Deliberately absent: local times; none of these files has them.

use crate::model::Timestamp;

/// Reads `YYYY-MM-DDTHH:MM:SSZ`, any other RFC 3339 time, and the `UTC` at the end that an old AWS CLI
/// wrote instead of `Z`.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time: jiff::Timestamp = match text.strip_suffix("UTC") {
        Some(rest) => format!("{rest}Z").parse().ok()?,
        None => text.parse().ok()?,
    };
    Some(Timestamp(time.as_second()))
}

/// The same, and `YYYY-MM-DD HH:MM:SS` without any zone, which tools mean as UTC.
pub fn parse_loosely(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let is_bare = text.len() == 19 && text.as_bytes().get(10) == Some(&b' ');
    parse(text).or_else(|| is_bare.then(|| parse(&format!("{text}Z")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_each_form() {
        let noon = Some(Timestamp(1_795_694_400));
        for text in [
            "2026-11-26T12:00:00Z",
            "2026-11-26T12:00:00UTC",
            "2026-11-26T12:00:00.250Z",
            "2026-11-26T13:00:00+01:00",
            " 2026-11-26T12:00:00Z\n",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
        for text in ["", "UTC", "2026-11-26", "2026-11-26T12:00:00", "1795694400", "\u{e9}UTC"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_loosely(" 2026-11-26 12:00:00 "), noon);
        assert_eq!(parse_loosely("2026-11-26T13:00:00+01:00"), noon);
        for text in ["2026-11-26 12:00:00", "2026-11-26T12:00:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["2026-11-26T12:00:00", "2026-11-26 12:00", "2026-11-26 25:00:00", "soon"] {
            assert_eq!(parse_loosely(text), None, "{text}");
        }
    }
}
