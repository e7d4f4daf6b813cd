//! Where AWS sessions work, step by step: flag, project file, session, `AWS_REGION`, `AWS_DEFAULT_REGION`, the
//! default profile, the workspace, `us-east-1`, the first region there is.
//!
//! What was said for this very session must be good. What merely stands about is passed over where the region
//! data does not list it. Deliberately absent: asking the machine where it runs, which takes seconds elsewhere.

use std::path::PathBuf;

use super::{FieldError, RegionChoice, RegionSources, RegionStep, RegionVerdict as Verdict};
use crate::{
    cloud::{
        partition::{self, DATA, Data, Knowledge},
        shared_config::{Document, FileKind, SharedConfig},
    },
    model::{RegionName, Session},
};

/// Where the session's own requests go.
pub(super) fn home(
    session: &Session,
    partition: Option<&str>,
    default: Option<&RegionName>,
) -> Result<RegionName, FieldError> {
    let sources =
        RegionSources { flag: None, project: None, project_file: None, own: &|_| None, default };
    let search = Search { session, partition, sources: &sources, data: &DATA };
    search.choose().map(|choice| choice.region)
}

/// Where the session's programs work.
pub(super) fn choose(
    session: &Session,
    partition: Option<&str>,
    sources: &RegionSources<'_>,
) -> Result<RegionChoice, FieldError> {
    Search { session, partition, sources, data: &DATA }.choose()
}

/// Every step to that choice, and what stands there, even where no step is reached any more.
pub(super) fn steps(
    session: &Session,
    partition: Option<&str>,
    sources: &RegionSources<'_>,
) -> Vec<RegionStep> {
    Search { session, partition, sources, data: &DATA }.walk(Look::Everywhere).steps
}

/// Whether a region exists and lies in that partition, if one is given; and how sure that is.
pub(super) fn fits(
    data: &Data,
    region: &RegionName,
    partition: Option<&str>,
) -> Result<Knowledge, String> {
    match (data.of_region(region), partition) {
        (None, _) => Err(format!("there is no AWS region {:?}", region.as_str())),
        (Some((found, _)), Some(partition)) if found.id != partition => Err(format!(
            "'{region}' lies in partition '{}', but the ARN is in '{partition}'",
            found.id
        )),
        (Some((_, knowledge)), _) => Ok(knowledge),
    }
}

/// All that a choice depends on.
struct Search<'a> {
    session: &'a Session,
    /// Where the session's ARN lies, if it has one.
    partition: Option<&'a str>,
    sources: &'a RegionSources<'a>,
    data: &'a Data,
}

/// How far to look.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Look {
    /// At each step, decided or not: for people.
    Everywhere,
    /// No further than where the choice falls.
    UntilFound,
}

/// What a walk found.
struct Walk {
    steps: Vec<RegionStep>,
    chosen: Option<RegionName>,
    files: Vec<PathBuf>,
}

/// A step: its name, what it demands, and what it finds.
struct Step {
    name: &'static str,
    rule: Rule,
    find: fn(&Search<'_>, Reading) -> Found,
}

/// What becomes of a value that the data does not list.
#[derive(Clone, Copy)]
enum Rule {
    /// It is passed over.
    Listed,
    /// It is used if it has the form of a region; else nothing is chosen at all.
    Said,
}

/// Whether files may be read.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Reading {
    No,
    Yes,
}

/// What stands at a step.
struct Found {
    origin: String,
    value: Option<String>,
    /// The file that it was looked for in.
    file: Option<PathBuf>,
    /// Why it could not be looked for.
    problem: Option<String>,
}

