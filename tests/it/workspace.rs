//! The workspace file under everything that can befall it: each fault ends with status 7, changes
//! nothing on disk, and blocks only what needs a session.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use leapp::{
    model::Workspace,
    system::paths::Home,
    workspace::{Store, WorkspaceError},
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::support::{CANARY, Outcome, PASSPHRASE, World, chmod, files_below};

/// Every file below a directory, byte for byte.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    // The lock is an empty file that comes with the first change, refused or not.
    let is_content = |path: &PathBuf| path.file_name().is_some_and(|name| name != ".lock");
    let read = |path: PathBuf| {
        let bytes = if path.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        (path, bytes)
    };
    let files = files_below(directory).into_iter().filter(is_content);
    files.map(read).collect()
}

fn file(world: &World) -> PathBuf {
    world.leapp_home().join("Leapp-lock.json")
}

/// What needs the workspace ends with 7 and changes nothing; what does not works. Returns what
/// `list` said.
#[track_caller]
fn refuses(world: &World) -> Outcome {
    let before = snapshot(&world.leapp_home());
    let said = world.leapp(["list"]);
    said.fails(7).prints("");
    world.leapp(["region", "set", "eu-west-2"]).fails(7);
    let arn = "arn:aws:iam::444455556666:role/Admin";
    world
        .leapp([
            "session",
            "add",
            "aws-iam-role-chained",
            "new",
            "--parent",
            "work",
            "--role-arn",
            arn,
        ])
        .fails(7);
    world.leapp(["env", "work", "--shell", "posix"]).fails(7).prints("false;\n");
    world.leapp(["exec", "work", "--", "true"]).fails(7);
    assert_eq!(snapshot(&world.leapp_home()), before, "a file was changed");
    world.leapp(["--help"]).succeeds();
    world.leapp(["session", "add", "--help"]).succeeds();
    world.leapp(["completions", "bash"]).succeeds();
    world.leapp(["env", "--unset", "--shell", "posix"]).succeeds();
    said
}

/// The cheaper half of [`refuses`], for many faults.
#[track_caller]
fn refuses_briefly(world: &World, what: &str) {
    let before = snapshot(&world.leapp_home());
    for words in [&["list"][..], &["region", "set", "eu-west-2"]] {
        let outcome = world.leapp(words);
        assert_eq!(outcome.code(), 7, "{what}: {outcome}");
        assert_eq!(outcome.text(), "", "{what}");
        assert!(!outcome.stderr.contains(CANARY), "{what}");
    }
    assert!(snapshot(&world.leapp_home()) == before, "{what}: a file was changed");
}

/// No vault can be opened, so only the machine's own key counts.
fn without_vault(world: &mut World) {
    world.leapp(["lock"]).succeeds();
    world.unset("LEAPP_VAULT_PASSPHRASE");
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Runs shell text as on a machine with these ids, in a mount namespace of its own; `None` where
/// mounts are not allowed.
fn on_machine(world: &World, id: &str, dbus_id: &str, text: &str) -> Option<Outcome> {
    let (one, two) = (world.home.path().join("id"), world.home.path().join("dbus-id"));
    fs::write(&one, id).unwrap();
    fs::write(&two, dbus_id).unwrap();
    let mount = "mount --bind \"$ID\" /etc/machine-id && \
        { ! test -e /var/lib/dbus/machine-id || mount --bind \"$DBUS_ID\" /var/lib/dbus/machine-id; }";
    let run = |text: &str| {
        let mut command = world.foreign("unshare");
        command.args(["--mount", "sh", "-c", text]);
        command.env("ID", &one).env("DBUS_ID", &two);
        world.run(command, None)
    };
    if !is_root() || run(mount).code() != 0 {
        eprintln!("SKIPPED in part: mounting over /etc/machine-id needs root");
        return None;
    }
    Some(run(&format!("{mount} || exit 99; {text}")))
}

const OTHER_ID: &str = "0123456789abcdef0123456789abcdef\n";
const ANOTHER_ID: &str = "fedcba9876543210fedcba9876543210\n";

fn edit_envelope(world: &World, change: impl FnOnce(&mut Json)) {
    let path = file(world);
    let mut envelope: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut envelope);
    fs::write(&path, serde_json::to_vec_pretty(&envelope).unwrap()).unwrap();
}

