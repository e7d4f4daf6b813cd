#!/usr/bin/env python3
"""moto's AWS on loopback, with the parts that a credential tool depends on behaving as AWS does.

moto answers, checks each signature and evaluates IAM policies from the first request on. It stays
as installed: what it leaves out is added below by replacing a few of its functions in memory.

    emulator.py [serve] [--port N] [--until-eof]
    emulator.py totp [SECONDS]      the one-time code of now, or of SECONDS from now

READY LINE
  One JSON object on stdout when requests are answered; nothing else is ever written there:
  {"port", "pid", "account_id", "access_key_id", "secret_access_key", "user_arn", "mfa_serial",
  "mfa_seed", "canary"}. With --until-eof the server ends when its stdin is closed, so it cannot
  outlive the program that started it. SIGTERM and SIGINT end it too.

DATA
  User `work` of account 111122223333, with one access key and two MFA devices: mfa/work and
  mfa/work-phone. It may call sts:* and s3:ListAllMyBuckets, and no IAM action.

  role in 444455556666   trusts                  and
  Admin                  111122223333, 4444...   up to 43200 s; the others up to 3600 s
  Short                  111122223333, 4444...
  Deploy                 4444... role/Admin
  MfaOnly                111122223333            aws:MultiFactorAuthPresent must be true
  ExternalId             111122223333, 4444...   sts:ExternalId must be ext-42
  NoTags                 111122223333            no sts:TagSession, no sts:SetSourceIdentity
  Denied                 nobody
  role in 777788889999
  Audit                  111122223333, 4444... role/Deploy
  team/Path              111122223333            a role with a path

  Every issued secret (40 characters) and every session token contains the word TESTSECRET.

WHAT IS ADDED TO MOTO
  - GetSessionToken and AssumeRole issue random ASIA keys with a token. The signature is checked
    with them, they act as their user or role, and after their end they get 403 ExpiredToken.
  - A trust policy decides on every AssumeRole, across accounts too: principals, sts:ExternalId,
    aws:MultiFactorAuthPresent. A role that does not exist is refused. Session tags and a source
    identity need their own permission and survive a chain as AWS has it. A session policy narrows.
  - Durations: 900 to 43200 and the role's maximum, 3600 for a role assumed by a role, 900 to 129600
    for GetSessionToken. GetSessionToken with temporary keys is refused.
  - One-time codes: RFC 6238 (SHA-1, 30 s, 6 digits) with `mfa_seed`, this step or the one before or
    after it; each code once for each device. Further codes can be set by control; such a code is
    accepted once in each 30 s step.
  - A request dated more than 15 minutes from the server's clock: 403 SignatureDoesNotMatch,
    "Signature expired" or "Signature not yet current". `Date` is always the server's clock.
  - STS errors have the form that AWS sends; moto's differs, and not every SDK reads it.
  - The signature is checked over the bytes that came; moto encodes a form again in boto3's way.
  - Unsigned AssumeRoleWithSAML and AssumeRoleWithWebIdentity pass, and moto answers them; what
    they issue has no end, and no user for the control below.

CONTROL: JSON over HTTP on the same port, below /_control/
  Any of them takes "user": an access key id (in GET: ?user=...). It then concerns only requests
  that are made with this user's key or with what was issued from it, however long the chain, so
  that tests which make their own user can share one server.

  GET  requests   -> {"requests": [...]}, oldest first. An entry has n, at, service, region, action,
                  access_key_id, user, temporary, status, error, DurationSeconds, RoleArn,
                  RoleSessionName, SerialNumber, TokenCode (true or false), ExternalId,
                  SourceIdentity, Policy, PolicyArns, Tags ({key: value}), TransitiveTagKeys.
                  A request still under way has status null, a dropped one 0. `action` is
                  "METHOD /path" where the protocol has no Action parameter.
  POST reset      forgets requests, faults, clock offset, lifetime and extra MFA codes.
  POST fault      {"action": "AssumeRole" or "*", "kind": ..., "times": n or null (always)}; kinds:
                  slow (seconds; then the ordinary answer), status (status, code, message),
                  throttle, expired, drop (closes the connection), garbage (200, not XML).
                  Faults act before anything is checked, the first that fits, once each request.
  POST clock      {"offset": seconds} between the real clock and the server's.
  POST mfa        {"codes": [...]} replaces the further codes.
  POST lifetime   {"seconds": n or null}: issued credentials end after n seconds, whatever
                  was asked for.
  POST expire     {"access_key_id": "ASIA..."} or {}: those issued so far end now.
  POST user       {"name": ...} -> the same fields as the ready line, for a new user of
                  111122223333 with the rights of `work`.
  POST role       {"arn", "trust": [account, arn or "*"], "max_session_duration", "external_id",
                  "mfa", "tags"} makes a role.
  Answers are JSON objects; a request that makes no sense gets 400 and {"error": ...}.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import io
import json
import os
import re
import secrets
import signal
import socket
import string
import struct
import sys
import threading
import time
import uuid
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

CANARY = "TESTSECRET"
MFA_SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOME = "111122223333"
TARGET = "444455556666"
THIRD = "777788889999"
STEP = 30
SKEW = 15 * 60
UNSIGNED = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


def totp(moment, seed=MFA_SEED):
    """The RFC 6238 code (SHA-1, six digits) of a moment in seconds since the epoch."""
    counter = struct.pack(">Q", int(moment) // STEP)
    digest = hmac.new(base64.b32decode(seed), counter, hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


# A command that needs no moto.
if __name__ == "__main__" and sys.argv[1:2] == ["totp"]:
    print(totp(time.time() + float(sys.argv[2] if len(sys.argv) > 2 else 0)))
    sys.exit(0)

# moto reads these when it is imported, and nothing of the caller's may move an account or a key.
for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
    del os.environ[name]

from botocore.model import OperationNotFoundError  # noqa: E402
from moto import settings  # noqa: E402
from moto.core.responses import ActionResult  # noqa: E402
from moto.iam import access_control  # noqa: E402
from moto.iam import models as iam_models  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.exceptions import S3ClientError  # noqa: E402
from moto.sts import models as sts_models  # noqa: E402
from moto.sts.responses import TokenResponse  # noqa: E402
from werkzeug.exceptions import HTTPException  # noqa: E402
from werkzeug.http import http_date  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402


# --- state ---------------------------------------------------------------------------------------


class Lane:
    """What control has set, for one user or for everybody. None means: not set here."""

    def __init__(self):
        self.faults = []
        self.offset = None
        self.codes = None
        self.lifetime = None


class Issued:
    """Temporary credentials: whose they are, until when, and what they carry."""

    def __init__(self, user, expires, mfa=False, user_name=None, role_arn=None):
        self.user = user
        self.expires = expires
        self.mfa = mfa
        self.user_name = user_name
        self.role_arn = role_arn
        self.account_id = HOME
        self.session_name = None
        self.policy = None
        self.transitive = {}
        self.source_identity = None
        self.secret_access_key = secret(40)
        self.session_token = token()


class State:
    """Everything that outlives a request, under one lock."""

    def __init__(self):
        self.lock = threading.RLock()
        self.lanes = {}
        self.issued = {}  # access key id -> Issued
        self.users = {}  # access key id -> user name
        self.devices = {}  # access key id -> serial numbers
        self.requests = []
        self.count = 0
        self.used_codes = set()

    def lane(self, user):
        return self.lanes.setdefault(user, Lane())

    def setting(self, user, name):
        """The user's own setting, or everybody's."""
        for key in (user, None):
            if key in self.lanes and getattr(self.lanes[key], name) is not None:
                return getattr(self.lanes[key], name)
        return None

    def owner(self, access_key_id):
        """The user's key at the root of this one."""
        if access_key_id in self.issued:
            return self.issued[access_key_id].user
        return access_key_id if access_key_id in self.users else None


