//! The arguments: what was typed, and nothing more.

use std::ffi::OsString;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};

use super::session::add::AddCommand;
use crate::{
    cloud::partition::PARTITIONS,
    model::{RegionName, duration},
    output, shell,
};

/// Temporary cloud credentials for a shell, a program or a directory.
#[derive(Debug, Parser)]
#[command(name = "leapp", version, about, long_about = None, disable_help_subcommand = true)]
#[command(after_help = "Run 'leapp' alone to see what this shell uses and what to do next.")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct Global {
    /// Print JSON; errors too, on stderr
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Never ask: fail with status 3 instead
    #[arg(long, global = true)]
    pub(super) no_input: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(super) color: When,
}

fn shells() -> PossibleValuesParser {
    PossibleValuesParser::new(shell::SHELLS.iter().map(|shell| shell.id()))
}

/// Shell text, and the forms that are not a command of their own.
fn formats() -> PossibleValuesParser {
    let forms = output::FORMS.iter().map(|form| form.id());
    let others = forms.filter(|id| !Hot::has_subcommand(id));
    PossibleValuesParser::new(std::iter::once("shell").chain(others))
}

impl Global {
    /// Takes the flags that stand among words which are parsed later.
    pub(super) fn take_from(&mut self, words: &[OsString]) {
        self.json |= words.iter().any(|word| word == "--json");
        self.no_input |= words.iter().any(|word| word == "--no-input");
        let colour =
            words.iter().position(|word| word == "--color").and_then(|at| words.get(at + 1));
        let joined = words.iter().find_map(|word| word.to_str()?.strip_prefix("--color="));
        let colour = joined.or_else(|| colour.and_then(|word| word.to_str()));
        if let Some(colour) = colour.and_then(|word| When::from_str(word, false).ok()) {
            self.color = colour;
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

/// The commands of the warm path, alone: see `parse`.
#[derive(Debug, Parser)]
#[command(name = "leapp", disable_help_flag = true, disable_help_subcommand = true)]
pub(super) struct HotCli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Hot,
}

#[derive(Debug, Subcommand)]
pub(super) enum Hot {
    /// Print what makes this shell use a session: eval "$(leapp env NAME)"
    Env(EnvArgs),
    /// Run a program with a session's credentials
    Exec(ExecArgs),
    /// Print a session's credentials in the form that the AWS SDKs run a program for
    CredentialProcess(ProcessArgs),
    /// Answer a shell's hook
    #[command(hide = true)]
    HookEnv(HookEnvArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Hot(Hot),
    /// List the sessions
    List(ListArgs),
    /// Fetch a session's credentials now
    Start(StartArgs),
    /// Forget a session's credentials
    Stop(StopArgs),
    /// Replace a session's credentials by new ones
    Rotate(StartArgs),
    /// Show what a session, or this shell, has
    Status(StatusArgs),
    /// Explain what handing a session out would do, and do none of it
    Explain(ExplainArgs),
    /// Add, show and change sessions
    #[command(subcommand)]
    Session(SessionCommand),
    /// Show or set the region that AWS sessions use when nothing else says it
    Region(RegionArgs),
    /// Show or set the location that Azure sessions use when nothing else says it
    Location(PlaceArgs),
    /// Lock the file vault and forget all cached credentials
    Lock,
    /// Inspect and restore the workspace file
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// List and ask the programs of third parties that give credentials
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Let a profile of ~/.aws/config stand for a session, for every SDK and IDE
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Make this directory use a session: write its project file and trust it
    Pin(PinArgs),
    /// Look at a project file and let it switch its session on
    Trust(TrustArgs),
    /// Take that back
    Untrust(FileArgs),
    /// Never use a project file, and never mention it
    Deny(FileArgs),
    /// Switch a session on in this shell
    Use(UseArgs),
    /// Switch off what is on in this shell
    Off,
    /// Print what makes a shell follow directories: eval "$(leapp hook bash)"
    Hook(HookArgs),
    /// Tell what keeps leapp from working here, and what to do about it
    #[command(after_help = "Without the network, and without changing anything.")]
    Doctor(DoctorArgs),
    /// Fetch new credentials in the background
    #[command(hide = true)]
    Renew(RenewArgs),
    /// Print a completion script for a shell
    Completions(CompletionArgs),
    /// Tell what may stand at a place of a command line
    #[command(hide = true)]
    Complete(CompleteArgs),
}

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct CompleteArgs {
    /// Which word is completed, counted from 0
    #[arg(long)]
    pub(super) at: usize,
    /// The words of the command line
    #[arg(last = true)]
    pub(super) words: Vec<OsString>,
}

/// What may stand for an argument, for completion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Values {
    /// Profiles that stand for a session.
    BoundProfiles,
    /// Files of the user's.
    Files,
    /// What the argument itself lists, or nothing: secrets, codes, new names.
    Others,
    /// Profiles of the shared files.
    Profiles,
    /// Providers of the settings.
    Providers,
    /// AWS's regions.
    Regions,
    /// Sessions of the workspace.
    Sessions,
}

/// What may stand for the argument `arg` of the command `path`. The one place that knows.
pub(super) fn values_of(path: &[String], arg: &clap::Arg) -> Values {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_file =
        |id: &str| ["home", "path"].contains(&id) || id.ends_with("file") || id.ends_with("csv");
    match (path.as_slice(), arg.get_id().as_str()) {
        (["region", ..], "name") | (_, "region") => Values::Regions,
        (["session", "add" | "edit", ..] | ["location", ..], "name") => Values::Others,
        (["provider", ..], "name") => Values::Providers,
        (["profile", "unbind"], "profile") => Values::BoundProfiles,
        (_, "profile" | "from-profile") => Values::Profiles,
        (["session", "edit"], "words") | (_, "name" | "parent") => Values::Sessions,
        (_, id) if is_file(id) => Values::Files,
        _ => Values::Others,
    }
}

/// The shells that have a hook.
fn hooked() -> PossibleValuesParser {
    let hooked = shell::SHELLS.iter().filter(|shell| shell.hook_line().is_some());
    PossibleValuesParser::new(hooked.map(|shell| shell.id()))
}

#[derive(Debug, Args)]
pub(super) struct HookArgs {
    /// The shell; without it, the line for each shell is shown
    #[arg(value_name = "SHELL", value_parser = hooked())]
    pub(super) shell: Option<String>,
}

/// What a hook tells and asks.
#[derive(Debug, Default, Args)]
#[command(disable_help_flag = true)]
pub(super) struct HookEnvArgs {
    /// The shell
    pub(super) shell: String,
    /// A person typed 'leapp use', and behind '--' what follows
    #[arg(long)]
    pub(super) by_hand: bool,
    /// The shell has saved what was there before us
    #[arg(long)]
    pub(super) held: bool,
    /// Who holds the shell against directories: u or o
    #[arg(long, default_value = "")]
    pub(super) hold: String,
    /// The session that 'leapp use' switched on, by its identifier
    #[arg(long)]
    pub(super) keep: Option<String>,
    /// What was said in this shell
    #[arg(long, default_value = "")]
    pub(super) said: String,
    /// The region of the session that 'leapp use' switched on
    #[arg(long, value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// What the person typed
    #[arg(last = true)]
    pub(super) words: Vec<OsString>,
}

/// What a person typed behind 'leapp use'.
#[derive(Debug, Parser)]
#[command(name = "leapp use", disable_help_subcommand = true)]
pub(super) struct UseCli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(flatten)]
    pub(super) args: UseArgs,
}

