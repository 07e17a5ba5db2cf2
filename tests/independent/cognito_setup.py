"""Creates a user pool with clients and users on a Cognito emulator, and says what it made.

Administration is done with boto3, which signs its calls: `ministack` refuses unsigned
administration when it is started with AUTH=true. The tests themselves use only what
Amazon calls unauthenticated operations, and never this file's credentials.

By hand: `python3 cognito_setup.py http://127.0.0.1:4566 MINISTACK`
"""

import base64
import hashlib
import hmac
import os
import struct
import sys
import time

import boto3
from botocore.config import Config

# The region that moto serves to calls without a signature, such as GlobalSignOut.
REGION = "us-east-1"
ACCESS_KEY = "test"
SECRET_KEY = "test"

PASSWORD = "Perm4nent-canary!"
TEMPORARY_PASSWORD = "Temp0rary-canary!"

# One user for each test that changes the user, so that tests may run side by side.
USERS = [
    "plain",
    "secret",
    "refresh",
    "revoke",
    "global",
    "change",
    "forgot",
    "whoami",
    "idtoken",
    "disabled",
    "enrol",
    "live",
]
# In FORCE_CHANGE_PASSWORD: a sign-in is answered with NEW_PASSWORD_REQUIRED.
FIRST_USERS = ["first", "first-secret", "first-srp"]
# Enrolled for time-based codes: a sign-in is answered with SOFTWARE_TOKEN_MFA.
TOTP_USERS = ["totp", "totp-secret", "totp-wrong"]
# Asked for a code by message, where the emulator asks.
SMS_USERS = ["sms"]


def administrator(endpoint):
    return boto3.client(
        "cognito-idp",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30, proxies={}),
    )


def totp(secret, at):
    """RFC 6238 with the service's parameters: SHA-1, 30 seconds, six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    mac = hmac.new(key, struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def create_client(idp, pool_id, name, **settings):
    return idp.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName=name,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        **settings,
    )["UserPoolClient"]


def create_user(idp, pool_id, name, permanent):
    idp.admin_create_user(
        UserPoolId=pool_id,
        Username=name,
        TemporaryPassword=TEMPORARY_PASSWORD,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": f"{name}@users.example"},
            {"Name": "email_verified", "Value": "true"},
        ],
    )
    if permanent:
        idp.admin_set_user_password(UserPoolId=pool_id, Username=name, Password=PASSWORD, Permanent=True)


def enrol_totp(idp, pool_id, client_id, name):
    """Enrols a user as the service's own clients do: associate, verify with a code, prefer. Answers the secret."""
    tokens = idp.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    secret = idp.associate_software_token(AccessToken=tokens["AccessToken"])["SecretCode"]
    idp.verify_software_token(AccessToken=tokens["AccessToken"], UserCode=totp(secret, time.time()))
    idp.admin_set_user_mfa_preference(
        UserPoolId=pool_id,
        Username=name,
        SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
    )
    return secret


def create(endpoint, prefix):
    """Creates everything; answers the keys that the tests read, each beginning with COUNTERSIGN_<prefix>_."""
    idp = administrator(endpoint)
    pool_id = idp.create_user_pool(
        PoolName="countersign",
        AutoVerifiedAttributes=["email"],
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireUppercase": True,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": True,
            }
        },
    )["UserPool"]["Id"]
    idp.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="OPTIONAL",
    )

    public = create_client(idp, pool_id, "public")
    confidential = create_client(idp, pool_id, "confidential", GenerateSecret=True)
    # Five minutes is the shortest life at the service; an emulator may take less.
    life = int(os.environ.get("COUNTERSIGN_COGNITO_ACCESS_SECONDS", "5"))
    short = create_client(
        idp,
        pool_id,
        "short",
        AccessTokenValidity=life,
        IdTokenValidity=life,
        TokenValidityUnits={"AccessToken": "seconds", "IdToken": "seconds", "RefreshToken": "days"},
    )
    # Asked for as at the service; whether it is honoured is found out, not believed.
    rotating = create_client(
        idp,
        pool_id,
        "rotating",
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    )

    for name in USERS + TOTP_USERS + SMS_USERS:
        create_user(idp, pool_id, name, permanent=True)
    for name in FIRST_USERS:
        create_user(idp, pool_id, name, permanent=False)
    for name in SMS_USERS:
        idp.admin_set_user_mfa_preference(
            UserPoolId=pool_id,
            Username=name,
            SMSMfaSettings={"Enabled": True, "PreferredMfa": True},
        )
    idp.admin_disable_user(UserPoolId=pool_id, Username="disabled")
    secrets = {name: enrol_totp(idp, pool_id, public["ClientId"], name) for name in TOTP_USERS}

    values = {
        "URL": endpoint,
        "REGION": REGION,
        "POOL_ID": pool_id,
        "CLIENT_ID": public["ClientId"],
        "SECRET_CLIENT_ID": confidential["ClientId"],
        "SECRET_CLIENT_SECRET": confidential["ClientSecret"],
        "SHORT_CLIENT_ID": short["ClientId"],
        "ROTATING_CLIENT_ID": rotating["ClientId"],
        "ROTATES": answers(lambda: rotates(idp, rotating["ClientId"])),
        "GET_TOKENS": answers(lambda: gets_tokens(idp, public["ClientId"])),
        "REVOKES": answers(lambda: revokes(idp, public["ClientId"])),
        "SHORT_LIFE": short_life(idp, short["ClientId"]),
        "USERS": ",".join(USERS),
        "FIRST_USERS": ",".join(FIRST_USERS),
        "TOTP_USERS": ",".join(TOTP_USERS),
        "SMS_USERS": ",".join(SMS_USERS),
        "PASSWORD": PASSWORD,
        "TEMPORARY_PASSWORD": TEMPORARY_PASSWORD,
    }
    for name, secret in secrets.items():
        values["TOTP_SECRET_" + name.upper().replace("-", "_")] = secret
    return {f"COUNTERSIGN_{prefix}_{key}": value for key, value in values.items()}


def answers(probe):
    """`yes` or `no`: what the emulator itself does when asked, which its documentation may not say."""
    try:
        return "yes" if probe() else "no"
    except Exception:  # noqa: BLE001 - any refusal means that it has no such thing
        return "no"


def sign_in(idp, client_id):
    return idp.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "plain", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]


def gets_tokens(idp, client_id):
    tokens = sign_in(idp, client_id)
    answer = idp.get_tokens_from_refresh_token(RefreshToken=tokens["RefreshToken"], ClientId=client_id)
    return "AccessToken" in answer["AuthenticationResult"]


def rotates(idp, client_id):
    tokens = sign_in(idp, client_id)
    answer = idp.get_tokens_from_refresh_token(RefreshToken=tokens["RefreshToken"], ClientId=client_id)
    return "RefreshToken" in answer["AuthenticationResult"]


def revokes(idp, client_id):
    idp.revoke_token(Token=sign_in(idp, client_id)["RefreshToken"], ClientId=client_id)
    return True


def short_life(idp, client_id):
    """The life that tokens of the short client really have, in seconds."""
    return sign_in(idp, client_id)["ExpiresIn"]


if __name__ == "__main__":
    for key, value in create(sys.argv[1], sys.argv[2]).items():
        print(f"{key}={value}")
