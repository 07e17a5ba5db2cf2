//! What is logged: once per transition, with names and digests only.

use countersign_core::session::Status;
use tracing::{debug, info, warn};

use crate::cell::Cell;
use crate::events::SessionEventKind;

impl Cell {
    /// Tells the log. The session is named by the digest of its key, errors by their words.
    pub(crate) fn trace(&self, kind: &SessionEventKind) {
        let (provider, session) = (self.provider.id(), self.digest);
        match kind {
            SessionEventKind::Published { generation, saved: true } => {
                info!(%provider, %session, %generation, "token published");
            }
            SessionEventKind::Published { generation, saved: false } => {
                warn!(%provider, %session, %generation, "token published but not saved; saving is tried again");
            }
            SessionEventKind::Unpublished => debug!(%provider, %session, "token withdrawn"),
            SessionEventKind::Moved { from, to } => {
                let (from, to) = (from.as_str(), to.as_str());
                match *kind {
                    SessionEventKind::Moved { to: Status::ReauthRequired, .. } => {
                        warn!(%provider, %session, from, to, "session needs a sign-in");
                    }
                    _ => debug!(%provider, %session, from, to, "session moved"),
                }
            }
            SessionEventKind::Stalled(error) => {
                let (kind, operation) = (error.kind(), error.operation());
                warn!(%provider, %session, operation, %kind, status = error.status(), "exchange failed; the next try is appointed");
            }
            SessionEventKind::Failed(error) => {
                let (kind, operation) = (error.kind(), error.operation());
                warn!(%provider, %session, operation, %kind, status = error.status(), "exchange failed");
            }
            SessionEventKind::RefreshRefused(error) => {
                let (kind, code) = (error.kind(), error.code());
                warn!(%provider, %session, %kind, code, "the refresh token was refused for good");
            }
            SessionEventKind::RefreshInDoubt => {
                warn!(%provider, %session, "the answer to a refresh was lost; its token may be spent and is not sent again");
            }
            SessionEventKind::Challenged => {
                info!(%provider, %session, "a further proof is asked for")
            }
            SessionEventKind::SignedOut => info!(%provider, %session, "signed out"),
            SessionEventKind::WaitCapped { until } => {
                warn!(%provider, %session, %until, "the provider asks for a longer wait than is obeyed");
            }
            SessionEventKind::ShortLived { life } => {
                let seconds = life.as_secs_f64();
                warn!(%provider, %session, seconds, "the provider's tokens live for less than two minutes");
            }
            SessionEventKind::BornExpired => {
                warn!(%provider, %session, "a token was over when it came; check the clock");
            }
            SessionEventKind::SkewTooLarge { millis } => {
                warn!(%provider, %session, millis, "the provider's clock differs too much from ours to make up for it; check the clock");
            }
            SessionEventKind::PasswordSettled { new } => {
                info!(%provider, %session, new, "it is settled which password holds");
            }
        }
    }
}
