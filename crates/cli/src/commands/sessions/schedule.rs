//! `sessions schedule`: when each session is renewed, and how long an outage of its provider it survives. A
//! dry run: nothing is sent.

use std::time::Duration;

use countersign_core::Timestamp;
use countersign_core::session::Purpose;
use countersign_runtime::Planned;
use serde_json::json;

use super::{profiles, when};
use crate::cli::Global;
use crate::commands::status;
use crate::duration;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output;
use crate::problem::Problem;
use crate::profile::{Profile, ProfileFile};
use crate::terminal::escape;

pub(super) fn run(global: &Global) -> Result<Exit, Problem> {
    let Some(file) = profiles(global)? else {
        return Err(Problem::usage(
            "there is no profile file, and a session is renewed as its profile says",
            "create it, or name another by --config FILE",
        ));
    };
    let fleet = Fleet::look(described(&file, global)?)?;
    let now = fleet.now();
    for (profile, session) in fleet.sessions() {
        let planned = session.planned();
        let plan = Plan::of(&planned, now);
        if global.json {
            output::json(&json!({
                "profile": profile.name(),
                "provider": profile.provider(),
                "state": planned.state.as_str(),
                "next": plan.next.map(|(word, at)| json!({ "purpose": word, "at": at.to_string() })),
                "expires_at": when::json(planned.expires_at),
                "survives_ms": plan.survives.map(|span| u64::try_from(span.as_millis()).ok()),
                "over_at": when::json(plan.over_at),
            }))?;
        } else {
            output::line(&plan.line(profile, &planned, now))?;
        }
    }
    Ok(Exit::Success)
}

/// The profiles that are meant: one by name, else all of the file.
fn described(file: &ProfileFile, global: &Global) -> Result<Vec<Profile>, Problem> {
    match &global.profile {
        Some(name) => Ok(vec![file.profile(Some(name))?]),
        None => file.names().map(|name| file.profile(Some(name))).collect(),
    }
}

/// What happens to a session if nobody does anything.
#[derive(PartialEq, Eq, Debug)]
struct Plan {
    next: Option<(&'static str, Timestamp)>,
    /// So long the provider can be away from the moment of the renewal on, before a request fails; `None` if no
    /// renewal is due.
    survives: Option<Duration>,
    /// From then on nothing can renew it: a sign-in is needed.
    over_at: Option<Timestamp>,
}

impl Plan {
    fn of(planned: &Planned, now: Timestamp) -> Self {
        let renews = matches!(planned.next, Some((Purpose::Renew { .. }, _)));
        Self {
            next: planned.next.map(|(purpose, at)| (status::word(purpose), at.max(now))),
            survives: renews.then(|| planned.survives()),
            over_at: planned.refresh_expires_at.filter(|end| *end > now),
        }
    }

    fn line(&self, profile: &Profile, planned: &Planned, now: Timestamp) -> String {
        let mut text = format!("{}: ", escape(profile.name()));
        match self.next {
            Some((word, at)) => text.push_str(&format!("{word} at {}", when::told(at, now))),
            None => {
                let state = planned.state.as_str().replace('_', " ");
                text.push_str(&format!("{state}; nothing is due by itself"));
            }
        }
        if let Some(span) = self.survives {
            text.push_str(&format!("; survives an outage of {} from then", duration::words(span)));
        }
        if let Some(at) = self.over_at {
            text.push_str(&format!("; can be renewed until {at}"));
        }
        text
    }
}
