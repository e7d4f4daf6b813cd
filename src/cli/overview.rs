//! `leapp` alone: what this shell uses, and what to do next.

use super::{context::Context, failure::Outcome, status};

pub(super) fn run(context: &Context) -> Outcome<()> {
    if context.before.state().is_some() {
        return status::of_this_shell(context);
    }
    let known = context.known();
    known.readable()?;
    let sessions = known.catalog.workspace.sessions.len();
    let elsewhere = known.choices().len() - sessions;
    if context.ui.manner().json {
        return super::print_json(&serde_json::json!({
            "session": null,
            "sessions": sessions,
            "elsewhere": elsewhere,
        }));
    }
    if sessions + elsewhere == 0 {
        return super::print(
            "No sessions yet. First steps:\n\n  \
             leapp session add aws-iam-user NAME          a user with an access key\n  \
             leapp session add aws-iam-role-chained NAME  a role behind it\n  \
             leapp exec NAME -- COMMAND                   one program with it\n  \
             leapp --help                                 everything else\n",
        );
    }
    let there = match (sessions, elsewhere) {
        (sessions, 0) => format!("{sessions} in the workspace"),
        (0, elsewhere) => format!("{elsewhere} found in your files and on this machine"),
        (sessions, elsewhere) => {
            format!("{sessions} in the workspace, {elsewhere} in your files and on this machine")
        }
    };
    let line = super::env::chosen_shell(None).eval_line(&["leapp", "env", "NAME"]);
    super::print(&format!(
        "No session is on in this shell; {there}.\n\n  \
         leapp list                  what there is\n  \
         {:27} this shell\n  \
         leapp exec NAME -- COMMAND  one program\n  \
         leapp pin NAME              this directory (leapp hook says how to begin)\n",
        line.unwrap_or_default()
    ))
}
