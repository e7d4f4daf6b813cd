//! The way to the network: proxy variables and bundles of certificates. Nothing is connected to, and
//! no proxy's address is shown: it may hold a password.

use std::path::PathBuf;

use super::{Finding, unset};
use crate::{cli::context::variable, cloud::http, shell::Shell, system::files};

const PROXY: &str = "proxy";
const CERTIFICATES: &str = "certificates";
/// Each in both spellings.
const PROXIES: &[[&str; 2]] =
    &[["HTTPS_PROXY", "https_proxy"], ["HTTP_PROXY", "http_proxy"], ["ALL_PROXY", "all_proxy"]];
/// No bundle of certificates is larger, in bytes.
const LARGEST_BUNDLE: u64 = 16 << 20;

pub(super) fn findings(shell: &dyn Shell) -> Vec<Finding> {
    let mut findings = proxies(shell);
    findings.extend(bundles(shell));
    findings
}

fn text(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().into_owned())
}

fn proxies(shell: &dyn Shell) -> Vec<Finding> {
    let names: Vec<&str> =
        PROXIES.iter().flatten().copied().filter(|name| variable(name).is_some()).collect();
    if names.is_empty() {
        return vec![Finding::ok(PROXY, "none is set")];
    }
    let mut findings: Vec<Finding> = names.iter().flat_map(|name| address(name, shell)).collect();
    for [upper, lower] in PROXIES {
        if let (Some(one), Some(other)) = (text(upper), text(lower))
            && one != other
        {
            let text = format!("{upper} and {lower} differ, and programs disagree which counts");
            findings.push(Finding::warning(PROXY, text).command(unset(shell, &[lower])));
        }
    }
    findings.extend(exceptions(shell));
    if findings.is_empty() {
        findings.push(Finding::ok(PROXY, format!("set: {}", names.join(", "))));
    }
    findings
}

/// What is wrong with a proxy's address.
fn address(name: &str, shell: &dyn Shell) -> Vec<Finding> {
    let mut findings = Vec::new();
    let value = text(name).unwrap_or_default();
    let rest = match value.split_once("://") {
        Some((_, rest)) => rest,
        None => {
            let text = format!("{name} has no scheme, and programs disagree what that means");
            let command = set(shell, name, "http://HOST:PORT");
            findings.push(Finding::warning(PROXY, text).command(command));
            value.as_str()
        }
    };
    if rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
        let text = format!(
            "{name} holds a user or a password, which every program of this shell can read; it is \
             not shown here"
        );
        findings.push(Finding::info(PROXY, text).command(unset(shell, &[name])));
    }
    findings
}

/// Whether this machine itself is reached without the proxy.
fn exceptions(shell: &dyn Shell) -> Option<Finding> {
    let list = [text("NO_PROXY"), text("no_proxy")].into_iter().flatten().collect::<Vec<_>>();
    let list = list.join(",");
    let words: Vec<&str> = list.split([',', ' ']).map(str::trim).collect();
    let has = |names: &[&str]| words.iter().any(|word| *word == "*" || names.contains(word));
    if has(&["127.0.0.1", "127.0.0.0/8"]) && has(&["localhost", ".localhost"]) {
        return None;
    }
    let text = "NO_PROXY lacks 127.0.0.1 or localhost: programs ask the proxy for what runs on this \
                machine; leapp itself does not";
    let value = match shell.id() {
        "fish" => "$NO_PROXY,127.0.0.1,localhost",
        "powershell" => "$env:NO_PROXY,127.0.0.1,localhost",
        _ => "${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost",
    };
    Some(Finding::warning(PROXY, text).command(set(shell, "NO_PROXY", value)))
}

/// The line that sets a variable.
fn set(shell: &dyn Shell, name: &str, value: &str) -> String {
    match shell.id() {
        "fish" => format!("set -gx {name} \"{value}\""),
        "powershell" => format!("$env:{name} = \"{value}\""),
        _ => format!("export {name}=\"{value}\""),
    }
}

/// Files of certificates that are named and cannot be used.
fn bundles(shell: &dyn Shell) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names = Vec::new();
    for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let Some(path) = variable(name).map(PathBuf::from) else { continue };
        names.push(name);
        let problem = match name {
            "AWS_CA_BUNDLE" => http::check_bundle(&path).err().map(|error| error.to_string()),
            "SSL_CERT_FILE" => match files::read_users(&path, LARGEST_BUNDLE) {
                Ok(Some(_)) => None,
                Ok(None) => Some(format!("'{}' does not exist", path.display())),
                Err(error) => Some(error.to_string()),
            },
            _ if std::env::split_paths(&path).any(|path| path.is_dir()) => None,
            _ => Some(format!("'{}' is no directory", path.display())),
        };
        if let Some(problem) = problem {
            let text = format!("{name}: {problem}");
            findings.push(Finding::problem(CERTIFICATES, text).command(unset(shell, &[name])));
        }
    }
    if findings.is_empty() {
        let more =
            if names.is_empty() { String::new() } else { format!(", and {}", names.join(", ")) };
        findings.push(Finding::ok(CERTIFICATES, format!("the system's{more}")));
    }
    findings
}
