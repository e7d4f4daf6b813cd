#!/usr/bin/env python3
"""Certifies portal.py with clients that others wrote: boto3, and the AWS CLI.

    portal_selftest.py [NAME...]     all, or the named ones

Each function whose name begins with `check_` gets a server and a home of its own. boto3 runs in a
process of its own, because it takes the home when it is imported.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
AWS_CLI = "/usr/bin/aws"

KEYS = """
import boto3, json
session = boto3.Session()
keys = session.get_credentials()
frozen = keys.get_frozen_credentials()
print(json.dumps({"method": keys.method, "id": frozen.access_key, "secret": frozen.secret_key,
                  "token": frozen.token, "account": getattr(frozen, "account_id", None)}))
"""

# botocore refreshes a login with awscrt's P-256, which its own form of these three functions stands
# for here; everything else is botocore's.
LOGIN = """
import botocore.credentials
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
class EC:
    def __init__(self, key):
        self.key = key
    @classmethod
    def new_key_from_der_data(cls, der):
        return cls(serialization.load_der_private_key(der, None))
    def get_public_coords(self):
        point = self.key.public_key().public_numbers()
        return point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
    def sign(self, digest):
        return self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    @staticmethod
    def decode_der_signature_to_padded_pair(signature, pad_to):
        return b"".join(n.to_bytes(pad_to, "big") for n in utils.decode_dss_signature(signature))
botocore.credentials.EC = EC
"""


class Portal:
    """One server, and a home."""

    def __init__(self):
        command = [sys.executable, os.path.join(HERE, "portal.py"), "--until-eof"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.url = self.ready["url"]
        self.directory = tempfile.TemporaryDirectory(prefix="portal-")
        self.home = pathlib.Path(self.directory.name)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.directory.cleanup()

    def control(self, path, **data):
        body = None if path == "requests" else json.dumps(data).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", body)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def actions(self):
        return [(entry["action"], entry["status"]) for entry in self.control("requests")["requests"]]

    def write(self, path, text):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def environment(self, **more):
        return {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL_SSO": self.url,
            "AWS_ENDPOINT_URL_SSO_OIDC": self.url,
            "AWS_ENDPOINT_URL_SIGNIN": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    def run(self, text, **more):
        command = [sys.executable, "-I", "-c", text]
        done = subprocess.run(
            command, env=self.environment(**more), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def keys(self, prelude="", **more):
        keys = self.run(prelude + KEYS, **more)
        assert keys["id"].startswith("ASIA"), keys
        assert "TESTSECRET" in keys["secret"] and "TESTSECRET" in keys["token"], keys
        return keys

    def sso(self, role="Admin", **login):
        login = self.control("sso_login", session="corp", **login)
        self.write(
            ".aws/config",
            "[profile p]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 444455556666\n"
            f"sso_role_name = {role}\n[sso-session corp]\nsso_region = us-east-1\n"
            f"sso_start_url = {self.ready['start_url']}\nsso_registration_scopes = sso:account:access\n",
        )
        return self.write(f".aws/sso/cache/{login['name']}", login["text"])


def check_boto3_gets_role_credentials(portal):
    portal.sso()
    keys = portal.keys(AWS_PROFILE="p")
    assert (keys["method"], keys["account"]) == ("sso", "444455556666"), keys
    assert portal.actions() == [("GetRoleCredentials", 200)], portal.actions()


def check_boto3_refreshes_the_token(portal):
    path = portal.sso(expires_in=60)
    old = json.loads(path.read_text())
    portal.keys(AWS_PROFILE="p")
    assert portal.actions() == [("CreateToken", 200), ("GetRoleCredentials", 200)]
    new = json.loads(path.read_text())
    assert new["accessToken"] != old["accessToken"] and new["refreshToken"] != old["refreshToken"]


def check_boto3_knows_the_refusals(portal):
    portal.sso(role="Nobody")
    catch = """
import boto3, botocore.exceptions, json
try:
    boto3.Session().get_credentials().get_frozen_credentials()
    print(json.dumps("none"))
except botocore.exceptions.ClientError as error:
    print(json.dumps(error.response["Error"]))
except botocore.exceptions.UnauthorizedSSOTokenError:
    print(json.dumps("unauthorized"))
"""
    said = portal.run(catch, AWS_PROFILE="p")
    assert said == {"Message": "No access", "Code": "ForbiddenException"}, said
    portal.sso()
    portal.control("revoke")
    assert portal.run(catch, AWS_PROFILE="p") == "unauthorized"


def check_boto3_gets_container_credentials(portal):
    url = f"{portal.url}/container/keys"
    token = portal.write("token", portal.ready["container_token"])
    more = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}
    keys = portal.keys(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token), **more)
    assert keys["method"] == "container-role", keys
    portal.control("container", account="444455556666")
    keys = portal.keys(AWS_CONTAINER_AUTHORIZATION_TOKEN=portal.ready["container_token"], **more)
    assert keys["account"] == "444455556666", keys


def check_boto3_gets_instance_credentials(portal):
    more = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": portal.url}
    keys = portal.keys(**more)
    assert keys["method"] == "iam-role", keys
    assert [action for action, _ in portal.actions()] == ["MetadataToken", "Metadata", "Metadata"]
    assert {status for _, status in portal.actions()} == {200}


def check_botocore_reads_and_refreshes_a_login(portal):
    login = portal.control("login", expires_in=60)
    portal.write(".aws/config", f"[profile p]\nregion = eu-west-1\nlogin_session = {login['arn']}\n")
    path = portal.write(f".aws/login/cache/{login['name']}", login["text"])
    keys = portal.keys(LOGIN, AWS_PROFILE="p")
    assert (keys["method"], keys["account"]) == ("login", "111122223333"), keys
    assert portal.actions() == [("SignIn", 200)], portal.control("requests")
    new = json.loads(path.read_text())
    assert new["accessToken"]["accessKeyId"] == keys["id"]


def check_the_aws_cli_gets_role_credentials(portal):
    login = json.loads(portal.sso().read_text())
    words = ["sso", "get-role-credentials", "--role-name", "Admin", "--account-id", "444455556666"]
    words += ["--access-token", login["accessToken"], "--endpoint-url", portal.url]
    words += ["--region", "us-east-1", "--output", "json", "--no-cli-pager"]
    done = subprocess.run(
        [AWS_CLI, *words], env=portal.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["roleCredentials"]["accessKeyId"].startswith("ASIA")


def main():
    checks = {name: check for name, check in globals().items() if name.startswith("check_")}
    failed = []
    for name in sys.argv[1:] or checks:
        portal = Portal()
        try:
            checks[name](portal)
            print("ok", name)
        except AssertionError as error:
            failed.append(name)
            print("FAILED", name, error)
        finally:
            portal.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
