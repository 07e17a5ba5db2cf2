//! What readers get of a session's record.

use countersign_core::{SecretBuffer, StoredKey, StoredTokens, TokenSet};

use super::{Record, Unreadable, Who};
use crate::format::RecordFormat;
use crate::session::SessionRecord;

/// A session's record without all that readers do not get.
pub(crate) struct ForReaders(SessionRecord);

impl ForReaders {
    pub(crate) fn of(record: &SessionRecord) -> Self {
        // Of a session that is being ended the tokens are kept to be revoked, and not to be used.
        Self::cut(record, record.tokens.as_ref().filter(|_| record.ended.is_none()))
    }

    /// Names what readers get, so that a field which is added later is not among it by itself.
    fn cut(record: &SessionRecord, tokens: Option<&TokenSet>) -> Self {
        let tokens = tokens.map(|tokens| {
            TokenSet::from_stored(StoredTokens {
                refresh_token: None,
                refresh_expires_at: None,
                ..tokens.stored().clone()
            })
        });
        Self(SessionRecord {
            tokens,
            ended: record.ended,
            counter: record.counter,
            ..SessionRecord::default()
        })
    }

    pub(crate) fn into_record(self) -> SessionRecord {
        self.0
    }
}

impl Record for ForReaders {
    const KIND: u8 = 3;

    fn length(&self, format: RecordFormat) -> usize {
        self.0.length(format)
    }

    fn write(
        &self,
        format: RecordFormat,
        who: Option<Who<'_>>,
        into: &mut SecretBuffer,
    ) -> Result<(), Unreadable> {
        self.0.write(format, who, into)
    }

    fn read(plain: &[u8]) -> Result<(Self, Option<StoredKey>), Unreadable> {
        let (record, who) = SessionRecord::read(plain)?;
        Ok((Self::cut(&record, record.tokens.as_ref()), who))
    }
}
