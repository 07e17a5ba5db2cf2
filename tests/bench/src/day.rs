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
