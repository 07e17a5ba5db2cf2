//! What was selected on the command line, or the nearest name to what was not found.

use std::sync::Arc;

use countersign_conformance::{Case, Target};

use crate::args::Args;
use crate::defects::{self, Defect};
use crate::{cases, targets};

/// The targets that were asked for, or all.
pub(crate) fn targets(args: &Args) -> Result<Vec<Arc<dyn Target>>, String> {
    if args.provider.is_empty() {
        return Ok(targets::all());
    }
    let names: Vec<String> = targets::all().iter().map(|target| target.name().to_owned()).collect();
    let find = |name: &String| {
        targets::named(name)
            .ok_or_else(|| unknown("provider", name, names.iter().map(String::as_str)))
    };
    args.provider.iter().map(find).collect()
}

/// The cases that were asked for, or all.
pub(crate) fn cases(args: &Args) -> Result<Vec<Case>, String> {
    let all = cases::all();
    for wanted in &args.case {
        if !all.iter().any(|case| case.id.starts_with(wanted.as_str())) {
            return Err(unknown("case", wanted, all.iter().map(|case| case.id)));
        }
    }
    for wanted in &args.group {
        if !all.iter().any(|case| case.group == wanted) {
            return Err(unknown("group", wanted, all.iter().map(|case| case.group)));
        }
    }
    let named = |case: &Case| {
        args.case.is_empty() || args.case.iter().any(|wanted| case.id.starts_with(wanted.as_str()))
    };
    let grouped = |case: &Case| args.group.is_empty() || args.group.iter().any(|g| g == case.group);
    Ok(all.into_iter().filter(|case| named(case) && grouped(case)).collect())
}

/// The defects that were asked for, or all.
pub(crate) fn defects(args: &Args) -> Result<Vec<Defect>, String> {
    let all = defects::all();
    for wanted in &args.defect {
        if !all.iter().any(|defect| defect.id.starts_with(wanted.as_str())) {
            return Err(unknown("defect", wanted, all.iter().map(|defect| defect.id)));
        }
    }
    let named = |defect: &Defect| {
        args.defect.is_empty() || args.defect.iter().any(|w| defect.id.starts_with(w.as_str()))
    };
    Ok(all.into_iter().filter(named).collect())
}

/// The case of that id.
pub(crate) fn case(id: &str) -> Result<Case, String> {
    let all = cases::all();
    let found = all.iter().find(|case| case.id == id).copied();
    found.ok_or_else(|| unknown("case", id, all.iter().map(|case| case.id)))
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let hint = match near {
        Some((likeness, known)) if likeness > 0.7 => format!("; did you mean `{known}`?"),
        _ => "; `--list` prints what there is".to_owned(),
    };
    format!("no {what} `{}`{hint}", name.escape_debug())
}
