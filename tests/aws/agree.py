"""What botocore reads in each file of a folder, as JSON on stdout.

    agree.py FOLDER

Every FILE.ini is read as a config file and as a credentials file, whatever its name; where there is a
FILE.credentials.ini, the two are also merged as a session merges them. `null` stands for a file that
botocore refuses. The interpreter decides whose botocore it is: that of the virtual environment, or the
copy inside Debian's AWS CLI, which knows no `[services]`; these are left out there.

Deliberately absent: any opinion of what is right.
"""

import json
import pathlib
import sys

try:
    from botocore import configloader, exceptions, session
except ImportError:
    import awscli  # noqa: F401  (from now on its copy is found under botocore's name)
    from botocore import configloader, exceptions, session

# The CLI's copy takes `[services]` for any section.
KNOWS_SERVICES = hasattr(configloader, "_parse_section")


def read(reader, path):
    """What `reader` makes of the file, or None where it refuses it."""
    try:
        return reader(str(path))
    except exceptions.ConfigParseError:
        return None


def config(path):
    """The parts of a config file that mean something."""
    loaded = read(configloader.load_config, path)
    kinds = ["profiles", "sso_sessions"]
    if KNOWS_SERVICES:
        kinds.append("services")
    return loaded and {kind: loaded[kind] for kind in kinds}


def merged(config_path, credentials_path):
    """The profiles of both files together."""
    one = session.Session()
    one.set_config_variable("config_file", str(config_path))
    one.set_config_variable("credentials_file", str(credentials_path))
    return one.full_config["profiles"]


def main(folder):
    answers = {}
    for path in sorted(pathlib.Path(folder).glob("*.ini")):
        answer = {
            "config": config(path),
            "credentials": read(configloader.raw_config_parse, path),
        }
        other = path.with_suffix(".credentials.ini")
        if other.exists():
            answer["merged"] = merged(path, other)
        answers[path.name] = answer
    json.dump(answers, sys.stdout)


main(sys.argv[1])
