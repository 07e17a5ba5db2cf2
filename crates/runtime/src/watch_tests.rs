//! Hints that never come.

use countersign_core::HttpTransport;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;

use super::*;
use crate::{Keeper, MemoryStore};

struct Nothing;

#[async_trait::async_trait]
impl HttpTransport for Nothing {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        std::future::pending().await
    }
}

/// Writes are remembered for their hints, and one for which none will come would stay for ever.
#[tokio::test]
async fn where_no_hint_will_come_no_write_is_remembered_for_it() {
    let name = RecordName::from_hash([7; 16]);
    let tells = MemoryStore::new().unwrap();
    for (store, n_kept) in [(tells.clone(), 1), (tells.alone(), 0)] {
        let keeper = Keeper::builder().transport(Nothing).store(store).build().unwrap();
        let (watch, now) = (&keeper.0.watch, keeper.0.clock.monotonic());
        let kept = || watch.own.lock().unwrap().writes.len();
        ensure(&keeper.0);
        // Nobody has asked the store yet.
        watch.wrote(name.clone(), Revision(1), now);
        assert_eq!(kept(), 1);
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
        assert_eq!(kept(), n_kept, "what was remembered goes when there is no hint to come");
        watch.wrote(name.clone(), Revision(2), now);
        assert_eq!(kept(), n_kept, "and nothing is remembered from then on");
    }
}
