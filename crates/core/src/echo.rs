//! Texts of a server that repeat a secret of the exchange.

use crate::operation::Operation;
use crate::provider::Ambient;
use crate::secret::SecretString;
use crate::token::{IdToken, RefreshToken};

/// Shorter secrets are in too many sentences by chance.
const SHORTEST: usize = 4;

impl Ambient<'_> {
    /// Whether `text`, which a provider wrote in answer to `operation`, repeats a secret that this
    /// exchange has sent or could have sent. Such a text is kept nowhere.
    pub fn repeats_a_secret(&self, text: &str, operation: &Operation) -> bool {
        let holds =
            |secret: &SecretString| secret.len() >= SHORTEST && text.contains(secret.expose());
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
        known.any(holds) || carries(operation, &holds)
    }
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
    use crate::{Ambient, Credentials, Memo, Operation, Seed, Timestamp};

    #[test]
    fn f32_a_text_that_repeats_a_password_is_known() {
        let credentials = Credentials::password("kim", "canary-1".to_owned());
        let (seed, memo) = (Seed::default(), Memo::default());
        let ambient = Ambient {
            now: Timestamp::UNIX_EPOCH,
            seed: &seed,
            credentials: &credentials,
            tokens: None,
            memo: &memo,
        };
        assert!(ambient.repeats_a_secret("canary-1 is wrong", &Operation::SignIn));
        assert!(!ambient.repeats_a_secret("that is wrong", &Operation::SignIn));
        let change = Operation::ChangePassword { new_password: "canary-2".to_owned().into() };
        assert!(ambient.repeats_a_secret("canary-2 is too short", &change));
    }
}
