#!/usr/bin/env python3
"""The services that hand out keys and that moto does not have, on loopback: the portal and the token
service of IAM Identity Center, AWS Sign-In, a container's credentials endpoint, an EC2 instance's
metadata service. `portal_selftest.py` holds it against boto3 and the AWS CLI.

    portal.py [--port N] [--until-eof] [--tls FILE]

READY LINE
  One JSON object on stdout when requests are answered: {"port", "url", "start_url", "region",
  "container_token"}. With --until-eof the server ends when its stdin is closed. With --tls there is
  "tls_url" too: the same server behind a certificate whose authority is written to FILE.

DATA
  Every issued secret and token contains the word TESTSECRET, and so does what comes in as one.

  GET /federation/credentials   The portal. Of account 444455556666 the roles Admin and ReadOnly are
                                assigned, of 777788889999 Audit; any other gets ForbiddenException. A
                                token that is unknown or has ended gets 401 UnauthorizedException.
  POST /token                   The token service: grant refresh_token. Each refresh token is good once.
  POST /v1/token                Sign-In. The DPoP proof is checked: signature, key of the login, method,
                                address, time, and that it comes for the first time.
  GET /container/...            Needs the container's token where one is set (control `container`).
  /latest/...                   The metadata service, version 2 alone. Its instance has the role
                                instance-role, is in account 111122223333 and in eu-central-1.

CONTROL: JSON over HTTP on the same port, below /_control/
  GET  requests   -> {"requests": [...]}, oldest first: {"action", "method", "path", "status",
                  "query": {...}, "headers": {names in lower case: value}}, and what the actions of
                  Identity Center and Sign-In were told as "body". `action` is GetRoleCredentials,
                  CreateToken, SignIn, Container, MetadataToken or Metadata. A dropped one has status 0.
  POST fault      {"action": ... or "*", "kind": ..., "times": n or null (always), "path": a path that
                  it is limited to}; kinds: slow (seconds; then the ordinary answer), drop, garbage,
                  throttle, status (status, body, headers). The first that fits acts.
  POST clock      {"offset": seconds} between the real clock and the server's.
  POST lifetime   {"seconds": n}: how long what is issued from now on holds.
  POST container  {"token": ... or null, "account": ... or null}
  POST instance   {"role": ... or null, "document": {...} or null}
  POST sso_login  {"expires_in", "refresh": bool, "registration_expires_in", "session"} -> {"text",
                  "name"}: a login was made; the content and name of the AWS CLI's cache file.
  POST login      {"expires_in", "region", "pkcs8": bool} -> {"text", "name", "arn"}: the same for
                  `aws login`.
  POST revoke     {}: no login that was made so far is accepted any more.
"""

import argparse
import base64
import datetime
import email.utils
import hashlib
import http.server
import json
import os
import secrets
import sys
import threading
import time
from urllib.parse import parse_qsl, urlsplit

