//! The region data and `region list`; what was used lately, by directory, for lists and completion.

use std::{cmp::Ordering, collections::BTreeSet, fs};

use leapp::cloud::partition::DATA;
use serde_json::Value as Json;

use crate::support::{World, files_below, python, repository, run};

/// The lines of a text without what only sets them.
fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().map(str::trim).collect()
}

fn version(source: &str) -> Vec<u32> {
    source.split(['.', ' ']).filter_map(|part| part.parse().ok()).collect()
}

/// Equal where botocore is the one that was recorded. A newer one may know more: that is told. An older one
/// may know nothing that we do not.
#[test]
fn the_region_data_is_that_of_the_botocore_that_it_names() {
    let script = repository().join("src/cloud/partition/data.py");
    let mut command = std::process::Command::new(python());
    command.arg("-B").arg(&script).arg("--print");
    let made = run(&mut command, None);
    let made = made.succeeds().text();
    let kept = fs::read_to_string(script.with_extension("rs")).unwrap();
    let source = made.split('"').nth(1).unwrap();
    let (theirs, ours) = (version(source), version(DATA.source));
    assert_eq!((theirs.len(), ours.len()), (3, 3), "{source} and {}", DATA.source);
    let missing: Vec<&str> = lines(&made).difference(&lines(&kept)).copied().collect();
    let surplus: Vec<&str> = lines(&kept).difference(&lines(&made)).copied().collect();
    let differs = format!(
        "{source} has what data.rs has not: {missing:#?}\nand has not: {surplus:#?}\n\
         run scripts/update-regions"
    );
    match theirs.cmp(&ours) {
        Ordering::Equal => assert!(made == kept, "{differs}"),
        Ordering::Greater => eprintln!("the region data is of {}, and {differs}", DATA.source),
        Ordering::Less => {
            let lost = missing.iter().filter(|line| line.contains("Region {")).count();
            assert_eq!(lost, 0, "data.rs is newer, and yet {differs}");
        }
    }
}

/// The ids of `region list --json`, and the objects.
fn listed(world: &World, more: &[&str]) -> (Vec<String>, Vec<Json>) {
    let words = ["region", "list", "--json"].iter().chain(more);
    let json = world.leapp(words).succeeds().json();
    assert_eq!(json["source"], DATA.source);
    assert_eq!(json["date"], DATA.date);
    let regions = json["regions"].as_array().unwrap().clone();
    (regions.iter().map(|region| region["id"].as_str().unwrap().to_owned()).collect(), regions)
}

