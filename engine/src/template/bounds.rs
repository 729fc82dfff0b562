//! The bounds that keep a tenant's template from hurting the process: every number in one place.
//!
//! Knows no engine: both count against the same limits, so that one page documents them.

use std::fmt;

/// The limits of one compilation and one rendering. [`Bounds::DEFAULT`] is what the operator and the CLI use.
///
/// They fit a stack of 2 MiB in a debug build, and a template that uses all of its fuel ends within seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one template, variable or partial.
    pub source_bytes: usize,
    /// `{{...}}` tags of one template, variable or partial. Each costs the parser a look at all that stands before it.
    pub tags: usize,
    /// Blocks within blocks in one source.
    pub block_nesting: usize,
    /// `else if` branches that are open at one place, over all blocks around it.
    pub else_branches: usize,
    /// Helper calls within helper calls in one tag.
    pub subexpression_nesting: usize,
    /// Brackets within brackets in one tag of a Jinja template.
    pub bracket_nesting: usize,
    /// Operators that build on each other in one tag of a Jinja template, over all brackets that are open: `.`, `|`, `~`,
    /// `and` and the like count one, `not`, `else` and signs count four; a comma begins anew.
    pub operators: usize,
    /// Partials that call partials; Jinja's are macros and not counted.
    pub partial_depth: usize,
    /// Variables that read variables.
    pub variable_depth: usize,
    /// Blocks, partials, helper calls and variables that are open at one moment of a rendering, over all sources; in
    /// Jinja also expressions within each other, macros, filters and other calls.
    pub rendering_depth: usize,
    /// Bytes of the rendered text.
    pub output_bytes: usize,
    /// Approximate bytes of a value that one helper, filter, method or operator makes.
    pub value_bytes: usize,
    /// Lists and objects within each other in the text given to `fromJson` and in what `array` and `object` build.
    pub json_depth: usize,
    /// Lists and maps within each other in a value that a Jinja template prints, compares or turns into something else.
    pub value_nesting: usize,
    /// Bytes of a pattern given to `matches`.
    pub pattern_bytes: usize,
    /// Bytes of a pattern given to `matches` once compiled.
    pub pattern_program_bytes: usize,
    /// Bytes of a text given to `matches`.
    pub pattern_subject_bytes: usize,
    /// Steps of one rendering: each node, helper call and iteration costs one, and so do 32 bytes read or made.
    pub fuel: u64,
}

impl Bounds {
    /// The limits in force unless a caller chooses others.
    pub const DEFAULT: Bounds = Bounds {
        source_bytes: 64 * 1024,
        tags: 1024,
        block_nesting: 32,
        else_branches: 64,
        subexpression_nesting: 16,
        bracket_nesting: 32,
        operators: 256,
        partial_depth: 16,
        variable_depth: 16,
        rendering_depth: 128,
        output_bytes: 512 * 1024,
        value_bytes: 512 * 1024,
        json_depth: 64,
        value_nesting: 192,
        pattern_bytes: 1024,
        pattern_program_bytes: 256 * 1024,
        pattern_subject_bytes: 64 * 1024,
        fuel: 500_000,
    };
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds::DEFAULT
    }
}

/// Which of the [`Bounds`] a template went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// [`Bounds::source_bytes`].
    SourceSize,
    /// [`Bounds::tags`].
    Tags,
    /// [`Bounds::block_nesting`].
    BlockNesting,
    /// [`Bounds::else_branches`].
    ElseBranches,
    /// [`Bounds::subexpression_nesting`].
    SubexpressionNesting,
    /// [`Bounds::bracket_nesting`].
    BracketNesting,
    /// [`Bounds::operators`].
    Operators,
    /// [`Bounds::partial_depth`].
    PartialDepth,
    /// [`Bounds::variable_depth`].
    VariableDepth,
    /// [`Bounds::rendering_depth`].
    RenderingDepth,
    /// [`Bounds::output_bytes`].
    OutputSize,
    /// [`Bounds::value_bytes`].
    ValueSize,
    /// [`Bounds::json_depth`].
    JsonDepth,
    /// [`Bounds::value_nesting`].
    ValueNesting,
    /// [`Bounds::pattern_bytes`].
    PatternSize,
    /// [`Bounds::pattern_program_bytes`].
    PatternProgramSize,
    /// [`Bounds::pattern_subject_bytes`].
    PatternSubjectSize,
    /// [`Bounds::fuel`].
    Fuel,
}

