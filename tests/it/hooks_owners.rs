//! Who owns a shell: a directory, `leapp use`, `leapp env`, `leapp exec`, `leapp off`, nobody, or
//! another tool's keys. From each to each, and back to what was there at first.

use std::{collections::BTreeMap, ffi::OsString};

use crate::{
    hooked::{Hooked, Kind, as_program, everywhere, folder, kinds, project},
    support::World,
};

/// Another tool's access key id.
const OTHER: &str = "AKIAOTHERTOOL";

/// Sessions `dev`, `prod` and `live` that are active, the projects `shop` (dev) and `store` (prod),
/// a directory `plain`, and `wild` with a file that nobody trusts.
pub(crate) struct Place {
    pub(crate) world: World,
    /// Access key ids, and whose they are.
    keys: BTreeMap<String, String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let mut world = World::with_role("dev", "Admin");
        world.set("AWS_PROFILE", "mine").set("AWS_REGION", "us-west-2");
        let mut keys = BTreeMap::from([
            (OTHER.to_owned(), "other".to_owned()),
            ("LEAPP-EXPIRED".to_owned(), "closed".to_owned()),
        ]);
        for name in ["prod", "live"] {
            world.add_role(name, "work", "Admin", &["--role-session-name", name]).succeeds();
        }
        for name in ["dev", "prod", "live"] {
            let outcome = world.leapp(["env", name, "--format", "json"]);
            let json = outcome.succeeds().json();
            let text = json.to_string();
            let at = text.find("ASIA").unwrap();
            let key = text[at..].split('"').next().unwrap().to_owned();
            keys.insert(key, name.to_owned());
        }
        let shop = project(&world, "shop", "dev");
        std::fs::create_dir(shop.join("sub")).unwrap();
        project(&world, "store", "prod");
        folder(&world, "plain");
        std::fs::write(folder(&world, "wild").join(".leapp.toml"), "session = 'prod'\n").unwrap();
        Self { world, keys }
    }

    /// A shell with the hook, which is what `leapp exec` without a command starts, too.
    pub(crate) fn shell(&self, kind: Kind) -> Hooked {
        let program = as_program(&self.world, kind);
        let shell = kind.export("SHELL", program.to_str().unwrap());
        let rc = format!("{}\n{shell}", kind.load());
        Hooked::with(&self.world, kind, &rc, self.world.home.path())
    }

    /// What is on, by the key id itself, and the kind that `LEAPP_STATE` tells: `dev d`, `other`,
    /// `-` for nothing, `other (e)` where the user's own state speaks of keys that are gone. All that belongs together has to be there together.
    #[track_caller]
    fn on(&self, shell: &mut Hooked) -> String {
        let all = shell.ours();
        let text = |name: &str| {
            all.get(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let key = text("AWS_ACCESS_KEY_ID");
        assert_eq!(key.is_empty(), text("AWS_SECRET_ACCESS_KEY").is_empty(), "{all:?}");
        let state = text("LEAPP_STATE");
        if state.is_empty() {
            assert_eq!(text("LEAPP_SESSION"), "", "a marker without a state: {all:?}");
            return if key.is_empty() { "-".to_owned() } else { self.keys[&key].clone() };
        }
        let parts: Vec<&str> = state.split(';').collect();
        let whose = self.keys[&key].clone();
        if parts[4] != key {
            assert!(matches!(parts[1], "e" | "x"), "the hook's own word is untrue: {all:?}");
            return format!("{whose} ({})", parts[1]);
        }
        if whose != "closed" {
            assert_eq!(text("LEAPP_SESSION"), whose, "{all:?}");
            assert!(text("AWS_SESSION_TOKEN").len() > 20 && text("AWS_PROFILE").is_empty());
        }
        format!("{whose} {}", parts[1])
    }
}

/// What a step means in a shell.
pub(crate) fn line(kind: Kind, step: &str) -> String {
    let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
    match word {
        "cd" => format!("cd ~/code/{rest}"),
        "use" | "off" => kind.by_hand(step),
        "env" => match kind {
            Kind::Bash => format!("eval \"$(leapp env {rest} --shell bash)\""),
            Kind::Zsh => format!("eval \"$(leapp env {rest} --shell zsh)\""),
            Kind::Fish => format!("leapp env {rest} --shell fish | source"),
            Kind::Pwsh => {
                format!("leapp env {rest} --shell powershell | Out-String | Invoke-Expression")
            }
        },
        "exec" => format!("leapp exec {rest}"),
        "keys" => [
            kind.export("AWS_SESSION_TOKEN", ""),
            kind.export("AWS_SECRET_ACCESS_KEY", "theirs"),
            kind.export("AWS_ACCESS_KEY_ID", OTHER),
        ]
        .join("; "),
        "nokeys" => ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
            .map(|name| kind.unset(name))
            .join("; "),
        _ => step.to_owned(),
    }
}

/// A step, what is on after it, and the lines that are said: a part of each.
type Step = (&'static str, &'static str, &'static [&'static str]);