#[test]
fn a_workspace_truncated_anywhere_is_refused_and_left_alone() {
    let world = World::with_role("prod", "Admin");
    let whole = fs::read(file(&world)).unwrap();
    let lengths = (0..whole.len() - 1).step_by(whole.len() / 40);
    // The last byte is a line end that JSON does not need.
    for length in lengths.chain([1, whole.len() - 3, whole.len() - 2]) {
        fs::write(file(&world), &whole[..length]).unwrap();
        refuses_briefly(&world, &format!("{length} of {} bytes", whole.len()));
    }
    fs::write(file(&world), b"").unwrap();
    refuses(&world).says("damaged").says("leapp workspace restore");
    fs::write(file(&world), &whole).unwrap();
    world.leapp(["list"]).succeeds();
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let world = World::with_role("prod", "Admin");
    let whole = fs::read(file(&world)).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(file(&world), &changed).unwrap();
        refuses_briefly(&world, &format!("bit {} of byte {at}", at % 8));
    }
    fs::write(file(&world), &whole).unwrap();
    world.leapp(["list"]).succeeds();
}

#[test]
fn parts_of_two_workspaces_do_not_make_one() {
    let (world, other) = (World::with_user(), World::with_role("prod", "Admin"));
    let foreign: Json = serde_json::from_slice(&fs::read(file(&other)).unwrap()).unwrap();
    edit_envelope(&world, |envelope| {
        envelope["nonce"] = foreign["nonce"].clone();
        envelope["ciphertext"] = foreign["ciphertext"].clone();
    });
    refuses(&world).says("damaged");
}

#[test]
fn a_workspace_whose_machine_key_does_not_fit_needs_the_vault() {
    let mut world = World::with_user();
    let other = World::with_user();
    let foreign: Json = serde_json::from_slice(&fs::read(file(&other)).unwrap()).unwrap();
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    without_vault(&mut world);
    edit_envelope(&world, |envelope| {
        envelope["header"]["keys"]["machine"] = foreign["header"]["keys"]["machine"].clone();
    });
    let said = refuses(&world);
    said.says("another machine").says("leapp workspace restore");
    assert!(id.trim().is_empty() || !said.stderr.contains(id.trim()));
}

#[test]
fn a_workspace_from_another_machine_is_left_alone_or_opened_by_the_vault() {
    let mut world = World::with_user();
    without_vault(&mut world);
    let before = snapshot(&world.leapp_home());
    let Some(refused) = on_machine(&world, OTHER_ID, ANOTHER_ID, "leapp region set eu-west-2")
    else {
        return;
    };
    refused.fails(7).says("another machine").says("leapp workspace restore");
    on_machine(&world, OTHER_ID, ANOTHER_ID, "leapp list").unwrap().fails(7);
    assert_eq!(snapshot(&world.leapp_home()), before);

    world.set("LEAPP_VAULT_PASSPHRASE", PASSPHRASE);
    let info = "leapp workspace info --json";
    let opened = on_machine(&world, OTHER_ID, ANOTHER_ID, info).unwrap();
    assert_eq!(opened.succeeds().json()["openedBy"], "vault");
    assert_eq!(snapshot(&world.leapp_home()), before, "reading heals nothing");
    // A change seals it for the machine where it is made.
    on_machine(&world, OTHER_ID, ANOTHER_ID, "leapp region set eu-west-2").unwrap().succeeds();
    without_vault(&mut world);
    let opened = on_machine(&world, OTHER_ID, ANOTHER_ID, info).unwrap();
    assert_eq!(opened.succeeds().json()["openedBy"], "machine id");
    world.leapp(["list"]).fails(7);
    world.set("LEAPP_VAULT_PASSPHRASE", PASSPHRASE);
    world.leapp(["list"]).succeeds();
}

