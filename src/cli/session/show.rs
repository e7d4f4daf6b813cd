//! `leapp session show NAME`.

use serde_json::Value as Json;

use super::{as_json, describe::shown_fields, summary_of};
use crate::{
    cli::{args::NameArgs, context::Context, failure::Outcome, print, print_json},
    model::duration,
    output::table::visible,
};

pub(super) fn run(context: &Context, args: &NameArgs) -> Outcome<()> {
    let known = context.known();
    let session = known.find(&args.name)?;
    let catalog = &known.catalog;
    if context.ui.manner().json {
        return print_json(&as_json(catalog, session));
    }
    let parent = catalog.chain(session).ok().and_then(|c| c.get(1).map(|p| p.name.to_string()));
    let summary = summary_of(session);
    let mut lines = vec![
        ("name", Some(session.name.to_string())),
        ("display name", session.display_name.clone()),
        ("identifier", Some(session.identifier().to_string())),
        ("id", Some(session.id.to_string())),
        ("type", Some(session.session_type.clone())),
        ("account", summary.account),
        ("region", session.region.as_ref().map(ToString::to_string)),
        ("parent", parent.or_else(|| session.parent.as_ref().map(ToString::to_string))),
        ("protected", session.protected.then(|| "yes".to_owned())),
    ];
    let fields = shown_fields(session);
    lines.extend(fields.iter().map(|(key, value)| (key.as_str(), Some(spelled(key, value)))));
    let mut text = String::new();
    for (key, value) in lines.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        let label = format!("{}:", key.replace('_', " "));
        text.push_str(&format!("{label:20} {}\n", visible(value)));
    }
    print(&text)
}

fn spelled(key: &str, value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) if key == "duration" => {
            let seconds = number.as_u64().and_then(|n| u32::try_from(n).ok());
            seconds.map_or_else(|| number.to_string(), duration::exact)
        }
        Json::Array(items) => {
            items.iter().map(|item| spelled("", item)).collect::<Vec<_>>().join(", ")
        }
        Json::Object(pairs) => {
            let pairs = pairs.iter().map(|(k, v)| format!("{k}={}", spelled("", v)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
