//! `leapp completions`: the script that a shell loads. The script asks `leapp complete` each time.

use std::os::unix::ffi::OsStrExt;

use super::{
    args::CompletionArgs,
    failure::{Failure, Kind, Outcome},
    print_bytes,
};
use crate::{shell, system::process};

pub(super) fn run(args: &CompletionArgs) -> Outcome<()> {
    let shell = shell::by_id(&args.shell).unwrap_or(shell::POSIX);
    let program = process::path_as_started().ok_or_else(|| {
        Failure::new(Kind::Failed, "the path of this program is not known")
            .hint("start it by an absolute path")
    })?;
    match shell.completion(program.as_os_str().as_bytes()) {
        Some(Ok(text)) => print_bytes(&text),
        Some(Err(error)) => Err(Failure::new(Kind::Failed, error.to_string())
            .doing("the script cannot hold this program's path")),
        None => Err(Failure::usage(format!("there is no completion for {}", shell.id()))),
    }
}
