//! Kill -9 at any point: the workspace holds either the old or the new state, the backups open, and
//! a torn cache is a slower one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use leapp::{
    system::paths::Home,
    workspace::{Opened, Store, backups},
};

use crate::support::{World, files_below};

/// Random numbers of a test: xorshift, from a seed that a failure prints.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let nanoseconds =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = u64::from(nanoseconds.subsec_nanos()) | 1;
        eprintln!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Starts the command and kills it after that time, unless it has ended. Tells whether it was
/// killed.
fn killed_after(mut command: Command, stdin: Option<&Path>, delay: Duration) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let input = stdin.map_or_else(Stdio::null, |path| fs::File::open(path).unwrap().into());
    command.stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    thread::sleep(delay);
    _ = child.kill();
    child.wait().unwrap().signal().is_some()
}

/// How long the command takes when nobody kills it: the best of some runs.
fn usual(make: impl Fn() -> Command) -> Duration {
    let once = || {
        let mut command = make();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        command.status().unwrap();
        began.elapsed()
    };
    (0..5).map(|_| once()).min().unwrap().max(Duration::from_millis(2))
}

fn open(home: &Home) -> Opened {
    let opened = Store::new(home.clone()).open(&|_| None);
    opened.unwrap_or_else(|error| panic!("after a kill: {error}")).expect("a workspace")
}

/// Files that a killed writer left behind.
fn leftovers(directory: &Path) -> Vec<PathBuf> {
    let mut found = files_below(directory);
    found.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(".leapp-writing-"));
    found
}

fn home(world: &World) -> Home {
    Home::choose(Some(world.leapp_home().into_os_string()), None).unwrap()
}

#[test]
fn a_writer_that_is_killed_leaves_the_old_or_the_new_workspace() {
    let world = World::with_role("prod", "Admin");
    let home = home(&world);
    let regions = ["eu-west-1", "eu-west-2"];
    world.leapp(["region", "set", regions[0]]).succeeds();
    let set = |region: &str| world.command(["region", "set", region]);
    // Each run changes something: a change that changes nothing is not written.
    let turn = std::cell::Cell::new(0);
    let span = usual(|| {
        turn.set(turn.get() + 1);
        set(regions[turn.get() % 2])
    });
    let (mut dice, mut killed, mut changed) = (Dice::new(), 0, 0);
    for round in 0..300 {
        let before = open(&home).workspace;
        let old = before.default_region.as_ref().unwrap().to_string();
        let new = regions[usize::from(old == regions[0])];
        let limit = u64::try_from(span.as_micros()).unwrap() * 5 / 4;
        let delay = Duration::from_micros(dice.below(limit));
        // Each kind of change in its turn.
        let command = match round % 3 {
            0 => set(new),
            1 => world.command(["session", "edit", "prod", "--region", new]),
            _ => world.command([
                "session",
                "edit",
                "prod",
                "--display-name",
                &format!("round {round}"),
            ]),
        };
        killed += usize::from(killed_after(command, None, delay));
        let after = open(&home).workspace;
        assert_eq!(after.sessions.len(), 2, "round {round}");
        let changes = [
            before.default_region != after.default_region,
            before.sessions[1].region != after.sessions[1].region,
            before.sessions[1].display_name != after.sessions[1].display_name,
        ];
        let expected = changes.iter().enumerate().all(|(at, changed)| !changed || at == round % 3);
        assert!(expected, "round {round}: {changes:?}");
        changed += usize::from(changes.contains(&true));
        let kept = backups::list(&home);
        assert!(!kept.is_empty() && kept.len() <= 11, "{} backups", kept.len());
        for path in kept.iter().take(2) {
            let opened = Store::new(home.clone()).open_file(path, &|_| None);
            assert_eq!(opened.unwrap().workspace.sessions.len(), 2);
        }
    }
    // Otherwise the rounds have shown nothing.
    assert!(killed > 30 && changed > 3, "{killed} killed, {changed} changed");
    for path in backups::list(&home) {
        Store::new(home.clone()).open_file(&path, &|_| None).unwrap();
    }
    // What the dead have left behind goes once it is old.
    for path in leftovers(&world.leapp_home()) {
        let file = fs::File::options().write(true).open(&path).unwrap();
        let old = std::time::SystemTime::now() - Duration::from_hours(1);
        file.set_modified(old).unwrap();
    }
    for region in ["eu-west-3", "eu-west-1"] {
        world.leapp(["region", "set", region]).succeeds();
    }
    assert_eq!(leftovers(&world.leapp_home()), [""; 0].map(PathBuf::from));
    assert!(backups::list(&home).len() <= 10);
}

