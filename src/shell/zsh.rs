//! zsh. Deliberately absent: what it shares with its family, in `posix`.

use super::{
    hook::Text,
    posix::{Family, Hook},
};

pub(super) const ZSH: Family = Family {
    id: "zsh",
    program_names: &["zsh", "rzsh"],
    builtin: "\\builtin ",
    // WARN_CREATE_GLOBAL complains about a plain assignment inside a function.
    assign: "\\builtin typeset -g ",
    // CSH_JUNKIE_QUOTES refuses a newline between quotes of any other kind.
    newline: b"'$'\\n''",
    hook: Some(Hook {
        text: Text::new(include_str!("../../shell/hook.zsh")),
        place: ("~/.zshrc", r#"eval "$(leapp hook zsh)""#),
        completion: ("#compdef leapp\n", include_str!("../../shell/complete.zsh")),
    }),
};
