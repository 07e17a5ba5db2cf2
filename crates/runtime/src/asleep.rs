//! A session that nobody uses, in little space: what it holds as one piece of bytes, and back.
//!
//! A million sessions are mostly idle. What is written here is all that a session at rest knows; what
//! can be computed again (the finished header, fingerprints, the machine) is left out, and a token that
//! is written in the alphabet of base64url, as most are, takes six bits a character.

use std::time::Duration;

use countersign_core::session::{AtRest, Held, Machine, Purpose, Status};
use countersign_core::{
    AccessToken, Generation, IdToken, Monotonic, Profile, RefreshToken, StoredTokens, Timestamp,
    TokenSet,
};
use countersign_scheduler::Now;
use zeroize::Zeroizing;

use crate::cell::Outlook;
use crate::in_mind;
use crate::inner::Core;
use crate::squeeze::{
    Input, Packed, RING, push_ring, push_text, push_token, put, text_length, token_length,
};
use crate::told::ToldLog;

/// A session at rest. Wiped when it goes.
pub(crate) struct Asleep(Zeroizing<Box<[u8]>>);

/// Where the end of a refresh token is not known.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// So many bytes name a generation.
const GENERATION: usize = 12;

/// Where the instant of the last use stands: after two bytes of flags and strikes and three other instants.
const LAST_USED: usize = 2 + GENERATION + 3 * size_of::<i64>();

/// Where that of the appointment stands, and behind it that of the monotonic clock.
const APPOINTED: usize = LAST_USED + size_of::<i64>();

/// What is written of every session: up to the appointment, this, seven numbers, and how many facts there are.
const FIXED: usize = APPOINTED + 3 * size_of::<u64>() + 4 * size_of::<u32>() + 1;

const DEAD: u8 = 1;
const KEPT: u8 = 2;
const DOZING: u8 = 4;
const PUBLISHED: u8 = 8;
const RENEW: u8 = 16;
const MOMENT: u8 = 32;

impl Core {
    /// What is left of a session that rests on a good, saved token, with nothing under way and nothing
    /// to tell; `None` of any other.
    pub(crate) fn asleep(&self) -> Option<Asleep> {
        let rest = self.machine.at_rest()?;
        let busy = !self.flights.is_empty()
            || !self.saved
            || self.unsaved.is_some()
            || self.challenge.is_some()
            || self.answers.is_some()
            || self.one_time.is_some()
            || self.carried.is_some()
            || !self.unsent.is_empty()
            || self.last_error.is_some()
            || self.failing_since.is_some()
            || self.kept_until.is_some()
            || !self.read
            || self.published.is_some_and(|published| published != rest.held.generation)
            || !self.told.is_quiet(self.moves);
        let tokens = self.held.as_ref().filter(|_| !busy)?;
        let dead = rest.held.refresh.is_some_and(|refresh| refresh.dead);
        if Held::of(tokens, dead) != rest.held {
            return None;
        }
        let flags = flag(DEAD, dead)
            | flag(KEPT, rest.kept)
            | flag(DOZING, self.dozing)
            | flag(PUBLISHED, self.published.is_some());
        let (kind, at, mono) = match self.appointment {
            None => (0, Timestamp::UNIX_EPOCH, Monotonic::default()),
            Some((wish, at, mono)) if wish == rest.renewal() => (RENEW, at, mono),
            Some((wish, at, mono)) if wish == rest.end() => (MOMENT, at, mono),
            Some(_) => return None,
        };
        let stored = tokens.stored();
        let refresh = stored.refresh_token.as_ref().map(|token| token.secret().expose());
        let id = stored.id_token.as_ref().map(|token| token.secret().expose());
        let access = Packed::of(stored.access_token.secret().expose())?;
        let (refresh, id) = (maybe(refresh)?, maybe(id)?);
        let secrets: usize =
            [Some(&access), refresh.as_ref(), id.as_ref()].map(token_length).into_iter().sum();
        let room = FIXED + RING + secrets + texts_length(stored) + in_mind::LENGTH;
        // Of just that size: one that grew or shrank would leave secrets behind.
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.extend([flags | kind, rest.strikes]);
        put(&mut out, stored.generation.counter.to_le_bytes());
        put(&mut out, stored.generation.tag.to_le_bytes());
        let refresh_ends = stored.refresh_expires_at.unwrap_or(NEVER);
        for instant in [stored.issued_at, stored.expires_at, refresh_ends, self.last_used_at, at] {
            put(&mut out, instant.as_millis().to_le_bytes());
        }
        put(&mut out, nanos(mono).to_le_bytes());
        put(&mut out, self.told.count.to_le_bytes());
        for number in [stored.refreshes, self.next_exchange, self.version, self.moves] {
            put(&mut out, number.to_le_bytes());
        }
        push_ring(&mut out, &self.ring)?;
        push_token(&mut out, Some(&access));
        push_token(&mut out, refresh.as_ref());
        push_token(&mut out, id.as_ref());
        push_text(&mut out, stored.subject.as_deref())?;
        out.push(u8::try_from(stored.profile.iter().count()).ok()?);
        for (name, value) in stored.profile.iter() {
            push_text(&mut out, Some(name))?;
            push_text(&mut out, Some(value))?;
        }
        in_mind::push(&mut out, self.recalled.as_deref(), tokens);
        debug_assert_eq!(out.len(), room);
        let asleep = Asleep(Zeroizing::new(std::mem::take(&mut *out).into_boxed_slice()));
        debug_assert!(asleep.read().is_some_and(|core| core.machine == self.machine));
        Some(asleep)
    }
}

