"""Parses PowerShell files with a grammar (tree-sitter-powershell) and names each place that it cannot read.

    powershell.py FILE...        ends with 1 if a file has such a place

This is no PowerShell: it finds a text that does not parse, and nothing that goes wrong at run time.
"""

import sys

import tree_sitter
import tree_sitter_powershell

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def faults(text: bytes) -> list[str]:
    """Line and column, counted from 1, of what the grammar does not know or misses."""
    found = []
    waiting = [PARSER.parse(text).root_node]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            line, column = node.start_point
            what = f"no {node.type}" if node.is_missing else repr(node.text[:60].decode(errors="replace"))
            found.append(f"{line + 1}:{column + 1}: {what}")
        elif node.has_error:
            waiting.extend(node.children)
    return sorted(found)


def main() -> int:
    # A parser that accepts anything would prove nothing.
    for broken in (b"if ($x { 1 }", b"function f { ", b"foreach ($a on $b) { }", b"$x = @{ a = }"):
        assert faults(broken), broken
    status = 0
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            for fault in faults(file.read()):
                print(f"{path}:{fault}")
                status = 1
    return status


sys.exit(main())
