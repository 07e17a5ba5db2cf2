//! One line of the table: ours, the limit, the ratio, the target and what came of it.

use serde::{Deserialize, Serialize};

use crate::stats::Summary;

/// In `--quick`, a target counts as missed from so many times itself on: a machine full of neighbours must not say that
/// a change is bad.
const QUICK_SLACK: f64 = 4.0;

/// What is paid with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// CPU time of a thread, a process or a child.
    Cpu,
    /// Time that somebody waited.
    Wall,
    /// Resident memory.
    Memory,
    /// Something that is counted and has no noise.
    Count,
}

/// The unit of `ours` and `limit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    MicrosecondsPerSecond,
    Bytes,
    Mebibytes,
    PerSecond,
    Pieces,
}

/// What a row must show.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// Ours is at most so many times the limit.
    Ratio(f64),
    /// Ours is at least so many times the limit: a rate.
    RatioAtLeast(f64),
    /// Ours is at most so much.
    AtMost(f64),
    /// Ours is exactly so much.
    Exactly(f64),
    /// Ours is at most `ratio` times the limit, or `more` above it if that is more.
    RatioOr { ratio: f64, more: f64 },
    /// Ours is at most `most`, or `more` above the limit if that is more.
    AtMostOr { most: f64, more: f64 },
    /// None: shown for comparison.
    None,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The median meets the target.
    Met,
    /// The median misses it by less than the noise.
    WithinNoise,
    /// Missed, but not the wide limit of a quick run.
    Wide,
    /// Missed.
    Missed,
    /// There is nothing to meet.
    Shown,
}

/// One row.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// `W1a`, or `W1a/64` for one load of several.
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) measure: Measure,
    pub(crate) unit: Unit,
    pub(crate) ours: Summary,
    pub(crate) limit: Option<Summary>,
    /// Made within each round, then summed up.
    pub(crate) ratio: Option<Summary>,
    pub(crate) target: Target,
    pub(crate) verdict: Verdict,
    /// What the limit takes where the target's times were set: where it takes longer, they are longer too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usual_limit: Option<f64>,
    /// Whatever the figures alone do not say.
    pub(crate) note: Option<String>,
}

impl Row {
    /// A row that is measured: `None` if there was no round.
    pub(crate) fn measured(
        id: impl Into<String>,
        what: impl Into<String>,
        (measure, unit): (Measure, Unit),
        ours: &[f64],
        limit: Option<&[f64]>,
        target: Target,
    ) -> Option<Self> {
        let ratios: Option<Vec<f64>> =
            limit.map(|limit| ours.iter().zip(limit).map(|(ours, limit)| ours / limit).collect());
        let row = Self {
            id: id.into(),
            what: what.into(),
            measure,
            unit,
            ours: Summary::of(ours)?,
            limit: limit.and_then(Summary::of),
            ratio: ratios.as_deref().and_then(Summary::of),
            target,
            verdict: Verdict::Shown,
            usual_limit: None,
            note: None,
        };
        Some(row.judged(false))
    }

    /// A row that is counted.
    pub(crate) fn counted(
        id: impl Into<String>,
        what: impl Into<String>,
        count: f64,
        target: Target,
    ) -> Self {
        let row = Self {
            id: id.into(),
            what: what.into(),
            measure: Measure::Count,
            unit: Unit::Pieces,
            ours: Summary::exact(count),
            limit: None,
            ratio: None,
            target,
            verdict: Verdict::Shown,
            usual_limit: None,
            note: None,
        };
        row.judged(false)
    }

    #[must_use]
    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same where the target names a time, which was set on a machine on which the limit takes `usual`: on a slower one
    /// it counts for as many times as much as the limit of the same run takes, on a faster one as it stands.
    #[must_use]
    pub(crate) fn set_where_the_limit_takes(mut self, usual: f64) -> Self {
        self.usual_limit = Some(usual);
        let slower = self.slower();
        if slower > 1.0 {
            self.note = Some(format!(
                "the limit takes {slower:.1} times as long as where the target was set, and what it names counts as much more"
            ));
        }
        self.judged(false)
    }

