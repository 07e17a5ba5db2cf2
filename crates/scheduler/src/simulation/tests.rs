//! Days of which is known what they come to.

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn day() -> Day {
    Day { sessions: 2_000, ..Day::default() }
}

#[test]
fn f02_on_a_quiet_day_nobody_is_late_and_the_waves_are_smoothed() {
    let report = day().run();
    assert_eq!((report.failed, report.expired, report.put_off), (0, 0, 0));
    // A token of an hour is renewed after 39 to 45 minutes.
    let each = report.renewed as f64 / 2_000.0;
    assert!((31.0..38.0).contains(&each), "{each}");
    assert!(report.lateness.most() <= Duration::from_millis(1), "{:?}", report.lateness);
    assert!(report.peak_rate as f64 <= report.mean_rate * 12.0, "{report:?}");
}

#[test]
fn an_outage_that_is_shorter_than_what_tokens_have_left_costs_nobody_anything() {
    let outage = Outage { begins: 8 * HOUR, lasts: HOUR / 10 };
    let report = Day { outages: vec![outage], ..day() }.run();
    assert!(report.failed > 0);
    assert_eq!((report.expired, report.recovered_after), (0, Some(Duration::ZERO)));
    // The circuit lets hardly anything through while the provider is down.
    assert!(report.failed < 200, "{report:?}");
}

#[test]
fn f14_an_hour_of_outage_is_recovered_from_and_the_provider_is_spared_throughout() {
    let outage = Outage { begins: 8 * HOUR, lasts: HOUR };
    let report = Day { outages: vec![outage], ..day() }.run();
    assert!(report.expired > 1_500 && report.longest_without < HOUR, "{report:?}");
    let recovered = report.recovered_after.unwrap();
    assert!(recovered < Duration::from_secs(20 * 60), "{recovered:?}");
    assert!(report.failed < 1_000, "{report:?}");
    assert!(report.put_off > report.failed, "the circuit asks nobody: {report:?}");
    let sent = report.mean_rate * 86_400.0;
    assert!((sent - (report.renewed + report.failed) as f64).abs() < 2.0, "{report:?}");
    assert!(report.peak_rate <= 1_750, "burst and rate of the lane bound it: {report:?}");
}

#[test]
fn the_same_day_is_the_same_report_and_few_workers_make_it_late() {
    let few = Day { sessions: 500, workers: 1, exchange: Duration::from_secs(4), ..day() };
    let (one, other) = (few.run(), few.run());
    assert_eq!((one.renewed, &one.lateness), (other.renewed, &other.lateness));
    assert!(one.deepest_queue > 0 && one.lateness.quantile(0.5) >= Duration::from_secs(4));
}

#[test]
fn an_outage_to_the_end_of_the_day_is_recovered_from_by_nobody_and_all_that_is_lacked_is_told() {
    let outage = Outage { begins: 20 * HOUR, lasts: 5 * HOUR };
    let report = Day { outages: vec![outage], ..day() }.run();
    assert_eq!((report.expired, report.recovered_after), (2_000, None));
    // A token has a quarter of an hour left at the least when it should be renewed, and an hour at the most.
    let longest = report.longest_without;
    assert!((HOUR * 35 / 10..HOUR * 38 / 10).contains(&longest), "{longest:?}");
    let mean = report.without_token / 2_000;
    assert!((HOUR * 3..HOUR * 35 / 10).contains(&mean), "{mean:?}");
}

#[test]
fn f14_a_second_outage_is_met_as_the_first_one_was() {
    let outage = |hour| Outage { begins: hour * HOUR, lasts: HOUR };
    let once = Day { outages: vec![outage(12)], ..day() }.run();
    let twice = Day { outages: vec![outage(6), outage(12)], ..day() }.run();
    assert!(twice.expired > once.expired * 18 / 10, "{twice:?}");
    let [first, then] = [once, twice].map(|report| report.recovered_after.unwrap());
    assert!(then < first + Duration::from_secs(120), "{first:?}, {then:?}");
}
