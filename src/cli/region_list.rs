//! `leapp region list`: the regions that the program knows by name, from the data that came with it.
//!
//! Deliberately absent: asking the cloud which of them an account has switched on.

use serde_json::{Value as Json, json};

use super::{
    args::RegionListArgs,
    context::{Context, variable, workspace_state},
    failure::Outcome,
    handout::recent,
    place::REGION,
    print, print_json,
};
use crate::{
    cloud::partition::{self, DATA, Partition, Region},
    model::RegionName,
    output::table::{self, Emphasis, Row},
};

/// What a region can be marked with.
struct Marks {
    default: String,
    /// Where the session works that is on in this shell.
    in_use: Option<RegionName>,
    /// Used from this directory lately, newest first.
    recent: Vec<RegionName>,
}

pub(super) fn run(context: &Context, args: &RegionListArgs) -> Outcome<()> {
    let marks = Marks::read(context);
    let shown = chosen(args, marks.partition());
    let (source, date) = (DATA.source, DATA.date);
    if context.ui.manner().json {
        let regions: Vec<Json> = shown.iter().map(|(p, region)| marks.json(p, region)).collect();
        return print_json(&json!({ "source": source, "date": date, "regions": regions }));
    }
    if shown.is_empty() {
        let text = args.text.as_deref().unwrap_or_default();
        context.ui.say(&format!("no region has {text:?}; 'leapp region list' shows all"));
    } else {
        let rows: Vec<Row> = shown.iter().map(|(p, region)| marks.row(p, region)).collect();
        let names = ["ID", "NAME", "PARTITION", "USE"];
        print(&table::render(&names, &rows, context.ui.table_style()))?;
    }
    context.ui.say(&format!("as of {date} ({source})"));
    Ok(())
}

/// The regions that were asked for: those of the partition `first` before the others.
fn chosen(
    args: &RegionListArgs,
    first: Option<&str>,
) -> Vec<(&'static Partition, &'static Region)> {
    let text = args.text.as_deref().unwrap_or_default().to_lowercase();
    let mut partitions: Vec<&Partition> = DATA.partitions.iter().collect();
    partitions.retain(|partition| args.partition.as_deref().is_none_or(|id| id == partition.id));
    partitions.sort_by_key(|partition| first != Some(partition.id));
    let all = partitions.into_iter().flat_map(|p| p.regions.iter().map(move |region| (p, region)));
    let has = |part: &str| part.to_lowercase().contains(&text);
    all.filter(|(p, region)| [region.id, region.name, p.id, p.name].into_iter().any(has)).collect()
}

impl Marks {
    /// A workspace that cannot be opened hides its default, and nothing else.
    fn read(context: &Context) -> Self {
        let default = match workspace_state(context) {
            Ok(opened) => opened.and_then(|opened| opened.workspace.default_region),
            Err(error) => {
                context.ui.note(&format!("the default region is not known: {error}"));
                None
            }
        };
        let on = context.before.state().and_then(|_| variable("AWS_REGION"));
        Self {
            default: default.map_or_else(|| REGION.built_in.to_owned(), String::from),
            in_use: on.and_then(|text| RegionName::parse(text.to_str()?).ok()),
            recent: recent(context).regions_here,
        }
    }

    /// The partition that one works in here.
    fn partition(&self) -> Option<&'static str> {
        let default = RegionName::parse(&self.default).ok();
        let region = self.in_use.as_ref().or(default.as_ref())?;
        partition::of_region(region).map(|(partition, _)| partition.id)
    }

    fn is_in_use(&self, region: &Region) -> bool {
        self.in_use.as_ref().is_some_and(|name| name.as_str() == region.id)
    }

    fn is_default(&self, region: &Region) -> bool {
        self.default == region.id
    }

    fn is_recent(&self, region: &Region) -> bool {
        self.recent.iter().any(|name| name.as_str() == region.id)
    }

    fn json(&self, partition: &Partition, region: &Region) -> Json {
        json!({
            "id": region.id,
            "name": region.name,
            "partition": partition.id,
            "default": self.is_default(region),
            "current": self.is_in_use(region),
            "recent": self.is_recent(region),
        })
    }

    fn row(&self, partition: &Partition, region: &Region) -> Row {
        let words = [
            (self.is_in_use(region), "in use"),
            (self.is_default(region), "default"),
            (self.is_recent(region), "recent here"),
        ];
        let words: Vec<&str> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        let uses = if words.is_empty() { "-".into() } else { words.join(", ") };
        Row {
            mark: if self.is_in_use(region) { "*" } else { "" },
            cells: vec![region.id.into(), region.name.into(), partition.id.into(), uses],
            emphasis: if self.is_in_use(region) { Emphasis::Good } else { Emphasis::None },
        }
    }
}
