//! Vaults: a real gnome-keyring, unlocked, locked, absent and silent; the file vault and its key in
//! the kernel; and everything that must not open a vault at all.

use std::{
    fs,
    io::Read,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{CANARY, Outcome, PASSPHRASE, World, chmod, files_below, unique};

/// An empty home that prefers the system vault, as a user's does.
fn unset_vault() -> World {
    let mut world = World::new();
    world.unset("LEAPP_VAULT").unset("LEAPP_VAULT_PASSPHRASE");
    world
}

/// Shell functions for scripts inside a bus: `add` adds the session `work`, `unlock` starts a
/// gnome-keyring whose login keyring is open, `locked` one whose is not.
const FUNCTIONS: &str = r#"
    add() {
        printf %s "$SECRET" | leapp session add aws-iam-user work --access-key-id "$KEY" \
            --secret-access-key-stdin --region us-east-1
    }
    unlock() {
        printf pw | gnome-keyring-daemon --unlock --components=secrets > daemon.out 2> daemon.err
    }
    service() {
        gdbus call --session --dest org.freedesktop.secrets --timeout 20 \
            --object-path /org/freedesktop/secrets --method "org.freedesktop.Secret.Service.$1" "$2"
    }
    lock() {
        service Lock "['/org/freedesktop/secrets/collection/login']" > lock.out
    }
    locked() {
        gnome-keyring-daemon --start --components=secrets > daemon.out 2> daemon.err
    }
    items() { secret-tool search --all service leapp-cli 2>&1; }
    status() { "$@"; echo "status $?"; }
"#;

/// Runs shell text on a session bus of its own.
fn on_bus(world: &World, text: &str) -> Outcome {
    for program in ["dbus-run-session", "gnome-keyring-daemon", "secret-tool", "gdbus"] {
        let found = ["/usr/bin", "/bin", "/usr/local/bin"]
            .iter()
            .any(|directory| Path::new(directory).join(program).exists());
        assert!(found, "run scripts/setup-tests first: {program} is missing");
    }
    let mut command = world.foreign("dbus-run-session");
    command.args(["--", "bash", "-c", &format!("{FUNCTIONS}\n{text}")]);
    command
        .env("SECRET", world.user["secret_access_key"].as_str().unwrap())
        .env("KEY", world.user["access_key_id"].as_str().unwrap());
    world.run(command, None)
}

/// A bus that accepts whoever comes and never says a word; counts them.
struct Deaf {
    path: PathBuf,
    guests: Arc<AtomicUsize>,
}

impl Deaf {
    fn new(world: &World) -> Self {
        let path = world.home.path().join(unique("bus"));
        let listener = UnixListener::bind(&path).unwrap();
        let guests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&guests);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            while let Ok((guest, _)) = listener.accept() {
                count.fetch_add(1, Ordering::SeqCst);
                kept.push(guest);
            }
        });
        Self { path, guests }
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.path.display())
    }

    fn guests(&self) -> usize {
        self.guests.load(Ordering::SeqCst)
    }
}

/// Runs the program, killed after a minute: status 124.
fn within_a_minute(world: &World, words: &[&str]) -> Outcome {
    let mut command = world.foreign("timeout");
    command.args(["--signal=KILL", "60", "leapp"]).args(words);
    world.run(command, None)
}

#[test]
fn an_unlocked_keyring_keeps_the_secret_until_the_session_is_removed() {
    let world = unset_vault();
    let outcome = on_bus(
        &world,
        r#"
        unlock
        status add
        items > items
        status leapp start work
        leapp session remove work --yes
        echo "left $(items | grep -c session:)"
        "#,
    );
    outcome.succeeds().says("the secret is in the system vault");
    assert!(outcome.text().contains("status 0\nstatus 0\nleft 0"), "{outcome}");
    assert_eq!(world.actions(), ["GetSessionToken"]);
    let items = fs::read_to_string(world.home.path().join("items")).unwrap();
    let sessions = items.matches("attribute.username = session:").count();
    assert_eq!(sessions, 1, "one item a subject");
    assert!(items.contains(world.user["secret_access_key"].as_str().unwrap()));
    // Not a word of it outside the keyring.
    for path in files_below(&world.leapp_home()) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes()), "{}", path.display());
    }
    assert!(!world.leapp_home().join("vault").exists(), "no file vault beside it");
}