/// Plays the steps in each shell; at the end all is as it was at first.
#[track_caller]
fn play(steps: &[Step]) {
    play_to(steps, |before, after| assert_eq!(after, before, "not as it was"));
}

type Variables = BTreeMap<String, OsString>;

/// The same, with another end.
#[track_caller]
fn play_to(steps: &[Step], end: impl Fn(&Variables, &Variables) + Sync) {
    let place = &Place::new();
    let end = &end;
    std::thread::scope(|scope| {
        for kind in kinds() {
            scope.spawn(move || {
                let mut shell = place.shell(kind);
                let before = shell.ours();
                let mut done = Vec::new();
                for step in steps {
                    done.push(step.0);
                    take(place, &mut shell, step, &done);
                }
                end(&before, &shell.ours());
            });
        }
    });
}

/// One step, and a prompt after it: what is on, what was said, what a prompt can show.
fn take(place: &Place, shell: &mut Hooked, step: &Step, done: &[&str]) {
    let (kind, (step, on, lines)) = (shell.kind, step);
    let said = shell.said(&line(kind, step));
    // Which region counts is said beside it; other tests hold that.
    let told: Vec<&str> = said.lines().filter(|line| !line.contains("wins over")).collect();
    assert_eq!(place.on(shell), *on, "{kind:?}: after {done:?}: {said}");
    let fits = told.len() == lines.len()
        && told.iter().zip(*lines).all(|(told, line)| told.contains(line));
    assert!(fits, "{kind:?}: after {done:?} it says {told:?}, not {lines:?}");
    assert_eq!(shell.said("true"), "", "{kind:?}: once, after {done:?}");
    assert_eq!(place.on(shell), *on, "{kind:?}: at the next prompt, after {done:?}");
    let is_hooks = on.ends_with(" d") || on.ends_with(" u");
    let shows = on.split(' ').next().filter(|_| is_hooks).unwrap_or_default();
    assert_eq!(shell.shown().0, shows, "{kind:?}: the prompt's word after {done:?}");
}

const DEV: &str = "leapp: dev is on (eu-west-1)";
const PROD: &str = "leapp: prod is on (eu-west-1)";
const LIVE: &str = "leapp: live is on (eu-west-1)";
const DEV_OFF: &str = "leapp: dev is off";
const PROD_OFF: &str = "leapp: prod is off";
const DEV_GIVEN_UP: &str =
    "leapp: other credentials have replaced those of 'dev', so it is given up here";
const LIVE_GIVEN_UP: &str =
    "leapp: other credentials have replaced those of 'live', so it is given up here";
const NOTHING: &str = "leapp: nothing was on";

