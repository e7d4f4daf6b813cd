//! PowerShell, Windows PowerShell 5.1 and 7.
//!
//! Deliberately absent: switching tracing off. A script cannot learn the present trace level, so it
//! could not switch it on again, and script block logging keeps evaluated text in any case: where
//! either is in use, the hook's own function is the way, which gets data and not script. Absent
//! too is "set but not exported": every variable of the environment is exported.
//!
//! All text is ASCII, because what a program prints is decoded in a code page that may be any.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{
    Script, Shell, Unrepresentable,
    hook::{self, Change, Reply},
    readable,
};
use crate::envdelta::{self, EnvDelta, Inherited, Return, Step, Value};
use crate::secret::SecretBytes;

const HOOK: hook::Text = hook::Text::new(include_str!("../../shell/hook.ps1"));

pub(super) struct PowerShell;

/// The table of the kept originals: name to value, or to null where there was none.
const TABLE: &str = "__leapp_o";
const FIND_TABLE: &str =
    "$__leapp_h=Get-Variable -Name __leapp_o -Scope Global -ValueOnly -ErrorAction Ignore;\n";

impl Shell for PowerShell {
    fn id(&self) -> &'static str {
        "powershell"
    }

    fn program_names(&self) -> &'static [&'static str] {
        &["pwsh", "powershell", "pwsh-preview"]
    }

    fn quote_into(&self, value: &[u8], out: &mut SecretBytes) -> Result<(), Unrepresentable> {
        if value.contains(&0) {
            return Err(Unrepresentable::Nul);
        }
        if std::str::from_utf8(value).is_err() {
            return Err(Unrepresentable::NotUtf8);
        }
        // The four other quote characters of PowerShell are not ASCII, so that they never stand
        // in the text; neither does a control character, which a pipeline of lines might change.
        if value.iter().all(|b| matches!(b, b' '..=b'~')) {
            out.extend(b"'");
            for piece in value.split_inclusive(|b| *b == b'\'') {
                out.extend(piece);
                if piece.ends_with(b"'") {
                    out.extend(b"'");
                }
            }
            out.extend(b"'");
        } else {
            let mut encoded = zeroize::Zeroizing::new(vec![0; value.len().div_ceil(3) * 4]);
            // The length is the exact one, so that nothing can fail here.
            let length = STANDARD.encode_slice(value, &mut encoded).unwrap_or_default();
            out.extend(b"([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('");
            out.extend(encoded.get(..length).unwrap_or_default());
            out.extend(b"')))");
        }
        Ok(())
    }

    fn apply(&self, delta: &EnvDelta, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let mut script = Script::default();
        save(delta, before, &mut script);
        for name in delta.keys().chain(&delta.removes) {
            remove(name.as_str(), &mut script);
        }
        for (name, value) in &delta.sets {
            script.push_all(["${env:", name.as_str(), "}="]);
            script.quoted(self, value.expose().as_bytes())?.push(";\n");
        }
        Ok(script.0)
    }

    fn restore(&self, before: &Inherited) -> Result<Vec<u8>, Unrepresentable> {
        let mut script = Script::default();
        // A hook that holds something knows more than the state does. It calls us in turn, for the
        // rest.
        script.push("if((Get-Command -Name Exit-LeappSession -ErrorAction Ignore) -and ");
        script.push("$leapp_session -and -not ");
        script.push("(Get-Variable -Name __leapp_leaving -Scope Global -ErrorAction Ignore))");
        script.push("{Exit-LeappSession}else{\n");
        match before.way_back() {
            Return::Everything(steps) => go_back(&steps, &mut script)?,
            Return::MarkersOnly => {
                for name in envdelta::MARKERS {
                    remove(name, &mut script);
                }
            }
        }
        script.push_all(["Remove-Variable -Name ", TABLE, " -Scope Global -ErrorAction Ignore;\n"]);
        script.push("};\n");
        Ok(script.public())
    }

    fn deferred(&self, argv: &[&[u8]]) -> Result<Vec<u8>, Unrepresentable> {
        let mut script = Script::default();
        script.push("$__leapp_t=& ").command(self, argv)?;
        script.push(" | Out-String;\n");
        script.push("if($LASTEXITCODE -ne 0){Remove-Variable -Name __leapp_t;");
        script.push("throw 'leapp: no credentials'};\n");
        script.push("try{Invoke-Expression -Command $__leapp_t}");
        script.push("finally{Remove-Variable -Name __leapp_t};\n");
        Ok(script.public())
    }

    fn failing(&self) -> &'static str {
        "throw 'leapp: no credentials';\n"
    }

    fn hook(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let text = HOOK.numbered();
        Some(hook::loading(self, "$__leapp_program = ", program, "\n", &text))
    }

    fn completion(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let text = include_str!("../../shell/complete.ps1");
        Some(hook::loading(self, "$_leapp_program = ", program, "\n", text))
    }

    fn hook_line(&self) -> Option<(&'static str, &'static str)> {
        Some(("$PROFILE", "leapp hook powershell | Out-String | Invoke-Expression"))
    }

    fn hook_number(&self) -> Option<String> {
        Some(HOOK.number())
    }

    /// Lines of words that the hook reads as data: text that is evaluated would be shown by a
    /// trace and kept by script block logging.
    fn reply(&self, reply: &Reply<'_>, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let _ = before;
        let mut script = Script::default();
        change(reply, &mut script);
        for (name, value) in reply.locals() {
            script.push_all(["local ", name, " "]);
            encoded(&value, &mut script);
        }
        let ticks = reply.mtime_ns.div_euclid(100) + TICKS_OF_1970;
        script.push_all(["local ticks "]);
        encoded(ticks.to_string().as_bytes(), &mut script);
        for (name, value) in reply.shown() {
            script.push_all(["show ", name, " "]);
            encoded(value.as_bytes(), &mut script);
        }
        script.push("ok\n");
        Ok(script.0)
    }

    fn eval_line(&self, words: &[&str]) -> Result<String, Unrepresentable> {
        let line = readable(self, words)?;
        // A program whose path is quoted is a string, until `&` calls it.
        let call = if line.starts_with(['\'', '(']) { "& " } else { "" };
        Ok(format!("{call}{line} | Out-String | Invoke-Expression"))
    }
}