STATE = State()
CURRENT = threading.local()  # .user, .body: whose request this thread is answering, and its bytes


def now():
    """The server's clock, as this request's user sees it."""
    offset = STATE.setting(getattr(CURRENT, "user", None), "offset") or 0
    return time.time() + offset


def naive_utc(moment):
    return datetime.datetime.fromtimestamp(int(moment), datetime.timezone.utc).replace(tzinfo=None)


def secret(length):
    """A plausible secret access key: with the canary, a slash and a plus in it."""
    letters = string.ascii_letters + string.digits + "/+"
    fill = "".join(secrets.choice(letters) for _ in range(length - len(CANARY) - 2))
    return f"{fill[:9]}/{CANARY}+{fill[9:]}"


def token():
    return f"IQoJb3JpZ2luX2Vj{secret(40)}{base64.b64encode(os.urandom(225)).decode()}"


# --- errors --------------------------------------------------------------------------------------


class Refusal(HTTPException):
    """An error in the form of the AWS query protocol."""

    def __init__(self, code, error, message):
        super().__init__()
        self.code = code
        self.error = error
        self.description = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
            f"  <Error>\n    <Type>{'Sender' if code < 500 else 'Receiver'}</Type>\n"
            f"    <Code>{escape(error)}</Code>\n    <Message>{escape(message)}</Message>\n"
            f"  </Error>\n  <RequestId>{uuid.uuid4()}</RequestId>\n</ErrorResponse>\n"
        )

    def get_headers(self, *_args, **_kwargs):
        return [("Content-Type", "text/xml")]


def access_denied(message):
    return Refusal(403, "AccessDenied", message)


def validation(message):
    return Refusal(400, "ValidationError", message)