#[test]
fn a_directory_gives_way_to_nobody_and_to_the_next_directory() {
    play(&[
        ("cd plain", "-", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("cd shop/sub", "dev d", &[]),
        ("cd store", "prod d", &[DEV_OFF, PROD]),
        ("cd shop/sub", "dev d", &[PROD_OFF, DEV]),
        ("cd plain", "-", &[DEV_OFF]),
    ]);
}

#[test]
fn use_takes_the_shell_from_anybody_who_is_not_exec() {
    play(&[
        ("use live", "live u", &[LIVE]),
        ("use prod", "prod u", &[PROD]),
        ("cd shop", "dev d", &[DEV]),
        ("use live", "live u", &[LIVE]),
        ("cd shop/sub", "live u", &[]),
        ("cd plain", "live u", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("use live", "live u", &[LIVE]),
        ("cd store", "prod d", &[PROD]),
        ("off", "-", &["leapp: prod is off; directories"]),
        ("use live", "live u", &[LIVE]),
        ("off", "-", &["leapp: live is off; directories"]),
    ]);
}

const GONE: &str = "leapp: live is off; directories";
const SHELL: &str = "leapp: this is a shell with the session";

#[test]
fn off_holds_until_another_project_is_entered() {
    play(&[
        ("off", "-", &[NOTHING]),
        ("cd shop", "dev d", &[DEV]),
        ("off", "-", &["leapp: dev is off; directories"]),
        ("off", "-", &[NOTHING]),
        ("cd shop/sub", "-", &[]),
        ("cd store", "prod d", &[PROD]),
        ("off", "-", &["leapp: prod is off; directories"]),
        ("cd plain", "-", &[]),
        ("cd store", "prod d", &[PROD]),
        ("cd plain", "-", &[PROD_OFF]),
    ]);
}

/// Only a root that names a session takes the shell from `use` and `off`.
#[test]
fn a_project_that_switches_nothing_on_takes_the_shell_from_nobody() {
    const NOTE: &str = "wild/.leapp.toml is not trusted: leapp trust";
    play(&[
        ("use live", "live u", &[LIVE]),
        ("cd wild", "live u", &[NOTE]),
        ("cd plain", "live u", &[]),
        ("off", "-", &[GONE]),
        ("cd wild", "-", &[]),
        ("cd store", "prod d", &[PROD]),
        ("cd wild", "-", &[PROD_OFF, NOTE]),
        ("env live", "live e", &[]),
        ("cd plain", "live e", &[]),
        ("cd wild", "live e", &[]),
        ("off", "-", &[GONE]),
    ]);
}

#[test]
fn what_env_put_there_is_the_users_own() {
    play(&[
        ("env live", "live e", &[]),
        ("cd plain", "live e", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("cd shop/sub", "dev d", &[]),
        ("cd store", "prod d", &[DEV_OFF, PROD]),
        ("cd plain", "live e", &[PROD_OFF]),
        ("env dev", "dev e", &[]),
        ("env live", "live e", &[]),
        ("env --unset", "-", &[]),
    ]);
}

#[test]
fn off_and_use_end_what_env_put_there() {
    play(&[
        ("env live", "live e", &[]),
        ("off", "-", &[GONE]),
        ("env live", "live e", &[]),
        ("use prod", "prod u", &[PROD]),
        ("off", "-", &["is off; directories"]),
        ("env live", "live e", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("cd plain", "live e", &[DEV_OFF]),
        ("off", "-", &[GONE]),
    ]);
}

#[test]
fn env_over_use_ends_what_use_held() {
    play(&[
        ("use prod", "prod u", &[PROD]),
        ("env live", "live e", &[]),
        ("cd plain", "live e", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("cd plain", "live e", &[DEV_OFF]),
        ("env --unset", "-", &[]),
    ]);
}

#[test]
fn env_inside_a_project_is_left_alone_until_another_is_entered() {
    play(&[
        ("cd shop", "dev d", &[DEV]),
        ("env live", "live e", &[]),
        ("cd shop/sub", "live e", &[]),
        ("cd plain", "live e", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("env live", "live e", &[]),
        ("cd store", "prod d", &[PROD]),
        ("cd plain", "live e", &[PROD_OFF]),
        ("env --unset", "-", &[]),
    ]);
}

#[test]
fn env_unset_inside_a_project_ends_what_the_project_put_there() {
    play(&[
        ("cd shop", "dev d", &[DEV]),
        ("env --unset", "-", &["leapp: dev is off; directories"]),
        ("cd shop/sub", "-", &[]),
        ("cd store", "prod d", &[PROD]),
        ("env --unset", "-", &["leapp: prod is off; directories"]),
        ("cd plain", "-", &[]),
        ("use live", "live u", &[LIVE]),
        ("env --unset", "-", &[GONE]),
        ("cd shop", "dev d", &[DEV]),
        ("cd plain", "-", &[DEV_OFF]),
    ]);
}

#[test]
fn in_a_shell_of_exec_no_directory_counts_until_off() {
    play(&[
        ("exec live", "live x", &[SHELL]),
        ("cd shop", "live x", &[]),
        ("cd store", "live x", &[]),
        ("cd plain", "live x", &[]),
        ("off", "-", &[GONE]),
        ("cd shop", "dev d", &[DEV]),
        ("exit", "-", &[]),
    ]);
}

#[test]
fn a_shell_of_exec_inside_a_project_keeps_its_own_session() {
    play(&[
        ("cd shop", "dev d", &[DEV]),
        ("exec live", "live x", &[SHELL]),
        ("cd shop/sub", "live x", &[]),
        ("cd store", "live x", &[]),
        ("exit", "dev d", &[]),
        ("exec dev", "dev x", &[SHELL]),
        ("off", "-", &["leapp: dev is off; directories"]),
        ("cd store", "prod d", &[PROD]),
        ("exit", "dev d", &[]),
        ("cd plain", "-", &[DEV_OFF]),
    ]);
}

#[test]
fn use_and_env_in_a_shell_of_exec() {
    play(&[
        ("use prod", "prod u", &[PROD]),
        ("exec live", "live x", &[SHELL]),
        ("use dev", "dev u", &["leapp: dev is on"]),
        ("cd store", "prod d", &[PROD]),
        ("off", "-", &["leapp: prod is off; directories"]),
        ("exit", "prod u", &[]),
        ("exec live", "live x", &[SHELL]),
        ("env dev", "dev e", &[]),
        ("cd store", "dev e", &[]),
        ("env --unset", "-", &[]),
        ("cd shop", "-", &[]),
        ("exec live", "live x", &[SHELL]),
        ("exit", "-", &[]),
        ("exit", "prod u", &[]),
        ("env live", "live e", &[]),
        ("exec dev", "dev x", &[SHELL]),
        ("exit", "live e", &[]),
        ("off", "-", &[GONE]),
    ]);
}

#[test]
fn another_tools_keys_come_back_when_a_project_is_left() {
    play(&[
        ("keys", "other", &[]),
        ("cd plain", "other", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("cd plain", "other", &[DEV_OFF]),
        ("use live", "live u", &[LIVE]),
        ("cd store", "prod d", &[PROD]),
        ("off", "other", &["leapp: prod is off; directories"]),
        ("env live", "live e", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("off", "other", &["is off; directories"]),
        ("exec live", "live x", &[SHELL]),
        ("exit", "other", &[]),
        ("cd store", "prod d", &[PROD]),
        ("env --unset", "other", &["leapp: prod is off; directories"]),
        ("cd plain", "other", &[]),
        ("off", "other", &[NOTHING]),
        ("nokeys", "-", &[]),
    ]);
}

#[test]
fn over_another_tools_keys_the_hook_gives_up_until_the_root_changes() {
    let steps: &[Step] = &[
        ("cd shop", "dev d", &[DEV]),
        ("keys", "other", &[DEV_GIVEN_UP]),
        ("cd shop/sub", "other", &[]),
        ("cd plain", "other", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("keys", "other", &[DEV_GIVEN_UP]),
        ("cd store", "prod d", &[PROD]),
        ("cd plain", "other", &[PROD_OFF]),
        ("use live", "live u", &[LIVE]),
        ("keys", "other", &[LIVE_GIVEN_UP]),
        ("cd shop", "dev d", &[DEV]),
        ("off", "other", &["leapp: dev is off; directories"]),
        ("use live", "live u", &[LIVE]),
        ("keys", "other", &[LIVE_GIVEN_UP]),
        ("off", "other", &[NOTHING]),
    ];
    play_to(steps, |before, after| {
        // What is not ours any more is not taken away: the region stays with the other keys.
        assert_eq!(after["AWS_SECRET_ACCESS_KEY"], "theirs");
        assert_eq!(after["AWS_REGION"], "eu-west-1");
        assert!(before.contains_key("AWS_PROFILE") && !after.contains_key("LEAPP_SESSION"));
    });
}

/// Theirs are left alone where the hook owns nothing, and the markers there are not the hook's.
#[test]
fn another_tools_keys_over_what_the_user_or_exec_put_there() {
    let steps: &[Step] = &[
        ("off", "-", &[NOTHING]),
        ("exec live", "live x", &[SHELL]),
        ("exec dev", "dev x", &[SHELL]),
        ("cd shop", "dev x", &[]),
        ("exit", "live x", &[]),
        ("keys", "other (x)", &[]),
        ("cd shop", "other (x)", &[]),
        ("off", "other", &[GONE]),
        ("cd store", "prod d", &[PROD]),
        ("cd plain", "other", &[PROD_OFF]),
        ("exit", "-", &[]),
        ("keys", "other", &[]),
        ("cd plain", "other", &[]),
        ("env live", "live e", &[]),
        ("keys", "other (e)", &[]),
        ("cd shop", "dev d", &[DEV]),
        ("cd plain", "other (e)", &[DEV_OFF]),
        ("off", "other", &[GONE]),
    ];
    play_to(steps, |_, after| assert_eq!(after["AWS_SECRET_ACCESS_KEY"], "theirs"));
}

#[test]
fn keys_that_were_taken_away_stay_away() {
    let steps: &[Step] = &[
        ("cd shop", "dev d", &[DEV]),
        ("nokeys", "-", &[]),
        ("cd shop/sub", "-", &[]),
        ("cd plain", "-", &[]),
        ("use live", "live u", &[LIVE]),
        ("nokeys", "-", &[]),
        ("cd plain", "-", &[]),
        ("cd store", "prod d", &[PROD]),
        ("cd plain", "-", &[PROD_OFF]),
    ];
    play_to(steps, |_, after| assert!(!after.contains_key("LEAPP_STATE")));
}

/// Where ours return, they are ours: they must not stay on outside of the project.
#[test]
fn keys_that_come_back_go_when_the_project_is_left() {
    let place = &Place::new();
    everywhere(|kind| {
        let mut shell = place.shell(kind);
        let before = shell.ours();
        shell.run(&line(kind, "cd shop"));
        let key = shell.exported("AWS_ACCESS_KEY_ID").unwrap();
        shell.run(&kind.export("AWS_ACCESS_KEY_ID", OTHER));
        shell.run("true");
        assert_eq!(shell.shown().0, "", "{kind:?}: no word of a session that is not on");
        assert_eq!(shell.exported("LEAPP_STATE"), None, "{kind:?}");
        shell.run(&kind.export("AWS_ACCESS_KEY_ID", &key));
        shell.run("true");
        shell.run(&line(kind, "cd plain"));
        assert_eq!(shell.ours(), before, "{kind:?}");
    });
}

/// A shell that inherits an untrue word of an outer hook does not keep it for later.
#[test]
fn what_an_outer_hook_said_of_keys_that_are_gone_does_not_come_back() {
    let place = &Place::new();
    everywhere(|kind| {
        let mut shell = place.shell(kind);
        shell.run(&line(kind, "cd shop"));
        let inner = as_program(&place.world, kind);
        shell.run(&format!("{}; {}", line(kind, "keys"), inner.display()));
        assert_eq!(place.on(&mut shell), "dev d", "{kind:?}: the project's rule, in a new shell");
        shell.run(&line(kind, "cd plain"));
        assert_eq!(place.on(&mut shell), "other", "{kind:?}");
        shell.run("exit");
        assert_eq!(place.on(&mut shell), "other", "{kind:?}: the outer one has given up");
    });
}