START_URL = "https://example.awsapps.com/start"
REGION = "us-east-1"
ROLES = {"444455556666": ["Admin", "ReadOnly"], "777788889999": ["Audit"]}
LOGIN_ARN = "arn:aws:iam::111122223333:user/work"
IMDS_ROLES = "/latest/meta-data/iam/security-credentials/"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def iso(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def secret(kind):
    return f"TESTSECRET{kind}{secrets.token_hex(8)}"


class Refused(Exception):
    """An answer that is an error: status, body, name of the exception."""

    def __init__(self, status, body, kind=None):
        super().__init__(status)
        self.status, self.body = status, body
        self.headers = {"x-amzn-ErrorType": kind} if kind else {}


class World:
    """Everything that is known; one lock for all of it."""

    def __init__(self):
        self.lock = threading.RLock()
        self.offset = 0
        self.lifetime = 3600
        self.requests, self.faults = [], []
        self.tokens = {}  # access token -> end
        self.refresh = {}  # refresh token -> client id
        self.clients = {}  # client id -> (secret, end)
        self.logins = {}  # refresh token of aws login -> public coordinates
        self.proofs = set()
        self.container_token = secret("container")
        self.container_account = None
        self.role = "instance-role"
        self.document = {"accountId": "111122223333", "region": "eu-central-1", "version": "2017-09-30"}
        self.imds_tokens = {}

    def now(self):
        return time.time() + self.offset

    def keys(self):
        return (
            "ASIA" + secrets.token_hex(8).upper(),
            secret("key"),
            secret("session"),
            self.now() + self.lifetime,
        )

    # The portal.

    def role_credentials(self, query, headers):
        end = self.tokens.get(headers.get("x-amz-sso_bearer_token"))
        if end is None or end <= self.now():
            said = {"message": "Session token not found or invalid"}
            raise Refused(401, said, "UnauthorizedException")
        if query.get("role_name") not in ROLES.get(query.get("account_id"), []):
            raise Refused(403, {"message": "No access"}, "ForbiddenException")
        key_id, key, token, end = self.keys()
        issued = {"accessKeyId": key_id, "secretAccessKey": key, "sessionToken": token}
        return {"roleCredentials": {**issued, "expiration": int(end * 1000)}}

    # The token service.

    def create_token(self, body):
        def refuse(status, kind, error, description):
            said = {"error": error, "error_description": description}
            raise Refused(status, said, kind)

        known, end = self.clients.get(body.get("clientId"), (None, 0))
        if known is None or known != body.get("clientSecret") or end <= self.now():
            refuse(401, "InvalidClientException", "invalid_client", "Client is not registered")
        if body.get("grantType") != "refresh_token":
            refuse(400, "UnsupportedGrantTypeException", "unsupported_grant_type", "Not here")
        if self.refresh.get(body.get("refreshToken")) != body["clientId"]:
            refuse(400, "InvalidGrantException", "invalid_grant", "Invalid refresh token provided")
        del self.refresh[body["refreshToken"]]
        access, refresh = secret("access"), secret("refresh")
        self.tokens[access] = self.now() + self.lifetime
        self.refresh[refresh] = body["clientId"]
        return {
            "accessToken": access,
            "tokenType": "Bearer",
            "expiresIn": self.lifetime,
            "refreshToken": refresh,
        }

    def sso_login(self, expires_in=3600, refresh=True, registration_expires_in=90 * 86400, session=None):
        access, client, client_secret = secret("access"), secrets.token_hex(8), secret("client")
        self.tokens[access] = self.now() + expires_in
        self.clients[client] = (client_secret, self.now() + registration_expires_in)
        cached = {
            "startUrl": START_URL,
            "region": REGION,
            "accessToken": access,
            "expiresAt": iso(self.now() + expires_in),
            "clientId": client,
            "clientSecret": client_secret,
            "registrationExpiresAt": iso(self.now() + registration_expires_in),
        }
        if refresh:
            cached["refreshToken"] = secret("refresh")
            self.refresh[cached["refreshToken"]] = client
        name = hashlib.sha1((session or START_URL).encode()).hexdigest() + ".json"
        return {"text": json.dumps(cached), "name": name}

    # Sign-In.

    def login(self, expires_in=900, region=None, pkcs8=False):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat
        form = form.PKCS8 if pkcs8 else form.TraditionalOpenSSL
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
        point = key.public_key().public_numbers()
        refresh = secret("login-refresh")
        self.logins[refresh] = (point.x, point.y)
        key_id, key, token, _ = self.keys()
        cached = {
            "accessToken": {
                "accessKeyId": key_id,
                "secretAccessKey": key,
                "sessionToken": token,
                "accountId": "111122223333",
                "expiresAt": iso(self.now() + expires_in),
            },
            "tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4",
            "clientId": "arn:aws:signin:::devtools/same-device",
            "refreshToken": refresh,
            "idToken": secret("id"),
            "dpopKey": pem,
        }
        if region:
            cached["signInRegion"] = region
        name = hashlib.sha256(LOGIN_ARN.encode()).hexdigest() + ".json"
        return {"text": json.dumps(cached), "name": name, "arn": LOGIN_ARN}

    def sign_in(self, body, headers, url):
        def refuse(error, message, status=400, kind="AccessDeniedException"):
            raise Refused(status, {"error": error, "message": message}, kind)

        if body.get("grantType") != "refresh_token" or not body.get("clientId"):
            refuse("INVALID_REQUEST", "No such grant here", kind="ValidationException")
        point = self.logins.get(body.get("refreshToken"))
        if point is None:
            refuse("TOKEN_EXPIRED", "The refresh token has expired")
        problem = self.proof_problem(headers.get("dpop", ""), point, url)
        if problem:
            refuse("INVALID_REQUEST", problem, kind="ValidationException")
        del self.logins[body["refreshToken"]]
        refresh = secret("login-refresh")
        self.logins[refresh] = point
        key_id, key, token, _ = self.keys()
        issued = {"accessKeyId": key_id, "secretAccessKey": key, "sessionToken": token}
        return {
            "accessToken": issued,
            "tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4",
            "expiresIn": min(self.lifetime, 900),
            "refreshToken": refresh,
            "idToken": secret("id"),
        }

    def proof_problem(self, proof, point, url):
        """What is wrong with a DPoP proof (RFC 9449, section 4.3); None when nothing is."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        try:
            head, claims, signature = proof.split(".")
            header, said, signed = json.loads(unb64(head)), json.loads(unb64(claims)), unb64(signature)
            x, y = (int.from_bytes(unb64(header["jwk"][name]), "big") for name in "xy")
            if (header["typ"], header["alg"]) != ("dpop+jwt", "ES256") or "d" in header["jwk"]:
                return "DPoP: the header is wrong"
            if (header["jwk"]["kty"], header["jwk"]["crv"]) != ("EC", "P-256") or (x, y) != point:
                return "DPoP: not the key of the login"
            key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            r, s = (int.from_bytes(half, "big") for half in (signed[:32], signed[32:]))
            der = utils.encode_dss_signature(r, s)
            key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        except (ValueError, KeyError, TypeError):
            return "DPoP: no proof"
        except InvalidSignature:
            return "DPoP: the signature is wrong"
        if (said.get("htm"), said.get("htu")) != ("POST", url):
            return "DPoP: for another request"
        if abs(said.get("iat", 0) - self.now()) > 300:
            return "DPoP: from another time"
        if said.get("jti") in self.proofs:
            return "DPoP: not for the first time"
        self.proofs.add(said.get("jti"))
        return None

    # Container and instance.

    def container(self, headers):
        if self.container_token is not None and headers.get("authorization") != self.container_token:
            raise Refused(403, {"code": "AccessDenied", "message": "the token is wrong"})
        key_id, key, token, end = self.keys()
        issued = {"AccessKeyId": key_id, "SecretAccessKey": key, "Token": token, "Expiration": iso(end)}
        if self.container_account:
            issued["AccountId"] = self.container_account
        return issued

    def metadata_token(self, headers):
        ttl = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            raise Refused(400, "Bad Request")
        if "x-forwarded-for" in headers:
            raise Refused(403, "Forbidden")
        token = secret("imds")
        self.imds_tokens[token] = self.now() + int(ttl)
        return token

    def metadata(self, path, headers):
        if self.imds_tokens.get(headers.get("x-aws-ec2-metadata-token"), 0) <= self.now():
            raise Refused(401, "Unauthorized")
        if path == IMDS_ROLES and self.role:
            return self.role
        if self.role and path == IMDS_ROLES + self.role:
            key_id, key, token, end = self.keys()
            return {
                "Code": "Success",
                "LastUpdated": iso(self.now()),
                "Type": "AWS-HMAC",
                "AccessKeyId": key_id,
                "SecretAccessKey": key,
                "Token": token,
                "Expiration": iso(end),
            }
        if path == "/latest/dynamic/instance-identity/document" and self.document is not None:
            return self.document
        raise Refused(404, "Not Found")

    # Control.

    def control(self, name, said):
        if name == "requests":
            return {"requests": self.requests}
        if name == "fault":
            self.faults.append(said)
        elif name == "clock":
            self.offset = said["offset"]
        elif name == "lifetime":
            self.lifetime = said["seconds"]
        elif name == "container":
            self.container_token = said.get("token", self.container_token)
            self.container_account = said.get("account", self.container_account)
        elif name == "instance":
            self.role = said.get("role", self.role)
            self.document = said.get("document", self.document)
        elif name == "sso_login":
            return self.sso_login(**said)
        elif name == "login":
            return self.login(**said)
        elif name == "revoke":
            self.tokens, self.refresh, self.logins = {}, {}, {}
        else:
            raise Refused(400, {"error": f"no such control: {name}"})
        return {}

    def fault(self, action, path):
        for fault in self.faults:
            if fault["action"] not in ("*", action) or fault.get("path", path) != path:
                continue
            if fault.get("times") is not None:
                fault["times"] -= 1
                if not fault["times"]:
                    self.faults.remove(fault)
            return dict(fault)
        return None


WORLD = World()


def action_of(method, path):
    if path == "/federation/credentials":
        return "GetRoleCredentials"
    if (method, path) == ("PUT", "/latest/api/token"):
        return "MetadataToken"
    if path.startswith("/latest/"):
        return "Metadata"
    if path.startswith("/container/"):
        return "Container"
    return {"/token": "CreateToken", "/v1/token": "SignIn"}.get(path, f"{method} {path}")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(WORLD.now(), usegmt=True)

    def handle_one(self):
        parts = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(text) if text else {}
        except ValueError:
            body = {}
        if parts.path.startswith("/_control/"):
            return self.controlled(parts.path.removeprefix("/_control/"), body)
        action = action_of(self.command, parts.path)
        entry = {
            "action": action,
            "method": self.command,
            "path": parts.path,
            "query": dict(parse_qsl(parts.query)),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "status": None,
        }
        if action in ("CreateToken", "SignIn"):
            entry["body"] = body
        with WORLD.lock:
            WORLD.requests.append(entry)
            fault = WORLD.fault(action, parts.path)
        kind = fault and fault["kind"]
        if kind == "slow":
            time.sleep(fault["seconds"])
        elif kind:
            return self.faulty(entry, kind, fault)
        try:
            with WORLD.lock:
                answer, status, headers = self.ordinary(entry, body), 200, {}
        except Refused as refused:
            answer, status, headers = refused.body, refused.status, refused.headers
        self.answer(entry, status, answer, headers)

    def ordinary(self, entry, body):
        action, headers = entry["action"], entry["headers"]
        if action == "GetRoleCredentials":
            return WORLD.role_credentials(entry["query"], headers)
        if action == "CreateToken":
            return WORLD.create_token(body)
        if action == "SignIn":
            return WORLD.sign_in(body, headers, f"http://{headers['host']}{entry['path']}")
        if action == "Container":
            return WORLD.container(headers)
        if action == "MetadataToken":
            return WORLD.metadata_token(headers)
        if action == "Metadata":
            return WORLD.metadata(entry["path"], headers)
        raise Refused(404, {"message": "nothing is here"})

    def faulty(self, entry, kind, fault):
        if kind == "drop":
            entry["status"] = 0
            self.close_connection = True
        elif kind == "garbage":
            self.answer(entry, 200, "<TESTSECRET garbage", {})
        elif kind == "throttle":
            said = {"message": "Rate exceeded", "error": "slow_down", "error_description": "Slow down"}
            self.answer(entry, 429, said, {"x-amzn-ErrorType": "TooManyRequestsException"})
        else:
            self.answer(entry, fault["status"], fault.get("body", {}), fault.get("headers", {}))

    def controlled(self, name, body):
        entry = {}
        try:
            with WORLD.lock:
                answer = json.loads(json.dumps(WORLD.control(name, body)))
            self.answer(entry, 200, answer, {})
        except Refused as refused:
            self.answer(entry, refused.status, refused.body, {})
        except (KeyError, TypeError) as error:
            self.answer(entry, 400, {"error": repr(error)}, {})

    def answer(self, entry, status, body, headers):
        entry["status"] = status
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = handle_one


def behind_tls(bundle):
    """A server behind a new certificate for 127.0.0.1; its authority is written to `bundle`."""
    import ipaddress
    import ssl
    import tempfile

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.datetime.now(datetime.timezone.utc)
    pem, day = serialization.Encoding.PEM, datetime.timedelta(days=1)

    def made(name, issuer, key, signer, extension):
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, issuer)]
        builder = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1])
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        return builder.add_extension(extension, True).sign(signer, hashes.SHA256()).public_bytes(pem)

    above, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    with open(bundle, "wb") as file:
        file.write(made("Test CA", "Test CA", above, above, x509.BasicConstraints(True, None)))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(key.private_bytes(pem, form, plain) + made("here", "Test CA", key, above, address))
        file.flush()
        context.load_cert_chain(file.name)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://127.0.0.1:{server.server_address[1]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--until-eof", action="store_true")
    parser.add_argument("--tls")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    ready = {
        "port": port,
        "url": f"http://127.0.0.1:{port}",
        "start_url": START_URL,
        "region": REGION,
        "container_token": WORLD.container_token,
    }
    if options.tls:
        ready["tls_url"] = behind_tls(options.tls)
    print(json.dumps(ready), flush=True)
    if options.until_eof:

        def wait():
            sys.stdin.read()
            os._exit(0)

        threading.Thread(target=wait, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
