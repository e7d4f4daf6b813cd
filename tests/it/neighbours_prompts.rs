//! The hooks beside what draws prompts and talks to terminals.

use crate::{
    hooked::{Hooked, Kind, project},
    neighbours::{Order, beside, both_orders, debian, peopled, works},
    support::{World, repository},
};

/// A terminal that can do more than the tests' own: some do nothing without.
const XTERM: &str = "export TERM=xterm-256color";
const PLUGINS: [&str; 2] = [
    "/usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh",
    "/usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh",
];

/// The README's lines for starship in bash: the function, and what starship is told.
fn readme() -> (String, String) {
    let text = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let at = text.find("    starship_precmd_user_func=leapp_for_starship").unwrap();
    let block = text[at..].lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    let block: Vec<&str> = block.map(str::trim_start).collect();
    let split = block.iter().position(|line| *line == "# starship.toml").unwrap();
    (block[..split].join("\n"), block[split..].join("\n"))
}

/// starship with the README's snippet, as each shell wants it.
fn starship(kind: Kind) -> String {
    let function = readme().0;
    let body = function.split_once('\n').unwrap().1;
    match kind {
        Kind::Bash => format!("{XTERM}\n{function}\neval \"$(starship init bash)\""),
        Kind::Zsh => format!(
            "{XTERM}\n{body}\nprecmd_functions+=(leapp_for_starship)\neval \"$(starship init zsh)\""
        ),
        _ => "set -gx TERM xterm-256color\n\
              function leapp_for_starship --on-variable leapp_session --on-variable leapp_warning\n\
              set -eg PROMPT_LEAPP PROMPT_LEAPP_WARNING\n\
              if test -n \"$leapp_warning\"; set -gx PROMPT_LEAPP_WARNING $leapp_session\n\
              else if test -n \"$leapp_session\"; set -gx PROMPT_LEAPP $leapp_session; end\nend\n\
              starship init fish | source"
            .to_owned(),
    }
}

#[test]
fn starship_shows_the_session_its_warning_and_the_users_status() {
    let mut world = peopled();
    project(&world, "shop", "dev");
    let file = world.home.path().join("starship.toml");
    let settings = format!(
        "add_newline = false\n\
         format = '<${{env_var.PROMPT_LEAPP}}${{env_var.PROMPT_LEAPP_WARNING}}$status>'\n\
         [status]\ndisabled = false\nformat = 'status=$status'\n{}\n",
        readme().1
    );
    std::fs::write(&file, settings).unwrap();
    world.set("STARSHIP_CONFIG", file);
    both_orders(|kind, order| {
        let rc = beside(kind, order, &starship(kind));
        let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
        shell.run("cd code/shop");
        // The prompt that follows the change shows it, not the one after that.
        assert!(
            shell.raw().contains("<\u{1b}[33mdev\u{1b}[0m >"),
            "{kind:?} {order:?}: {:?}",
            shell.raw()
        );
        shell.run("/bin/sh -c 'exit 7'");
        assert!(shell.raw().contains("status=7"), "{kind:?} {order:?}: {:?}", shell.raw());
        world.leapp(["stop", "dev"]).succeeds();
        shell.run("true");
        assert!(
            shell.raw().contains("<\u{1b}[1;31mdev\u{1b}[0m >"),
            "{kind:?} {order:?}: {:?}",
            shell.raw()
        );
        world.leapp(["start", "dev"]).succeeds();
        shell.run("cd ../..");
        assert!(shell.raw().contains("<>"), "{kind:?} {order:?}: {:?}", shell.raw());
        works(&mut shell, &format!("{order:?}"));
    });
}

/// Scenarios with one line of another's in the start-up file, before and after the hook's.
fn besides(kinds: &[Kind], line: impl Fn(Kind) -> String) {
    let world = peopled();
    project(&world, "shop", "dev");
    for kind in kinds {
        for order in [Order::HookFirst, Order::HookLast] {
            let rc = beside(*kind, order, &line(*kind));
            let mut shell = Hooked::with(&world, *kind, &rc, world.home.path());
            works(&mut shell, &format!("{order:?}"));
        }
    }
}

