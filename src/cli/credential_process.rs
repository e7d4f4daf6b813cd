//! `leapp credential-process` and the hidden `leapp session generate`: for the AWS SDKs.
//!
//! No person is asked and no vault is unlocked: an SDK runs this at any time, anywhere.

use super::{
    args::{GenerateArgs, ProcessArgs, Selection},
    context::Context,
    env::render,
    failure::{Failure, Outcome},
    handout::{Asked, hand_out},
    print_bytes,
};
use crate::{envdelta::Kind as StateKind, output, system::terminal};

/// Prints the credentials of a session.
pub(super) fn run(context: &Context, args: ProcessArgs) -> Outcome<()> {
    let (region, duration, min_ttl) = (args.region, args.duration, args.min_ttl);
    let selection = Selection { region, duration, min_ttl, mfa_code: None };
    print_credentials(context, args.name, selection, args.show)
}

/// Prints the credentials of the session of that UUID.
pub(super) fn generate(context: &Context, args: GenerateArgs) -> Outcome<()> {
    let bare = args.id.strip_prefix("session:").unwrap_or(&args.id);
    let id = uuid::Uuid::try_parse(bare).map_err(|_| {
        Failure::usage(format!("{:?} is no UUID", args.id)).hint("leapp session show NAME tells it")
    })?;
    print_credentials(context, format!("session:{id}"), Selection::default(), args.show)
}

fn print_credentials(
    context: &Context,
    name: String,
    selection: Selection,
    show: bool,
) -> Outcome<()> {
    if terminal::stdout_is_terminal() && !show {
        return Err(Failure::usage("this prints secrets, and stdout is a terminal").hint(
            "it is for a credential_process line in ~/.aws/config; --show prints them here",
        ));
    }
    let form = output::form("credential-process")
        .ok_or_else(|| Failure::usage("there is no form credential-process"))?;
    let asked = Asked {
        form: "credential-process",
        name: Some(name),
        selection,
        kind: StateKind::Exec,
        by_hand: false,
        again: false,
    };
    let answer = hand_out(context, &asked)?;
    print_bytes(render(form, &answer)?.expose())
}
