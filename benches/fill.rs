//! Adds sessions to the workspace of `LEAPP_HOME`, all in one change: `fill COUNT`. Each is a role
//! behind the session `work`.

use std::{collections::HashMap, error::Error};

use leapp::{
    model::{RegionName, Session, SessionName, session::Fields},
    system::paths::Home,
    workspace::{Opened, Store, WorkspaceError},
};
use serde_json::json;
use uuid::Uuid;

fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args_os().nth(1).and_then(|word| word.into_string().ok());
    let count: usize = count.ok_or("usage: fill COUNT")?.parse()?;
    let home = Home::choose(std::env::var_os("LEAPP_HOME"), std::env::var_os("HOME"))?;
    let fill = |opened: &mut Opened| -> Result<(), WorkspaceError> {
        let sessions = &mut opened.workspace.sessions;
        let parent = sessions.iter().find(|s| s.name.is("work")).map(Session::identifier);
        for number in 0..count {
            let account = 100_000_000_000 + number;
            let fields = json!({ "role_arn": format!("arn:aws:iam::{account}:role/Admin") });
            let Ok(name) = SessionName::parse(&format!("account-{number:05}")) else { continue };
            sessions.push(Session {
                id: Uuid::new_v4(),
                name,
                session_type: "aws-iam-role-chained".into(),
                display_name: None,
                region: RegionName::parse("eu-west-1").ok(),
                parent: parent.clone(),
                fields: fields.as_object().map(Fields::from_map).unwrap_or_default(),
                protected: false,
                unknown: HashMap::new(),
                source: None,
            });
        }
        Ok(())
    };
    Store::new(home).update(&|_| None, fill)?;
    Ok(())
}
