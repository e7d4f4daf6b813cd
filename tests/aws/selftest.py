#!/usr/bin/env python3
"""Certifies the emulator with clients that others wrote: boto3, and the AWS CLI where it is found.

    selftest.py [NAME...]     all, or the named ones

Each function whose name begins with `check_` gets a server with a user of its own.
"""

import base64
import calendar
import concurrent.futures
import datetime
import email.utils
import hmac
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

HERE = os.path.dirname(os.path.abspath(__file__))
EMULATOR = os.path.join(HERE, "emulator.py")
ADMIN = "arn:aws:iam::444455556666:role/Admin"
SHORT = "arn:aws:iam::444455556666:role/Short"
DEPLOY = "arn:aws:iam::444455556666:role/Deploy"
MFA_ONLY = "arn:aws:iam::444455556666:role/MfaOnly"
AUDIT = "arn:aws:iam::777788889999:role/Audit"
AWS_CLI = "/usr/bin/aws"


def code_at(moment, seed):
    """RFC 6238, written again so that one error cannot hide in both places."""
    key = base64.b32decode(seed)
    digest = hmac.digest(key, struct.pack(">Q", int(moment) // 30), "sha1")
    at = digest[-1] & 15
    return str((int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF) % 10**6).zfill(6)


class Server:
    """One emulator, and one user of it."""

    def __init__(self, wrapper=()):
        command = [*wrapper, sys.executable, EMULATOR, "--until-eof"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.user = json.loads(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.user['port']}"

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)

    def control(self, path, **data):
        if path.startswith("requests"):
            request = urllib.request.Request(f"{self.url}/_control/{path}")
        else:
            body = json.dumps(data).encode()
            request = urllib.request.Request(f"{self.url}/_control/{path}", body, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def requests(self):
        return self.control("requests")["requests"]

    def keys(self):
        return {
            "AccessKeyId": self.user["access_key_id"],
            "SecretAccessKey": self.user["secret_access_key"],
            "SessionToken": None,
        }

    def client(self, service="sts", keys=None, attempts=1):
        keys = keys or self.keys()
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="eu-west-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=botocore.config.Config(
                retries={"total_max_attempts": attempts},
                read_timeout=5,
                connect_timeout=5,
                parameter_validation=False,  # the server's refusals are wanted, not boto3's
            ),
        )

    def session_token(self, **more):
        return self.client().get_session_token(**more)["Credentials"]

    def assume(self, arn, keys=None, **more):
        more.setdefault("RoleSessionName", "test")
        return self.client(keys=keys).assume_role(RoleArn=arn, **more)["Credentials"]

    def whoami(self, keys=None):
        answer = self.client(keys=keys).get_caller_identity()
        return answer["Account"], answer["Arn"]


def refused(code, status, text, call, *args, **kwargs):
    """The call must end with exactly this error."""
    try:
        call(*args, **kwargs)
    except botocore.exceptions.ClientError as error:
        got = error.response
        found = (got["Error"]["Code"], got["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), (found, got["Error"])
        assert text in got["Error"]["Message"], got["Error"]["Message"]
        return
    raise AssertionError(f"was not refused: {code} expected")


def check_long_lived_keys(server):
    assert server.whoami() == ("111122223333", "arn:aws:iam::111122223333:user/work")
    server.client("s3").list_buckets()
    refused("AccessDenied", 403, "iam:ListUsers", server.client("iam").list_users)
    wrong = {**server.keys(), "SecretAccessKey": "x" * 40}
    sts = server.client(keys=wrong)
    refused("SignatureDoesNotMatch", 403, "does not match", sts.get_caller_identity)
    refused("SignatureDoesNotMatch", 403, "", server.client("s3", wrong).list_buckets)
    unknown = {**server.keys(), "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
    sts = server.client(keys=unknown)
    refused("InvalidClientTokenId", 403, "invalid", sts.get_caller_identity)
    extra = {**server.keys(), "SessionToken": "nonsense"}
    sts = server.client(keys=extra)
    refused("InvalidClientTokenId", 403, "invalid", sts.get_caller_identity)


def check_unsigned(server):
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    try:
        urllib.request.urlopen(server.url, body, timeout=5)
        raise AssertionError("an unsigned request passed")
    except urllib.error.HTTPError as error:
        assert error.code == 403 and b"MissingAuthenticationToken" in error.read()


def check_other_encodings(server):
    """A form signed and sent as not boto3 but other SDKs spell it."""
    keys = server.keys()
    credentials = botocore.credentials.Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])

    def post(form, changed=None):
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(form)),
            "amz-sdk-request": "attempt=1; max=3",
            "x-amz-user-agent": "some-sdk/1.0 api/sts/1.0",
        }
        request = botocore.awsrequest.AWSRequest("POST", f"{server.url}/", headers, form)
        botocore.auth.SigV4Auth(credentials, "sts", "eu-west-1").add_auth(request)
        sent = urllib.request.Request(request.url, changed or form, dict(request.headers.items()))
        try:
            with urllib.request.urlopen(sent, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    form = b"Version=2011-06-15&RoleArn=" + ADMIN.encode() + b"&Action=AssumeRole"
    form += b"&RoleSessionName=a%2Cb&Tags.member.1.Key=a%20%2a~&Tags.member.1.Value=b+c"
    status, text = post(form)
    assert status == 200 and "assumed-role/Admin/a,b" in text, text
    assert server.requests()[-1]["Tags"] == {"a *~": "b c"}
    status, text = post(form, changed=form.replace(b"b+c", b"b+d"))
    assert status == 403 and "<Code>SignatureDoesNotMatch<" in text, text
    status, text = post(b"Action=Nonsense&Version=2011-06-15")
    assert status == 400 and "<Code>InvalidAction<" in text, text
    status, text = post(b"Action=AssumeRole&RoleArn=x&RoleSessionName=ab&Version=2011-06-15")
    assert status == 400 and "<Code>ValidationError<" in text, text


def check_session_token(server):
    keys = server.session_token(DurationSeconds=900)
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", keys["AccessKeyId"]), keys["AccessKeyId"]
    assert len(keys["SecretAccessKey"]) == 40 and "TESTSECRET" in keys["SecretAccessKey"]
    assert "TESTSECRET" in keys["SessionToken"]
    left = (keys["Expiration"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert 890 < left <= 901, left
    assert server.whoami(keys) == server.whoami()
    server.client("s3", keys).list_buckets()
    other = server.session_token()
    assert other["AccessKeyId"] != keys["AccessKeyId"]
    mixed = {**keys, "SessionToken": other["SessionToken"]}
    sts = server.client(keys=mixed)
    refused("InvalidClientTokenId", 403, "invalid", sts.get_caller_identity)
    mixed = {**keys, "SecretAccessKey": other["SecretAccessKey"]}
    sts = server.client(keys=mixed)
    refused("SignatureDoesNotMatch", 403, "", sts.get_caller_identity)
    sts = server.client(keys=keys)
    refused("AccessDenied", 403, "session credentials", sts.get_session_token)
    for seconds in (60, 129601):
        call = server.client().get_session_token
        refused("ValidationError", 400, "durationSeconds", call, DurationSeconds=seconds)


def check_chain(server):
    keys = server.session_token()
    admin = server.assume(ADMIN, keys, RoleSessionName="one", DurationSeconds=43200)
    assert server.whoami(admin) == (
        "444455556666",
        "arn:aws:sts::444455556666:assumed-role/Admin/one",
    )
    server.client("s3", admin).list_buckets()
    deploy = server.assume(DEPLOY, admin, RoleSessionName="two")
    audit = server.assume(AUDIT, deploy, RoleSessionName="three", DurationSeconds=3600)
    assert server.whoami(audit) == (
        "777788889999",
        "arn:aws:sts::777788889999:assumed-role/Audit/three",
    )
    server.client("s3", audit).list_buckets()
    sts = server.client(keys=audit)
    refused("AccessDenied", 403, "session credentials", sts.get_session_token)
    path = server.assume("arn:aws:iam::777788889999:role/team/Path")
    assert server.whoami(path)[1] == "arn:aws:sts::777788889999:assumed-role/Path/test"


def check_trust(server):
    denied = "sts:AssumeRole on resource: arn:aws:iam::444455556666:role/"
    for name in ("Deploy", "Denied", "Missing", "MfaOnly", "ExternalId"):
        arn = f"arn:aws:iam::444455556666:role/{name}"
        refused("AccessDenied", 403, denied + name, server.assume, arn)
    external = "arn:aws:iam::444455556666:role/ExternalId"
    refused("AccessDenied", 403, "", server.assume, external, ExternalId="ext-43")
    server.whoami(server.assume(external, ExternalId="ext-42"))


def check_durations(server):
    refused(
        "ValidationError",
        400,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        server.assume,
        SHORT,
        DurationSeconds=3601,
    )
    refused("ValidationError", 400, "", server.assume, ADMIN, DurationSeconds=899)
    refused("ValidationError", 400, "", server.assume, ADMIN, DurationSeconds=43201)
    admin = server.assume(ADMIN, DurationSeconds=43200)
    refused(
        "ValidationError",
        400,
        "exceeds the 1 hour session limit for roles assumed by role chaining",
        server.assume,
        ADMIN,
        admin,
        DurationSeconds=3601,
    )
    server.assume(ADMIN, admin, DurationSeconds=3600)


def check_tags_and_policy(server):
    tag = [{"Key": "team", "Value": "shop"}]
    refused("ValidationError", 400, "roleArn", server.assume, "arn:aws:iam::1")
    refused("ValidationError", 400, "is invalid", server.assume, "arn:aws:iam::12:role/short-id")
    refused("ValidationError", 400, "roleSessionName", server.assume, ADMIN, RoleSessionName="a b")
    no_tags = "arn:aws:iam::444455556666:role/NoTags"
    refused("AccessDenied", 403, "sts:TagSession", server.assume, no_tags, Tags=tag)
    refused(
        "AccessDenied", 403, "sts:SetSourceIdentity", server.assume, no_tags, SourceIdentity="ann"
    )
    server.assume(no_tags)
    keys = server.assume(ADMIN, Tags=tag, TransitiveTagKeys=["team"], SourceIdentity="ann")
    refused("InvalidParameterValue", 400, "transitive", server.assume, DEPLOY, keys, Tags=tag)
    refused("AccessDenied", 403, "", server.assume, DEPLOY, keys, SourceIdentity="bob")
    answer = server.client(keys=keys).assume_role(RoleArn=DEPLOY, RoleSessionName="x1")
    assert answer["SourceIdentity"] == "ann"
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}],
        }
    )
    narrow = server.assume(ADMIN, Policy=policy)
    server.whoami(narrow)
    refused("AccessDenied", 403, "", server.client("s3", narrow).list_buckets)
    refused("MalformedPolicyDocument", 400, "", server.assume, ADMIN, Policy="{")
    entry = [r for r in server.requests() if r["Tags"]][0]
    assert entry["Tags"] == {"team": "shop"} and entry["RoleArn"] == no_tags, entry


