"""Prints a config file with so many profiles, each fifth of another kind: for scripts/bench.

profiles.py NUMBER
"""

import sys

KINDS = [
    "sso_session = work\nsso_account_id = {account}\nsso_role_name = Admin\nregion = eu-west-1\n",
    "role_arn = arn:aws:iam::{account}:role/Admin\nsource_profile = base\nregion = eu-west-1\n",
    "credential_process = /usr/bin/true --account {account}\n",
    "role_arn = arn:aws:iam::{account}:role/Admin\nsource_profile = base\n"
    "mfa_serial = arn:aws:iam::111122223333:mfa/me\n",
    "role_arn = arn:aws:iam::{account}:role/Admin\nweb_identity_token_file = /nowhere\n",
]

print("[default]\nregion = eu-west-1\n")
print("[sso-session work]\nsso_start_url = https://d-1.awsapps.com/start\nsso_region = eu-west-1\n")
print("[profile base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = TESTONLY\n")
for number in range(int(sys.argv[1])):
    kind = KINDS[number % len(KINDS)]
    print(f"[profile team-{number:05}]\n{kind.format(account=f'{number:012}')}")
