//! Where things lie: the home of this program, the run-time directory, the names in them.

use std::{
    cell::OnceCell,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::hash;

/// Why no home directory can be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HomeError {
    /// `LEAPP_HOME` lies inside a git work tree, where it would be committed.
    #[error("LEAPP_HOME '{}' lies inside the git work tree '{}'", home.display(), tree.display())]
    InsideGit {
        /// The home.
        home: PathBuf,
        /// The work tree.
        tree: PathBuf,
    },
    /// Neither `LEAPP_HOME` nor `HOME` is set.
    #[error("neither LEAPP_HOME nor HOME is set")]
    Missing,
    /// The path is not absolute.
    #[error("{variable} is '{}'; it must be an absolute path", path.display())]
    Relative {
        /// The variable that holds it.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
}

/// The directory that holds the workspace, its backups, the settings and the file vault.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
    /// Found out once: it costs a look at each part of the path.
    tag: OnceCell<String>,
}

impl Home {
    /// `LEAPP_HOME`, else `.Leapp` below `HOME`. Both are given, so that nothing is read here.
    ///
    /// An empty variable counts as one that is not set.
    pub fn choose(leapp_home: Option<OsString>, home: Option<OsString>) -> Result<Self, HomeError> {
        let set = |value: Option<OsString>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
        let (variable, path) = match (set(leapp_home), set(home)) {
            (Some(path), _) => ("LEAPP_HOME", path),
            (None, Some(home)) => ("HOME", home.join(".Leapp")),
            (None, None) => return Err(HomeError::Missing),
        };
        if !path.is_absolute() {
            return Err(HomeError::Relative { variable, path });
        }
        Ok(Self { path, tag: OnceCell::new() })
    }

    /// Refuses a home inside a git work tree. For the paths that create something: the walk costs
    /// a few system calls.
    pub fn refuse_inside_git(&self, leapp_home_is_set: bool) -> Result<(), HomeError> {
        let inside = |p: &&Path| p.join(".git").exists();
        match self.path.ancestors().find(inside) {
            Some(tree) if leapp_home_is_set => {
                Err(HomeError::InsideGit { home: self.path.clone(), tree: tree.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Any file or directory in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The workspace file.
    pub fn workspace(&self) -> PathBuf {
        self.join("Leapp-lock.json")
    }

    /// The settings file.
    pub fn config(&self) -> PathBuf {
        self.join("config.toml")
    }

    /// The audit log.
    pub fn audit(&self) -> PathBuf {
        self.join("audit.jsonl")
    }

    /// 16 hexadecimal digits that tell this home from others: of SHA-256 of its canonical path.
    pub fn tag(&self) -> String {
        let find = || {
            let canonical = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
            hash::short(canonical.as_os_str().as_bytes())
        };
        self.tag.get_or_init(find).clone()
    }

    /// The directory for what lasts until the next start of the machine.
    ///
    /// `XDG_RUNTIME_DIR/leapp/<tag>`, else the same under `/run/user/<uid>` where that is the
    /// user's own and 0700, else `run` in the home.
    pub fn run_directory(&self, xdg_runtime_dir: Option<OsString>) -> PathBuf {
        let system = PathBuf::from(format!("/run/user/{}", super::process::user()));
        let given = xdg_runtime_dir.map(PathBuf::from).filter(|p| p.is_absolute());
        [given, Some(system)]
            .into_iter()
            .flatten()
            .find(|p| super::directory::is_private(p))
            .map_or_else(|| self.join("run"), |p| p.join("leapp").join(self.tag()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(leapp_home: &str, home: &str) -> Result<PathBuf, HomeError> {
        let set = |text: &str| (!text.is_empty()).then(|| OsString::from(text));
        Home::choose(set(leapp_home), set(home)).map(|home| home.path)
    }

    #[test]
    fn leapp_home_wins_and_relative_paths_are_refused() {
        assert_eq!(choose("", "/h"), Ok("/h/.Leapp".into()));
        assert_eq!(choose("/l", "/h"), Ok("/l".into()));
        assert_eq!(choose("", ""), Err(HomeError::Missing));
        assert!(matches!(choose("x", "/h"), Err(HomeError::Relative { .. })));
        assert!(matches!(choose("", "h"), Err(HomeError::Relative { .. })));
    }

    #[test]
    fn a_home_inside_a_work_tree_is_refused() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join(".git")).unwrap();
        let home = Home { path: top.path().join("a/b"), tag: OnceCell::new() };
        assert!(matches!(home.refuse_inside_git(true), Err(HomeError::InsideGit { .. })));
        assert!(home.refuse_inside_git(false).is_ok(), "a dotfiles repository in $HOME is fine");
    }

    #[test]
    fn the_run_directory_must_be_private() {
        let top = tempfile::tempdir().unwrap();
        let home = Home { path: "/h".into(), tag: OnceCell::new() };
        super::super::directory::ensure(top.path()).unwrap();
        let run = home.run_directory(Some(top.path().into()));
        assert_eq!(run, top.path().join("leapp").join(home.tag()));
    }
}
