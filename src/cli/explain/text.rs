//! The explanation for people: short lines below headings.

use super::{Call, Planned, Whole, duration, summary_of, visible};

/// The whole text.
pub(super) fn of(whole: &Whole<'_>) -> String {
    let mut text = heading(whole);
    let chain: Vec<String> = whole.plan.iter().enumerate().flat_map(hop).collect();
    section(&mut text, "chain", &chain);
    let region: Vec<String> = whole
        .region
        .iter()
        .map(|step| {
            let value = step.value.as_deref().unwrap_or("-");
            format!("{value:15} {:30} {}", step.origin, step.verdict.in_words())
        })
        .collect();
    section(&mut text, "region", &region);
    let environment: Vec<String> =
        whole.environment.iter().map(|(name, effect)| format!("{name:29} {effect}")).collect();
    section(&mut text, "environment", &environment);
    section(&mut text, "cache", &cache(whole));
    section(&mut text, "would ask for", &whole.asks);
    let calls: Vec<String> =
        whole.calls.iter().flat_map(|(of, call)| call_lines(of, call)).collect();
    section(&mut text, "would call", &calls);
    section(&mut text, "to know", &whole.warnings);
    text
}

fn heading(whole: &Whole<'_>) -> String {
    let session = whole.session;
    let summary = summary_of(session);
    let of = |word: &str, value: Option<String>| value.map(|value| format!("  {word} {value}"));
    let parts = [of("account", summary.account), of("role", summary.role)];
    let line = format!(
        "{}  {}  {}{}",
        session.name,
        session.session_type,
        session.identifier(),
        parts.into_iter().flatten().collect::<String>()
    );
    format!("{}\n", visible(&line))
}

fn section(text: &mut String, name: &str, lines: &[String]) {
    if lines.is_empty() {
        text.push_str(&format!("\n{name}\n  nothing\n"));
        return;
    }
    text.push_str(&format!("\n{name}\n"));
    for line in lines {
        text.push_str(&format!("  {}\n", visible(line).trim_end()));
    }
}

fn hop((at, hop): (usize, &Planned<'_>)) -> Vec<String> {
    let session = hop.session;
    let mut lines = vec![format!(
        "{} {}  {}  {}",
        at + 1,
        session.name,
        session.session_type,
        session.identifier()
    )];
    for origin in &hop.origins {
        let value = origin.value.as_deref().unwrap_or("(not shown)");
        lines.push(format!("    {} = {value}", origin.name));
        lines.push(format!("        {}", origin.place));
    }
    lines
}

fn cache(whole: &Whole<'_>) -> Vec<String> {
    let mut lines: Vec<String> = whole
        .plan
        .iter()
        .map(|hop| match &hop.kept {
            None => format!("'{}' has none", hop.session.name),
            Some((clocked, _)) => {
                let due = if hop.is_due { ", and is renewed when it is handed out" } else { "" };
                format!("'{}' has {} left{due}", hop.session.name, duration::brief(clocked.left()))
            }
        })
        .collect();
    lines.push(whole.answer.in_words());
    lines
}

fn call_lines(of: &str, call: &Call) -> Vec<String> {
    let at = if call.at.is_empty() { String::new() } else { format!("  {}", call.at) };
    let mut lines = vec![format!("{} {}{at}  for '{of}'", call.service, call.operation)];
    lines.extend(call.parameters.iter().map(|(name, value)| format!("    {name} = {value}")));
    lines
}
