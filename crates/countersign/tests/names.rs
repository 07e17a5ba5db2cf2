//! What the methods of this crate take and answer can be named through it.

use countersign::{
    Explanation, Figures, Keeper, Planned, Reason, Session, Stored, StoredContent, StoredState,
};

/// Whoever keeps an answer has to write its type.
struct Answers {
    why: Explanation,
    next: Planned,
    figures: Figures,
    stored: Vec<Stored>,
}

async fn asked(keeper: &Keeper, session: &Session) -> Result<Answers, countersign::Error> {
    Ok(Answers {
        why: session.explain().await,
        next: session.planned(),
        figures: keeper.figures(),
        stored: keeper.stored().await?,
    })
}

#[tokio::test]
async fn what_a_keeper_and_a_session_answer_has_a_name_here() {
    let session = Session::fixed("token").unwrap();
    let keeper = Keeper::builder()
        .transport(
            countersign_simulator::Simulator::ibex()
                .build()
                .in_process(std::sync::Arc::new(countersign::ManualClock::default())),
        )
        .build()
        .unwrap();
    let Answers { why, next, figures, stored } = asked(&keeper, &session).await.unwrap();
    assert!(matches!(why.reason, Reason::SignedIn | Reason::Unsaved));
    assert!(next.expires_at.is_some());
    assert_eq!(figures.sessions, 0);
    let good = |stored: &Stored| matches!(&stored.content, StoredContent::Session(found) if found.state == StoredState::Good);
    assert!(!stored.iter().any(good));
}

#[cfg(feature = "file")]
#[tokio::test]
async fn what_a_file_store_answers_has_a_name_here() {
    use countersign::{FileStore, Inspection, LockFacts, LockKind, RecordFacts, Resealed};

    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path().join("state")).unwrap();
    let seen: Inspection = store.inspect().await.unwrap();
    let (records, locks): (Vec<RecordFacts>, Vec<LockFacts>) = (seen.records, seen.locks);
    assert!(records.is_empty() && !locks.iter().any(|lock| lock.lock == LockKind::Keys));
    let again: Resealed = store.reseal().await.unwrap();
    assert!(again.anew == 0 && again.is_complete());
}