/// The inner `None` if there is none; the outer one if it is too long.
fn maybe(token: Option<&str>) -> Option<Option<Packed<'_>>> {
    token.map_or(Some(None), |token| Packed::of(token).map(Some))
}

const fn flag(bit: u8, is_set: bool) -> u8 {
    if is_set { bit } else { 0 }
}

fn nanos(instant: Monotonic) -> u64 {
    u64::try_from(instant.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// So many bytes the texts beside the tokens take.
fn texts_length(tokens: &StoredTokens) -> usize {
    let facts = tokens.profile.iter().flat_map(|(name, value)| [name, value]);
    text_length(tokens.subject.as_deref())
        + facts.map(|fact| text_length(Some(fact))).sum::<usize>()
}

impl Asleep {
    /// The session as it was.
    pub(crate) fn wake(&self) -> Core {
        // Nothing but `Core::asleep` writes these bytes, so that nothing is missing in them.
        self.read().unwrap_or_else(|| Core::new(Timestamp::UNIX_EPOCH))
    }

    /// What it will do, without waking it.
    pub(crate) fn outlook(&self) -> Outlook {
        self.glance().unwrap_or(Outlook {
            state: Status::Active,
            ends: None,
            next: None,
            not_before: Timestamp::UNIX_EPOCH,
            dozing: false,
        })
    }

    /// Its appointment by clocks that have parted, without waking it: the instant stays, and is another one on the
    /// monotonic clock; `None` if it has none.
    pub(crate) fn reappoint(&mut self, now: Now) -> Option<Monotonic> {
        let flags = self.0.first()?;
        if flags & (RENEW | MOMENT) == 0 {
            return None;
        }
        let (_, dated) = self.0.split_at_mut_checked(APPOINTED)?;
        let (at, dated) = dated.split_first_chunk_mut()?;
        let due = now.mono_at(Timestamp::from_millis(i64::from_le_bytes(*at)));
        *dated.first_chunk_mut()? = nanos(due).to_le_bytes();
        Some(due)
    }

    /// When it was used last, without waking it; from here on that is `used`, if it was.
    pub(crate) fn last_use(&mut self, used: Option<Timestamp>) -> Option<Timestamp> {
        let (_, dated) = self.0.split_at_mut_checked(LAST_USED)?;
        let last: &mut [u8; size_of::<i64>()] = dated.first_chunk_mut()?;
        if let Some(used) = used {
            *last = used.as_millis().to_le_bytes();
        }
        Some(Timestamp::from_millis(i64::from_le_bytes(*last)))
    }

    fn glance(&self) -> Option<Outlook> {
        let mut input = Input(&self.0);
        let [flags, _] = input.take()?;
        let _: [u8; GENERATION] = input.take()?;
        let (issued_at, expires_at) = (input.instant()?, input.instant()?);
        let refresh_ends = Some(input.instant()?).filter(|at| *at != NEVER);
        let (_, at) = (input.instant()?, input.instant()?);
        let purpose = match flags & (RENEW | MOMENT) {
            RENEW => Some(Purpose::Renew { life: expires_at.since(issued_at), expires_at }),
            MOMENT => Some(Purpose::Moment),
            _ => None,
        };
        Some(Outlook {
            state: Status::Active,
            ends: Some((expires_at, refresh_ends)),
            next: purpose.map(|purpose| (purpose, at)),
            not_before: match purpose {
                Some(Purpose::Moment) => at,
                // No renewal is due so early that this would matter.
                _ => issued_at,
            },
            dozing: flags & DOZING != 0,
        })
    }

    fn read(&self) -> Option<Core> {
        let mut input = Input(&self.0);
        let [flags, strikes] = input.take()?;
        let generation = Generation {
            counter: u64::from_le_bytes(input.take()?),
            tag: u32::from_le_bytes(input.take()?),
        };
        let [issued_at, expires_at, refresh_ends, last_used_at, at] = [
            input.instant()?,
            input.instant()?,
            input.instant()?,
            input.instant()?,
            input.instant()?,
        ];
        let mono = Duration::from_nanos(u64::from_le_bytes(input.take()?));
        let count = u64::from_le_bytes(input.take()?);
        let refreshes = u32::from_le_bytes(input.take()?);
        let next_exchange = u32::from_le_bytes(input.take()?);
        let version = u32::from_le_bytes(input.take()?);
        let moves = u32::from_le_bytes(input.take()?);
        let ring = input.ring()?;
        let access_token = AccessToken::new(input.token()??).ok()?;
        let refresh_token = input.token()?.map(RefreshToken::new).transpose().ok()?;
        let id_token = input.token()?.map(IdToken::new).transpose().ok()?;
        let subject = input.text()?.map(Box::from);
        let mut profile = Profile::new();
        let [n_facts] = input.take()?;
        for _ in 0..n_facts {
            let (name, value) = (input.text()??, input.text()??);
            profile.set(name, value);
        }
        let tokens = TokenSet::from_stored(StoredTokens {
            generation,
            access_token,
            refresh_token,
            id_token,
            issued_at,
            expires_at,
            refresh_expires_at: Some(refresh_ends).filter(|at| *at != NEVER),
            refreshes,
            subject,
            profile,
        });
        let has = |what| flags & what != 0;
        let recalled = input.in_mind(&tokens)?;
        let held = Held::of(&tokens, has(DEAD));
        let rest = AtRest { held, strikes, kept: has(KEPT) };
        let wish = match () {
            () if has(RENEW) => Some(rest.renewal()),
            () if has(MOMENT) => Some(rest.end()),
            () => None,
        };
        Some(Core {
            machine: Machine::resting(rest),
            read: true,
            next_exchange,
            held: Some(tokens),
            told: ToldLog::quiet(count),
            appointment: wish.map(|wish| (wish, at, Monotonic::from_start(mono))),
            renewal_due: has(RENEW).then_some(at),
            dozing: has(DOZING),
            published: has(PUBLISHED).then_some(generation),
            ring,
            version,
            moves,
            recalled,
            ..Core::new(last_used_at)
        })
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::{ErrorKind, Fingerprint, SecretString};

    use super::*;
    use crate::status::{Cause, Ring, Step};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn core() -> Core {
        let secret = |text: &str| SecretString::new(text);
        let mut profile = Profile::new();
        profile.set("plan", "gold");
        let tokens = TokenSet::from_stored(StoredTokens {
            generation: Generation { counter: 7, tag: 9 },
            access_token: AccessToken::new(secret("canary.access.token")).unwrap(),
            refresh_token: Some(RefreshToken::new(secret("canary-refresh/+")).unwrap()),
            id_token: Some(IdToken::new(secret("canary.id.token")).unwrap()),
            issued_at: at(1_000),
            expires_at: at(4_600),
            refresh_expires_at: Some(at(90_000)),
            refreshes: 3,
            subject: Some("kim".into()),
            profile,
        });
        let rest = AtRest { held: Held::of(&tokens, false), strikes: 1, kept: true };
        let mut core = Core::new(at(2_000));
        core.read = true;
        core.machine = Machine::resting(rest);
        core.held = Some(tokens);
        core.appointment =
            Some((rest.renewal(), at(3_000), Monotonic::from_start(Duration::MAX / 9)));
        core.renewal_due = Some(at(3_000));
        (core.next_exchange, core.version, core.moves) = (5, 6, 7);
        core.published = Some(rest.held.generation);
        let failure = Some(ErrorKind::Transport);
        let (from, to) = (Status::Refreshing, Status::Active);
        core.ring.push(Step { at: at(1), from, to, cause: Cause::Due, failure });
        core
    }

    #[test]
    fn a_session_wakes_as_it_fell_asleep() {
        let before = core();
        let after = before.asleep().unwrap().wake();
        assert_eq!(after.machine, before.machine);
        assert_eq!(after.ring.to_vec(), before.ring.to_vec());
        let facts = |core: &Core| {
            let counts = (core.next_exchange, core.version, core.moves, core.told.count);
            let instants = (core.last_used_at, core.renewal_due);
            (instants, core.dozing, core.published, core.saved, counts)
        };
        assert_eq!(facts(&after), facts(&before));
        let appointed = |core: &Core| core.appointment.map(|(wish, at, _)| (wish, at));
        assert_eq!(appointed(&after), appointed(&before));
        let seen = before.asleep().unwrap().outlook();
        assert_eq!((seen.state, seen.dozing), (Status::Active, before.dozing));
        assert_eq!(seen.ends, Some((at(4_600), Some(at(90_000)))));
        assert_eq!(seen.next, before.appointment.map(|(wish, at, _)| (wish.purpose, at)));
        let (held, was) = (after.held.unwrap(), before.held.unwrap());
        assert_eq!(held.access_token().secret().expose(), "canary.access.token");
        assert_eq!(held.id_token().unwrap().secret().expose(), "canary.id.token");
        let print = |tokens: &TokenSet| tokens.refresh_token().map(RefreshToken::fingerprint);
        assert_eq!(print(&held), print(&was));
        assert_eq!((held.subject(), held.profile().get("plan")), (Some("kim"), Some("gold")));
        assert_eq!(held.refresh_expires_at(), Some(at(90_000)));
        assert_eq!(
            (held.issued_at(), held.expires_at(), held.refreshes()),
            (at(1_000), at(4_600), 3)
        );
    }

    #[test]
    fn after_a_suspend_it_has_the_same_appointment_without_being_woken() {
        let now = Now { wall: at(2_900), mono: Monotonic::from_start(Duration::from_secs(50)) };
        let due = Monotonic::from_start(Duration::from_secs(150));
        let mut asleep = core().asleep().unwrap();
        assert_eq!(asleep.reappoint(now), Some(due));
        let (wish, ..) = core().appointment.unwrap();
        assert_eq!(asleep.wake().appointment, Some((wish, at(3_000), due)));
        assert_eq!(asleep.wake().last_used_at, at(2_000));
        let mut without = core();
        without.appointment = None;
        assert_eq!(without.asleep().unwrap().reappoint(now), None);
    }

    #[test]
    fn what_waits_for_something_stays_awake() {
        type Change = fn(&mut Core);
        let rules: [(&str, Change); 6] = [
            ("unsaved", |core| core.saved = false),
            ("a failure", |core| core.failing_since = Some(at(1))),
            ("no machine at rest", |core| core.machine = Machine::new()),
            ("no tokens", |core| core.held = None),
            ("another appointment", |core| {
                if let Some((wish, ..)) = &mut core.appointment {
                    wish.not_before = at(9);
                }
            }),
            ("another fingerprint", |core| {
                let mut rest = core.machine.at_rest().unwrap();
                if let Some(refresh) = &mut rest.held.refresh {
                    refresh.token = Fingerprint::from_raw([0; 16]);
                }
                core.machine = Machine::resting(rest);
            }),
        ];
        for (name, change) in rules {
            let mut core = core();
            change(&mut core);
            assert!(core.asleep().is_none(), "{name}");
        }
    }

    #[test]
    fn an_idle_session_is_small() {
        let mut core = core();
        let mut stored = core.held.take().unwrap().stored().clone();
        stored.access_token = AccessToken::new(SecretString::new("a".repeat(1_024))).unwrap();
        stored.refresh_token = Some(RefreshToken::new(SecretString::new("r".repeat(256))).unwrap());
        (stored.id_token, stored.profile) = (None, Profile::new());
        let tokens = TokenSet::from_stored(stored);
        let rest = AtRest { held: Held::of(&tokens, false), strikes: 0, kept: false };
        core.machine = Machine::resting(rest);
        core.appointment = Some((rest.renewal(), at(3_000), Monotonic::default()));
        core.held = Some(tokens);
        let bytes = core.asleep().unwrap().0.len();
        assert!(bytes <= 768 + 192 + 8 * Ring::ROOM + in_mind::LENGTH + 104, "{bytes}");
    }
}
