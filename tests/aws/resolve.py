"""Which provider botocore takes for each profile of a folder of configurations, and with what; JSON on stdout.

    resolve.py FOLDER

A FILE.ini is a config file and, below a line `#--- credentials`, a credentials file. Each profile is asked
for explicitly, as `--profile` does. Nothing is requested and no program runs: where botocore would, what it
would do it with is written down. `null` stands for a profile that gives nothing or is refused, and a file
that botocore refuses has `null` for all of it. The interpreter decides whose botocore it is: that of the
virtual environment, or the copy inside Debian's AWS CLI.

Deliberately absent: any opinion of what is right.
"""

import json
import os
import pathlib
import socket
import sys
import tempfile

try:
    from botocore import credentials, session
    from botocore.exceptions import BotoCoreError
except ImportError:
    import awscli  # noqa: F401  (from now on its copy is found under botocore's name)
    from botocore import credentials, session
    from botocore.exceptions import BotoCoreError

MARK = "#--- credentials\n"


class Written(credentials.Credentials):
    """Credentials that only say where they would come from."""

    def __init__(self, **said):
        super().__init__("AKIAWRITTEN", "TESTSECRET", method="written")
        self.said = said


class Fetcher:
    """Stands for what would send a request."""

    feature_ids = set()

    def __init__(self, *args, **said):
        self.said = said

    def fetch_credentials(self):
        raise AssertionError("a request")


def told(found):
    """What `found` would be made with."""
    if isinstance(found, Written):
        return found.said
    fetcher = getattr(getattr(found, "_refresh_using", None), "__self__", None)
    if isinstance(fetcher, Fetcher):
        said = fetcher.said
        extra = said.get("extra_args", {})
        if found.method == "assume-role":
            return {
                "kind": "role",
                "role_arn": said["role_arn"],
                "mfa_serial": extra.get("SerialNumber"),
                "external_id": extra.get("ExternalId"),
                "session_name": extra.get("RoleSessionName"),
                "duration": extra.get("DurationSeconds"),
                "source": told(said["source_credentials"]),
            }
        if found.method == "sso":
            return {
                "kind": "sso",
                "session": said.get("sso_session_name"),
                "start_url": said["start_url"],
                "region": said["sso_region"],
                "account": said["account_id"],
                "role": said["role_name"],
            }
        return {
            "kind": "web-identity",
            "role_arn": said["role_arn"],
            "file": said["web_identity_token_loader"],
            "session_name": extra.get("RoleSessionName"),
        }
    return {
        "kind": "keys",
        "key_id": found.access_key,
        "file": {"shared-credentials-file": "credentials", "config-file": "config"}[found.method],
        # An empty token is sent by nobody.
        "temporary": bool(found.token),
    }


def process(self):
    command = self._credential_process
    if command is None:
        return None
    return Written(kind="process", argv=credentials.compat_shell_split(command))


def login(self):
    arn = self._load_config().get("profiles", {}).get(self._profile_name, {}).get("login_session")
    return None if arn is None else Written(kind="login", arn=arn)


def blocked(*_):
    raise AssertionError("the network")


socket.socket.connect = socket.create_connection = socket.getaddrinfo = blocked
credentials.ProcessProvider.load = process
credentials.ContainerProvider.load = lambda self: Written(kind="container")
credentials.InstanceMetadataProvider.load = lambda self: Written(kind="instance")
credentials.EnvProvider.load = lambda self: Written(kind="environment")
if hasattr(credentials, "LoginProvider"):
    credentials.LoginProvider.load = login
for name in ("AssumeRole", "AssumeRoleWithWebIdentity", "SSO"):
    setattr(credentials, f"{name}CredentialFetcher", Fetcher)
# Only the file's name matters.
credentials.FileWebIdentityTokenLoader = lambda path: path
credentials.AssumeRoleWithWebIdentityProvider.__init__.__defaults__ = (None, False, lambda path: path)
# It would wrap the fetcher.
credentials.create_mfa_serial_refresher = lambda refresh: refresh


def ask(config, secret, profile):
    one = session.Session(profile=profile)
    one.set_config_variable("config_file", str(config))
    one.set_config_variable("credentials_file", str(secret))
    try:
        found = credentials.create_credential_resolver(one).load_credentials()
    except (BotoCoreError, ValueError, KeyError):
        return None
    # What the machine would give to anybody is not the profile's.
    said = found and told(found)
    return None if said and said["kind"] in ("container", "instance", "environment") else said


def judge(path, scratch):
    text, _, secret = path.read_bytes().decode("utf-8", "surrogateescape").partition(MARK)
    files = [scratch / "config", scratch / "credentials"]
    for file, part in zip(files, (text, secret)):
        file.write_bytes(part.encode("utf-8", "surrogateescape"))
    one = session.Session()
    one.set_config_variable("config_file", str(files[0]))
    one.set_config_variable("credentials_file", str(files[1]))
    try:
        names = list(one.full_config["profiles"])
    except BotoCoreError:
        return None
    return {name: ask(*files, name) for name in names}


def main(folder):
    answers = {}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HOME"] = scratch
        for path in sorted(pathlib.Path(folder).glob("*.ini")):
            answers[path.stem] = judge(path, pathlib.Path(scratch))
    knows = {"login": hasattr(credentials, "LoginProvider")}
    json.dump({"answers": answers, "knows": knows}, sys.stdout)


main(sys.argv[1])