#[test]
fn the_vault_that_was_chosen_first_is_recorded() {
    let world = unset_vault();
    let outcome = on_bus(&world, "unlock; add && leapp workspace info --json");
    assert_eq!(outcome.succeeds().json()["vault"], "system");
    // Another passphrase variable or another day changes nothing about it.
    let mut world = world;
    world.set("LEAPP_VAULT_PASSPHRASE", PASSPHRASE);
    world.leapp(["start", "work"]).fails(7).says("system vault").says("keyring");
    assert!(!world.leapp_home().join("vault").exists());
    assert_eq!(world.actions(), [""; 0]);
}

#[test]
fn a_locked_keyring_is_reported_at_once_where_nobody_can_unlock_it() {
    let world = unset_vault();
    let outcome = on_bus(
        &world,
        r#"
        unlock
        add || exit 90
        lock
        status leapp start work
        status leapp credential-process work
        status leapp session remove work --yes
        status leapp list
        "#,
    );
    outcome.succeeds().says("locked").says("unlock");
    let statuses: Vec<_> =
        outcome.text().lines().filter(|l| l.starts_with("status")).map(str::to_owned).collect();
    assert_eq!(statuses, ["status 3", "status 3", "status 3", "status 0"], "{outcome}");
    assert!(outcome.text().contains("work"), "a refused removal removes nothing: {outcome}");
    assert_eq!(world.actions(), [""; 0]);
    // The same after the next login, before anybody has unlocked it.
    let outcome =
        on_bus(&world, "locked; status leapp start work; unlock; status leapp start work");
    let text = outcome.succeeds().text();
    assert!(text.contains("status 3"), "{outcome}");
    assert_eq!(world.actions().len(), usize::from(text.contains("status 0")));
}

#[test]
fn a_keyring_without_a_collection_is_no_reason_for_a_dialog() {
    let world = unset_vault();
    let outcome = on_bus(&world, "locked; status add; leapp list --json");
    outcome.succeeds().says("unlock");
    assert!(outcome.text().starts_with("status 3"), "{outcome}");
    assert!(outcome.text().trim_end().ends_with("[]"), "{outcome}");
}

#[test]
fn without_a_keyring_the_first_secret_goes_into_a_file_vault_and_that_is_said() {
    let addresses = [None, Some("unix:path=/nonexistent/bus"), Some("nonsense")];
    for address in addresses {
        let mut world = unset_vault();
        world.set("LEAPP_VAULT_PASSPHRASE", PASSPHRASE);
        if let Some(address) = address {
            world.set("DBUS_SESSION_BUS_ADDRESS", address);
        }
        let added = world.add_user(&[]);
        added.succeeds().says("no system vault").says("the secret is in the file vault");
        assert_eq!(world.leapp(["workspace", "info", "--json"]).json()["vault"], "file");
        // Recorded: nothing is probed again, and nothing is said again.
        let started = world.leapp(["start", "work"]);
        assert!(!started.succeeds().stderr.contains("system vault"), "{started}");
    }
}

#[test]
fn without_a_keyring_and_without_a_passphrase_nothing_is_half_added() {
    let world = unset_vault();
    world.add_user(&[]).fails(3).says("LEAPP_VAULT_PASSPHRASE_FILE");
    assert_eq!(world.leapp(["list", "--json"]).succeeds().text().trim(), "[]");
    assert!(!world.leapp_home().join("vault/vault.json").exists());
}

#[test]
fn a_keyring_that_is_gone_is_status_7() {
    let mut world = unset_vault();
    on_bus(&world, "unlock; add").succeeds();
    for address in [None, Some("unix:path=/nonexistent/bus")] {
        if let Some(address) = address {
            world.set("DBUS_SESSION_BUS_ADDRESS", address);
        }
        world.leapp(["start", "work"]).fails(7).says("system vault").says("keyring");
        world.leapp(["list"]).succeeds();
        world.leapp(["session", "show", "work"]).succeeds();
    }
    assert_eq!(world.actions(), [""; 0]);
}

