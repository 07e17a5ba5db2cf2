//! What an account can do for itself beside signing in: sign-up, second factors, devices.

use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{
    Ambient, Answers, Error, ErrorKind, MemoPatch, Outcome, Profile, RegisterSupport, SecretString,
};

use crate::answer::body_or_default;
use crate::challenge::{self, MFA_SETUP};
use crate::config::Cognito;
use crate::device::{self, Device};
use crate::error::Phase;
use crate::input::{self, Digits};
use crate::pending::{Next, Pending};
use crate::secret_hash::secret_hash;
use crate::wire::account::{
    AssociateSoftwareToken, Associated, CodeDeliveryDetails, CodeSent, ConfirmSignUp,
    DeviceConfirmed, ForgetDevice, MfaSettings, NamedValue, SendCode, SetUserMfaPreference, SignUp,
    UpdateDeviceStatus, Verified, VerifySoftwareToken,
};

/// Which attributes a pool requires is its own affair; it names one that is missing.
pub(crate) const REGISTER: RegisterSupport =
    RegisterSupport { required: &[], optional: input::ATTRIBUTES, signs_in: false };

/// Longer than any shared secret of a software token.
const LONGEST_SECRET: usize = 1024;

/// An operation that this provider alone has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extension {
    AssociateSoftwareToken,
    ConfirmDevice,
    ConfirmSignUp,
    ForgetDevice,
    ResendConfirmationCode,
    SetUserMfaPreference,
    VerifySoftwareToken,
}

impl Extension {
    pub(crate) const ALL: [Self; 7] = [
        Self::AssociateSoftwareToken,
        Self::ConfirmDevice,
        Self::ConfirmSignUp,
        Self::ForgetDevice,
        Self::ResendConfirmationCode,
        Self::SetUserMfaPreference,
        Self::VerifySoftwareToken,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AssociateSoftwareToken => "associate_software_token",
            Self::ConfirmDevice => "confirm_device",
            Self::ConfirmSignUp => "confirm_sign_up",
            Self::ForgetDevice => "forget_device",
            Self::ResendConfirmationCode => "resend_confirmation_code",
            Self::SetUserMfaPreference => "set_user_mfa_preference",
            Self::VerifySoftwareToken => "verify_software_token",
        }
    }

    pub(crate) const fn phase(self) -> Phase {
        match self {
            Self::ConfirmSignUp => Phase::Confirm,
            Self::ResendConfirmationCode => Phase::Forgot,
            Self::ForgetDevice
            | Self::AssociateSoftwareToken
            | Self::ConfirmDevice
            | Self::SetUserMfaPreference
            | Self::VerifySoftwareToken => Phase::TokenCall,
        }
    }

    /// The inputs that it takes. Another one is a slip of the pen.
    const fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::AssociateSoftwareToken | Self::ForgetDevice | Self::ResendConfirmationCode => &[],
            Self::ConfirmDevice => &["device_name", "remember"],
            Self::ConfirmSignUp => &["code", "force_alias"],
            Self::SetUserMfaPreference => &["email", "sms", "software_token"],
            Self::VerifySoftwareToken => &["code", "device_name"],
        }
    }
}

impl Cognito {
    pub(crate) fn register(
        &self,
        attributes: &Answers,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let credentials = ambient.credentials;
        let (username, password) = (credentials.identity()?, credentials.expect_password()?);
        input::new_password(password, self.password_policy)?;
        for (name, value) in attributes.iter() {
            input::attribute(name, value)?;
        }
        let hash = secret_hash(credentials, username, &self.client_id);
        let named =
            attributes.iter().map(|(name, value)| NamedValue { name, value: value.expose() });
        let body = SignUp {
            client_id: &self.client_id,
            username,
            password: password.expose(),
            secret_hash: hash.as_ref().map(SecretString::expose),
            user_attributes: named.collect(),
        };
        self.call("SignUp", &body)
    }

