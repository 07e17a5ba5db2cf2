//! A keeper that may only read, at a replica that takes no writes, with the readers' keys alone: it hands out
//! what the writer buys, learns of each renewal and of the end, and sends nothing to the provider. Beside it is a
//! sibling that may write. Both take over what is bought, and drop what is ended, within a second.

use std::time::Duration;

use countersign_core::session::Reauthentication;
use countersign_core::{ErrorKind, Origin, SealKeys, SecretBytes};
use countersign_reqwest::Client;
use countersign_runtime::Keeper;
use countersign_store_redis::{RedisBuilder, RedisStore};

use super::server::Server;
use crate::child::{Place, call};
use crate::clock::{Stopwatch, pause, until};
use crate::experiments::Failure;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::Report;
use crate::stage::Stage;

/// Renewed at half of it at the latest, so that the reader has two seconds to hear of it.
const LIFE: Duration = Duration::from_secs(4);
const LIVES: u32 = 2;
/// How soon others have heard of what was written.
const HEARD: Duration = Duration::from_secs(1);
const RENEWALS: usize = 8;

pub(super) async fn run(server: &Server, findings: &mut Findings) -> Result<(), Failure> {
    let (stage, replica) = (Stage::new(Kind::NoGrace, LIFE).await?, server.replica().await?);
    let key = |fill: u8| SecretBytes::new(vec![fill; 32]);
    let whole = SealKeys::new(1, key(0x11)).also_for_readers(2, key(0x22));
    let writer = opened(&stage, at(server, whole.clone())?.build()?, May::Write).await?;
    writer.session.authorization().await?;
    let part = at(&replica, SealKeys::for_readers(2, key(0x22)))?.read_only().build()?;
    let reader = opened(&stage, part, May::Read).await?;
    // The replica may not have the record yet.
    let has_it = until(HEARD, || reader.session.current().is_some()).await;
    findings.claim(has_it, "a reader at a replica hears of the first token");

    let (mut wrote, mut read, watch) = (Report::default(), Report::default(), Stopwatch::start());
    while watch.elapsed() < LIFE * LIVES {
        call(&writer.api, &writer.url, &mut wrote).await;
        call(&reader.api, &reader.url, &mut read).await;
        pause(Duration::from_millis(50)).await;
    }
    let generation = |place: &Place| place.session.status().generation.map_or(0, |g| g.counter);
    // A renewal may be under way: the server has carried it out before the writer has it.
    let mut bought = 0;
    let caught_up = until(HEARD, || {
        bought = stage.seen().exchanges();
        generation(&writer) == bought && generation(&reader) == bought
    })
    .await;
    findings.claim(
        read.ok > 0 && read.failed == 0 && wrote.failed == 0,
        format!(
            "a reader at a replica was served {} times, and failed {}: {:?}",
            read.ok, read.failed, read.errors
        ),
    );
    findings.claim(
        caught_up && bought > u64::from(LIVES),
        format!("it heard of each of {bought} generations, one for each exchange of the server"),
    );
    // Nobody calls, so that nobody looks who was not told.
    let sibling = opened(&stage, at(server, whole)?.build()?, May::Write).await?;
    let mut took = Vec::new();
    for _ in 0..RENEWALS {
        writer.session.refresh().await?;
        let (bought, watch) = (generation(&writer), Stopwatch::start());
        for place in [&sibling, &reader] {
            let left = HEARD.saturating_sub(watch.elapsed());
            if until(left, || generation(place) >= bought).await {
                took.push(watch.elapsed().as_millis());
            }
        }
    }
    findings.claim(
        took.len() == 2 * RENEWALS,
        format!(
            "a sibling, and a reader at a replica, adopt within a second: {} of {}, in {} ms at most",
            took.len(),
            2 * RENEWALS,
            took.iter().max().copied().unwrap_or_default()
        ),
    );
    let seen = stage.seen();
    let refused = reader.session.refresh().await.err().map(|error| error.kind());
    findings.claim(
        refused == Some(ErrorKind::Unsupported) && stage.seen().exchanges() == seen.exchanges(),
        format!("asked to renew, it says that it only reads: {refused:?}"),
    );
    let end = writer.session.sign_out(Duration::from_secs(10)).await;
    findings.note(format!("the writer has signed out: {end:?}"));
    let watch = Stopwatch::start();
    let gone = |place: &Place| place.session.current().is_none();
    let ended = until(HEARD, || gone(&reader) && gone(&sibling)).await;
    let in_time = watch.elapsed().as_millis();
    findings.claim(
        ended && reader.session.authorization().await.is_err(),
        format!("both drop what was ended within a second: in {in_time} ms"),
    );
    for place in [&writer, &sibling, &reader] {
        place.keeper.shutdown(Duration::from_secs(10)).await;
    }
    Ok(())
}

/// What a keeper may do with the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    Write,
    Read,
}

fn at(server: &Server, keys: SealKeys) -> Result<RedisBuilder, Failure> {
    let address = format!("redis://127.0.0.1:{}", server.port());
    Ok(RedisStore::builder(&address, keys)?.prefix("readers"))
}

async fn opened(stage: &Stage, store: RedisStore, may: May) -> Result<Place, Failure> {
    let http = Client::new(reqwest::Client::builder())?;
    let keeper = Keeper::builder().transport(http.clone()).store(store);
    let keeper = if may == May::Read { keeper.read_only() } else { keeper }.build()?;
    let facts = &stage.facts;
    let described = keeper
        .session_of(stage.kind.adapter(facts)?, &facts.identity)
        .api_origins([Origin::parse(&facts.url)?]);
    let described = match may {
        May::Read => described.reauthentication(Reauthentication::Manual),
        May::Write => described.credentials(stage.kind.credentials(facts)),
    };
    let session = described.open().await?;
    let (api, url) = (http.session(session.clone()), facts.resource.clone());
    Ok(Place { keeper, session, api, url })
}
