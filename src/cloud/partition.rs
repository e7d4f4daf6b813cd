//! AWS partitions and their regions, from the public partition data: constants, so that nothing is read at start.
//!
//! The data ages: a region that is not listed but has the form of a partition's regions is told apart from one
//! that cannot exist. Deliberately absent: endpoints of services, pseudo-regions such as `aws-global`.

mod data;

pub use data::{DATA, PARTITIONS};

use crate::model::RegionName;

/// Partition data, and what it was made from.
#[derive(Clone, Copy, Debug)]
pub struct Data {
    /// What carried it, with its version.
    pub source: &'static str,
    /// The day on which it was taken, as `YYYY-MM-DD`.
    pub date: &'static str,
    /// Every partition; the ordinary one first.
    pub partitions: &'static [Partition],
}

/// A part of AWS with accounts, names and signatures of its own.
#[derive(Debug)]
pub struct Partition {
    /// `aws`, `aws-cn`, ...
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What the names of its services' hosts end with.
    pub dns_suffix: &'static str,
    /// Where services without a region are signed.
    pub implicit_region: &'static str,
    /// What a region's name begins with: one of these, then `-WORD-NUMBER`.
    prefixes: &'static [&'static str],
    /// The regions that are known by name.
    pub regions: &'static [Region],
}

/// A region that the data lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Region {
    /// `eu-west-1`
    pub id: &'static str,
    /// `Europe (Ireland)`
    pub name: &'static str,
}

/// How sure we are that a region exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Knowledge {
    /// It is in the data.
    Listed,
    /// It has the form of a partition's regions.
    Matches,
}

/// The partition of that id.
pub fn by_id(id: &str) -> Option<&'static Partition> {
    DATA.by_id(id)
}

/// The partition that a region belongs to, and how sure that is.
pub fn of_region(region: &RegionName) -> Option<(&'static Partition, Knowledge)> {
    DATA.of_region(region)
}

impl Data {
    /// The partition of that id.
    pub fn by_id(&self, id: &str) -> Option<&'static Partition> {
        self.partitions.iter().find(|partition| partition.id == id)
    }

    /// The partition that a region belongs to, and how sure that is.
    pub fn of_region(&self, region: &RegionName) -> Option<(&'static Partition, Knowledge)> {
        let name = region.as_str();
        let listed = self.partitions.iter().find(|partition| partition.lists(name));
        let matching = || self.partitions.iter().find(|partition| partition.matches(name));
        listed
            .map(|partition| (partition, Knowledge::Listed))
            .or_else(|| matching().map(|partition| (partition, Knowledge::Matches)))
    }
}

impl Partition {
    /// Whether the data lists `region` for it.
    pub fn lists(&self, region: &str) -> bool {
        self.regions.iter().any(|known| known.id == region)
    }

    /// Whether `region` has the form `PREFIX-WORD-NUMBER`.
    fn matches(&self, region: &str) -> bool {
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        self.prefixes.iter().any(|prefix| {
            let rest = region.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
            rest.and_then(|rest| rest.split_once('-')).is_some_and(|(w, n)| word(w) && number(n))
        })
    }
}

/// Small data, for tests of what stands on it.
#[cfg(test)]
pub(crate) mod tiny {
    use super::{Data, Partition, Region};

    const fn region(id: &'static str) -> Region {
        Region { id, name: "A region" }
    }

    const fn partition(
        id: &'static str,
        prefixes: &'static [&'static str],
        regions: &'static [Region],
    ) -> Partition {
        let [first, ..] = regions else { panic!("a partition has a region") };
        let implicit_region = first.id;
        Partition { id, name: id, dns_suffix: "example.com", implicit_region, prefixes, regions }
    }

    const fn data(partitions: &'static [Partition]) -> Data {
        Data { source: "a test", date: "2026-01-02", partitions }
    }

    /// No regions at all.
    pub(crate) const NONE: Data = data(&[]);
    /// One region, which is not the usual one.
    pub(crate) const ONE: Data = data(&[partition("aws", &["us"], &[region("us-region-1")])]);
    /// Two, of which the usual one does not come first.
    pub(crate) const TWO: Data =
        data(&[partition("aws", &["us"], &[region("us-west-1"), region("us-east-1")])]);
    /// A second partition, with a region of a name that no pattern of AWS fits.
    pub(crate) const MOON: Data = data(&[
        partition("aws", &["us"], &[region("us-east-1")]),
        partition("moon", &["moon"], &[region("moon-east-2001")]),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_find_their_partition() {
        let of = |name: &str| {
            of_region(&RegionName::parse(name).unwrap()).map(|(p, knowledge)| (p.id, knowledge))
        };
        for partition in PARTITIONS {
            for region in partition.regions {
                assert_eq!(of(region.id), Some((partition.id, Knowledge::Listed)), "{region:?}");
                assert!(partition.matches(region.id), "{region:?}");
                assert!(!region.id.ends_with("-global") && !region.name.is_empty(), "{region:?}");
            }
            assert!(partition.lists(partition.implicit_region));
            assert!(partition.dns_suffix.contains('.') && !partition.name.is_empty());
            assert_eq!(by_id(partition.id).unwrap().id, partition.id);
        }
        assert_eq!(of("eu-west-9"), Some(("aws", Knowledge::Matches)));
        assert_eq!(of("us-gov-north-1"), Some(("aws-us-gov", Knowledge::Matches)));
        assert_eq!(of("moon-east-2001"), None);
        assert_eq!(of("westeurope"), None);
    }

    #[test]
    fn the_ordinary_partition_comes_first_and_its_regions_have_names() {
        let [aws, ..] = PARTITIONS else { panic!("no partitions") };
        assert_eq!((aws.id, aws.dns_suffix), ("aws", "amazonaws.com"));
        let ireland = aws.regions.iter().find(|region| region.id == "eu-west-1").unwrap();
        assert_eq!(ireland.name, "Europe (Ireland)");
        assert!(DATA.source.starts_with("botocore ") && DATA.date.len() == 10, "{DATA:?}");
    }
}
