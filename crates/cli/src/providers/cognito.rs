//! Amazon Cognito: an app client of a user pool, and what the service does not tell about it.

use std::sync::Arc;

use countersign_cognito::{
    Attachment, Cognito, Devices, FirstFactor, Flow, Presented, RefreshCall,
};
use countersign_core::{AuthProvider, PasswordPolicy, RefreshSupport};

use super::rotation;
use crate::problem::Problem;
use crate::profile::{Profile, nearest};

pub(super) const KEYS: &[&str] = &[
    "endpoint",
    "user_pool_id",
    "client_id",
    "client_secret",
    "password",
    "totp_secret",
    "totp_period",
    "flow",
    "first_factor",
    "devices",
    "password_length",
    "password_needs",
    "rotation",
    "rotation_grace",
    "refresh_call",
    "refresh_lifetime",
    "present",
    "attach",
    "challenge_length",
    "lockout",
];

pub(super) fn build(profile: &Profile) -> Result<Arc<dyn AuthProvider>, Problem> {
    let pool_id = profile.required("user_pool_id", "eu-west-1_AbC")?;
    let client_id = profile.required("client_id", "1example")?;
    let mut pool = Cognito::pool(pool_id, client_id)
        .map_err(|error| profile.refused("user_pool_id", &error))?;
    if let Some(endpoint) = profile.text("endpoint")? {
        pool = pool.endpoint(endpoint).map_err(|error| profile.refused("endpoint", &error))?;
    }
    pool = signing_in(profile, pool)?;
    if let Some(policy) = password_policy(profile)? {
        pool = pool.password_policy(policy);
    }
    pool = refreshing(profile, pool)?;
    pool = presenting(profile, pool)?;
    if let Some(length) = profile.period("challenge_length")? {
        pool = pool.challenge_length(length);
    }
    if let Some(step) = profile.period("totp_period")? {
        pool = pool.code_step(step);
    }
    if let Some(wait) = profile.span("lockout")? {
        pool = pool.lockout_wait(wait);
    }
    Ok(Arc::new(pool))
}

fn signing_in(profile: &Profile, mut pool: Cognito) -> Result<Cognito, Problem> {
    let factors = [
        ("email_otp", FirstFactor::EmailOtp),
        ("password", FirstFactor::Password),
        ("password_srp", FirstFactor::PasswordSrp),
        ("sms_otp", FirstFactor::SmsOtp),
        ("web_authn", FirstFactor::WebAuthn),
    ];
    let factor = profile.choice("first_factor", &factors)?.unwrap_or_default();
    let flows = [
        ("srp", Flow::UserSrp),
        ("password", Flow::UserPassword),
        ("user_auth", Flow::UserAuth(factor)),
        ("custom", Flow::Custom),
        ("custom_srp", Flow::CustomSrp),
    ];
    if let Some(flow) = profile.choice("flow", &flows)? {
        pool = pool.flow(flow);
    }
    let devices =
        [("confirm", Devices::Confirm), ("keep", Devices::Keep), ("remember", Devices::Remember)];
    if let Some(devices) = profile.choice("devices", &devices)? {
        pool = pool.devices(devices);
    }
    Ok(pool)
}

/// The rules of the pool for passwords, where the profile names any: what it leaves out is as a pool has
/// it by default.
fn password_policy(profile: &Profile) -> Result<Option<PasswordPolicy>, Problem> {
    const CLASSES: [&str; 4] = ["upper", "lower", "digit", "symbol"];
    let length = profile.count("password_length")?;
    let needs = match profile.has("password_needs") {
        true => Some(profile.texts("password_needs")?),
        false => None,
    };
    if length.is_none() && needs.is_none() {
        return Ok(None);
    }
    if let Some(word) = needs.iter().flatten().find(|word| !CLASSES.contains(word)) {
        let near = nearest(word, CLASSES).unwrap_or_default();
        return Err(profile.problem(
            "password_needs",
            &format!("has the unknown word \"{word}\""),
            format!("did you mean \"{near}\"? There are: {}", CLASSES.join(", ")),
        ));
    }
    let needs = |class: &str| needs.as_ref().is_none_or(|needs| needs.contains(&class));
    Ok(Some(PasswordPolicy {
        min_length: length.map_or(8, |length| length as usize),
        max_length: None,
        upper: needs("upper"),
        lower: needs("lower"),
        digit: needs("digit"),
        symbol: needs("symbol"),
    }))
}

fn refreshing(profile: &Profile, mut pool: Cognito) -> Result<Cognito, Problem> {
    pool = match rotation(profile)? {
        Some(RefreshSupport::Rotating { grace }) => pool.rotation(grace),
        Some(_) => pool.no_rotation(),
        None => pool,
    };
    let calls = [
        ("get_tokens_from_refresh_token", RefreshCall::GetTokensFromRefreshToken),
        ("initiate_auth", RefreshCall::InitiateAuth),
    ];
    if let Some(call) = profile.choice("refresh_call", &calls)? {
        pool = pool.refresh_call(call);
    }
    if let Some(life) = profile.period("refresh_lifetime")? {
        pool = pool.refresh_lifetime(life);
    }
    Ok(pool)
}

fn presenting(profile: &Profile, mut pool: Cognito) -> Result<Cognito, Problem> {
    let tokens = [("access_token", Presented::AccessToken), ("id_token", Presented::IdToken)];
    if let Some(token) = profile.choice("present", &tokens)? {
        pool = pool.present(token);
    }
    let forms = [("bearer", Attachment::Bearer), ("raw", Attachment::Raw)];
    if let Some(form) = profile.choice("attach", &forms)? {
        pool = pool.attach(form);
    }
    Ok(pool)
}