#[test]
fn a_keyring_that_never_answers_is_given_up() {
    let mut world = unset_vault();
    on_bus(&world, "unlock; add").succeeds();
    let deaf = Deaf::new(&world);
    world.set("DBUS_SESSION_BUS_ADDRESS", deaf.address());
    within_a_minute(&world, &["start", "work"]).fails(7).says("did not answer within");
    within_a_minute(&world, &["credential-process", "work"]).fails(7);
    assert_eq!(deaf.guests(), 2, "the test's bus was asked");

    // For a first secret it counts as absent.
    let mut world = unset_vault();
    let deaf = Deaf::new(&world);
    world.set("DBUS_SESSION_BUS_ADDRESS", deaf.address());
    world.set("LEAPP_VAULT_PASSPHRASE", PASSPHRASE);
    world.add_user(&[]).succeeds().says("did not answer").says("file vault");
}

#[test]
fn another_vault_than_the_recorded_one_is_an_error_that_names_both() {
    let mut world = World::with_user();
    world.set("LEAPP_VAULT", "system");
    for words in [&["start", "work"][..], &["session", "remove", "work", "--yes"]] {
        let outcome = world.leapp(words);
        outcome.fails(7).says("file vault").says("LEAPP_VAULT");
        assert!(outcome.stderr.contains("system"), "{outcome}");
    }
    let edited = world.command(["session", "edit", "work", "--secret-access-key-stdin"]);
    let secret = world.user["secret_access_key"].as_str().unwrap();
    world.run(edited, Some(secret)).fails(7).says("file vault").says("system");
    world.set("LEAPP_VAULT", "moon");
    world.leapp(["start", "work"]).fails(7).says("moon");
    world.set("LEAPP_VAULT", "file");
    world.leapp(["start", "work"]).succeeds();

    let mut world = World::new();
    world.set("LEAPP_VAULT", "moon");
    world.add_user(&[]).fails(2).says("'system' or 'file'");
}

#[test]
fn an_item_that_was_deleted_is_reported_with_the_command_that_helps() {
    let world = unset_vault();
    let outcome = on_bus(
        &world,
        r#"
        unlock
        add || exit 90
        items | sed -n 's/^attribute.username = \(session:.*\)/\1/p' > subject
        secret-tool clear service leapp-cli username "$(cat subject)"
        status leapp start work
        printf %s "$SECRET" | leapp session edit work --secret-access-key-stdin
        status leapp start work
        "#,
    );
    outcome.succeeds().says("no secret for session 'work'");
    outcome.says("leapp session edit work --secret-access-key-stdin");
    assert_eq!(outcome.text(), "status 7\nstatus 0\n", "{outcome}");
}

/// The items of a file vault.
fn items(world: &World) -> Vec<PathBuf> {
    let mut items = files_below(&world.leapp_home().join("vault"));
    items.retain(|path| path.extension().is_some_and(|e| e == "item"));
    items
}

#[test]
fn items_of_the_file_vault_that_are_lost_damaged_or_swapped_are_noticed() {
    let world = World::with_user();
    let saved: Vec<_> = items(&world).into_iter().map(|p| (fs::read(&p).unwrap(), p)).collect();
    assert_eq!(saved.len(), 2, "the session's and the workspace's");
    let restore = || {
        for (bytes, path) in &saved {
            fs::write(path, bytes).unwrap();
            chmod(path, 0o600);
        }
    };

    for path in items(&world) {
        fs::remove_file(path).unwrap();
    }
    world.leapp(["start", "work"]).fails(7).says("session edit work --secret-access-key-stdin");
    restore();
    for (bytes, path) in &saved {
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    }
    world.leapp(["start", "work"]).fails(7).says("damaged");
    for (bytes, path) in &saved {
        let mut changed = bytes.clone();
        let middle = bytes.len() / 2;
        changed[middle] ^= 1;
        fs::write(path, changed).unwrap();
    }
    world.leapp(["start", "work"]).fails(7).says("damaged");
    // Each under the other's name.
    fs::write(&saved[0].1, &saved[1].0).unwrap();
    fs::write(&saved[1].1, &saved[0].0).unwrap();
    world.leapp(["start", "work"]).fails(7).says("damaged");
    assert_eq!(world.actions(), [""; 0]);
    restore();
    world.leapp(["start", "work"]).succeeds();
}

