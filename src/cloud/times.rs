//! Times as AWS's services and the AWS CLI's files write them.
//!
//! Deliberately absent: local times; none of these files has them.

use crate::model::Timestamp;

/// Reads `YYYY-MM-DDTHH:MM:SSZ`, any other RFC 3339 time, the `UTC` at the end that an old AWS CLI
/// wrote instead of `Z`, and `YYYY-MM-DD HH:MM:SS`, which tools for MFA write and mean as UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time: jiff::Timestamp = match text.strip_suffix("UTC") {
        Some(rest) => format!("{rest}Z").parse().ok()?,
        None => match text.parse::<jiff::civil::DateTime>() {
            Ok(time) if text.contains(' ') && !text.contains(['Z', 'z', '+', '[']) => {
                time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
            }
            _ => text.parse().ok()?,
        },
    };
    Some(Timestamp(time.as_second()))
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
            "2026-11-26 12:00:00",
            " 2026-11-26T12:00:00Z\n",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
        for text in ["", "UTC", "2026-11-26", "2026-11-26T12:00:00", "1795694400", "\u{e9}UTC"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