    pub(crate) fn extension(
        &self,
        extension: Extension,
        given: &Answers,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        if let Some((name, _)) = given.iter().find(|(name, _)| !extension.inputs().contains(name)) {
            return Err(input::refused(name, "unknown", "this operation takes no such input"));
        }
        let token = || ambient.expect_access_token().map(SecretString::expose);
        let optional = |name: &str| given.get(name).filter(|v| !v.is_empty()).map(|v| v.expose());
        match extension {
            Extension::ConfirmSignUp => {
                let username = ambient.credentials.identity()?;
                let code = input::confirmation_code(input::given(given, "code")?)?;
                let hash = secret_hash(ambient.credentials, username, &self.client_id);
                let body = ConfirmSignUp {
                    client_id: &self.client_id,
                    username,
                    confirmation_code: code.expose(),
                    force_alias_creation: yes(given, "force_alias")?,
                    secret_hash: hash.as_ref().map(SecretString::expose),
                };
                self.call("ConfirmSignUp", &body)
            }
            Extension::ResendConfirmationCode => self.send_code("ResendConfirmationCode", ambient),
            Extension::AssociateSoftwareToken => {
                let body = AssociateSoftwareToken { access_token: Some(token()?), session: None };
                self.call("AssociateSoftwareToken", &body)
            }
            Extension::VerifySoftwareToken => {
                let code = input::code(given, Digits::Six)?;
                let body = VerifySoftwareToken {
                    access_token: Some(token()?),
                    session: None,
                    user_code: code.expose(),
                    friendly_device_name: optional("device_name"),
                };
                self.call("VerifySoftwareToken", &body)
            }
            Extension::SetUserMfaPreference => {
                let body = SetUserMfaPreference {
                    access_token: token()?,
                    sms: mfa(given, "sms")?,
                    software_token: mfa(given, "software_token")?,
                    email: mfa(given, "email")?,
                };
                if given.iter().next().is_none() {
                    return Err(input::missing(extension.inputs().iter().copied()));
                }
                self.call("SetUserMFAPreference", &body)
            }
            Extension::ConfirmDevice => {
                let device = Device::expect(ambient.memo)?;
                if let (Some(_), Some(remembered)) =
                    (Device::confirmed(ambient.memo), yes(given, "remember")?)
                {
                    return self.device_status(&device, token()?, remembered);
                }
                let name = optional("device_name");
                device
                    .confirmation(ambient, token()?, name, |body| self.call("ConfirmDevice", body))
            }
            Extension::ForgetDevice => {
                let device = Device::expect(ambient.memo)?;
                let body = ForgetDevice { access_token: token()?, device_key: device.key.expose() };
                self.call("ForgetDevice", &body)
            }
        }
    }

    /// Asks for a code to be sent to the account of the credentials.
    pub(crate) fn send_code(
        &self,
        operation: &str,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let username = ambient.credentials.identity()?;
        let hash = secret_hash(ambient.credentials, username, &self.client_id);
        let secret_hash = hash.as_ref().map(SecretString::expose);
        self.call(operation, &SendCode { client_id: &self.client_id, username, secret_hash })
    }

    /// Says whether the device is remembered.
    pub(crate) fn device_status(
        &self,
        device: &Device,
        access_token: &str,
        remembered: bool,
    ) -> Result<HttpRequest, Error> {
        let status = if remembered { "remembered" } else { "not_remembered" };
        let body = UpdateDeviceStatus {
            access_token,
            device_key: device.key.expose(),
            device_remembered_status: status,
        };
        self.call("UpdateDeviceStatus", &body)
    }

    pub(crate) fn read_extension(
        &self,
        extension: Extension,
        given: &Answers,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let done = |profile| Ok(Outcome::Done(profile, MemoPatch::none()));
        match extension {
            Extension::ResendConfirmationCode => done(code_sent(response)?),
            Extension::AssociateSoftwareToken => {
                let mut pending = Pending::step(Next::Verify, "");
                pending.challenge = MFA_SETUP.to_owned();
                self.associated(pending, response, ambient)
            }
            Extension::VerifySoftwareToken => {
                let verified: Verified = response.json()?;
                let status = verified.expect_success()?;
                let mut profile = Profile::new();
                profile.set("status", status);
                done(profile)
            }
            Extension::ConfirmDevice => {
                let mut profile = Profile::new();
                if Device::confirmed(ambient.memo).is_some()
                    && let Some(remembered) = yes(given, "remember")?
                {
                    profile.set("remembered", if remembered { "true" } else { "false" });
                    return done(profile);
                }
                let confirmed: DeviceConfirmed = body_or_default(response)?;
                let asks = confirmed.user_confirmation_necessary;
                profile.set("remembered", if asks { "false" } else { "true" });
                Ok(Outcome::Done(profile, device::confirmed(ambient)))
            }
            Extension::ForgetDevice => Ok(Outcome::Done(Profile::new(), device::forgotten())),
            Extension::ConfirmSignUp | Extension::SetUserMfaPreference => done(Profile::new()),
        }
    }