def constraint(value, field, rule):
    return validation(
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: "
        f"Member must {rule}"
    )


def expired():
    return Refusal(403, "ExpiredToken", "The security token included in the request is expired")


# --- keys that moto's checks accept ---------------------------------------------------------------


class _Temporary:
    """Common to both kinds: the secret and token that were issued, and nothing else."""

    def _take(self, account_id, partition, access_key_id, headers):
        issued = STATE.issued.get(access_key_id)
        if issued is None:
            raise access_control.CreateAccessKeyFailure(reason="InvalidId")
        if headers.get("X-Amz-Security-Token") != issued.session_token:
            raise access_control.CreateAccessKeyFailure(reason="InvalidToken")
        self.account_id = account_id
        self.partition = partition
        self.issued = issued
        self._access_key_id = access_key_id

    def create_credentials(self):
        return access_control.Credentials(
            self._access_key_id, self.issued.secret_access_key, self.issued.session_token
        )


class UserSessionKey(_Temporary, access_control.IAMUserAccessKey):
    """From GetSessionToken; moto has no such thing."""

    def __init__(self, **key):
        self._take(**key)
        self._owner_user_name = self.issued.user_name


class RoleSessionKey(_Temporary, access_control.AssumedRoleAccessKey):
    """From AssumeRole."""

    def __init__(self, **key):
        self._take(**key)
        self._owner_role_name = self.issued.role_arn.split("/")[-1]
        self._session_name = self.issued.session_name


MOTO_CREATE_ACCESS_KEY = access_control.create_access_key


def create_access_key(account_id, partition, access_key_id, headers):
    key = {
        "account_id": account_id,
        "partition": partition,
        "access_key_id": access_key_id,
        "headers": headers,
    }
    issued = STATE.issued.get(access_key_id)
    if issued is None:
        return MOTO_CREATE_ACCESS_KEY(**key)
    return UserSessionKey(**key) if issued.user_name else RoleSessionKey(**key)


# --- the checks that moto makes before an action --------------------------------------------------

MOTO_CHECK_SIGNATURE = access_control.IAMRequestBase.check_signature
MOTO_CHECK_ACTION = access_control.IAMRequestBase.check_action_permitted


def check_signature(self):
    issued = getattr(self._access_key, "issued", None)
    if issued is not None and issued.expires <= now():
        if self._service == "s3":
            raise S3ClientError("ExpiredToken", "The provided token has expired.")
        raise expired()
    MOTO_CHECK_SIGNATURE(self)


def create_aws_request(self):
    """moto encodes a form again, in boto3's way; other clients sign other bytes for a space."""
    names = self._get_string_between("SignedHeaders=", ",", self._headers["Authorization"])
    headers = self._create_headers_for_aws_request(names.split(";"), self._headers)
    request = access_control.AWSRequest(
        method=self._method, url=self._path, data=CURRENT.body, headers=headers
    )
    request.context["timestamp"] = self._headers["X-Amz-Date"]
    return request


def check_action_permitted(self, resource):
    key = self._access_key
    issued = getattr(key, "issued", None)
    if self._action == "sts:GetSessionToken":
        if issued is not None:
            raise access_denied("Cannot call GetSessionToken with session credentials")
        return  # AWS asks for no permission here
    MOTO_CHECK_ACTION(self, resource)
    if issued is not None and issued.policy:
        policy = access_control.IAMPolicy(issued.policy)
        allowed = policy.is_action_permitted(self._action, resource)
        if allowed != access_control.PermissionResult.PERMITTED:
            self._raise_access_denied()


def raise_invalid_access_key(_self, _reason):
    raise Refusal(
        403, "InvalidClientTokenId", "The security token included in the request is invalid."
    )


def raise_signature_does_not_match(_self):
    raise Refusal(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )


def raise_access_denied(self):
    raise access_denied(
        f"User: {self._access_key.arn} is not authorized to perform: {self._action}"
    )


# --- trust policies -------------------------------------------------------------------------------


def as_list(value):
    return value if isinstance(value, list) else [value]


def principal_fits(principal, caller):
    if principal == "*":
        return True
    names = set()
    for entry in as_list((principal or {}).get("AWS", [])):
        names.add(f"arn:aws:iam::{entry}:root" if re.fullmatch(r"\d{12}", entry) else entry)
    return bool(names & caller) or "*" in names


def condition_fits(conditions, context):
    """Each key must be there and have one of the values; an unknown operator fits nothing."""
    for operator, keys in (conditions or {}).items():
        if operator not in ("StringEquals", "Bool"):
            return False
        for key, values in keys.items():
            if context.get(key) not in [str(value) for value in as_list(values)]:
                return False
    return True


def trusts(document, action, caller, context):
    allowed = False
    for statement in as_list(json.loads(document)["Statement"]):
        if (
            action in as_list(statement["Action"])
            and principal_fits(statement.get("Principal"), caller)
            and condition_fits(statement.get("Condition"), context)
        ):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


