//! The store: what is asked of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes, SessionStore,
    StoredRecord,
};
use countersign_seal::{KeySource, Resealed, Sealer};
use redis::{Cmd, Value};

use crate::builder::RedisBuilder;
use crate::connect::Wire;
use crate::follow::Follower;
use crate::link::Ask;
use crate::lock::{self, RedisLock};
use crate::shared::{Mode, Shared, number};
use crate::{fault, scripts};

/// So many records are asked for at once.
const PAGE: usize = 512;

/// The longest record that is written, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// So many changes are kept for those who were away.
pub(crate) const CHANGES: u32 = 16_384;

/// How often a listing begins anew because the connection was lost.
const LISTINGS: u32 = 3;

/// Sessions in Redis. Clones share one connection; each follows changes on its own, so every keeper gets
/// its own clone.
pub struct RedisStore {
    shared: Arc<Shared>,
    follower: tokio::sync::Mutex<Follower>,
}

impl RedisStore {
    /// A store at `address`, whose records are sealed with `keys`: [`SealKeys`], or a source that is asked again
    /// when a record is met that is sealed with another key, so that programs go on through a rotation. The
    /// address is
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://…` for TLS, or `unix:///PATH?db=N`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be read. It is not repeated.
    pub fn builder(address: &str, keys: impl KeySource + 'static) -> Result<RedisBuilder, Error> {
        RedisBuilder::new(address, Arc::new(keys))
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, follower: tokio::sync::Mutex::default() }
    }

    /// Asks the server whether it is there and lets us in.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy.
    pub async fn ping(&self) -> Result<(), Error> {
        let command = redis::cmd("PING");
        self.shared.link.ask(Ask::Command(&command), self.shared.until()).await.map(drop)
    }

    /// The server that is asked now, as `host:port` or the path of a socket.
    pub fn place(&self) -> String {
        self.shared.link.place().to_string()
    }

    /// Seals every record with the key in front, while sessions are in use. It can be stopped at any point and
    /// run again: the other keys stay until their source drops them.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the keys cannot be had, the store cannot be written or cannot be
    /// listed. What became of single records is in the answer.
    pub async fn reseal(&self) -> Result<Resealed, Error> {
        self.writable()?;
        countersign_seal::reseal(self, &Sealer::new(self.seal_keys().await?)?).await
    }

    /// The records that the key `id` seals, or may seal since they cannot be read, each with the reason. Its source
    /// may drop that key if there are none, and it is neither in front nor the one with the lowest id, which names
    /// the records.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the store cannot be listed.
    pub async fn needing(&self, id: u32) -> Result<Vec<(RecordName, &'static str)>, Error> {
        countersign_seal::needing(self, id).await
    }

    fn writable(&self) -> Result<(), Error> {
        match self.shared.mode {
            Mode::ReadWrite => Ok(()),
            Mode::ReadOnly => Err(fault::read_only()),
        }
    }

    fn get(&self, name: &RecordName) -> Cmd {
        let mut command = redis::cmd("HMGET");
        command.arg(self.shared.names.record(name)).arg("revision").arg("bytes");
        command
    }

    /// Waits until the replicas have what was written over `wire`.
    async fn confirmed(&self, wire: &Wire) -> Result<(), Error> {
        match self.shared.replicas {
            0 => Ok(()),
            wanted => self.shared.waits.confirmed(&self.shared, wire, wanted).await,
        }
    }

    async fn list_once(&self) -> Result<Vec<RecordName>, Error> {
        let (shared, mut names, mut cursor) = (&self.shared, Vec::new(), 0);
        // The cursor of one server means nothing to another: all pages come over one connection.
        let wire = shared.link.wire(shared.until()).await?;
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(shared.names.all_records()).arg("COUNT").arg(1000);
            let until = shared.link.clock().monotonic().after(shared.link.answer());
            let value = shared.link.ask_over(&wire, &Ask::Command(&command), until).await?;
            let mut page = shared.array(value)?.into_iter();
            let (Some(next), Some(Value::Array(keys))) = (page.next(), page.next()) else {
                return Err(shared.unexpected());
            };
            let key = |value: &Value| match value {
                Value::BulkString(key) => shared.names.record_name(key),
                _ => None,
            };
            names.extend(keys.iter().filter_map(key));
            cursor = number(&next).ok_or_else(|| shared.unexpected())?;
            if cursor == 0 {
                names.sort();
                names.dedup();
                return Ok(names);
            }
        }
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        let (command, until) = (self.get(name), self.shared.until());
        let answer = self.shared.link.ask(Ask::Command(&command), until).await?;
        self.shared.record(answer.value)
    }

    /// One round trip for 512 names.
    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let mut records = Vec::with_capacity(names.len());
        for page in names.chunks(PAGE) {
            let mut commands = redis::Pipeline::with_capacity(page.len());
            for name in page {
                commands.add_command(self.get(name));
            }
            let until = self.shared.until();
            let answer = self.shared.link.ask(Ask::Commands(&commands), until).await?;
            for value in self.shared.array(answer.value)? {
                records.push(self.shared.record(value)?);
            }
        }
        if records.len() == names.len() { Ok(records) } else { Err(self.shared.unexpected()) }
    }

    /// Looks through all keys of the database (SCAN): give the store one of its own where others keep
    /// many.
    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        let mut left = LISTINGS;
        loop {
            left -= 1;
            match self.list_once().await {
                Err(error) if left > 0 && error.is_transient() => {}
                ended => return ended,
            }
        }
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        self.writable()?;
        Ok(Box::new(RedisLock::take(&self.shared, name, lease, wait).await?))
    }

    /// A write whose answer is lost is tried again within the store's deadline and recognised by its
    /// mark: it is not taken for somebody else's.
    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.writable()?;
        if bytes.len() > LONGEST {
            return Err(fault::too_long());
        }
        let names = &self.shared.names;
        let number_of = |fence: &Fence| fence.number().to_string();
        let call = scripts::commit()
            .key(names.record(name))
            .key(names.lock(fence.as_ref().map_or(name, Fence::lock)))
            .key(names.highest())
            .key(names.changes())
            .number(expected.0)
            .arg(fence.as_ref().map(number_of).unwrap_or_default())
            .arg(bytes.expose_bytes())
            .arg(&*lock::token()?)
            .arg(name.as_str())
            .number(CHANGES);
        let answer = self.shared.link.ask(Ask::Script(&call), self.shared.until()).await;
        if let Some(fence) = &fence {
            self.shared.wrote(fence.number(), answer.is_err());
        }
        self.shared.wrote_record(name, answer.is_err());
        let answer = answer?;
        let mut values = self.shared.array(answer.value)?;
        match values.first().and_then(number) {
            Some(1) => {
                let revision = values.get(1).and_then(number);
                let revision = revision.ok_or_else(|| self.shared.unexpected())?;
                let confirmed = self.confirmed(&answer.wire).await;
                if confirmed.is_err() {
                    self.shared.wrote_record(name, true);
                }
                confirmed.map(|()| Committed::Done(Revision(revision)))
            }
            Some(0) => {
                values.remove(0);
                Ok(Committed::Lost(self.shared.record(Value::Array(values))?))
            }
            _ => Err(self.shared.unexpected()),
        }
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.writable()?;
        let call = scripts::remove()
            .key(self.shared.names.record(name))
            .key(self.shared.names.changes())
            .number(expected.0)
            .arg(name.as_str())
            .number(CHANGES);
        self.moved(&call).await
    }

    /// Renames the record: it lies at `{PREFIX}:aside:NAME:REVISION` and stays there.
    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        self.writable()?;
        let call = scripts::set_aside()
            .key(self.shared.names.record(name))
            .key(self.shared.names.aside(name, expected))
            .key(self.shared.names.changes())
            .number(expected.0)
            .arg(name.as_str())
            .number(CHANGES);
        self.moved(&call).await
    }

    fn place(&self, name: &RecordName) -> String {
        let (key, place) = (self.shared.names.record(name), self.shared.link.place());
        format!("the key {key} at Redis {place}")
    }

    /// Follows the stream of changes, over a connection of its own, and goes on where it was after that
    /// was lost: then it also names the records of which a write has failed since. If more was changed
    /// meanwhile than is kept, all records are named.
    async fn watch(&self) -> Option<RecordName> {
        self.follower.lock().await.next(self).await
    }

    /// Asks the source of the keys; one that has failed is left alone for a second, and its error told again.
    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.shared.keys.read(&**self.shared.link.clock()).await
    }
}

impl RedisStore {
    /// Whether a record was moved away by `call`.
    async fn moved(&self, call: &scripts::Call) -> Result<bool, Error> {
        let answer = self.shared.link.ask(Ask::Script(call), self.shared.until()).await?;
        match answer.value {
            Value::Int(1) => self.confirmed(&answer.wire).await.map(|()| true),
            Value::Int(0) => Ok(false),
            // It has gone, and that may have been an earlier try of ours.
            Value::Int(-1) => Ok(answer.again),
            _ => Err(self.shared.unexpected()),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Clone for RedisStore {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("place", &self.place())
            .field("mode", &self.shared.mode)
            .finish_non_exhaustive()
    }
}
