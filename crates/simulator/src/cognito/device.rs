//! Devices: keys for new ones, `ConfirmDevice`, `UpdateDeviceStatus`, `ForgetDevice`, and the proof of a remembered one.
//!
//! Of a confirmed device the service wants the key with every refresh of what it signed in; without it the refresh token
//! is called invalid.

use std::collections::HashMap;

use bytes::Bytes;
use data_encoding::BASE64;
use http::Response;
use num_bigint::BigUint;
use serde_json::json;

use super::proof::{self, Claim, Proof, Subject};
use super::refusal::Refusal;
use super::server::{Grant, Server};
use super::sessions::Course;
use super::wire::{Asked, NewDevice, Responses, VerifierConfig, parameter, required};
use super::{tokens, users, wire};
use crate::context::Context;

/// One device of a user.
pub(super) struct Device {
    identity: String,
    group_key: String,
    /// Salt and verifier of its password, once it was confirmed.
    secret: Option<(BigUint, BigUint)>,
    remembered: bool,
}

/// The devices by their keys.
pub(super) type Known = HashMap<String, Device>;

/// The keys for a device that the pool does not know yet.
pub(super) fn offer(
    server: &mut Server,
    cx: &mut Context<'_>,
    course: &Course,
) -> Option<NewDevice> {
    if server.settings.devices.is_none() || course.device_key.is_some() {
        return None;
    }
    let region = server.settings.pool_id.split('_').next().unwrap_or_default();
    let device_key = format!("{region}_{}", cx.random.uuid());
    let device_group_key = format!("-{}", &cx.random.token()[..8]);
    let device = Device {
        identity: course.identity.clone(),
        group_key: device_group_key.clone(),
        secret: None,
        remembered: false,
    };
    server.devices.insert(device_key.clone(), device);
    Some(NewDevice { device_key, device_group_key })
}

/// After the password: whether the device is one of the user's, and what it changes about what comes next.
///
/// # Errors
/// `ResourceNotFoundException` for one that the pool does not know, or no more; nothing is used up.
pub(super) fn joined(
    server: &Server,
    mut course: Course,
    presented: Option<&str>,
) -> Result<Course, Refusal> {
    let Some(key) = presented else { return Ok(course) };
    let device = confirmed(server, &course.identity, key)?;
    course.device_key = Some(key.to_owned());
    if device.remembered {
        if server.settings.devices.is_some_and(|devices| devices.replace_mfa) {
            course.left.retain(|name| name == "NEW_PASSWORD_REQUIRED");
        }
        course.left.push_back("DEVICE_SRP_AUTH".to_owned());
    }
    Ok(course)
}

/// The answer to `DEVICE_SRP_AUTH`.
///
/// # Errors
/// `ResourceNotFoundException` for another device or one that is gone.
pub(super) fn begin(
    server: &Server,
    mut course: Course,
    responses: Option<&Responses>,
) -> Result<Course, Refusal> {
    let key = parameter(responses, "DEVICE_KEY")?;
    let public_a = proof::public_number(responses)?;
    if course.device_key.as_deref() != Some(key) {
        return Err(unknown());
    }
    confirmed(server, &course.identity, key)?;
    course.srp_a = Some(public_a);
    course.next("DEVICE_PASSWORD_VERIFIER");
    Ok(course)
}

/// The answer to `DEVICE_PASSWORD_VERIFIER`. A wrong one is not counted against the password.
///
/// # Errors
/// `NotAuthorizedException` for a wrong proof, `ResourceNotFoundException` for another device or one that is gone.
pub(super) fn proved(
    server: &Server,
    now_ms: i64,
    course: Course,
    proof: &Proof,
    (claim, responses): (&Claim, Option<&Responses>),
) -> Result<Course, Refusal> {
    let key = parameter(responses, "DEVICE_KEY")?;
    if course.device_key.as_deref() != Some(key) {
        return Err(unknown());
    }
    confirmed(server, &course.identity, key)?;
    match proof.holds(server, now_ms, claim) {
        true => Ok(course),
        false => Err(Refusal::incorrect("wrong_device_proof")),
    }
}

