//! The POSIX family: sh and its kin here, bash and zsh by a variation each.
//!
//! Deliberately absent: anything that one of them alone understands; it stands in that one's file.

use super::{
    Script, Shell, Unrepresentable,
    hook::{self, Change, Reply},
    readable,
};
use crate::envdelta::{self, EnvDelta, Inherited, Return, Step, VarName};
use crate::secret::SecretBytes;

/// What differs between the members of the family.
pub(super) struct Family {
    pub(super) id: &'static str,
    pub(super) program_names: &'static [&'static str],
    /// Stands before a builtin, so that no alias or function of the user's takes its place.
    pub(super) builtin: &'static str,
    /// Stands before `name=value`, so that it makes a global variable without a complaint.
    pub(super) assign: &'static str,
    /// A newline inside a quoted word.
    pub(super) newline: &'static [u8],
    /// The hook, and where the line that loads it goes; the plain family has none.
    pub(super) hook: Option<Hook>,
}

/// A hook of the family.
pub(super) struct Hook {
    /// The file as it stands.
    pub(super) text: hook::Text,
    /// The file of the user's, and the line in it.
    pub(super) place: (&'static str, &'static str),
    /// What stands before the line with the program's path in the completion's text, and that text.
    pub(super) completion: (&'static str, &'static str),
}

/// What understands no more than POSIX, or need not.
pub(super) const SH: Family = Family {
    id: "posix",
    program_names: &["sh", "ash", "dash", "ksh", "ksh93", "mksh", "oksh", "pdksh", "posh", "yash"],
    builtin: "\\",
    assign: "",
    newline: b"\n",
    hook: None,
};

impl Shell for Family {
    fn id(&self) -> &'static str {
        self.id
    }

    fn program_names(&self) -> &'static [&'static str] {
        self.program_names
    }

    fn quote_into(&self, value: &[u8], out: &mut SecretBytes) -> Result<(), Unrepresentable> {
        if value.contains(&0) {
            return Err(Unrepresentable::Nul);
        }
        out.extend(b"'");
        for piece in value.split_inclusive(|b| matches!(b, b'\'' | b'\n')) {
            match piece.split_last() {
                Some((b'\'', rest)) => {
                    out.extend(rest);
                    out.extend(b"'\\''");
                }
                Some((b'\n', rest)) => {
                    out.extend(rest);
                    out.extend(self.newline);
                }
                _ => out.extend(piece),
            }
        }
        out.extend(b"'");
        Ok(())
    }

    fn apply(&self, delta: &EnvDelta, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let mut script = Script::default();
        self.open(&APPLYING, &mut script);
        script.push("if\n");
        self.save(delta, before, &mut script);
        // The key id goes first: with it, the earlier credentials are none.
        let names = delta.keys().chain(&delta.removes).map(VarName::as_str);
        self.unset(names, &mut script);
        for (name, value) in &delta.sets {
            script.push_all([" &&\n", self.builtin, "export ", name.as_str(), "="]);
            script.quoted(self, value.expose().as_bytes())?;
        }
        script.push(";\n");
        script.push_all(["then ", self.assign, "__leapp_s=0; "]);
        script.push_all(["else ", self.assign, "__leapp_s=1; fi;\n"]);
        self.close(&APPLYING, &mut script);
        Ok(script.0)
    }

    fn restore(&self, before: &Inherited) -> Result<Vec<u8>, Unrepresentable> {
        let mut script = Script::default();
        let by_hook = self.hook.is_some();
        if by_hook {
            // A hook that holds something knows more than the state does. It calls us in turn, for
            // the rest.
            script.push("if [ -n \"${__leapp_k-}\" ] && [ -z \"${__leapp_leaving-}\" ]; ");
            script.push("then __leapp_off; else\n");
        }
        self.open(&APPLYING, &mut script);
        script.push_all([self.assign, "__leapp_s=0;\n"]);
        match before.way_back() {
            Return::Everything(steps) => self.go_back(&steps, &mut script)?,
            Return::MarkersOnly => {
                self.unset(envdelta::MARKERS.iter().copied(), &mut script);
                script.push_all([" || ", self.assign, "__leapp_s=1;\n"]);
            }
        }
        self.forget(envdelta::listed(), &mut script);
        script.push(";\n");
        self.close(&APPLYING, &mut script);
        if by_hook {
            script.push("fi;\n");
        }
        Ok(script.public())
    }

    fn deferred(&self, argv: &[&[u8]]) -> Result<Vec<u8>, Unrepresentable> {
        let mut script = Script::default();
        self.open(&DEFERRING, &mut script);
        // Removed first, because a variable of that name might be an exported one.
        self.unset(["__leapp_t"], &mut script);
        script.push_all([";\n", self.assign, "__leapp_t=;\n"]);
        script.push("if __leapp_t=\"$(").command(self, argv)?;
        script.push_all([")\" && ", self.builtin, "eval \"$__leapp_t\"; "]);
        script.push_all(["then ", self.assign, "__leapp_r=0; "]);
        script.push_all(["else ", self.assign, "__leapp_r=1; fi;\n"]);
        self.unset(["__leapp_t"], &mut script);
        script.push(";\n");
        self.close(&DEFERRING, &mut script);
        Ok(script.public())
    }

    fn hook(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let hook = self.hook.as_ref()?;
        Some(hook::loading(self, "__leapp_program=", program, ";\n", &hook.text.numbered()))
    }

    fn completion(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let (before, text) = self.hook.as_ref()?.completion;
        let before = format!("{before}_leapp_program=");
        Some(hook::loading(self, &before, program, ";\n", text))
    }

    fn hook_line(&self) -> Option<(&'static str, &'static str)> {
        self.hook.as_ref().map(|hook| hook.place)
    }

    fn hook_number(&self) -> Option<String> {
        self.hook.as_ref().map(|hook| hook.text.number())
    }

    fn reply(&self, reply: &Reply<'_>, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let mut script = Script::default();
        self.change(reply, before, &mut script)?;
        // One statement for all: the hook's part of entering a project counts in microseconds.
        script.push(self.assign.trim_end());
        for (name, value) in reply.locals() {
            script.push_all([" __leapp_", name, "="]).quoted(self, &value)?;
        }
        for (name, value) in reply.shown() {
            script.push_all([" ", name, "="]).quoted(self, value.as_bytes())?;
        }
        script.push(" &&\n");
        script.push_all([self.assign, "__leapp_ok=1;\n"]);
        Ok(script.0)
    }

    fn eval_line(&self, words: &[&str]) -> Result<String, Unrepresentable> {
        Ok(format!("eval \"$({})\"", readable(self, words)?))
    }
}

