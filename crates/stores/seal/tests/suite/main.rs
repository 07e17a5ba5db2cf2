//! The suite for stores is itself tried: a right store passes, each wrong one fails in the case that is named
//! for it. The same store shows how records are sealed anew.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

mod defect;
mod resealed;
mod store;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use countersign_seal::suite::{Outcome, Report, Subject, check};

use defect::Defect;
use store::Store;

/// Nothing here waits for anything but another poll; a store that keeps the suite waiting for ever is stopped.
fn block_on<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..1_000_000).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

fn try_out(defect: Defect) -> Option<Report> {
    let (store, second) = Store::pair(defect);
    let (clock, damage) = (store.clock(), store.damaging());
    let subject = Subject::new(&store)
        .second(&second)
        .naming_the_holder("host 7")
        .passing(move |time| {
            let clock = clock.clone();
            async move { clock.pass(time).await }
        })
        .damaging(move |name, how| {
            damage(name, how);
            std::future::ready(())
        });
    block_on(check(&subject))
}

#[test]
fn a_right_store_passes_every_case_but_that_of_stores_without_leases() {
    let report = try_out(Defect::None).unwrap();
    assert_eq!(report.failed(), [""; 0], "{report}");
    assert_eq!(report.left_out(), ["a_lock_without_a_lease_stays"], "{report}");
    assert_eq!(report.cases().count(), 36);
}

#[test]
fn without_a_clock_to_move_what_ends_by_time_is_left_out_by_name() {
    let (store, _) = Store::pair(Defect::None);
    let report = block_on(check(&Subject::new(&store))).unwrap();
    assert_eq!(report.failed(), [""; 0], "{report}");
    assert_eq!(
        report.left_out(),
        [
            "a_wait_for_a_lock_ends_and_names_its_holder",
            "a_lease_ends_and_its_holder_is_nobody_then",
            "a_renewed_lease_lasts",
            "a_lock_without_a_lease_stays",
            "a_lease_lost_before_the_load_fences_the_journal",
            "a_lease_lost_before_the_journal_fences_it",
            "a_lease_lost_before_the_send_is_known",
            "a_lease_lost_before_the_commit_fences_it",
            "a_lease_lost_before_the_release_releases_nothing",
            "what_is_damaged_where_it_lies_is_not_taken_for_nothing",
        ],
        "{report}"
    );
    assert!(report.to_string().contains("left out  a_renewed_lease_lasts: no way to let time"));
    block_on(countersign_seal::suite::run(&store)).unwrap().unwrap();
}

#[test]
fn a_store_without_leases_says_so_and_is_held_to_that() {
    for (defect, fails) in
        [(Defect::LeaseNeverEnds, None), (Defect::None, Some("a_lock_without_a_lease_stays"))]
    {
        let (store, second) = Store::pair(defect);
        let clock = store.clock();
        let pass = move |time| {
            let clock = clock.clone();
            async move { clock.pass(time).await }
        };
        let why = "locks end with their process";
        let subject = Subject::new(&store).second(&second).without_lease(why).passing(pass);
        let report = block_on(check(&subject)).unwrap();
        assert_eq!(report.failed(), Vec::from_iter(fails), "{report}");
        let told = ("a_renewed_lease_lasts", &Outcome::LeftOut(why.into()));
        assert!(report.cases().any(|case| case == told), "{report}");
    }
}

