//! What the store holds: every record, whose it is, and how its session stands. Nothing is exchanged, no
//! secret source is asked, and no lock is taken to read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use countersign_core::{
    Clock as _, Error, ErrorKind, RecordName, Revision, SessionKey, SessionStore as _, StoredKey,
    StoredRecord, Timestamp,
};
use countersign_runtime::{StoredState, SystemClock};
use countersign_seal::{AccountRecord, EndCause, Found, Sealer, SessionRecord};
use countersign_store_file::FileStore;
use tokio::runtime::Runtime;

use crate::exit::Exit;
use crate::interrupt::{self, Hearing};
use crate::problem::Problem;
use crate::profile::{self, ProfileFile, nearest};
use crate::store;

/// So many digits of a record's name tell it from the others, as long as they do.
pub(crate) const SHORT: usize = 8;

/// Fewer of them name nothing: most likely a variable of a script was empty, and every name begins with that.
const FEWEST: usize = 4;

/// The records of the store as they were at one moment.
pub(crate) struct Shelf {
    runtime: Runtime,
    hearing: Hearing,
    /// `None` where nothing was ever stored.
    kept: Option<(FileStore, Sealer)>,
    books: Vec<Book>,
    now: Timestamp,
}

/// Whose record it is, and what of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A session.
    Session,
    /// What an account must be spared.
    Guards,
    /// It cannot be opened, and nothing says which of the two it was.
    Unknown,
}

/// One record.
pub(crate) struct Book {
    pub(crate) name: RecordName,
    pub(crate) revision: Revision,
    /// Whose it is, if it says so or a profile does.
    pub(crate) key: Option<StoredKey>,
    /// The profiles that describe this session.
    pub(crate) profiles: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) state: State,
}

/// What was found in it.
pub(crate) enum State {
    Session(Box<SessionRecord>),
    Account(AccountRecord),
    /// It is of format 1, which does not say whose it is, and no profile leads to it.
    Unnamed,
    Unreadable(Error),
}

impl Shelf {
    /// Looks at everything. `file` gives the sessions the names of their profiles.
    ///
    /// # Errors
    /// [`Exit::Store`] if the store, or its key, cannot be read. A record that cannot be is no error.
    pub(crate) fn look(file: Option<&ProfileFile>) -> Result<Self, Problem> {
        let settings = file.map(|file| file.store().clone()).unwrap_or_default();
        let (runtime, hearing) = (store::runtime(&settings)?, store::hearing(&settings));
        let folder: PathBuf = profile::state_folder(crate::environment)?;
        let now = SystemClock::new().now();
        if !profile::is_state_there(&folder)? {
            return Ok(Self { runtime, hearing, kept: None, books: Vec::new(), now });
        }
        let (kept, books) = interrupt::block_on(&runtime, hearing, async {
            let store = store::open(&settings).await?;
            let names = store.list().await?;
            if names.is_empty() {
                // No key is made to look at nothing.
                return Ok((None, Vec::new()));
            }
            let sealer = Sealer::new(store.seal_keys().await?)?;
            let owners = file.map(|file| Owners::of(file, &sealer)).unwrap_or_default();
            let mut books = Vec::new();
            for name in names {
                // One by one: a record that cannot be read is not in the way of the others.
                let loaded = store.load(&name).await;
                books.extend(Book::of(name, loaded, &sealer, &owners));
            }
            about_guards(&mut books, &sealer);
            Ok((Some((store, sealer)), books))
        })?;
        Ok(Self { runtime, hearing, kept, books, now })
    }

    /// Every record.
    pub(crate) fn all(&self) -> &[Book] {
        &self.books
    }

    /// The records of sessions, and those of which that is not known, in the order of whose they are.
    pub(crate) fn sessions(&self) -> Vec<&Book> {
        let mut found: Vec<&Book> =
            self.books.iter().filter(|book| !matches!(book.state, State::Account(_))).collect();
        found.sort_by(|a, b| (&a.key, &a.name).cmp(&(&b.key, &b.name)));
        found
    }

