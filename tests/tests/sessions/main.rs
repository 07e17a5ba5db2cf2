//! Sessions end to end: the real adapters, the real engine and the real client, against the simulators
//! behind sockets.

mod bench;
mod dropped_callers;
mod hostile_answers;
mod main_job;
mod redirects;
mod thundering_herd;
