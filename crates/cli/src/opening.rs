//! Opening the session of a profile on a keeper: the adapter, its secrets' sources, its policy.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::Reauthentication;
use countersign_core::{AuthProvider, CredentialKind, CredentialSource as _};
use countersign_runtime::{Keeper, KeeperBuilder, Session, SystemClock};

use crate::keep::Keep;
use crate::problem::Problem;
use crate::profile::{Profile, StoreSettings};
use crate::source::{AtHand, ProfileCredentials, Surroundings};
use crate::store;
use crate::transport::LazyTransport;

/// A session that is open, with what the profile made of it.
pub(crate) struct Opened {
    pub(crate) adapter: Arc<dyn AuthProvider>,
    pub(crate) session: Session,
    pub(crate) source: Arc<ProfileCredentials>,
}

/// When the sources of secrets are asked.
#[derive(Clone, Copy)]
pub(crate) enum Secrets {
    /// Also beforehand: what is wrong with them is told before anything is sent.
    Ahead,
    /// By an exchange that needs them. A token that is good, or can be renewed, is good without them.
    WhenNeeded,
    /// Those that a revocation is sent with, as far as they can be read. A session ends without them too.
    ToEnd,
    /// Only where a code must be computed for every request, and only plain ones.
    ForCodes,
    /// Nothing but the record is looked at.
    Never,
}

/// A keeper over the store of this user.
pub(crate) async fn keeper(
    settings: &StoreSettings,
    transport: &LazyTransport,
    clock: SystemClock,
) -> Result<Keeper, Problem> {
    Ok(described(settings, transport).await?.clock(clock).build()?)
}

/// The same, for somebody who has more to say of it. Its clock is still to be named.
pub(crate) async fn described(
    settings: &StoreSettings,
    transport: &LazyTransport,
) -> Result<KeeperBuilder, Problem> {
    let store = store::open(settings).await?;
    Ok(Keeper::builder().transport(transport.clone()).store(store).pull())
}

/// The sources of the profile's secrets, for its adapter.
pub(crate) fn sources(
    profile: &Profile,
    adapter: &dyn AuthProvider,
    clock: SystemClock,
) -> Result<ProfileCredentials, Problem> {
    Ok(ProfileCredentials {
        place: profile.place(),
        identity: profile.identity()?.map(str::to_owned),
        sources: profile.sources().to_vec(),
        optional: adapter.capabilities().credentials.optional.clone(),
        around: Surroundings {
            environment: crate::environment,
            withheld: profile.withheld().to_vec(),
            clock: Arc::new(clock),
        },
    })
}

/// Opens the session of `profile`; `wait` is for a token, each time, and new passwords go to `keep`.
pub(crate) async fn session(
    keeper: &Keeper,
    profile: &Profile,
    clock: SystemClock,
    secrets: Secrets,
    wait: Duration,
    keep: Keep,
) -> Result<Opened, Problem> {
    let built = profile.build()?;
    let source = Arc::new(sources(profile, &*built.adapter, clock)?);
    let (account, policy) = (profile.account()?, reauthentication(profile, source.interactive())?);
    let describe = || {
        keeper
            .session_of(Arc::clone(&built.adapter), account)
            .api_origins(built.api_origins.clone())
            .deadline(wait)
            .credential_sink(keep.clone())
            .reauthentication(policy)
    };
    // Requests that carry a code need the secret of it, however good the token is.
    let codes = built.adapter.capabilities().code_per_request.map(|_| CredentialKind::TotpSecret);
    let at_hand = |kinds, tell| Arc::new(AtHand { of: Arc::clone(&source), kinds, tell });
    let session = match secrets {
        Secrets::Ahead => describe().credentials_from(Arc::clone(&source) as _).open().await?,
        Secrets::Never => describe().open().await?,
        Secrets::ForCodes => match codes.filter(|_| source.is_plain()) {
            Some(kind) => describe().credentials_from(at_hand(vec![kind], false)).open().await?,
            None => describe().open().await?,
        },
        Secrets::WhenNeeded => {
            // The session that is named a second time is the same, and takes over the source that is named with it.
            let _opened = match codes {
                Some(kind) => describe().credentials_from(at_hand(vec![kind], true)).open().await?,
                None => describe().open().await?,
            };
            describe().credentials_from(Arc::clone(&source) as _).open_lazily()?
        }
        Secrets::ToEnd => {
            let _opened = describe().open().await?;
            let kinds = [CredentialKind::ClientSecret].into_iter().chain(codes).collect();
            describe().credentials_from(at_hand(kinds, true)).open_lazily()?
        }
    };
    Ok(Opened { adapter: built.adapter, session, source })
}

/// As the profile says, else by itself where no person has to be asked.
fn reauthentication(profile: &Profile, interactive: bool) -> Result<Reauthentication, Problem> {
    #[derive(Clone, Copy)]
    enum Word {
        Manual,
        Automatic,
    }
    let words = [("automatic", Word::Automatic), ("manual", Word::Manual)];
    let per_day = profile.count("sign_ins_per_day")?;
    let automatic = || match per_day {
        Some(per_day) => Reauthentication::Automatic { per_day },
        None => Reauthentication::default(),
    };
    match profile.choice("reauthentication", &words)? {
        None if interactive => Ok(Reauthentication::Manual),
        Some(Word::Automatic) if interactive => Err(profile.problem(
            "reauthentication",
            "cannot be automatic where a person is asked for a secret",
            "take it out, or name another source than prompt",
        )),
        None | Some(Word::Automatic) => Ok(automatic()),
        Some(Word::Manual) => Ok(Reauthentication::Manual),
    }
}
