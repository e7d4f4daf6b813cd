"""Writes `data.rs`, the partitions and regions of AWS, from the public data that botocore carries.

What exists is what `partitions.json` lists, the newer of its two files; `endpoints.json` gives the
partitions' names, and a region that `partitions.json` does not have. Left out on purpose: pseudo-regions
(`aws-global`), endpoints of services, and whatever else a name does not need.

The data has no date of its own, so the day on which it was taken is recorded beside botocore's version.
That day stays while version and content are the same.
"""

import argparse
import datetime
import gzip
import json
import pathlib
import re
import sys

import botocore

TARGET = pathlib.Path(__file__).with_name("data.rs")

HEAD = """\
//! The partitions and regions of AWS. Made by `scripts/update-regions`; not to be edited by hand.

use super::{{Data, Partition, Region}};

/// The public partition data.
pub const DATA: Data =
    Data {{ source: {source}, date: {date}, partitions: PARTITIONS }};

/// Every partition; the ordinary one first.
pub const PARTITIONS: &[Partition] = &[
"""


def load(name):
    path = pathlib.Path(botocore.__file__).parent / "data" / name
    if path.exists():
        return json.loads(path.read_text())
    with gzip.open(f"{path}.gz", "rt") as file:
        return json.load(file)


def text(value):
    """A Rust string literal. Only plain text is expected, and nothing else is let through."""
    if not re.fullmatch(r"[ -~]+", value) or '"' in value or "\\" in value:
        sys.exit(f"update-regions: {value!r} is no plain text")
    return f'"{value}"'


def prefixes(pattern):
    """What the names of regions begin with: `^(us|eu)\\-\\w+\\-\\d+$` are `us` and `eu`."""
    found = re.fullmatch(r"\^(.+)\\-\\w\+\\-\\d\+\$", pattern)
    words = found and re.fullmatch(r"([a-z-]*)(?:\(([a-z|]+)\))?", found[1].replace("\\-", "-"))
    if not words:
        sys.exit(f"update-regions: the pattern {pattern!r} has a new form; partition.rs must learn it")
    return [words[1] + word for word in (words[2] or "").split("|")]


def regions(partition, endpoints):
    """The regions by id, with their names."""
    all = {**endpoints.get("regions", {}), **partition["regions"]}
    return {id: all[id]["description"] for id in sorted(all) if not id.endswith("-global")}


def array(field, items, alone):
    """A field that is a slice, set as rustfmt has it: one line for words, or for an item alone."""
    line = f"        {field}: &[{', '.join(items)}],\n"
    if alone and len(line) <= 101:
        return line
    return f"        {field}: &[\n" + "".join(f"            {item},\n" for item in items) + "        ],\n"


def block(partition, endpoints):
    outputs = partition["outputs"]
    fields = [
        ("id", partition["id"]),
        ("name", endpoints.get("partitionName", partition["id"])),
        ("dns_suffix", outputs["dnsSuffix"]),
        ("implicit_region", outputs["implicitGlobalRegion"]),
    ]
    lines = "".join(f"        {field}: {text(value)},\n" for field, value in fields)
    listed = regions(partition, endpoints)
    if outputs["implicitGlobalRegion"] not in listed:
        sys.exit(f"update-regions: partition {partition['id']} does not list its implicit region")
    items = [f"Region {{ id: {text(id)}, name: {text(name)} }}" for id, name in listed.items()]
    begin = [text(prefix) for prefix in prefixes(partition["regionRegex"])]
    slices = array("prefixes", begin, True) + array("regions", items, len(items) == 1)
    return f"    Partition {{\n{lines}{slices}    }},\n"


def render(date):
    named = {partition["partition"]: partition for partition in load("endpoints.json")["partitions"]}
    partitions = load("partitions.json")["partitions"]
    partitions.sort(key=lambda partition: (partition["id"] != "aws", partition["id"]))
    blocks = [block(partition, named.get(partition["id"], {})) for partition in partitions]
    source = text(f"botocore {botocore.__version__}")
    return HEAD.format(source=source, date=text(date)) + "".join(blocks) + "];\n"


def main():
    parser = argparse.ArgumentParser(description="Writes the partition and region data anew.")
    parser.add_argument("--print", action="store_true", help="print it instead, with the date that is recorded")
    arguments = parser.parse_args()
    before = TARGET.read_text() if TARGET.exists() else ""
    recorded = re.search(r'date: "([0-9-]+)"', before)
    recorded = recorded[1] if recorded else "1970-01-01"
    made = render(recorded)
    if arguments.print:
        sys.stdout.write(made)
    elif made == before:
        print(f"update-regions: {TARGET.name} holds the data of botocore {botocore.__version__} already")
    else:
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        TARGET.write_text(render(today))
        print(f"update-regions: {TARGET.name} is of botocore {botocore.__version__} now; see 'git diff'")


if __name__ == "__main__":
    main()
