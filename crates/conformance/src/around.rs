//! Adapters around another one: what one of them does not change is the other's.

use std::fmt;

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, Operation, Outcome, ProviderId,
    Realm, TokenSet, Verdict,
};

/// What is changed of an adapter. Nothing of what it says of itself by `Debug` is.
pub(crate) trait Around: Send + Sync + 'static {
    /// The other one.
    fn real(&self) -> &dyn AuthProvider;

    /// See [`AuthProvider::realm`].
    fn realm(&self) -> &Realm {
        self.real().realm()
    }

    /// See [`AuthProvider::request`].
    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        self.real().request(operation, ambient)
    }

    /// See [`AuthProvider::interpret`].
    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.real().interpret(operation, response, ambient)
    }
}

/// The adapter that comes of it.
pub(crate) struct Adapter<T>(pub(crate) T);

impl<T: Around> fmt::Debug for Adapter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.real().fmt(f)
    }
}

impl<T: Around> AuthProvider for Adapter<T> {
    fn id(&self) -> ProviderId {
        self.0.real().id()
    }

    fn realm(&self) -> &Realm {
        self.0.realm()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.real().capabilities()
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        self.0.request(operation, ambient)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        self.0.interpret(operation, response, ambient)
    }

    fn without_answer(&self, operation: &Operation, ambient: &Ambient<'_>) -> Option<Outcome> {
        self.0.real().without_answer(operation, ambient)
    }

    fn proves_password(&self, operation: &Operation, outcome: &Outcome) -> bool {
        self.0.real().proves_password(operation, outcome)
    }

    fn computes(&self, operation: &Operation) -> bool {
        self.0.real().computes(operation)
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.0.real().authorize(tokens, ambient)
    }

    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        self.0.real().rejects(head, body)
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::{ErrorKind, Memo, MemoPatch, Origin, Seed, Timestamp};

    use super::*;

    /// An adapter that leaves no method as it is by default.
    #[derive(Debug)]
    struct Own(Realm, Capabilities);

    impl AuthProvider for Own {
        fn id(&self) -> ProviderId {
            ProviderId::new("own")
        }

        fn realm(&self) -> &Realm {
            &self.0
        }

        fn capabilities(&self) -> &Capabilities {
            &self.1
        }

        fn request(&self, _: &Operation, _: &Ambient<'_>) -> Result<HttpRequest, Error> {
            Err(Error::new(ErrorKind::Unsupported))
        }

        fn interpret(
            &self,
            _: &Operation,
            _: &HttpResponse,
            _: &Ambient<'_>,
        ) -> Result<Outcome, Error> {
            Err(Error::new(ErrorKind::Unsupported))
        }

        fn without_answer(&self, _: &Operation, _: &Ambient<'_>) -> Option<Outcome> {
            Some(Outcome::Done(Default::default(), MemoPatch::none()))
        }

        fn proves_password(&self, _: &Operation, _: &Outcome) -> bool {
            true
        }

        fn computes(&self, _: &Operation) -> bool {
            true
        }

        fn authorize(&self, _: &TokenSet, _: &Ambient<'_>) -> Result<Authorization, Error> {
            Err(Error::new(ErrorKind::Unsupported))
        }

        fn rejects(&self, _: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
            Verdict::NeedsBody
        }
    }

    /// Changes nothing.
    struct Plain(Own);

    impl Around for Plain {
        fn real(&self) -> &dyn AuthProvider {
            &self.0
        }
    }

    #[test]
    fn the_other_adapter_is_asked_also_where_there_is_a_default() {
        let realm = Realm::new(Origin::parse("https://acme.example").unwrap());
        let around = Adapter(Plain(Own(realm, Capabilities::default())));
        let (seed, memo, credentials) = (Seed::default(), Memo::default(), Default::default());
        let now = Timestamp::UNIX_EPOCH;
        let ambient =
            Ambient { now, seed: &seed, credentials: &credentials, tokens: None, memo: &memo };
        let done = Outcome::Done(Default::default(), MemoPatch::none());
        assert!(around.computes(&Operation::SignIn));
        assert!(around.proves_password(&Operation::WhoAmI, &done));
        assert!(around.without_answer(&Operation::SignIn, &ambient).is_some());
    }
}
