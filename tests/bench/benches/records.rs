//! A session's record as each renewal seals it and each start opens it: `cargo bench --package countersign-bench`.
//!
//! In every version of the format, since what the newest one saves is a reason to write it.

use std::error::Error;
use std::hint::black_box;

use countersign_core::{
    AccessToken, Generation, Origin, Profile, ProviderId, Realm, RefreshToken, SealKeys,
    SecretBytes, SessionKey, StoredTokens, Timestamp, TokenSet,
};
use countersign_seal::{RecordFormat, Sealer, SessionRecord};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Of the usual size: an access token is a JWT with a few claims.
const ACCESS_BYTES: usize = 1_024;
const REFRESH_BYTES: usize = 256;
const FORMATS: [RecordFormat; 3] = [RecordFormat::V1, RecordFormat::V2, RecordFormat::V3];

fn records(criterion: &mut Criterion) {
    let Ok((key, record)) = session() else { panic!("no session") };
    let mut group = criterion.benchmark_group("records");
    for format in FORMATS {
        let Ok(sealer) = Sealer::new(SealKeys::new(1, SecretBytes::copy_from(&[7; 32]))) else {
            panic!("no sealer")
        };
        let sealer = sealer.writing(format);
        let Ok(sealed) = sealer.seal_session(&key, &record) else { panic!("not sealed") };
        let n = format.number();
        group.throughput(Throughput::Bytes(sealed.len() as u64));
        group.bench_function(format!("seal/{n}"), |bencher| {
            bencher.iter(|| black_box(sealer.seal_session(&key, &record)));
        });
        group.bench_function(format!("open/{n}"), |bencher| {
            bencher.iter(|| black_box(sealer.open_session(&key, sealed.expose_bytes())));
        });
    }
    group.finish();
}

fn session() -> Result<(SessionKey, SessionRecord), Box<dyn Error>> {
    let realm = Realm::new(Origin::parse("https://auth.example")?);
    let key = SessionKey::new(ProviderId::new("acme"), &realm, "kim@example.org");
    let issued_at = Timestamp::from_seconds(1_800_000_000);
    let tokens = TokenSet::from_stored(StoredTokens {
        generation: Generation { counter: 1, tag: 1 },
        access_token: AccessToken::new("a".repeat(ACCESS_BYTES))?,
        refresh_token: Some(RefreshToken::new("r".repeat(REFRESH_BYTES))?),
        id_token: None,
        issued_at,
        expires_at: issued_at.shifted(3_600_000),
        refresh_expires_at: None,
        refreshes: 0,
        subject: Some("kim".into()),
        profile: Profile::new(),
    });
    Ok((key, SessionRecord { tokens: Some(tokens), counter: 1, ..SessionRecord::default() }))
}

criterion_group!(benches, records);
criterion_main!(benches);
