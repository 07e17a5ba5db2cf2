"""boto3, AWS's own client for Python, at our simulator of a user pool.

It knows the operations, their members and their exceptions from Amazon's service model; SRP is
not in it.
"""

import base64
import hashlib
import hmac

from client import code, mail, next_code, play, pool, refusal, same

NEW_PASSWORD = "Chosen-canary-1!"


def hashed(setting, name):
    message = (name + setting["client_id"]).encode()
    digest = hmac.new(setting["client_secret"].encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def initiate(idp, setting, flow="USER_PASSWORD_AUTH", **parameters):
    parameters.setdefault("USERNAME", setting["identity"])
    parameters["SECRET_HASH"] = hashed(setting, parameters["USERNAME"])
    return idp.initiate_auth(ClientId=setting["client_id"], AuthFlow=flow, AuthParameters=parameters)


def sign_in(idp, setting):
    return initiate(idp, setting, PASSWORD=setting["password"])


def respond(idp, setting, asked, session=None, **responses):
    name = asked["ChallengeParameters"]["USER_ID_FOR_SRP"]
    return idp.respond_to_auth_challenge(
        ClientId=setting["client_id"],
        ChallengeName=asked["ChallengeName"],
        Session=session or asked["Session"],
        ChallengeResponses={"USERNAME": name, "SECRET_HASH": hashed(setting, name), **responses},
    )


def tokens(answer):
    result = answer["AuthenticationResult"]
    same(result["TokenType"], "Bearer")
    assert result["AccessToken"] and result["IdToken"]
    return result


def password(setting):
    idp = pool(setting)
    wrong = refusal(initiate, idp, setting, PASSWORD="canary-Wr0ng!")
    same(wrong, ("NotAuthorizedException", "Incorrect username or password."))
    unknown = refusal(initiate, idp, setting, USERNAME="nobody", PASSWORD="x")
    same(unknown[0], "UserNotFoundException")
    got = tokens(sign_in(idp, setting))
    user = idp.get_user(AccessToken=got["AccessToken"])
    attributes = {of["Name"]: of["Value"] for of in user["UserAttributes"]}
    same(attributes["email"], setting["identity"])
    return "three tokens; GetUser; a wrong password and an unknown user by their exceptions"


def flow_not_enabled(setting):
    name, text = refusal(sign_in, pool(setting), setting)
    same(name, "InvalidParameterException")
    assert "USER_PASSWORD_AUTH" in text
    return "off unless the client allows it"


def new_password(setting):
    idp = pool(setting)
    asked = sign_in(idp, setting)
    same(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED")
    weak = refusal(respond, idp, setting, asked, NEW_PASSWORD="weak")
    same(weak[0], "InvalidPasswordException")
    tokens(respond(idp, setting, asked, NEW_PASSWORD=NEW_PASSWORD))
    used = refusal(respond, idp, setting, asked, NEW_PASSWORD=NEW_PASSWORD)
    same(used[0], "NotAuthorizedException")
    tokens(initiate(idp, setting, PASSWORD=NEW_PASSWORD))
    return "weak refused, chosen taken, the session once"


def software_token(setting):
    idp = pool(setting)
    asked = sign_in(idp, setting)
    same(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA")
    right = code(setting["totp_secret"])
    wrong = "000000" if right != "000000" else "111111"
    mismatch = refusal(respond, idp, setting, asked, SOFTWARE_TOKEN_MFA_CODE=wrong)
    same(mismatch[0], "CodeMismatchException")
    tokens(respond(idp, setting, asked, SOFTWARE_TOKEN_MFA_CODE=right))
    again = sign_in(idp, setting)
    used = refusal(respond, idp, setting, again, SOFTWARE_TOKEN_MFA_CODE=right)
    same(used[0], "ExpiredCodeException")
    return "wrong, right, and the right one a second time"


def mfa_setup(setting):
    idp = pool(setting)
    asked = sign_in(idp, setting)
    same(asked["ChallengeName"], "MFA_SETUP")
    associated = idp.associate_software_token(Session=asked["Session"])
    secret = associated["SecretCode"]
    verified = idp.verify_software_token(Session=associated["Session"], UserCode=code(secret))
    same(verified["Status"], "SUCCESS")
    got = tokens(respond(idp, setting, asked, session=verified["Session"]))
    user = idp.get_user(AccessToken=got["AccessToken"])
    same(user["UserMFASettingList"], ["SOFTWARE_TOKEN_MFA"])
    next_time = sign_in(idp, setting)
    tokens(respond(idp, setting, next_time, SOFTWARE_TOKEN_MFA_CODE=next_code(secret)))
    return "associate, verify and answer, each with its session; asked for at the next sign-in"


def preference(setting):
    idp = pool(setting)
    token = tokens(sign_in(idp, setting))["AccessToken"]
    secret = idp.associate_software_token(AccessToken=token)["SecretCode"]
    same(idp.verify_software_token(AccessToken=token, UserCode=code(secret))["Status"], "SUCCESS")
    tokens(sign_in(idp, setting))
    on = {"Enabled": True, "PreferredMfa": True}
    idp.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings=on)
    same(sign_in(idp, setting)["ChallengeName"], "SOFTWARE_TOKEN_MFA")
    idp.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings={"Enabled": False})
    tokens(sign_in(idp, setting))
    return "a verified secret is asked for once it is preferred, and no more when switched off"


def refresh_tokens(setting):
    idp = pool(setting)
    first = tokens(sign_in(idp, setting))["RefreshToken"]

    def refresh(token):
        return idp.get_tokens_from_refresh_token(
            RefreshToken=token,
            ClientId=setting["client_id"],
            ClientSecret=setting["client_secret"],
        )

    second = tokens(refresh(first))["RefreshToken"]
    assert second != first
    same(refusal(refresh, first)[0], "RefreshTokenReuseException")
    same(refusal(refresh, second)[0], "NotAuthorizedException")
    return "rotated; the spent one is RefreshTokenReuseException and ends its family"


def refresh_flow(setting):
    idp = pool(setting)
    signed_in = tokens(sign_in(idp, setting))
    user = idp.get_user(AccessToken=signed_in["AccessToken"])
    got = idp.initiate_auth(
        ClientId=setting["client_id"],
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={
            "REFRESH_TOKEN": signed_in["RefreshToken"],
            "SECRET_HASH": hashed(setting, user["Username"]),
        },
    )
    assert "RefreshToken" not in tokens(got)
    return "REFRESH_TOKEN_AUTH with the hash of the internal name"


def sign_out(setting):
    idp = pool(setting)
    one, other = tokens(sign_in(idp, setting)), tokens(sign_in(idp, setting))
    idp.revoke_token(
        Token=one["RefreshToken"],
        ClientId=setting["client_id"],
        ClientSecret=setting["client_secret"],
    )
    same(refusal(idp.get_user, AccessToken=one["AccessToken"])[0], "NotAuthorizedException")
    idp.get_user(AccessToken=other["AccessToken"])
    idp.global_sign_out(AccessToken=other["AccessToken"])
    ended = refusal(idp.get_user, AccessToken=other["AccessToken"])
    same(ended, ("NotAuthorizedException", "Access Token has been revoked"))
    return "RevokeToken ends one sign-in, GlobalSignOut all"


def passwords(setting):
    idp = pool(setting)
    common = {
        "ClientId": setting["client_id"],
        "Username": setting["identity"],
        "SecretHash": hashed(setting, setting["identity"]),
    }
    sent = idp.forgot_password(**common)["CodeDeliveryDetails"]
    same(sent["DeliveryMedium"], "EMAIL")
    wrong = refusal(
        idp.confirm_forgot_password, ConfirmationCode="000", Password=NEW_PASSWORD, **common
    )
    same(wrong[0], "CodeMismatchException")
    idp.confirm_forgot_password(
        ConfirmationCode=mail(setting["identity"]), Password=NEW_PASSWORD, **common
    )
    token = tokens(initiate(idp, setting, PASSWORD=NEW_PASSWORD))["AccessToken"]
    idp.change_password(
        AccessToken=token, PreviousPassword=NEW_PASSWORD, ProposedPassword=setting["password"]
    )
    tokens(sign_in(idp, setting))
    return "forgot, wrong code, confirm, change"


def sign_up(setting):
    idp = pool(setting)
    name = "newcomer"
    common = {
        "ClientId": setting["client_id"],
        "Username": name,
        "SecretHash": hashed(setting, name),
    }
    email = [{"Name": "email", "Value": "newcomer@pool.example"}]
    signed_up = idp.sign_up(Password=NEW_PASSWORD, UserAttributes=email, **common)
    same(signed_up["UserConfirmed"], False)
    taken = refusal(idp.sign_up, Password=NEW_PASSWORD, UserAttributes=email, **common)
    same(taken[0], "UsernameExistsException")
    early = refusal(initiate, idp, setting, USERNAME=name, PASSWORD=NEW_PASSWORD)
    same(early[0], "UserNotConfirmedException")
    idp.resend_confirmation_code(**common)
    wrong = refusal(idp.confirm_sign_up, ConfirmationCode="no", **common)
    same(wrong[0], "CodeMismatchException")
    idp.confirm_sign_up(ConfirmationCode=mail(name), **common)
    tokens(initiate(idp, setting, USERNAME=name, PASSWORD=NEW_PASSWORD))
    return "sign up, resend, confirm, sign in; the refusals by their exceptions"


def choose(setting):
    idp = pool(setting)
    asked = initiate(idp, setting, flow="USER_AUTH")
    same(asked["ChallengeName"], "SELECT_CHALLENGE")
    same(asked["AvailableChallenges"], ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP"])
    name = asked["ChallengeParameters"]["USER_ID_FOR_SRP"]
    chosen = respond(idp, setting, asked, ANSWER="EMAIL_OTP")
    same(chosen["ChallengeName"], "EMAIL_OTP")
    same(chosen["ChallengeParameters"]["USER_ID_FOR_SRP"], name)
    tokens(respond(idp, setting, chosen, EMAIL_OTP_CODE=mail(setting["identity"])))
    preferred = {"PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": setting["password"]}
    tokens(initiate(idp, setting, flow="USER_AUTH", **preferred))
    return "USER_AUTH: a code by mail after a choice, the password as a preference"


def custom(setting):
    idp = pool(setting)
    asked = initiate(idp, setting, flow="CUSTOM_AUTH")
    same(asked["ChallengeName"], "CUSTOM_CHALLENGE")
    tokens(respond(idp, setting, asked, ANSWER=setting["custom_answer"]))
    return "CUSTOM_AUTH"


if __name__ == "__main__":
    play(
        {
            "choose": choose,
            "custom": custom,
            "flow_not_enabled": flow_not_enabled,
            "mfa_setup": mfa_setup,
            "new_password": new_password,
            "password": password,
            "passwords": passwords,
            "preference": preference,
            "refresh_flow": refresh_flow,
            "refresh_tokens": refresh_tokens,
            "sign_out": sign_out,
            "sign_up": sign_up,
            "software_token": software_token,
        }
    )