/// What the names of the shell's own variables for an original begin with. They are two, because
/// bash 5.2 loses the rest of a value when it cuts the mark off one that is not valid UTF-8.
const MARK: &str = "__leapp_o_";
const VALUE: &str = "__leapp_v_";

/// The names of a guard's two variables. They differ, because one guard runs inside the other.
struct Guard {
    options: &'static str,
    status: &'static str,
}

const APPLYING: Guard = Guard { options: "__leapp_x", status: "__leapp_s" };
const DEFERRING: Guard = Guard { options: "__leapp_y", status: "__leapp_r" };

impl Family {
    /// Switches off, silently, what would show a secret (x, v) or export the kept originals (a).
    fn open(&self, guard: &Guard, script: &mut Script) {
        script.push_all(["{ ", self.assign, guard.options, "=\"$-\"; "]);
        script.push_all([self.builtin, "set +axv; } 2>/dev/null;\n"]);
    }

    /// Switches it on again and ends with the guard's status. The last statement does both, so
    /// that nothing of ours remains and nothing follows that could be traced or change the status.
    fn close(&self, guard: &Guard, script: &mut Script) {
        let Guard { options, status } = guard;
        let set = |option: &str| format!("{}set -{option}", self.builtin);
        let unset = format!("{}unset -v {options} {status}", self.builtin);
        for option in ["a", "v"] {
            script.push_all(["case \"$", options, "\" in *", option, "*) ", &set(option)]);
            script.push(";; esac;\n");
        }
        script.push_all(["case \"$", status, "$", options, "\" in "]);
        script.push_all(["0*x*) ", &unset, "; ", &set("x"), ";; "]);
        script.push_all(["0*) ", &unset, ";; "]);
        script.push_all(["*x*) ", &unset, "; ", &set("x"), "; ", self.builtin, "false;; "]);
        script.push_all(["*) ", &unset, "; ", self.builtin, "false;; esac;\n"]);
    }

    /// A part of a chain of `&&`: copies the originals into variables of the shell's own.
    fn save(&self, delta: &EnvDelta, before: &Inherited, script: &mut Script) {
        let saving = before.saving(delta);
        let due = saving.exported.iter().chain(&saving.others);
        let kept: Vec<_> = due.map(|name| name.as_str()).collect();
        if kept.is_empty() {
            return;
        }
        // Removed first, because a variable of that name might be an exported one.
        self.forget(kept.iter().copied(), script);
        script.push(" &&\n");
        let assign = self.assign;
        for name in saving.exported.iter().map(|name| name.as_str()) {
            let exported = format!("{MARK}{name}=x {VALUE}{name}=\"${{{name}-}}\"");
            script.push_all([assign, &exported, " &&\n"]);
        }
        for name in saving.others.iter().map(|name| name.as_str()) {
            let other = format!("{MARK}{name}=\"${{{name}+s}}\" {VALUE}{name}=\"${{{name}-}}\"");
            script.push_all([assign, &other, " &&\n"]);
        }
    }

