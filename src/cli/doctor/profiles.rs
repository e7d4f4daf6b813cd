//! The shared files: profiles that are bound to a session, and long-term keys in plain text.

use std::{os::unix::fs::MetadataExt, path::Path};

use super::{Finding, word};
use crate::{
    access::profile::{self, long_term_key},
    cli::{context::Context, known::Known, profile::look},
    model::SessionName,
    shell::Shell,
};

const SUBJECT: &str = "profile";

pub(super) fn findings(context: &Context, known: &Known, shell: &dyn Shell) -> Vec<Finding> {
    let mut findings = bound(context, known);
    findings.extend(keys(context, known, shell));
    let path = profile::credentials_path(context);
    findings.extend(path.and_then(|path| open_to_others(&path, shell)));
    findings
}

fn bound(context: &Context, known: &Known) -> Vec<Finding> {
    let all = look::bindings(context, known);
    let troubled = all.iter().filter_map(|binding| Some((binding, binding.trouble.as_ref()?)));
    let mut findings: Vec<Finding> = troubled
        .map(|(binding, trouble)| {
            let text = format!("'{}' ({}): {}", binding.profile, binding.place, trouble.text);
            let make = if trouble.is_dead { Finding::problem } else { Finding::warning };
            make(SUBJECT, text).command(trouble.command.as_str())
        })
        .collect();
    if findings.is_empty() && !all.is_empty() {
        let text = format!("bound to sessions, and in order: {}", all.len());
        findings.push(Finding::ok(SUBJECT, text));
    }
    findings
}

/// Each profile that holds a key which never ends, where every program of the user's can read it.
fn keys(context: &Context, known: &Known, shell: &dyn Shell) -> Vec<Finding> {
    let shared = profile::load(context).shared;
    let holds = shared.profiles().filter_map(|profile| {
        let place = long_term_key(profile)?.place();
        let taken = known.catalog.workspace.by_name(&profile.name).is_some();
        let fits = SessionName::parse(&profile.name).is_ok() && !taken;
        let name = if fits { profile.name.as_str() } else { "NAME" };
        let text = format!("'{}' holds a long-term key in plain text ({place})", profile.name);
        let from = word(shell, Path::new(&profile.name));
        let command =
            format!("leapp session add aws-iam-user {name} --from-profile {from} --replace");
        Some(Finding::warning("plain key", text).command(command))
    });
    holds.collect()
}

fn open_to_others(path: &Path, shell: &dyn Shell) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return None;
    }
    let text = format!("'{}' has mode {mode:04o}: others may read it", path.display());
    let command = format!("chmod 600 {}", word(shell, path));
    Some(Finding::warning("plain key", text).command(command))
}