#[test]
fn either_of_the_two_machine_ids_opens_the_workspace() {
    let mut world = World::with_user();
    without_vault(&mut world);
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    if id.trim().len() != 32 || !Path::new("/var/lib/dbus/machine-id").exists() {
        eprintln!("SKIPPED: this machine has not both files");
        return;
    }
    let Some(by_dbus) = on_machine(&world, OTHER_ID, &id, "leapp list") else {
        return;
    };
    by_dbus.succeeds();
    on_machine(&world, &id, OTHER_ID, "leapp list").unwrap().succeeds();
    on_machine(&world, "", &id, "leapp list").unwrap().succeeds();
    on_machine(&world, "", "", "leapp list").unwrap().fails(7);
}

#[test]
fn a_machine_without_an_id_gets_a_key_file_and_says_so() {
    let world = World::new();
    let text = "leapp region set eu-west-2 && leapp workspace info && leapp workspace info --json";
    let ids = [("", ""), ("00000000000000000000000000000000", "uninitialized\n")];
    for (id, dbus_id) in ids {
        let Some(outcome) = on_machine(&world, id, dbus_id, text) else {
            return;
        };
        outcome.succeeds().says("this machine has no id").says("machine-key");
        assert!(outcome.text().contains("opened by:      machine-key file"), "{outcome}");
        assert!(outcome.text().contains("\"machine-key file\""), "{outcome}");
        let key = world.leapp_home().join("machine-key");
        let meta = fs::metadata(&key).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        assert_eq!((meta.len(), mode & 0o777), (32, 0o600));
    }
    // Another key file is another machine.
    fs::write(world.leapp_home().join("machine-key"), [7; 32]).unwrap();
    on_machine(&world, "", "", "leapp list").unwrap().fails(7).says("another machine");
}

#[test]
fn a_newer_workspace_is_refused_and_kept() {
    let world = World::with_user();
    edit_envelope(&world, |envelope| envelope["header"]["version"] = json!(2));
    refuses(&world).says("version 2").says("newer leapp");
    // Its form may be another one too.
    edit_envelope(&world, |envelope| {
        *envelope = json!({ "header": { "format": "leapp-workspace", "version": 7 } });
    });
    refuses(&world).says("version 7");
    edit_envelope(&world, |envelope| envelope["header"]["format"] = json!("moon"));
    refuses(&world).says("damaged");
}

#[test]
fn the_desktop_apps_file_is_never_touched() {
    let desktop = "U2FsdGVkX1+Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4";
    let world = World::new();
    fs::create_dir(world.leapp_home()).unwrap();
    fs::write(file(&world), desktop).unwrap();
    chmod(&file(&world), 0o644);
    chmod(&world.leapp_home(), 0o700);
    let said = refuses(&world);
    said.says("written by the Leapp desktop app").says("LEAPP_HOME=");
    assert!(!said.stderr.contains("chmod"), "{said}");
    world.leapp(["workspace", "info"]).fails(7).says("LEAPP_HOME=");
    // What the hint says helps.
    let mut world = world;
    let elsewhere = world.home.path().join(".config/leapp");
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    world.set("LEAPP_HOME", &elsewhere);
    world.leapp(["region", "set", "eu-west-2"]).succeeds();
    assert_eq!(fs::read_to_string(file(&world)).unwrap(), desktop);
}

#[test]
fn a_workspace_that_the_desktop_app_replaced_comes_back_from_the_backups() {
    let desktop = "U2FsdGVkX1+Zm9vYmFyYmF6cXV4";
    let world = World::with_role("prod", "Admin");
    world.leapp(["region", "set", "eu-west-2"]).succeeds();
    fs::write(file(&world), desktop).unwrap();
    chmod(&file(&world), 0o644);
    refuses(&world).says("took the place of our workspace").says("leapp workspace restore");
    let listed = world.leapp(["workspace", "restore", "--json"]);
    assert_eq!(listed.succeeds().json()[0]["sessions"], 2);
    let restored = world.leapp(["workspace", "restore", "1", "--yes", "--json"]);
    let aside = restored.succeeds().json()["setAside"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_to_string(aside).unwrap(), desktop);
    assert_eq!(world.leapp(["list", "--json"]).succeeds().json().as_array().unwrap().len(), 2);
}

