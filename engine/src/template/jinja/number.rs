//! Numbers as Python has them: their text forms and what floats and integers have in common.

use num_bigint::BigInt;

use super::value::Integer;

/// The integer that a float is equal to, if it is one.
pub(super) fn integral(float: f64) -> Option<Integer> {
    use num_bigint::ToBigInt;
    (float.is_finite() && float.fract() == 0.0).then(|| float.to_bigint().unwrap_or_else(BigInt::default).into())
}
