//! What a session at rest keeps in mind of its records: their seals, and the little in them that is not in its tokens.

use countersign_core::{Rotation, TokenSet};
use countersign_seal::{AccountRecord, SessionRecord, SignInCount};

use crate::on_write::OnWrite;
use crate::recall::{Recalled, Seal};
use crate::squeeze::{Input, put};

const SESSION: u8 = 1;
const ACCOUNT: u8 = 2;
const KEPT: u8 = 4;
const ROTATED: u8 = 8;
const GUARDED: u8 = 16;
const CODE_STEP: u8 = 32;

/// What is remembered takes so many bytes, however little it is: so a session takes a piece as large as the one that it
/// left, whether it has been renewed here or not.
pub(crate) const LENGTH: usize = 1 + Seal::LENGTH + 1 + Seal::LENGTH + 2 * size_of::<u32>() + 8;

/// Appends what is remembered. A record that holds more than nearly all do is left out: it is opened when it is read
/// next, as one that somebody else has written.
pub(crate) fn push(out: &mut Vec<u8>, recalled: Option<&Recalled>, tokens: &TokenSet) {
    let end = out.len() + LENGTH;
    let of_session = recalled.and_then(|recalled| recalled.session.as_ref());
    let session = of_session.filter(|(_, record)| is_usual(record, tokens));
    let of_account = recalled.and_then(|recalled| recalled.account.as_ref());
    let account = of_account.and_then(|(seal, record)| Some((seal, usual(record)?)));
    let flag = |bit, is_set| if is_set { bit } else { 0 };
    let session_flags = session.map_or(0, |(_, record)| {
        flag(KEPT, record.rotation == Some(Rotation::Kept))
            | flag(ROTATED, record.rotation == Some(Rotation::Rotated))
            | flag(GUARDED, record.guarded)
            | SESSION
    });
    let account_flags = account
        .as_ref()
        .map_or(0, |(_, usual)| ACCOUNT | flag(CODE_STEP, usual.code_step.is_some()));
    out.push(session_flags | account_flags);
    if let Some((seal, record)) = session {
        put(out, seal.to_bytes());
        out.push(record.suspicion);
    }
    if let Some((seal, Usual { day, count, code_step })) = account {
        put(out, seal.to_bytes());
        put(out, day.to_le_bytes());
        put(out, count.to_le_bytes());
        if let Some(step) = code_step {
            put(out, step.to_le_bytes());
        }
    }
    out.resize(end, 0);
}

/// What of an account's record is more than its absence says.
struct Usual {
    day: i32,
    count: u32,
    code_step: Option<u64>,
}

/// Whether the record holds `tokens` and nothing that is not written here.
fn is_usual(record: &SessionRecord, tokens: &TokenSet) -> bool {
    let SessionRecord {
        tokens: recorded,
        journal,
        challenge,
        memo,
        ended,
        refresh_dead,
        suspicion: _,
        rotation: _,
        guarded: _,
        counter,
        unknown,
    } = record;
    let instants = |set: &TokenSet| (set.issued_at(), set.expires_at(), set.refresh_expires_at());
    let are_held = recorded.as_ref().is_some_and(|recorded| {
        // One generation is one purchase; its instants are others after the local clock was set.
        recorded.generation() == tokens.generation()
            && instants(recorded) == instants(tokens)
            && recorded.refreshes() == tokens.refreshes()
    });
    are_held
        && *counter == tokens.generation().counter
        && journal.is_none()
        && challenge.is_none()
        && memo.iter().next().is_none()
        && ended.is_none()
        && refresh_dead.is_none()
        && unknown.is_empty()
}

fn usual(record: &AccountRecord) -> Option<Usual> {
    let AccountRecord {
        refused,
        locked_until,
        last_code_step,
        sign_ins,
        pending_password,
        unknown,
    } = record;
    let holds_more = !refused.is_empty()
        || locked_until.is_some()
        || pending_password.is_some()
        || !unknown.is_empty();
    let day = i32::try_from(sign_ins.day).ok().filter(|_| !holds_more)?;
    Some(Usual { day, count: sign_ins.count, code_step: *last_code_step })
}

