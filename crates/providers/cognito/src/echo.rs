//! Texts of a server that repeat a secret of the request.
//!
//! A text is prose for people and is kept as such, but a server may put into it what it was sent: a
//! test server answers some refusals with the access token, the session or the secret hash alone.

use countersign_core::{Ambient, IdToken, Operation, RefreshToken, SecretString};

use crate::challenge::Pending;

/// Shorter secrets are in too many sentences by chance.
const SHORTEST: usize = 4;
/// A word that is longer is no word of a sentence.
const LONGEST_WORD: usize = 24;

/// Whether `text` is prose, and holds no secret that this exchange has sent, or could have.
pub(crate) fn is_harmless(text: &str, operation: &Operation, ambient: &Ambient<'_>) -> bool {
    let one_word = !text.trim().contains(char::is_whitespace);
    let opaque = one_word && text.len() > LONGEST_WORD;
    !opaque && !repeats_a_secret(text, operation, ambient)
}

fn repeats_a_secret(text: &str, operation: &Operation, ambient: &Ambient<'_>) -> bool {
    let holds = |secret: &SecretString| secret.len() >= SHORTEST && text.contains(secret.expose());
    let credentials = ambient.credentials;
    let given = [
        credentials.expect_password().ok(),
        credentials.totp_secret(),
        credentials.client_secret(),
    ];
    let held = ambient.tokens.map(|tokens| {
        [
            Some(tokens.access_token().secret()),
            tokens.refresh_token().map(RefreshToken::secret),
            tokens.id_token().map(IdToken::secret),
        ]
    });
    let mut known = given.into_iter().chain(held.into_iter().flatten()).flatten();
    known.any(holds) || repeats_what_it_carries(operation, holds)
}

fn repeats_what_it_carries(operation: &Operation, holds: impl Fn(&SecretString) -> bool) -> bool {
    match operation {
        Operation::ChangePassword { new_password } => holds(new_password),
        Operation::ConfirmForgotPassword { code, new_password } => {
            holds(code) || holds(new_password)
        }
        Operation::Answer { challenge, answers } => {
            let pending = Pending::from_continuation(&challenge.continuation).ok();
            let session = pending.as_ref().and_then(Pending::session);
            session.is_some_and(&holds) || answers.iter().any(|(_, answer)| holds(answer))
        }
        Operation::Continue { continuation, .. } => {
            let pending = Pending::from_continuation(continuation).ok();
            pending.as_ref().and_then(Pending::session).is_some_and(holds)
        }
        _ => false,
    }
}
