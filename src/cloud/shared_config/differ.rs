//! What other SDKs read differently from the AWS CLI, and what is likely a slip.
//!
//! Deliberately absent: errors. All of this is valid to the AWS CLI.

use std::collections::HashMap;

use super::{
    FileKind, Section, SectionKind, Warning, header,
    lines::{Line, Role, is_blank},
};

/// The setting above a line.
#[derive(Clone, Copy)]
pub(super) struct Above<'a> {
    pub(super) key: &'a str,
    /// Whether its value begins on the next line.
    pub(super) nests: bool,
}

/// Looks at one line.
pub(super) fn line(line: &Line<'_>, above: Option<Above<'_>>, warnings: &mut Vec<Warning>) {
    let mut warn = |text: String| warnings.push(Warning { line: line.number, text });
    if line.end == "\r" {
        warn("a carriage return alone ends the line, which other SDKs do not know".into());
    }
    match (line.role, above) {
        (Role::Comment, Some(above)) if line.indent > 0 => {
            warn(format!("other SDKs take the indented comment as part of '{}'", above.key));
        }
        (Role::Header { rest, .. }, _) => {
            if line.indent > 0 {
                warn("the section's header is indented; other SDKs take it for no header".into());
            }
            let rest = rest.trim_start_matches(is_blank);
            if !rest.is_empty() && !rest.starts_with(['#', ';']) {
                warn("text stands behind the section's name, which other SDKs refuse".into());
            }
        }
        (Role::More(text), Some(above)) if text.contains('=') && !above.nests => {
            let key = above.key;
            warn(format!("the line is indented and so belongs to the value of '{key}'"));
        }
        (Role::Setting { key, delimiter, value }, _) => {
            if delimiter == ':' {
                warn(format!("'{key}' is set with ':'; other SDKs know only '='"));
            }
            if has_comment(value) {
                warn(format!(
                    "the value of '{key}' runs to the end of the line; other SDKs end it at the comment"
                ));
            }
            if line.indent > 0 {
                warn(indented(key, above));
            }
        }
        _ => {}
    }
}

fn indented(key: &str, above: Option<Above<'_>>) -> String {
    let others = match above {
        Some(above) => format!("take it as part of '{}'", above.key),
        None => "refuse that at the top of a section".into(),
    };
    format!("'{key}' is indented; other SDKs {others}")
}

/// Whether other SDKs see a comment in the value.
pub(super) fn has_comment(value: &str) -> bool {
    let mut blank = true;
    value.chars().any(|c| {
        let found = blank && (c == '#' || c == ';');
        blank = is_blank(c);
        found
    })
}

/// Looks at the sections of a file.
pub(super) fn sections(file: FileKind, sections: &[Section], warnings: &mut Vec<Warning>) {
    let mut first: HashMap<(SectionKind, &str), usize> = HashMap::new();
    for section in sections {
        let mut warn = |text: String| warnings.push(Warning { line: section.line, text });
        if section.is_inherited() {
            if !section.settings.is_empty() {
                warn("all sections inherit from '[DEFAULT]', but not to other SDKs".into());
            }
            continue;
        }
        if let Some(text) = oddity(file, section) {
            warn(text);
        }
        if section.kind == SectionKind::Other {
            continue;
        }
        let kind = match section.kind {
            SectionKind::Default => SectionKind::Profile,
            kind => kind,
        };
        if let Some(before) = first.insert((kind, &section.name), section.line) {
            warn(again(section, before));
        }
    }
}

fn again(section: &Section, before: usize) -> String {
    let name = &section.name;
    let others = match (section.kind, name.as_str()) {
        (SectionKind::Default | SectionKind::Profile, "default") => "take '[profile default]'",
        _ => "may merge the two",
    };
    format!("this section replaces that of '{name}' in line {before}; other SDKs {others}")
}

/// What is wrong with a section's name, if anything is.
fn oddity(file: FileKind, section: &Section) -> Option<String> {
    let name = &section.name;
    if section.kind == SectionKind::Other {
        return Some(ignored(name));
    }
    let (kind, plain) = header::read(FileKind::Config, name);
    if file == FileKind::Credentials && kind != SectionKind::Other && kind != SectionKind::Default {
        return Some(format!(
            "in the credentials file '[{name}]' is the profile '{name}', not '{plain}'"
        ));
    }
    (!header::is_portable(name))
        .then(|| format!("other SDKs ignore the section, because of the name '{name}'"))
}