/// The steps, in their order.
const STEPS: [Step; 9] = [
    Step { name: "flag", rule: Rule::Said, find: flag },
    Step { name: "project", rule: Rule::Said, find: project },
    Step { name: "session", rule: Rule::Said, find: session },
    Step { name: REGION, rule: Rule::Listed, find: |search, _| search.variable(REGION) },
    Step { name: DEFAULT, rule: Rule::Listed, find: |search, _| search.variable(DEFAULT) },
    Step { name: "profile", rule: Rule::Listed, find: profile },
    Step { name: "workspace", rule: Rule::Listed, find: workspace },
    Step { name: "usual", rule: Rule::Listed, find: usual },
    Step { name: "first", rule: Rule::Listed, find: first },
];

const REGION: &str = "AWS_REGION";
const DEFAULT: &str = "AWS_DEFAULT_REGION";

impl Search<'_> {
    fn choose(&self) -> Result<RegionChoice, FieldError> {
        let Walk { steps, chosen, files } = self.walk(Look::UntilFound);
        let decided = steps.iter().find(|step| step.verdict.decides());
        let (Some(region), Some(source)) = (chosen, decided.map(|step| step.origin.clone())) else {
            return Err(FieldError { flag: "region".into(), problem: self.problem(&steps) });
        };
        let mut notes: Vec<String> = steps.iter().filter_map(RegionStep::note).collect();
        notes.extend(self.overruled(&steps, &region, &source));
        Ok(RegionChoice { region, source, notes, files, steps })
    }

    /// Why nothing was chosen.
    fn problem(&self, steps: &[RegionStep]) -> String {
        for step in steps {
            if let Verdict::Refused(reason) = &step.verdict {
                let from =
                    if step.name == "flag" { String::new() } else { format!(" ({})", step.origin) };
                return format!("{reason}{from}");
            }
        }
        let of = self.partition.map(|id| format!(" of partition '{id}'")).unwrap_or_default();
        let (source, date) = (self.data.source, self.data.date);
        format!(
            "leapp's own region data ({source}, {date}) has no region{of}: it was built wrongly"
        )
    }

    /// The user's variable that says another region than the one that is used. Of the two the first
    /// one that differs is enough to be told of; one that was passed over is told of already.
    fn overruled(&self, steps: &[RegionStep], region: &RegionName, source: &str) -> Option<String> {
        let told = |name: &str| steps.iter().any(|step| step.name == name && step.note().is_some());
        let mut variables = [REGION, DEFAULT].into_iter().filter(|name| !told(name));
        variables.find_map(|name| {
            let theirs = self.variable(name).value.filter(|value| value != region.as_str())?;
            Some(format!("region {region} ({source}) wins over {name}={theirs}"))
        })
    }

    fn walk(&self, look: Look) -> Walk {
        let mut walk = Walk { steps: Vec::new(), chosen: None, files: Vec::new() };
        let mut over = false;
        for Step { name, rule, find } in &STEPS {
            let reading = if over && look == Look::UntilFound { Reading::No } else { Reading::Yes };
            let Found { origin, value, file, problem } = find(self, reading);
            let verdict = if over {
                Verdict::NotReached
            } else {
                walk.files.extend(file);
                let judged = value.as_deref().map(|text| self.judge(text, *rule));
                let (verdict, region) = judged.unwrap_or((Verdict::Skipped(problem), None));
                over = region.is_some() || matches!(verdict, Verdict::Refused(_));
                walk.chosen = region;
                verdict
            };
            walk.steps.push(RegionStep { name, origin, value, verdict });
        }
        walk
    }

    fn judge(&self, text: &str, rule: Rule) -> (Verdict, Option<RegionName>) {
        let parsed = RegionName::parse(text).map_err(|error| error.to_string());
        let judged =
            parsed.and_then(|region| Ok((fits(self.data, &region, self.partition)?, region)));
        let unlisted = || format!("the region data of {} does not list it", self.data.date);
        match (judged, rule) {
            (Ok((Knowledge::Listed, region)), _) => (Verdict::Used(None), Some(region)),
            (Ok((Knowledge::Matches, region)), Rule::Said) => {
                (Verdict::Used(Some(unlisted())), Some(region))
            }
            (Ok((Knowledge::Matches, _)), Rule::Listed) => {
                let date = self.data.date;
                let reason = format!(
                    "the region data of {date} does not list '{text}'; --region {text} uses it all \
                     the same"
                );
                (Verdict::Skipped(Some(reason)), None)
            }
            (Err(reason), Rule::Said) => (Verdict::Refused(reason), None),
            (Err(reason), Rule::Listed) => (Verdict::Skipped(Some(reason)), None),
        }
    }

    /// A variable of the user's own; an empty one counts as unset.
    fn variable(&self, name: &str) -> Found {
        let value = (self.sources.own)(name).filter(|value| !value.is_empty());
        Found { origin: name.to_owned(), value, file: None, problem: None }
    }
}

