//! Texts of a server that repeat a secret of the exchange.

use zeroize::Zeroizing;

use crate::challenge::ChallengeKind;
use crate::error::{Error, plain_char};
use crate::operation::{Operation, Outcome};
use crate::provider::Ambient;
use crate::secret::SecretString;
use crate::token::{IdToken, RefreshToken};

/// Shorter secrets are in too many sentences by chance.
const SHORTEST: usize = 4;

/// The beginning of a secret, of this length, is as telling as the whole.
const TELLING: usize = 16;

/// A text that was cut off may end in so much of a secret.
const CUT: usize = 6;

impl Ambient<'_> {
    /// What an adapter read out of the answer to `operation`, without the provider's words that repeat
    /// a secret of the exchange: an error tells its code, fields and request id to everybody, and a
    /// challenge its name and the names of its parameters.
    ///
    /// # Errors
    /// The error that was read, if it was one.
    pub fn without_echoes(
        &self,
        operation: &Operation,
        read: Result<Outcome, Error>,
    ) -> Result<Outcome, Error> {
        let repeats = |text: &str| self.repeats_a_secret(text, operation);
        match read {
            Ok(Outcome::Challenge(mut challenge, patch)) => {
                // The names of the other kinds are the adapter's own.
                if challenge.kind == ChallengeKind::Unsupported && repeats(&challenge.name) {
                    challenge.name = "unnamed".into();
                }
                challenge.parameters.retain(|name, _| !repeats(name));
                Ok(Outcome::Challenge(challenge, patch))
            }
            Ok(outcome) => Ok(outcome),
            Err(error) => Err(error.without_echoes(repeats)),
        }
    }

    /// Whether `text`, which a provider wrote in answer to `operation`, repeats a secret that this
    /// exchange has sent or could have sent, also if it was made plain or cut off. Such a text is kept
    /// nowhere.
    pub fn repeats_a_secret(&self, text: &str, operation: &Operation) -> bool {
        let holds = |secret: &SecretString| {
            secret.len() >= SHORTEST && (text.contains(secret.expose()) || hints(text, secret))
        };
        let given = [
            self.credentials.expect_password().ok(),
            self.credentials.totp_secret(),
            self.credentials.client_secret(),
        ];
        let held = self.tokens.map(|tokens| {
            [
                Some(tokens.access_token().secret()),
                tokens.refresh_token().map(RefreshToken::secret),
                tokens.id_token().map(IdToken::secret),
            ]
        });
        let mut known = given.into_iter().chain(held.into_iter().flatten()).flatten();
        let code = self.credentials.totp_secret().is_some() && has_code(text);
        known.any(holds) || carries(operation, &holds) || code
    }
}

/// Whether `text` has a number of six digits: the adapter computes its codes, so that any may be one.
fn has_code(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() == 6)
}

/// Whether `text` holds what became of `secret` in a word of an error: plain characters, cut to a length.
fn hints(text: &str, secret: &SecretString) -> bool {
    // A copy in one piece, which is wiped: no character becomes longer.
    let mut reduced = Zeroizing::new(String::with_capacity(secret.len()));
    reduced.extend(secret.expose().chars().map(plain_char));
    let start = reduced.get(..TELLING).unwrap_or(&reduced);
    let cut = (CUT..reduced.len()).any(|length| text.ends_with(&reduced[..length]));
    (reduced.len() >= SHORTEST && text.contains(start)) || cut
}

fn carries(operation: &Operation, holds: &impl Fn(&SecretString) -> bool) -> bool {
    match operation {
        Operation::ChangePassword { new_password } => holds(new_password),
        Operation::ConfirmForgotPassword { code, new_password } => {
            holds(code) || holds(new_password)
        }
        Operation::Answer { answers, .. } => answers.iter().any(|(_, answer)| holds(answer)),
        Operation::Register { attributes } => attributes.iter().any(|(_, value)| holds(value)),
        Operation::Extension { input, .. } => input.iter().any(|(_, value)| holds(value)),
        Operation::Continue { of, .. } => carries(of, holds),
        Operation::SignIn
        | Operation::Refresh
        | Operation::Revoke
        | Operation::SignOutEverywhere
        | Operation::ForgotPassword
        | Operation::WhoAmI => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Ambient, Challenge, ChallengeKind, Continuation, Credentials, Error, ErrorKind, FieldError,
        Memo, MemoPatch, Operation, Outcome, Seed, Timestamp,
    };

    fn with_password<T>(password: &str, act: impl FnOnce(&Ambient<'_>) -> T) -> T {
        let credentials = Credentials::password("kim", password.to_owned());
        let (seed, memo) = (Seed::default(), Memo::default());
        let now = Timestamp::UNIX_EPOCH;
        act(&Ambient { now, seed: &seed, credentials: &credentials, tokens: None, memo: &memo })
    }

    #[test]
    fn f32_a_text_that_repeats_a_password_is_known() {
        with_password("canary-1", |ambient| {
            assert!(ambient.repeats_a_secret("canary-1 is wrong", &Operation::SignIn));
            assert!(!ambient.repeats_a_secret("that is wrong", &Operation::SignIn));
            let change = Operation::ChangePassword { new_password: "canary-2".to_owned().into() };
            assert!(ambient.repeats_a_secret("canary-2 is too short", &change));
        });
    }

    #[test]
    fn f32_words_of_an_error_that_repeat_a_password_are_dropped_also_made_plain_or_cut() {
        let password = "canary\u{e4}p4ssword!and-so-on";
        for echo in [password.to_owned(), format!("{}{password}", "x".repeat(50))] {
            let error = Error::new(ErrorKind::InvalidGrant)
                .with_code(&echo)
                .with_request_id(&echo)
                .with_detail(&echo)
                .with_fields([FieldError::new(&echo, "bad"), FieldError::new("email", "missing")]);
            let shown = with_password(password, |ambient| {
                let clean = ambient.without_echoes(&Operation::SignIn, Err(error));
                let error = clean.unwrap_err();
                format!("{error} {error:?} {:?}", error.detail())
            });
            assert!(!shown.contains("canary") && shown.contains("email (missing)"), "{shown}");
        }
    }

    #[test]
    fn f32_six_digits_may_be_the_code_of_who_has_a_totp_secret() {
        with_password("canary-1", |ambient| {
            let credentials = ambient.credentials.clone().with_totp_secret("CANARY".to_owned());
            let with_code = Ambient { credentials: &credentials, ..*ambient };
            assert!(with_code.repeats_a_secret("code 081804 is wrong", &Operation::SignIn));
            assert!(!with_code.repeats_a_secret("call 0818045", &Operation::SignIn));
            assert!(!ambient.repeats_a_secret("code 081804 is wrong", &Operation::SignIn));
        });
    }

    #[test]
    fn f32_a_challenge_named_after_a_password_loses_its_name() {
        let outcome = |name: &str| {
            let (now, handle) = (Timestamp::UNIX_EPOCH, Continuation::default());
            let mut challenge = Challenge::new(name, ChallengeKind::Unsupported, handle, now);
            challenge.parameters.insert(name.into(), "value".into());
            Ok(Outcome::Challenge(Box::new(challenge), MemoPatch::none()))
        };
        let shown = |name: &str| {
            let clean =
                |ambient: &Ambient<'_>| ambient.without_echoes(&Operation::SignIn, outcome(name));
            format!("{:?}", with_password("canary-1", clean))
        };
        assert!(!shown("canary-1").contains("canary"));
        assert!(shown("DEVICE_SRP_AUTH").contains(r#"["DEVICE_SRP_AUTH"]"#));
    }
}
