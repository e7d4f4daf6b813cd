//! `leapp region` and `leapp location`: the workspace's defaults.

use serde_json::json;

use super::{
    args::{PlaceArgs, PlaceCommand},
    context::Context,
    failure::{Failure, Outcome},
    print, print_json,
};
use crate::{
    cloud::partition,
    model::{RegionName, Workspace},
};

/// One of the two defaults.
pub(super) struct Place {
    word: &'static str,
    built_in: &'static str,
    read: fn(&Workspace) -> Option<&RegionName>,
    slot: fn(&mut Workspace) -> &mut Option<RegionName>,
    check: fn(&RegionName) -> Result<(), String>,
}

/// The region of AWS sessions.
pub(super) const REGION: Place = Place {
    word: "region",
    built_in: "us-east-1",
    read: |workspace| workspace.default_region.as_ref(),
    slot: |workspace| &mut workspace.default_region,
    check: |region| match partition::of_region(region) {
        Some(_) => Ok(()),
        None => Err(format!("there is no AWS region '{region}'")),
    },
};

/// The location of Azure sessions. Which ones there are depends on the subscription.
pub(super) const LOCATION: Place = Place {
    word: "location",
    built_in: "eastus",
    read: |workspace| workspace.default_location.as_ref(),
    slot: |workspace| &mut workspace.default_location,
    check: |location| {
        if location.as_str().contains('-') {
            let example = "such as westeurope";
            return Err(format!("'{location}' has not the form of an Azure location, {example}"));
        }
        Ok(())
    },
};

pub(super) fn run(context: &Context, args: PlaceArgs, place: Place) -> Outcome<()> {
    let word = place.word;
    let name = match args.command {
        None => return show(context, &place),
        Some(PlaceCommand::Set { name }) => {
            (place.check)(&name).map_err(|problem| {
                Failure::usage(problem).hint(format!("leapp {word} set {}", place.built_in))
            })?;
            Some(name)
        }
        Some(PlaceCommand::Unset) => None,
    };
    context.change(|opened| {
        (place.slot)(&mut opened.workspace).clone_from(&name);
        Ok(())
    })?;
    if context.ui.manner().json {
        return show(context, &place);
    }
    let name = name.map_or_else(|| place.built_in.to_owned(), |name| name.to_string());
    context.ui.say(&format!("the default {word} is {name}"));
    context.ui.say(&format!("a session's own wins: leapp session edit NAME --region {name}"));
    Ok(())
}

fn show(context: &Context, place: &Place) -> Outcome<()> {
    let opened = context.workspace()?;
    let set = opened.as_ref().and_then(|opened| (place.read)(&opened.workspace));
    let name = set.map_or(place.built_in, RegionName::as_str);
    if context.ui.manner().json {
        return print_json(&json!({ place.word: name, "set": set.is_some() }));
    }
    print(&format!("{name}\n"))
}
