//! AWS partitions and their regions, from the public partition data (botocore's
//! `partitions.json`, version 1.1, as of 2026-11).
//!
//! The data ages: a region that is not listed but has the form of a partition's regions counts.

use crate::model::RegionName;

/// A part of AWS with accounts, names and signatures of its own.
#[derive(Debug)]
pub struct Partition {
    /// `aws`, `aws-cn`, ...
    pub id: &'static str,
    /// What a region's name begins with: one of these, then `-WORD-NUMBER`.
    prefixes: &'static [&'static str],
    /// Where services without a region are signed.
    pub implicit_region: &'static str,
    /// The regions that are known by name.
    pub regions: &'static [&'static str],
}

/// Every partition; the ordinary one first.
pub const PARTITIONS: &[Partition] = &[
    Partition {
        id: "aws",
        prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        implicit_region: "us-east-1",
        regions: &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    },
    Partition {
        id: "aws-cn",
        prefixes: &["cn"],
        implicit_region: "cn-northwest-1",
        regions: &["cn-north-1", "cn-northwest-1"],
    },
    Partition {
        id: "aws-us-gov",
        prefixes: &["us-gov"],
        implicit_region: "us-gov-west-1",
        regions: &["us-gov-east-1", "us-gov-west-1"],
    },
    Partition {
        id: "aws-eusc",
        prefixes: &["eusc-de"],
        implicit_region: "eusc-de-east-1",
        regions: &["eusc-de-east-1"],
    },
    Partition {
        id: "aws-iso",
        prefixes: &["us-iso"],
        implicit_region: "us-iso-east-1",
        regions: &["us-iso-east-1", "us-iso-west-1"],
    },
    Partition {
        id: "aws-iso-b",
        prefixes: &["us-isob"],
        implicit_region: "us-isob-east-1",
        regions: &["us-isob-east-1", "us-isob-west-1"],
    },
    Partition {
        id: "aws-iso-e",
        prefixes: &["eu-isoe"],
        implicit_region: "eu-isoe-west-1",
        regions: &["eu-isoe-west-1"],
    },
    Partition {
        id: "aws-iso-f",
        prefixes: &["us-isof"],
        implicit_region: "us-isof-south-1",
        regions: &["us-isof-east-1", "us-isof-south-1"],
    },
];

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
    PARTITIONS.iter().find(|partition| partition.id == id)
}

/// The partition that a region belongs to, and how sure that is.
pub fn of_region(region: &RegionName) -> Option<(&'static Partition, Knowledge)> {
    let name = region.as_str();
    let listed = PARTITIONS.iter().find(|p| p.regions.contains(&name));
    let matching = || PARTITIONS.iter().find(|p| p.matches(name));
    listed.map(|p| (p, Knowledge::Listed)).or_else(|| matching().map(|p| (p, Knowledge::Matches)))
}

impl Partition {
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
                assert_eq!(of(region), Some((partition.id, Knowledge::Listed)), "{region}");
                assert!(partition.matches(region), "{region}");
            }
            assert!(partition.regions.contains(&partition.implicit_region));
        }
        assert_eq!(of("eu-west-9"), Some(("aws", Knowledge::Matches)));
        assert_eq!(of("us-gov-north-1"), Some(("aws-us-gov", Knowledge::Matches)));
        assert_eq!(of("moon-east-2001"), None);
        assert_eq!(of("westeurope"), None);
    }
}
