//! Countersign's transport and client over reqwest