fn flag(search: &Search<'_>, _: Reading) -> Found {
    let value = search.sources.flag.map(ToString::to_string);
    Found { origin: "--region".into(), value, file: None, problem: None }
}

fn project(search: &Search<'_>, _: Reading) -> Found {
    let file = search.sources.project_file;
    let origin = file.map_or_else(
        || "the project file".to_owned(),
        |file| format!("project file '{}'", file.display()),
    );
    Found {
        origin,
        value: search.sources.project.map(ToString::to_string),
        file: None,
        problem: None,
    }
}

fn session(search: &Search<'_>, _: Reading) -> Found {
    let origin = format!("session '{}'", search.session.name);
    Found {
        origin,
        value: search.session.region.as_ref().map(ToString::to_string),
        file: None,
        problem: None,
    }
}

fn profile(search: &Search<'_>, reading: Reading) -> Found {
    let own = search.sources.own;
    let name = own("AWS_PROFILE").filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "default".into());
    let Some(path) = config_file(own) else {
        return Found {
            origin: format!("profile '{name}'"),
            value: None,
            file: None,
            problem: None,
        };
    };
    let origin = format!("profile '{name}' in {}", path.display());
    let read = match reading {
        Reading::Yes => profile_region(own, &name),
        Reading::No => Ok(None),
    };
    let (value, problem) = match read {
        Ok(value) => (value, None),
        Err(problem) => (None, Some(problem)),
    };
    Found { origin, value, file: Some(path), problem }
}

fn workspace(search: &Search<'_>, _: Reading) -> Found {
    let value = search.sources.default.map(ToString::to_string);
    Found { origin: "the workspace's default".into(), value, file: None, problem: None }
}

/// `us-east-1`, or in a partition without it the region where that one's global services are.
fn usual(search: &Search<'_>, _: Reading) -> Found {
    const USUAL: &str = "us-east-1";
    let bound = search.partition.and_then(|id| search.data.by_id(id));
    let value = bound.filter(|partition| !partition.lists(USUAL)).map(|p| p.implicit_region);
    let listed = |region: &&str| search.data.partitions.iter().any(|p| p.lists(region));
    let value = Some(value.unwrap_or(USUAL)).filter(listed).map(str::to_owned);
    Found { origin: "the last resort".into(), value, file: None, problem: None }
}

/// The first region there is.
fn first(search: &Search<'_>, _: Reading) -> Found {
    let may = |p: &&partition::Partition| search.partition.is_none_or(|id| id == p.id);
    let mut regions = search.data.partitions.iter().filter(may).flat_map(|p| p.regions);
    let value = regions.next().map(|region| region.id.to_owned());
    Found { origin: "the first region of the data".into(), value, file: None, problem: None }
}

fn config_file(own: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    users_file(own, "AWS_CONFIG_FILE", ".aws/config")
}

fn users_file(
    own: &dyn Fn(&str) -> Option<String>,
    variable: &str,
    usual: &str,
) -> Option<PathBuf> {
    let home = || own("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    match own(variable).filter(|path| !path.is_empty()) {
        Some(path) => match path.strip_prefix("~/") {
            Some(rest) => home().map(|home| home.join(rest)),
            None => Some(path.into()),
        },
        None => home().map(|home| home.join(usual)),
    }
}

