#!/usr/bin/env python3
"""A provider for leapp that gives the credentials in a JSON file.

It is an example: everything that a provider may do is in it, with nothing but Python's standard
library. docs/providers.md describes the protocol. Put a copy where nobody but you and root can write,
and name it in ~/.Leapp/config.toml:

    [providers.file]
    command = "/home/me/bin/provider-file.py"
    args = ["/home/me/identities.json"]

Then 'leapp provider refresh file' lists what the file has. Without an argument there are two identities
that are made up, whose keys no cloud accepts. The file has the identities as the protocol lists them, each
with its credentials, and optionally the question whose answer they are given for:

    {"identities": [
        {"id": "ci", "name": "CI reader", "account": "111122223333", "region": "eu-west-1",
         "credentials": {"accessKeyId": "ASIA...", "secretAccessKey": "...", "sessionToken": "...",
                         "expiration": "2030-01-02T03:04:05Z"}},
        {"id": "admin", "question": "PIN of the safe:", "answer": "2468", "credentials": {...}}
    ]}

A real provider has no secrets in a file: it asks a broker, a directory or a device, and what it gets
from there ends by itself.
"""

import datetime
import json
import sys

VERSION = 1


def made_up():
    """Two identities: one gives temporary credentials at once, the other asks first."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    keys = {
        "accessKeyId": "ASIAEXAMPLEEXAMPLE00",
        "secretAccessKey": "made/up/EXAMPLE/key",
        "sessionToken": "made-up-example-token",
        "expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    reader = {"id": "reader", "name": "Reader", "account": "111122223333", "region": "eu-west-1"}
    admin = {"id": "admin", "name": "Admin", "account": "111122223333", "region": "eu-west-1"}
    asks = {"question": "PIN (it is 2468):", "answer": "2468"}
    return [dict(reader, credentials=keys), dict(admin, credentials=keys, **asks)]


def identities(arguments):
    if not arguments:
        return made_up()
    with open(arguments[0], encoding="utf-8") as file:
        return json.load(file)["identities"]


def describe():
    about = "credentials from a JSON file, as an example"
    return {"description": {"name": "Example", "versions": [VERSION], "about": about}}


def item(identity):
    """What leapp may know without asking for credentials. It keeps this in a file."""
    public = {"id": identity["id"], "needsPerson": "question" in identity}
    for member in ("name", "account", "region", "unusable"):
        if member in identity:
            public[member] = identity[member]
    if "credentials" not in identity:
        public.setdefault("unusable", "the file has no credentials for it")
    return public


def failure(kind, message, hint=None):
    return {"error": {"kind": kind, "message": message, "hint": hint}}


def credentials(request, known):
    identity = next((one for one in known if one["id"] == request["id"]), None)
    if identity is None:
        return failure("incomplete", "there is no such identity", "leapp provider refresh")
    if "credentials" not in identity:
        return failure("incomplete", "the file has no credentials for it")
    if "question" not in identity:
        return {"credentials": identity["credentials"]}
    # Each request is a process of its own. What was answered comes with the next one, oldest first,
    # and 'state' comes back as it was given: here, how many answers were wrong.
    given = [answer["text"] for answer in request["answers"] if answer["id"] == "question"]
    if given and given[-1] == identity["answer"]:
        return {"credentials": identity["credentials"]}
    wrong = int(request.get("state") or 0) + 1 if given else 0
    if wrong == 3:
        return failure("refused", "three wrong answers")
    if not request["canAsk"]:
        return failure("action", "it asks a question", "try again on a terminal")
    text = identity["question"] if not given else "That is not it. " + identity["question"]
    return {"ask": {"id": "question", "text": text, "secret": True}, "state": str(wrong)}


def answer(request, arguments):
    if request["version"] != VERSION:
        return failure("failed", f"this provider speaks version {VERSION} of the protocol")
    if request["request"] == "describe":
        return describe()
    try:
        known = identities(arguments)
    except (OSError, ValueError, KeyError) as error:
        # What it says must not have a secret in it; the class of an error has none.
        return failure("incomplete", f"the file cannot be read ({type(error).__name__})")
    if request["request"] == "list":
        return {"items": [item(identity) for identity in known]}
    if request["request"] == "credentials":
        return credentials(request, known)
    return failure("failed", "this request is unknown")


def main():
    request = json.load(sys.stdin)
    reply = dict(answer(request, sys.argv[1:]), version=VERSION)
    json.dump(reply, sys.stdout)


if __name__ == "__main__":
    main()
