//! Where AWS sessions work, step by step: flag, project file, session, `AWS_REGION`, `AWS_DEFAULT_REGION`, the
//! default profile, the workspace, `us-east-1`.

use std::path::PathBuf;

use super::{FieldError, RegionChoice, RegionSources};
use crate::{
    cloud::{
        partition::{self, PARTITIONS, Partition},
        shared_config::{Document, FileKind, SIZE_LIMIT, SharedConfig},
    },
    model::{RegionName, Session},
    secret::SecretBytes,
    system::files,
};

/// Where the session's own requests go.
pub(super) fn home(
    session: &Session,
    partition: Option<&str>,
    default: Option<&RegionName>,
) -> Result<RegionName, FieldError> {
    if let Some(own) = &session.region {
        return check(own, partition).map(|()| own.clone());
    }
    let usable = default.filter(|region| check(region, partition).is_ok());
    usable.cloned().map_or_else(|| last_resort(partition), Ok)
}

/// Where the session's programs work.
pub(super) fn choose(
    session: &Session,
    partition: Option<&str>,
    sources: &RegionSources<'_>,
) -> Result<RegionChoice, FieldError> {
    let mut choice = pick(session, partition, sources)?;
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        let theirs = (sources.own)(name).filter(|value| !value.is_empty());
        // Of the two variables the first one that differs is enough to be told of.
        if let Some(theirs) = theirs
            && theirs != choice.region.as_str()
            && choice.notes.is_empty()
        {
            let (region, source) = (&choice.region, &choice.source);
            choice.notes.push(format!("region {region} ({source}) wins over {name}={theirs}"));
        }
    }
    Ok(choice)
}

fn pick(
    session: &Session,
    partition: Option<&str>,
    sources: &RegionSources<'_>,
) -> Result<RegionChoice, FieldError> {
    let mut notes = Vec::new();
    let chosen = |region: &RegionName, source: String, notes: Vec<String>, files: Vec<PathBuf>| {
        RegionChoice { region: region.clone(), source, notes, files }
    };
    let said = [
        (sources.flag, "--region".to_owned()),
        (sources.project, "the project file".to_owned()),
        (session.region.as_ref(), format!("session '{}'", session.name)),
    ];
    for (region, source) in said {
        if let Some(region) = region {
            check(region, partition)?;
            return Ok(chosen(region, source, notes, Vec::new()));
        }
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Some(text) = (sources.own)(name)
            && let Some(region) = usable(&text, name, partition, &mut notes)
        {
            return Ok(chosen(&region, name.to_owned(), notes, Vec::new()));
        }
    }
    let path = config_file(sources.own);
    let files: Vec<PathBuf> = path.iter().cloned().collect();
    if let Some((text, source)) = profile_region(path, sources.own, &mut notes)
        && let Some(region) = usable(&text, &source, partition, &mut notes)
    {
        return Ok(chosen(&region, source, notes, files));
    }
    if let Some(region) = sources.default
        && let Some(region) =
            usable(region.as_str(), "the workspace's default", partition, &mut notes)
    {
        return Ok(chosen(&region, "the workspace's default".to_owned(), notes, files));
    }
    let region = last_resort(partition)?;
    Ok(chosen(&region, "the last resort".to_owned(), notes, files))
}

/// A region that exists and, where the session's ARN names a partition, lies in it.
fn check(region: &RegionName, partition: Option<&str>) -> Result<(), FieldError> {
    match partition {
        Some(partition) => super::aws::region_fits(region, partition),
        None if partition::of_region(region).is_some() => Ok(()),
        None => Err(FieldError {
            flag: "region".into(),
            problem: format!("there is no AWS region {:?}", region.as_str()),
        }),
    }
}

/// The same for a region that nobody gave for this session: an unusable one is passed over.
fn usable(
    text: &str,
    source: &str,
    partition: Option<&str>,
    notes: &mut Vec<String>,
) -> Option<RegionName> {
    if text.is_empty() {
        return None;
    }
    let checked = RegionName::parse(text).map_err(|error| error.to_string()).and_then(|region| {
        check(&region, partition).map(|()| region).map_err(|error| error.problem)
    });
    checked.map_err(|problem| notes.push(format!("{source} is passed over: {problem}"))).ok()
}

fn config_file(own: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let home = || own("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    match own("AWS_CONFIG_FILE").filter(|path| !path.is_empty()) {
        Some(path) => match path.strip_prefix("~/") {
            Some(rest) => home().map(|home| home.join(rest)),
            None => Some(path.into()),
        },
        None => home().map(|home| home.join(".aws/config")),
    }
}