#[test]
fn foreign_owners_are_refused() {
    if !is_root() {
        eprintln!("SKIPPED: giving files away needs root");
        return;
    }
    let world = World::with_user();
    let (home, foreign) = (world.leapp_home(), Some(54321));
    std::os::unix::fs::chown(file(&world), foreign, foreign).unwrap();
    refuses(&world).says("54321").says("LEAPP_HOME");
    std::os::unix::fs::chown(file(&world), Some(0), Some(0)).unwrap();
    std::os::unix::fs::chown(&home, foreign, foreign).unwrap();
    refuses(&world).says("54321");
    std::os::unix::fs::chown(&home, Some(0), Some(0)).unwrap();
    world.leapp(["list"]).succeeds();
}

#[test]
fn a_loose_mode_is_refused_with_the_command_that_helps() {
    let world = World::with_user();
    for mode in [0o644, 0o640, 0o602] {
        chmod(&file(&world), mode);
        let said = refuses(&world);
        said.says(&format!("mode {mode:04o}"));
        let hint = said.stderr.lines().find_map(|line| line.split_once("hint: ")).unwrap().1;
        assert!(hint.starts_with("chmod 600 "), "{said}");
        world.shell("sh", hint).succeeds();
        world.leapp(["list"]).succeeds();
    }
}

#[test]
fn a_link_in_the_place_of_the_workspace_or_its_directory_is_refused() {
    let mut world = World::with_user();
    let real = world.home.path().join("real.json");
    fs::rename(file(&world), &real).unwrap();
    std::os::unix::fs::symlink(&real, file(&world)).unwrap();
    let before = fs::read(&real).unwrap();
    refuses(&world).says("link");
    assert_eq!(fs::read(&real).unwrap(), before);
    fs::remove_file(file(&world)).unwrap();
    fs::rename(&real, file(&world)).unwrap();

    let link = world.home.path().join("link");
    std::os::unix::fs::symlink(world.leapp_home(), &link).unwrap();
    world.set("LEAPP_HOME", &link);
    refuses(&world).says("link");
}

#[test]
fn a_directory_in_the_place_of_the_workspace_is_refused() {
    let world = World::with_user();
    fs::remove_file(file(&world)).unwrap();
    fs::create_dir(file(&world)).unwrap();
    refuses(&world).says("regular file");
}

#[test]
fn a_loose_directory_is_narrowed_and_that_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with_user();
    for words in [&["list"][..], &["region", "set", "eu-west-2"]] {
        chmod(&world.leapp_home(), 0o755);
        world.leapp(words).succeeds().says("0755").says("0700");
        let mode = fs::metadata(world.leapp_home()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        assert!(!world.leapp(words).succeeds().stderr.contains("0700"));
    }
}

#[test]
fn a_relative_home_is_refused() {
    let mut world = World::new();
    world.set("LEAPP_HOME", "here/leapp");
    for words in [&["list"][..], &["region", "set", "eu-west-2"], &["env", "x"]] {
        world.leapp(words).fails(7).says("absolute").says("LEAPP_HOME");
    }
    world.leapp(["--help"]).succeeds();
    assert!(!world.home.path().join("here").exists());
    world.unset("LEAPP_HOME").unset("HOME");
    world.leapp(["list"]).fails(7).says("HOME");
}

#[test]
fn a_home_inside_a_git_work_tree_is_refused() {
    let mut world = World::new();
    let tree = world.home.path().join("code");
    let mut git = world.foreign("git");
    git.args(["init", "--quiet"]).arg(&tree);
    world.run(git, None).succeeds();
    world.set("LEAPP_HOME", tree.join("deep/leapp"));
    world.leapp(["region", "set", "eu-west-2"]).fails(7).says("git work tree").says("LEAPP_HOME");
    world.add_user(&[]).fails(7).says("git work tree");
    assert!(!tree.join("deep").exists());
    world.leapp(["completions", "zsh"]).succeeds();
}