#[test]
fn vtes_profile_script_and_the_hook_both_run() {
    let file = debian("/etc/profile.d/vte-2.91.sh").display().to_string();
    let line = format!("{XTERM} VTE_VERSION=7003\n. {file}");
    besides(&[Kind::Bash, Kind::Zsh], |_| line.clone());
    let world = peopled();
    for kind in [Kind::Bash, Kind::Zsh] {
        for order in [Order::HookFirst, Order::HookLast] {
            let rc = beside(kind, order, &line);
            let mut shell = Hooked::with(&world, kind, &rc, world.home.path());
            shell.run("true");
            assert!(shell.raw().contains("]7;file://"), "{kind:?} {order:?}: {:?}", shell.raw());
        }
    }
}

#[test]
fn kittys_shell_integration_and_the_hook_both_run() {
    let top = "/usr/lib/kitty/shell-integration";
    let line = |kind: Kind| match kind {
        Kind::Bash => {
            let file = debian("/usr/lib/kitty/shell-integration/bash/kitty.bash").display();
            format!("{XTERM} KITTY_SHELL_INTEGRATION=no-cursor\n. {file}")
        }
        Kind::Zsh => format!(
            "{XTERM} KITTY_SHELL_INTEGRATION=no-cursor\n\
             autoload -Uz -- {top}/zsh/kitty-integration; kitty-integration"
        ),
        _ => format!(
            "set -gx KITTY_SHELL_INTEGRATION no-cursor\n\
             source {top}/fish/vendor_conf.d/kitty-shell-integration.fish"
        ),
    };
    besides(&[Kind::Bash, Kind::Zsh, Kind::Fish], line);
}

#[test]
fn zsh_plugins_and_the_hook_do_not_meet() {
    let plugins = PLUGINS.map(|file| format!("source {}", debian(file).display())).join("\n");
    besides(&[Kind::Zsh], |_| format!("{XTERM}\nsetopt zle\n{plugins}"));
    let theme = debian("/usr/share/powerlevel9k/powerlevel9k.zsh-theme").display().to_string();
    besides(&[Kind::Zsh], |_| {
        format!("{XTERM}\nPOWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(status dir)\nsource {theme}")
    });
}

#[test]
fn with_an_instant_prompt_nothing_is_printed_before_the_second_prompt() {
    let world = peopled();
    let shop = project(&world, "shop", "dev");
    let rc = format!("__p9k_instant_prompt_active=1\n{}", Kind::Zsh.load());
    let mut shell = Hooked::with(&world, Kind::Zsh, &rc, &shop);
    assert!(!shell.raw().contains("leapp:"), "{:?}", shell.raw());
    assert_eq!(shell.on(), "dev", "it is on all the same");
    let mut shell = Hooked::with(&world, Kind::Zsh, &rc, &shop);
    assert!(shell.said("true").contains("leapp: dev is on"), "and said at the second prompt");
    assert_eq!(shell.said("true"), "");
}

/// ble.sh as far as the hook knows it: `blehook PRECMD!=NAME` adds a name once.
const BLE: &str = "BLE_VERSION=0.4 _ble_attached=1 ble_list=()\n\
    blehook() { local name=${1#PRECMD!=} j\n\
      for j in ${ble_list[@]+\"${ble_list[@]}\"}; do [ \"$j\" = \"$name\" ] && return 0; done\n\
      ble_list+=(\"$name\"); }\n\
    ble_run() { local j; for j in ${ble_list[@]+\"${ble_list[@]}\"}; do \"$j\"; done; }\n\
    PROMPT_COMMAND=ble_run";

#[test]
fn a_stand_in_for_ble_sh_gets_the_hook_in_its_own_list() {
    let world = peopled();
    project(&world, "shop", "dev");
    let mut shell = ble(&world);
    works(&mut shell, "blehook");
    let said = shell.run("echo \"runs:${ble_list[*]}:${PROMPT_COMMAND[*]}.\"");
    assert!(said.contains("runs:__leapp_prompt:ble_run."), "{said}");
}

fn ble(world: &World) -> Hooked {
    let rc = beside(Kind::Bash, Order::HookLast, BLE);
    Hooked::with(world, Kind::Bash, &rc, world.home.path())
}
