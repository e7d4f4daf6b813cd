//! Whether git leaves a file out, for advice: no git is run.
//!
//! A repository can make git run programs, so that asking git itself is not safe in one that nobody
//! has looked at. Format: <https://git-scm.com/docs/gitignore>. Deliberately absent: `include` in
//! git's settings, and whether the file is tracked already.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// No file of patterns or settings is larger, in bytes.
const LIMIT: u64 = 1 << 20;
/// A longer pattern is not looked at, in bytes.
const LONGEST: usize = 512;

/// Where the user's own settings of git are.
#[derive(Clone, Copy, Debug, Default)]
pub struct User<'a> {
    /// The home directory.
    pub home: Option<&'a Path>,
    /// `XDG_CONFIG_HOME`.
    pub config: Option<&'a Path>,
}

/// One line of a file of patterns.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "three marks of a line that are independent")]
struct Rule {
    pattern: Vec<u8>,
    /// It is held against the whole path below its file's directory, not against a name alone.
    is_path: bool,
    directories_only: bool,
    includes: bool,
}

/// Whether git leaves `file`, a path below `repository`, out of it.
pub fn is_ignored(repository: &Path, file: &Path, user: User<'_>) -> bool {
    let Ok(below) = file.strip_prefix(repository) else { return false };
    let common = common_directory(repository);
    let mut general = vec![rules(&common.join("info/exclude"))];
    general.extend(excludes_file(&common, user).map(|file| rules(&file)));
    // What stands in a directory that is left out cannot be brought in again.
    let depth = below.components().count();
    let paths = below.ancestors().take(depth).map(|path| repository.join(path));
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.reverse();
    paths.iter().any(|path| leaves_out(repository, path, path != file, &general))
}

/// What the nearest file that has a rule for the path says; in each the last rule counts.
fn leaves_out(repository: &Path, path: &Path, is_directory: bool, general: &[Vec<Rule>]) -> bool {
    let above = path.ancestors().skip(1).take_while(|above| above.starts_with(repository));
    let near = above.map(|above| (above, rules(&above.join(".gitignore"))));
    let verdict = |base: &Path, rules: &[Rule]| {
        let rule = rules.iter().rev().find(|rule| rule.fits(base, path, is_directory))?;
        Some(!rule.includes)
    };
    let mut near = near.filter_map(|(base, rules)| verdict(base, &rules));
    let far = || general.iter().find_map(|rules| verdict(repository, rules));
    near.next().or_else(far).unwrap_or(false)
}

fn read(path: &Path) -> Vec<u8> {
    super::files::read_users(path, LIMIT).ok().flatten().unwrap_or_default()
}

fn rules(path: &Path) -> Vec<Rule> {
    let bytes = read(path);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    bytes.split(|byte| *byte == b'\n').filter_map(Rule::parse).collect()
}

impl Rule {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut line = line.strip_suffix(b"\r").unwrap_or(line);
        while let Some(shorter) = line.strip_suffix(b" ").filter(|l| l.last() != Some(&b'\\')) {
            line = shorter;
        }
        if line.first() == Some(&b'#') {
            return None;
        }
        let (includes, line) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest));
        let (directories_only, line) =
            line.strip_suffix(b"/").map_or((false, line), |rest| (true, rest));
        let is_path = line.contains(&b'/');
        let pattern = line.strip_prefix(b"/").unwrap_or(line).to_vec();
        let is_good = (1..=LONGEST).contains(&pattern.len());
        is_good.then_some(Self { pattern, is_path, directories_only, includes })
    }

    fn fits(&self, base: &Path, path: &Path, is_directory: bool) -> bool {
        if self.directories_only && !is_directory {
            return false;
        }
        let text = if self.is_path {
            path.strip_prefix(base).map_or(OsStr::new(""), Path::as_os_str)
        } else {
            path.file_name().unwrap_or_default()
        };
        Glob::new(&self.pattern, text.as_bytes()).fits(0, 0)
    }
}

/// A pattern that is held against a text. Each pair of places is looked at once, so that no pattern
/// takes long.
struct Glob<'a> {
    pattern: &'a [u8],
    text: &'a [u8],
    failed: Vec<bool>,
}

impl<'a> Glob<'a> {
    fn new(pattern: &'a [u8], text: &'a [u8]) -> Self {
        Self { pattern, text, failed: vec![false; (pattern.len() + 1) * (text.len() + 1)] }
    }

    fn fits(&mut self, at: usize, from: usize) -> bool {
        let place = at * (self.text.len() + 1) + from;
        if self.failed.get(place).copied().unwrap_or(true) {
            return false;
        }
        let fits = self.fits_here(at, from);
        if let Some(failed) = self.failed.get_mut(place) {
            *failed = !fits;
        }
        fits
    }

