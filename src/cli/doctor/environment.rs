//! Variables of others that stand beside a session's, or in its way. Only names are shown.

use super::{Finding, Level, unset};
use crate::{
    cli::context::{Context, variable},
    cloud::endpoint,
    envdelta::Managed,
    shell::Shell,
};

const SUBJECT: &str = "environment";

/// Variables by which another tool is known, and what it does.
const TOOLS: &[(&str, &str)] = &[
    ("AWS_VAULT", "aws-vault started this shell"),
    ("AWSUME_PROFILE", "awsume has switched a profile on"),
    ("AWS_SSO_PROFILE", "aws-sso-cli has switched a profile on"),
    ("GRANTED_SSO", "granted has assumed a role"),
    ("GRANTED_SSO_ROLE_NAME", "granted has assumed a role"),
];
/// Variables by which a tool that follows directories is known.
const FOLLOWERS: &[(&str, &str, &str)] = &[
    ("DIRENV_DIR", "direnv", "direnv status"),
    ("__MISE_DIFF", "mise", "mise env"),
    ("__shadowenv_data", "shadowenv", "shadowenv diff"),
];

pub(super) fn findings(context: &Context, shell: &dyn Shell) -> Vec<Finding> {
    let is_on = context.before.state().is_some();
    let mut findings = tools(is_on, shell);
    if is_on {
        findings.extend(beside(shell));
    } else {
        findings.extend(own_keys(shell));
    }
    findings.extend(FOLLOWERS.iter().filter(|(name, ..)| is_set(name)).map(
        |(name, tool, command)| {
            let text = format!("{tool} has changed this environment too ({name})");
            Finding::info(SUBJECT, text).command(*command)
        },
    ));
    findings.extend(ignored_endpoint(context));
    findings.extend(passphrase(shell));
    if findings.is_empty() {
        findings.push(Finding::ok(SUBJECT, "no other tool's variables"));
    }
    findings
}

fn is_set(name: &str) -> bool {
    variable(name).is_some()
}

/// Beside a session they contradict it; alone they are only good to know.
fn tools(is_on: bool, shell: &dyn Shell) -> Vec<Finding> {
    let level = if is_on { Level::Warning } else { Level::Info };
    let found = TOOLS.iter().filter(|(name, _)| is_set(name));
    let finding = |(name, what): &(&str, &str)| {
        let text = format!("{name} is set: {what}; prompts and programs may show or use that");
        Finding::new(level, SUBJECT, text).command(unset(shell, &[name]))
    };
    found.map(finding).collect()
}

/// What came back after a session had removed it: some programs prefer it to the keys.
fn beside(shell: &dyn Shell) -> Option<Finding> {
    let removed = Managed::of("aws")?.removes.iter().copied();
    let names: Vec<&str> = removed
        .filter(|name| is_set(name) && !TOOLS.iter().any(|(known, _)| known == name))
        .collect();
    let text = format!(
        "set beside the session that is on, and preferred to it by some programs: {}",
        names.join(", ")
    );
    (!names.is_empty()).then(|| Finding::warning(SUBJECT, text).command(unset(shell, &names)))
}

/// Credentials that are not ours.
fn own_keys(shell: &dyn Shell) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (id, secret) = (is_set("AWS_ACCESS_KEY_ID"), is_set("AWS_SECRET_ACCESS_KEY"));
    if id != secret {
        let text = "half an access key is exported: one of AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY is missing";
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        findings.push(Finding::warning(SUBJECT, text).command(unset(shell, &names)));
    } else if id && !is_set("AWS_SESSION_TOKEN") {
        let text = "a long-lived access key is exported, and every program of this shell has it; \
                    leapp can keep it";
        let command = "leapp session add aws-iam-user NAME";
        findings.push(Finding::warning(SUBJECT, text).command(command));
    } else if id {
        let text = "temporary credentials that are not leapp's are exported";
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        findings.push(Finding::info(SUBJECT, text).command(unset(shell, &names)));
    }
    let removed = Managed::of("aws").map(|aws| aws.removes).unwrap_or_default();
    let sources = removed.iter().copied().filter(|name| {
        name.starts_with("AWS_CONTAINER_") || *name == "AWS_WEB_IDENTITY_TOKEN_FILE"
    });
    let sources: Vec<&str> = sources.filter(|name| is_set(name)).collect();
    if !sources.is_empty() {
        let text = format!(
            "this machine or container gives credentials of its own, which programs use while no \
             session is on: {}",
            sources.join(", ")
        );
        findings.push(Finding::info(SUBJECT, text).command(unset(shell, &sources)));
    }
    findings
}

fn ignored_endpoint(context: &Context) -> Option<Finding> {
    let trusted = context.config().is_ok_and(|config| config.endpoint_env);
    let (name, reason) = endpoint::choose(&|name| context.own_text(name), trusted).ignored?;
    let text = format!("{name} is ignored for leapp's own requests: {reason}");
    Some(Finding::info(SUBJECT, text).command("leapp session edit NAME --help"))
}

fn passphrase(shell: &dyn Shell) -> Option<Finding> {
    let name = "LEAPP_VAULT_PASSPHRASE";
    let text = format!(
        "{name} is exported, and every program of this shell can read it; {name}_FILE names a \
         file instead"
    );
    is_set(name).then(|| Finding::info(SUBJECT, text).command(unset(shell, &[name])))
}
