//! `leapp explain NAME`: what handing a session out would do, and where each value comes from.
//! Does nothing of it: no network, no program, no vault, no question, no file.

use serde_json::{Value as Json, json};

use super::{
    args::ExplainArgs,
    context::{Context, variable},
    failure::{Kind, Outcome},
    handout::{self, Regions, Warmth},
    known::Known,
    print, print_json, project,
    session::summary_of,
};
use crate::{
    access::{self, Call, RegionSources, RegionStep, source::Place},
    envdelta::{MANAGED, ORIGINALS},
    model::{Session, duration},
    output::table::visible,
    resolver::{CredentialManager, Planned, Want},
};

mod text;

pub(super) fn run(context: &Context, args: &ExplainArgs) -> Outcome<u8> {
    let known = context.known();
    let session = known.find(&args.name)?;
    let manager = context.manager(&known.catalog, context.existing_cache())?;
    let whole = explain(context, &known, &manager, session, args)?;
    if context.ui.manner().json {
        print_json(&whole.as_json())?;
    } else {
        print(&text::of(&whole))?;
    }
    Ok(whole.exit())
}

/// All that is told.
struct Whole<'a> {
    session: &'a Session,
    plan: Vec<Planned<'a>>,
    region: Vec<RegionStep>,
    /// Variables of the environment that matter, and what becomes of each.
    environment: Vec<(String, String)>,
    answer: Warmth,
    asks: Vec<String>,
    calls: Vec<(String, Call)>,
    warnings: Vec<String>,
    /// Whether a person is needed to have credentials now.
    needs_person: bool,
}

fn explain<'a>(
    context: &Context,
    known: &Known,
    manager: &'a CredentialManager<'a>,
    session: &'a Session,
    args: &ExplainArgs,
) -> Outcome<Whole<'a>> {
    let want = Want { duration: args.duration, ..Want::default() };
    let plan = manager.plan(session, want)?;
    let needed = needed(&plan);
    let asks = asks(session, &plan, needed);
    let calls =
        plan.iter().take(needed).rev().flat_map(|hop| {
            hop.calls.iter().map(|call| (hop.session.name.to_string(), call.clone()))
        });
    let calls = calls.collect();
    let identity = session.identifier();
    let mine = known.warnings.iter().filter(|warning| warning.identifier == identity);
    let mut warnings: Vec<String> = mine.map(|warning| warning.text.clone()).collect();
    warnings.extend(plan.iter().flat_map(|hop| hop.notes.clone()));
    if access::profile::holds_long_term_keys(session) {
        warnings.push("its long-term key lies in a plain file".to_owned());
    }
    let answer = handout::warmth(context, &args.name, args.region.as_ref(), args.duration);
    let waits = plan.iter().take(needed);
    let needs_person = waits.clone().any(|hop| hop.asks || hop.lacks.is_some());
    Ok(Whole {
        region: region_steps(context, known, session, args)?,
        environment: environment(context),
        session,
        asks,
        calls,
        warnings,
        answer,
        needs_person,
        plan,
    })
}

