//! The suite's words for operations, faults and records, and the simulator's.

use std::time::Duration;

use countersign_core::Timestamp;
use countersign_simulator as simulator;
use simulator::{AuthVerdict, Operation, Record};

use crate::fault::{Absurd, Fault, RetryAfter, Times};
use crate::operation::Op;
use crate::target::{Presented, Seen};

/// The simulator's operation for a fault; `None` where it has no counterpart.
pub(super) fn operation(op: Op) -> Option<Operation> {
    Some(match op {
        Op::SignIn => Operation::SIGN_IN,
        Op::Answer | Op::Continue => Operation::ANSWER,
        Op::Refresh => Operation::REFRESH,
        Op::Revoke => Operation::REVOKE,
        Op::SignOutEverywhere => Operation::SIGN_OUT_EVERYWHERE,
        Op::Register => Operation::REGISTER,
        Op::ChangePassword => Operation::CHANGE_PASSWORD,
        Op::ForgotPassword => Operation::FORGOT_PASSWORD,
        Op::ConfirmForgotPassword => Operation::CONFIRM_FORGOT_PASSWORD,
        Op::WhoAmI => Operation::WHO_AM_I,
        Op::Resource => Operation::RESOURCE,
        Op::Any => Operation::ANY,
        Op::Auth => Operation::AUTH,
        Op::Unknown => Operation::UNKNOWN,
        // Each has a name of its own there.
        Op::Extension => return None,
    })
}

/// The suite's operation of a record.
fn op(operation: Operation) -> Op {
    match operation {
        Operation::SIGN_IN => Op::SignIn,
        Operation::ANSWER => Op::Answer,
        Operation::REFRESH => Op::Refresh,
        Operation::REVOKE => Op::Revoke,
        Operation::SIGN_OUT_EVERYWHERE => Op::SignOutEverywhere,
        Operation::REGISTER => Op::Register,
        Operation::CHANGE_PASSWORD => Op::ChangePassword,
        Operation::FORGOT_PASSWORD => Op::ForgotPassword,
        Operation::CONFIRM_FORGOT_PASSWORD => Op::ConfirmForgotPassword,
        Operation::WHO_AM_I => Op::WhoAmI,
        Operation::RESOURCE => Op::Resource,
        Operation::UNKNOWN => Op::Unknown,
        _ => Op::Extension,
    }
}

/// The simulator's fault for one in the server's own words; `None` for those that are not.
pub(super) fn fault(fault: &Fault) -> Option<simulator::Fault> {
    Some(match fault {
        Fault::TooManyRequests(after) => simulator::Fault::Status429 { retry_after: retry(*after) },
        Fault::ServerError => simulator::Fault::Status500,
        Fault::Unavailable => simulator::Fault::Status503,
        Fault::Unauthorized => simulator::Fault::Unauthorized,
        Fault::AbsurdExpiry(absurd) => simulator::Fault::AbsurdExpiry(nonsense(*absurd)),
        Fault::MissingExpiry => simulator::Fault::MissingExpiry,
        Fault::EmptyToken => simulator::Fault::EmptyToken,
        Fault::HugeToken => simulator::Fault::HugeToken,
        Fault::TokenWithNewline => simulator::Fault::TokenWithNewline,
        Fault::DuplicateJson => simulator::Fault::DuplicateJson,
        Fault::DeepJson => simulator::Fault::DeepJson,
        _ => return None,
    })
}

/// The simulator's count.
pub(super) const fn times(times: Times) -> simulator::Times {
    match times {
        Times::Next(n) => simulator::Times::Exactly(n),
        Times::Always => simulator::Times::Forever,
    }
}

/// A record as the suite reads it.
pub(super) fn seen(record: Record) -> Seen {
    let at = Timestamp::UNIX_EPOCH.after(millis(record.at_ms));
    let mut seen = Seen::new(op(record.operation), at);
    seen.method = record.method;
    seen.path = record.path;
    seen.header_names = record.header_names;
    seen.status = record.status;
    seen.done = record.success;
    seen.altered = record.altered;
    seen.reason = record.reason.map(str::to_owned);
    seen.token = presented(record.auth);
    seen.generation = record.generation_presented;
    seen.issued = record.generation_issued;
    seen.spent_refresh_token = record.spent_refresh_token;
    seen
}

fn millis(since: i64) -> Duration {
    Duration::from_millis(u64::try_from(since).unwrap_or_default())
}

const fn retry(after: RetryAfter) -> simulator::RetryAfter {
    match after {
        RetryAfter::Silent => simulator::RetryAfter::None,
        RetryAfter::Own(seconds) => simulator::RetryAfter::Reset(seconds),
        RetryAfter::Date(seconds) => simulator::RetryAfter::Date(seconds),
        RetryAfter::Seconds(seconds) => simulator::RetryAfter::Seconds(seconds),
    }
}

const fn nonsense(absurd: Absurd) -> simulator::Absurd {
    match absurd {
        Absurd::Float => simulator::Absurd::Float,
        Absurd::Huge => simulator::Absurd::Huge,
        Absurd::Negative => simulator::Absurd::Negative,
        Absurd::String => simulator::Absurd::String,
        Absurd::Zero => simulator::Absurd::Zero,
    }
}

const fn presented(verdict: AuthVerdict) -> Presented {
    match verdict {
        AuthVerdict::Accepted => Presented::Accepted,
        AuthVerdict::BadCode => Presented::BadCode,
        AuthVerdict::Expired => Presented::Expired,
        AuthVerdict::Malformed => Presented::Malformed,
        AuthVerdict::Missing => Presented::Missing,
        AuthVerdict::NotAsked => Presented::NotAsked,
        AuthVerdict::RefusedByFault => Presented::RefusedByFault,
        AuthVerdict::Revoked => Presented::Revoked,
        _ => Presented::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_what_it_names_and_nothing_else() {
        assert_eq!(operation(Op::Any), Some(Operation::ANY));
        assert_eq!(operation(Op::Auth), Some(Operation::AUTH));
        assert_eq!(operation(Op::Unknown), Some(Operation::UNKNOWN));
        assert_eq!(operation(Op::Extension), None);
        assert!(fault(&Fault::Cut).is_none() && fault(&Fault::ServerError).is_some());
    }
}
