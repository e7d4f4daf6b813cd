//! bash. Deliberately absent: what it shares with its family, in `posix`.

use super::posix::Family;

pub(super) const BASH: Family = Family {
    id: "bash",
    program_names: &["bash", "rbash"],
    builtin: "\\builtin ",
    assign: "",
    newline: b"\n",
};
