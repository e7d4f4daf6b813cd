//! The project file of the current directory, and the records of what was trusted.

use super::Finding;
use crate::{
    activation::trust::Why,
    cli::{
        context::Context,
        known::Known,
        project::{Here, here, led_to, shown, store},
        trust::{state_of, unusable},
    },
    model::CredentialIdentifier,
};

const SUBJECT: &str = "project";

pub(super) fn findings(context: &Context, known: &Known) -> Vec<Finding> {
    let mut findings = vec![of_here(context, known)];
    findings.extend(records(context));
    findings
}

fn of_here(context: &Context, known: &Known) -> Finding {
    match here(context) {
        Here::Nothing => Finding::ok(SUBJECT, "no project file governs this directory"),
        Here::Denied(place) => {
            let text = format!("{} is denied: it switches nothing on", shown(&place.file));
            Finding::info(SUBJECT, text).command("leapp trust")
        }
        Here::Elsewhere(place) => {
            let text = format!("{} is trusted for its own directory alone", shown(&place.file));
            Finding::info(SUBJECT, text).command("leapp trust")
        }
        Here::Refused(refused) => Finding::failure(SUBJECT, unusable(&refused)),
        Here::Untrusted(place, why, _) => {
            let why = match why {
                Why::Changed(_) => "has changed since it was trusted",
                Why::New => "was never trusted",
                Why::OtherDirectory => "stands in another directory than the one that was trusted",
            };
            let text = format!("{} {why}, so it switches nothing on", shown(&place.file));
            Finding::warning(SUBJECT, text).command("leapp trust")
        }
        Here::Trusted(trusted) => {
            let file = shown(&trusted.place().file);
            let needs_workspace =
                matches!(trusted.bound().identity, CredentialIdentifier::Session(_));
            if needs_workspace && known.workspace().is_none() {
                let text = format!("{file} is trusted, but there is no workspace to look into");
                return Finding::warning(SUBJECT, text).command("leapp list");
            }
            match led_to(&known.catalog, &trusted) {
                Ok(led) => {
                    let text = format!("{file} is trusted and names '{}'", led.session.name);
                    Finding::ok(SUBJECT, text)
                }
                Err(doubt) => Finding::failure(SUBJECT, doubt.failure(&trusted)),
            }
        }
    }
}

/// Records that lead nowhere, and those that cannot be read.
fn records(context: &Context) -> Vec<Finding> {
    let all = store(context).list();
    let is_gone = |state: &str| matches!(state, "gone" | "another directory");
    let stale = all.iter().filter(|record| is_gone(state_of(context, record))).count();
    let mut findings = Vec::new();
    if stale > 0 {
        let text =
            format!("trusted files that are gone, or stand in another directory now: {stale}");
        findings.push(Finding::info("trust", text).command("leapp trust --prune"));
    }
    let files = std::fs::read_dir(context.home.join("trust")).into_iter().flatten().flatten();
    let files = files.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).count();
    if files > all.len() {
        let text = format!(
            "records that cannot be read, so that their files are not trusted: {}",
            files - all.len()
        );
        findings.push(Finding::warning("trust", text).command("leapp trust"));
    }
    findings
}
