//! `leapp region` and `leapp location`: the workspace's defaults.

use serde_json::json;

use super::{
    args::{PlaceCommand, RegionArgs, RegionCommand},
    context::Context,
    failure::{Failure, Outcome},
    print, print_json, region_list,
};
use crate::{
    cloud::partition::{self, Knowledge},
    model::{RegionName, Workspace},
};

/// One of the two defaults.
pub(super) struct Place {
    word: &'static str,
    pub(super) built_in: &'static str,
    read: fn(&Workspace) -> Option<&RegionName>,
    slot: fn(&mut Workspace) -> &mut Option<RegionName>,
    /// The error is what is wrong, and a hint.
    check: fn(&RegionName) -> Result<(), (String, String)>,
}

/// The region of AWS sessions.
pub(super) const REGION: Place = Place {
    word: "region",
    built_in: "us-east-1",
    read: |workspace| workspace.default_region.as_ref(),
    slot: |workspace| &mut workspace.default_region,
    check: |region| match partition::of_region(region) {
        Some((_, Knowledge::Listed)) => Ok(()),
        // A default is passed over where the data does not list it, so it would never count.
        Some((_, Knowledge::Matches)) => Err((
            format!("the region data of {} does not list '{region}'", partition::DATA.date),
            format!(
                "a session can have it all the same: leapp session edit NAME --region {region}"
            ),
        )),
        None => Err((format!("there is no AWS region '{region}'"), "leapp region list".into())),
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
            let problem = format!("'{location}' has not the form of an Azure location");
            return Err((problem, "leapp location set westeurope".into()));
        }
        Ok(())
    },
};

/// `leapp region`, which has more to say than `leapp location`.
pub(super) fn run_region(context: &Context, args: RegionArgs) -> Outcome<()> {
    let command = match args.command {
        Some(RegionCommand::List(args)) => return region_list::run(context, &args),
        Some(RegionCommand::Default(command)) => Some(command),
        None => None,
    };
    run(context, command, REGION)
}

pub(super) fn run(context: &Context, command: Option<PlaceCommand>, place: Place) -> Outcome<()> {
    let word = place.word;
    let name = match command {
        None => return show(context, &place),
        Some(PlaceCommand::Set { name }) => {
            (place.check)(&name).map_err(|(problem, hint)| Failure::usage(problem).hint(hint))?;
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