impl Input<'_> {
    /// What was pushed with these tokens; the inner `None` if it was nothing.
    pub(crate) fn in_mind(&mut self, tokens: &TokenSet) -> Option<Option<Box<Recalled>>> {
        let mut input = Input(self.bytes(LENGTH)?);
        let [flags] = input.take()?;
        let has = |bit| flags & bit != 0;
        let mut recalled = Recalled::default();
        if has(SESSION) {
            let seal = Seal::from_bytes(input.take()?);
            let [suspicion] = input.take()?;
            let rotation = match (has(KEPT), has(ROTATED)) {
                (true, _) => Some(Rotation::Kept),
                (_, true) => Some(Rotation::Rotated),
                _ => None,
            };
            let record = SessionRecord {
                tokens: Some(tokens.clone()),
                suspicion,
                rotation,
                guarded: has(GUARDED),
                counter: tokens.generation().counter,
                ..SessionRecord::default()
            };
            recalled.session = Some((seal, OnWrite::new(record)));
        }
        if has(ACCOUNT) {
            let seal = Seal::from_bytes(input.take()?);
            let day = i64::from(i32::from_le_bytes(input.take()?));
            let count = u32::from_le_bytes(input.take()?);
            let last_code_step = match has(CODE_STEP) {
                true => Some(u64::from_le_bytes(input.take()?)),
                false => None,
            };
            let sign_ins = SignInCount { day, count };
            let record = AccountRecord { last_code_step, sign_ins, ..AccountRecord::default() };
            recalled.account = Some((seal, OnWrite::new(record)));
        }
        Some((flags != 0).then(|| Box::new(recalled)))
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::{
        AccessToken, Certainty, Fingerprint, Generation, Memo, Profile, RefreshToken, SecretBytes,
        SecretString, StoredTokens, Timestamp,
    };
    use countersign_seal::{EndCause, Ended, Journal, PendingPassword, RefusedSecret};

    use super::*;

    fn tokens() -> TokenSet {
        TokenSet::from_stored(StoredTokens {
            generation: Generation { counter: 7, tag: 9 },
            access_token: AccessToken::new(SecretString::new("canary.access.token")).unwrap(),
            refresh_token: Some(RefreshToken::new(SecretString::new("canary-refresh")).unwrap()),
            id_token: None,
            issued_at: Timestamp::from_seconds(1),
            expires_at: Timestamp::from_seconds(2),
            refresh_expires_at: None,
            refreshes: 3,
            subject: None,
            profile: Profile::new(),
        })
    }

    fn recalled() -> Recalled {
        let session = SessionRecord {
            tokens: Some(tokens()),
            suspicion: 2,
            rotation: Some(Rotation::Rotated),
            guarded: true,
            counter: 7,
            ..SessionRecord::default()
        };
        let sign_ins = SignInCount { day: 20_786, count: 4 };
        let account =
            AccountRecord { sign_ins, last_code_step: Some(59_000), ..AccountRecord::default() };
        Recalled {
            names: None,
            session: Some((Seal::from_bytes([1; 16]), OnWrite::new(session))),
            account: Some((Seal::from_bytes([2; 16]), OnWrite::new(account))),
            under_lock: true,
        }
    }

    fn through(recalled: Option<&Recalled>, tokens: &TokenSet) -> Option<Box<Recalled>> {
        let mut out = Vec::new();
        push(&mut out, recalled, tokens);
        let mut input = Input(&out);
        let read = input.in_mind(tokens).unwrap();
        assert!(input.0.is_empty());
        read
    }

    #[test]
    fn what_is_remembered_comes_back_as_it_was() {
        let (before, tokens) = (recalled(), tokens());
        let after = through(Some(&before), &tokens).unwrap();
        // Everything but the tokens, which are not shown, and are the ones that the session holds.
        let shown = |recalled: &Recalled| format!("{:?} {:?}", recalled.session, recalled.account);
        assert_eq!(shown(&after), shown(&before));
        let (_, session) = after.session.as_ref().unwrap();
        let held = session.tokens.as_ref().unwrap();
        assert!(std::ptr::eq(held.stored(), tokens.stored()));
        assert!(!after.under_lock, "others may have written since");
        for rotation in [None, Some(Rotation::Kept)] {
            let mut before = recalled();
            before.session.as_mut().unwrap().1.rotation = rotation;
            before.account.as_mut().unwrap().1.last_code_step = None;
            assert_eq!(shown(&through(Some(&before), &tokens).unwrap()), shown(&before));
        }
        assert!(through(None, &tokens).is_none());
    }

    #[test]
    fn a_session_that_holds_more_than_its_tokens_is_opened_again() {
        type Change = fn(&mut SessionRecord);
        let changes: [(&str, Change); 9] = [
            ("no tokens", |record| record.tokens = None),
            ("shifted tokens", |record| {
                record.tokens = record.tokens.take().map(|tokens| tokens.shifted(1));
            }),
            ("other tokens", |record| {
                record.tokens = record.tokens.take().map(|tokens| tokens.counted_after(8));
            }),
            ("another count", |record| record.counter = 8),
            ("a mark", |record| {
                record.journal = Some(Journal {
                    refresh: Fingerprint::from_raw([0; 16]),
                    generation: Generation::default(),
                    sent_at: Timestamp::UNIX_EPOCH,
                    attempt: 1,
                });
            }),
            ("a memo", |record| {
                record.memo = Memo::from_entries([("device".into(), SecretBytes::new(vec![1]))]);
            }),
            ("an end", |record| {
                record.ended = Some(Ended {
                    generation: None,
                    at: Timestamp::UNIX_EPOCH,
                    cause: EndCause::SignedOut,
                });
            }),
            ("a dead refresh token", |record| {
                record.refresh_dead = Some(Fingerprint::from_raw([0; 16]));
            }),
            ("both, as a control", |record| record.suspicion = 0),
        ];
        for (name, change) in changes {
            let mut recalled = recalled();
            change(&mut recalled.session.as_mut().unwrap().1);
            let after = through(Some(&recalled), &tokens()).unwrap();
            assert_eq!(after.session.is_some(), name == "both, as a control", "{name}");
            assert!(after.account.is_some(), "{name}");
        }
    }

    #[test]
    fn an_account_of_which_there_is_more_to_know_is_opened_again() {
        type Change = fn(&mut AccountRecord);
        let changes: [(&str, Change); 5] = [
            ("a refusal", |record| {
                record.refused.push(RefusedSecret {
                    secret: Fingerprint::from_raw([0; 16]),
                    certainty: Certainty::Certain,
                    at: Timestamp::UNIX_EPOCH,
                    tries: 1,
                });
            }),
            ("a lockout", |record| record.locked_until = Some(Timestamp::UNIX_EPOCH)),
            ("a new password", |record| {
                record.pending_password = Some(PendingPassword {
                    password: SecretString::new("canary-password"),
                    at: Timestamp::UNIX_EPOCH,
                    operation: "answer".into(),
                    tried_new: false,
                    tried_old: false,
                });
            }),
            ("a day beyond all", |record| record.sign_ins.day = i64::MAX),
            ("nothing, as a control", |record| record.last_code_step = None),
        ];
        for (name, change) in changes {
            let mut recalled = recalled();
            change(&mut recalled.account.as_mut().unwrap().1);
            let after = through(Some(&recalled), &tokens()).unwrap();
            assert_eq!(after.account.is_some(), name == "nothing, as a control", "{name}");
            assert!(after.session.is_some(), "{name}");
        }
    }
}