#[test]
fn a_full_disk_changes_nothing() {
    let world = World::new();
    let home = world.leapp_home();
    fs::create_dir(&home).unwrap();
    let secret = world.user["secret_access_key"].as_str().unwrap();
    let key = world.user["access_key_id"].as_str().unwrap();
    let text = r#"
        mount -t tmpfs -o size=64k,mode=700 leapp "$1" || exit 99
        leapp region set eu-west-1 || exit 98
        printf %s "$SECRET" | leapp session add aws-iam-user work --access-key-id "$KEY" \
            --secret-access-key-stdin || exit 97
        dd if=/dev/zero of="$1/filler" bs=512 2> /dev/null
        cp -r "$1" before
        leapp region set eu-west-2; echo "region $?"
        printf %s "$SECRET" | leapp session add aws-iam-user more --access-key-id "$KEY" \
            --secret-access-key-stdin; echo "add $?"
        leapp session remove work --yes; echo "remove $?"
        LEAPP_CACHE=off leapp exec work -- true; echo "exec $?"
        rm -f before/audit.jsonl "$1/audit.jsonl"
        diff -r before "$1" > /dev/null && echo same
        rm "$1/filler"
        leapp region set eu-west-3; echo "again $?"
        leapp list
    "#;
    let mut command = world.foreign("unshare");
    command.args(["--mount", "sh", "-c", text, "sh"]).arg(&home);
    command.env("SECRET", secret).env("KEY", key);
    let outcome = world.run(command, None);
    if !is_root() || outcome.code() == 99 {
        eprintln!("SKIPPED: mounting a small disk needs root");
        return;
    }
    outcome.succeeds().says("full").says("nothing was changed");
    let text = outcome.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..6],
        ["region 7", "add 7", "remove 7", "exec 0", "same", "again 0"],
        "{outcome}"
    );
    assert!(lines[6].contains("work"), "{outcome}");
}

#[test]
fn a_limit_on_file_sizes_changes_nothing() {
    let world = World::with_user();
    let before = snapshot(&world.leapp_home());
    // The signal that such a write raises is ignored, so that the write itself fails.
    let text = "trap '' XFSZ; ulimit -f 0; leapp region set eu-west-2";
    world.shell("bash", text).fails(7);
    assert_eq!(snapshot(&world.leapp_home()), before);
    // And with the signal: killed, and nothing changed but what is being cleaned up later.
    let killed = world.shell("bash", "ulimit -f 0; leapp region set eu-west-2");
    assert_ne!(killed.code(), 0, "{killed}");
    let mut after = snapshot(&world.leapp_home());
    after.retain(|path, _| {
        !path.file_name().unwrap().to_string_lossy().starts_with(".leapp-writing-")
    });
    assert_eq!(after, before);
    world.leapp(["region", "set", "eu-west-2"]).succeeds();
}

