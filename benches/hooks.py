"""What the hooks cost, measured inside the real shells, beside direnv, in one run.

Each shell runs loops of one thing in its own start-up file, in turn, round by round; `date` is read
before and after a loop. A single time means nothing on a busy machine: look at the ratios, whose
reference is one bare start of an empty program from that shell.

    hooks.py ROUNDS LEAPP EMPTY WORK        (scripts/bench calls it)

WORK has `home` with a session `prod` that is active, and the environment that leapp needs is the
caller's. Projects and start-up files are made below WORK.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS, LEAPP, EMPTY, WORK = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
PROJECT, PLAIN, OTHER = (f"{WORK}/code/{name}" for name in ("shop", "plain", "other"))

# What is measured: a name, how often, and the statement, which every shell understands.
EMPTY_FUNCTION = ("empty function", 400, "nothing")
START = ("one bare fork and exec", 60, "start_empty")
LEAPP_LOOPS = [
    EMPTY_FUNCTION,
    START,
    ("prompt, no project", 400, f"cd {PLAIN}", "on_prompt"),
    ("prompt, project on", 400, f"cd {PROJECT}", "on_prompt"),
    ("cd between two, no project", 100, f"cd {PLAIN}", f"cd {OTHER}; cd {PLAIN}"),
    ("cd into and out of a project", 40, f"cd {PLAIN}", f"cd {PROJECT}; cd {PLAIN}"),
]
# One way alone: what is timed, and what is done afterwards, untimed. The clock is a program, whose own
# part in the time is taken off by the first line.
CLOCK = "the clock itself"
ONE_WAY_LOOPS = [
    (CLOCK, 30, f"cd {PLAIN}", "nothing", "nothing"),
    ("cd into a project", 30, f"cd {PLAIN}", f"cd {PROJECT}", f"cd {PLAIN}"),
    ("cd out of a project", 30, f"cd {PROJECT}; on_prompt", f"cd {PLAIN}", f"cd {PROJECT}"),
]
BARE_LOOPS = [("the same without a hook", 100, f"cd {OTHER}; cd {PLAIN}")]
DIRENV_LOOPS = [
    ("direnv: prompt, no project", 40, f"cd {PLAIN}", "on_prompt"),
    ("direnv: prompt, project on", 40, f"cd {PROJECT}; on_prompt", "on_prompt"),
    ("direnv: into and out of a project", 20, f"cd {PLAIN}", f"cd {PROJECT}; on_prompt; cd {PLAIN}; on_prompt"),
]

SHELLS = {
    "bash": {
        "start": lambda rc: ["bash", "--noprofile", "--rcfile", rc, "-i"],
        "hook": f'eval "$({LEAPP} hook bash)"',
        "direnv": 'eval "$(direnv hook bash)"',
        "prompt": "on_prompt() { __leapp_prompt; }",
        "direnv prompt": "on_prompt() { _direnv_hook; }",
        "common": f'nothing() {{ :; }}\nstart_empty() {{ x=$({EMPTY}); }}',
        "loop": 'b=$(date +%s%N); for ((n = 0; n < {count}; n++)); do {body}; done; e=$(date +%s%N)\n'
        'echo "{name}|$(((e - b) / {count}))"',
        "one way": "t=0; for ((n = 0; n < {count}; n++)); do b=$(date +%s%N); {body}; e=$(date +%s%N); {after}; ((t += e - b)); done\n"
        'echo "{name}|$((t / {count}))"',
        "quiet": "exec 2>/dev/null",
    },
    "zsh": {
        "start": lambda rc: ["env", f"ZDOTDIR={os.path.dirname(rc)}", "zsh", "-i"],
        "hook": f'eval "$({LEAPP} hook zsh)"',
        "direnv": 'eval "$(direnv hook zsh)"',
        "prompt": "on_prompt() { __leapp_precmd; }",
        "direnv prompt": "on_prompt() { _direnv_hook; }",
        "common": f'nothing() {{ :; }}\nstart_empty() {{ x=$({EMPTY}); }}',
        "loop": 'b=$(date +%s%N); for ((n = 0; n < {count}; n++)); do {body}; done; e=$(date +%s%N)\n'
        'echo "{name}|$(((e - b) / {count}))"',
        "one way": "t=0; for ((n = 0; n < {count}; n++)); do b=$(date +%s%N); {body}; e=$(date +%s%N); {after}; ((t += e - b)); done\n"
        'echo "{name}|$((t / {count}))"',
        "quiet": "exec 2>/dev/null",
    },
    "fish": {
        "start": lambda rc: ["fish", "--no-config", "-i", "-C", f"source {rc}"],
        "hook": f"{LEAPP} hook fish | source",
        "direnv": "direnv hook fish | source",
        "prompt": "function on_prompt; __leapp_on_prompt; end",
        "direnv prompt": "function on_prompt; __direnv_export_eval; end",
        "common": f"function nothing; end\nfunction start_empty; set -l x ({EMPTY}); end",
        "loop": "set b (date +%s%N)\nset n 0\nwhile test $n -lt {count}; {body}; set n (math $n + 1); end\n"
        'set e (date +%s%N)\necho "{name}|"(math -s0 "($e - $b) / {count}")',
        "one way": "set t 0\nset n 0\nwhile test $n -lt {count}; set b (date +%s%N); {body}; set e (date +%s%N); {after}; "
        'set t (math "$t + $e - $b"); set n (math $n + 1); end\necho "{name}|"(math -s0 "$t / {count}")',
        "quiet": "",
    },
}


def text(shell, kind, loops):
    words = SHELLS[shell]
    lines = [words["quiet"], words["common"]]
    if kind != "bare":
        lines += [words["hook" if kind == "leapp" else "direnv"]]
        lines += [words["prompt" if kind == "leapp" else "direnv prompt"], "on_prompt"]
    for name, count, *rest in loops:
        if len(rest) > 1:
            lines += [rest[0], "on_prompt"]
        if len(rest) == 3:
            lines.append(words["one way"].format(name=name, count=count, body=rest[1], after=rest[2]))
        else:
            lines.append(words["loop"].format(name=name, count=count, body=rest[-1]))
    lines.append("exit")
    return "\n".join(lines) + "\n"


def run(shell, kind, loops):
    folder = f"{WORK}/rc-{shell}-{kind}"
    os.makedirs(folder, exist_ok=True)
    rc = f"{folder}/.zshrc"
    with open(rc, "w", encoding="utf-8") as file:
        file.write(text(shell, kind, loops))
    environment = dict(os.environ, TERM="dumb")
    done = subprocess.run(SHELLS[shell]["start"](rc), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300, env=environment, cwd=PLAIN, start_new_session=True)
    found = dict(line.split("|") for line in done.stdout.splitlines() if "|" in line)
    missing = [loop[0] for loop in loops if loop[0] not in found]
    if missing:
        sys.exit(f"bench: {shell} did not measure {missing}: {done.stdout[-300:]} {done.stderr[-600:]}")
    return {name: int(value) / 1000 for name, value in found.items()}


def start_up(shell, kind):
    """Microseconds from the start of an interactive shell to its end: bare, with our hook, with direnv's."""
    words = SHELLS[shell]
    folder = f"{WORK}/start-{shell}-{kind}"
    os.makedirs(folder, exist_ok=True)
    rc = f"{folder}/.zshrc"
    line = {"bare": "", "leapp": words["hook"], "direnv": words["direnv"]}[kind]
    with open(rc, "w", encoding="utf-8") as file:
        file.write(f"{line}\nexit\n")
    environment = dict(os.environ, TERM="dumb")
    begin = time.monotonic_ns()
    subprocess.run(words["start"](rc), stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                   env=environment, cwd=PLAIN, start_new_session=True, check=False)
    return (time.monotonic_ns() - begin) / 1000


