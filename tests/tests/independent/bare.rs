//! Adapter and transport without the engine: for what a session rightly never does, such as sending a
//! spent refresh token.

use countersign_core::{
    Ambient, AuthProvider, Clock, Credentials, Error, Generation, HttpTransport, Memo, Operation,
    Outcome, SecretBytes, Seed, StoredTokens, TokenResponse, TokenSet,
};
use countersign_reqwest::Client;
use countersign_runtime::SystemClock;

use crate::support::{client, told};

pub(crate) struct Bare<P> {
    adapter: P,
    credentials: Credentials,
    client: Client,
    clock: SystemClock,
}

impl<P: AuthProvider> Bare<P> {
    pub(crate) fn new(adapter: P, credentials: Credentials) -> Self {
        Self { adapter, credentials, client: client(), clock: SystemClock::new() }
    }

    /// One operation, with the steps that the adapter takes alone.
    pub(crate) async fn run(
        &self,
        operation: &Operation,
        tokens: Option<&TokenSet>,
    ) -> Result<Outcome, Error> {
        let (seed, mut memo) = (Seed::new(SecretBytes::new(vec![7; 32])), Memo::default());
        let mut step = operation.clone();
        loop {
            let ambient = Ambient {
                now: self.clock.now(),
                seed: &seed,
                credentials: &self.credentials,
                tokens,
                memo: &memo,
            };
            let request = self.adapter.request(&step, &ambient)?;
            let response = self.client.send(request).await.expect("the server is there");
            match self.adapter.interpret(&step, &response, &ambient)? {
                Outcome::Continue(continuation, facts) => {
                    memo.apply(facts);
                    step = Operation::Continue { of: Box::new(operation.clone()), continuation };
                }
                end => return Ok(end),
            }
        }
    }

    pub(crate) async fn sign_in(&self) -> TokenSet {
        let end = self.run(&Operation::SignIn, None).await;
        match end {
            Ok(Outcome::Tokens(response, _)) => self.held(*response),
            other => panic!("a sign-in came to {}", told(&other)),
        }
    }

    /// Buys the next tokens with the refresh token of `tokens`.
    pub(crate) async fn refresh(&self, tokens: &TokenSet) -> Result<TokenSet, Error> {
        match self.run(&Operation::Refresh, Some(tokens)).await? {
            Outcome::Tokens(response, _) => Ok(self.held(*response)),
            other => panic!("a refresh came to {other:?}"),
        }
    }

    fn held(&self, response: TokenResponse) -> TokenSet {
        let now = self.clock.now();
        TokenSet::from_stored(StoredTokens {
            generation: Generation { counter: 1, tag: 1 },
            access_token: response.access_token,
            refresh_token: response.refresh_token,
            id_token: response.id_token,
            issued_at: now,
            expires_at: now.shifted(3_600_000),
            refresh_expires_at: None,
            refreshes: 0,
            subject: response.subject,
            profile: response.profile,
        })
    }
}
