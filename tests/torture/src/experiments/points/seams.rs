//! Which seams of the driver a protocol does not come by, and why.

use super::acts::Act;
use crate::findings::Findings;
use crate::kind::Kind;

/// A part of the names of their steps.
const SEAMS: [&str; 16] = [
    "to get the credentials",
    "to take the lock",
    "the lock is taken",
    "the records are read",
    "to write the mark",
    "a record of the mark",
    "to send",
    "the request leaves",
    "the answer has come",
    "to commit",
    "a record of the commit",
    "to hand the token out",
    "to let the lock go",
    "to tell whoever waits",
    "to hand nothing out any more",
    "to forget the tokens",
];

/// Says which seams were not met by `steps`, and why: each has a reason.
pub(super) fn tell(
    name: &str,
    steps: &[String],
    why: impl Fn(&str) -> Option<&'static str>,
    findings: &mut Findings,
) {
    let unmet = SEAMS.iter().filter(|seam| !steps.iter().any(|step| step.contains(**seam)));
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for seam in unmet {
        let Some(why) = why(seam) else {
            findings.claim(false, format!("{name}: no step {seam}, and nobody knows why"));
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, seams)) => seams.push(seam),
            None => reasons.push((why, vec![seam])),
        }
    }
    for (why, seams) in reasons {
        findings.note(format!("{name}: no step \"{}\": {why}", seams.join("\", \"")));
    }
}

/// Why a renewal does not come by `seam`.
pub(super) fn why_not_in_renewal(kind: Kind, seam: &str) -> Option<&'static str> {
    match seam {
        "to write the mark" | "a record of the mark" if kind == Kind::Reusable => {
            Some("a refresh token that stays needs none")
        }
        _ => of_an_end(seam),
    }
}

/// Why an act does not come by `seam`.
pub(super) fn why_not(act: Act, seam: &str) -> Option<&'static str> {
    let is_an_end = matches!(act, Act::SignOut | Act::RevokeAll);
    let is_of_machine = seam.starts_with("to ");
    match seam {
        _ if act == Act::ChangePassword && is_of_machine => {
            Some("what is outside the life of a token is done beside the machine")
        }
        "to get the credentials" if is_an_end => {
            Some("an end begins at the lock, and asks for leave and credentials when it sends")
        }
        "to write the mark" if is_an_end => Some("an end is written first, which is a commit"),
        "to hand the token out" if is_an_end => Some("there is none any more"),
        "to hand the token out" => {
            matches!(act, Act::Challenge | Act::Refused | Act::Locked).then_some("none was bought")
        }
        _ if !is_an_end => of_an_end(seam),
        _ => None,
    }
}

fn of_an_end(seam: &str) -> Option<&'static str> {
    matches!(seam, "to hand nothing out any more" | "to forget the tokens")
        .then_some("nothing is ended or refused by the API")
}