# --- STS ------------------------------------------------------------------------------------------


def parameter(response, name):
    return (response.querystring.get(name) or [None])[0]


def members(query, prefix):
    """`Prefix.member.N...` of the query protocol as a list of values or of dicts."""
    found = {}
    for name, values in query.items():
        match = re.fullmatch(rf"{prefix}\.member\.(\d+)(?:\.(\w+))?", name)
        if match and match[2]:
            found.setdefault(int(match[1]), {})[match[2]] = values[0]
        elif match:
            found[int(match[1])] = values[0]
    return [found[index] for index in sorted(found)]


def caller_of(response):
    """The caller's own key, its issued credentials if any, and its principals."""
    access_key_id = response.get_access_key()
    issued = STATE.issued.get(access_key_id)
    account = response.current_account
    root = f"arn:aws:iam::{account}:root"
    if issued is None:
        arn = f"arn:aws:iam::{account}:user/{STATE.users.get(access_key_id)}"
        return None, arn, {arn, root}
    if issued.user_name:
        arn = f"arn:aws:iam::{account}:user/{issued.user_name}"
        return issued, arn, {arn, root}
    role = issued.role_arn
    arn = f"arn:aws:sts::{account}:assumed-role/{role.split('/')[-1]}/{issued.session_name}"
    return issued, arn, {arn, role, root}


def duration_of(response, default, lowest, highest):
    text = parameter(response, "DurationSeconds")
    if text is None:
        return default
    if not re.fullmatch(r"-?\d+", text):
        raise Refusal(400, "MalformedInput", "Invalid Argument")
    seconds = int(text)
    if seconds < lowest:
        raise constraint(text, "durationSeconds", f"have value greater than or equal to {lowest}")
    if seconds > highest:
        raise constraint(text, "durationSeconds", f"have value less than or equal to {highest}")
    return seconds


def check_mfa(response, issued):
    """Whether a valid one-time code came with the request."""
    serial, code = parameter(response, "SerialNumber"), parameter(response, "TokenCode")
    if serial is None and code is None:
        return False
    if serial is None or code is None:
        raise access_denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time "
            "pass code."
        )
    if len(code) != 6:
        raise constraint(
            code,
            "tokenCode",
            f"have length {'greater' if len(code) < 6 else 'less'} than or equal to 6",
        )
    if not code.isdigit():
        raise constraint(code, "tokenCode", "satisfy regular expression pattern: [\\d]*")
    user = CURRENT.user
    if (issued is not None and issued.role_arn) or serial not in STATE.devices.get(user, ()):
        raise access_denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your "
            "MFA serial number is valid and associated with this user."
        )
    step = int(now()) // STEP
    with STATE.lock:
        # A code of the seed belongs to its own step; one set by control, to the step of its use.
        steps = [s for s in (step, step - 1, step + 1) if totp(s * STEP) == code]
        if not steps and code in (STATE.setting(user, "codes") or ()):
            steps = [step]
        uses = [(serial, code, s) for s in steps]
        if not uses or uses[0] in STATE.used_codes:
            raise access_denied(
                "MultiFactorAuthentication failed with invalid MFA one time pass code."
            )
        STATE.used_codes.add(uses[0])
    return True


def register(issued, account_id):
    """Gives the credentials a key id which moto finds the account of."""
    lifetime = STATE.setting(CURRENT.user, "lifetime")
    if lifetime is not None:
        issued.expires = now() + lifetime
    issued.account_id = account_id
    key = iam_backends[account_id]["aws"].create_temp_access_key()
    key.role_arn = issued.role_arn
    with STATE.lock:
        STATE.issued[key.access_key_id] = issued
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token,
        "Expiration": naive_utc(issued.expires),
    }


def get_session_token(self):
    duration = duration_of(self, 43200, 900, 129600)
    mfa = check_mfa(self, None)
    name = STATE.users[self.get_access_key()]
    issued = Issued(CURRENT.user, now() + duration, mfa=mfa, user_name=name)
    return ActionResult({"Credentials": register(issued, self.current_account)})


