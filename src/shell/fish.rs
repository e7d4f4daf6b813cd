//! fish, 3.6 and later.
//!
//! Deliberately absent: universal variables. They belong to every shell of the user's, so they are
//! neither changed nor erased; where one would outrank the session, the session is refused.
//!
//! A local `fish_trace` without a value switches tracing off until its block ends. The one line
//! that it costs in the trace, its own, holds no secret.

use super::{
    Script, Shell, Unrepresentable,
    hook::{self, Change, Reply},
    readable,
};
use crate::envdelta::{self, EnvDelta, Inherited, Return, Step, VarName};
use crate::secret::SecretBytes;

const HOOK: hook::Text = hook::Text::new(include_str!("../../shell/hook.fish"));

pub(super) struct Fish;

const OPEN: &str = "begin;\nset -l fish_trace;\n";
const CLOSE: &str = "end;\n";

impl Shell for Fish {
    fn id(&self) -> &'static str {
        "fish"
    }

    fn program_names(&self) -> &'static [&'static str] {
        &["fish"]
    }

    fn quote_into(&self, value: &[u8], out: &mut SecretBytes) -> Result<(), Unrepresentable> {
        if value.contains(&0) {
            return Err(Unrepresentable::Nul);
        }
        out.extend(b"'");
        for piece in value.split_inclusive(|b| matches!(b, b'\'' | b'\\' | b'\n')) {
            match piece.split_last() {
                Some((b'\n', rest)) => {
                    out.extend(rest);
                    // `eval (...)` gets the lines joined by spaces: no newline may stand as such.
                    out.extend(b"'\\n'");
                }
                Some((special @ (b'\'' | b'\\'), rest)) => {
                    out.extend(rest);
                    out.extend(&[b'\\', *special]);
                }
                _ => out.extend(piece),
            }
        }
        out.extend(b"'");
        Ok(())
    }

    fn apply(&self, delta: &EnvDelta, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let mut script = Script::default();
        script.push(OPEN);
        // Children see an exported universal variable where no global one hides it.
        script.push("set -l __leapp_u;\nfor __leapp_n in");
        names(delta.removes.iter(), &mut script);
        script.push("set -qUx $__leapp_n; and set -a __leapp_u $__leapp_n; end;\n");
        script.push("if set -q __leapp_u[1];\n");
        script.push("echo \"leapp: universal variables outrank the session\" >&2;\n");
        script.push("echo \"leapp: hint: set -eU $__leapp_u\" >&2;\nfalse;\nelse;\n");
        save(delta, before, &mut script);
        for name in delta.keys().chain(&delta.removes) {
            script.push_all(["set -eg ", name.as_str(), ";\n"]);
        }
        for (name, value) in &delta.sets {
            script.push_all(["set -gx ", name.as_str(), " "]);
            script.quoted(self, value.expose().as_bytes())?.push(";\n");
        }
        // `set` leaves the status alone.
        script.push("true;\nend;\n").push(CLOSE);
        Ok(script.0)
    }

    fn restore(&self, before: &Inherited) -> Result<Vec<u8>, Unrepresentable> {
        let mut script = Script::default();
        // A hook that holds something knows more than the state does. It calls us in turn, for the rest.
        script.push("if test -n \"$__leapp_k\"; and not set -q __leapp_leaving;\n");
        script.push("__leapp_off;\nelse;\n");
        script.push(OPEN);
        match before.way_back() {
            Return::Everything(steps) => go_back(&steps, &mut script)?,
            Return::MarkersOnly => {
                for name in envdelta::MARKERS {
                    script.push_all(["set -eg ", name, ";\n"]);
                }
            }
        }
        script.push("for __leapp_n in");
        for name in envdelta::listed() {
            script.push_all([" ", name]);
        }
        script.push("; set -eg __leapp_o_$__leapp_n; end;\ntrue;\n").push(CLOSE);
        script.push("end;\n");
        Ok(script.public())
    }

    fn deferred(&self, argv: &[&[u8]]) -> Result<Vec<u8>, Unrepresentable> {
        let mut script = Script::default();
        script.push(OPEN).push("set -l __leapp_t (").command(self, argv)?;
        script.push(");\nand eval $__leapp_t;\n").push(CLOSE);
        Ok(script.public())
    }

    fn hook(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let text = HOOK.numbered();
        Some(hook::loading(self, "set -g __leapp_program ", program, "\n", &text))
    }

    fn completion(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let text = include_str!("../../shell/complete.fish");
        Some(hook::loading(self, "set -g _leapp_program ", program, "\n", text))
    }

    fn has_clock(&self) -> bool {
        false
    }

    fn hook_line(&self) -> Option<(&'static str, &'static str)> {
        Some(("~/.config/fish/config.fish", "leapp hook fish | source"))
    }

    fn hook_number(&self) -> Option<String> {
        Some(HOOK.number())
    }

    fn reply(&self, reply: &Reply<'_>, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let _ = before;
        let mut script = Script::default();
        change(reply, &mut script)?;
        for (name, value) in reply.locals() {
            script.push_all(["set -g __leapp_", name, " "]).quoted(self, &value)?.push(";\n");
        }
        for (name, value) in reply.shown() {
            script.push_all(["set -g ", name, " "]).quoted(self, value.as_bytes())?.push(";\n");
        }
        script.push("set -g __leapp_ok 1;\n");
        Ok(script.0)
    }

    fn eval_line(&self, words: &[&str]) -> Result<String, Unrepresentable> {
        Ok(format!("{} | source", readable(self, words)?))
    }
}