#[test]
fn a_killed_session_add_leaves_a_session_with_its_secret_or_none() {
    let world = World::with_user();
    let home = home(&world);
    let secret = world.home.path().join("secret");
    fs::write(&secret, world.user["secret_access_key"].as_str().unwrap()).unwrap();
    let key = world.user["access_key_id"].as_str().unwrap();
    let add = |name: &str| {
        let words = ["session", "add", "aws-iam-user", name, "--access-key-id", key];
        world.command(words.into_iter().chain([
            "--secret-access-key-stdin",
            "--region",
            "us-east-1",
        ]))
    };
    let began = Instant::now();
    let mut first = add("first");
    first.stdin(fs::File::open(&secret).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(first.status().unwrap().success());
    let limit = u64::try_from(began.elapsed().as_micros()).unwrap() * 5 / 4;
    let mut dice = Dice::new();
    let mut killed = 0;
    for round in 0..120 {
        let name = format!("more-{round}");
        let before = open(&home).workspace.sessions.len();
        let delay = Duration::from_micros(dice.below(limit));
        killed += usize::from(killed_after(add(&name), Some(&secret), delay));
        let workspace = open(&home).workspace;
        assert!([before, before + 1].contains(&workspace.sessions.len()), "round {round}");
        // A second try with the same name works, whatever the first one left.
        if workspace.by_name(&name).is_some() {
            let removed = world.leapp(["session", "remove", &name, "--yes"]);
            removed.succeeds();
        }
    }
    assert!(killed > 10, "{killed} killed");
    world.leapp(["start", "work"]).succeeds();
    world.leapp(["start", "first"]).succeeds();
}

#[test]
fn a_killed_session_remove_leaves_a_session_that_still_works_or_none() {
    let world = World::with_user();
    let home = home(&world);
    let secret = world.user["secret_access_key"].as_str().unwrap();
    let key = world.user["access_key_id"].as_str().unwrap();
    let words = ["session", "add", "aws-iam-user", "going", "--access-key-id", key];
    let words: Vec<&str> =
        words.into_iter().chain(["--secret-access-key-stdin", "--region", "us-east-1"]).collect();
    world.run(world.command(&words), Some(secret)).succeeds();
    let began = Instant::now();
    world.leapp(["session", "remove", "going", "--yes"]).succeeds();
    let limit = u64::try_from(began.elapsed().as_micros()).unwrap() * 5 / 4;
    let mut dice = Dice::new();
    let mut killed = 0;
    for _ in 0..80 {
        if open(&home).workspace.by_name("going").is_none() {
            world.run(world.command(&words), Some(secret)).succeeds();
        }
        let remove = world.command(["session", "remove", "going", "--yes"]);
        killed += usize::from(killed_after(remove, None, Duration::from_micros(dice.below(limit))));
        if open(&home).workspace.by_name("going").is_some() {
            let mut start = world.command(["start", "going"]);
            start.env("LEAPP_CACHE", "off");
            world.run(start, None).succeeds();
        }
    }
    assert!(killed > 10, "{killed} killed");
}

#[test]
fn a_cache_whose_writers_are_killed_never_gives_a_wrong_answer() {
    let world = World::with_role("prod", "Admin");
    let span = usual(|| world.command(["rotate", "prod"]));
    let limit = u64::try_from(span.as_micros()).unwrap() * 5 / 4;
    let mut dice = Dice::new();
    let mut killed = 0;
    for round in 0..150 {
        let words: &[&str] = match round % 5 {
            0 => &["stop", "prod"],
            1 => &["start", "prod"],
            2 => &["rotate", "prod"],
            3 => &["stop", "prod", "--with-parents"],
            _ => &["env", "prod", "--shell", "bash"],
        };
        let delay = Duration::from_micros(dice.below(limit));
        killed += usize::from(killed_after(world.command(words), None, delay));
        if round % 10 == 9 {
            let handed = world.leapp([
                "exec",
                "prod",
                "--",
                "sh",
                "-c",
                "echo $AWS_ACCOUNT_ID $LEAPP_SESSION",
            ]);
            handed.succeeds().prints("444455556666 prod\n");
            world.leapp(["status", "prod", "--check"]).succeeds();
            world.leapp(["list"]).succeeds();
        }
    }
    assert!(killed > 20, "{killed} killed");
    let left = leftovers(&world.run_directory());
    assert!(left.len() < killed, "{} files for {killed} kills", left.len());
}

#[test]
fn a_torn_or_emptied_cache_is_only_a_slower_one() {
    let world = World::with_role("prod", "Admin");
    let words = ["env", "prod", "--shell", "bash"];
    for round in 0..6 {
        world.leapp(words).succeeds();
        for path in files_below(&world.run_directory()) {
            let bytes = fs::read(&path).unwrap();
            match round {
                0 => fs::write(&path, b"").unwrap(),
                1 => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                2 => fs::write(&path, [&bytes[..], b"x"].concat()).unwrap(),
                3 => fs::remove_file(&path).unwrap(),
                4 => crate::support::chmod(&path, 0o644),
                _ => fs::write(&path, vec![0xff; bytes.len()]).unwrap(),
            }
        }
    }
    world.leapp(words).succeeds();
    fs::remove_dir_all(world.run_directory()).unwrap();
    world.leapp(words).succeeds();
    world.leapp(["stop", "prod"]).succeeds();
    world.leapp(["start", "prod"]).succeeds();
}