def check_shape(self):
    """The parameters of AssumeRole on their own, before any role is looked at."""
    arn = parameter(self, "RoleArn") or ""
    if len(arn) < 20:
        raise constraint(arn, "roleArn", "have length greater than or equal to 20")
    if not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", arn):
        raise validation(f"{arn} is invalid")
    for name, field, pattern in (
        ("RoleSessionName", "roleSessionName", r"[\w+=,.@-]{2,64}"),
        ("SourceIdentity", "sourceIdentity", r"[\w+=,.@-]{2,64}"),
        ("ExternalId", "externalId", r"[\w+=,.@:\/-]{2,1224}"),
    ):
        value = parameter(self, name)
        if value is None and name != "RoleSessionName":
            continue
        if not re.fullmatch(pattern, value or "", re.ASCII):
            raise constraint(value, field, f"satisfy regular expression pattern: {pattern}")
    policy = parameter(self, "Policy")
    if policy is not None:
        try:
            json.loads(policy)["Statement"]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, "MalformedPolicyDocument", "Syntax errors in policy.") from None
        if len(policy) > 2048:
            raise constraint(policy, "policy", "have length less than or equal to 2048")
    for entry in members(self.querystring, "PolicyArns"):
        if not re.fullmatch(r"arn:aws[\w-]*:iam::(aws|\d{12}):policy/\S+", entry.get("arn", "")):
            raise validation(f"{entry.get('arn')} is invalid")


def tags_of(self, issued):
    """The session's tags, and those of them that go on along a chain."""
    listed = members(self.querystring, "Tags")
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in listed}
    if len(tags) != len({tag.get("Key", "").lower() for tag in listed}) or len(tags) != len(listed):
        raise Refusal(
            400,
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        )
    if len(tags) > 50:
        raise constraint(len(tags), "tags", "have length less than or equal to 50")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise constraint(key, "tags.member.key", "have length less than or equal to 128")
    keys = members(self.querystring, "TransitiveTagKeys")
    for key in keys:
        if key not in tags:
            raise Refusal(
                400,
                "InvalidParameterValue",
                "The specified transitive tag key must be included in the requested tags.",
            )
    inherited = issued.transitive if issued is not None else {}
    if {key.lower() for key in tags} & {key.lower() for key in inherited}:
        raise Refusal(
            400,
            "InvalidParameterValue",
            "One of the specified transitive tag keys "
            "can't be set because it conflicts with a transitive tag key from the "
            "calling session.",
        )
    return tags, {**inherited, **{key: tags[key] for key in keys}}


def assume_role(self):
    check_shape(self)
    issued, caller_arn, principals = caller_of(self)
    arn = parameter(self, "RoleArn")
    account_id = arn.split(":")[4]
    tags, transitive = tags_of(self, issued)
    identity = parameter(self, "SourceIdentity")
    inherited = issued.source_identity if issued is not None else None
    duration = duration_of(self, None, 900, 43200)
    mfa = check_mfa(self, issued)

    context = {
        "sts:ExternalId": parameter(self, "ExternalId"),
        # Chains do not hand it on: only the session of a user has it, or this very request.
        "aws:MultiFactorAuthPresent": (
            "true" if mfa or (issued is not None and issued.user_name and issued.mfa) else "false"
        ),
    }
    document = None
    for role in iam_backends[account_id]["aws"].get_roles():
        if role.arn == arn:
            document, longest = role.assume_role_policy_document, int(role.max_session_duration)
    for action, asked in (
        ("sts:AssumeRole", True),
        ("sts:TagSession", bool(tags or transitive)),
        ("sts:SetSourceIdentity", bool(identity or inherited)),
    ):
        if asked and (document is None or not trusts(document, action, principals, context)):
            raise access_denied(
                f"User: {caller_arn} is not authorized to perform: {action} on resource: {arn}"
            )
    if identity and inherited and identity != inherited:
        raise access_denied("The source identity of the calling session cannot be changed.")
    if duration is not None and duration > longest:
        raise validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if issued is not None and issued.role_arn and duration is not None and duration > 3600:
        raise validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )

    session = Issued(CURRENT.user, now() + (duration or 3600), mfa=mfa, role_arn=arn)
    session.session_name = parameter(self, "RoleSessionName")
    session.policy = parameter(self, "Policy")
    session.transitive = transitive
    session.source_identity = identity or inherited
    credentials = register(session, account_id)
    user_id, session_arn, _ = identity_of(session)
    result = {
        "Credentials": credentials,
        "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": session_arn},
    }
    if session.policy or tags:
        result["PackedPolicySize"] = 6
    if session.source_identity:
        result["SourceIdentity"] = session.source_identity
    return ActionResult(result)


def identity_of(issued):
    """UserId, Arn and Account as GetCallerIdentity gives them."""
    backend = iam_backends[issued.account_id]["aws"]
    if issued.user_name:
        user = backend.get_user(issued.user_name)
        return user.id, user.arn, issued.account_id
    role = backend.get_role_by_arn(issued.role_arn)
    arn = f"arn:aws:sts::{issued.account_id}:assumed-role/{role.name}/{issued.session_name}"
    return f"{role.id}:{issued.session_name}", arn, issued.account_id


MOTO_GET_CALLER_IDENTITY = sts_models.STSBackend.get_caller_identity


def get_caller_identity(self, access_key_id, region):
    issued = STATE.issued.get(access_key_id)
    if issued is None:
        return MOTO_GET_CALLER_IDENTITY(self, access_key_id, region)
    return identity_of(issued)