#[test]
fn the_last_ten_versions_are_kept_and_restored() {
    let world = World::with_user();
    let regions = ["eu-west-1", "eu-west-2"];
    for round in 0..14 {
        world.leapp(["region", "set", regions[round % 2]]).succeeds();
        let kept = files_below(&world.leapp_home().join("backups")).len();
        // One for the user that was added to an empty home: none.
        assert_eq!(kept, (round + 1).min(10));
    }
    for path in files_below(&world.leapp_home().join("backups")) {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let rows = world.leapp(["workspace", "restore", "--json"]);
    let rows = rows.succeeds().json();
    assert_eq!(rows.as_array().unwrap().len(), 10);
    assert!(rows.as_array().unwrap().iter().all(|row| row["sessions"] == 1));
    assert_eq!(world.leapp(["region"]).succeeds().text().trim(), "eu-west-2");
    world.leapp(["workspace", "restore", "1"]).fails(3).says("--yes");
    assert_eq!(world.leapp(["region"]).succeeds().text().trim(), "eu-west-2");
    world.leapp(["workspace", "restore", "1", "--yes"]).succeeds();
    assert_eq!(world.leapp(["region"]).succeeds().text().trim(), "eu-west-1");
    // What stood there before is a backup now, so restoring can be undone.
    world.leapp(["workspace", "restore", "1", "--yes"]).succeeds();
    assert_eq!(world.leapp(["region"]).succeeds().text().trim(), "eu-west-2");
    world.leapp(["workspace", "restore", "11", "--yes"]).fails(2);
    world.leapp(["workspace", "restore", "0", "--yes"]).fails(2);
}

#[test]
fn changes_that_fail_push_no_earlier_version_out_of_the_backups() {
    let world = World::with_user();
    for region in ["eu-west-1", "eu-west-2"] {
        world.leapp(["region", "set", region]).succeeds();
    }
    let versions = || -> Vec<Vec<u8>> {
        let mut paths = files_below(&world.leapp_home().join("backups"));
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    };
    let before = versions();
    // The backup can be written, and the workspace beside it cannot.
    for _ in 0..12 {
        let mut command = world.foreign("strace");
        command.args(["-qq", "-o", "/dev/null", "-P"]).arg(file(&world));
        command.args(["-e", "inject=rename,renameat,renameat2,link,linkat:error=ENOSPC"]);
        command.args(["leapp", "region", "set", "eu-west-3"]);
        world.run(command, None).fails(7).says("full");
    }
    let after = versions();
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.len(), before.len() + 1);
}

#[test]
fn an_unreadable_workspace_is_set_aside_by_restore_and_never_overwritten() {
    let world = World::with_role("prod", "Admin");
    world.leapp(["region", "set", "eu-west-2"]).succeeds();
    let mut asides = Vec::new();
    // Twice within a second: the second file must not take the first one's place.
    for content in ["not a workspace", "not one either"] {
        fs::write(file(&world), content).unwrap();
        let restored = world.leapp(["workspace", "restore", "1", "--yes", "--json"]);
        let aside = restored.succeeds().json()["setAside"].as_str().unwrap().to_owned();
        asides.push((aside, content));
        world.leapp(["session", "show", "prod"]).succeeds();
    }
    for (aside, content) in asides {
        assert_eq!(fs::read_to_string(aside).unwrap(), content);
    }
    let kept = files_below(&world.leapp_home().join("backups"));
    for path in kept {
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"{"), "{} is no good version", path.display());
    }
}

#[test]
fn a_damaged_backup_is_listed_as_such_and_not_restored() {
    let world = World::with_user();
    world.leapp(["region", "set", "eu-west-1"]).succeeds();
    world.leapp(["region", "set", "eu-west-2"]).succeeds();
    let mut backups = files_below(&world.leapp_home().join("backups"));
    backups.sort();
    fs::write(backups.last().unwrap(), "{}").unwrap();
    let rows = world.leapp(["workspace", "restore", "--json"]).succeeds().json();
    assert_eq!((&rows[0]["sessions"], &rows[1]["sessions"]), (&Json::Null, &json!(1)));
    let before = snapshot(&world.leapp_home());
    world.leapp(["workspace", "restore", "1", "--yes"]).fails(7);
    assert_eq!(snapshot(&world.leapp_home()), before);
    world.leapp(["workspace", "restore", "2", "--yes"]).succeeds();
}

#[test]
fn a_workspace_that_another_process_holds_is_waited_for_and_then_reported() {
    let world = World::with_user();
    let before = snapshot(&world.leapp_home());
    let lock = fs::File::open(world.leapp_home().join(".lock")).unwrap();
    lock.lock().unwrap();
    world.leapp(["list"]).succeeds();
    world.leapp(["region", "set", "eu-west-2"]).fails(7).says("another leapp process");
    assert_eq!(snapshot(&world.leapp_home()), before);
    drop(lock);
    world.leapp(["region", "set", "eu-west-2"]).succeeds();
}