/// The part of a reply that changes the environment.
fn change(reply: &Reply<'_>, script: &mut Script) -> Result<(), Unrepresentable> {
    if let Some(before) = reply.change.adopted() {
        script.push("__leapp_forget;\n");
        for (name, original) in hook::originals(before) {
            let Some(text) = original else { continue };
            let name = name.as_str();
            script.push_all(["set -ga __leapp_had ", name, ";\nset -gu __leapp_was_", name, " x "]);
            script.quoted(&Fish, text.as_bytes())?.push(";\n");
        }
        script.push("set -g __leapp_m 1;\n");
    }
    let Some(delta) = reply.change.delta() else {
        match reply.change {
            Change::None => {}
            Change::Markers => {
                script.push("set -eg LEAPP_SESSION LEAPP_STATE;\n");
            }
            _ => {
                script.push("__leapp_restore;\n");
            }
        }
        return Ok(());
    };
    if matches!(reply.change, Change::Set(_)) {
        script.push("__leapp_save");
        for name in delta.names().filter(|name| envdelta::is_conditional(name.as_str())) {
            script.push_all([" ", name.as_str()]);
        }
        script.push(";\n");
    }
    script.push("set -g __leapp_m 1;\nset -eg");
    for name in delta.keys().chain(&delta.removes) {
        script.push_all([" ", name.as_str()]);
    }
    script.push(";\nset -eg");
    for name in &delta.removes {
        script.push_all([" __leapp_g_", name.as_str()]);
    }
    script.push(";\n");
    for (name, value) in &delta.sets {
        script.push_all(["set -gx ", name.as_str(), " "]);
        script.quoted(&Fish, value.expose().as_bytes())?.push(";\n");
    }
    for (name, value) in delta.given() {
        script.push_all(["set -g __leapp_g_", name, " "]);
        script.quoted(&Fish, value.as_bytes())?.push(";\n");
    }
    Ok(())
}

/// Copies the originals. Of each, only the global variable is ours to change and to keep. Which
/// are exported, the shell itself can tell.
fn save(delta: &EnvDelta, before: &Inherited, script: &mut Script) {
    let saving = before.saving(delta);
    if saving.exported.is_empty() && saving.others.is_empty() {
        return;
    }
    script.push("for __leapp_n in");
    names(saving.exported.into_iter().chain(saving.others), script);
    // `-u`, because a variable of that name might be an exported one.
    script.push("set -gu __leapp_o_$__leapp_n;\n");
    script.push("if set -qgx $__leapp_n; set -gu __leapp_o_$__leapp_n x $$__leapp_n;\n");
    script.push("else if set -qg $__leapp_n; set -gu __leapp_o_$__leapp_n s $$__leapp_n;\n");
    script.push("end;\nend;\n");
}

fn go_back(steps: &[Step], script: &mut Script) -> Result<(), Unrepresentable> {
    // Reversed, the ownership tags stand first.
    for step in steps.iter().rev() {
        script.push_all(["set -eg ", step.name.as_str(), ";\n"]);
    }
    for step in steps {
        let name = step.name.as_str();
        let kept = format!("__leapp_o_{name}");
        script.push_all(["if set -qg ", &kept, ";\nswitch \"$", &kept, "[1]\";\n"]);
        script.push_all(["case x; set -gx ", name, " $", &kept, "[2..-1];\n"]);
        script.push_all(["case s; set -gu ", name, " $", &kept, "[2..-1];\nend;\n"]);
        if let Some(text) = &step.otherwise {
            script.push_all(["else; set -gx ", name, " "]);
            script.quoted(&Fish, text.as_bytes())?.push(";\n");
        }
        script.push("end;\n");
    }
    Ok(())
}

/// The words of a `for`, and its end.
fn names<'a>(names: impl Iterator<Item = &'a VarName>, script: &mut Script) {
    for name in names {
        script.push_all([" ", name.as_str()]);
    }
    script.push(";\n");
}
