//! Whether git leaves a file out, for advice: patterns of names alone, no git is run.
//!
//! A repository can make git run programs, so that asking git itself is not safe in one that nobody
//! has looked at. Format: <https://git-scm.com/docs/gitignore>.

use std::path::Path;

/// Whether a pattern leaves out a file called `name` in `directory` of `repository`. Patterns with
/// a directory in them are not looked at, so that a file may be left out and this says no.
pub fn is_ignored(repository: &Path, directory: &Path, name: &str, home: Option<&Path>) -> bool {
    let above = directory.ancestors().take_while(|path| path.starts_with(repository));
    let mut files: Vec<_> = above.map(|path| path.join(".gitignore")).collect();
    files.push(repository.join(".git/info/exclude"));
    files.extend(home.map(|home| home.join(".config/git/ignore")));
    files.iter().any(|file| {
        let text = super::files::read_users(file, 1 << 20).ok().flatten().unwrap_or_default();
        let anchored = file.parent() == Some(directory);
        String::from_utf8_lossy(&text).lines().any(|line| leaves_out(line.trim(), name, anchored))
    })
}

fn leaves_out(line: &str, name: &str, anchored: bool) -> bool {
    let pattern = match line.strip_prefix('/') {
        Some(rest) if anchored => rest,
        Some(_) => return false,
        None => line.strip_prefix("**/").unwrap_or(line),
    };
    let is_pattern = !pattern.is_empty() && !pattern.starts_with(['#', '!']);
    is_pattern && !pattern.contains('/') && matches(pattern.as_bytes(), name.as_bytes())
}

/// `*` stands for any text, `?` for one byte.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => {
            (0..=name.len()).any(|at| matches(rest, name.get(at..).unwrap_or_default()))
        }
        Some((b'?', rest)) => name.split_first().is_some_and(|(_, name)| matches(rest, name)),
        Some((byte, rest)) => {
            name.split_first().is_some_and(|(first, name)| first == byte && matches(rest, name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_git_does() {
        let name = ".leapp.local.toml";
        for line in
            [name, "*.local.toml", ".leapp.*", "*", "**/.leapp.local.toml", ".leapp.?ocal.toml"]
        {
            assert!(leaves_out(line, name, false), "{line}");
        }
        for line in
            ["", "#x", "!.leapp.local.toml", "*.local", "a/.leapp.local.toml", "/.leapp.local.toml"]
        {
            assert!(!leaves_out(line, name, false), "{line}");
        }
        assert!(leaves_out("/.leapp.local.toml", name, true));
    }
}
