//! A program that is gone, hangs up, prints garbage or half an answer, and interrupts in the middle:
//! the hook takes an answer whole or not at all, and never leaves a shell with another's keys.

use std::path::{Path, PathBuf};

use crate::{
    hooked::Kind,
    support::{World, chmod, program, unique},
};

/// A script in the place of the program.
pub(crate) struct Standin {
    path: PathBuf,
    log: PathBuf,
}

impl Standin {
    /// Notes each start, and then does what the text says: shell commands, with the program as `$leapp`
    /// and the arguments as they came.
    pub(crate) fn new(world: &World, text: &str) -> Self {
        let path = world.home.path().join(unique("standin"));
        let log = path.with_extension("log");
        let standin = Self { path, log };
        standin.now(text);
        standin
    }

    /// The program, but each start is noted.
    pub(crate) fn counting(world: &World) -> Self {
        Self::new(world, "exec \"$leapp\" \"$@\"")
    }

    /// From now on it does this.
    pub(crate) fn now(&self, text: &str) {
        let (leapp, log) = (program().display(), self.log.display());
        let script = format!("#!/bin/sh\nleapp='{leapp}'\necho \"$*\" >> '{log}'\n{text}\n");
        // Renamed into its place: a shell may be reading the old one.
        let fresh = self.path.with_extension("new");
        std::fs::write(&fresh, script).unwrap();
        chmod(&fresh, 0o700);
        std::fs::rename(&fresh, &self.path).unwrap();
    }

    /// How often it was started.
    pub(crate) fn starts(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap_or_default().lines().count()
    }

    /// Lines that load the hook with it as the program.
    pub(crate) fn load(&self, kind: Kind) -> String {
        let path = self.path();
        let path = path.display();
        match kind {
            Kind::Bash | Kind::Zsh => format!("{}\n__leapp_program='{path}'", kind.load()),
            Kind::Fish => format!("{}\nset -g __leapp_program '{path}'", kind.load()),
            Kind::Pwsh => format!(
                "(leapp hook powershell | Out-String) -replace '(?m)^\\$__leapp_program = .*$', \
                 \"`$__leapp_program = '{path}'\" | Invoke-Expression"
            ),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