    /// The session that `wanted` names: the beginning of its record's name; else that of `profile`.
    ///
    /// # Errors
    /// [`Exit::Usage`] if it names none, or several.
    pub(crate) fn session(
        &self,
        wanted: Option<&str>,
        profile: Option<&str>,
    ) -> Result<&Book, Problem> {
        if let Some(id) = wanted.filter(|id| id.len() < FEWEST) {
            return Err(Problem::usage(
                format!("`{id}` is too short for the id of a session"),
                format!(
                    "give {FEWEST} digits of it at least, as `countersign sessions list` shows it"
                ),
            ));
        }
        let sessions = self.sessions();
        let list = "`countersign sessions list` shows what is stored";
        let found: Vec<&Book> = match (wanted, profile) {
            (Some(id), _) => {
                sessions.into_iter().filter(|book| book.name.as_str().starts_with(id)).collect()
            }
            (None, Some(profile)) => {
                let of = |book: &&Book| book.profiles.iter().any(|known| known == profile);
                sessions.into_iter().filter(of).collect()
            }
            // What an account must be spared is meant by its id alone.
            (None, None) => sessions.into_iter().filter(|b| b.kind != Kind::Guards).collect(),
        };
        match (&found[..], wanted, profile) {
            ([only], ..) => Ok(only),
            ([], Some(id), _) => {
                let ids = self.books.iter().map(|book| book.name.as_str());
                let near = nearest(id, ids).map(|near| &near[..SHORT]).unwrap_or_default();
                let help = if near.is_empty() {
                    list.to_owned()
                } else {
                    format!("did you mean {near}? {list}")
                };
                Err(Problem::usage(format!("no stored session is called {id}"), help))
            }
            ([], None, Some(profile)) => Err(Problem::new(
                Exit::SignInNeeded,
                format!("nothing is stored of the profile {profile}"),
                format!("run `countersign login --profile {profile}`; {list}"),
            )),
            ([], None, None) => Err(Problem::new(
                Exit::SignInNeeded,
                "nothing is stored",
                "run `countersign login`",
            )),
            _ => Err(Problem::usage(
                "several stored sessions are meant",
                format!("name one by the beginning of its id, or by --profile; {list}"),
            )),
        }
    }

    /// What all sessions of an account share, if that was ever written and can be read.
    pub(crate) fn account(&self, key: &StoredKey) -> Option<&AccountRecord> {
        match &self.guards(key)?.state {
            State::Account(record) => Some(record),
            _ => None,
        }
    }

    /// The record of that, also where it cannot be read.
    pub(crate) fn guards(&self, key: &StoredKey) -> Option<&Book> {
        let (_, sealer) = self.kept.as_ref()?;
        let name = sealer.name(&key.account().digest());
        self.books.iter().find(|book| book.name == name)
    }

    /// When it was looked.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Does something with the store, under the lock of `book`'s account where that is known: whoever is in
    /// the middle of an exchange is waited for.
    pub(crate) fn locked<T>(
        &self,
        book: &Book,
        wait: Duration,
        work: impl AsyncFnOnce(&FileStore, &Sealer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let (store, sealer) = self.kept()?;
        interrupt::block_on(&self.runtime, self.hearing, async {
            // An account's own record has the name of its lock.
            let account = book.key.as_ref().map(|key| sealer.name(&key.account().digest()));
            let lock = store.lock(account.as_ref().unwrap_or(&book.name), LEASE, wait).await?;
            let done = work(store, sealer).await;
            lock.release().await;
            done
        })
    }

    /// Does something with the store as a whole.
    pub(crate) fn at_work<T>(
        &self,
        work: impl AsyncFnOnce(&FileStore) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let (store, _) = self.kept()?;
        interrupt::block_on(&self.runtime, self.hearing, work(store))
    }

    fn kept(&self) -> Result<&(FileStore, Sealer), Problem> {
        self.kept.as_ref().ok_or_else(|| {
            Problem::new(Exit::SignInNeeded, "nothing is stored", "run `countersign login`")
        })
    }
}

/// Records of guards that are gone, and whose those are that cannot be read: sessions say it.
fn about_guards(books: &mut Vec<Book>, sealer: &Sealer) {
    let mut accounts = BTreeMap::new();
    for book in &*books {
        if let (State::Session(record), Some(key)) = (&book.state, &book.key) {
            let account = key.account();
            let known = accounts.entry(sealer.name(&account.digest())).or_insert((account, false));
            known.1 |= record.guarded;
        }
    }
    for book in &mut *books {
        if let Some((account, _)) = accounts.remove(&book.name)
            && matches!(book.state, State::Unreadable(_))
        {
            (book.key, book.kind) = (Some(account), Kind::Guards);
        }
    }
    let missing = accounts.into_iter().filter(|(_, (_, guarded))| *guarded);
    books.extend(missing.map(|(name, (account, _))| {
        Book {
            name,
            revision: Revision::NONE,
            key: Some(account),
            profiles: Vec::new(),
            kind: Kind::Guards,
            state: State::Unreadable(
                Error::new(ErrorKind::Store)
                    .with_code(MISSING)
                    .hint("the record is gone; bring it back"),
            ),
        }
    }));
    books.sort_by(|a, b| a.name.cmp(&b.name));
}

/// The code of guards that were there and are gone.
pub(crate) const MISSING: &str = "guards_missing";

/// Longer than any write.
const LEASE: Duration = Duration::from_secs(60);

/// Whom profiles describe, by the names of their records.
#[derive(Default)]
struct Owners {
    sessions: BTreeMap<RecordName, (SessionKey, Vec<String>)>,
    accounts: BTreeMap<RecordName, StoredKey>,
}

impl Owners {
    fn of(file: &ProfileFile, sealer: &Sealer) -> Self {
        let mut owners = Self::default();
        for name in file.names() {
            // A profile that is wrong describes nothing; `doctor` says so.
            let Ok(key) = file.profile(Some(name)).and_then(|profile| profile.session_key()) else {
                continue;
            };
            let account = StoredKey::from(&key).account();
            owners.accounts.insert(sealer.name(&account.digest()), account);
            let session = sealer.name(&key.digest());
            owners.sessions.entry(session).or_insert((key, Vec::new())).1.push(name.to_owned());
        }
        owners
    }
}

impl Book {
    fn of(
        name: RecordName,
        loaded: Result<Option<StoredRecord>, Error>,
        sealer: &Sealer,
        owners: &Owners,
    ) -> Option<Self> {
        let owner = owners.sessions.get(&name);
        let account = owners.accounts.get(&name);
        let profiles = owner.map(|(_, profiles)| profiles.clone()).unwrap_or_default();
        // Whose it must be, where it does not say so itself.
        let described = owner.map(|(key, _)| key.into()).or_else(|| account.cloned());
        let kind = match (owner, account) {
            (Some(_), _) => Kind::Session,
            (_, Some(_)) => Kind::Guards,
            _ => Kind::Unknown,
        };
        let record = match loaded {
            Ok(Some(record)) => record,
            // Gone since the list was made.
            Ok(None) => return None,
            Err(error) => {
                let state = State::Unreadable(error);
                let revision = Revision::NONE;
                return Some(Self { name, revision, key: described, profiles, kind, state });
            }
        };
        let sealed = record.bytes.expose_bytes();
        let (key, state) = match sealer.open_found(&name, sealed) {
            Ok(Found::Session(key, record)) => (Some(key), State::Session(record)),
            Ok(Found::Account(key, record)) => (Some(key), State::Account(record)),
            Ok(found) => (Some(found.key().clone()), State::Unnamed),
            Err(error) if error.code() == Some("unnamed") => match owner {
                Some((key, _)) => (Some(key.into()), opened(sealer.open_session(key, sealed))),
                None => (None, State::Unnamed),
            },
            Err(error) => (described, State::Unreadable(error)),
        };
        let kind = match &state {
            State::Session(_) | State::Unnamed => Kind::Session,
            State::Account(_) => Kind::Guards,
            // What stands in front of a broken seal proves nothing.
            State::Unreadable(_) => kind,
        };
        Some(Self { name, revision: record.revision, key, profiles, kind, state })
    }