#[test]
fn a_damaged_head_of_the_file_vault_is_never_replaced() {
    let world = World::with_user();
    let head = world.leapp_home().join("vault/vault.json");
    let whole = fs::read(&head).unwrap();
    let other =
        String::from_utf8(whole.clone()).unwrap().replace("\"version\": 1", "\"version\": 9");
    assert_ne!(other.as_bytes(), whole);
    for content in [&b""[..], b"{}", &whole[..whole.len() / 2], other.as_bytes()] {
        fs::write(&head, content).unwrap();
        world.leapp(["start", "work"]).fails(7).says("file vault is damaged");
        world.add_more("more").fails(7);
        assert_eq!(fs::read(&head).unwrap(), content);
    }
    fs::write(&head, &whole).unwrap();
    chmod(&head, 0o644);
    world.leapp(["start", "work"]).fails(7).says("chmod 600");
    chmod(&head, 0o600);
    world.leapp(["start", "work"]).succeeds();
}

#[test]
fn a_lost_head_of_the_file_vault_is_not_made_anew_over_old_items() {
    let world = World::with_user();
    fs::remove_file(world.leapp_home().join("vault/vault.json")).unwrap();
    let before: Vec<_> = items(&world).iter().map(|p| fs::read(p).unwrap()).collect();
    world.leapp(["start", "work"]).fails(7);
    assert!(!world.leapp_home().join("vault/vault.json").exists(), "reading makes no vault");
    let after: Vec<_> = items(&world).iter().map(|p| fs::read(p).unwrap()).collect();
    assert_eq!(before, after);
}

impl World {
    /// Another user session with this test's key.
    fn add_more(&self, name: &str) -> Outcome {
        let key = self.user["access_key_id"].as_str().unwrap();
        let words = ["session", "add", "aws-iam-user", name, "--access-key-id", key];
        let command = self.command(words.into_iter().chain(["--secret-access-key-stdin"]));
        self.run(command, self.user["secret_access_key"].as_str())
    }
}

#[test]
fn a_wrong_passphrase_is_status_7_and_a_missing_one_status_3() {
    let mut world = World::with_user();
    world.leapp(["lock"]).succeeds().says("file vault is locked");
    world.set("LEAPP_VAULT_PASSPHRASE", "TESTSECRET wrong");
    world.leapp(["start", "work"]).fails(7).says("passphrase of the file vault is wrong");
    world.unset("LEAPP_VAULT_PASSPHRASE");
    world.leapp(["start", "work"]).fails(3).says("locked").says("LEAPP_VAULT_PASSPHRASE_FILE");
    world.leapp(["credential-process", "work"]).fails(3).prints("");
    world.leapp(["list"]).succeeds();
    assert_eq!(world.actions(), [""; 0]);

    let file = world.home.path().join("passphrase");
    fs::write(&file, format!("{PASSPHRASE}\n")).unwrap();
    world.set("LEAPP_VAULT_PASSPHRASE_FILE", &file);
    chmod(&file, 0o644);
    world.leapp(["start", "work"]).fails(7).says("chmod 600");
    chmod(&file, 0o600);
    world.leapp(["start", "work"]).succeeds();
    fs::remove_file(&file).unwrap();
    world.leapp(["lock"]).succeeds();
    world.leapp(["start", "work"]).fails(7).says("LEAPP_VAULT_PASSPHRASE_FILE").says("passphrase'");
}

#[test]
fn an_unlocked_file_vault_stays_open_in_the_kernel_until_it_is_locked() {
    let mut world = World::with_user();
    world.unset("LEAPP_VAULT_PASSPHRASE").set("LEAPP_CACHE", "off");
    world.leapp(["start", "work"]).succeeds();
    world.leapp(["credential-process", "work"]).succeeds();
    world.leapp(["lock"]).succeeds().says("file vault is locked");
    world.leapp(["start", "work"]).fails(3);
    let again = world.leapp(["lock"]);
    assert!(!again.succeeds().stderr.contains("vault is locked"), "{again}");
    // Another home's key opens nothing here.
    let other = World::with_user();
    world.leapp(["start", "work"]).fails(3);
    drop(other);
    // The right passphrase unlocks it for the next hour again.
    world.set("LEAPP_VAULT_PASSPHRASE", PASSPHRASE);
    world.leapp(["start", "work"]).succeeds();
    world.unset("LEAPP_VAULT_PASSPHRASE");
    world.leapp(["start", "work"]).succeeds();
}

#[test]
fn lock_forgets_the_cached_credentials_too() {
    let world = World::with_user();
    world.leapp(["start", "work"]).succeeds();
    world.leapp(["start", "work"]).succeeds();
    assert_eq!(world.actions().len(), 1);
    world.leapp(["lock"]).succeeds().says("cached credentials are forgotten");
    world.leapp(["start", "work"]).succeeds();
    assert_eq!(world.actions().len(), 2);
}