    /// By so much do the times of the target count for more in this run.
    pub(crate) fn slower(&self) -> f64 {
        let times = self.usual_limit.zip(self.limit.as_ref());
        times.map_or(1.0, |(usual, limit)| (limit.median / usual).max(1.0))
    }

    /// The same, judged by the wide limits of `--quick`: counts as they are, everything else with
    /// slack.
    #[must_use]
    pub(crate) fn judged(mut self, quick: bool) -> Self {
        self.verdict = self.verdict_with(1.0);
        if quick && self.verdict == Verdict::Missed && self.measure != Measure::Count {
            self.verdict = match self.verdict_with(QUICK_SLACK) {
                Verdict::Missed => Verdict::Missed,
                _ => Verdict::Wide,
            };
        }
        self
    }

    /// `slack` times the target would do.
    fn verdict_with(&self, slack: f64) -> Verdict {
        let at_most = |summary: &Summary, most: f64| match () {
            () if summary.median <= most * slack => Verdict::Met,
            () if summary.low <= most * slack => Verdict::WithinNoise,
            () => Verdict::Missed,
        };
        match (self.target, &self.ratio, &self.limit) {
            (Target::None, ..) => Verdict::Shown,
            (Target::AtMost(most), ..) => at_most(&self.ours, most * self.slower()),
            (Target::Exactly(wanted), ..) => {
                let exact = self.ours.low == wanted && self.ours.high == wanted;
                if exact { Verdict::Met } else { Verdict::Missed }
            }
            (Target::Ratio(most), Some(ratio), _) => at_most(ratio, most),
            (Target::RatioAtLeast(least), Some(ratio), _) => match () {
                () if ratio.median * slack >= least => Verdict::Met,
                () if ratio.high * slack >= least => Verdict::WithinNoise,
                () => Verdict::Missed,
            },
            (Target::RatioOr { ratio: most, more }, Some(ratio), Some(limit)) => {
                at_most(ratio, most.max(1.0 + more * self.slower() / limit.median))
            }
            (Target::AtMostOr { most, more }, _, Some(limit)) => {
                at_most(&self.ours, most.max(limit.median + more))
            }
            // A target that cannot be judged is not met.
            (_, _, _) => Verdict::Missed,
        }
    }