MOTO_AUTHORIZE = TokenResponse._authenticate_and_authorize_normal_action


def authorize(self, resource="*"):
    if self._get_action() not in UNSIGNED or "Authorization" in self.headers:
        MOTO_AUTHORIZE(self, resource)


def patch_moto():
    access_control.create_access_key = create_access_key
    base, query = access_control.IAMRequestBase, access_control.IAMRequest
    base.check_signature = check_signature
    base._create_aws_request = create_aws_request
    base.check_action_permitted = check_action_permitted
    # moto looks only into the caller's account, and reads "trusted account" as nobody.
    base._is_assuming_role_operation = lambda _self, _resource: False
    query._raise_invalid_access_key = raise_invalid_access_key
    query._raise_signature_does_not_match = raise_signature_does_not_match
    query._raise_access_denied = raise_access_denied
    TokenResponse.get_session_token = get_session_token
    TokenResponse.assume_role = assume_role
    TokenResponse._authenticate_and_authorize_normal_action = authorize
    sts_models.STSBackend.get_caller_identity = get_caller_identity
    # For what moto issues by itself: the canary is in there too.
    iam_models.random_alphanumeric = secret
    sts_models.random_session_token = token
    sts_models.utcnow = lambda: naive_utc(now())


# --- data -----------------------------------------------------------------------------------------