#[test]
fn a_vault_that_is_never_kept_open_asks_every_time() {
    let mut world = World::new();
    fs::create_dir(world.leapp_home()).unwrap();
    chmod(&world.leapp_home(), 0o700);
    let config = world.leapp_home().join("config.toml");
    fs::write(&config, "vault_unlock = \"0\"\n").unwrap();
    chmod(&config, 0o600);
    world.add_user(&[]).succeeds();
    world.set("LEAPP_CACHE", "off");
    world.leapp(["start", "work"]).succeeds();
    world.unset("LEAPP_VAULT_PASSPHRASE");
    world.leapp(["start", "work"]).fails(3).says("locked");
    let again = world.leapp(["lock"]);
    assert!(!again.succeeds().stderr.contains("vault is locked"), "{again}");
}

#[test]
fn a_new_key_that_cannot_be_written_leaves_the_old_one_usable() {
    let world = World::with_user();
    let other = World::new();
    let key = other.user["access_key_id"].as_str().unwrap();
    let secret = other.user["secret_access_key"].as_str();
    let words = ["session", "edit", "work", "--access-key-id", key];
    let words = words.into_iter().chain(["--secret-access-key-stdin"]);
    // The vault can be written, and the workspace cannot.
    let mut command = world.foreign("strace");
    let file = world.leapp_home().join("Leapp-lock.json");
    command.args(["-qq", "-o", "/dev/null", "-P"]).arg(&file);
    command.args(["-e", "inject=rename,renameat,renameat2:error=ENOSPC"]);
    command.arg("leapp").args(words.clone());
    world.run(command, secret).fails(7).says("nothing was changed");
    world.leapp(["start", "work"]).succeeds();
    assert_eq!(world.actions(), ["GetSessionToken"]);
    world.run(world.command(words), secret).succeeds();
    world.leapp(["start", "work"]).succeeds();
    assert_eq!(other.actions(), ["GetSessionToken"]);
}

/// Commands that show, with the session `work` warm.
const QUIET: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["session", "add", "--help"],
    &["completions", "bash"],
    &["completions", "zsh"],
    &["completions", "fish"],
    &[],
    &["list"],
    &["list", "wo"],
    &["list", "--json"],
    &["status", "work"],
    &["session", "list"],
    &["session", "show", "work"],
    &["session", "current"],
    &["region"],
    &["location"],
    &["workspace", "info"],
    &["workspace", "restore"],
    &["env", "--unset", "--shell", "fish"],
    &["env", "work", "--shell", "bash"],
    &["env", "work", "--shell", "bash", "--format", "json"],
    &["exec", "work", "--", "true"],
    &["credential-process", "work"],
    &["start", "work"],
    &["stop", "work"],
    &["list"],
];

#[test]
fn the_doctor_tells_whether_the_system_vault_is_open() {
    let mut world = unset_vault();
    let outcome =
        on_bus(&world, "unlock; add || exit 90; status leapp doctor; lock; status leapp doctor");
    let text = outcome.succeeds().text();
    let (open, locked) = text.split_once("status 0").unwrap();
    assert!(open.contains("the system vault, by the workspace; it is unlocked now"), "{open}");
    assert!(locked.contains("the system vault, by the workspace; it is locked now"), "{locked}");
    let deaf = Deaf::new(&world);
    world.set("DBUS_SESSION_BUS_ADDRESS", deaf.address());
    let outcome = within_a_minute(&world, &["doctor"]);
    let text = outcome.fails(1).text();
    assert!(text.contains("FAIL  vault") && text.contains("did not answer within 2 s"), "{text}");
    assert!(text.contains("start your keyring"), "{text}");
}

#[test]
fn commands_that_only_show_open_neither_vault_nor_bus() {
    let mut world = unset_vault();
    let text = r"unlock; add && leapp region set eu-west-1 && for word in 'env work --shell bash' \
        'exec work -- true' 'credential-process work' 'start work'; do leapp $word > warm.out || exit 1; done";
    on_bus(&world, text).succeeds();
    let requests = world.actions().len();
    let deaf = Deaf::new(&world);
    world.set("DBUS_SESSION_BUS_ADDRESS", deaf.address());
    for words in QUIET {
        let outcome = world.leapp(*words);
        assert!(outcome.code() == 0 || *words == ["session", "current"], "{outcome}");
        assert_eq!(deaf.guests(), 0, "{words:?} went to the bus");
    }
    assert_eq!(world.actions().len(), requests, "and nothing was asked of the cloud");
    // The socket is one that would have been noticed.
    _ = within_a_minute(&world, &["start", "work"]);
    assert_ne!(deaf.guests(), 0);
}