fn ignored(text: &str) -> String {
    let trimmed = text.trim_matches(is_blank);
    if trimmed != text {
        return format!("'[{text}]' is ignored because of the blanks in its brackets");
    }
    if header::PREFIXES.iter().any(|(word, _)| text.starts_with(word)) {
        return format!("'[{text}]' is ignored: it does not name exactly one thing");
    }
    format!("'[{text}]' is ignored; a profile is written '[profile {text}]' here")
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn warnings(file: FileKind, text: &str) -> Vec<String> {
        let document = Document::parse(file, text.as_bytes()).unwrap();
        document.warnings().iter().map(|one| format!("{} {}", one.line, one.text)).collect()
    }

    #[test]
    fn what_others_read_differently_is_said_with_its_line() {
        use FileKind::{Config, Credentials};
        for (file, text, expected) in [
            (Config, "[profile a]\nx = 1 # c\n", "2 the value of 'x' runs to the end of the line"),
            (Config, "[profile a]\nx = ;c\n", "2 the value of 'x' runs to"),
            (Config, "[profile a]\nx : 1\n", "2 'x' is set with ':'"),
            (Config, "[profile a]\n x = 1\n", "2 'x' is indented; other SDKs refuse that"),
            (Config, "  [profile a]\n", "1 the section's header is indented"),
            (
                Config,
                "[profile a]\nx = 1\n  y = 2\n",
                "3 the line is indented and so belongs to the value of 'x'",
            ),
            (
                Config,
                "[profile a]\nx = 1\n  # c\n",
                "3 other SDKs take the indented comment as part of 'x'",
            ),
            (Config, "[profile a]\rx = 1", "1 a carriage return alone"),
            (Config, "[profile a] x\n", "1 text stands behind"),
            (
                Config,
                "[profile a]\n[profile \"a\"]\n",
                "2 this section replaces that of 'a' in line 1; other SDKs may merge",
            ),
            (
                Config,
                "[default]\n[profile default]\n",
                "2 this section replaces that of 'default' in line 1; other SDKs take '[profile",
            ),
            (Config, "[profile default]\n[default]\n", "2 this section replaces that of 'default'"),
            (
                Config,
                "[profile 'a b']\n",
                "1 other SDKs ignore the section, because of the name 'a b'",
            ),
            (Config, "[DEFAULT]\nx = 1\n", "1 all sections inherit from '[DEFAULT]'"),
            (Config, "[a]\n", "1 '[a]' is ignored; a profile is written '[profile a]' here"),
            (Config, "[ profile a ]\n", "1 '[ profile a ]' is ignored because of the blanks"),
            (
                Config,
                "[profile a b]\n",
                "1 '[profile a b]' is ignored: it does not name exactly one thing",
            ),
            (Config, "[services]\n", "1 '[services]' is ignored: it does not name"),
            (
                Credentials,
                "[profile a]\n",
                "1 in the credentials file '[profile a]' is the profile 'profile a', not 'a'",
            ),
            (Credentials, "[a b]\n", "1 other SDKs ignore the section, because of the name 'a b'"),
        ] {
            let found = warnings(file, text);
            assert_eq!(found.len(), 1, "{text:?}: {found:?}");
            assert!(found[0].starts_with(expected), "{text:?}: {}", found[0]);
        }
    }

    #[test]
    fn an_indented_setting_belongs_to_the_one_above_for_others() {
        let found = warnings(FileKind::Config, "[profile a]\n  x = 1\n  y = 2\n");
        let expected = [
            "2 'x' is indented; other SDKs refuse that at the top of a section",
            "3 'y' is indented; other SDKs take it as part of 'x'",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_all_read_alike_is_not_said() {
        for (file, text) in [
            (FileKind::Config, "# c\n[default] # c\nx = 1\n\n[profile a];c\ny=a#b\n"),
            (FileKind::Config, "[profile a]\ns3 =\n  b = c # d\n[sso-session a]\n[services a]\n"),
            (FileKind::Config, "[profile default]\r\nx = 1\r\n[DEFAULT]\r\n"),
            (FileKind::Credentials, "[default]\nx = 1\n[a.b/c%d@e:f+g-h_i]\nx = 2\n  3\n"),
        ] {
            let found = warnings(file, text);
            assert!(found.is_empty(), "{text:?}: {found:?}");
        }
    }
}