/// The region of a profile, of both shared files; as in every SDK, the credentials file comes first.
/// What cannot be read has none; the error says why.
fn profile_region(
    own: &dyn Fn(&str) -> Option<String>,
    profile: &str,
) -> Result<Option<String>, String> {
    let read = |path: Option<PathBuf>, kind| -> Result<Option<(PathBuf, Document)>, String> {
        let Some(path) = path else { return Ok(None) };
        let found = super::profile::document(&path, kind).map_err(|problem| problem.to_string())?;
        Ok(found.map(|document| (path, document)))
    };
    let config = read(config_file(own), FileKind::Config)?;
    let credentials = users_file(own, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    let credentials = read(credentials, FileKind::Credentials)?;
    let shared = SharedConfig::merge(config, credentials);
    let region = shared.profile(profile).and_then(|profile| profile.get("region"));
    Ok(region.filter(|region| !region.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{
        cloud::partition::tiny::{MOON, NONE, ONE, TWO},
        model::{SessionName, session::Fields},
        system::files,
    };

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
            project_file: None,
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
            Case { flag: "eu-west-9", expected: "eu-west-9", notes: 1, ..none },
            Case { session: "westeurope", expected: "error", ..none },
        ] {
            check(&case, &config);
        }
    }

    #[test]
    fn a_config_file_that_the_aws_cli_would_refuse_is_passed_over() {
        let top = tempfile::tempdir().unwrap();
        let config = top.path().join("config");
        let text = "[default]\nregion = ap-south-1\nregion = ap-south-2\n";
        files::write_private(&config, text.as_bytes(), files::Durability::Cache).unwrap();
        let own = |name: &str| (name == "AWS_CONFIG_FILE").then(|| config.display().to_string());
        let sources = RegionSources {
            flag: None,
            project: None,
            project_file: None,
            own: &own,
            default: None,
        };
        let choice = choose(&session(None), None, &sources).unwrap();
        assert_eq!(choice.region.as_str(), "us-east-1");
        let place = "config:3:1: key 'region' is set in line 2 already";
        assert!(choice.notes[0].ends_with(place), "{:?}", choice.notes);
        assert!(choice.notes[0].contains("is passed over"), "{:?}", choice.notes);
    }

    #[test]
    fn a_partition_binds_the_region() {
        let flag = RegionName::parse("eu-west-1").unwrap();
        let own = |_: &str| None;
        let none = RegionSources {
            flag: None,
            project: None,
            project_file: None,
            own: &own,
            default: None,
        };
        let sources = RegionSources { flag: Some(&flag), ..none };
        assert!(choose(&session(None), Some("aws-cn"), &sources).is_err());
        let none = RegionSources {
            flag: None,
            project: None,
            project_file: None,
            own: &own,
            default: None,
        };
        let sources = RegionSources { default: Some(&flag), ..none };
        let choice = choose(&session(None), Some("aws-cn"), &sources).unwrap();
        assert_eq!(choice.region.as_str(), "cn-northwest-1");
        assert_eq!(
            home(&session(None), Some("aws-cn"), Some(&flag)).unwrap().as_str(),
            "cn-northwest-1"
        );
        assert_eq!(home(&session(None), None, Some(&flag)).unwrap().as_str(), "eu-west-1");
    }

    /// What a person can have said, the region of the session first.
    #[derive(Clone, Copy)]
    struct Seed {
        saved: &'static str,
        variable: &'static str,
        profile: &'static str,
        workspace: &'static str,
        arn: Option<&'static str>,
    }

    fn found(seed: Seed, data: &Data, config: &std::path::Path) -> (Result<String, String>, Walk) {
        let text = format!("[default]\nregion = {}\n", seed.profile);
        files::write_private(config, text.as_bytes(), files::Durability::Cache).unwrap();
        let own = |name: &str| match name {
            "AWS_CONFIG_FILE" => Some(config.to_str().unwrap().to_owned()),
            REGION => Some(seed.variable.to_owned()),
            _ => None,
        };
        let default = RegionName::parse(seed.workspace).ok();
        let (none, default) = (None, default.as_ref());
        let sources =
            RegionSources { flag: none, project: none, project_file: None, own: &own, default };
        let session = session(Some(seed.saved).filter(|saved| !saved.is_empty()));
        let search = Search { session: &session, partition: seed.arn, sources: &sources, data };
        let choice = search.choose().map(|choice| choice.region.to_string());
        (choice.map_err(|error| error.problem), search.walk(Look::UntilFound))
    }

    const EMPTY: Seed = Seed { saved: "", variable: "", profile: "", workspace: "", arn: None };
    const FATAL: &str =
        "leapp's own region data (a test, 2026-01-02) has no region: it was built wrongly";

    /// A word about it, what is set, the data, and the region or the problem.
    type SeedCase = (&'static str, Seed, &'static Data, Result<&'static str, &'static str>);

    /// The seed's list, with "continue down the list until a valid region is found".
    const SEED_CASES: &[SeedCase] = &[
        (
            "what was saved is used",
            Seed { saved: "eu-west-1", variable: "us-west-2", profile: "us-west-1", ..EMPTY },
            &DATA,
            Ok("eu-west-1"),
        ),
        (
            "here the design decides: a session's unknown region is an error",
            Seed { saved: "moon-1", variable: "us-west-2", ..EMPTY },
            &DATA,
            Err("there is no AWS region \"moon-1\" (session 'prod')"),
        ),
        (
            "an unknown default goes on",
            Seed { workspace: "moon-1", variable: "us-west-2", ..EMPTY },
            &DATA,
            Ok("us-west-2"),
        ),
        (
            "an unknown variable goes on",
            Seed { variable: "moon-1", profile: "us-west-2", ..EMPTY },
            &DATA,
            Ok("us-west-2"),
        ),
        (
            "so does one of the right form",
            Seed { variable: "eu-west-9", profile: "us-west-2", ..EMPTY },
            &DATA,
            Ok("us-west-2"),
        ),
        ("an unknown profile goes on", Seed { profile: "moon-1", ..EMPTY }, &DATA, Ok("us-east-1")),
        (
            "so does an unknown default",
            Seed { workspace: "moon-1", ..EMPTY },
            &DATA,
            Ok("us-east-1"),
        ),
        ("the usual one", EMPTY, &TWO, Ok("us-east-1")),
        ("the only one", EMPTY, &ONE, Ok("us-region-1")),
        (
            "the only one, behind unknown ones",
            Seed { variable: "us-west-2", ..EMPTY },
            &ONE,
            Ok("us-region-1"),
        ),
        ("none at all", EMPTY, &NONE, Err(FATAL)),
        (
            "none at all, whatever is set",
            Seed { variable: "us-west-2", ..EMPTY },
            &NONE,
            Err(FATAL),
        ),
        (
            "a second partition",
            Seed { profile: "moon-east-2001", ..EMPTY },
            &MOON,
            Ok("moon-east-2001"),
        ),
        ("an ARN's partition", Seed { arn: Some("moon"), ..EMPTY }, &MOON, Ok("moon-east-2001")),
        (
            "the variable before the profile",
            Seed { variable: "us-west-2", profile: "eu-west-3", ..EMPTY },
            &DATA,
            Ok("us-west-2"),
        ),
    ];

    #[test]
    fn the_search_goes_on_behind_what_the_data_does_not_list() {
        let top = tempfile::tempdir().unwrap();
        let config = top.path().join("config");
        for (what, seed, data, expected) in SEED_CASES {
            let (region, walk) = found(*seed, data, &config);
            assert_eq!(region.as_deref().map_err(String::as_str), *expected, "{what}");
            assert_eq!(walk.steps.len(), STEPS.len(), "{what}");
            let deciding = walk.steps.iter().filter(|step| step.verdict.decides()).count();
            assert_eq!(deciding, usize::from(expected.is_ok()), "{what}");
        }
        let moon = RegionName::parse("moon-east-2001").unwrap();
        assert_eq!(MOON.of_region(&moon).unwrap().0.id, "moon");
    }

    #[test]
    fn every_step_tells_what_stands_there_and_what_became_of_it() {
        let top = tempfile::tempdir().unwrap();
        let config = top.path().join("config");
        files::write_private(&config, b"[default]\nregion = sa-east-1\n", files::Durability::Cache)
            .unwrap();
        let own = |name: &str| match name {
            "AWS_CONFIG_FILE" => Some(config.to_str().unwrap().to_owned()),
            REGION => Some("nowhere".to_owned()),
            DEFAULT => Some("eu-west-3".to_owned()),
            _ => None,
        };
        let sources = RegionSources {
            flag: None,
            project: None,
            project_file: None,
            own: &own,
            default: None,
        };
        let told = |steps: &[RegionStep]| -> Vec<String> {
            let line = |step: &RegionStep| {
                let value = step.value.as_deref().unwrap_or("-");
                format!("{} | {value} | {}", step.origin, step.verdict.in_words())
            };
            steps.iter().map(line).collect()
        };
        let profile = format!("profile 'default' in {}", config.display());
        let expected = [
            "--region | - | not set",
            "the project file | - | not set",
            "session 'prod' | - | not set",
            "AWS_REGION | nowhere | passed over: there is no AWS region \"nowhere\"",
            "AWS_DEFAULT_REGION | eu-west-3 | used",
            &format!("{profile} | sa-east-1 | not reached"),
            "the workspace's default | - | not reached",
            "the last resort | us-east-1 | not reached",
            "the first region of the data | af-south-1 | not reached",
        ];
        assert_eq!(told(&steps(&session(None), None, &sources)), expected);
        // Who only wants a region does not read a file that cannot change it, and depends on none.
        let choice = choose(&session(None), None, &sources).unwrap();
        assert_eq!(told(&choice.steps)[5], format!("{profile} | - | not reached"));
        assert!(choice.files.is_empty(), "{:?}", choice.files);
        assert_eq!(choice.source, DEFAULT);
        let refused = steps(&session(Some("westeurope")), None, &sources);
        assert_eq!(
            told(&refused)[2],
            "session 'prod' | westeurope | refused: there is no AWS region \"westeurope\""
        );
        assert_eq!(told(&refused)[4], "AWS_DEFAULT_REGION | eu-west-3 | not reached");
    }

    #[test]
    fn what_the_data_does_not_list_is_used_with_a_warning_where_it_was_said() {
        let flag = RegionName::parse("eu-west-9").unwrap();
        let file = std::path::Path::new("/code/.leapp.toml");
        let own = |name: &str| (name == REGION).then(|| "eu-west-1".to_owned());
        let none = RegionSources {
            flag: None,
            project: None,
            project_file: None,
            own: &own,
            default: None,
        };
        let project = Some(&flag);
        for (sources, origin) in [
            (RegionSources { flag: Some(&flag), ..none }, "--region"),
            (
                RegionSources { project, project_file: Some(file), ..none },
                "project file '/code/.leapp.toml'",
            ),
        ] {
            let choice = choose(&session(None), None, &sources).unwrap();
            assert_eq!(choice.region, flag);
            let date = DATA.date;
            let expected = [
                format!(
                    "region eu-west-9 ({origin}) is used, though the region data of {date} does not \
                     list it"
                ),
                format!("region eu-west-9 ({origin}) wins over AWS_REGION=eu-west-1"),
            ];
            assert_eq!(choice.notes, expected);
        }
    }
}
