//! `sessions schedule`: by when each session is renewed, whichever keeper does it, and how long an outage of its
//! provider it survives. A dry run: nothing is sent, and whoever asks twice is told the same.

use std::time::Duration;

use clap::Args;
use countersign_core::Timestamp;
use countersign_core::session::Purpose;
use countersign_runtime::Planned;
use serde_json::{Value, json};

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

/// For whom.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The instants of the one keeper that has this number as its `replica_seed` [default: those by which every keeper
    /// has done it]
    #[arg(long, value_name = "NUMBER")]
    replica_seed: Option<u64>,
}

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let Some(file) = profiles(global)? else {
        return Err(Problem::usage(
            "there is no profile file, and a session is renewed as its profile says",
            "create it, or name another by --config FILE",
        ));
    };
    let (described, broken) = described(&file, global)?;
    let seed = arguments.replica_seed;
    // Without a number all is told of every keeper, but for waits after a failure: they are to be the same each time.
    let fleet = Fleet::plan(file.store(), described, seed.unwrap_or_default())?;
    if let (Some(_), Some((_, problem))) = (&global.profile, fleet.unopened().first()) {
        return Err(problem.clone());
    }
    let now = fleet.now();
    let broken = broken.iter().map(|(name, problem)| Row::unopened(name, None, problem));
    let unopened = fleet
        .unopened()
        .iter()
        .map(|(profile, problem)| Row::unopened(profile.name(), Some(profile.provider()), problem));
    let plans = fleet.ask(async |sessions| {
        let mut plans = Vec::with_capacity(sessions.len());
        for (_, session) in sessions {
            let mut plan = Plan::of(&session.planned(), seed.is_some(), now);
            if plan.next.is_none() {
                plan.reason = Some(session.explain().await.reason.as_str());
            }
            plans.push(plan);
        }
        plans
    });
    let opened = fleet.sessions().iter().zip(plans).map(|((profile, _), plan)| Row {
        profile: profile.name(),
        provider: Some(profile.provider()),
        plan: Ok(plan),
    });
    let mut rows: Vec<Row<'_>> = opened.chain(unopened).chain(broken).collect();
    rows.sort_by_key(Row::place);
    for row in rows {
        if global.json {
            output::json(&row.as_json())?;
        } else {
            output::line(&row.line(now))?;
        }
    }
    Ok(Exit::Success)
}

type Broken<'a> = (&'a str, Problem);

/// The profiles that are meant: one by name, else all of the file, and beside them those that are wrong.
fn described<'a>(
    file: &'a ProfileFile,
    global: &Global,
) -> Result<(Vec<Profile>, Vec<Broken<'a>>), Problem> {
    if let Some(name) = &global.profile {
        return Ok((vec![file.profile(Some(name))?], Vec::new()));
    }
    let (mut described, mut broken) = (Vec::new(), Vec::new());
    for name in file.names() {
        match file.profile(Some(name)) {
            Ok(profile) => described.push(profile),
            Err(problem) => broken.push((name, problem)),
        }
    }
    Ok((described, broken))
}

/// What is told of one profile.
struct Row<'a> {
    profile: &'a str,
    /// Unknown where the profile is wrong.
    provider: Option<&'static str>,
    plan: Result<Plan, &'a Problem>,
}

impl<'a> Row<'a> {
    const fn unopened(
        profile: &'a str,
        provider: Option<&'static str>,
        problem: &'a Problem,
    ) -> Self {
        Self { profile, provider, plan: Err(problem) }
    }

    /// Soonest first, then those that wait for a caller, then those that nothing is known of.
    fn place(&self) -> (u8, Option<Timestamp>, &'a str) {
        match &self.plan {
            Ok(Plan { next: Some(next), .. }) => (0, Some(next.at), self.profile),
            Ok(_) => (1, None, self.profile),
            Err(_) => (2, None, self.profile),
        }
    }