#[test]
fn the_file_says_nothing_in_clear() {
    let world = World::with_role("customer-name", "Admin");
    for path in files_below(&world.leapp_home()) {
        if path.file_name().is_some_and(|name| name == "audit.jsonl") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for word in ["customer-name", "444455556666", "Admin", CANARY] {
            let shown = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            assert!(!shown, "{word} in {}", path.display());
        }
    }
}

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        "[\\x00-\\x1f\"\\\\\u{7f}-\u{9f}\u{2028}]{0,6}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z_\\PC]{1,8}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn session_value() -> impl Strategy<Value = Json> {
    (
        any::<u128>(),
        "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
        "[a-z-]{1,20}",
        prop::option::of("\\PC{0,20}"),
        prop::option::of("[a-z]{2}-[a-z]{4,9}-[1-9]"),
        prop::option::of(any::<u128>()),
        prop::collection::btree_map("[a-z_]{1,10}", json_value(), 0..5),
        any::<bool>(),
        json_value(),
    )
        .prop_map(|(id, name, kind, display, region, parent, fields, protected, more)| {
            let mut session = json!({
                "id": uuid::Uuid::from_u128(id), "name": name, "type": kind,
                "fields": fields, "unknown-member": more,
            });
            if let Some(display) = display {
                session["display_name"] = display.into();
            }
            if let Some(region) = region {
                session["region"] = region.into();
            }
            if let Some(parent) = parent {
                session["parent"] = format!("session:{}", uuid::Uuid::from_u128(parent)).into();
            }
            if protected {
                session["protected"] = true.into();
            }
            session
        })
}

fn workspace_value() -> impl Strategy<Value = Json> {
    let list = || prop::collection::vec(json_value(), 0..3);
    (
        prop::collection::vec(session_value(), 0..6),
        prop::option::of("[a-z]{2}-[a-z]{4,9}-[1-9]"),
        prop::option::of(prop_oneof![Just("file"), Just("system")]),
        list(),
        list(),
        list(),
        json_value(),
    )
        .prop_map(|(sessions, region, vault, urls, profiles, integrations, more)| {
            let mut workspace = json!({
                "sessions": sessions, "idpUrls": urls, "profiles": profiles,
                "integrations": integrations, "from-a-newer-program": more,
            });
            if let Some(region) = region {
                workspace["defaultRegion"] = region.into();
            }
            if let Some(vault) = vault {
                workspace["vault"] = vault.into();
            }
            workspace
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_workspace_comes_back_as_it_was_written(first in workspace_value(), second in workspace_value()) {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("home");
        let home = Home::choose(Some(OsString::from(&path)), None).unwrap();
        let store = Store::new(home.clone());
        prop_assert!(store.open(&|_| None).unwrap().is_none());
        for value in [&first, &second] {
            let workspace: Workspace = serde_json::from_value(value.clone()).unwrap();
            let done: Result<_, WorkspaceError> = store.update(&|_| None, |opened| {
                opened.workspace = workspace;
                Ok(())
            });
            done.unwrap();
            let opened = store.open(&|_| None).unwrap().unwrap();
            let read = serde_json::to_value(&opened.workspace).unwrap();
            prop_assert_eq!(&read, value);
        }
        // The first version is the backup of the second.
        let backups = leapp::workspace::backups::list(&home);
        prop_assert_eq!(backups.len(), 1);
        let opened = store.open_file(&backups[0], &|_| None).unwrap();
        prop_assert_eq!(&serde_json::to_value(&opened.workspace).unwrap(), &first);
        // What a change refuses is not written.
        let refused: Result<((), _), WorkspaceError> = store.update(&|_| None, |opened| {
            opened.workspace = Workspace::default();
            Err(WorkspaceError::Busy)
        });
        prop_assert!(refused.is_err());
        let opened = store.open(&|_| None).unwrap().unwrap();
        prop_assert_eq!(&serde_json::to_value(&opened.workspace).unwrap(), &second);
    }
}