fn profile_region(
    path: Option<PathBuf>,
    own: &dyn Fn(&str) -> Option<String>,
    notes: &mut Vec<String>,
) -> Option<(String, String)> {
    let path = path?;
    let bytes = SecretBytes::new(files::read_users(&path, SIZE_LIMIT as u64).ok()??);
    let document = Document::parse(FileKind::Config, bytes.expose())
        .map_err(|error| notes.push(format!("{} is passed over: {error}", path.display())))
        .ok()?;
    let profile = own("AWS_PROFILE").filter(|name| !name.is_empty());
    let profile = profile.unwrap_or_else(|| "default".into());
    let source = format!("profile '{profile}' in {}", path.display());
    let config = SharedConfig::merge(Some((path, document)), None);
    let region = config.profile(&profile)?.get("region")?;
    Some((region.to_owned(), source))
}

/// `us-east-1` where the partition has it, else the partition's first.
fn last_resort(partition: Option<&str>) -> Result<RegionName, FieldError> {
    let found = partition.and_then(partition::by_id).or(PARTITIONS.first());
    let name = found.map_or("us-east-1", |p: &Partition| p.implicit_region);
    RegionName::parse(name)
        .map_err(|error| FieldError { flag: "region".into(), problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::model::{SessionName, session::Fields};

    fn session(region: Option<&str>) -> Session {
        Session {
            id: uuid::Uuid::from_u128(1),
            name: SessionName::parse("prod").unwrap(),
            session_type: "aws-iam-user".into(),
            display_name: None,
            region: region.map(|r| RegionName::parse(r).unwrap()),
            parent: None,
            fields: Fields::default(),
            protected: false,
            unknown: HashMap::new(),
            source: None,
        }
    }

    struct Case {
        flag: &'static str,
        session: &'static str,
        own: &'static [(&'static str, &'static str)],
        default: &'static str,
        expected: &'static str,
        notes: usize,
    }

    fn check(case: &Case, config: &std::path::Path) {
        let parse = |text: &str| (!text.is_empty()).then(|| RegionName::parse(text).unwrap());
        let (flag, default) = (parse(case.flag), parse(case.default));
        let own = |name: &str| match name {
            "AWS_CONFIG_FILE" => Some(config.to_str().unwrap().to_owned()),
            _ => case.own.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
        };
        let sources = RegionSources {
            flag: flag.as_ref(),
            project: None,
            own: &own,
            default: default.as_ref(),
        };
        let session = session((!case.session.is_empty()).then_some(case.session));
        let choice = choose(&session, None, &sources);
        let found = choice.as_ref().map_or("error", |choice| choice.region.as_str());
        assert_eq!(found, case.expected, "{:?}", case.own);
        if let Ok(choice) = choice {
            assert_eq!(choice.notes.len(), case.notes, "{:?}", choice.notes);
        }
    }

    #[test]
    fn the_steps_are_taken_in_order() {
        let top = tempfile::tempdir().unwrap();
        let config = top.path().join("config");
        let text = "[default]\nregion = ap-south-1\n[profile a]\nregion = moon-1\n";
        files::write_private(&config, text.as_bytes(), files::Durability::Cache).unwrap();
        let none = Case { flag: "", session: "", own: &[], default: "", expected: "", notes: 0 };
        for case in [
            Case { flag: "eu-west-1", session: "eu-west-2", expected: "eu-west-1", ..none },
            Case {
                session: "eu-west-2",
                own: &[("AWS_REGION", "us-west-2")],
                expected: "eu-west-2",
                notes: 1,
                ..none
            },
            Case {
                own: &[("AWS_REGION", "us-west-2"), ("AWS_DEFAULT_REGION", "us-west-2")],
                expected: "us-west-2",
                ..none
            },
            Case {
                own: &[("AWS_REGION", "nowhere"), ("AWS_DEFAULT_REGION", "us-west-1")],
                expected: "us-west-1",
                notes: 1,
                ..none
            },
            Case { own: &[("AWS_REGION", "")], expected: "ap-south-1", ..none },
            Case {
                own: &[("AWS_PROFILE", "a")],
                default: "eu-north-1",
                expected: "eu-north-1",
                notes: 1,
                ..none
            },
            Case { own: &[("AWS_PROFILE", "b")], expected: "us-east-1", ..none },
            Case { flag: "moon-east-2001", expected: "error", ..none },
            Case { flag: "eu-west-9", expected: "eu-west-9", ..none },
            Case { session: "westeurope", expected: "error", ..none },
        ] {
            check(&case, &config);
        }
    }

    #[test]
    fn a_partition_binds_the_region() {
        let flag = RegionName::parse("eu-west-1").unwrap();
        let sources =
            RegionSources { flag: Some(&flag), project: None, own: &|_| None, default: None };
        assert!(choose(&session(None), Some("aws-cn"), &sources).is_err());
        let sources =
            RegionSources { flag: None, project: None, own: &|_| None, default: Some(&flag) };
        let choice = choose(&session(None), Some("aws-cn"), &sources).unwrap();
        assert_eq!(choice.region.as_str(), "cn-northwest-1");
        assert_eq!(
            home(&session(None), Some("aws-cn"), Some(&flag)).unwrap().as_str(),
            "cn-northwest-1"
        );
        assert_eq!(home(&session(None), None, Some(&flag)).unwrap().as_str(), "eu-west-1");
    }
}
