//! Countersign's driver on tokio: Keeper, Session, MemoryStore and the system clock
