//! The order of the rooms: a room uses only those above it. `ARCHITECTURE.md` says why.

use std::path::{Path, PathBuf};

use crate::support::{files_below, repository};

/// The rooms, highest first: each may use those before it.
const ROOMS: &[&str] = &[
    "secret",
    "model",
    "envdelta",
    "shell",
    "system",
    "seal",
    "vault",
    "workspace",
    "cloud",
    "access",
    "resolver",
    "activation",
    "output",
    "ui",
    "cli",
];

fn files_of(room: &str) -> Vec<PathBuf> {
    let source = repository().join("src");
    let mut files = vec![source.join(format!("{room}.rs"))];
    files.extend(files_below(&source.join(room)));
    files
}

fn code_of(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that a text names after `crate::`, in braces too.
fn used_rooms(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            None => rest
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next()
                .unwrap_or("")
                .to_owned(),
            Some(group) => top_level(group),
        };
        used.extend(list.split(',').map(|word| word.trim().to_owned()).filter(|w| !w.is_empty()));
    }
    used
}

/// The first words of the members of a `use` group, separated by commas.
fn top_level(group: &str) -> String {
    let (mut depth, mut words, mut word, mut open) = (0, String::new(), String::new(), true);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                words.push_str(&word);
                words.push(',');
                word.clear();
                open = true;
            }
            ':' => open &= depth > 0,
            c if depth == 0 && open => word.push(c),
            _ => {}
        }
    }
    words + &word
}

#[test]
fn every_room_is_listed_and_lib_rs_keeps_the_order() {
    let lib = std::fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    let declared: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, ROOMS);
}

#[test]
fn no_room_looks_up() {
    let mut upward = Vec::new();
    for (at, room) in ROOMS.iter().enumerate() {
        for file in files_of(room) {
            for used in used_rooms(&code_of(&file)) {
                let place = ROOMS.iter().position(|known| *known == used);
                if place.is_none_or(|place| place > at) {
                    upward.push(format!("{}: {used}", file.display()));
                }
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn the_order_is_seen_in_every_form_of_use() {
    let code = "use crate::{cli::x, model::{A, B}, secret};\nfn f() { crate::ui::say() }";
    assert_eq!(used_rooms(code), ["cli", "model", "secret", "ui"]);
}

#[test]
fn unsafe_stands_in_one_room_only() {
    for room in ROOMS.iter().filter(|room| **room != "system") {
        for file in files_of(room) {
            let code = code_of(&file).replace("forbid(unsafe_code)", "");
            assert!(!code.contains("unsafe"), "{}", file.display());
        }
    }
}

#[test]
fn only_ui_writes_to_stderr_and_only_output_to_stdout() {
    for room in ROOMS {
        for file in files_of(room) {
            let code = code_of(&file);
            let (out, err) =
                (code.contains("io::stdout().lock"), code.contains("io::stderr().write"));
            assert!(!out || *room == "output", "{}", file.display());
            assert!(!err || *room == "ui", "{}", file.display());
        }
    }
}