/// 1970-01-01T00:00:00Z in units of 100 ns since the year 1, as .NET counts.
const TICKS_OF_1970: i128 = 621_355_968_000_000_000;

/// The part of a reply that changes the environment.
fn change(reply: &Reply<'_>, script: &mut Script) {
    if let Some(before) = reply.change.adopted() {
        for (name, original) in hook::originals(before) {
            script.push_all(["adopt ", name.as_str(), " "]);
            match original {
                None => {
                    script.push("-\n");
                }
                Some(text) => encoded(text.as_bytes(), script),
            }
        }
    }
    let Some(delta) = reply.change.delta() else {
        match reply.change {
            Change::None => {}
            Change::Markers => {
                script.push("unset LEAPP_SESSION\nunset LEAPP_STATE\n");
            }
            _ => {
                script.push("back\n");
            }
        }
        return;
    };
    if matches!(reply.change, Change::Set(_)) {
        script.push("save\n");
    }
    for name in delta.keys().chain(&delta.removes) {
        script.push_all(["unset ", name.as_str(), "\n"]);
    }
    for (name, value) in &delta.sets {
        let word = if matches!(value, Value::Public(_)) { "set " } else { "secret " };
        script.push_all([word, name.as_str(), " "]);
        encoded(value.expose().as_bytes(), script);
    }
}

/// Base64, and the end of the line.
fn encoded(value: &[u8], script: &mut Script) {
    let mut text = zeroize::Zeroizing::new(vec![0; value.len().div_ceil(3) * 4]);
    // The length is the exact one, so that nothing can fail here.
    let length = STANDARD.encode_slice(value, &mut text).unwrap_or_default();
    script.0.extend(text.get(..length).unwrap_or_default());
    script.push("\n");
}

fn save(delta: &EnvDelta, before: &Inherited, script: &mut Script) {
    let saving = before.saving(delta);
    if before.state().is_none() {
        script.push_all(["$global:", TABLE, "=@{};\n"]);
    } else if saving.exported.is_empty() && saving.others.is_empty() {
        return;
    } else {
        script.push(FIND_TABLE);
        script.push_all(["if($null -eq $__leapp_h){$global:", TABLE, "=@{}};\n"]);
    }
    for name in saving.exported.iter().chain(&saving.others).map(|name| name.as_str()) {
        script.push_all(["$global:", TABLE, "['", name, "']="]);
        script.push_all(["[Environment]::GetEnvironmentVariable('", name, "');\n"]);
    }
}

fn go_back(steps: &[Step], script: &mut Script) -> Result<(), Unrepresentable> {
    script.push(FIND_TABLE).push("if($null -eq $__leapp_h){$__leapp_h=@{}};\n");
    // Reversed, the ownership tags stand first.
    for step in steps.iter().rev() {
        remove(step.name.as_str(), script);
    }
    for step in steps {
        let name = step.name.as_str();
        script.push_all(["if($null -ne $__leapp_h['", name, "']){"]);
        script.push_all(["[Environment]::SetEnvironmentVariable('", name, "',"]);
        script.push_all(["$__leapp_h['", name, "'])}"]);
        if let Some(text) = &step.otherwise {
            script.push_all(["elseif(-not $__leapp_h.ContainsKey('", name, "')){"]);
            script.push_all(["${env:", name, "}="]);
            script.quoted(&PowerShell, text.as_bytes())?.push("}");
        }
        script.push(";\n");
    }
    script.push("Remove-Variable -Name __leapp_h -ErrorAction Ignore;\n");
    Ok(())
}

/// Assigning nothing would define an empty variable in 7.5 and later.
fn remove(name: &str, script: &mut Script) {
    script.push_all(["Remove-Item -LiteralPath 'Env:", name, "' -ErrorAction Ignore;\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        String::from_utf8(PowerShell.quote(text.as_bytes()).unwrap()).unwrap()
    }

    /// No PowerShell runs here: what it makes of these is in the language's own rules.
    #[test]
    fn quoting_is_ascii_and_has_no_way_out() {
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a$b`c"), "'a$b`c'");
        assert_eq!(quoted("it's''"), "'it''s'''''");
        for odd in ["\u{2018}", "\u{2019};x", "\u{201a}", "\u{201b}", "a\nb", "ü"] {
            let text = quoted(odd);
            assert!(text.is_ascii() && !text.contains('\n'), "{text}");
            let coded = text.split('\'').nth(1).unwrap();
            assert_eq!(STANDARD.decode(coded).unwrap(), odd.as_bytes());
        }
        assert_eq!(PowerShell.quote(b"\xff"), Err(Unrepresentable::NotUtf8));
    }
}