#[derive(Debug, Args)]
pub(super) struct UseArgs {
    /// The session; without it, one is picked from a list
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) selection: Selection,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// What this shell's hook tells of itself
    #[arg(long, hide = true, value_name = "REPORT")]
    pub(super) hook: Option<OsString>,
}

#[derive(Debug, Args)]
pub(super) struct RenewArgs {
    /// The session's identifier
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(super) struct PinArgs {
    /// The session
    pub(super) name: String,
    /// The region for this directory, instead of the session's own
    #[arg(long, short, value_name = "REGION", value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// Write .leapp.local.toml, which is yours alone, and not .leapp.toml
    #[arg(long)]
    pub(super) local: bool,
    /// For this directory alone, not for those below it
    #[arg(long)]
    pub(super) here: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
pub(super) struct TrustArgs {
    /// A project file or its directory [default: what governs this directory]
    pub(super) path: Option<std::path::PathBuf>,
    /// For the file's own directory alone, not for those below it
    #[arg(long)]
    pub(super) here: bool,
    /// Show what is trusted and what is denied
    #[arg(long, conflicts_with_all = ["path", "here"])]
    pub(super) list: bool,
    /// Forget files that are gone, or stand in another directory now
    #[arg(long, conflicts_with_all = ["path", "here", "list"])]
    pub(super) prune: bool,
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// A project file or its directory [default: what governs this directory]
    pub(super) path: Option<std::path::PathBuf>,
}

/// What `env`, `exec` and their like have in common.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Selection {
    /// Where the session works, instead of its own region
    #[arg(long, short, value_name = "REGION", value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// How long new credentials last, such as 45m or 1h
    #[arg(long, short, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) duration: Option<u32>,
    /// How long the credentials must last at least, or fail
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) min_ttl: Option<u32>,
    /// The MFA device's code; - reads it from stdin
    #[arg(long, value_name = "CODE")]
    pub(super) mfa_code: Option<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
pub(super) struct EnvArgs {
    /// The session; without it, one is picked from a list
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// The shell that will evaluate the output [default: the one that runs leapp]
    #[arg(long, value_name = "SHELL", value_parser = shells())]
    pub(super) shell: Option<String>,
    /// The form of the output
    #[arg(long, value_name = "FORM", default_value = "shell", value_parser = formats())]
    pub(super) format: String,
    /// Go back to the environment before the first session
    #[arg(long, conflicts_with_all = ["name", "region", "duration", "min_ttl", "mfa_code", "format"])]
    pub(super) unset: bool,
    /// Print the credentials themselves, even on a terminal
    #[arg(long)]
    pub(super) show: bool,
    /// The second half of a hand-out: says and records nothing
    #[arg(long, hide = true)]
    pub(super) again: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Without a command, on a terminal, your shell is run.")]
pub(super) struct ExecArgs {
    /// The session; without it ('leapp exec -- COMMAND'), one is picked from a list
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(super) struct ProcessArgs {
    /// The session
    pub(super) name: String,
    /// Where the session works, instead of its own region
    #[arg(long, short, value_name = "REGION", value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// How long new credentials last, such as 45m or 1h
    #[arg(long, short, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) duration: Option<u32>,
    /// How long the credentials must last at least, or fail
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) min_ttl: Option<u32>,
    /// Where leapp keeps its files, instead of its usual home
    #[arg(long, value_name = "DIRECTORY", value_hint = clap::ValueHint::DirPath)]
    pub(super) home: Option<std::path::PathBuf>,
    /// Print the credentials even on a terminal
    #[arg(long)]
    pub(super) show: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only sessions that have this text in their name, type, account, role or region
    pub(super) text: Option<String>,
    /// Ask the providers first what they have now
    #[arg(long)]
    pub(super) refresh: bool,
}

#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// The session; without it, one is picked from a list
    pub(super) name: Option<String>,
    /// How long new credentials last, such as 45m or 1h
    #[arg(long, short, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) duration: Option<u32>,
    /// The MFA device's code; - reads it from stdin
    #[arg(long, value_name = "CODE")]
    pub(super) mfa_code: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    /// The session
    #[arg(required_unless_present = "all")]
    pub(super) name: Option<String>,
    /// Every session
    #[arg(long, conflicts_with_all = ["name", "with_parents"])]
    pub(super) all: bool,
    /// The sessions behind it too
    #[arg(long)]
    pub(super) with_parents: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The session, profile or other source
    pub(super) name: String,
    /// As if this region were given
    #[arg(long, short, value_name = "REGION", value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// As if this lifetime were given
    #[arg(long, short, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) duration: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The session [default: the one of this directory, else of this shell]
    pub(super) name: Option<String>,
    /// Ask the cloud whether the credentials are good
    #[arg(long)]
    pub(super) check: bool,
    /// Stay, and tell what changes; asks nobody
    #[arg(long)]
    pub(super) watch: bool,
    /// Where to ask, instead of the session's own region
    #[arg(long, short, value_name = "REGION", value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// The MFA device's code; - reads it from stdin
    #[arg(long, value_name = "CODE", requires = "check", conflicts_with = "watch")]
    pub(super) mfa_code: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Add a session
    Add(AddCommand),
    /// List the sessions
    List(ListArgs),
    /// Show a session's fields
    Show(NameArgs),
    /// Change a session
    #[command(disable_help_flag = true)]
    Edit(EditArgs),
    /// Remove a session, its secret and its credentials
    Remove(RemoveArgs),
    /// Show the session of this shell
    Current,
    /// Print a session's credentials in the form that the AWS SDKs run a program for
    #[command(hide = true)]
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
pub(super) struct NameArgs {
    /// The session
    pub(super) name: String,
}

/// Which flags there are depends on the session's type, so they are parsed later.
#[derive(Debug, Args)]
pub(super) struct EditArgs {
    /// The session, and the flags of its type; '--help' after the name lists them
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_name = "NAME [FLAGS]"
    )]
    pub(super) words: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The session
    pub(super) name: String,
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Remove the sessions that depend on it too
    #[arg(long)]
    pub(super) with_dependants: bool,
}

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// The session's UUID
    pub(super) id: String,
    /// Print the credentials even on a terminal
    #[arg(long)]
    pub(super) show: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    #[command(subcommand)]
    pub(super) command: Option<PlaceCommand>,
}

