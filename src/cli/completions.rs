//! `leapp completions SHELL`.

use clap::CommandFactory;

use super::{
    args::{Cli, CompletionArgs},
    failure::Outcome,
    print_bytes,
};

pub(super) fn run(args: &CompletionArgs) -> Outcome<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "leapp", &mut text);
    print_bytes(&text)
}