def check_mfa(server):
    serial, seed = server.user["mfa_serial"], server.user["mfa_seed"]
    moment = time.time()
    code = code_at(moment, seed)
    get = server.client().get_session_token
    keys = get(SerialNumber=serial, TokenCode=code)["Credentials"]
    invalid = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    refused("AccessDenied", 403, invalid, get, SerialNumber=serial, TokenCode=code)
    far = code_at(moment + 3600, seed)
    refused("AccessDenied", 403, invalid, get, SerialNumber=serial, TokenCode=far)
    refused("AccessDenied", 403, "must provide both", get, TokenCode="123456")
    refused("ValidationError", 400, "[\\d]*", get, SerialNumber=serial, TokenCode="12a456")
    refused("ValidationError", 400, "length", get, SerialNumber=serial, TokenCode="12")
    stranger = "arn:aws:iam::111122223333:mfa/stranger"
    refused("AccessDenied", 403, "serial", get, SerialNumber=stranger, TokenCode=code)
    # Another device of the same user has its own memory of codes.
    phone = get(SerialNumber=f"{serial}-phone", TokenCode=code)["Credentials"]
    for mfa in (keys, phone):
        server.whoami(server.assume(MFA_ONLY, mfa))
    refused("AccessDenied", 403, "", server.assume, MFA_ONLY, server.session_token())
    direct = server.assume(MFA_ONLY, SerialNumber=serial, TokenCode=code_at(moment + 30, seed))
    server.whoami(direct)
    refused("AccessDenied", 403, "", server.assume, MFA_ONLY, direct)
    server.control("mfa", codes=["000001"])
    given = {"SerialNumber": serial, "TokenCode": "000001"}
    if int(time.time()) % 30 == 29:
        time.sleep(1)
    get(**given)
    refused("AccessDenied", 403, invalid, get, **given)
    shown = subprocess.run(
        [sys.executable, EMULATOR, "totp", "0"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert shown in (code_at(time.time(), seed), code_at(time.time() - 2, seed)), shown
    text = json.dumps(server.requests())
    assert code not in text and '"TokenCode": true' in text


def check_expiry(server):
    keys = server.assume(ADMIN)
    server.control("expire")
    sts = server.client(keys=keys)
    refused("ExpiredToken", 403, "expired", sts.get_caller_identity)
    refused("ExpiredToken", 400, "expired", server.client("s3", keys).list_buckets)
    refused("ExpiredToken", 403, "expired", server.assume, DEPLOY, keys)
    server.control("lifetime", seconds=2)
    keys = server.session_token()
    server.whoami(keys)
    time.sleep(2.1)
    refused("ExpiredToken", 403, "expired", server.client(keys=keys).get_caller_identity)


def check_clock(server):
    for hours, text in ((1, "Signature expired"), (-1, "Signature not yet current")):
        server.control("clock", offset=3600 * hours)
        refused("SignatureDoesNotMatch", 403, text, server.client().get_caller_identity)
    server.control("clock", offset=600)
    answer = server.client().get_session_token(DurationSeconds=900)
    dated = email.utils.parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert 590 < calendar.timegm(dated.utctimetuple()) - time.time() < 610, dated
    left = answer["Credentials"]["Expiration"].timestamp() - time.time()
    assert 1490 < left <= 1501, left
    # Credentials end by the server's clock.
    server.control("clock", offset=-600)
    short = server.session_token(DurationSeconds=900)
    server.control("clock", offset=400)
    sts = server.client(keys=short)
    refused("ExpiredToken", 403, "expired", sts.get_caller_identity)


def check_faults(server):
    call = server.client().get_caller_identity
    fault = {"kind": "status", "status": 403, "code": "AccessDenied", "message": "a & b <c>"}
    server.control("fault", action="AssumeRole", times=1, **fault)
    server.whoami()
    refused("AccessDenied", 403, "a & b <c>", server.assume, ADMIN)
    server.assume(ADMIN)
    server.control("fault", kind="throttle", times=2)
    refused("Throttling", 400, "Rate exceeded", call)
    server.client(attempts=3).get_caller_identity()
    server.control("fault", kind="expired", times=1)
    refused("ExpiredToken", 403, "expired", call)
    server.control("fault", kind="slow", seconds=0.5, times=1)
    begun = time.monotonic()
    call()
    assert time.monotonic() - begun >= 0.5
    server.control("fault", kind="drop", times=1)
    try:
        call()
        raise AssertionError("a dropped connection answered")
    except botocore.exceptions.ConnectionClosedError:
        assert server.requests()[-1]["status"] == 0
    server.control("fault", kind="garbage", times=1)
    try:
        call()
        raise AssertionError("garbage was read")
    except botocore.parsers.ResponseParserError:
        pass
    server.control("fault", kind="status", status=503, code="ServiceUnavailable", message="later")
    for _ in range(2):
        refused("ServiceUnavailable", 503, "later", call)
    server.control("reset")
    call()
    try:
        server.control("fault", kind="nonsense")
        raise AssertionError("a nonsensical fault was taken")
    except urllib.error.HTTPError as error:
        assert error.code == 400


def check_requests(server):
    keys = server.session_token(DurationSeconds=1800)
    server.assume(ADMIN, keys, RoleSessionName="count-me", ExternalId="some-id")
    server.client("s3", keys).list_buckets()
    first, second, third = server.requests()
    assert first["action"] == "GetSessionToken" and first["DurationSeconds"] == 1800
    assert first["status"] == 200 and not first["temporary"]
    assert second["action"] == "AssumeRole" and second["temporary"], second
    assert second["RoleArn"] == ADMIN and second["RoleSessionName"] == "count-me"
    assert second["ExternalId"] == "some-id" and second["user"] == first["access_key_id"]
    assert second["access_key_id"] == keys["AccessKeyId"]
    assert third["service"] == "s3" and third["action"] == "GET /", third
    assert "TESTSECRET" not in json.dumps(server.requests())
    server.control("reset")
    assert server.requests() == []


def check_lanes(server):
    """Two users of one server do not see each other's faults, clocks and requests."""
    other = server.control("user", name="second")
    assert other["user_arn"].endswith(":user/second")
    keys = {
        "AccessKeyId": other["access_key_id"],
        "SecretAccessKey": other["secret_access_key"],
        "SessionToken": None,
    }
    server.control("fault", kind="throttle", user=other["access_key_id"])
    server.control("clock", offset=300, user=other["access_key_id"])
    server.whoami()
    refused("Throttling", 400, "", server.client(keys=keys).get_caller_identity)
    server.control("reset", user=other["access_key_id"])
    chained = server.assume(ADMIN, keys)
    server.whoami(chained)
    seen = server.control(f"requests?user={other['access_key_id']}")["requests"]
    assert [r["action"] for r in seen] == ["AssumeRole", "GetCallerIdentity"], seen
    assert len(server.requests()) == 3
    server.control("role", arn="arn:aws:iam::999900001111:role/New", trust=["111122223333"])
    made = server.assume("arn:aws:iam::999900001111:role/New", keys)
    assert server.whoami(made)[0] == "999900001111"


def check_many_at_once(server):
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        jobs = [pool.submit(server.assume, ADMIN, RoleSessionName=f"n{n}") for n in range(64)]
        assert len({job.result()["AccessKeyId"] for job in jobs}) == 64
    assert len(server.requests()) == 64


def check_faketime(_server):
    """The whole server an hour ahead, as a machine with a wrong clock would be."""
    if not os.path.exists("/usr/bin/faketime"):
        return "faketime is not installed"
    server = Server(wrapper=("faketime", "-f", "+1h"))
    try:
        call = server.client().get_caller_identity
        refused("SignatureDoesNotMatch", 403, "Signature expired", call)
    finally:
        server.close()


def aws(server, *arguments, keys=None, profile=None):
    keys = keys or server.keys()
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "AWS_REGION": "eu-west-1"}
    environment["AWS_DEFAULT_REGION"] = "eu-west-1"
    environment["AWS_ACCESS_KEY_ID"] = keys["AccessKeyId"]
    environment["AWS_SECRET_ACCESS_KEY"] = keys["SecretAccessKey"]
    if keys["SessionToken"]:
        environment["AWS_SESSION_TOKEN"] = keys["SessionToken"]
    command = [AWS_CLI, "--endpoint-url", server.url, "--output", "json", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def check_aws_cli(server):
    if not os.path.exists(AWS_CLI):
        return "the AWS CLI is not installed"
    keys = server.session_token()
    assumed = aws(
        server, "sts", "assume-role", "--role-arn", ADMIN, "--role-session-name", "cli", keys=keys
    )
    assert assumed.returncode == 0, assumed.stderr
    admin = json.loads(assumed.stdout)["Credentials"]
    shown = aws(server, "sts", "get-caller-identity", keys=admin)
    assert json.loads(shown.stdout)["Arn"].endswith("assumed-role/Admin/cli"), shown.stderr
    listed = aws(server, "s3api", "list-buckets", keys=admin)
    assert listed.returncode == 0, listed.stderr
    wrong = aws(server, "sts", "get-caller-identity", keys={**admin, "SecretAccessKey": "x" * 40})
    assert wrong.returncode != 0 and "SignatureDoesNotMatch" in wrong.stderr, wrong.stderr
    server.control("expire")
    late = aws(server, "sts", "get-caller-identity", keys=admin)
    assert late.returncode != 0 and "ExpiredToken" in late.stderr, late.stderr


def check_ends_with_stdin(_server):
    server = Server()
    server.close()
    try:
        socket.create_connection(("127.0.0.1", server.user["port"]), 1).close()
        raise AssertionError("the server outlived its stdin")
    except OSError:
        pass


def main():
    checks = {n[6:]: f for n, f in globals().items() if n.startswith("check_")}
    failed = 0
    for name in sys.argv[1:] or checks:
        server = Server()
        begun = time.monotonic()
        try:
            skipped = checks[name](server)
            result = f"SKIPPED: {skipped}" if skipped else "ok"
        except Exception as error:  # reported, and the others still run
            import traceback

            traceback.print_exc()
            result = f"FAILED: {error!r}"
            failed += 1
        finally:
            server.close()
        print(f"{name:20} {time.monotonic() - begun:5.1f} s  {result}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
