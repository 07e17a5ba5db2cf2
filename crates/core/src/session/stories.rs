//! Named sequences, one per incident.