    fn as_json(&self) -> Value {
        let plan = self.plan.as_ref().ok();
        json!({
            "profile": self.profile,
            "provider": self.provider,
            "state": plan.map(|plan| plan.state),
            "next": plan.and_then(|plan| plan.next).map(|next| json!({
                "purpose": next.purpose,
                "at": next.at.to_string(),
                "earliest": when::json(next.window.map(|(earliest, _)| earliest)),
                "latest": when::json(next.window.map(|(_, latest)| latest)),
            })),
            "reason": plan.and_then(|plan| plan.reason),
            "expires_at": when::json(plan.and_then(|plan| plan.expires_at)),
            "survives_ms": plan
                .and_then(|plan| plan.survives)
                .map(|span| u64::try_from(span.as_millis()).ok()),
            "over_at": when::json(plan.and_then(|plan| plan.over_at)),
            "error": self.plan.as_ref().err().map(|problem| json!({
                "message": problem.what(),
                "help": problem.remedy(),
            })),
        })
    }

    fn line(&self, now: Timestamp) -> String {
        let profile = escape(self.profile);
        match &self.plan {
            Ok(plan) => format!("{profile}: {}", plan.words(now)),
            Err(problem) => {
                let (what, help) = (escape(problem.what()), escape(problem.remedy()));
                format!("{profile}: cannot be opened: {what}; {help}")
            }
        }
    }
}

/// What happens to a session if nobody does anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Plan {
    state: &'static str,
    next: Option<Next>,
    /// Why nothing is due, in the word of `sessions explain`.
    reason: Option<&'static str>,
    expires_at: Option<Timestamp>,
    /// So long the provider can be away from the instant of the renewal on, before a request fails; `None` if no
    /// renewal is due.
    survives: Option<Duration>,
    /// From then on nothing can renew it: a sign-in is needed.
    over_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Next {
    purpose: &'static str,
    /// When it is done by the one keeper that was asked for; else by when every keeper has done it.
    at: Timestamp,
    /// The earliest and the latest instant of any keeper.
    window: Option<(Timestamp, Timestamp)>,
    /// It is one keeper's.
    exact: bool,
}

impl Plan {
    /// `exact`: of the replica whose plan it is, and not of all that there may be.
    fn of(planned: &Planned, exact: bool, now: Timestamp) -> Self {
        let window = planned.window;
        let latest = window.map(|(_, latest)| latest).filter(|_| !exact);
        let renews = matches!(planned.next, Some((Purpose::Renew { .. }, _)));
        Self {
            state: planned.state.as_str(),
            next: planned.next.map(|(purpose, at)| Next {
                purpose: status::word(purpose),
                at: latest.unwrap_or(at),
                window,
                exact,
            }),
            reason: None,
            expires_at: planned.expires_at,
            survives: renews.then(|| match latest {
                Some(_) => planned.survives_at_worst(),
                None => planned.survives(),
            }),
            over_at: planned.refresh_expires_at.filter(|end| *end > now),
        }
    }

    fn words(&self, now: Timestamp) -> String {
        let mut text = match self.next {
            Some(next) => next.words(now),
            None => {
                let why = self.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                format!("{}{why}; nothing is due by itself", self.state).replace('_', " ")
            }
        };
        if let Some(span) = self.survives {
            let span = duration::words(span);
            text.push_str(&match self.next {
                Some(Next { exact: false, .. }) => {
                    format!("; survives an outage of {span} at least")
                }
                _ => format!("; survives an outage of {span} from then"),
            });
        }
        if let Some(at) = self.over_at {
            text.push_str(&format!("; can be renewed until {at}"));
        }
        text
    }
}

impl Next {
    fn words(&self, now: Timestamp) -> String {
        let Self { purpose, at, .. } = *self;
        let told = |at: Timestamp| match at > now {
            true => when::told(at, now),
            false => "now".to_owned(),
        };
        match self.window {
            _ if at <= now => format!("{purpose} now"),
            Some((earliest, latest)) if !self.exact && earliest < latest => {
                format!("{purpose} by {}, at the earliest {}", told(at), told(earliest))
            }
            _ => format!("{purpose} at {}", told(at)),
        }
    }
}