    /// A shared secret was made: whoever sees it proves it with a code. `pending` is the step that does.
    pub(crate) fn associated(
        &self,
        mut pending: Pending,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let answer: Associated = response.json()?;
        if answer.secret_code.is_empty() {
            return Err(Error::new(ErrorKind::Protocol).hint("the answer holds an empty secret"));
        }
        // The model says letters and digits (emulators add hyphens). It is printed for scripts, as a line.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'=';
        if answer.secret_code.len() > LONGEST_SECRET
            || !answer.secret_code.expose().bytes().all(plain)
        {
            return Err(Error::new(ErrorKind::Protocol).hint("the answer holds no shared secret"));
        }
        pending.next = Next::Verify;
        pending.session = challenge::bounded_session(answer.session)?.or(pending.session);
        pending.shared_secret = Some(answer.secret_code);
        let challenge = challenge::surfaced(self, &pending, Default::default(), ambient)?;
        Ok(Outcome::Challenge(Box::new(challenge), MemoPatch::none()))
    }
}

impl Verified {
    /// # Errors
    /// [`ErrorKind::CodeMismatch`] if the answer says so in a success.
    pub(crate) fn expect_success(&self) -> Result<&str, Error> {
        match self.status.as_deref() {
            None => Ok("SUCCESS"),
            Some(status) if status.eq_ignore_ascii_case("SUCCESS") => Ok("SUCCESS"),
            Some(_) => Err(Error::new(ErrorKind::CodeMismatch).hint(
                "the code does not fit the shared secret; check the clock and take the next one",
            )),
        }
    }
}

/// What became of a sign-up.
pub(crate) fn registered(response: &HttpResponse) -> Result<Outcome, Error> {
    let answer: CodeSent = body_or_default(response)?;
    let mut profile = Profile::new();
    let confirmed = answer.user_confirmed.unwrap_or(false);
    profile.set("confirmed", if confirmed { "true" } else { "false" });
    if let Some(subject) = &answer.user_sub {
        profile.set("subject", subject);
    }
    delivered(&mut profile, answer.code_delivery_details);
    Ok(Outcome::Done(profile, MemoPatch::none()))
}

/// Where a code was sent.
pub(crate) fn code_sent(response: &HttpResponse) -> Result<Profile, Error> {
    let answer: CodeSent = body_or_default(response)?;
    let mut profile = Profile::new();
    delivered(&mut profile, answer.code_delivery_details);
    Ok(profile)
}

fn delivered(profile: &mut Profile, details: Option<CodeDeliveryDetails>) {
    let Some(details) = details else { return };
    for (name, value) in [
        ("destination", details.destination),
        ("medium", details.delivery_medium),
        ("attribute", details.attribute_name),
    ] {
        if let Some(value) = value {
            profile.set(name, &value);
        }
    }
}

/// A yes or no.
fn yes(given: &Answers, name: &str) -> Result<Option<bool>, Error> {
    match given.get(name).map(SecretString::expose) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(input::refused(name, "unknown word", "this is true or false")),
    }
}

fn mfa(given: &Answers, name: &str) -> Result<Option<MfaSettings>, Error> {
    let (enabled, preferred_mfa) = match given.get(name).map(SecretString::expose) {
        None => return Ok(None),
        Some("preferred") => (true, true),
        Some("enabled") => (true, false),
        Some("disabled") => (false, false),
        Some(_) => {
            let hint = "a second factor is preferred, enabled or disabled";
            return Err(input::refused(name, "unknown word", hint));
        }
    };
    Ok(Some(MfaSettings { enabled, preferred_mfa }))
}
