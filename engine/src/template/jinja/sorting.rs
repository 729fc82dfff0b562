//! A stable sort by a comparison that may fail and has to be paid for.
//!
//! The standard library's sorts may panic when an order is not total, as Python's is not: `nan`, or kinds that cannot be
//! compared.

use std::cmp::Ordering;

use super::super::error::Fault;
use super::machine::Machine;

/// `items` in ascending order; equal ones stay in their order. Each comparison costs one step beside its own.
pub(super) fn sort<'a, 'r, T>(
    machine: &mut Machine<'a, 'r>,
    items: Vec<T>,
    mut compare: impl FnMut(&mut Machine<'a, 'r>, &T, &T) -> Result<Ordering, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut runs: Vec<Vec<T>> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(machine, left, right, &mut compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge<'a, 'r, T>(
    machine: &mut Machine<'a, 'r>,
    left: Vec<T>,
    right: Vec<T>,
    compare: &mut impl FnMut(&mut Machine<'a, 'r>, &T, &T) -> Result<Ordering, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = left.into_iter().peekable();
    let mut right = right.into_iter().peekable();
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        machine.burn(1)?;
        let later = compare(machine, second, first)? == Ordering::Less;
        merged.extend(if later { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}
