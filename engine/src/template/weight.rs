//! How much memory compiled templates take, estimated from their text.
//!
//! Whoever bounds a cache of them needs a figure before the fact and without walking a tree. The constants are measured:
//! the memory of a process after compiling many templates of one shape, by their number. An estimate lies between the
//! measured memory and twice as much; it knows nothing of what an engine makes of a text.

use super::Source;

/// Bytes that a template takes however short it is: its name, its entry in the cache, and what its compiling leaves
/// unusable between longer-lived allocations.
const TEMPLATE: usize = 4 * 1024;
/// Bytes for each byte of text: the source itself, its copy in the provenance, and the plain text between tags.
const TEXT: usize = 3;
/// Bytes for each tag, for each word in a tag, and for each further segment of a path.
const TAG: usize = 120;
const WORD: usize = 150;
const SEGMENT: usize = 50;

impl Source {
    /// Bytes of memory that the source and what it compiles to take, estimated: 10 to 15 times the text for ordinary
    /// messages, up to 80 times for tags full of short names.
    ///
    /// ```
    /// use cicdcontext_engine::template::{Engine, Source};
    ///
    /// let plain = Source::new("message", "x".repeat(10_000), Engine::Handlebars);
    /// assert!(plain.estimated_bytes() < 50_000);
    /// let dense = Source::new("message", "{{a}}".repeat(1_000), Engine::Handlebars);
    /// assert!(dense.estimated_bytes() > 150_000);
    /// ```
    pub fn estimated_bytes(&self) -> usize {
        let mut bytes = TEMPLATE + TEXT * self.text.len();
        let (mut in_tag, mut in_word, mut before) = (false, false, b' ');
        for byte in self.text.bytes() {
            match (in_tag, before, byte) {
                (false, b'{', b'{' | b'%') => {
                    (in_tag, in_word) = (true, false);
                    bytes += TAG;
                }
                (true, b'}' | b'%', b'}') => in_tag = false,
                (true, _, b'.' | b'/' | b'|') => bytes += SEGMENT,
                (true, _, b' ' | b'\t' | b'\n' | b'(' | b')' | b'=' | b',' | b'{' | b'}' | b'%') => in_word = false,
                (true, _, _) if !in_word => {
                    in_word = true;
                    bytes += WORD;
                }
                _ => {}
            }
            before = byte;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::Engine;
    use super::*;

    fn estimate(unit: &str, times: usize) -> usize {
        Source::new("x", unit.repeat(times), Engine::Handlebars).estimated_bytes()
    }

    /// Memory per unit of text as it was measured on a 64-bit machine with glibc, less what each template takes.
    #[test]
    fn an_estimate_lies_between_what_was_measured_and_twice_as_much() {
        let measured = [
            ("{{a}}", 180),
            ("{{a}} some words between tags ", 328),
            ("{{upper a}} ", 385),
            ("{{#if a}}x{{/if}} ", 750),
            ("{{and a a a a a a a a a a a a a a a a a a a a a a a a a a a a a}}", 4_350),
            ("{{a.a.a.a.a.a.a.a.a.a.a.a.a.a}}", 860),
            (
                "Deployment of {{state.application}} {{state.version}} to {{context.name}} took {{event.data.seconds}} s; \
                 see {{variables.dashboard}} and ask the team in the channel if anything is wrong.\n{{#if state.failed}}\
                 The failed jobs: {{#each state.jobs}}{{this.name}} ({{this.url}}){{/each}}{{/if}}\n",
                3850,
            ),
        ];
        for (unit, measured) in measured {
            let estimated = (estimate(unit, 1_100) - estimate(unit, 100)) / 1_000;
            assert!((measured..=2 * measured).contains(&estimated), "{unit}: {estimated} for {measured} bytes");
        }
    }

    #[test]
    fn text_outside_of_tags_counts_by_its_length_only() {
        assert_eq!(estimate("a.b/c d ", 100), TEMPLATE + 800 * TEXT);
        assert_eq!(estimate("}} a {{}}", 1), TEMPLATE + 9 * TEXT + TAG);
    }
}
