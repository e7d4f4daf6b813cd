//! What a section's header names, and how a name is written so that botocore reads it back.
//!
//! Deliberately absent: brackets, and whether the section is there already.

use std::borrow::Cow;

use super::{FileKind, SectionKind};

/// The section from which all others of the file inherit.
pub(super) const INHERITED: &str = "DEFAULT";

/// The words that a header of the config file begins with. botocore takes all that begin so,
/// `profiles` too.
pub(super) const PREFIXES: &[(&str, SectionKind)] = &[
    ("profile", SectionKind::Profile),
    ("sso-session", SectionKind::SsoSession),
    ("services", SectionKind::Services),
];

/// What stands between the brackets, read as botocore reads it.
pub(super) fn read(file: FileKind, text: &str) -> (SectionKind, Cow<'_, str>) {
    if text == "default" {
        return (SectionKind::Default, Cow::Borrowed(text));
    }
    let other = (SectionKind::Other, Cow::Borrowed(text));
    if text == INHERITED {
        return other;
    }
    if file == FileKind::Credentials {
        return (SectionKind::Profile, Cow::Borrowed(text));
    }
    let prefix = PREFIXES.iter().find(|(word, _)| text.starts_with(word));
    let Some((_, kind)) = prefix else { return other };
    match second_of_two(text) {
        Some(name) => (*kind, name),
        None => other,
    }
}

/// The second of exactly two words.
fn second_of_two(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['\'', '"', '\\', '\t']) {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let (_, second, third) = (words.next()?, words.next()?, words.next());
        return third.is_none().then_some(Cow::Borrowed(second));
    }
    let [_, second] = <[String; 2]>::try_from(split(text)?).ok()?;
    Some(Cow::Owned(second))
}

/// Words as Python's `shlex.split` makes them; `None` where a quote or an escape is left open.
/// See <https://docs.python.org/3/library/shlex.html#parsing-rules>.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Takes what stands up to the closing quote. Between double quotes a backslash escapes these and
/// itself.
fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            c if c == quote => return Some(()),
            '\\' if quote == '"' => {
                let next = chars.next()?;
                if next != '\\' && next != '"' {
                    word.push('\\');
                }
                word.push(next);
            }
            c => word.push(c),
        }
    }
}

/// What stands between the brackets for this section; `None` where the file cannot hold it.
pub(super) fn write(file: FileKind, kind: SectionKind, name: &str) -> Option<String> {
    let fits = !name.is_empty() && !name.contains(char::is_control);
    if !fits || kind == SectionKind::Other {
        return None;
    }
    if kind == SectionKind::Default {
        return (name == "default").then(|| name.to_owned());
    }
    if kind == SectionKind::Profile && name == "default" {
        return Some(name.to_owned());
    }
    if file == FileKind::Credentials {
        let fits = kind == SectionKind::Profile && name != INHERITED;
        return fits.then(|| name.to_owned());
    }
    let (prefix, _) = PREFIXES.iter().find(|(_, known)| *known == kind)?;
    Some(format!("{prefix} {}", quote(name)))
}

/// Whether every SDK takes the name as it stands.
pub(super) fn is_portable(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
    !name.is_empty() && name.chars().all(known)
}

fn quote(name: &str) -> Cow<'_, str> {
    if is_portable(name) {
        return Cow::Borrowed(name);
    }
    if !name.contains(['"', '\\']) {
        return Cow::Owned(format!("\"{name}\""));
    }
    if !name.contains('\'') {
        return Cow::Owned(format!("'{name}'"));
    }
    Cow::Owned(format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_as_by_shlex() {
        for (text, expected) in [
            ("profile a", Some(&["profile", "a"] as &[&str])),
            (" profile \t a ", Some(&["profile", "a"])),
            ("a'b c'\"d e\"f", Some(&["ab cd ef"])),
            (r#"a "b\"c\\d\e""#, Some(&["a", r#"b"c\d\e"#])),
            (r"a 'b\c'", Some(&["a", r"b\c"])),
            (r"a\ b", Some(&["a b"])),
            ("a ''", Some(&["a", ""])),
            ("", Some(&[])),
            ("a#b #", Some(&["a#b", "#"])),
            ("a\u{a0}b", Some(&["a\u{a0}b"])),
            ("a 'b", None),
            ("a \"b", None),
            ("a \"b\\", None),
            ("a\\", None),
        ] {
            let words = split(text);
            let words =
                words.as_ref().map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(words.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_header_names_what_botocore_takes_it_for() {
        use FileKind::{Config, Credentials};
        use SectionKind::{Default, Other, Profile, Services, SsoSession};
        for (file, text, kind, name) in [
            (Config, "default", Default, "default"),
            (Config, "profile default", Profile, "default"),
            (Config, "profile a", Profile, "a"),
            (Config, "profile  a ", Profile, "a"),
            (Config, "profile\ta", Profile, "a"),
            (Config, "profiles a", Profile, "a"),
            (Config, "profile 'a b'", Profile, "a b"),
            (Config, "sso-session s", SsoSession, "s"),
            (Config, "services s", Services, "s"),
            (Config, "profile", Other, "profile"),
            (Config, "profile a b", Other, "profile a b"),
            (Config, "profile 'a", Other, "profile 'a"),
            (Config, " profile a", Other, " profile a"),
            (Config, "a", Other, "a"),
            (Config, "DEFAULT", Other, "DEFAULT"),
            (Config, "profile DEFAULT", Profile, "DEFAULT"),
            (Credentials, "default", Default, "default"),
            (Credentials, "a", Profile, "a"),
            (Credentials, "profile a", Profile, "profile a"),
            (Credentials, " 'a'", Profile, " 'a'"),
            (Credentials, "DEFAULT", Other, "DEFAULT"),
        ] {
            assert_eq!(read(file, text), (kind, Cow::Borrowed(name)), "{file:?} {text:?}");
        }
    }

    #[test]
    fn a_section_that_the_file_cannot_hold_is_not_written() {
        use FileKind::{Config, Credentials};
        use SectionKind::{Default, Other, Profile, Services, SsoSession};
        for (file, kind, name, expected) in [
            (Config, Profile, "a", Some("profile a")),
            (Config, Profile, "a b", Some("profile \"a b\"")),
            (Config, Profile, "a\"b", Some("profile 'a\"b'")),
            (Config, Profile, "'\"", Some("profile \"'\\\"\"")),
            (Config, Profile, "default", Some("default")),
            (Config, Default, "default", Some("default")),
            (Config, Default, "a", None),
            (Config, SsoSession, "a", Some("sso-session a")),
            (Config, Services, "default", Some("services default")),
            (Config, Other, "a", None),
            (Config, Profile, "", None),
            (Config, Profile, "a\nb", None),
            (Config, Profile, "a\u{85}", None),
            (Credentials, Profile, "a b", Some("a b")),
            (Credentials, Profile, "DEFAULT", None),
            (Credentials, SsoSession, "a", None),
            (Credentials, Services, "a", None),
        ] {
            assert_eq!(write(file, kind, name).as_deref(), expected, "{file:?} {name:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "\\PC{1,12}", odd in "['\"\\\\ #\\]a]{1,8}") {
            for name in [name.as_str(), odd.as_str()] {
                for file in [FileKind::Config, FileKind::Credentials] {
                    if let Some(text) = write(file, SectionKind::Profile, name) {
                        let (kind, back) = read(file, &text);
                        let default = kind == SectionKind::Default && name == "default";
                        prop_assert!(kind == SectionKind::Profile || default);
                        prop_assert_eq!(back, name);
                    }
                }
            }
        }
    }
}