    fn fits_here(&mut self, at: usize, from: usize) -> bool {
        let rest = self.pattern.get(at..).unwrap_or_default();
        let text = self.text.get(from..).unwrap_or_default();
        let Some((first, after)) = rest.split_first() else { return text.is_empty() };
        let is_start = at == 0 || self.pattern.get(at - 1) == Some(&b'/');
        if is_start && rest == b"**" {
            return !text.is_empty();
        }
        if is_start && rest.starts_with(b"**/") {
            let starts = (0..text.len()).filter(|n| *n == 0 || text.get(n - 1) == Some(&b'/'));
            return starts.collect::<Vec<_>>().into_iter().any(|n| self.fits(at + 3, from + n));
        }
        if *first == b'*' {
            let run = text.iter().take_while(|byte| **byte != b'/').count();
            return (0..=run).any(|n| self.fits(at + 1, from + n));
        }
        let Some(byte) = text.first() else { return false };
        match first {
            b'?' => *byte != b'/' && self.fits(at + 1, from + 1),
            b'\\' => after.first() == Some(byte) && self.fits(at + 2, from + 1),
            b'[' => match class(after, *byte) {
                Some((true, length)) => *byte != b'/' && self.fits(at + 1 + length, from + 1),
                _ => false,
            },
            _ => first == byte && self.fits(at + 1, from + 1),
        }
    }
}

/// Whether the byte is of a class, `[` already read, and how long the class is with its `]`.
fn class(text: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let begin = at;
    let mut found = false;
    loop {
        let mut low = *text.get(at)?;
        if low == b']' && at > begin {
            return Some((found != negated, at + 1));
        }
        if low == b'\\' {
            at += 1;
            low = *text.get(at)?;
        }
        let high = match (text.get(at + 1), text.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                at += 2;
                *high
            }
            _ => low,
        };
        found |= (low..=high).contains(&byte);
        at += 1;
    }
}

/// Where a repository keeps what its work trees share.
fn common_directory(repository: &Path) -> PathBuf {
    let git = repository.join(".git");
    let line = |path: &Path, prefix: &str| {
        let bytes = read(path);
        let line = bytes.strip_prefix(prefix.as_bytes())?.split(|byte| *byte == b'\n').next()?;
        Some(PathBuf::from(OsStr::from_bytes(line.trim_ascii())))
    };
    let own = line(&git, "gitdir:").map_or(git, |own| repository.join(own));
    line(&own.join("commondir"), "").map_or(own.clone(), |common| own.join(common))
}

/// The file of patterns that the user, or the repository, has set for all.
fn excludes_file(common: &Path, user: User<'_>) -> Option<PathBuf> {
    let usual = user.home.map(|home| home.join(".config"));
    let config = user.config.map(Path::to_owned).or(usual);
    let own = user.home.map(|home| home.join(".gitconfig"));
    let settings =
        [Some(common.join("config")), own, config.as_ref().map(|c| c.join("git/config"))];
    let named = settings.into_iter().flatten().find_map(|file| setting(&read(&file)));
    let Some(named) = named else { return config.map(|config| config.join("git/ignore")) };
    match (named.strip_prefix("~/"), user.home) {
        (Ok(rest), Some(home)) => Some(home.join(rest)),
        _ => Some(named),
    }
}

/// `excludesFile` of the section `core`; the last one counts.
fn setting(text: &[u8]) -> Option<PathBuf> {
    let mut is_core = false;
    let mut found = None;
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if let Some(section) = line.strip_prefix(b"[") {
            is_core = section.to_ascii_lowercase().starts_with(b"core]");
            continue;
        }
        let mut halves = line.splitn(2, |byte| *byte == b'=');
        let (Some(key), Some(value)) = (halves.next(), halves.next()) else { continue };
        if is_core && key.trim_ascii().eq_ignore_ascii_case(b"excludesfile") {
            let value: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'"').collect();
            found = Some(PathBuf::from(OsStr::from_bytes(value.trim_ascii())));
        }
    }
    found.filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str, is_directory: bool) -> bool {
        let rule = Rule::parse(pattern.as_bytes());
        rule.is_some_and(|rule| {
            rule.fits(Path::new("/r"), &Path::new("/r").join(path), is_directory)
        })
    }

    #[test]
    fn names_and_paths_are_matched_as_git_does() {
        let name = ".leapp.local.toml";
        for pattern in [
            name,
            "*.local.toml",
            ".leapp.*",
            "*",
            "**/.leapp.local.toml",
            ".leapp.?ocal.toml",
            "/.leapp.local.toml",
            ".leapp.[k-m]ocal.toml",
            "\\.leapp.local.toml",
            "[!a]leapp*",
            ".leapp.local.toml  ",
            ".leapp.local.toml\r",
        ] {
            assert!(fits(pattern, name, false), "{pattern}");
        }
        for pattern in [
            "",
            "#x",
            "*.local",
            "a/.leapp.local.toml",
            ".leapp.local.toml/",
            "[a",
            "/",
            ".leapp.local.tom",
            ".leapp.[!k-m]ocal.toml",
            " .leapp.local.toml",
        ] {
            assert!(!fits(pattern, name, false), "{pattern}");
        }
        for (pattern, path) in
            [("a/*.toml", "a/x.toml"), ("a/**", "a/b/c"), ("a/**/c", "a/c"), ("a/**/c", "a/b/b/c")]
        {
            assert!(fits(pattern, path, false), "{pattern} {path}");
        }
        for (pattern, path) in [("a/*.toml", "a/b/x.toml"), ("b/c", "a/b/c"), ("a/**", "a")] {
            assert!(!fits(pattern, path, false), "{pattern} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = "*a".repeat(LONGEST / 2 - 1) + "b";
        assert!(!fits(&pattern, &"a".repeat(255), false));
    }
}
