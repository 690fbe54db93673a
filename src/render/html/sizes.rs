//! The size map: how much data lies in each mount today, as areas (M. Bruls, K. Huizing and J. van
//! Wijk, "Squarified Treemaps", 2000).

use maud::{Markup, html};

use crate::fact::name_of;
use crate::render::text::{bytes, shorten};
use crate::report::{Mount, Report};

/// A place on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// A mount with what lies in it and in no mount below it.
struct Part<'a> {
    at: usize,
    mount: &'a Mount,
    size: u64,
}

/// Smaller than this side in units of the drawing a part is not seen.
const VISIBLE: f64 = 3.0;

/// The width of a character of the map's text.
const LETTER: f64 = 7.0;

pub(super) fn map(report: &Report) -> Markup {
    let parts = parts(&report.plan.mounts);
    if parts.is_empty() {
        return html! { p { "No mount holds data today." } };
    }
    // A map of one thing is a coloured sheet.
    if let [part] = &parts[..] {
        let (path, size) = (part.mount.path.to_text(), bytes(part.size));
        return html! { p { "Of the mounts only " code { (path) } " holds data today: " (size) "." } };
    }
    let total = parts
        .iter()
        .map(|part| part.size)
        .fold(0, u64::saturating_add);
    html! {
        figure {
            div.wide { (drawing(&parts, 1000.0, 240.0)) }
            div.narrow { (drawing(&parts, 340.0, 300.0)) }
            figcaption.hint {
                "How much lies in each mount today: " (bytes(total)) " in all. A mount too small to be "
                "seen is in the list below."
            }
        }
    }
}

/// The mounts that hold something, the largest first. What lies in a mount within another counts for
/// the inner one alone.
fn parts(mounts: &[Mount]) -> Vec<Part<'_>> {
    let own = |outer: &Mount| {
        let inner = mounts.iter().filter(|inner| {
            let between = |m: &Mount| m.path.is_below(&outer.path) && inner.path.is_below(&m.path);
            inner.path.is_below(&outer.path) && !mounts.iter().any(between)
        });
        let inside = inner.filter_map(|mount| mount.size_bytes);
        let inside = inside.fold(0, u64::saturating_add);
        outer.size_bytes.unwrap_or(0).saturating_sub(inside)
    };
    let mut parts: Vec<Part<'_>> = mounts
        .iter()
        .enumerate()
        .map(|(at, mount)| Part {
            at,
            mount,
            size: own(mount),
        })
        .filter(|part| part.size > 0)
        .collect();
    parts.sort_by(|a, b| b.size.cmp(&a.size).then(a.at.cmp(&b.at)));
    parts
}

fn drawing(parts: &[Part<'_>], width: f64, height: f64) -> Markup {
    let sizes: Vec<f64> = parts.iter().map(|part| part.size as f64).collect();
    let areas = squarified(
        &sizes,
        Area {
            x: 0.0,
            y: 0.0,
            width,
            height,
        },
    );
    html! {
        svg.sizes viewBox=(format!("0 0 {width} {height}")) role="group"
            aria-label="Size of the data in each mount" {
            @for (part, area) in parts.iter().zip(areas) {
                @if area.width >= VISIBLE && area.height >= VISIBLE { (drawn(part, area)) }
            }
        }
    }
}

fn drawn(part: &Part<'_>, area: Area) -> Markup {
    let mount = part.mount;
    let path = mount.path.to_text();
    let letters = ((area.width - 12.0) / LETTER).max(0.0) as usize;
    html! {
        a href=(format!("#m{}", part.at)) {
            title { (path) ": " (name_of(mount.class)) ", " (bytes(part.size)) }
            rect.part.(format!("c-{}", name_of(mount.class))) x=(tenth(area.x + 1.0))
                y=(tenth(area.y + 1.0)) width=(tenth(area.width - 2.0))
                height=(tenth(area.height - 2.0)) rx="3" {}
            @if letters > 6 && area.height > 20.0 {
                text.label x=(tenth(area.x + 7.0)) y=(tenth(area.y + 17.0)) { (shorten(&path, letters)) }
            }
            @if letters > 6 && area.height > 38.0 {
                text.detail x=(tenth(area.x + 7.0)) y=(tenth(area.y + 33.0)) {
                    (shorten(&format!("{} {}", bytes(part.size), name_of(mount.class)), letters))
                }
            }
        }
    }
}

fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

/// A rectangle within `whole` for each size, the largest first, none longer than it must be.
fn squarified(sizes: &[f64], whole: Area) -> Vec<Area> {
    let sum: f64 = sizes.iter().sum();
    let scale = whole.width * whole.height / sum;
    let mut areas = Vec::with_capacity(sizes.len());
    let mut free = whole;
    let mut rest = sizes;
    while !rest.is_empty() {
        let side = free.width.min(free.height);
        let mut many = 1;
        while many < rest.len()
            && worst(&rest[..=many], scale, side) <= worst(&rest[..many], scale, side)
        {
            many += 1;
        }
        let (row, others) = rest.split_at(many);
        free = lay(row, scale, free, &mut areas);
        rest = others;
    }
    areas
}

/// The worst proportion in a row of these sizes along `side`.
fn worst(row: &[f64], scale: f64, side: f64) -> f64 {
    let thick = row.iter().sum::<f64>() * scale / side;
    let proportion = |size: &f64| {
        let long = size * scale / thick;
        (long / thick).max(thick / long)
    };
    row.iter().map(proportion).fold(0.0, f64::max)
}

/// Lays a row along the shorter side of what is free, and gives what stays free.
fn lay(row: &[f64], scale: f64, free: Area, areas: &mut Vec<Area>) -> Area {
    let area: f64 = row.iter().sum::<f64>() * scale;
    let upright = free.width > free.height;
    let side = if upright { free.height } else { free.width };
    let thick = area / side;
    let mut along = 0.0;
    for size in row {
        let long = size * scale / thick;
        areas.push(if upright {
            Area {
                x: free.x,
                y: free.y + along,
                width: thick,
                height: long,
            }
        } else {
            Area {
                x: free.x + along,
                y: free.y,
                width: long,
                height: thick,
            }
        });
        along += long;
    }
    if upright {
        Area {
            x: free.x + thick,
            width: (free.width - thick).max(f64::EPSILON),
            ..free
        }
    } else {
        Area {
            y: free.y + thick,
            height: (free.height - thick).max(f64::EPSILON),
            ..free
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_as_the_sizes_and_stay_within() {
        let sizes = [60.0, 60.0, 40.0, 30.0, 20.0, 10.0, 1.0];
        let whole = Area {
            x: 0.0,
            y: 0.0,
            width: 60.0,
            height: 40.0,
        };
        let areas = squarified(&sizes, whole);
        assert_eq!(areas.len(), sizes.len());
        let sum: f64 = sizes.iter().sum();
        for (area, size) in areas.iter().zip(sizes) {
            let want = size / sum * 2400.0;
            assert!((area.width * area.height - want).abs() < 1e-6, "{area:?}");
            assert!(area.x + area.width < 60.0 + 1e-6 && area.y + area.height < 40.0 + 1e-6);
        }
        // The example of the paper has no part longer than twice its width, but for the last.
        for area in &areas[..5] {
            assert!(
                (area.width / area.height).max(area.height / area.width) < 3.0,
                "{area:?}"
            );
        }
    }
}