/// What the device of this sign-in proves.
pub(super) fn subject(server: &Server, course: &Course) -> Option<Subject> {
    let key = course.device_key.as_ref()?;
    let device = server.devices.get(key)?;
    let (salt, verifier) = device.secret.clone()?;
    let salt_text = salt.to_str_radix(16);
    Some(Subject { group: device.group_key.clone(), name: key.clone(), salt_text, verifier })
}

/// Whether a refresh of that grant brings the right device.
///
/// # Errors
/// `NotAuthorizedException` for a missing or another device, `ResourceNotFoundException` for one that is gone.
pub(super) fn checked_at_refresh(
    server: &Server,
    identity: &str,
    grant: &Grant,
    presented: Option<&str>,
) -> Result<(), Refusal> {
    if let Some(key) = presented {
        confirmed(server, identity, key)?;
    }
    let bound = grant
        .device_key
        .as_deref()
        .filter(|key| server.devices.get(*key).is_some_and(|device| device.secret.is_some()));
    match bound {
        Some(bound) if presented != Some(bound) => {
            Err(Refusal::not_authorized("Invalid Refresh Token", "foreign_device"))
        }
        _ => Ok(()),
    }
}

pub(super) fn confirm(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let key = required(&asked.device_key, "deviceKey")?;
    let identity = signed_in(asked, cx, "ConfirmDevice")?;
    let secret = secret_of(asked.device_secret_verifier_config.as_ref())?;
    let devices = server.settings.devices.ok_or_else(unknown)?;
    let device = server.devices.get_mut(key).filter(|device| device.identity == identity);
    let device = device.ok_or_else(unknown)?;
    if device.secret.is_some() {
        let text = "Device is already confirmed.";
        return Err(Refusal::invalid_parameter(text, "device_confirmed"));
    }
    device.secret = Some(secret);
    device.remembered = !devices.opt_in;
    Ok(wire::ok(&json!({ "UserConfirmationNecessary": devices.opt_in })))
}

pub(super) fn update(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let key = required(&asked.device_key, "deviceKey")?;
    let identity = signed_in(asked, cx, "UpdateDeviceStatus")?;
    let remembered = match asked.device_remembered_status.as_deref() {
        Some("remembered") => true,
        Some("not_remembered") => false,
        _ => {
            let text = "1 validation error detected: Value at 'deviceRememberedStatus' failed to satisfy constraint: \
                        Member must satisfy enum value set: [not_remembered, remembered]";
            return Err(Refusal::invalid_parameter(text, "wrong_status"));
        }
    };
    confirmed(server, &identity, key)?;
    if let Some(device) = server.devices.get_mut(key) {
        device.remembered = remembered;
    }
    Ok(wire::done())
}

pub(super) fn forget(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let key = required(&asked.device_key, "deviceKey")?;
    let identity = signed_in(asked, cx, "ForgetDevice")?;
    match server.devices.get(key).is_some_and(|device| device.identity == identity) {
        true => {
            server.devices.remove(key);
            Ok(wire::empty(http::StatusCode::OK))
        }
        false => Err(unknown()),
    }
}

fn signed_in(asked: &Asked, cx: &mut Context<'_>, operation: &str) -> Result<String, Refusal> {
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, operation)?;
    Ok(token.account)
}

fn secret_of(config: Option<&VerifierConfig>) -> Result<(BigUint, BigUint), Refusal> {
    let invalid =
        || Refusal::invalid_parameter("Invalid device secret verifier config.", "wrong_verifier");
    let number = |text: &Option<String>| {
        let bytes = BASE64.decode(text.as_deref()?.as_bytes()).ok()?;
        Some(BigUint::from_bytes_be(&bytes)).filter(|number| *number != BigUint::ZERO)
    };
    let config = config.ok_or_else(invalid)?;
    let salt = number(&config.salt).ok_or_else(invalid)?;
    let verifier = number(&config.password_verifier).ok_or_else(invalid)?;
    Ok((salt, verifier))
}

fn confirmed<'a>(server: &'a Server, identity: &str, key: &str) -> Result<&'a Device, Refusal> {
    let device = server.devices.get(key);
    let own = device.filter(|device| device.identity == identity && device.secret.is_some());
    own.ok_or_else(unknown)
}

fn unknown() -> Refusal {
    Refusal::new("ResourceNotFoundException", "Device does not exist.", "unknown_device")
}