    /// The part of a reply that changes the environment: a chain of `&&`, so that whatever fails
    /// ends it before the hook is told that all is well.
    fn change(
        &self,
        reply: &Reply<'_>,
        before: &Inherited,
        script: &mut Script,
    ) -> Result<(), Unrepresentable> {
        if let Some(before) = reply.change.adopted() {
            self.adopt(before, script)?;
        }
        let Some(delta) = reply.change.delta() else {
            match reply.change {
                Change::None => {}
                Change::Markers => {
                    self.unset(envdelta::MARKERS.iter().copied(), script);
                    script.push(" &&\n");
                }
                _ => {
                    script.push("__leapp_restore &&\n");
                }
            }
            return Ok(());
        };
        if matches!(reply.change, Change::Set(_)) {
            script.push("__leapp_save ' ");
            for name in delta.names().filter(|name| before.is_exported(name.as_str())) {
                script.push_all([name.as_str(), " "]);
            }
            script.push("' ' ");
            for name in delta.names().filter(|name| envdelta::is_conditional(name.as_str())) {
                script.push_all([name.as_str(), " "]);
            }
            script.push("' &&\n");
        }
        script.push_all([self.assign, "__leapp_m=1 &&\n"]);
        // All, because one may be an array or have an attribute that would change its value.
        let names = delta.keys().chain(delta.names()).map(VarName::as_str);
        self.unset(names, script);
        script.push_all([" &&\n", self.builtin, "export"]);
        for (name, value) in &delta.sets {
            script.push_all([" ", name.as_str(), "="]);
            script.quoted(self, value.expose().as_bytes())?;
        }
        self.given(delta, script)?;
        if !matches!(reply.change, Change::Set(_)) {
            // What an earlier session gave and this one does not.
            script.push(" &&\n");
            let gone = delta.removes.iter().map(|name| format!("__leapp_g_{}", name.as_str()));
            let gone: Vec<String> = gone.collect();
            self.unset(gone.iter().map(String::as_str), script);
        }
        script.push(" &&\n");
        Ok(())
    }

    /// Tells the hook what it has given, so that it can tell later what the user has changed.
    fn given(&self, delta: &EnvDelta, script: &mut Script) -> Result<(), Unrepresentable> {
        script.push_all([" &&\n", self.assign.trim_end()]);
        for (name, value) in delta.given() {
            script.push_all([" __leapp_g_", name, "="]).quoted(self, value.as_bytes())?;
        }
        Ok(())
    }

    /// Gives the hook the originals that a state recorded, as if it had saved them itself.
    fn adopt(&self, before: &Inherited, script: &mut Script) -> Result<(), Unrepresentable> {
        script.push("__leapp_forget &&\n");
        for (name, original) in hook::originals(before) {
            let Some(original) = original else { continue };
            let name = name.as_str();
            script.push_all(["__leapp_had+=(", name, ") &&\n"]);
            script.push_all([self.assign, "__leapp_was_", name, "=x __leapp_val_", name, "="]);
            script.quoted(self, original.as_bytes())?.push(" &&\n");
        }
        script.push_all([self.assign, "__leapp_m=1 &&\n"]);
        Ok(())
    }

    /// Removes every variable, the ownership tags first, then gives each its original.
    fn go_back(&self, steps: &[Step], script: &mut Script) -> Result<(), Unrepresentable> {
        let failed = format!(" || {}__leapp_s=1;\n", self.assign);
        // Reversed, the ownership tags stand first.
        self.unset(steps.iter().rev().map(|step| step.name.as_str()), script);
        script.push(&failed);
        for step in steps {
            self.give_back(step, script)?;
            script.push(&failed);
        }
        Ok(())
    }

    /// Sets one variable, which is unset now, to its original.
    fn give_back(&self, step: &Step, script: &mut Script) -> Result<(), Unrepresentable> {
        let name = step.name.as_str();
        script.push_all(["case \"${", MARK, name, "-f}\" in "]);
        if let Some(text) = &step.otherwise {
            script.push_all(["f) ", self.builtin, "export ", name, "="]);
            script.quoted(self, text.as_bytes())?.push(";; ");
        }
        let value = format!("{name}=\"${{{VALUE}{name}-}}\"");
        script.push_all(["x) ", self.builtin, "export ", &value, ";; "]);
        script.push_all(["s) ", self.assign, &value, ";; esac"]);
        Ok(())
    }

    /// Removes the kept originals.
    fn forget<'a>(&self, names: impl IntoIterator<Item = &'a str>, script: &mut Script) {
        let kept: Vec<_> =
            names.into_iter().flat_map(|n| [format!("{MARK}{n}"), format!("{VALUE}{n}")]).collect();
        self.unset(kept.iter().map(String::as_str), script);
    }

    /// `-v`, because bash would otherwise remove a function of that name.
    fn unset<'a>(&self, names: impl IntoIterator<Item = &'a str>, script: &mut Script) {
        script.push_all([self.builtin, "unset -v"]);
        for name in names {
            script.push_all([" ", name]);
        }
    }
}
