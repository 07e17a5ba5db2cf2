//! `--live`: the harmless cases against a real service, after saying what will be done there.

mod plan;
mod target;

use std::sync::Arc;

use countersign_cli::live::Live;
use countersign_conformance::report::model::{Entry, Run};
use countersign_conformance::{Decision, Permits, Suite, Target};

use self::target::Service;
use crate::args::Args;
use crate::{make_folder, report, rows, seed, select, tell};

/// Makes a live run; whether the service and the adapter agree.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let wanted = &args.live;
    let cases = select::cases(args)?;
    for id in wanted.allow.iter().chain(&wanted.except) {
        select::case(id)?;
    }
    let profile = Live::open(wanted.config.clone(), wanted.profile.as_deref());
    let profile = profile.map_err(|refused| refused.to_string())?;
    make_folder(args)?;
    let service = Arc::new(Service::of(&profile, wanted)?) as Arc<dyn Target>;
    let permits = Permits {
        sign_ins: wanted.sign_ins,
        allow: wanted.allow.clone(),
        except: wanted.except.clone(),
        faults: wanted.faults,
    };
    let suite = Suite::new(cases, [service], seed(args)).permits(permits).partial();
    let planned: Vec<_> = suite.plan().map_err(|down| down.to_string())?.remove(0).1;
    plan::check(&planned, wanted)?;
    eprint!("{}", plan::text(&planned, profile.name(), profile.provider(), wanted));
    if !planned.iter().any(|case| matches!(case.decision, Decision::Runs { .. })) {
        return Err("no case would be run; the list above says what each of them needs".to_owned());
    }
    target::probe(&profile)?;
    let mut run = suite.run(tell).map_err(|down| down.to_string())?;
    rows::complete(&mut run, true)?;
    eprintln!("{} sign-ins of {} were asked for", sign_ins(&run), wanted.sign_ins);
    report(args, &run)
}

fn sign_ins(run: &Run) -> usize {
    let is_sign_in = |entry: &&Entry| matches!(entry, Entry::Exchange { operation, .. } if operation == "sign_in");
    run.cases().flat_map(|(_, case)| &case.timeline).filter(is_sign_in).count()
}