/// Which case must catch which defect.
const CAUGHT: &[(Defect, &str)] = &[
    (Defect::AnyRevisionFits, "a_write_to_an_outdated_revision_loses"),
    (Defect::AsideNeedsNoRevision, "a_record_that_is_set_aside_makes_room"),
    (Defect::AsideStays, "a_damaged_record_is_set_aside_and_replaced"),
    (Defect::BytesAreText, "bytes_are_kept_as_they_are"),
    (Defect::BytesAreCut, "bytes_are_kept_as_they_are"),
    (Defect::DamagedIsGone, "what_is_damaged_where_it_lies_is_not_taken_for_nothing"),
    (Defect::DamagedIsReplaced, "what_is_damaged_where_it_lies_is_not_taken_for_nothing"),
    (Defect::ExpiryIsForgotten, "a_lease_ends_and_its_holder_is_nobody_then"),
    (Defect::FenceIsIgnored, "a_write_with_an_outdated_fence_is_refused"),
    (Defect::FenceOfTheRecord, "a_fence_guards_records_of_other_names"),
    (Defect::FenceStays, "a_lock_excludes_others_until_it_is_let_go"),
    (Defect::FencesOfLeasesAreIgnored, "a_lease_lost_before_the_load_fences_the_journal"),
    (Defect::FencesOfLeasesAreIgnored, "a_lease_lost_before_the_journal_fences_it"),
    (Defect::FencesOfLeasesAreIgnored, "a_lease_lost_before_the_commit_fences_it"),
    (Defect::HeldForEver, "a_lease_lost_before_the_send_is_known"),
    (Defect::HeldForAnyTime, "a_lease_ends_and_its_holder_is_nobody_then"),
    (Defect::HolderIsNotNamed, "a_wait_for_a_lock_ends_and_names_its_holder"),
    (Defect::KeysAreOfOneHandle, "seal_keys_open_what_they_sealed"),
    (Defect::KeysChange, "seal_keys_open_what_they_sealed"),
    (Defect::LeaseNeverEnds, "a_lease_lost_before_the_commit_fences_it"),
    (Defect::ListForgets, "list_names_every_record"),
    (Defect::ListIsLate, "what_is_listed_says_whose_it_is"),
    (Defect::ListRemembers, "list_names_every_record"),
    (Defect::LoadManySorts, "load_many_keeps_the_order"),
    (Defect::LoadsByContent, "records_swapped_between_two_accounts_do_not_open"),
    (Defect::LockIsGivenToTwo, "a_lock_excludes_others_until_it_is_let_go"),
    (Defect::LockStays, "a_lock_excludes_others_until_it_is_let_go"),
    (Defect::LocksAreOne, "locks_of_two_names_are_apart"),
    (Defect::LoserSeesNothing, "a_write_to_an_outdated_revision_loses"),
    (Defect::MagicIsMended, "a_damaged_record_is_set_aside_and_replaced"),
    (Defect::NewerIsRemoved, "a_record_of_a_newer_version_is_kept_as_it_is"),
    (Defect::NewFormatOnly, "records_of_every_version_open_and_are_gone_on_from"),
    (Defect::NewFormatOnly, "two_releases_share_a_record"),
    (Defect::OneKeyOnly, "a_record_is_sealed_anew_under_a_new_key"),
    (Defect::ReadersGetTheWhole, "readers_get_their_part"),
    (Defect::ReleaseOfAnyone, "a_lease_lost_before_the_release_releases_nothing"),
    (Defect::RemovalNeedsNoRevision, "removal_needs_the_revision"),
    (Defect::RenewalDoesNothing, "a_renewed_lease_lasts"),
    (Defect::RenewalOfAnyone, "a_lease_ends_and_its_holder_is_nobody_then"),
    (Defect::RevisionBeginsAgain, "a_removed_record_does_not_fit_its_old_revision"),
    (Defect::RevisionStays, "a_write_raises_the_revision"),
    (Defect::SomethingIsThere, "a_name_without_a_record_has_none"),
    (Defect::StaleUnderTheLock, "many_that_wait_come_one_after_the_other"),
    (Defect::WaitGivesUp, "a_waiting_lock_is_given_when_it_is_let_go"),
    (Defect::WaitHasNoEnd, "a_wait_for_a_lock_ends_and_names_its_holder"),
    (Defect::WatchIsSilent, "a_change_is_announced_where_changes_are"),
    (Defect::WatchNamesAnother, "a_change_is_announced_where_changes_are"),
    (Defect::WritesAreLost, "no_write_of_many_is_lost"),
];

#[test]
fn every_wrong_store_fails_where_it_is_wrong() {
    for (defect, case) in CAUGHT {
        let report = try_out(*defect).unwrap_or_else(|| panic!("{defect:?} waits for ever"));
        assert!(report.failed().contains(case), "{defect:?} was not caught by {case}\n{report}");
        assert!(!report.into_result().unwrap_err().to_string().is_empty());
    }
}

#[test]
fn every_case_catches_a_wrong_store() {
    for (case, _) in try_out(Defect::None).unwrap().cases() {
        let caught = CAUGHT.iter().any(|(_, catcher)| *catcher == case);
        // That one is about stores without leases, and is red in its own test.
        assert!(caught || case == "a_lock_without_a_lease_stays", "{case} was never red");
    }
}