impl Bound {
    /// All of them, in the order of [`Bounds`].
    pub const ALL: [Bound; 15] = [
        Bound::SourceSize,
        Bound::Tags,
        Bound::BlockNesting,
        Bound::ElseBranches,
        Bound::SubexpressionNesting,
        Bound::PartialDepth,
        Bound::VariableDepth,
        Bound::RenderingDepth,
        Bound::OutputSize,
        Bound::ValueSize,
        Bound::JsonDepth,
        Bound::PatternSize,
        Bound::PatternProgramSize,
        Bound::PatternSubjectSize,
        Bound::Fuel,
    ];

    /// The limit that `bounds` sets, in the unit of [`Bound::unit`].
    pub fn allowed(self, bounds: &Bounds) -> u64 {
        let size = match self {
            Bound::SourceSize => bounds.source_bytes,
            Bound::Tags => bounds.tags,
            Bound::BlockNesting => bounds.block_nesting,
            Bound::ElseBranches => bounds.else_branches,
            Bound::SubexpressionNesting => bounds.subexpression_nesting,
            Bound::BracketNesting => bounds.bracket_nesting,
            Bound::Operators => bounds.operators,
            Bound::PartialDepth => bounds.partial_depth,
            Bound::VariableDepth => bounds.variable_depth,
            Bound::RenderingDepth => bounds.rendering_depth,
            Bound::OutputSize => bounds.output_bytes,
            Bound::ValueSize => bounds.value_bytes,
            Bound::JsonDepth => bounds.json_depth,
            Bound::ValueNesting => bounds.value_nesting,
            Bound::PatternSize => bounds.pattern_bytes,
            Bound::PatternProgramSize => bounds.pattern_program_bytes,
            Bound::PatternSubjectSize => bounds.pattern_subject_bytes,
            Bound::Fuel => return bounds.fuel,
        };
        size as u64
    }

    /// What the limit counts.
    pub fn unit(self) -> &'static str {
        match self {
            Bound::SourceSize
            | Bound::OutputSize
            | Bound::ValueSize
            | Bound::PatternSize
            | Bound::PatternProgramSize
            | Bound::PatternSubjectSize => "bytes",
            Bound::Tags => "tags",
            Bound::ElseBranches => "branches",
            Bound::Operators => "operators",
            Bound::Fuel => "steps",
            Bound::BlockNesting
            | Bound::SubexpressionNesting
            | Bound::BracketNesting
            | Bound::PartialDepth
            | Bound::VariableDepth
            | Bound::RenderingDepth
            | Bound::JsonDepth
            | Bound::ValueNesting => "levels",
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Bound::SourceSize => "template size",
            Bound::Tags => "number of tags",
            Bound::BlockNesting => "nesting of blocks",
            Bound::ElseBranches => "number of `else if` branches",
            Bound::SubexpressionNesting => "nesting of helper calls",
            Bound::BracketNesting => "nesting of brackets",
            Bound::Operators => "number of operators that build on each other",
            Bound::PartialDepth => "depth of partials",
            Bound::VariableDepth => "depth of variables",
            Bound::RenderingDepth => "depth of the rendering",
            Bound::OutputSize => "size of the rendered text",
            Bound::ValueSize => "size of a value",
            Bound::JsonDepth => "nesting of lists and objects",
            Bound::ValueNesting => "nesting of a value",
            Bound::PatternSize => "size of a pattern",
            Bound::PatternProgramSize => "size of a compiled pattern",
            Bound::PatternSubjectSize => "size of a text to match",
            Bound::Fuel => "fuel",
        })
    }
}
