//! bash. Deliberately absent: what it shares with its family, in `posix`.

use super::{
    hook::Text,
    posix::{Family, Hook},
};

pub(super) const BASH: Family = Family {
    id: "bash",
    program_names: &["bash", "rbash"],
    builtin: "\\builtin ",
    assign: "",
    newline: b"\n",
    hook: Some(Hook {
        text: Text::new(include_str!("../../shell/hook.bash")),
        place: ("~/.bashrc", r#"eval "$(leapp hook bash)""#),
        completion: ("", include_str!("../../shell/complete.bash")),
    }),
};
