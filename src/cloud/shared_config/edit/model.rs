//! What a file says, without how it says it: what a change is checked against.
//!
//! Deliberately absent: lines, comments, spelling.

use std::borrow::Cow;

use super::{
    super::{Document, SectionKind},
    is_same,
};

/// Sections in the order of the file, settings in that of the section.
#[derive(Default, Eq, PartialEq)]
pub(super) struct Model<'a>(Vec<Entry<'a>>);

#[derive(Eq, PartialEq)]
struct Entry<'a> {
    kind: SectionKind,
    name: Cow<'a, str>,
    settings: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Model<'a> {
    pub(super) fn of(document: &'a Document) -> Self {
        let entries = document.sections().iter().map(|section| Entry {
            kind: section.kind,
            name: Cow::Borrowed(&section.name),
            settings: section
                .settings
                .iter()
                .map(|one| (Cow::Borrowed(&*one.key), Cow::Borrowed(one.value.expose())))
                .collect(),
        });
        Self(entries.collect())
    }

    pub(super) fn get(&self, kind: SectionKind, name: &str, key: &str) -> Option<&str> {
        let entry = self.0.iter().rev().find(|one| is_same(kind, name, one.kind, &one.name))?;
        entry.settings.iter().find(|(own, _)| own == key).map(|(_, value)| &**value)
    }

    pub(super) fn set(&mut self, kind: SectionKind, name: &str, key: &str, value: &str) {
        let value = Cow::Owned(value.to_owned());
        let Some(entry) = self.last(kind, name) else {
            let settings = vec![(Cow::Owned(key.to_owned()), value)];
            self.0.push(Entry { kind, name: Cow::Owned(name.to_owned()), settings });
            return;
        };
        match entry.settings.iter_mut().find(|(own, _)| own == key) {
            Some((_, old)) => *old = value,
            None => entry.settings.push((Cow::Owned(key.to_owned()), value)),
        }
    }

    pub(super) fn remove(&mut self, kind: SectionKind, name: &str, key: &str) {
        if let Some(entry) = self.last(kind, name) {
            entry.settings.retain(|(own, _)| own != key);
        }
    }

    pub(super) fn remove_section(&mut self, kind: SectionKind, name: &str) {
        self.0.retain(|one| !is_same(kind, name, one.kind, &one.name));
    }

    fn last(&mut self, kind: SectionKind, name: &str) -> Option<&mut Entry<'a>> {
        self.0.iter_mut().rev().find(|one| is_same(kind, name, one.kind, &one.name))
    }
}

impl std::fmt::Debug for Model<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Model(..)")
    }
}
