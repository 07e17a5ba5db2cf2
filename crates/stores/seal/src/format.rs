//! The versions of the record format.

/// A version of the record format. Every version is read; which one is written is a setting of the
/// programs that share a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum RecordFormat {
    /// A record is bound to its key by the key's digest, and does not say whose it is: it opens for
    /// whoever has the key, and for nobody who lists the store.
    V1,
    /// A record says, under its seal, whose it is.
    #[default]
    V2,
}

impl RecordFormat {
    /// The number in the header.
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}
