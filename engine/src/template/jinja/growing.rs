//! A text that is paid for while it grows, for work whose result nobody knows the size of beforehand.

use super::super::error::Fault;
use super::machine::Machine;

/// Bytes that are paid for at once: one step of fuel.
const BLOCK: usize = 32;

/// Collects a text within the bounds of the rendering.
#[derive(Debug, Default)]
pub(super) struct GrowingText {
    text: String,
    paid: usize,
}

impl GrowingText {
    pub(super) fn push(&mut self, machine: &mut Machine<'_, '_>, text: &str) -> Result<(), Fault> {
        self.pay(machine, text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    pub(super) fn push_char(&mut self, machine: &mut Machine<'_, '_>, character: char) -> Result<(), Fault> {
        self.pay(machine, character.len_utf8())?;
        self.text.push(character);
        Ok(())
    }

    /// The same character `count` times; fails before anything is made when that is too much.
    pub(super) fn repeat(&mut self, machine: &mut Machine<'_, '_>, character: char, count: usize) -> Result<(), Fault> {
        self.pay(machine, count.saturating_mul(character.len_utf8()))?;
        self.text.extend(std::iter::repeat_n(character, count));
        Ok(())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn pay(&mut self, machine: &mut Machine<'_, '_>, more: usize) -> Result<(), Fault> {
        let bytes = self.text.len().saturating_add(more);
        if bytes > machine.rendering.bounds.value_bytes {
            return machine.afford(bytes);
        }
        if bytes > self.paid {
            let blocks = (bytes - self.paid).div_ceil(BLOCK);
            machine.burn(blocks)?;
            self.paid += blocks * BLOCK;
        }
        Ok(())
    }
}
