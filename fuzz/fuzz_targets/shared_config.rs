//! The AWS config file: reading never fails but in the way it should, and a change is a change of that
//! one thing.
//!
//! The first byte chooses the kind of file: `0` is config, `1` is credentials. Deliberately absent: agreement with botocore;
//! `tests/it/shared_config.rs` has that.
#![no_main]

use std::path::PathBuf;

use leapp::cloud::shared_config::{Document, FileKind, SectionKind, SharedConfig};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "leapp_fuzz";
const VALUE: &str = "/opt/leapp credential-process session:x";

/// All that a file says in its order, but for one key.
fn others<'a>(document: &'a Document, name: &str, key: &str) -> Vec<(SectionKind, [&'a str; 3])> {
    let mut all = Vec::new();
    for section in document.sections() {
        let others = section.settings.iter().filter(|one| section.name != name || one.key != key);
        for one in others {
            all.push((section.kind, [&*section.name, &*one.key, one.value.expose()]));
        }
    }
    all
}

fn merged(document: Document) -> SharedConfig {
    let kind = document.kind();
    let file = Some((PathBuf::from("file"), document));
    match kind {
        FileKind::Config => SharedConfig::merge(file, None),
        FileKind::Credentials => SharedConfig::merge(None, file),
    }
}

fn comments(bytes: &[u8]) -> usize {
    let text = std::str::from_utf8(bytes).unwrap();
    let blank = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    let lines = text.split(['\n', '\r']);
    lines.filter(|line| line.trim_start_matches(blank).starts_with(['#', ';'])).count()
}

/// Sets a key of a profile and takes it away again.
fn change(document: &Document, name: &str, key: &str) {
    let kind = document.kind();
    let named = || document.sections().iter().filter(|section| section.name == name);
    let is_profile = |kind| matches!(kind, SectionKind::Default | SectionKind::Profile);
    let own = || named().filter(|section| is_profile(section.kind));
    let fresh = !own().flat_map(|section| &section.settings).any(|one| one.key == key);
    let mut editor = document.edit();
    editor.set(SectionKind::Profile, name, key, VALUE);
    let Ok(bytes) = editor.finish() else { return };
    let changed = Document::parse(kind, &bytes).unwrap();
    assert_eq!(others(document, name, key), others(&changed, name, key));
    assert_eq!(comments(document.bytes()), comments(&bytes));
    let config = merged(Document::parse(kind, &bytes).unwrap());
    let found = config.profile(name).and_then(|profile| profile.secret(key));
    assert_eq!(found.map(|secret| secret.expose()), Some(VALUE));
    let mut editor = changed.edit();
    match own().next() {
        Some(_) => editor.remove(SectionKind::Profile, name, key),
        None => editor.remove_section(SectionKind::Profile, name),
    };
    let Ok(back) = editor.finish() else {
        // Without its own block the section may inherit a bad one.
        assert!(!fresh, "what was added can be taken away");
        return;
    };
    let again = Document::parse(kind, &back).unwrap();
    assert_eq!(others(document, name, key), others(&again, name, key));
    if fresh && own().next().is_some() {
        assert!(back == document.bytes(), "the bytes are not what they were");
    }
}

/// Takes the section of this name out.
fn remove(document: &Document, kind: SectionKind, name: &str) {
    let mut editor = document.edit();
    editor.remove_section(kind, name);
    let Ok(bytes) = editor.finish() else { return };
    let changed = Document::parse(document.kind(), &bytes).unwrap();
    let mut left = changed.sections().iter();
    let same = |of: SectionKind| of == kind || (name == "default" && of == SectionKind::Default);
    assert!(left.all(|section| !(same(section.kind) && section.name == name)));
}

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let kind = if first & 1 == 0 { FileKind::Config } else { FileKind::Credentials };
    let Ok(document) = Document::parse(kind, text) else { return };
    assert_eq!(document.bytes(), text);
    assert_eq!(document.edit().finish().as_deref(), Ok(text));
    for section in document.sections().iter().take(4) {
        change(&document, &section.name, KEY);
        for one in section.settings.iter().take(3) {
            change(&document, &section.name, &one.key);
        }
        remove(&document, section.kind, &section.name);
    }
    change(&document, "leapp fuzz", KEY);
    let config = merged(document);
    for profile in config.profiles() {
        assert!(std::ptr::eq(config.profile(&profile.name).unwrap(), profile));
        let mut keys: Vec<&str> = profile.keys().collect();
        assert!(keys.iter().all(|key| profile.value(key).is_some()));
        assert!(keys.is_sorted());
        keys.dedup();
        assert_eq!(keys.len(), profile.keys().count());
    }
});
