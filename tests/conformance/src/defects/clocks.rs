//! Defects in how the time of a server, and our own, is read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::{Clock, Lifetime, Monotonic, Timestamp, Verdict};
use http::header::DATE;

use super::Defect;
use super::simple::{judges, tokens};

const SECOND: Duration = Duration::from_secs(1);
const QUARTER_HOUR_MS: i64 = 900_000;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "clock-read-now-and-then",
        title: "The wall clock is read every quarter of an hour, to save calls of the system",
        target: "ibex",
        caught_by: "f19-good-for-as-long-as-asked",
        engine: || Arc::new(NowAndThen),
    },
    Defect {
        id: "difference-in-milliseconds",
        title: "By how many milliseconds a server is ahead is read as seconds, and added to the life of its tokens",
        target: "ibex_oauth2",
        caught_by: "f17-server-twenty-seconds-ahead",
        engine: || by_date(|life, ahead_ms| lengthened(life, ahead_ms.saturating_mul(1000))),
    },
    Defect {
        id: "difference-with-the-wrong-sign",
        title: "By how much a server is behind is added to the life of its tokens",
        target: "wikimedia",
        caught_by: "f17-server-two-minutes-behind",
        engine: || by_date(|life, ahead_ms| lengthened(life, -ahead_ms)),
    },
    Defect {
        id: "one-date-is-believed",
        title: "The date of one answer is enough to shorten the life of its token",
        target: "wikimedia",
        caught_by: "f17-one-wrong-date-changes-nothing",
        engine: || by_date(|life, ahead_ms| lengthened(life, -ahead_ms.max(0))),
    },
    Defect {
        id: "clock-before-the-server",
        title: "A refusal of a token that is good by our own clock is not believed",
        target: "ibex",
        caught_by: "f17-server-a-day-ahead",
        engine: || judges(|_, _, _| Verdict::Accepted),
    },
    Defect {
        id: "end-by-the-servers-clock",
        title: "The end of a token is reckoned by the server's clock, and compared with our own",
        target: "ibex_oauth2",
        caught_by: "f17-server-a-day-behind",
        engine: || by_date(|life, ahead_ms| lengthened(life, ahead_ms).max(SECOND)),
    },
    Defect {
        id: "clock-that-was-set-is-believed",
        title: "A clock that was set forward takes its hours off the life of every token",
        target: "wikimedia",
        caught_by: "f17-local-clock-set-forward",
        engine: || by_date(|life, ahead_ms| lengthened(life, ahead_ms).max(SECOND)),
    },
];

/// What is made of a life, and of by how many milliseconds the server's date is ahead.
type Made = fn(Duration, i64) -> Duration;

/// Makes another life of the date of the answer that brought it.
fn by_date(made: Made) -> Arc<dyn Engine> {
    tokens(move |_, response, ambient, tokens| {
        let date = response.header(DATE.as_str()).and_then(Timestamp::parse_http_date);
        if let (Some(date), Some(Lifetime::For(life))) = (date, tokens.access_expiry) {
            let ahead = date.as_millis().saturating_sub(ambient.now.as_millis());
            tokens.access_expiry = Some(Lifetime::For(made(life, ahead)));
        }
    })
}

fn lengthened(life: Duration, by_ms: i64) -> Duration {
    let by = Duration::from_millis(by_ms.unsigned_abs());
    if by_ms < 0 { life.saturating_sub(by) } else { life.saturating_add(by) }
}

struct NowAndThen;

impl Engine for NowAndThen {
    fn clock(&self, real: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(Coarse(real))
    }
}

/// A wall clock that stands still between two readings.
struct Coarse(Arc<dyn Clock>);

#[async_trait]
impl Clock for Coarse {
    fn now(&self) -> Timestamp {
        let now = self.0.now().as_millis();
        Timestamp::from_millis(now - now.rem_euclid(QUARTER_HOUR_MS))
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}