def statement(actions, **more):
    return {"Effect": "Allow", "Action": actions, **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_user(name):
    iam = iam_backends[HOME]["aws"]
    user = iam.create_user("us-east-1", name)
    rights = statement(["sts:*", "s3:ListAllMyBuckets"], Resource="*")
    iam.put_user_policy(name, "rights", document(rights))
    key = iam.create_access_key(name)
    serial = f"arn:aws:iam::{HOME}:mfa/{name}"
    with STATE.lock:
        STATE.users[key.access_key_id] = name
        STATE.devices[key.access_key_id] = (serial, f"{serial}-phone")
    return {
        "account_id": HOME,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
        "user_arn": user.arn,
        "mfa_serial": serial,
        "mfa_seed": MFA_SEED,
        "canary": CANARY,
    }


def make_role(arn, trust, longest=3600, external_id=None, mfa=False, tags=True):
    account_id, path = re.fullmatch(r"arn:aws:iam::(\d{12}):role(/.*)", arn).groups()
    folder, _, name = path.rpartition("/")
    conditions = {}
    if external_id:
        conditions["StringEquals"] = {"sts:ExternalId": external_id}
    if mfa:
        conditions["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    more = {"Condition": conditions} if conditions else {}
    actions = ["sts:AssumeRole", *(["sts:TagSession", "sts:SetSourceIdentity"] if tags else [])]
    trusted = [f"arn:aws:iam::{t}:root" if re.fullmatch(r"\d{12}", t) else t for t in trust]
    policy = document(
        statement(actions, Principal={"AWS": trusted}, **more)
        if trusted
        else {"Effect": "Deny", "Action": actions, "Principal": "*"}
    )
    iam = iam_backends[account_id]["aws"]
    iam.create_role(name, policy, f"{folder}/", None, "", [], str(longest))
    iam.put_role_policy(name, "rights", document(statement("*", Resource="*")))


def make_data():
    both, role = [HOME, TARGET], f"arn:aws:iam::{TARGET}:role/"
    make_role(f"{role}Admin", both, longest=43200)
    make_role(f"{role}Short", both)
    make_role(f"{role}Deploy", [f"{role}Admin"])
    make_role(f"{role}MfaOnly", [HOME], mfa=True)
    make_role(f"{role}ExternalId", both, external_id="ext-42")
    make_role(f"{role}NoTags", [HOME], tags=False)
    make_role(f"{role}Denied", [])
    make_role(f"arn:aws:iam::{THIRD}:role/Audit", [HOME, f"{role}Deploy"])
    make_role(f"arn:aws:iam::{THIRD}:role/team/Path", [HOME])
    return make_user("work")


# --- control --------------------------------------------------------------------------------------


class BadControl(Exception):
    """The control request makes no sense; its text says why."""


def need(data, name, kinds, optional=False):
    value = data.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise BadControl(f"{name}: missing, or of the wrong type")
    return value


def control_requests(_data, user):
    with STATE.lock:
        return {"requests": [r for r in STATE.requests if user in (None, r["user"])]}


def control_reset(_data, user):
    with STATE.lock:
        if user is None:
            STATE.lanes.clear()
            STATE.requests.clear()
        else:
            STATE.lanes.pop(user, None)
            STATE.requests[:] = [r for r in STATE.requests if r["user"] != user]
    return {}


def control_fault(data, user):
    kind = need(data, "kind", str)
    fault = {"action": data.get("action", "*"), "kind": kind}
    fault["times"] = need(data, "times", int, optional=True)
    if kind == "slow":
        fault["seconds"] = need(data, "seconds", (int, float))
    elif kind == "status":
        for name, kinds in (("status", int), ("code", str), ("message", str)):
            fault[name] = need(data, name, kinds)
    elif kind not in ("throttle", "expired", "drop", "garbage"):
        raise BadControl(f"kind: {kind} is not one of them")
    with STATE.lock:
        STATE.lane(user).faults.append(fault)
    return {}


def control_clock(data, user):
    STATE.lane(user).offset = need(data, "offset", (int, float))
    return {}


def control_mfa(data, user):
    STATE.lane(user).codes = [str(code) for code in need(data, "codes", list)]
    return {}


def control_lifetime(data, user):
    STATE.lane(user).lifetime = need(data, "seconds", (int, float), optional=True)
    return {}


def control_expire(data, user):
    only = need(data, "access_key_id", str, optional=True)
    ended = 0
    with STATE.lock:
        for key, issued in STATE.issued.items():
            if only in (None, key) and user in (None, issued.user):
                issued.expires = 0
                ended += 1
    return {"expired": ended}


def control_user(data, _user):
    name = need(data, "name", str)
    with STATE.lock:
        if name in STATE.users.values():
            raise BadControl(f"name: {name} exists")
        return make_user(name)


def control_role(data, _user):
    arn = need(data, "arn", str)
    if not re.fullmatch(r"arn:aws:iam::\d{12}:role/\S+", arn):
        raise BadControl("arn: not one of a role")
    make_role(
        arn,
        need(data, "trust", list),
        data.get("max_session_duration", 3600),
        data.get("external_id"),
        bool(data.get("mfa", False)),
        bool(data.get("tags", True)),
    )
    return {"arn": arn}


CONTROL = {
    "GET requests": control_requests,
    "POST reset": control_reset,
    "POST fault": control_fault,
    "POST clock": control_clock,
    "POST mfa": control_mfa,
    "POST lifetime": control_lifetime,
    "POST expire": control_expire,
    "POST user": control_user,
    "POST role": control_role,
}


def answer_control(environ, body, start_response):
    what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'][len('/_control/') :]}"
    status, answer = "200 OK", {}
    try:
        data = json.loads(body or b"{}")
        if not isinstance(data, dict):
            raise BadControl("a JSON object is wanted")
        query = parse_qs(environ.get("QUERY_STRING", ""))
        user = need(data, "user", str, optional=True) or query.get("user", [None])[0]
        if user is not None and user not in STATE.users:
            raise BadControl("user: no such access key")
        if what not in CONTROL:
            raise BadControl(f"{what}: not one of {', '.join(CONTROL)}")
        answer = CONTROL[what](data, user)
    except (BadControl, ValueError) as error:
        status, answer = "400 Bad Request", {"error": str(error)}
    return send(start_response, status, "application/json", json.dumps(answer).encode())


# --- the server -----------------------------------------------------------------------------------


def send(start_response, status, kind, body):
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def describe(environ, query):
    """What the list of requests says of one; whether a code is there, never the code."""
    match = re.search(
        r"Credential=(\w+)/\d+/([\w-]+)/([\w-]+)/", environ.get("HTTP_AUTHORIZATION", "")
    )
    access_key_id, region, service = match.groups() if match else (None, None, None)
    only = {name: values[0] for name, values in query.items()}
    action = only.get("Action")
    entry = {
        "at": time.time(),
        "service": service,
        "region": region,
        "action": action or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
        "access_key_id": access_key_id,
        "user": STATE.owner(access_key_id),
        "temporary": "HTTP_X_AMZ_SECURITY_TOKEN" in environ,
        "status": None,
        "error": None,
    }
    duration = only.get("DurationSeconds", "")
    entry["DurationSeconds"] = int(duration) if duration.isdigit() else None
    for name in ("RoleArn", "RoleSessionName", "SerialNumber", "ExternalId", "SourceIdentity"):
        entry[name] = only.get(name)
    entry["Policy"] = only.get("Policy")
    entry["PolicyArns"] = [p["arn"] for p in members(query, "PolicyArns") if "arn" in p]
    entry["TokenCode"] = "TokenCode" in only
    entry["Tags"] = {t["Key"]: t.get("Value") for t in members(query, "Tags") if "Key" in t}
    entry["TransitiveTagKeys"] = members(query, "TransitiveTagKeys")
    return entry


def take_fault(user, action):
    with STATE.lock:
        for lane in (STATE.lanes.get(user), STATE.lanes.get(None)):
            for fault in lane.faults if lane else ():
                if fault["action"] not in ("*", action) or fault["times"] == 0:
                    continue
                if fault["times"] is not None:
                    fault["times"] -= 1
                return fault
    return None


def close_connection(environ):
    try:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    raise ConnectionAbortedError("dropped by a fault")


def act_on(fault, environ):
    """Raises what the fault says; a slow one only waits. Garbage is told to the caller."""
    kind = fault["kind"]
    if kind == "slow":
        time.sleep(fault["seconds"])
    elif kind == "status":
        raise Refusal(fault["status"], fault["code"], fault["message"])
    elif kind == "throttle":
        raise Refusal(400, "Throttling", "Rate exceeded")
    elif kind == "expired":
        raise expired()
    elif kind == "drop":
        close_connection(environ)
    return kind == "garbage"


def check_date(environ):
    """Unsigned, undated and wrongly dated requests, before moto looks at the signature."""
    stamp = environ.get("HTTP_X_AMZ_DATE")
    if "HTTP_AUTHORIZATION" not in environ:
        raise Refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    try:
        moment = datetime.datetime.strptime(stamp or "", "%Y%m%dT%H%M%SZ")
    except ValueError:
        raise Refusal(
            400, "IncompleteSignature", "Date must be in ISO-8601 'basic format'."
        ) from None
    server = naive_utc(now())
    late = (server - moment).total_seconds()
    if abs(late) <= SKEW:
        return
    edge = server - datetime.timedelta(seconds=SKEW if late > 0 else -SKEW)
    words = ("Signature expired", "now earlier", "-")
    if late < 0:
        words = ("Signature not yet current", "still later", "+")
    raise Refusal(
        403,
        "SignatureDoesNotMatch",
        f"{words[0]}: {stamp} is {words[1]} than {edge:%Y%m%dT%H%M%SZ} "
        f"({server:%Y%m%dT%H%M%SZ} {words[2]} 15 min.)",
    )


class Emulator:
    """Control, the list of requests, faults and the clock, in front of moto's application."""

    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        CURRENT.user = None
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        CURRENT.body = body
        if environ["PATH_INFO"].startswith("/_control/"):
            return answer_control(environ, body, start_response)
        form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        text = body.decode("utf-8", "replace") if form else environ.get("QUERY_STRING", "")
        query = parse_qs(text, keep_blank_values=True)
        entry = describe(environ, query)
        CURRENT.user = entry["user"]
        with STATE.lock:
            STATE.count += 1
            entry = {"n": STATE.count, **entry}
            STATE.requests.append(entry)
        try:
            status, headers, data = self.respond(environ, entry)
        except ConnectionError:
            entry["status"] = 0
            raise
        except Exception:  # the client sees 500, and stderr the reason
            entry["status"] = 500
            raise
        error = re.search(rb"<Code>(.*?)</Code>", data) if not status.startswith("2") else None
        entry["error"] = error[1].decode() if error else None
        entry["status"] = int(status.split()[0])
        start_response(status, headers)
        return [data]

    def respond(self, environ, entry):
        try:
            fault = take_fault(entry["user"], entry["action"])
            if fault is not None and act_on(fault, environ):
                body = b"<!doctype html><title>A captive portal, not STS"
                return "200 OK", [("Content-Type", "text/html")], body
            if entry["action"] not in UNSIGNED:
                check_date(environ)
            return self.ask_moto(environ, entry)
        except Refusal as refusal:
            return (
                f"{refusal.code} {refusal.error}",
                refusal.get_headers(),
                refusal.description.encode(),
            )

    def ask_moto(self, environ, entry):
        answer = {}

        def keep(status, headers, _exc_info=None):
            answer.update(status=status, headers=headers)

        try:
            data = b"".join(self.moto(environ, keep))
        except (NotImplementedError, OperationNotFoundError):
            raise Refusal(
                400, "InvalidAction", f"Could not find operation {entry['action']}"
            ) from None
        headers = answer["headers"]
        if entry["service"] == "sts":
            # moto's early errors say text/html.
            headers = [h for h in headers if h[0].lower() != "content-type"]
            headers.append(("Content-Type", "text/xml"))
        return answer["status"], headers, data


class Handler(MotoRequestHandler):
    """Dates its answers by the server's clock, and keeps no log."""

    def date_time_string(self, timestamp=None):
        return http_date(now() if timestamp is None else timestamp)

    def log_request(self, *_args):
        pass


def serve(port, until_eof):
    patch_moto()
    user = make_data()
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    application = Emulator()
    for service in ("sts", "iam", "s3"):  # loaded now, so that no first request is slow
        application.moto.app_instances[service] = create_backend_app(service)
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    if until_eof:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    print(json.dumps({"port": server.server_port, "pid": os.getpid(), **user}), flush=True)
    server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description="moto's AWS on loopback, made strict.")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--until-eof", action="store_true", help="end when stdin is closed")
    arguments = parser.parse_args()
    serve(arguments.port, arguments.until_eof)


if __name__ == "__main__":
    main()
