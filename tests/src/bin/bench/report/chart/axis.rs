//! From values to places, and where ticks stand.

use super::Scale;
use crate::report::figure;

/// How many steps a linear axis has at most.
const STEPS: f64 = 6.0;
/// Values that a step or the end of a logarithmic axis may be, times a power of ten.
const ROUND: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

/// One axis: the values at its ends, and where these are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    scale: Scale,
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Axis {
    /// One that takes all of these values, with round ends and room for what is written beside the outermost.
    pub(super) fn of(scale: Scale, values: &[f64], start: f64, end: f64) -> Self {
        let most = values.iter().copied().fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let (from, to) = match scale {
            Scale::Linear => {
                let step = step(most * 1.08);
                (0.0, (most * 1.08 / step).ceil() * step)
            }
            Scale::Logarithmic => {
                // Zero has no place on it: it is drawn at the lower end.
                let least = values.iter().copied().filter(|value| *value > 0.0).fold(most, f64::min);
                (round_below(least / 1.3), round_above(most * 1.3))
            }
        };
        Self { scale, from, to, start, end }
    }

    /// One whose ends are values, logarithmic.
    pub(super) fn between(from: f64, to: f64, start: f64, end: f64) -> Self {
        Self { scale: Scale::Logarithmic, from, to, start, end }
    }

    /// Where a value is; what is beyond an end is at that end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Logarithmic if value <= self.from => 0.0,
            Scale::Logarithmic => (value / self.from).ln() / (self.to / self.from).ln(),
        };
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// The values that have a tick.
    pub(super) fn ticks(&self) -> Vec<f64> {
        // A little more than the end: adding up is not exact.
        let end = self.to * 1.000_001;
        match self.scale {
            Scale::Linear => {
                let step = step(self.to);
                (0..u32::MAX).map(|number| f64::from(number) * step).take_while(|tick| *tick <= end).collect()
            }
            Scale::Logarithmic => {
                let many = (self.to / self.from).log10() > 2.5;
                let first = 10_f64.powf(self.from.log10().floor());
                let powers = std::iter::successors(Some(first), |power| Some(power * 10.0));
                let ticks = powers
                    .take_while(|power| *power <= end)
                    .flat_map(|power| ROUND[..3].iter().map(move |digit| (*digit, digit * power)))
                    .filter(|(_, tick)| *tick >= self.from * 0.999_999 && *tick <= end);
                // Of many decades only powers of ten, and the ends.
                let near = |tick: f64, value: f64| (tick / value - 1.0).abs() < 0.000_001;
                let shown =
                    |digit: f64, tick| !many || near(digit, 1.0) || near(tick, self.from) || near(tick, self.to);
                ticks.filter(|(digit, tick)| shown(*digit, *tick)).map(|(_, tick)| tick).collect()
            }
        }
    }
}

/// A round step of which not too many reach a value.
fn step(most: f64) -> f64 {
    round_above(most / STEPS)
}

fn round_above(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = ROUND.into_iter().find(|digit| digit * power >= value * 0.999_999);
    digit.unwrap_or(ROUND[3]) * power
}

fn round_below(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = ROUND.into_iter().rev().find(|digit| digit * power <= value * 1.000_001);
    digit.unwrap_or(ROUND[0]) * power
}

/// A value as it stands at a tick: all digits of what is small.
pub(super) fn shown(value: f64) -> String {
    if value > 0.0 && value < 0.1 { format!("{value}") } else { figure::shown(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(scale: Scale, values: &[f64]) -> Vec<String> {
        Axis::of(scale, values, 0.0, 100.0).ticks().into_iter().map(shown).collect()
    }

    #[test]
    fn a_linear_axis_begins_at_zero_and_ends_at_a_round_step_above_the_values() {
        assert_eq!(ticks(Scale::Linear, &[430.0, 87.0]), ["0", "100", "200", "300", "400", "500"]);
        assert_eq!(ticks(Scale::Linear, &[0.31]), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(ticks(Scale::Linear, &[0.0]), ["0", "0.2", "0.4", "0.6", "0.8", "1", "1.2"]);
    }

    #[test]
    fn a_logarithmic_axis_has_1_2_and_5_and_over_many_decades_powers_of_ten_and_its_ends() {
        assert_eq!(ticks(Scale::Logarithmic, &[30.0, 300.0]), ["20", "50", "100", "200", "500"]);
        assert_eq!(ticks(Scale::Logarithmic, &[0.5, 496.0]), ["0.2", "1", "10", "100", "1000"]);
        assert_eq!(ticks(Scale::Logarithmic, &[0.02, 0.04]), ["0.01", "0.02", "0.05", "0.1"]);
    }

    #[test]
    fn a_value_is_placed_by_the_scale_and_never_beyond_an_end() {
        let near = |place: f64, expected: f64| assert!((place - expected).abs() < 0.001, "{place} is not {expected}");
        let linear = Axis::of(Scale::Linear, &[460.0], 400.0, 0.0);
        near(linear.place(0.0), 400.0);
        near(linear.place(250.0), 200.0);
        near(linear.place(1e9), 0.0);
        let logarithmic = Axis::between(1.0, 10_000.0, 0.0, 400.0);
        near(logarithmic.place(100.0), 200.0);
        near(logarithmic.place(0.0), 0.0);
    }
}