def main():
    for folder in (PROJECT, PLAIN, OTHER):
        os.makedirs(folder, exist_ok=True)
    has_direnv = shutil.which("direnv") is not None
    if has_direnv:
        with open(f"{PROJECT}/.envrc", "w", encoding="utf-8") as file:
            file.write("export BENCH=1\n")
        subprocess.run(["direnv", "allow", PROJECT], check=True, capture_output=True)
    else:
        print("bench: no direnv; its lines are left out")
    for shell in SHELLS:
        if shutil.which(shell) is None:
            print(f"bench: no {shell}; it is left out")
            continue
        times = {}
        for _ in range(ROUNDS):
            found = run(shell, "leapp", LEAPP_LOOPS + ONE_WAY_LOOPS) | run(shell, "bare", BARE_LOOPS)
            clock = found.pop(CLOCK)
            for name, *_ in ONE_WAY_LOOPS[1:]:
                found[name] -= clock
            if has_direnv:
                found |= run(shell, "direnv", DIRENV_LOOPS)
            for kind in ("bare", "leapp") + (("direnv",) if has_direnv else ()):
                name = {"bare": "start-up, bare", "leapp": "start-up, hook", "direnv": "start-up, direnv"}[kind]
                found[name] = min(start_up(shell, kind) for _ in range(5))
            for name, value in found.items():
                times.setdefault(name, []).append(value)
        reference = START[0]
        print(f"\n{shell:34} {'median us':>10} {'least us':>10} {'median/ref':>11} {'least/ref':>10}")
        for name, values in times.items():
            low, median = min(values), statistics.median(values)
            ratio = median / statistics.median(times[reference]), low / min(times[reference])
            print(f"{name:34} {median:10.1f} {low:10.1f} {ratio[0]:11.3f} {ratio[1]:10.3f}")


main()
