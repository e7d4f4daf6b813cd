//! The one thing that is read from the AWS config file: the `region` of a profile.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.

/// The region of `profile` in the text of a config file.
///
/// `[profile default]` beats `[default]`; of two settings the last one counts, as the SDKs have it.
pub fn region_of(text: &str, profile: &str) -> Option<String> {
    let mut section = None;
    let mut plain = None;
    let mut prefixed = None;
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.split_once(']').map(|(name, _)| section_of(name));
            continue;
        }
        // An indented line continues the setting above it.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if !key.trim().eq_ignore_ascii_case("region") {
            continue;
        }
        let value = without_comment(value.trim()).to_owned();
        match &section {
            Some((true, name)) if *name == profile => prefixed = Some(value),
            Some((false, name)) if *name == "default" && profile == "default" => {
                plain = Some(value);
            }
            _ => {}
        }
    }
    prefixed.or(plain).filter(|region| !region.is_empty())
}

/// Whether the section's name has the word `profile`, and the name behind it.
fn section_of(header: &str) -> (bool, &str) {
    let header = header.trim();
    match header.strip_prefix("profile") {
        Some(name) if name.starts_with([' ', '\t']) => (true, name.trim()),
        _ => (false, header),
    }
}

fn without_comment(value: &str) -> &str {
    let mark = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| value.find(mark)).min();
    mark.and_then(|at| value.get(..at)).unwrap_or(value).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profiles_region_is_found() {
        let text = "[default]\nregion = us-west-2\n[profile a]\noutput = json\nREGION=eu-west-1 # x\n\
            s3 =\n  region = no\n[sso-session a]\nregion = no\n[b]\nregion = no\n";
        assert_eq!(region_of(text, "default").as_deref(), Some("us-west-2"));
        assert_eq!(region_of(text, "a").as_deref(), Some("eu-west-1"));
        assert_eq!(region_of(text, "b"), None);
        let both = "[profile default]\nregion=eu-west-1\n[default]\nregion=us-west-2\n";
        assert_eq!(region_of(both, "default").as_deref(), Some("eu-west-1"));
        assert_eq!(region_of("[default]\nregion =\n", "default"), None);
        assert_eq!(region_of("\u{0}[[[\n=\n]", "default"), None);
    }
}
