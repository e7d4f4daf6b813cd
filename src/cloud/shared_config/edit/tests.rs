//! Edits by hand and at random.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    super::{Document, FileKind, SectionKind, SharedConfig},
    EditError,
};

const PROFILE: SectionKind = SectionKind::Profile;

fn parse(kind: FileKind, text: &str) -> Document {
    Document::parse(kind, text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

fn set(
    kind: FileKind,
    text: &str,
    name: &str,
    key: &str,
    value: &str,
) -> Result<String, EditError> {
    let document = parse(kind, text);
    let mut editor = document.edit();
    editor.set(PROFILE, name, key, value);
    editor.finish().map(|bytes| String::from_utf8(bytes).unwrap())
}

fn remove(kind: FileKind, text: &str, name: &str, key: &str) -> Result<String, EditError> {
    let document = parse(kind, text);
    let mut editor = document.edit();
    editor.remove(PROFILE, name, key);
    editor.finish().map(|bytes| String::from_utf8(bytes).unwrap())
}

fn remove_section(text: &str, name: &str) -> Result<String, EditError> {
    let document = parse(FileKind::Config, text);
    let mut editor = document.edit();
    editor.remove_section(PROFILE, name);
    editor.finish().map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn a_new_key_goes_to_the_end_of_its_sections_settings() {
    for (before, after) in [
        (
            "[profile a]\nx = 1\n\n# of b\n[profile b]\n",
            "[profile a]\nx = 1\nk = v\n\n# of b\n[profile b]\n",
        ),
        ("[profile a]\n", "[profile a]\nk = v\n"),
        ("[profile a]", "[profile a]\nk = v"),
        ("[profile a]\nx=1", "[profile a]\nx=1\nk=v"),
        ("[profile a]\r\nx = 1\r\n\r\n", "[profile a]\r\nx = 1\r\nk = v\r\n\r\n"),
        ("# c\r\n[profile a]", "# c\r\n[profile a]\r\nk = v"),
        ("[profile a]\ns3 =\n  b = c\n\n", "[profile a]\ns3 =\n  b = c\nk = v\n\n"),
        ("[profile a]\n  x = 1\n", "[profile a]\n  x = 1\n  k = v\n"),
        ("[profile a]\n# c\n  [profile b]\n", "[profile a]\n  k = v\n# c\n  [profile b]\n"),
        ("[profile a]\nx : 1\n", "[profile a]\nx : 1\nk = v\n"),
        ("[profile a]\nx =\n", "[profile a]\nx =\nk = v\n"),
        ("[profile \"a\"] # c\nx = 1\n", "[profile \"a\"] # c\nx = 1\nk = v\n"),
        (
            "[profile a]\n[profile 'a']\n[profile b]\n",
            "[profile a]\n[profile 'a']\nk = v\n[profile b]\n",
        ),
    ] {
        assert_eq!(set(FileKind::Config, before, "a", "k", "v").unwrap(), after);
        assert_eq!(remove(FileKind::Config, after, "a", "k").unwrap(), before);
    }
}

#[test]
fn a_key_that_is_there_is_changed_in_its_place() {
    for (before, value, after) in [
        ("[profile a]\nk = 1\nx = 2\n", "v", "[profile a]\nk = v\nx = 2\n"),
        ("[profile a]\n  K\t:  1 \t\r\n", "v", "[profile a]\n  K\t:  v \t\r\n"),
        ("[profile a]\nk=1", "v", "[profile a]\nk=v"),
        ("[profile a]\nk = 1 # c\n", "v", "[profile a]\nk = v\n"),
        ("[profile a]\nk =\n", "v", "[profile a]\nk = v\n"),
        ("[profile a]\nk=\n", "v", "[profile a]\nk=v\n"),
        ("[profile a]\nk = 1\n", "", "[profile a]\nk =\n"),
        ("[profile a]\nk = v\n", "v", "[profile a]\nk = v\n"),
        (
            "[profile a]\nk =\n  a = b\n# c\n\n  c = d\nx = 1\n",
            "v",
            "[profile a]\nk = v\n# c\n\nx = 1\n",
        ),
        ("[profile a]\nk = 1\n  2\n  3", "v", "[profile a]\nk = v"),
        ("[profile a]\nk = v\n  2\n", "v", "[profile a]\nk = v\n"),
    ] {
        assert_eq!(set(FileKind::Config, before, "a", "K", value).unwrap(), after, "{before:?}");
    }
}

#[test]
fn a_new_section_goes_to_the_end_behind_one_blank_line() {
    use FileKind::{Config, Credentials};
    for (kind, before, name, after) in [
        (Config, "", "a", "[profile a]\nk = v\n"),
        (Config, "# c\n", "a", "# c\n\n[profile a]\nk = v\n"),
        (Config, "[default]\nx = 1\n", "a", "[default]\nx = 1\n\n[profile a]\nk = v\n"),
        (Config, "[default]\nx = 1", "a", "[default]\nx = 1\n\n[profile a]\nk = v"),
        (Config, "[default]\r\nx = 1", "a", "[default]\r\nx = 1\r\n\r\n[profile a]\r\nk = v"),
        (Config, "[b]\n\n", "a", "[b]\n\n[profile a]\nk = v\n"),
        (Config, "", "a b", "[profile \"a b\"]\nk = v\n"),
        (Config, "", "default", "[default]\nk = v\n"),
        (Config, "[default]\n", "default", "[default]\nk = v\n"),
        (Config, "[profile default]\n", "default", "[profile default]\nk = v\n"),
        (Credentials, "[b]\n", "a b", "[b]\n\n[a b]\nk = v\n"),
        (Credentials, "[profile a]\n", "a", "[profile a]\n\n[a]\nk = v\n"),
    ] {
        assert_eq!(set(kind, before, name, "k", "v").unwrap(), after, "{before:?}");
    }
}

#[test]
fn sections_of_other_kinds_get_their_prefix() {
    let document = parse(FileKind::Config, "[profile s]\n");
    let mut editor = document.edit();
    editor.set(SectionKind::SsoSession, "s", "sso_region", "x").set(
        SectionKind::Services,
        "s",
        "y",
        "z",
    );
    editor.set(SectionKind::SsoSession, "s", "sso_start_url", "u");
    let expected = "[profile s]\n\n[sso-session s]\nsso_region = x\nsso_start_url = u\n\n\
        [services s]\ny = z\n";
    assert_eq!(editor.finish().unwrap(), expected.as_bytes());
}

#[test]
fn a_section_goes_with_what_is_its_own() {
    for (before, after) in [
        ("[profile a]\nx = 1\n", ""),
        ("[default]\n\n[profile a]\nx = 1\n", "[default]\n"),
        ("[default]\ny = 1\n\n[profile a]\nx = 1", "[default]\ny = 1"),
        ("[profile a]\nx = 1\n\n[profile b]\n", "[profile b]\n"),
        (
            "[default]\n\n[profile a]\nx = 1\n\n# of b\n[profile b]\n",
            "[default]\n\n# of b\n[profile b]\n",
        ),
        (
            "[default]\n[profile a]\nx = 1\n# of b\n[profile b]\n",
            "[default]\n# of b\n[profile b]\n",
        ),
        ("[profile a]\n# in\nx = 1\n# y = 2\n\n[profile b]\n", "[profile b]\n"),
        ("# top\n\n[profile a]\ns3 =\n  b = c\n\n\n[profile b]\n", "# top\n\n[profile b]\n"),
        ("[profile a]\n[profile b]\n[profile 'a']\n", "[profile b]\n"),
        ("[profile b]\n", "[profile b]\n"),
    ] {
        assert_eq!(remove_section(before, "a").unwrap(), after, "{before:?}");
    }
}

#[test]
fn removing_what_is_not_there_changes_nothing() {
    let text = "[DEFAULT]\nk = 1\n[profile a]\nx = 1\n";
    for name in ["a", "b"] {
        assert_eq!(remove(FileKind::Config, text, name, "k").unwrap(), text);
    }
}

#[test]
fn what_would_not_be_read_back_is_refused() {
    for value in [
        "a\nb",
        "a\r",
        " a",
        "a ",
        "a\tb",
        "a\0",
        "\u{85}",
        "a\u{a0}",
        "a\u{2028}b",
        "a # b",
        "#a",
        "a ;b",
    ] {
        let error = set(FileKind::Config, "[profile a]\n", "a", "k", value).unwrap_err();
        assert!(matches!(error, EditError::Value { .. }), "{value:?}: {error}");
    }
    for key in ["", "a b", "a=b", "a:b", "[a", "#a", "ä", "a\n"] {
        let error = set(FileKind::Config, "", "a", key, "v").unwrap_err();
        assert_eq!(error, EditError::Key(key.to_owned()));
    }
    for (kind, section, name) in [
        (FileKind::Config, PROFILE, "a\nb"),
        (FileKind::Config, PROFILE, ""),
        (FileKind::Config, SectionKind::Other, "DEFAULT"),
        (FileKind::Config, SectionKind::Default, "a"),
        (FileKind::Credentials, PROFILE, "DEFAULT"),
        (FileKind::Credentials, SectionKind::SsoSession, "a"),
    ] {
        let document = parse(kind, "");
        let mut editor = document.edit();
        editor.set(section, name, "k", "v").set(PROFILE, "good", "k", "v");
        assert_eq!(editor.finish(), Err(EditError::Section(name.to_owned())));
    }
    let document = parse(FileKind::Config, "[DEFAULT]\nk = 1\n");
    let refused = Err(EditError::Section("DEFAULT".to_owned()));
    let mut editor = document.edit();
    editor.remove(SectionKind::Other, "DEFAULT", "k");
    assert_eq!(editor.finish(), refused);
    let mut editor = document.edit();
    editor.remove_section(SectionKind::Other, "DEFAULT");
    assert_eq!(editor.finish(), refused);
}

#[test]
fn a_removal_that_would_join_other_lines_is_refused() {
    let text = "[default]\nx = 1\n[profile a]\n  [profile b]\ny = 2\n";
    assert_eq!(remove_section(text, "a"), Err(EditError::SideEffect));
}

#[test]
fn no_error_shows_the_value() {
    let error = set(FileKind::Config, "", "a", "k", "TESTSECRET ").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("TESTSECRET"));
}

/// A section as somebody may have written it: header, then lines.
fn section(name: &'static str) -> impl Strategy<Value = String> {
    let header =
        select(vec!["[profile {}]", "[profile \"{}\"]", "[profile  {} ]  # c", "[profile {}]\t"]);
    let line = select(vec![
        "# comment",
        "  ; comment",
        "",
        "   ",
        "region = eu-west-1",
        "Region=x",
        "output : json",
        "s3 =",
        "  a = b",
        "\tc=d",
        "  more = less",
        "empty =",
        "role_arn\t=\tarn:aws:iam::1:role/x # y",
        "x==y",
        " indented = 1",
        "k =",
        "k = 1",
        "K:  old  ",
        "\u{e4} = \u{fc}",
    ]);
    (header, vec(line, 0..8)).prop_map(move |(header, lines)| {
        let mut text = header.replace("{}", name);
        for line in lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    })
}

prop_compose! {
    /// A config file that is valid, with sections `a`, `b`, `c` or some of them.
    fn file()(
        top in select(vec!["", "# top\n", "\n", "[DEFAULT]\ninherited = 1\n", "[default]\nx = 1\n"]),
        parts in (section("a"), section("b"), section("c")),
        count in 0_usize..4,
        gaps in vec(select(vec!["\n", "\n\n", "\n\n\n# of the next\n"]), 4),
        end in select(vec!["\n", "\r\n", "\r"]),
        closed in any::<bool>(),
    ) -> String {
        let mut text = top.to_owned();
        for (part, gap) in [parts.0, parts.1, parts.2].iter().zip(&gaps).take(count) {
            text.push_str(part);
            text.push_str(gap);
        }
        if !closed {
            text = text.trim_end_matches('\n').to_owned();
        }
        text.replace('\n', end)
    }
}

fn valid() -> impl Strategy<Value = (String, Document)> {
    file().prop_filter_map("a file that is refused", |text| {
        let document = Document::parse(FileKind::Config, text.as_bytes()).ok()?;
        Some((text, document))
    })
}

fn value() -> impl Strategy<Value = String> {
    let free = "[a-zA-Z0-9/:=%'\"\\[\\]\u{e4} -]{0,20}".prop_map(|text| text.trim().to_owned());
    prop_oneof![free, Just("#".to_owned()), Just("a\nb".to_owned())]
}

/// All that a file says but for one key.
fn others(
    document: &Document,
    name: &str,
    key: &str,
) -> Vec<(SectionKind, String, String, String)> {
    let mut all = Vec::new();
    for section in document.sections() {
        for one in &section.settings {
            if section.name != name || one.key != key {
                let (key, value) = (one.key.clone(), one.value.expose().to_owned());
                all.push((section.kind, section.name.clone(), key, value));
            }
        }
    }
    all
}

fn comments(text: &str) -> Vec<&str> {
    let lines = text.split(['\n', '\r']);
    lines.filter(|line| line.trim_start().starts_with(['#', ';'])).collect()
}

/// Whether the second text is the first one with something put in at one place.
fn is_insertion(before: &str, after: &str) -> bool {
    let same =
        |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut before.bytes().zip(after.bytes()));
    let end = same(&mut before.bytes().rev().zip(after.bytes().rev()));
    start + end >= before.len()
}

fn get(text: &str, name: &str, key: &str) -> Option<String> {
    let config = SharedConfig::merge(Some(("c".into(), parse(FileKind::Config, text))), None);
    config.profile(name)?.get(key).map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_file_that_is_only_read_stays_as_it_is((text, document) in valid()) {
        prop_assert_eq!(document.bytes(), text.as_bytes());
        prop_assert_eq!(document.edit().finish().unwrap(), text.as_bytes());
    }

    #[test]
    fn what_is_set_is_there_and_all_else_as_before(
        (text, document) in valid(),
        name in select(vec!["a", "b", "c", "new", "with space"]),
        key in select(vec!["k", "region", "s3", "absent"]),
        value in value(),
    ) {
        let mut editor = document.edit();
        editor.set(PROFILE, name, key, &value);
        let Ok(bytes) = editor.finish() else {
            prop_assert!(super::problem_of(&value).is_some());
            return Ok(());
        };
        let after = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(get(&after, name, key), Some(value));
        let changed = parse(FileKind::Config, &after);
        prop_assert_eq!(others(&document, name, key), others(&changed, name, key));
        prop_assert_eq!(comments(&text), comments(&after));
        let own = document.sections().iter().filter(|section| section.name == name);
        if !own.clone().flat_map(|section| &section.settings).any(|one| one.key == key) {
            prop_assert!(is_insertion(&text, &after));
            let mut editor = changed.edit();
            match own.clone().next() {
                Some(_) => editor.remove(PROFILE, name, key),
                None => editor.remove_section(PROFILE, name),
            };
            let back = editor.finish().unwrap();
            // A blank line at the end is the one before the new section.
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            let last = lines.split_terminator('\n').next_back();
            let blank = last.is_none_or(|last| last.trim().is_empty());
            if own.count() > 0 || !blank {
                prop_assert_eq!(String::from_utf8(back).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_all_else_as_before(
        (text, document) in valid(),
        name in select(vec!["a", "b", "c"]),
        key in select(vec!["k", "region", "s3", "role_arn"]),
    ) {
        let mut editor = document.edit();
        editor.remove(PROFILE, name, key);
        let after = String::from_utf8(editor.finish().unwrap()).unwrap();
        let changed = parse(FileKind::Config, &after);
        prop_assert_eq!(others(&document, name, key), others(&changed, name, key));
        prop_assert_eq!(comments(&text), comments(&after));
        let left = others(&changed, "", "");
        prop_assert!(!left.iter().any(|one| one.1 == name && one.2 == key));
        let mut editor = document.edit();
        editor.remove_section(PROFILE, name);
        let after = editor.finish().unwrap();
        let changed = Document::parse(FileKind::Config, &after).unwrap();
        prop_assert!(changed.sections().iter().all(|section| section.name != name));
    }
}
