//! The server of the pool: its operations by `X-Amz-Target`, and what it alone keeps.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::limits::Limits;
use super::password::Recoveries;
use super::refusal::Refusal;
use super::sessions::{Enrolment, Sessions};
use super::sign_up::Confirmations;
use super::wire::{asked, target};
use super::{
    ResourceToken, Settings, challenge, device, factors, me, password, refresh, resource, sign_in,
    sign_up, software_token, wire,
};
use crate::account::{AccountKind, Accounts};
use crate::behaviour::{Behaviour, Failure, Fields};
use crate::context::Context;
use crate::jwt::{Algorithm, Mint};
use crate::operation::Operation;
use crate::simulator::Setup;
use crate::token_book::TokenBook;

const ASSOCIATE: Operation = Operation::custom("associate_software_token");
const VERIFY: Operation = Operation::custom("verify_software_token");
const PREFER: Operation = Operation::custom("set_user_mfa_preference");
const CONFIRM_SIGN_UP: Operation = Operation::custom("confirm_sign_up");
const RESEND: Operation = Operation::custom("resend_confirmation_code");
const CONFIRM_DEVICE: Operation = Operation::custom("confirm_device");
const UPDATE_DEVICE: Operation = Operation::custom("update_device_status");
const FORGET_DEVICE: Operation = Operation::custom("forget_device");

/// What a pool alone is asked.
pub(crate) const OPERATIONS: &[Operation] = &[
    ASSOCIATE,
    VERIFY,
    PREFER,
    CONFIRM_SIGN_UP,
    RESEND,
    CONFIRM_DEVICE,
    UPDATE_DEVICE,
    FORGET_DEVICE,
];

/// What is known of one sign-in, for as long as its tokens are renewed.
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) signed_in_s: i64,
    pub(super) origin_jti: String,
    /// The device that signed in, also one that has not been confirmed.
    pub(super) device_key: Option<String>,
}

pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) mint: Mint,
    /// What salts are made of.
    pub(super) salt_key: String,
    pub(super) sessions: Sessions,
    pub(super) recoveries: Recoveries,
    /// Sign-ins by token family.
    pub(super) grants: HashMap<u64, Grant>,
    /// The access token that came with each ID token.
    pub(super) id_tokens: HashMap<String, String>,
    /// When a wrong password was last counted, by identity, in server milliseconds.
    pub(super) failed_at: HashMap<String, i64>,
    /// Shared secrets that signed-in users are setting up.
    pub(super) enrolments: HashMap<String, Enrolment>,
    pub(super) confirmations: Confirmations,
    pub(super) devices: device::Known,
    pub(super) limits: Limits,
}

impl Server {
    pub(super) fn new(settings: Settings, setup: &Setup) -> Self {
        let mint = Mint::new(setup.key(), Algorithm::Rs256).key_id("canary-pool-key");
        Self {
            settings,
            mint,
            salt_key: data_encoding::HEXLOWER.encode(&Sha256::digest(setup.key())),
            sessions: Sessions::default(),
            recoveries: Recoveries::default(),
            grants: HashMap::new(),
            id_tokens: HashMap::new(),
            failed_at: HashMap::new(),
            enrolments: HashMap::new(),
            confirmations: Confirmations::default(),
            devices: device::Known::default(),
            limits: Limits::default(),
        }
    }

    fn carry_out(
        &mut self,
        request: &Request<Bytes>,
        cx: &mut Context<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let operation = target(request).filter(|_| is_pool_call(request)).unwrap_or_default();
        if self.operation(request) == Operation::UNKNOWN {
            return Err(Refusal::new("UnknownOperationException", "", "not_found"));
        }
        self.limits.request(self.settings.request_rate, cx.now_ms)?;
        let asked = asked(request)?;
        match operation {
            "InitiateAuth" => sign_in::initiate(self, &asked, cx),
            "RespondToAuthChallenge" => challenge::respond(self, &asked, cx),
            "GetTokensFromRefreshToken" => refresh::by_operation(self, &asked, cx),
            "RevokeToken" => me::revoke(self, &asked, cx),
            "GlobalSignOut" => me::global_sign_out(&asked, cx),
            "ForgotPassword" => password::forgot(self, &asked, cx),
            "ConfirmForgotPassword" => password::confirm_forgot(self, &asked, cx),
            "ChangePassword" => password::change(self, &asked, cx),
            "GetUser" => me::get_user(self, &asked, cx),
            "AssociateSoftwareToken" => software_token::associate(self, &asked, cx),
            "VerifySoftwareToken" => software_token::verify(self, &asked, cx),
            "SetUserMFAPreference" => factors::set_preference(self, &asked, cx),
            "SignUp" => sign_up::sign_up(self, &asked, cx),
            "ConfirmSignUp" => sign_up::confirm(self, &asked, cx),
            "ResendConfirmationCode" => sign_up::resend(self, &asked, cx),
            "ConfirmDevice" => device::confirm(self, &asked, cx),
            "UpdateDeviceStatus" => device::update(self, &asked, cx),
            "ForgetDevice" => device::forget(self, &asked, cx),
            _ => Err(Refusal::new("UnknownOperationException", "", "not_found")),
        }
    }
}

