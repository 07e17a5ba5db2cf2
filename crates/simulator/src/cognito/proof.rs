//! `PASSWORD_VERIFIER`: a password is proved by SRP instead of being sent.
//!
//! A session is answered by any number of wrong proofs until it ends, as seen at the service by the authors of an
//! emulator; the lockout counts them. `USER_SRP_AUTH` hands out no `Session`: the secret block, which comes back with the
//! proof, is what the service knows the sign-in by.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use super::server::Server;
use super::srp::{self, Ephemeral};
use super::wire::{Responses, parameter};
use super::{timestamp, users};
use crate::account::Account;
use crate::context::Context;

/// What the server keeps of a proof that it waits for.
#[derive(Clone)]
pub(super) struct Proof {
    /// What stands before the name in the claim: the pool's name, or the key of a device's group.
    group: String,
    name: String,
    verifier: BigUint,
    ephemeral: Ephemeral,
    public_a: BigUint,
    /// The secret block as it was handed out.
    pub(super) block: String,
}

/// Who is to prove what: the two names of the claim, the salt and the verifier.
pub(super) struct Subject {
    pub(super) group: String,
    pub(super) name: String,
    /// The salt in hex. Of two clients in wide use one keeps zeros at the beginning of this text and the other does not,
    /// so the service can send none.
    pub(super) salt_text: String,
    pub(super) verifier: BigUint,
}

/// The members of an answer that brings a proof, in their form.
pub(super) struct Claim {
    block: String,
    signature: Vec<u8>,
    at: timestamp::Claimed,
}

impl Claim {
    /// Reads them in the order in which the service names what is missing.
    ///
    /// # Errors
    /// `InvalidParameterException` for what is missing or has another form.
    pub(super) fn of(responses: Option<&Responses>) -> Result<Self, Refusal> {
        if responses.is_none_or(BTreeMap::is_empty) {
            return Err(Refusal::missing_parameter("challenge responses."));
        }
        let _ = parameter(responses, "USERNAME")?;
        let time = parameter(responses, "TIMESTAMP")?;
        let signature = parameter(responses, "PASSWORD_CLAIM_SIGNATURE")?;
        let block = parameter(responses, "PASSWORD_CLAIM_SECRET_BLOCK")?.to_owned();
        let at = timestamp::read(time).ok_or_else(|| {
            let text = "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.";
            Refusal::invalid_parameter(text, "malformed_timestamp")
        })?;
        let signature = BASE64.decode(signature.as_bytes()).map_err(|_| {
            let text = "Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string.";
            Refusal::invalid_parameter(text, "malformed_signature")
        })?;
        Ok(Self { block, signature, at })
    }

    /// The secret block, by which the service knows the sign-in.
    pub(super) fn block(&self) -> &str {
        &self.block
    }
}

/// The client's public number.
///
/// # Errors
/// `InvalidParameterException` for a missing one, one that is no hex, and (own choice of exception) a multiple of the
/// prime.
pub(super) fn public_number(given: Option<&Responses>) -> Result<BigUint, Refusal> {
    let text = parameter(given, "SRP_A")?;
    let number = srp::number(text).ok_or_else(|| {
        let text = format!(
            "1 validation error detected: Value '{text}' at 'sRPA' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: ^[0-9a-fA-F]+$"
        );
        Refusal::invalid_parameter(text, "malformed_srp_a")
    })?;
    match srp::is_usable(&number) {
        true => Ok(number),
        false => Err(Refusal::invalid_parameter("Invalid SRP_A", "unusable_srp_a")),
    }
}

/// What a user proves: the temporary password where one has to be changed, else the password.
pub(super) fn of_user(server: &Server, account: &Account) -> Subject {
    let name = users::internal_name(&server.settings, account);
    let own = account.attributes.get("srp_salt");
    let (salt, salt_text) = own
        .and_then(|text| Some((srp::number(text)?, text.clone())))
        .unwrap_or_else(|| salt_of(server, &account.identity));
    let group = pool_name(server);
    let verifier = srp::verifier(&salt, &group, &name, users::opening_password(account));
    Subject { group, name, salt_text, verifier }
}

/// What nobody can prove, the same for one name at all times.
pub(super) fn of_nobody(server: &Server, name: &str) -> Subject {
    let (salt, salt_text) = salt_of(server, name);
    let verifier = srp::verifier(&salt, &server.salt_key, name, "nobody's");
    Subject { group: pool_name(server), name: name.to_owned(), salt_text, verifier }
}

/// Asks for a proof: what is kept, and the parameters of the challenge.
pub(super) fn ask(
    server: &Server,
    cx: &mut Context<'_>,
    subject: Subject,
    public_a: BigUint,
) -> (Proof, BTreeMap<String, String>) {
    let secret = BigUint::from_bytes_be(&cx.random.block());
    let ephemeral = match server.settings.srp_leading_zeros {
        true => Ephemeral::with_leading_zeros(&subject.verifier, secret, &public_a),
        false => Ephemeral::new(&subject.verifier, secret),
    };
    let block = BASE64.encode(&[cx.random.block(), cx.random.block()].concat());
    cx.secret(&block);
    let public_b = ephemeral.public.to_str_radix(16);
    let public_text = match server.settings.srp_leading_zeros {
        true => format!("{public_b:0>768}"),
        false => public_b,
    };
    let parameters = BTreeMap::from([
        ("SALT".to_owned(), subject.salt_text),
        ("SECRET_BLOCK".to_owned(), block.clone()),
        ("SRP_B".to_owned(), public_text),
    ]);
    let Subject { group, name, verifier, .. } = subject;
    (Proof { group, name, verifier, ephemeral, public_a, block }, parameters)
}

impl Proof {
    /// Whether the claim proves the password at this time.
    pub(super) fn holds(&self, server: &Server, now_ms: i64, claim: &Claim) -> bool {
        let window = i64::try_from(server.settings.srp_window.as_millis()).unwrap_or(i64::MAX);
        let Ok(block) = BASE64.decode(self.block.as_bytes()) else { return false };
        let key = self.ephemeral.key(&self.verifier, &self.public_a);
        let expected = srp::claim(&key, &self.group, &self.name, &block, &claim.at.canonical);
        claim.block == self.block
            && now_ms.abs_diff(claim.at.at_ms) <= window.unsigned_abs()
            && claim.signature == expected
    }
}

/// The pool's id after its region.
fn pool_name(server: &Server) -> String {
    let id = &server.settings.pool_id;
    id.split_once('_').map_or(id.as_str(), |(_, name)| name).to_owned()
}

fn salt_of(server: &Server, name: &str) -> (BigUint, String) {
    let hash = Sha256::digest(format!("salt of {name} by {}", server.salt_key));
    let bytes = if server.settings.srp_leading_zeros { &hash[..14] } else { &hash[..16] };
    let salt = BigUint::from_bytes_be(bytes);
    let text = salt.to_str_radix(16);
    (salt, text)
}
