//! What a hook of ours says to `leapp hook-env`, read without the command tree: entering a directory
//! costs a start of the program, and clap's part of that is as much as all the rest.
//!
//! Deliberately absent: whatever a hook does not say in just this form. clap reads that, and refuses it.

use std::ffi::OsString;

use super::args::HookEnvArgs;
use crate::model::RegionName;

/// The arguments of `hook-env`, the program's name first; `None` where clap should look.
pub(super) fn parse(arguments: &[OsString]) -> Option<HookEnvArgs> {
    let mut words = arguments.iter().skip(1);
    if words.next()? != "hook-env" {
        return None;
    }
    let shell = words.next()?.to_str()?;
    if shell.starts_with('-') {
        return None;
    }
    let mut args = HookEnvArgs { shell: shell.to_owned(), ..HookEnvArgs::default() };
    while let Some(word) = words.next() {
        let word = word.to_str()?;
        match word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value))) {
            ("--", None) => args.words = words.by_ref().cloned().collect(),
            ("--by-hand", None) => args.by_hand = true,
            ("--held", None) => args.held = true,
            ("--hold", Some(value)) => value.clone_into(&mut args.hold),
            ("--keep", Some(value)) => args.keep = Some(value.to_owned()),
            // A session that was closed without a region has none to tell.
            ("--region", Some("")) => args.region = None,
            ("--region", Some(value)) => args.region = Some(RegionName::parse(value).ok()?),
            ("--said", Some(value)) => value.clone_into(&mut args.said),
            _ => return None,
        }
    }
    Some(args)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Hot, HotCli};
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    /// clap is the judge of every line that a hook says.
    #[test]
    fn it_reads_what_clap_reads() {
        for line in [
            "leapp hook-env bash --said=",
            "leapp hook-env zsh --said=a1b2,c3d4 --held",
            "leapp hook-env fish --said=x --held --hold=u",
            "leapp hook-env powershell --said=x --hold=o",
            "leapp hook-env bash --said= --held --keep=session:x --region=eu-west-1",
            "leapp hook-env bash --by-hand --held -- prod --region us-east-1",
            "leapp hook-env bash --by-hand --",
            "leapp hook-env bash --by-hand -- prod=x --held",
        ] {
            let ours = parse(&words(line)).unwrap_or_else(|| panic!("{line}"));
            let cli = HotCli::try_parse_from(words(line)).unwrap();
            let Hot::HookEnv(clap) = cli.command else { panic!("{line}") };
            assert_eq!(format!("{ours:?}"), format!("{clap:?}"), "{line}");
        }
    }

    #[test]
    fn a_region_that_is_not_known_is_none() {
        let args = parse(&words("leapp hook-env bash --keep=session:x --region=")).unwrap();
        assert!(args.region.is_none() && args.keep.is_some());
    }

    #[test]
    fn it_leaves_the_rest_to_clap() {
        for line in [
            "leapp env prod",
            "leapp hook-env",
            "leapp hook-env --help",
            "leapp hook-env bash --said",
            "leapp hook-env bash --region=Nowhere!",
            "leapp hook-env bash --json",
            "leapp hook-env bash more",
        ] {
            assert!(parse(&words(line)).is_none(), "{line}");
        }
    }
}