fn is_pool_call(request: &Request<Bytes>) -> bool {
    request.method() == Method::POST && request.uri().path() == "/"
}

impl Behaviour for Server {
    fn provider(&self) -> &'static str {
        "cognito"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        if request.uri().path() == resource::PATH
            && (request.method() == Method::GET || request.method() == Method::POST)
        {
            return Operation::RESOURCE;
        }
        let Some(name) = target(request).filter(|_| is_pool_call(request)) else {
            return Operation::UNKNOWN;
        };
        match name {
            "InitiateAuth" => {
                let flow = asked(request).ok().and_then(|asked| asked.auth_flow);
                match flow.is_some_and(|flow| flow.starts_with("REFRESH_TOKEN")) {
                    true => Operation::REFRESH,
                    false => Operation::SIGN_IN,
                }
            }
            "RespondToAuthChallenge" => Operation::ANSWER,
            "GetTokensFromRefreshToken" => Operation::REFRESH,
            "RevokeToken" => Operation::REVOKE,
            "GlobalSignOut" => Operation::SIGN_OUT_EVERYWHERE,
            "ForgotPassword" => Operation::FORGOT_PASSWORD,
            "ConfirmForgotPassword" => Operation::CONFIRM_FORGOT_PASSWORD,
            "ChangePassword" => Operation::CHANGE_PASSWORD,
            "GetUser" => Operation::WHO_AM_I,
            "AssociateSoftwareToken" => ASSOCIATE,
            "VerifySoftwareToken" => VERIFY,
            "SetUserMFAPreference" => PREFER,
            "SignUp" => Operation::REGISTER,
            "ConfirmSignUp" => CONFIRM_SIGN_UP,
            "ResendConfirmationCode" => RESEND,
            "ConfirmDevice" => CONFIRM_DEVICE,
            "UpdateDeviceStatus" => UPDATE_DEVICE,
            "ForgetDevice" => FORGET_DEVICE,
            _ => Operation::UNKNOWN,
        }
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        if self.operation(request) == Operation::RESOURCE {
            return resource::echo(self, request, cx);
        }
        let mut response = self.carry_out(request, cx).unwrap_or_else(|refusal| {
            cx.refuse(refusal.word());
            refusal.response(&self.settings)
        });
        if let Ok(id) = HeaderValue::from_str(&cx.random.uuid()) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }

    fn forget(&mut self, tokens: &TokenBook, _now_ms: i64) {
        let families = tokens.families();
        self.grants.retain(|family, _| families.contains(family));
        self.id_tokens.retain(|_, access| tokens.has_access(access));
    }

    fn fields(&self) -> Fields {
        let access_tokens: &[&str] = match self.settings.resource_token {
            ResourceToken::Access => &["AccessToken"],
            ResourceToken::Id => &["AccessToken", "IdToken"],
        };
        Fields { access_tokens, expiries: &["ExpiresIn"] }
    }

    fn failure(&self, operation: Operation, kind: Failure) -> Response<Bytes> {
        let refusal = match kind {
            Failure::Internal => Refusal::new("InternalErrorException", "Internal error", "fault"),
            Failure::Throttled => {
                Refusal::new("TooManyRequestsException", "Too many requests", "fault")
            }
            Failure::Unauthorized if operation.is_auth() => {
                Refusal::not_authorized("Access Token has been revoked", "fault")
            }
            Failure::Unauthorized => return resource::unauthorized(),
            // Not in the model: what stands in front of the service answers.
            Failure::Unavailable => return wire::empty(StatusCode::SERVICE_UNAVAILABLE),
        };
        refusal.response(&self.settings)
    }

    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("RESOURCE", resource::PATH.to_owned()),
            ("USER_POOL_ID", self.settings.pool_id.clone()),
            (
                "FLOWS",
                self.settings.flows.iter().map(|flow| flow.name()).collect::<Vec<_>>().join(","),
            ),
            ("TOTP_PERIOD_MS", self.settings.totp.period_ms.to_string()),
        ];
        if let Some(client) = accounts.iter().find(|account| account.kind == AccountKind::Client) {
            pairs.push(("CLIENT_ID", client.identity.clone()));
            pairs.push(("CLIENT_SECRET", client.password.clone()));
        }
        if let Some(account) = accounts.first() {
            pairs.push(("IDENTITY", account.identity.clone()));
            pairs.push(("PASSWORD", account.password.clone()));
        }
        if let Some(account) = accounts.iter().find(|account| account.must_change_password) {
            let temporary = account.temporary_password.as_ref().unwrap_or(&account.password);
            pairs.push(("INVITED_IDENTITY", account.identity.clone()));
            pairs.push(("INVITED_TEMPORARY_PASSWORD", temporary.clone()));
        }
        if let Some((account, secret)) =
            accounts.iter().find_map(|account| Some((account, account.totp_secret.clone()?)))
        {
            pairs.push(("TOTP_IDENTITY", account.identity.clone()));
            pairs.push(("TOTP_PASSWORD", account.password.clone()));
            pairs.push(("TOTP_SECRET", secret));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
