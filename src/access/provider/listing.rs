//! What a provider listed last, kept in a file of ours: lists, completion and hooks read it and run
//! nothing. It holds no secret.
//!
//! The file is a cache: one that is damaged, or that another command line of the provider made,
//! counts as none.

use std::{
    collections::HashMap,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Description, Item, Problem, Provider, ProviderError, ProviderName, Settings};
use crate::{
    model::Timestamp,
    system::{
        directory::{self, PathError},
        files::{self, Durability},
        hash,
    },
};

/// No listing is larger, in bytes.
const LIMIT: u64 = 16 << 20;
const VERSION: u32 = 1;

/// What is known of a provider without running it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    /// What it listed; `None`: it never did.
    pub last: Option<Listed>,
    /// Why it did not do so since.
    pub failure: Option<Failure>,
}

/// What a provider listed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Listed {
    /// When.
    pub at: Timestamp,
    /// What it said of itself.
    pub description: Description,
    /// The identities.
    pub items: Vec<Item>,
}

/// That it did not list anything.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub message: String,
}

/// What a new listing has that the old one had not, by id.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// New ones.
    pub added: Vec<String>,
    /// Those that are there still, in another way.
    pub changed: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    version: u32,
    made_by: String,
    last: Option<Listed>,
    failure: Option<Failure>,
}

/// Where the listings are.
#[derive(Clone, Debug)]
pub struct Shelf {
    home: PathBuf,
}

impl Shelf {
    /// Those of a home.
    pub fn new(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }

    /// The last listing, as long as the settings name the same command line.
    pub fn read(&self, settings: &Settings) -> Listing {
        let content = files::read_private(&self.path(&settings.name), LIMIT).ok().flatten();
        let file = content.and_then(|c| serde_json::from_slice::<File>(&c.bytes).ok());
        let same = |file: &File| file.version == VERSION && file.made_by == maker(settings);
        let file = file.filter(same);
        file.map_or_else(Listing::default, |f| Listing { last: f.last, failure: f.failure })
    }

    /// Keeps a listing.
    pub fn write(&self, settings: &Settings, listing: &Listing) -> Result<(), PathError> {
        directory::ensure(&self.home)?;
        directory::ensure(&self.home.join("providers"))?;
        let file = File {
            version: VERSION,
            made_by: maker(settings),
            last: listing.last.clone(),
            failure: listing.failure.clone(),
        };
        let text = serde_json::to_vec(&file).unwrap_or_default();
        files::write_private(&self.path(&settings.name), &text, Durability::Cache)
    }

    /// The file of one provider.
    pub fn path(&self, name: &ProviderName) -> PathBuf {
        self.home.join("providers").join(format!("{name}.json"))
    }
}

/// Tells one command line from another.
fn maker(settings: &Settings) -> String {
    let words = std::iter::once(settings.command.as_os_str());
    let words = words.chain(settings.arguments.iter().map(std::ffi::OsString::as_os_str));
    hash::long(words.map(|word| Some(word.as_bytes())))
}

/// Runs a provider for its description and its list, and keeps both. Where it fails, its last
/// listing stays, and why it failed is kept beside it.
pub fn refresh(
    provider: &Provider<'_>,
    shelf: &Shelf,
    now: Timestamp,
) -> Result<(Listed, Changes), ProviderError> {
    let settings = provider.settings();
    let before = shelf.read(settings);
    let listed = match look(provider, now) {
        Ok(listed) => listed,
        Err(error) => {
            let failure = Some(Failure { at: now, message: error.problem.to_string() });
            // It failed already; that this cannot be kept is no news.
            _ = shelf.write(settings, &Listing { failure, ..before });
            return Err(error);
        }
    };
    let changes = Changes::between(before.last.map(|last| last.items).as_deref(), &listed.items);
    let listing = Listing { last: Some(listed.clone()), failure: None };
    let kept = shelf.write(settings, &listing);
    kept.map_err(|error| provider.error("list", Problem::Keeping(error)))?;
    Ok((listed, changes))
}

fn look(provider: &Provider<'_>, at: Timestamp) -> Result<Listed, ProviderError> {
    let description = provider.describe()?;
    let mut items = provider.list()?;
    items.sort_by_cached_key(|item| (item.name.to_lowercase(), item.id.clone()));
    Ok(Listed { at, description, items })
}

impl Changes {
    fn between(before: Option<&[Item]>, after: &[Item]) -> Self {
        let before = before.unwrap_or_default();
        let index = |items: &'_ [Item]| -> HashMap<String, Item> {
            items.iter().map(|item| (item.id.clone(), item.clone())).collect()
        };
        let (old, new) = (index(before), index(after));
        let mut changes = Self::default();
        for item in after {
            match old.get(&item.id) {
                None => changes.added.push(item.id.clone()),
                Some(known) if known != item => changes.changed.push(item.id.clone()),
                Some(_) => {}
            }
        }
        let gone = before.iter().filter(|item| !new.contains_key(&item.id));
        changes.removed = gone.map(|item| item.id.clone()).collect();
        changes
    }

    /// Whether all is as it was.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}