#[derive(Debug, Args)]
pub(super) struct RegionArgs {
    #[command(subcommand)]
    pub(super) command: Option<RegionCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RegionCommand {
    /// List the regions of AWS
    List(RegionListArgs),
    #[command(flatten)]
    Default(PlaceCommand),
}

#[derive(Debug, Args)]
pub(super) struct RegionListArgs {
    /// Only regions that have this text in their id, name or partition
    pub(super) text: Option<String>,
    /// Only regions of this partition
    #[arg(long, value_name = "PARTITION", value_parser = partitions(), hide_possible_values = true)]
    pub(super) partition: Option<String>,
}

/// The partitions that the region data lists.
fn partitions() -> PossibleValuesParser {
    PossibleValuesParser::new(PARTITIONS.iter().map(|partition| partition.id))
}

#[derive(Debug, Subcommand)]
pub(super) enum PlaceCommand {
    /// Set it
    Set {
        /// Its name
        #[arg(value_parser = RegionName::parse)]
        name: RegionName,
    },
    /// Go back to the built-in one
    Unset,
}

#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Show where the workspace is, what opens it, and its backups
    Info,
    /// Put a backup in the workspace's place
    Restore {
        /// Which backup, 1 being the newest; without it, they are listed
        #[arg(value_parser = clap::value_parser!(u16).range(1..))]
        number: Option<u16>,
        /// Do not ask
        #[arg(long, short, action = ArgAction::SetTrue)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ProviderCommand {
    /// List the providers, and what they said last; runs none of them
    List,
    /// Ask the providers anew what they have
    Refresh {
        /// The provider; without it, all of them
        name: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Write a profile into ~/.aws/config that gets its credentials from a session
    #[command(
        after_help = "Nothing secret is in the file: programs ask leapp each time. All else in \
                            the file stays, byte for byte."
    )]
    Bind(BindArgs),
    /// Take that out again
    Unbind {
        /// The profile
        profile: String,
    },
    /// List the profiles that stand for a session
    List,
}

#[derive(Debug, Args)]
pub(super) struct BindArgs {
    /// The session
    pub(super) name: String,
    /// The profile; 'default' is the one that programs use when none is named
    pub(super) profile: String,
    /// The region in the profile, instead of the session's own
    #[arg(long, short, value_name = "REGION", value_parser = RegionName::parse)]
    pub(super) region: Option<RegionName>,
    /// Take out what gives the profile its credentials now; never a long-term key
    #[arg(long)]
    pub(super) force: bool,
    /// Tell what would be changed, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = hooked())]
    pub(super) shell: String,
}
