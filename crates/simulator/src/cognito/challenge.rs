//! `RespondToAuthChallenge`: one answer, then the next challenge or the tokens.

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::flow::AuthFlow;
use super::proof::Claim;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Course, Session, foreign};
use super::wire::{Asked, Responses, parameter, required};
use super::{HashName, answers, chain, device, sign_in, users};
use crate::context::Context;

pub(super) fn respond(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let challenge = required(&asked.challenge_name, "challengeName")?;
    let responses = asked.challenge_responses.as_ref();
    let claim = match challenge {
        "PASSWORD_VERIFIER" | "DEVICE_PASSWORD_VERIFIER" => Some(Claim::of(responses)?),
        _ => None,
    };
    let name = parameter(responses, "USERNAME")?;
    let identity = users::find(&server.settings, cx, name);
    let named = asked.session()?;
    let text = match named {
        Some(text) => text.to_owned(),
        None => known_otherwise(server, cx, asked, identity.as_deref(), claim.as_ref())?,
    };
    check_hash(server, &client, cx, identity.as_deref(), responses, name)?;
    let session = server.sessions.live(&text, cx.now_ms)?;
    let course = &session.course;
    // Only this flow hands out none.
    if named.is_none() && challenge == "PASSWORD_VERIFIER" && course.flow != AuthFlow::UserSrp {
        return Err(Refusal::missing_parameter("Session"));
    }
    let answering = identity.unwrap_or_else(|| name.to_owned());
    if answering != course.identity
        || course.client_id != client.id
        || session.challenge != challenge
    {
        return Err(foreign());
    }
    if !course.nobody {
        cx.about(&course.identity);
        users::forced(cx, &course.identity, "RespondToAuthChallenge")?;
    }
    let course = match claim {
        Some(claim) => proved(server, cx, session, &claim, responses)?,
        None => answers::judge(server, cx, &text, session, responses)?,
    };
    // Only a good answer uses the session up: after a wrong code it can be answered again.
    server.sessions.close(&text);
    chain::advance(server, cx, course)
}

/// The session of an answer that names none: known by the secret block that comes with a proof, or by the device that
/// was asked for one. Both are what a client in wide use does (pycognito).
fn known_otherwise(
    server: &Server,
    cx: &Context<'_>,
    asked: &Asked,
    identity: Option<&str>,
    claim: Option<&Claim>,
) -> Result<String, Refusal> {
    if let Some(claim) = claim {
        let text = server.sessions.of_block(claim.block());
        return text.map(str::to_owned).ok_or_else(|| Refusal::incorrect("unknown_block"));
    }
    let responses = asked.challenge_responses.as_ref();
    let device = responses.and_then(|given| given.get("DEVICE_KEY"));
    let text = match (asked.challenge_name.as_deref(), identity, device) {
        (Some("DEVICE_SRP_AUTH"), Some(identity), Some(device)) => {
            server.sessions.of_device(identity, device, cx.now_ms)
        }
        _ => None,
    };
    text.map(str::to_owned).ok_or_else(|| Refusal::missing_parameter("Session"))
}

/// Takes the proof of a password, of the user or of a device, or refuses it; answers what comes after it.
fn proved(
    server: &mut Server,
    cx: &mut Context<'_>,
    session: Session,
    claim: &Claim,
    responses: Option<&Responses>,
) -> Result<Course, Refusal> {
    let Session { awaited: Awaited::Proof(proof), course, challenge, .. } = session else {
        return Err(foreign());
    };
    let Some(account) = cx.accounts.get(&course.identity).filter(|_| !course.nobody) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    if challenge == "DEVICE_PASSWORD_VERIFIER" {
        users::standing(account)?;
        return device::proved(server, cx.now_ms, course, &proof, (claim, responses));
    }
    users::not_locked_out(account, cx.now_ms)?;
    if !proof.holds(server, cx.now_ms, claim) {
        users::count_failure(server, cx, &course.identity);
        return Err(Refusal::incorrect("wrong_proof"));
    }
    sign_in::accepted(server, cx, course, responses)
}

fn check_hash(
    server: &Server,
    client: &Client,
    cx: &Context<'_>,
    identity: Option<&str>,
    responses: Option<&Responses>,
    typed: &str,
) -> Result<(), Refusal> {
    let hash = responses.and_then(|given| given.get("SECRET_HASH")).map(String::as_str);
    let account = identity.and_then(|identity| cx.accounts.get(identity));
    let internal = account.map(|account| users::internal_name(&server.settings, account));
    match (internal, server.settings.hash_name) {
        (Some(internal), HashName::Internal) => client.check_hash(hash, &[&internal]),
        (Some(internal), HashName::Either) => client.check_hash(hash, &[&internal, typed]),
        (None, _) => client.check_hash(hash, &[typed]),
    }
}