/// The ids of those that have the mark.
fn marked(regions: &[Json], mark: &str) -> Vec<String> {
    let with = regions.iter().filter(|region| region[mark] == true);
    with.map(|region| region["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn regions_are_listed_by_id_name_and_partition_with_the_date_of_the_data() {
    let world = World::new();
    let outcome = world.leapp(["region", "list"]);
    outcome.succeeds().says(&format!("as of {} ({})", DATA.date, DATA.source));
    let text = outcome.text();
    let line = text.lines().find(|line| line.contains("eu-west-1")).unwrap();
    let cells: Vec<&str> =
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["eu-west-1", "Europe (Ireland)", "aws", "-"]);
    let line = text.lines().find(|line| line.contains("us-east-1")).unwrap();
    assert!(line.ends_with("default"), "{line}");
    let all: usize = DATA.partitions.iter().map(|partition| partition.regions.len()).sum();
    assert_eq!(text.lines().filter(|line| line.contains("aws")).count(), all);
    assert!(!text.contains("-global"), "{text}");
    assert!(files_below(&world.leapp_home()).is_empty(), "a list made files");
}

#[test]
fn regions_are_found_by_text_and_partition() {
    let world = World::new();
    let ids = |more: &[&str]| listed(&world, more).0;
    assert_eq!(ids(&["ireland"]), ["eu-west-1"]);
    assert_eq!(ids(&["EU-ISOE"]), ["eu-isoe-west-1"]);
    assert_eq!(ids(&["--partition", "aws-cn"]), ["cn-north-1", "cn-northwest-1"]);
    assert_eq!(ids(&["govcloud"]), ["us-gov-east-1", "us-gov-west-1"]);
    assert_eq!(ids(&["ireland", "--partition", "aws-cn"]), [""; 0]);
    world
        .leapp(["region", "list", "atlantis"])
        .succeeds()
        .prints("")
        .says("no region has \"atlantis\"");
    world.leapp(["region", "list", "--partition", "moon"]).fails(2).says("aws-us-gov");
}

#[test]
fn the_partition_one_works_in_comes_first() {
    let mut world = World::with_role("prod", "Admin");
    assert_eq!(listed(&world, &[]).0[0], "af-south-1");
    world.leapp(["region", "set", "cn-north-1"]).succeeds();
    let (ids, regions) = listed(&world, &[]);
    assert_eq!(ids[..3], ["cn-north-1", "cn-northwest-1", "af-south-1"]);
    assert_eq!(marked(&regions, "default"), ["cn-north-1"]);
    assert_eq!(marked(&regions, "current"), [""; 0]);
    // A variable of the user's is no session that is on.
    world.set("AWS_REGION", "us-gov-west-1");
    assert_eq!(listed(&world, &[]).0[0], "cn-north-1");
    let outcome = world.leapp(["exec", "prod", "--", "leapp", "region", "list", "--json"]);
    let json = outcome.succeeds().json();
    let regions = json["regions"].as_array().unwrap();
    assert_eq!(regions[0]["id"], "af-south-1", "the session's partition comes first");
    assert_eq!(marked(regions, "current"), ["eu-west-1"]);
    assert_eq!(marked(regions, "default"), ["cn-north-1"]);
    let text = world.leapp(["exec", "prod", "--", "leapp", "region", "list"]).succeeds().text();
    let line = text.lines().find(|line| line.contains("Ireland")).unwrap();
    assert!(line.starts_with('*') && line.ends_with("in use, recent here"), "{line}");
}

#[test]
fn a_damaged_workspace_hides_the_default_and_nothing_else() {
    let world = World::with_user();
    fs::write(world.leapp_home().join("Leapp-lock.json"), "damaged").unwrap();
    let outcome = world.leapp(["region", "list", "ireland"]);
    outcome.succeeds().says("the default region is not known");
    assert!(outcome.text().contains("eu-west-1"), "{outcome}");
}

#[test]
fn a_default_that_would_never_count_is_refused() {
    let world = World::new();
    let outcome = world.leapp(["region", "set", "eu-west-9"]);
    outcome.fails(2).says(&format!("the region data of {} does not list 'eu-west-9'", DATA.date));
    outcome.says("leapp session edit NAME --region eu-west-9");
    world.leapp(["region", "set", "nowhere"]).fails(2).says("hint: leapp region list");
}

#[test]
fn what_was_used_in_a_directory_is_marked_and_offered_first_there() {
    let world = World::with_role("prod", "Admin");
    let here = world.home.path().join("shop");
    fs::create_dir(&here).unwrap();
    let used = |region: &str, directory: &std::path::Path| {
        let mut command = world.command(["exec", "prod", "--region", region, "--", "true"]);
        command.current_dir(directory);
        world.run(command, None).succeeds();
    };
    for region in ["sa-east-1", "eu-north-1", "sa-east-1"] {
        used(region, &here);
    }
    used("us-west-2", world.home.path());
    let inside = |words: &[&str]| {
        let mut command = world.command(words);
        command.current_dir(&here);
        let outcome = world.run(command, None);
        outcome.succeeds();
        outcome
    };
    let json = inside(&["region", "list", "--json"]).json();
    assert_eq!(marked(json["regions"].as_array().unwrap(), "recent"), ["eu-north-1", "sa-east-1"]);
    assert_eq!(marked(&listed(&world, &[]).1, "recent"), ["us-west-2"]);
    let text = inside(&["complete", "--at", "3", "--", "leapp", "env", "--region", ""]).text();
    let offered: Vec<&str> = text.lines().take(3).collect();
    let expected = ["sa-east-1\tSouth America (Sao Paulo)", "eu-north-1\tEurope (Stockholm)"];
    assert_eq!(offered[..2], expected);
    assert!(offered[2].starts_with("af-south-1\t"), "{offered:?}");
}

#[test]
fn a_line_of_the_log_says_where_and_one_of_an_older_program_still_counts() {
    let mut world = World::with_role("prod", "Admin");
    world.leapp(["exec", "prod", "--", "true"]).succeeds();
    world.leapp(["exec", "prod", "--", "true"]).succeeds();
    let path = world.leapp_home().join("audit.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let home = fs::canonicalize(world.home.path()).unwrap();
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        assert_eq!(line["directory"], home.to_str().unwrap(), "{line}");
        assert_eq!(line["region"], "eu-west-1", "{line}");
    }
    assert_eq!(text.lines().count(), 2, "warm and cold");
    let mut old: Json = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    old.as_object_mut().unwrap().retain(|name, _| name != "directory" && name != "region");
    fs::write(&path, format!("{old}\n")).unwrap();
    assert_eq!(marked(&listed(&world, &[]).1, "recent"), [""; 0]);
    world.set("AWS_REGION", "eu-west-9");
    world.leapp(["session", "edit", "prod", "--region", ""]).succeeds();
    world
        .leapp(["exec", "prod", "--", "true"])
        .succeeds()
        .says("does not list 'eu-west-9'; --region eu-west-9 uses it all the same");
    let recent = marked(&listed(&world, &[]).1, "recent");
    assert_eq!(recent, ["us-east-1"], "what was passed over was not used");
}
