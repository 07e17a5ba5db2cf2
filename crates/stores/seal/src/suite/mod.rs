//! The public test suite for stores: what every [`SessionStore`] must do, whatever is behind it.
//!
//! ```no_run
//! # async fn example(store: &dyn countersign_core::SessionStore) {
//! use countersign_seal::suite::{Subject, check};
//!
//! // Everything that needs no more than the store.
//! countersign_seal::suite::run(store).await.unwrap();
//!
//! // Everything: a second connection to the same store, and a way to let time pass.
//! let subject = Subject::new(store).second(store).passing(async |_time| { /* move its clock */ });
//! let report = check(&subject).await;
//! println!("{report}");
//! report.into_result().unwrap();
//! # }
//! ```
//!
//! Where a store honestly differs from the contract it says so with a reason ([`Subject::without_lease`]); the
//! report repeats it, and what the store does instead is checked.
//!
//! [`Through`] makes a store of what is to be done otherwise than by the store below: for tests of programs
//! whose store fails, counts or holds back.
//!
//! The cases use names drawn at random and remove what they wrote, so they can run against a store that is in
//! use; what a case sets aside stays there, a few bytes each. None waits for a lock longer than it takes to
//! ask unless a way to let time pass was given, so that a store with a clock that stands still passes.

mod bench;
mod golden;
mod keys;
mod leases;
mod locks;
mod over;
mod phases;
mod records;
mod report;
mod sealed;
mod subject;
mod waits;
mod watch;
mod writers;

use std::pin::Pin;

use countersign_core::SessionStore;

pub use over::{Over, Through};
pub use report::{Failure, Outcome, Report};
pub use subject::{Damage, Subject};

use report::Verdict;

/// Runs every case that needs nothing but `store`, one after the other.
///
/// # Errors
/// The first case that failed.
pub async fn run(store: &dyn SessionStore) -> Result<(), Failure> {
    check(&Subject::new(store)).await.into_result()
}

/// Runs every case, one after the other, and tells of each how it ended.
pub async fn check(subject: &Subject<'_>) -> Report {
    let mut report = Report::default();
    for (name, case) in CASES {
        report.add(name, case(subject).await);
    }
    report
}

type Case = for<'a> fn(
    &'a Subject<'_>,
) -> Pin<Box<dyn Future<Output = Result<Verdict, Failure>> + Send + 'a>>;

/// Names of cases and the functions of that name.
macro_rules! cases {
    ($($module:ident: $($case:ident),+;)+) => {
        &[$($((stringify!($case), |subject| Box::pin($module::$case(subject)))),+),+]
    };
}

const CASES: &[(&str, Case)] = cases! {
    records:
        a_name_without_a_record_has_none,
        a_write_raises_the_revision,
        bytes_are_kept_as_they_are,
        a_write_to_an_outdated_revision_loses,
        removal_needs_the_revision,
        a_removed_record_does_not_fit_its_old_revision,
        a_record_that_is_set_aside_makes_room,
        list_names_every_record,
        load_many_keeps_the_order;
    locks:
        a_lock_excludes_others_until_it_is_let_go,
        locks_of_two_names_are_apart,
        a_write_with_an_outdated_fence_is_refused,
        a_fence_guards_records_of_other_names;
    waits:
        a_waiting_lock_is_given_when_it_is_let_go,
        many_that_wait_come_one_after_the_other,
        a_wait_for_a_lock_ends_and_names_its_holder;
    leases:
        a_lease_ends_and_its_holder_is_nobody_then,
        a_renewed_lease_lasts,
        a_lock_without_a_lease_stays;
    phases:
        a_lease_lost_before_the_load_fences_the_journal,
        a_lease_lost_before_the_journal_fences_it,
        a_lease_lost_before_the_send_is_known,
        a_lease_lost_before_the_commit_fences_it,
        a_lease_lost_before_the_release_releases_nothing;
    writers: no_write_of_many_is_lost;
    watch: a_change_is_announced_where_changes_are;
    keys: seal_keys_open_what_they_sealed;
    golden: records_of_every_version_open_and_are_gone_on_from;
    sealed:
        what_is_listed_says_whose_it_is,
        records_swapped_between_two_accounts_do_not_open,
        a_damaged_record_is_set_aside_and_replaced,
        what_is_damaged_where_it_lies_is_not_taken_for_nothing,
        a_record_of_a_newer_version_is_kept_as_it_is,
        a_record_is_sealed_anew_under_a_new_key,
        two_releases_share_a_record,
        readers_get_their_part;
};