#[test]
fn commands_that_only_show_read_no_file_of_the_file_vault() {
    let world = World::with_user();
    for words in [
        &["env", "work", "--shell", "bash"][..],
        &["exec", "work", "--", "true"],
        &["credential-process", "work"],
    ] {
        world.leapp(words).succeeds();
    }
    let vault = world.leapp_home().join("vault");
    let away = world.leapp_home().join("away");
    fs::rename(&vault, &away).unwrap();
    for words in QUIET {
        let outcome = world.leapp(*words);
        assert!(outcome.code() == 0 || *words == ["session", "current"], "{outcome}");
        assert!(!vault.exists(), "{words:?}");
    }
}

/// What strace saw: the lines of its log.
fn traced(world: &World, words: &[&str]) -> (Outcome, Vec<String>) {
    assert!(
        Path::new("/usr/bin/strace").exists(),
        "run scripts/setup-tests first: strace is missing"
    );
    let log = world.home.path().join(unique("strace"));
    let mut command = world.foreign("strace");
    command.args(["-f", "-qq", "-o"]).arg(&log).arg("leapp").args(words);
    let outcome = world.run(command, None);
    let mut text = String::new();
    fs::File::open(log).unwrap().read_to_string(&mut text).unwrap();
    let call = |line: &str| line.split_once(' ').map(|(_, call)| call.trim().to_owned());
    (outcome, text.lines().filter_map(call).collect())
}

#[test]
fn the_warm_path_makes_no_connection_no_thread_and_one_write() {
    let world = World::with_role("prod", "Admin");
    let forms: [&[&str]; 3] = [
        &["env", "prod", "--shell", "bash"],
        &["credential-process", "prod"],
        &["exec", "prod", "--", "true"],
    ];
    for words in forms {
        world.leapp(words).succeeds();
        let requests = world.actions().len();
        let (outcome, calls) = traced(&world, words);
        outcome.succeeds();
        assert_eq!(world.actions().len(), requests, "it was not warm: {words:?}");
        let of = |names: &[&str]| -> Vec<&String> {
            let named =
                |call: &&String| names.iter().any(|name| call.starts_with(&format!("{name}(")));
            calls.iter().filter(named).collect()
        };
        assert!(!of(&["execve"]).is_empty(), "strace saw nothing");
        let forbidden =
            ["connect", "socket", "clone", "clone3", "fork", "vfork", "fsync", "epoll_create1"];
        assert_eq!(of(&forbidden), [""; 0], "{words:?}");
        let runs = if words[0] == "exec" { 2 } else { 1 };
        let answered = of(&["execve"]).iter().filter(|call| call.ends_with("= 0")).count();
        assert_eq!(answered, runs, "{words:?}");
        let output = calls.iter().filter(|call| call.starts_with("write(1,")).count();
        assert_eq!(output, usize::from(words[0] != "exec"), "{words:?}");
        let opened =
            |part: &str| calls.iter().filter(|c| c.starts_with("open") && c.contains(part)).count();
        assert_eq!(opened("Leapp-lock.json"), 0, "the workspace is not read");
        assert_eq!(opened("/vault/"), 0);
        assert_eq!(opened("audit.jsonl"), 1);
    }
}

#[test]
fn the_first_secrets_at_once_share_one_vault() {
    let world = World::new();
    let key = world.user["access_key_id"].as_str().unwrap();
    let secret = world.user["secret_access_key"].as_str().unwrap();
    let names = ["one", "two", "three", "four"];
    std::thread::scope(|scope| {
        for name in names {
            let words = ["session", "add", "aws-iam-user", name, "--access-key-id", key];
            let mut command = world.command(words);
            command.arg("--secret-access-key-stdin");
            scope.spawn(move || {
                crate::support::run(&mut command, Some(secret)).succeeds().says("added session");
            });
        }
    });
    for name in names {
        world.leapp(["start", name]).succeeds();
    }
}
