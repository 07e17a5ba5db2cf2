//! Cost against load, as SVG: callers at once, and sessions held.

use std::path::{Path, PathBuf};

use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use crate::Result;

/// One curve.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    /// Load and cost.
    pub(crate) points: Vec<(f64, f64)>,
}

/// What a picture shows.
pub(crate) struct Picture<'a> {
    /// Of the file, without its extension.
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    /// What the axes count, with its unit.
    pub(crate) load: &'a str,
    pub(crate) cost: &'a str,
    pub(crate) costs: Costs,
    pub(crate) curves: &'a [Curve],
}

/// How far apart the costs lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Costs {
    /// Within one order of magnitude: from nothing on, evenly.
    Alike,
    /// Over several.
    Apart,
}

const SIZE: (u32, u32) = (900, 540);
const FONT: &str = "sans-serif";
/// Told apart without their names too.
const COLORS: [RGBColor; 4] = [BLUE, RED, RGBColor(110, 110, 110), GREEN];

type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, Y>>;

/// Draws into `folder` and says where. The axis of loads is logarithmic.
pub(crate) fn drawn(folder: &Path, picture: &Picture<'_>) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(picture.name).with_extension("svg");
    std::fs::write(&file, svg(picture)?)?;
    Ok(file)
}

fn svg(picture: &Picture<'_>) -> Result<String> {
    let points = || picture.curves.iter().flat_map(|curve| &curve.points);
    let ends = |of: fn(&(f64, f64)) -> f64| {
        points().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), n| (low.min(n), high.max(n)))
    };
    if points().next().is_none() {
        return Err("there is nothing to draw".into());
    }
    let ((least, most), (cheapest, dearest)) = (ends(|point| point.0), ends(|point| point.1));
    let loads = ((least * 0.8)..(most * 1.25)).log_scale();
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area);
        chart
            .caption(picture.title, (FONT, 22))
            .margin(14)
            .margin_right(28)
            .x_label_area_size(56)
            .y_label_area_size(100);
        match picture.costs {
            Costs::Alike => {
                curves(chart.build_cartesian_2d(loads, 0.0..(dearest * 1.15))?, picture)?;
            }
            Costs::Apart => {
                let costs = ((cheapest * 0.8)..(dearest * 1.25)).log_scale();
                curves(chart.build_cartesian_2d(loads, costs)?, picture)?;
            }
        }
        area.present()?;
    }
    Ok(text)
}

fn curves<'a, 'b: 'a, Y>(mut chart: Chart<'a, 'b, Y>, picture: &Picture<'_>) -> Result<()>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64> + 'a,
{
    chart
        .configure_mesh()
        .x_desc(picture.load)
        .y_desc(picture.cost)
        .axis_desc_style((FONT, 18))
        .label_style((FONT, 15))
        .x_label_formatter(&|load| figure(*load))
        .y_label_formatter(&|cost| figure(*cost))
        .draw()?;
    for (curve, color) in picture.curves.iter().zip(COLORS) {
        let line = LineSeries::new(curve.points.iter().copied(), color.stroke_width(2));
        chart
            .draw_series(line)?
            .label(curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        let marks = curve.points.iter().map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(marks)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font((FONT, 15))
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

/// `10000.0` as `10,000`.
fn figure(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Costs, Curve, Picture, figure, svg};

    fn picture(costs: Costs, curves: &[Curve]) -> Picture<'_> {
        Picture { name: "x", title: "a title", load: "callers", cost: "ms", costs, curves }
    }

    #[test]
    fn every_curve_is_drawn_and_named() {
        let points = vec![(1.0, 50.0), (10_000.0, 70.0)];
        let curves =
            [Curve { name: "ours", points: points.clone() }, Curve { name: "limit", points }];
        for costs in [Costs::Alike, Costs::Apart] {
            let drawn = svg(&picture(costs, &curves)).unwrap();
            // Axes are lines too: what counts are those in a curve's colour, itself and beside its name.
            let lines =
                || drawn.split("<polyline").skip(1).filter_map(|line| line.split('>').next());
            for color in ["#0000FF", "#FF0000"] {
                let count = lines().filter(|line| line.contains(color)).count();
                assert_eq!(count, 2, "{color}");
            }
            for word in ["a title", "callers", "ms", "ours", "limit", "10,000"] {
                assert!(drawn.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn figures_are_read_in_threes() {
        assert_eq!([5.0, 100.0, 1e3, 1e6].map(figure), ["5", "100", "1,000", "1,000,000"]);
    }

    #[test]
    fn nothing_is_no_picture() {
        assert!(svg(&picture(Costs::Alike, &[])).is_err());
    }
}
