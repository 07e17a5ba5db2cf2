//! The day: a million sessions in virtual time, without and with outages. The simulation is the
//! scheduler's own; what is told here is what it comes to.

use std::fmt::Write;
use std::time::Duration;

use countersign_scheduler::simulation::{Day, DayReport, Outage};
use countersign_scheduler::{BudgetSettings, LaneLimits};

use crate::Result;
use crate::clocks::{process_cpu, timed};

const HOUR: Duration = Duration::from_secs(3_600);

/// One day of the table.
struct Case {
    name: &'static str,
    outages: Vec<Outage>,
}

/// A table in Markdown: one line for each day.
pub(crate) fn day(sessions: u32, mut told: impl FnMut(String)) -> Result<String> {
    let cases = [
        Case { name: "no outage", outages: Vec::new() },
        Case { name: "an outage of 5 min", outages: vec![outage(8, HOUR / 12)] },
        Case { name: "an outage of an hour", outages: vec![outage(8, HOUR)] },
        Case {
            name: "three of 20 min",
            outages: [6, 12, 18].map(|at| outage(at, HOUR / 3)).into(),
        },
    ];
    let mut text = String::from(
        "| day | renewed | failed exchanges | late p50 | late p99 | latest | peak a second | mean a second \
         | sessions without a token | longest without | all back after | CPU of the simulation |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for Case { name, outages } in cases {
        told(format!("a day of {sessions} sessions: {name}"));
        let day = Day { sessions, outages, budgets: budgets(sessions), ..Day::default() };
        let (spent, report) = timed(process_cpu, || day.run());
        check(name, &report)?;
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {name} | {} |", cells(&report, spent).join(" | "));
    }
    Ok(text)
}

/// Twice what the renewals of a quiet day need on average, so that an outage can be made up for.
fn budgets(sessions: u32) -> BudgetSettings {
    let per_second = (f64::from(sessions) / HOUR.as_secs_f64() * 1.5 * 2.0).max(1.0);
    let limits = LaneLimits {
        interval: Duration::from_secs_f64(1.0 / per_second),
        burst: per_second.ceil() as u32,
        concurrency: 1_024,
    };
    BudgetSettings { limits, ..BudgetSettings::default() }
}

fn outage(at_hour: u32, lasts: Duration) -> Outage {
    Outage { begins: HOUR * at_hour, lasts }
}

/// What no day may show.
fn check(name: &str, report: &DayReport) -> Result<()> {
    if report.renewed == 0 {
        return Err(format!("{name}: nobody was renewed").into());
    }
    if name == "no outage" && (report.failed > 0 || report.expired > 0) {
        return Err(format!(
            "{name}: {} exchanges failed, {} sessions were without a token",
            report.failed, report.expired
        )
        .into());
    }
    Ok(())
}

fn cells(report: &DayReport, spent: Duration) -> [String; 11] {
    let span = |span: Duration| match span.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds => format!("{:.1} min", seconds / 60.0),
    };
    [
        report.renewed.to_string(),
        report.failed.to_string(),
        span(report.lateness.quantile(0.5)),
        span(report.lateness.quantile(0.99)),
        span(report.lateness.most()),
        report.peak_rate.to_string(),
        format!("{:.0}", report.mean_rate),
        report.expired.to_string(),
        span(report.longest_without),
        report.recovered_after.map_or("not that day".into(), span),
        span(spent),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(table: &str, title: &str) -> Vec<String> {
        let cells = |line: &str| -> Vec<String> {
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let mut lines = table.lines();
        let titles = cells(lines.next().unwrap_or_default());
        let at = titles.iter().position(|found| found == title).unwrap_or(usize::MAX);
        lines.skip(1).filter_map(|line| cells(line).get(at).cloned()).collect()
    }

    fn numbers(table: &str, title: &str) -> Vec<u64> {
        column(table, title).iter().filter_map(|cell| cell.parse().ok()).collect()
    }

    #[test]
    fn what_the_table_says_of_each_day_is_what_an_outage_of_that_length_costs() -> Result<()> {
        let table = day(2_000, drop)?;
        assert_eq!(column(&table, "day").len(), 4, "{table}");
        let failed = numbers(&table, "failed exchanges");
        let without = numbers(&table, "sessions without a token");
        let renewed = numbers(&table, "renewed");
        assert_eq!((failed[0], without[0], without[1]), (0, 0, 0), "{table}");
        assert!(failed[1] > 0 && without[2] > 1_000 && without[3] > 0, "{table}");
        assert!(renewed.iter().all(|renewed| *renewed > 50_000), "{table}");
        for back in column(&table, "all back after") {
            assert!(back.ends_with('s') || back.ends_with("min"), "{table}");
        }
        Ok(())
    }

    #[test]
    fn a_quiet_day_with_a_failure_is_no_result() {
        let outages = vec![outage(8, HOUR)];
        let report = Day { sessions: 100, outages, ..Day::default() }.run();
        assert!(check("no outage", &report).is_err());
        assert!(check("an outage of an hour", &report).is_ok());
        let nothing = Day { sessions: 0, ..Day::default() }.run();
        assert!(check("an outage of an hour", &nothing).is_err());
    }
}
