//! The tables of `docs/PROVIDERS.md`: what each adapter claims, and what proves it.

use std::fmt::Write as _;
use std::time::Duration;

use countersign_conformance::{Case, Claim};
use countersign_core::http::ResponseHead;
use countersign_core::{
    AuthProvider, Capabilities, CredentialKind, EarliestRefresh, IdentityRule, LockoutRule,
    RefreshSupport, Rejection, RevokeSupport, Verdict,
};
use http::{HeaderMap, StatusCode};

use crate::docs::between_marks;
use crate::targets::NamedAdapter;
use crate::{cases, targets};

/// Against which of the vendors' own services an adapter has been run, and when.
const CHECKED_LIVE: &[(&str, &str)] = &[
    ("ibex", "never"),
    ("ibex_oauth2", "never"),
    ("ibanera", "never"),
    ("igny8", "never"),
    ("cognito", "never"),
    ("wikimedia", "never"),
];

/// The document with its tables made anew.
pub(crate) fn write(text: &str) -> Result<String, String> {
    let adapters = targets::adapters()?;
    let text = between_marks(text, "claims", &claims(&adapters))?;
    between_marks(&text, "proofs", &proofs(&adapters))
}

type Adapters = [NamedAdapter];

fn claims(adapters: &Adapters) -> String {
    let mut out = String::new();
    table_head(&mut out, "", adapters);
    let mut row = |name: &str, of: &dyn Fn(&dyn AuthProvider) -> String| {
        let cells = adapters.iter().map(|(_, adapter)| of(&**adapter));
        let _ = writeln!(out, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    let can = |of: fn(&Capabilities) -> String| {
        move |adapter: &dyn AuthProvider| of(adapter.capabilities())
    };
    row("**checked live**", &|adapter| live(adapter.id().as_str()));
    row("credentials", &can(credentials));
    row("refresh token", &can(refresh));
    row("earliest refresh", &can(earliest));
    row("lifetimes where an answer names none", &can(lifetimes));
    row("revoke", &can(|c| revoke(c.revoke).to_owned()));
    row("sign out everywhere", &can(|c| yes_no(c.sign_out_everywhere)));
    row("challenges that can be answered", &can(challenges));
    row("register", &can(register));
    row("change password", &can(|c| yes_no(c.change_password)));
    row("forgot and confirm", &can(|c| yes_no(c.forgot_password && c.confirm_forgot_password)));
    row("who am I", &can(|c| yes_no(c.who_am_i)));
    row("rules for a new password, checked before sending", &can(policy));
    row("lockout", &can(|c| lockout(c.lockout)));
    row("one-time code", &can(codes));
    row("operations of its own", &can(|c| list(c.extensions.iter().copied(), "none")));
    row(
        "credential headers",
        &can(|c| list(c.credential_headers.iter().map(|h| h.as_str()), "none")),
    );
    row("identity compared", &identity);
    row("a call that is answered 401", &|adapter| verdict(adapter, StatusCode::UNAUTHORIZED));
    row("a call that is answered 403", &|adapter| verdict(adapter, StatusCode::FORBIDDEN));
    out.trim_end().to_owned()
}

fn proofs(adapters: &Adapters) -> String {
    let cases = cases::all();
    let mut out = String::new();
    table_head(&mut out, "group of cases", adapters);
    let mut groups: Vec<&str> = Vec::new();
    cases.iter().for_each(|case| {
        if !groups.contains(&case.group) {
            groups.push(case.group)
        }
    });
    for group in groups {
        let count = |(name, adapter): &NamedAdapter| {
            let so = |case: &&Case| case.group == group && applies(case, name, &**adapter);
            match cases.iter().filter(so).count() {
                0 => "–".to_owned(),
                n => n.to_string(),
            }
        };
        let cells: Vec<String> = adapters.iter().map(count).collect();
        let _ = writeln!(out, "| {group} | {} |", cells.join(" | "));
    }
    let _ = writeln!(out, "\n| claim | made by | cases that exercise it |\n|---|---|---|");
    let mut all: Vec<Claim> =
        adapters.iter().flat_map(|(_, adapter)| Claim::of(adapter.capabilities())).collect();
    all.sort_unstable();
    all.dedup();
    for claim in all {
        let by = adapters.iter().filter(|(_, adapter)| claim.holds(adapter.capabilities()));
        let by: Vec<&str> = by.map(|(name, _)| *name).collect();
        let proofs = cases.iter().filter(|case| case.claims.contains(&claim)).map(|case| case.id);
        let _ = writeln!(out, "| {claim} | {} | {} |", by.join(", "), list(proofs, "**none**"));
    }
    out.trim_end().to_owned()
}

fn table_head(out: &mut String, corner: &str, adapters: &Adapters) {
    let names: Vec<String> = adapters.iter().map(|(name, _)| format!("`{name}`")).collect();
    let _ = writeln!(out, "| {corner} | {} |", names.join(" | "));
    let _ = writeln!(out, "|---|{}", "---|".repeat(adapters.len()));
}

fn applies(case: &Case, target: &str, adapter: &dyn AuthProvider) -> bool {
    let here = case.only.is_empty() || case.only.contains(&target);
    here && case.why_not(adapter.capabilities()).is_none()
}

fn live(id: &str) -> String {
    let found = CHECKED_LIVE.iter().find(|(name, _)| *name == id);
    format!("**{}**", found.map_or("never", |(_, when)| when))
}

fn credentials(c: &Capabilities) -> String {
    let words = |kinds: &[CredentialKind]| {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        words.join(", ").replace('_', " ").replace("totp", "TOTP")
    };
    match c.credentials.optional.is_empty() {
        true => words(&c.credentials.required),
        false => format!(
            "{}; optional {}",
            words(&c.credentials.required),
            words(&c.credentials.optional)
        ),
    }
}

fn refresh(c: &Capabilities) -> String {
    let kind = match c.refresh {
        RefreshSupport::Absent => "none: signs in again".to_owned(),
        RefreshSupport::Reusable => "reusable".to_owned(),
        RefreshSupport::Rotating { grace } => {
            format!("spent on use, taken for {} after", span(grace))
        }
        RefreshSupport::Unknown => {
            "not known: taken as spent on use until an answer shows that it stays".to_owned()
        }
    };
    match c.refresh_budget {
        Some(budget) => format!("{kind}, {budget} times"),
        None => kind,
    }
}

fn earliest(c: &Capabilities) -> String {
    match c.earliest_refresh {
        EarliestRefresh::Anytime => "any time".to_owned(),
        EarliestRefresh::MandatoryWindow => "shortly before the end only".to_owned(),
    }
}

fn lifetimes(c: &Capabilities) -> String {
    let refresh = match (c.refresh, c.fallback_lifetimes.refresh) {
        (RefreshSupport::Absent, _) => String::new(),
        (_, Some(life)) => format!("; refresh {}", span(life)),
        (_, None) => "; refresh unknown".to_owned(),
    };
    format!("{}{refresh}", span(c.fallback_lifetimes.access))
}

const fn revoke(support: RevokeSupport) -> &'static str {
    match support {
        RevokeSupport::None => "no",
        RevokeSupport::RefreshToken => "refresh token",
        RevokeSupport::Family => "refresh token and its access tokens",
    }
}

fn challenges(c: &Capabilities) -> String {
    let known = list(c.challenges.answerable.iter().copied(), "none");
    match c.challenges.open {
        true => format!("{known}; others are surfaced by name"),
        false => known,
    }
}

fn register(c: &Capabilities) -> String {
    let Some(register) = c.register else { return "no".to_owned() };
    let with = list(register.required.iter().copied(), "nothing else");
    let signs_in = if register.signs_in { "; signs in" } else { "" };
    format!("with {with}{signs_in}")
}

fn policy(c: &Capabilities) -> String {
    let Some(policy) = c.password_policy else { return "none known".to_owned() };
    let mut rules = vec![match policy.max_length {
        Some(most) => format!("{} to {most} characters", policy.min_length),
        None => format!("{} characters", policy.min_length),
    }];
    let demanded = [
        ("upper", policy.upper),
        ("lower", policy.lower),
        ("digit", policy.digit),
        ("symbol", policy.symbol),
    ];
    rules.extend(demanded.iter().filter(|(_, so)| *so).map(|(word, _)| (*word).to_owned()));
    rules.join(", ")
}

fn lockout(rule: LockoutRule) -> String {
    match rule {
        LockoutRule::Unknown => "not known".to_owned(),
        LockoutRule::None => "none".to_owned(),
        LockoutRule::Fixed(length) => span(length),
        LockoutRule::Doubling { free, first, most } => {
            format!("after {free} failures {}, doubling to {}", span(first), span(most))
        }
    }
}

fn codes(c: &Capabilities) -> String {
    match (c.sign_in_code, c.code_per_request) {
        (None, None) => "no".to_owned(),
        (Some(step), None) => {
            format!("at sign-in, where the account has one; steps of {}", span(step))
        }
        (_, Some(step)) => format!("at sign-in and **on every request**; steps of {}", span(step)),
    }
}

fn identity(adapter: &dyn AuthProvider) -> String {
    match adapter.realm().identity {
        IdentityRule::Exact => "as written".to_owned(),
        IdentityRule::LowerCase => "in lower case".to_owned(),
    }
}

fn verdict(adapter: &dyn AuthProvider, status: StatusCode) -> String {
    let head = ResponseHead { status, headers: &HeaderMap::new() };
    let word = match adapter.rejects(&head, None) {
        Verdict::Accepted => "is no word about the token",
        Verdict::NeedsBody => "its body decides",
        Verdict::Rejected(Rejection::TokenOrCode) => "token or code",
        Verdict::Rejected(_) => "rejects the token",
    };
    word.to_owned()
}

fn yes_no(so: bool) -> String {
    if so { "yes" } else { "no" }.to_owned()
}

fn list<'a>(words: impl Iterator<Item = &'a str>, none: &str) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}

/// `90 days`, `24 h`, `15 min`, `30 s`: the largest unit that leaves no rest, days from two on.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        s if s >= 2 * 86_400 && s % 86_400 == 0 => format!("{} days", s / 86_400),
        s if s >= 3_600 && s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