    /// The beginning of its name.
    pub(crate) fn id(&self) -> &str {
        &self.name.as_str()[..SHORT]
    }

    /// Whether it was there once and is gone.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(&self.state, State::Unreadable(error) if error.code() == Some(MISSING))
    }

    /// The session in it.
    pub(crate) fn record(&self) -> Option<&SessionRecord> {
        match &self.state {
            State::Session(record) => Some(record),
            _ => None,
        }
    }

    /// How the session in it stands.
    pub(crate) fn stands(&self, now: Timestamp) -> Option<StoredState> {
        self.record().map(|record| state(record, now))
    }

    /// One word for how it stands.
    pub(crate) fn word(&self, now: Timestamp) -> &str {
        match &self.state {
            State::Session(record) => state(record, now).as_str(),
            State::Account(_) => "account",
            State::Unnamed => "unnamed",
            State::Unreadable(_) if self.is_missing() => MISSING,
            State::Unreadable(_) if self.kind == Kind::Guards => "guards_unreadable",
            State::Unreadable(error) => error.code().unwrap_or("unreadable"),
        }
    }
}

fn opened(record: Result<SessionRecord, Error>) -> State {
    match record {
        Ok(record) => State::Session(Box::new(record)),
        Err(error) => State::Unreadable(error),
    }
}

/// How a session stands that nobody has open, as [`countersign_runtime::Keeper::stored`] has it.
fn state(record: &SessionRecord, now: Timestamp) -> StoredState {
    let tokens = record.tokens.as_ref();
    let refresh = tokens.and_then(|tokens| tokens.refresh_token()).map(|token| token.fingerprint());
    let uncertain = record.journal.is_some_and(|journal| Some(journal.refresh) == refresh);
    let waits = record.challenge.as_ref().is_some_and(|c| c.challenge.expires_at > now);
    match record.ended {
        Some(ended) if ended.cause == EndCause::Revoked => StoredState::Revoked,
        Some(_) => StoredState::SignedOut,
        None if uncertain => StoredState::Uncertain,
        None if tokens.is_some_and(|tokens| tokens.expires_at() > now) => StoredState::Good,
        None if waits => StoredState::Challenged,
        None if is_renewable(record, now) => StoredState::Refreshable,
        None if tokens.is_some() => StoredState::Over,
        None => StoredState::Empty,
    }
}

/// Whether a refresh token is there that was not refused and has not ended.
pub(crate) fn is_renewable(record: &SessionRecord, now: Timestamp) -> bool {
    record.tokens.as_ref().is_some_and(|tokens| {
        let refresh = tokens.refresh_token().map(|token| token.fingerprint());
        let over = tokens.refresh_expires_at().is_some_and(|end| end <= now);
        refresh.is_some() && refresh != record.refresh_dead && !over
    })
}

/// A record that somebody else has changed meanwhile.
pub(crate) fn changed() -> Problem {
    let error = Error::new(ErrorKind::Store);
    let help = "somebody else has written it meanwhile; try again";
    Problem::from(&error).help(help)
}