/// How many hops, from the first, need new credentials: those in front of one that is kept.
fn needed(plan: &[Planned<'_>]) -> usize {
    plan.iter().position(|hop| hop.kept.is_some() && !hop.is_due).unwrap_or(plan.len())
}

/// What a person would be asked, in the order of asking.
fn asks(session: &Session, plan: &[Planned<'_>], needed: usize) -> Vec<String> {
    let mut asks = Vec::new();
    if session.protected {
        asks.push(format!("the name '{}', typed in full: it is protected", session.name));
    }
    for hop in plan.iter().take(needed).rev() {
        let name = &hop.session.name;
        let factory = access::factory(&hop.session.session_type);
        if factory.is_some_and(|factory| factory.secret().is_some()) {
            asks.push(format!("to unlock the vault for the secret of '{name}', if it is locked"));
        }
        if let Some(lacking) = &hop.lacks {
            asks.push(format!("a login, for '{name}': {lacking}"));
        }
        if hop.asks {
            let device = summary_of(hop.session).mfa_device.unwrap_or_default();
            asks.push(format!("an MFA code of {device}, for '{name}'"));
        }
    }
    asks
}

fn region_steps(
    context: &Context,
    known: &Known,
    session: &Session,
    args: &ExplainArgs,
) -> Outcome<Vec<RegionStep>> {
    let factory = handout::factory_of(session)?;
    let trusted = args.region.is_none().then(|| project::trusted_here(context)).flatten();
    let mut said = trusted.map(|trusted| Regions::of_project(&trusted)).unwrap_or_default();
    said.flag.clone_from(&args.region);
    let own = |name: &str| context.own_text(name);
    let sources = RegionSources {
        flag: said.flag.as_ref(),
        project: said.project.as_ref(),
        project_file: said.project_file.as_deref(),
        own: &own,
        default: known.catalog.workspace.default_region.as_ref(),
    };
    Ok(factory.region_steps(session, &sources))
}

/// The variables that would outrank, contradict or redirect what a session sets.
fn environment(context: &Context) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let ours = context.before.state().is_some();
    let set = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    for managed in MANAGED {
        for name in managed.removes.iter().filter(|name| set(name).is_some()) {
            found.push(((*name).to_owned(), "is taken away while the session is on".to_owned()));
        }
        for name in managed.sets.iter().filter(|name| set(name).is_some()) {
            let own = context.own(name).is_some();
            let whose = match (ours, ORIGINALS.contains(name) && own) {
                (true, _) => "is of the session that is on here, and replaced",
                (false, _) => "is replaced while the session is on",
            };
            found.push(((*name).to_owned(), whose.to_owned()));
        }
    }
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        if let Some(path) = set(name) {
            found.push((name.to_owned(), format!("profiles are read from {path}")));
        }
    }
    for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
        let Some(url) = context.own_text(name).filter(|url| !url.is_empty()) else { continue };
        let word = if context.trusts(&url) {
            "leapp's own requests go there, and the programs'"
        } else {
            "programs' requests go there; leapp's own do not"
        };
        found.push((name.to_owned(), word.to_owned()));
    }
    found
}

impl Whole<'_> {
    /// The status that `leapp status NAME` has.
    fn exit(&self) -> u8 {
        let waits = self.needs_person && !self.is_kept();
        if waits { Kind::NeedsAction.exit() } else { 0 }
    }

    fn is_kept(&self) -> bool {
        self.plan.first().is_some_and(|hop| hop.kept.is_some())
    }

    fn as_json(&self) -> Json {
        let chain = self.plan.iter().map(|hop| {
            let kept = hop.kept.as_ref();
            json!({
                "identifier": hop.session.identifier().to_string(),
                "name": hop.session.name,
                "type": hop.session.session_type,
                "values": hop.origins.iter().map(|origin| json!({
                    "name": origin.name,
                    "value": origin.value,
                    "secret": origin.value.is_none(),
                    "place": origin.place,
                })).collect::<Json>(),
                "cached": kept.map(|(clocked, path)| json!({
                    "expiration": clocked.local_expiry().rfc3339(),
                    "secondsLeft": clocked.left(),
                    "due": hop.is_due,
                    "entry": path.as_ref().map(|path| path.display().to_string()),
                })),
            })
        });
        let steps = self.region.iter().map(|step| {
            json!({
                "step": step.name,
                "origin": step.origin,
                "value": step.value,
                "used": step.verdict.decides(),
                "verdict": step.verdict.in_words(),
            })
        });
        let calls = self.calls.iter().map(|(of, call)| {
            let parameters: serde_json::Map<String, Json> =
                call.parameters.iter().map(|(k, v)| ((*k).to_owned(), v.clone().into())).collect();
            json!({
                "for": of,
                "service": call.service,
                "operation": call.operation,
                "at": call.at,
                "parameters": parameters,
            })
        });
        let variables = self.environment.iter();
        json!({
            "identifier": self.session.identifier().to_string(),
            "name": self.session.name,
            "type": self.session.session_type,
            "chain": chain.collect::<Json>(),
            "region": steps.collect::<Json>(),
            "environment": variables.map(|(k, v)| json!({"name": k, "effect": v})).collect::<Json>(),
            "answer": self.answer.word(),
            "staleFiles": self.answer.files(),
            "asks": self.asks,
            "calls": calls.collect::<Json>(),
            "warnings": self.warnings,
        })
    }
}
