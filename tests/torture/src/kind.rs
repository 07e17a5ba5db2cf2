//! The kinds of refresh that providers have: a server of each, and the adapter that knows it for what it is.

use std::sync::Arc;
use std::time::Duration;

use countersign_cognito::{Cognito, Flow};
use countersign_core::{AuthProvider, Credentials, Error};
use countersign_ibanera::Ibanera;
use countersign_ibex::IbexOauth2;
use countersign_simulator::{AuthFlow, Simulator};
use countersign_wikimedia::Wikimedia;
use serde::{Deserialize, Serialize};

/// How long a spent refresh token is still taken, where it is.
pub(crate) const GRACE: Duration = Duration::from_secs(20);

/// How long a one-time code holds, and how many tokens one refresh token buys, where that is limited.
pub(crate) const CODE_STEP: Duration = Duration::from_secs(3);
pub(crate) const BUDGET: u32 = 5;

/// What the provider does with a refresh token, and what is known about it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum Kind {
    /// There is none: the grant is repeated.
    Absent,
    /// It stays, and buys five tokens.
    Budget,
    /// There is none, and every sign-in needs a one-time code that was not used.
    Codes,
    /// Each use gives another one; the old one is taken for a while.
    Grace,
    /// Each use gives another one; the old one is dead at once, and its use ends the session.
    NoGrace,
    /// It stays.
    Reusable,
    /// It stays, and nobody has said so.
    Unknown,
}

/// What a client of a server has to know.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) url: String,
    pub(crate) identity: String,
    pub(crate) password: String,
    pub(crate) client: String,
    pub(crate) client_secret: String,
    pub(crate) totp_secret: String,
    /// The user pool, or the audience.
    pub(crate) place: String,
    /// The address of an API that takes the tokens.
    pub(crate) resource: String,
}

impl Kind {
    /// Those that differ in what a crash does.
    pub(crate) const ALL: [Self; 5] =
        [Self::Reusable, Self::Grace, Self::NoGrace, Self::Unknown, Self::Absent];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Budget => "with a budget",
            Self::Codes => "absent, with codes",
            Self::Grace => "rotating, with a grace",
            Self::NoGrace => "rotating, without a grace",
            Self::Reusable => "reusable",
            Self::Unknown => "unknown",
        }
    }

    /// A server of this kind whose access tokens live for `life`.
    pub(crate) fn simulator(self, life: Duration) -> Simulator {
        let pool = Simulator::cognito().access_life(life).allow(AuthFlow::UserPassword);
        match self {
            Self::Absent => Simulator::ibex().oauth_life(life).build(),
            Self::Budget => {
                Simulator::wikimedia().access_life(life).budget(BUDGET as usize).build()
            }
            Self::Codes => Simulator::ibanera()
                .access_life(life)
                .period(CODE_STEP)
                .without_refresh_token()
                .build(),
            Self::Grace => pool.rotating(GRACE).build(),
            Self::NoGrace => pool.rotating(Duration::ZERO).build(),
            Self::Reusable | Self::Unknown => pool.build(),
        }
    }

    pub(crate) fn facts(self, simulator: &Simulator, url: &str) -> Facts {
        let described = |name: &str| {
            let all = simulator.describe();
            all.into_iter().find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
        };
        let (account, client) = (simulator.account(), simulator.client());
        let (identity, place) = match self {
            Self::Absent => (client.identity.clone(), described("AUDIENCE")),
            _ => (account.identity, described("USER_POOL_ID")),
        };
        Facts {
            url: url.to_owned(),
            identity,
            password: account.password,
            client: client.identity,
            client_secret: client.password,
            totp_secret: account.totp_secret.unwrap_or_default(),
            place,
            resource: format!("{url}{}", described("RESOURCE")),
        }
    }

    /// The adapter, told what is so.
    pub(crate) fn adapter(self, facts: &Facts) -> Result<Arc<dyn AuthProvider>, Error> {
        let pool = || {
            let pool = Cognito::pool(&facts.place, &facts.client)?.endpoint(&facts.url)?;
            Ok::<_, Error>(pool.flow(Flow::UserPassword))
        };
        Ok(match self {
            Self::Absent => {
                Arc::new(IbexOauth2::at(&facts.url, &facts.url, &facts.place, &facts.client)?)
            }
            Self::Budget => Arc::new(Wikimedia::at(&facts.url)?.refresh_budget(BUDGET)),
            Self::Codes => Arc::new(Ibanera::at(&facts.url)?.totp_period(CODE_STEP)),
            Self::Grace => Arc::new(pool()?.rotation(GRACE)),
            Self::NoGrace => Arc::new(pool()?.rotation(Duration::ZERO)),
            Self::Reusable => Arc::new(pool()?.no_rotation()),
            Self::Unknown => Arc::new(pool()?),
        })
    }

    pub(crate) fn credentials(self, facts: &Facts) -> Credentials {
        let named = Credentials::new().with_identity(facts.identity.clone());
        let (password, secret) = (facts.password.clone(), facts.client_secret.clone());
        match self {
            Self::Absent => named.with_client_secret(secret),
            Self::Budget => named.with_password(password),
            Self::Codes => {
                named.with_password(password).with_totp_secret(facts.totp_secret.clone())
            }
            _ => named.with_client_secret(secret).with_password(password),
        }
    }
}