    /// Whether `id` begins with what somebody asked for: `W1`, `W1a`, `W1a/64`.
    pub(crate) fn is_asked_for(id: &str, asked: &[String]) -> bool {
        asked.is_empty() || asked.iter().any(|asked| id.starts_with(asked.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Measure, Row, Target, Unit, Verdict};

    const CPU: (Measure, Unit) = (Measure::Cpu, Unit::Nanoseconds);

    fn verdict(ours: &[f64], limit: &[f64], target: Target) -> Verdict {
        Row::measured("W0", "", CPU, ours, Some(limit), target).unwrap().verdict
    }

    #[test]
    fn a_ratio_is_met_missed_or_within_the_noise() {
        let limit = [10.0; 9];
        assert_eq!(verdict(&[14.0; 9], &limit, Target::Ratio(1.4)), Verdict::Met);
        assert_eq!(verdict(&[14.1; 9], &limit, Target::Ratio(1.4)), Verdict::Missed);
        let wide = [12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0];
        assert_eq!(verdict(&wide, &limit, Target::Ratio(1.4)), Verdict::WithinNoise);
    }

    #[test]
    fn a_ratio_is_made_within_its_round() {
        // The machine was twice as slow in half of the rounds: for both.
        let (ours, limit) = ([12.0, 24.0, 12.0, 24.0, 12.0], [10.0, 20.0, 10.0, 20.0, 10.0]);
        let row = Row::measured("W0", "", CPU, &ours, Some(&limit), Target::Ratio(1.2)).unwrap();
        let ratio = row.ratio.unwrap();
        assert!((ratio.median - 1.2).abs() < 1e-9 && ratio.noise() < 1e-9);
        assert_eq!(row.verdict, Verdict::Met);
    }

    #[test]
    fn a_rate_has_a_floor_and_a_dear_limit_leaves_a_fixed_sum_room() {
        assert_eq!(verdict(&[7.0; 5], &[10.0; 5], Target::RatioAtLeast(0.7)), Verdict::Met);
        assert_eq!(verdict(&[6.9; 5], &[10.0; 5], Target::RatioAtLeast(0.7)), Verdict::Missed);
        let or = Target::RatioOr { ratio: 1.02, more: 1.5 };
        assert_eq!(verdict(&[31.4; 5], &[30.0; 5], or), Verdict::Met);
        assert_eq!(verdict(&[31.6; 5], &[30.0; 5], or), Verdict::Missed);
        assert_eq!(verdict(&[1_020.0; 5], &[1_000.0; 5], or), Verdict::Met);
    }

    #[test]
    fn a_time_may_be_one_above_the_limit() {
        let or = Target::AtMostOr { most: 80.0, more: 55.0 };
        assert_eq!(verdict(&[80.0; 5], &[10.0; 5], or), Verdict::Met);
        assert_eq!(verdict(&[81.0; 5], &[10.0; 5], or), Verdict::Missed);
        assert_eq!(verdict(&[155.0; 5], &[100.0; 5], or), Verdict::Met);
        assert_eq!(verdict(&[156.0; 5], &[100.0; 5], or), Verdict::Missed);
    }

    #[test]
    fn a_time_counts_for_more_on_a_slower_machine_and_for_no_less_on_a_faster_one() {
        let row = |ours: f64, limit: f64, target| {
            let row = Row::measured("W0", "", CPU, &[ours; 5], Some(&[limit; 5]), target).unwrap();
            row.set_where_the_limit_takes(20.0)
        };
        let most = Target::AtMost(80.0);
        assert_eq!(row(80.0, 10.0, most).verdict, Verdict::Met);
        assert_eq!(row(81.0, 20.0, most).verdict, Verdict::Missed);
        assert_eq!(row(160.0, 40.0, most).verdict, Verdict::Met);
        assert_eq!(row(161.0, 40.0, most).verdict, Verdict::Missed);
        let or = Target::RatioOr { ratio: 1.02, more: 1.5 };
        assert_eq!(row(42.9, 40.0, or).verdict, Verdict::Met);
        assert_eq!(row(43.1, 40.0, or).verdict, Verdict::Missed);
        assert!(row(42.9, 40.0, or).note.unwrap().contains("2.0 times"));
        assert!(row(20.0, 20.0, or).note.is_none());
    }

    #[test]
    fn quick_gives_slack_to_what_has_noise_and_none_to_counts() {
        let row = Row::counted("W0", "", 2.0, Target::Exactly(1.0));
        assert_eq!(row.judged(true).verdict, Verdict::Missed);
        let row = Row::measured("W0", "", CPU, &[13.0], Some(&[10.0]), Target::Ratio(1.4)).unwrap();
        assert_eq!(row.judged(true).verdict, Verdict::Met);
        let row = Row::measured("W0", "", CPU, &[30.0], Some(&[10.0]), Target::Ratio(1.4)).unwrap();
        assert_eq!(row.verdict, Verdict::Missed);
        assert_eq!(row.judged(true).verdict, Verdict::Wide);
        let row =
            Row::measured("W0", "", CPU, &[300.0], Some(&[10.0]), Target::Ratio(1.4)).unwrap();
        assert_eq!(row.judged(true).verdict, Verdict::Missed);
    }

    #[test]
    fn a_target_without_its_limit_is_missed() {
        let row = Row::measured("W0", "", CPU, &[1.0], None, Target::Ratio(1.4)).unwrap();
        assert_eq!(row.verdict, Verdict::Missed);
    }

    #[test]
    fn rows_are_asked_for_by_the_beginning_of_their_names() {
        let asked = |asked: &str| Row::is_asked_for("W1a/64", &[asked.into()]);
        assert!(asked("W1") && asked("W1a") && asked("W1a/64") && !asked("W2"));
        assert!(Row::is_asked_for("W1a/64", &[]));
    }
}
