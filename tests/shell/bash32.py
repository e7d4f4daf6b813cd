"""Finds what bash 3.2 (macOS's) does not know, outside of a test of the version.

    bash32.py FILE...        ends with 1 if there is something

There is no bash 3.2 to run here. The list is what came with 4.0 and later, by bash's own CHANGES
(https://git.savannah.gnu.org/cgit/bash.git/tree/CHANGES). A line counts as inside a test of the
version if the block that it stands in, or an earlier branch of it, begins with one.
"""

import re
import sys

NEWER = {
    "4.0 associative arrays": r"\b(declare|local|typeset)\s+-\w*A",
    "4.0 case modification": r"\$\{[!\w]+(\[[^]]*\])?(\^|,)",
    "4.0 mapfile, coproc": r"\b(mapfile|readarray|coproc)\b",
    "4.0 |& and &>>": r"\|&|&>>",
    "4.0 ;& and ;;&": r";&|;;&",
    "4.0 BASHPID": r"\bBASHPID\b",
    "4.1 BASH_XTRACEFD": r"\bBASH_XTRACEFD\b",
    "4.1 file descriptors in variables": r"\{\w+\}[<>]",
    "4.1 printf -v into an element": r"printf -v \"?\w+\[",
    "4.2 -v": r"(\[\[|\[|\btest) -v\b",
    "4.2 declare -g": r"\b(declare|typeset)\s+-\w*g",
    "4.2 negative subscripts": r"\$\{\w+\[-",
    "4.2 times in printf": r"%\([^)]*\)T",
    "4.2 negative lengths": r"\$\{\w+:[^}]*:\s*-\d",
    "4.3 references": r"\b(declare|local|typeset)\s+-\w*n\b",
    "4.3 wait -n": r"\bwait -n\b",
    "4.4 transformations": r"\$\{[^}]*@[QEPAaUuLKk]\}",
    "4.4 local -": r"\blocal -(\s|$)",
    "5.0 EPOCHSECONDS": r"\bEPOCH(SECONDS|REALTIME)\b",
    "5.1 SRANDOM": r"\bSRANDOM\b",
    "5.3 ${ command; }": r"\$\{[ |]",
    # Not newer, but 3.2 ends the substitution at the first pattern's parenthesis.
    "case in a substitution": r"\$\([^()]*\bcase\b",
}


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def is_guarded(lines: list[str], number: int) -> bool:
    """Whether a line that opens a block around this one, or an earlier branch of it, tests the version."""
    depth = indent(lines[number])
    branch = lines[number].lstrip().startswith(("elif", "else"))
    for line in reversed(lines[:number]):
        if not line.strip():
            continue
        if indent(line) < depth or (branch and indent(line) == depth and "if " in line):
            if "BASH_VERSINFO" in line:
                return True
            depth = indent(line)
            branch = line.lstrip().startswith(("elif", "else"))
    return False


def faults(text: str) -> list[str]:
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            continue
        for what, pattern in NEWER.items():
            if re.search(pattern, line) and not is_guarded(lines, number):
                found.append(f"{number + 1}: bash {what}: {line.strip()}")
    return found


def main() -> int:
    # A list that finds nothing would prove nothing.
    for newer in ("local -A x", "echo ${x^^}", "a |& b", "[[ -v x ]]", "echo ${x@Q}", "echo $EPOCHSECONDS"):
        assert faults(newer), newer
    assert not faults("if ((BASH_VERSINFO[0] >= 5)); then\n    echo $EPOCHSECONDS\nfi")
    status = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for fault in faults(file.read()):
                print(f"{path}:{fault}")
                status = 1
    return status


sys.exit(main())
