//! Where a value is written, so that it covers neither another one nor a line.

use super::canvas::{Place, width};

/// How far above or below its point the baseline of a text may be, the first by preference.
const OFFSETS: [f64; 6] = [-10.0, 20.0, -24.0, 34.0, -38.0, 48.0];
/// Of the text's baseline: what it covers upwards and downwards.
const ASCENT: f64 = 11.0;
const DESCENT: f64 = 3.0;
/// Another text is worse to cover than a line.
const TEXT_WEIGHT: u32 = 20;

/// What is in the picture already.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    dots: Vec<Place>,
    texts: Vec<Extent>,
}

#[derive(Clone, Copy, Debug)]
struct Extent {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Extent {
    fn of(text: &str, (x, y): Place) -> Self {
        let half = width(text) / 2.0 + 1.0;
        Self { left: x - half, right: x + half, top: y - ASCENT, bottom: y + DESCENT }
    }

    fn holds(&self, (x, y): Place) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

impl Crowd {
    /// A line through these places, which texts should not cover.
    pub(super) fn line(&mut self, places: &[Place]) {
        for (from, to) in places.iter().zip(places.iter().skip(1)) {
            let between = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            self.dots.extend((0..=100_u8).map(|percent| between(f64::from(percent) / 100.0)));
        }
        self.dots.extend(places);
    }

    /// The best place for a text at a point, between `top` and `bottom`. It is taken then.
    pub(super) fn place(&mut self, text: &str, (x, y): Place, (top, bottom): (f64, f64)) -> Place {
        let mut best = (u32::MAX, (x, y + OFFSETS[0]));
        for offset in OFFSETS {
            let place = (x, y + offset);
            let extent = Extent::of(text, place);
            if extent.top < top || extent.bottom > bottom {
                continue;
            }
            let texts = self.texts.iter().filter(|other| extent.meets(other)).count();
            let dots = self.dots.iter().filter(|dot| extent.holds(**dot)).count();
            let covered = u32::try_from(texts).unwrap_or(u32::MAX).saturating_mul(TEXT_WEIGHT);
            let covered = covered.saturating_add(u32::try_from(dots).unwrap_or(u32::MAX));
            if covered < best.0 {
                best = (covered, place);
            }
        }
        self.texts.push(Extent::of(text, best.1));
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: (f64, f64) = (0.0, 400.0);

    #[test]
    fn a_value_stands_above_its_point_and_a_second_one_there_below() {
        let mut crowd = Crowd::default();
        let first = crowd.place("120", (100.0, 200.0), ALL);
        let second = crowd.place("118", (100.0, 202.0), ALL);
        assert!(first.1 < 200.0 && second.1 > 202.0, "{first:?} {second:?}");
        let third = crowd.place("117", (100.0, 203.0), ALL);
        let [first, second, third] = [first, second, third].map(|place| Extent::of("120", place));
        assert!(!first.meets(&second) && !first.meets(&third) && !second.meets(&third), "{third:?}");
    }

    #[test]
    fn a_value_stands_below_where_a_line_rises_over_its_point() {
        let mut crowd = Crowd::default();
        crowd.line(&[(0.0, 188.0), (200.0, 188.0)]);
        assert!(crowd.place("120", (100.0, 200.0), ALL).1 > 200.0);
    }

    #[test]
    fn a_value_stays_in_the_picture() {
        assert!(Crowd::default().place("120", (100.0, 5.0), ALL).1 > 5.0);
    }
}
