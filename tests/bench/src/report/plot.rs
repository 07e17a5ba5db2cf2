//! Cost against load, as SVG: callers at once, and sessions held.

use std::path::{Path, PathBuf};

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
    pub(crate) load: &'a str,
    pub(crate) cost: &'a str,
    pub(crate) curves: &'a [Curve],
}

const SIZE: (u32, u32) = (900, 540);

/// Draws into `folder` and says where. Both axes are logarithmic.
pub(crate) fn drawn(folder: &Path, picture: &Picture<'_>) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(picture.name).with_extension("svg");
    std::fs::write(&file, svg(picture)?)?;
    Ok(file)
}

fn svg(picture: &Picture<'_>) -> Result<String> {
    let points = || picture.curves.iter().flat_map(|curve| &curve.points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = points()
            .map(of)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), n| (low.min(n), high.max(n)));
        (low * 0.8)..(high * 1.25)
    };
    if points().next().is_none() {
        return Err("there is nothing to draw".into());
    }
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(picture.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(
                range(|point| point.0).log_scale(),
                range(|point| point.1).log_scale(),
            )?;
        chart.configure_mesh().x_desc(picture.load).y_desc(picture.cost).draw()?;
        for (curve, color) in picture.curves.iter().zip([&BLUE, &RED, &GREEN, &BLACK]) {
            let line = LineSeries::new(curve.points.iter().copied(), color.stroke_width(2));
            chart
                .draw_series(line)?
                .label(curve.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], *color));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Curve, Picture, svg};

    fn picture(curves: &[Curve]) -> Picture<'_> {
        Picture { name: "x", title: "a title", load: "callers", cost: "ms", curves }
    }

    #[test]
    fn every_curve_is_drawn_and_named() {
        let points = vec![(1.0, 50.0), (10_000.0, 70.0)];
        let curves =
            [Curve { name: "ours", points: points.clone() }, Curve { name: "limit", points }];
        let drawn = svg(&picture(&curves)).unwrap();
        assert!(drawn.contains("<svg") && drawn.matches("<polyline").count() >= 2);
        for word in ["a title", "callers", "ours", "limit"] {
            assert!(drawn.contains(word), "{word}");
        }
    }

    #[test]
    fn nothing_is_no_picture() {
        assert!(svg(&picture(&[])).is_err());
    }
}
