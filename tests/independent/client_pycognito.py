"""pycognito, a client with SRP and devices of its own, at our simulator of a user pool.

Of it is replaced: the verification of signatures, since the simulator's tokens have none that
holds; and its ConfirmDevice, which goes to Amazon whatever the endpoint is.
"""

import jwt
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pycognito import Cognito
from pycognito.aws_srp import AWSSRP, generate_hash_device
from pycognito.exceptions import (
    ForceChangePasswordException,
    SMSMFAChallengeException,
    SoftwareTokenMFAChallengeException,
)

from client import code, mail, next_code, play, pool, refusal, same

NEW_PASSWORD = "Chosen-canary-1!"


class User(Cognito):
    def verify_token(self, token, id_name, token_use):
        claims = jwt.decode(token, options={"verify_signature": False})
        same(claims["token_use"], token_use)
        setattr(self, id_name, token)
        return claims


def user(setting, name=None):
    return User(
        setting["pool_id"],
        setting["client_id"],
        username=name or setting["identity"],
        client_secret=setting.get("client_secret"),
        botocore_config=Config(signature_version=UNSIGNED, proxies={}),
        boto3_client_kwargs={"endpoint_url": setting["url"]},
    )


def raised(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def srp(setting):
    kim = user(setting)
    wrong = raised(ClientError, kim.authenticate, "canary-Wr0ng!")
    same(wrong.response["Error"]["Code"], "NotAuthorizedException")
    kim.authenticate(setting["password"])
    told = kim.get_user()
    same(told.email, setting["identity"])
    return "proved; a wrong one refused; GetUser"


def srp_many(setting):
    for _ in range(12):
        user(setting).authenticate(setting["password"])
    return "twelve proofs of values that begin with zeros"


def hidden(setting):
    unknown = raised(ClientError, user(setting, "nobody").authenticate, "x")
    same(unknown.response["Error"]["Message"], "Incorrect username or password.")
    return "a challenge for nobody, then the refusal of a wrong password"


def new_password(setting):
    kim = user(setting)
    raised(ForceChangePasswordException, kim.authenticate, setting["password"])
    kim.new_password_challenge(setting["password"], NEW_PASSWORD)
    assert kim.access_token and kim.refresh_token
    user(setting).authenticate(NEW_PASSWORD)
    return "NEW_PASSWORD_REQUIRED after the proof"


def software_token(setting):
    kim = user(setting)
    raised(SoftwareTokenMFAChallengeException, kim.authenticate, setting["password"])
    kim.respond_to_software_token_mfa_challenge(code(setting["totp_secret"]))
    assert kim.access_token
    return "SOFTWARE_TOKEN_MFA after the proof"


def message(setting):
    kim = user(setting)
    raised(SMSMFAChallengeException, kim.authenticate, setting["password"])
    kim.respond_to_sms_mfa_challenge(mail(setting["identity"]))
    assert kim.access_token
    return "SMS_MFA after the proof"


def enrolment(setting):
    kim = user(setting)
    kim.authenticate(setting["password"])
    secret = kim.associate_software_token()
    assert kim.verify_software_token(code(secret), "a test")
    kim.set_user_mfa_preference(False, True, "SOFTWARE_TOKEN")
    again = user(setting)
    raised(SoftwareTokenMFAChallengeException, again.authenticate, setting["password"])
    again.respond_to_software_token_mfa_challenge(next_code(secret))
    again.set_user_mfa_preference(False, False)
    user(setting).authenticate(setting["password"])
    return "associated, verified, preferred, asked for, switched off"


def prover(setting, idp, **device):
    return AWSSRP(
        username=setting["identity"],
        password=setting["password"],
        pool_id=setting["pool_id"],
        client_id=setting["client_id"],
        client=idp,
        **device,
    )


def device(setting):
    idp = pool(setting)
    first = prover(setting, idp).authenticate_user()["AuthenticationResult"]
    keys = first["NewDeviceMetadata"]
    secret, config = generate_hash_device(keys["DeviceGroupKey"], keys["DeviceKey"])
    confirmed = idp.confirm_device(
        AccessToken=first["AccessToken"],
        DeviceKey=keys["DeviceKey"],
        DeviceSecretVerifierConfig=config,
        DeviceName="a test",
    )
    same(confirmed["UserConfirmationNecessary"], False)
    known = {
        "device_key": keys["DeviceKey"],
        "device_group_key": keys["DeviceGroupKey"],
        "device_password": secret,
    }
    again = prover(setting, idp, **known).authenticate_user()["AuthenticationResult"]
    assert "NewDeviceMetadata" not in again
    wrong = prover(setting, idp, **{**known, "device_password": "canary-wrong"})
    same(refusal(wrong.authenticate_user)[0], "NotAuthorizedException")

    def refresh(**more):
        return idp.get_tokens_from_refresh_token(
            RefreshToken=again["RefreshToken"], ClientId=setting["client_id"], **more
        )

    same(refusal(refresh)[0], "NotAuthorizedException")
    refresh(DeviceKey=keys["DeviceKey"])
    idp.forget_device(AccessToken=again["AccessToken"], DeviceKey=keys["DeviceKey"])
    gone = refusal(prover(setting, idp, **known).authenticate_user)
    same(gone, ("ResourceNotFoundException", "Device does not exist."))
    return "confirmed, proved, a wrong secret refused, bound to its refreshes, forgotten"


def tokens(setting):
    kim = user(setting)
    kim.authenticate(setting["password"])
    before = kim.access_token
    kim.renew_access_token()
    assert kim.access_token != before
    refresh = kim.refresh_token
    kim.logout()
    late = user(setting)
    late.refresh_token = refresh
    dead = raised(ClientError, late.renew_access_token)
    same(dead.response["Error"]["Message"], "Refresh Token has been revoked")
    return "renewed with the secret's hash, signed out everywhere"


def passwords(setting):
    kim = user(setting)
    kim.initiate_forgot_password()
    kim.confirm_forgot_password(mail(setting["identity"]), NEW_PASSWORD)
    kim = user(setting)
    kim.authenticate(NEW_PASSWORD)
    kim.change_password(NEW_PASSWORD, setting["password"])
    user(setting).authenticate(setting["password"])
    return "forgot, confirm, change"


def sign_up(setting):
    newcomer = user(setting, "newcomer")
    newcomer.set_base_attributes(email="newcomer@pool.example")
    newcomer.register("newcomer", NEW_PASSWORD)
    early = raised(ClientError, newcomer.authenticate, NEW_PASSWORD)
    same(early.response["Error"]["Code"], "UserNotConfirmedException")
    newcomer.resend_confirmation_code("newcomer")
    newcomer.confirm_sign_up(mail("newcomer"))
    newcomer.authenticate(NEW_PASSWORD)
    return "registered, told that it is not confirmed, resent, confirmed, proved"


if __name__ == "__main__":
    play(
        {
            "device": device,
            "enrolment": enrolment,
            "hidden": hidden,
            "message": message,
            "new_password": new_password,
            "passwords": passwords,
            "sign_up": sign_up,
            "software_token": software_token,
            "srp": srp,
            "srp_many": srp_many,
            "tokens": tokens,
        }
    )
