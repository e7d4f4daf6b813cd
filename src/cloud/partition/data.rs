//! The partitions and regions of AWS. Made by `scripts/update-regions`; not to be edited by hand.

use super::{Data, Partition, Region};

/// The public partition data.
pub const DATA: Data =
    Data { source: "botocore 1.44.5", date: "2026-11-26", partitions: PARTITIONS };

/// Every partition; the ordinary one first.
pub const PARTITIONS: &[Partition] = &[
    Partition {
        id: "aws",
        name: "AWS Standard",
        dns_suffix: "amazonaws.com",
        implicit_region: "us-east-1",
        prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        regions: &[
            Region { id: "af-south-1", name: "Africa (Cape Town)" },
            Region { id: "ap-east-1", name: "Asia Pacific (Hong Kong)" },
            Region { id: "ap-east-2", name: "Asia Pacific (Taipei)" },
            Region { id: "ap-northeast-1", name: "Asia Pacific (Tokyo)" },
            Region { id: "ap-northeast-2", name: "Asia Pacific (Seoul)" },
            Region { id: "ap-northeast-3", name: "Asia Pacific (Osaka)" },
            Region { id: "ap-south-1", name: "Asia Pacific (Mumbai)" },
            Region { id: "ap-south-2", name: "Asia Pacific (Hyderabad)" },
            Region { id: "ap-southeast-1", name: "Asia Pacific (Singapore)" },
            Region { id: "ap-southeast-2", name: "Asia Pacific (Sydney)" },
            Region { id: "ap-southeast-3", name: "Asia Pacific (Jakarta)" },
            Region { id: "ap-southeast-4", name: "Asia Pacific (Melbourne)" },
            Region { id: "ap-southeast-5", name: "Asia Pacific (Malaysia)" },
            Region { id: "ap-southeast-6", name: "Asia Pacific (New Zealand)" },
            Region { id: "ap-southeast-7", name: "Asia Pacific (Thailand)" },
            Region { id: "ca-central-1", name: "Canada (Central)" },
            Region { id: "ca-west-1", name: "Canada West (Calgary)" },
            Region { id: "eu-central-1", name: "Europe (Frankfurt)" },
            Region { id: "eu-central-2", name: "Europe (Zurich)" },
            Region { id: "eu-north-1", name: "Europe (Stockholm)" },
            Region { id: "eu-south-1", name: "Europe (Milan)" },
            Region { id: "eu-south-2", name: "Europe (Spain)" },
            Region { id: "eu-west-1", name: "Europe (Ireland)" },
            Region { id: "eu-west-2", name: "Europe (London)" },
            Region { id: "eu-west-3", name: "Europe (Paris)" },
            Region { id: "il-central-1", name: "Israel (Tel Aviv)" },
            Region { id: "me-central-1", name: "Middle East (UAE)" },
            Region { id: "me-south-1", name: "Middle East (Bahrain)" },
            Region { id: "me-west-1", name: "Middle East (Saudi Arabia)" },
            Region { id: "mx-central-1", name: "Mexico (Central)" },
            Region { id: "sa-east-1", name: "South America (Sao Paulo)" },
            Region { id: "sa-west-1", name: "South America (Chile)" },
            Region { id: "us-east-1", name: "US East (N. Virginia)" },
            Region { id: "us-east-2", name: "US East (Ohio)" },
            Region { id: "us-west-1", name: "US West (N. California)" },
            Region { id: "us-west-2", name: "US West (Oregon)" },
        ],
    },
    Partition {
        id: "aws-cn",
        name: "AWS China",
        dns_suffix: "amazonaws.com.cn",
        implicit_region: "cn-northwest-1",
        prefixes: &["cn"],
        regions: &[
            Region { id: "cn-north-1", name: "China (Beijing)" },
            Region { id: "cn-northwest-1", name: "China (Ningxia)" },
        ],
    },
    Partition {
        id: "aws-eusc",
        name: "AWS EUSC",
        dns_suffix: "amazonaws.eu",
        implicit_region: "eusc-de-east-1",
        prefixes: &["eusc-de"],
        regions: &[Region { id: "eusc-de-east-1", name: "AWS European Sovereign Cloud (Germany)" }],
    },
    Partition {
        id: "aws-iso",
        name: "AWS ISO (US)",
        dns_suffix: "c2s.ic.gov",
        implicit_region: "us-iso-east-1",
        prefixes: &["us-iso"],
        regions: &[
            Region { id: "us-iso-east-1", name: "US ISO East" },
            Region { id: "us-iso-west-1", name: "US ISO WEST" },
        ],
    },
    Partition {
        id: "aws-iso-b",
        name: "AWS ISOB (US)",
        dns_suffix: "sc2s.sgov.gov",
        implicit_region: "us-isob-east-1",
        prefixes: &["us-isob"],
        regions: &[
            Region { id: "us-isob-east-1", name: "US ISOB East (Ohio)" },
            Region { id: "us-isob-west-1", name: "US ISOB West" },
        ],
    },
    Partition {
        id: "aws-iso-e",
        name: "AWS ISOE (Europe)",
        dns_suffix: "cloud.adc-e.uk",
        implicit_region: "eu-isoe-west-1",
        prefixes: &["eu-isoe"],
        regions: &[Region { id: "eu-isoe-west-1", name: "EU ISOE West" }],
    },
    Partition {
        id: "aws-iso-f",
        name: "AWS ISOF",
        dns_suffix: "csp.hci.ic.gov",
        implicit_region: "us-isof-south-1",
        prefixes: &["us-isof"],
        regions: &[
            Region { id: "us-isof-east-1", name: "US ISOF EAST" },
            Region { id: "us-isof-south-1", name: "US ISOF SOUTH" },
        ],
    },
    Partition {
        id: "aws-us-gov",
        name: "AWS GovCloud (US)",
        dns_suffix: "amazonaws.com",
        implicit_region: "us-gov-west-1",
        prefixes: &["us-gov"],
        regions: &[
            Region { id: "us-gov-east-1", name: "AWS GovCloud (US-East)" },
            Region { id: "us-gov-west-1", name: "AWS GovCloud (US-West)" },
        ],
    },
];
