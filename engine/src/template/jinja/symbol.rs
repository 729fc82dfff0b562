//! Which name means which variable: jinja2's rules, which are decided before a template runs.
//!
//! A scope is the template's top, the body of a loop, a macro, `with` and the like; `if` is none. A name that a scope
//! sets is a variable of that scope, which begins with the value that the name has outside. What is only read is looked
//! for in the scopes around, then at the top, then in the root.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

use super::rewrite::{KEYWORDS, Rewritten};
use super::tree::{Place, Start, TopStart};

/// The slots of one function: a macro, a recursive loop, the filter of a loop, or the template itself.
#[derive(Debug, Default)]
pub(super) struct Function {
    slots: BTreeMap<(usize, Box<str>), usize>,
}

impl Function {
    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    /// A variable of this scope.
    Own(usize),
    /// Only read here, and not known in any scope around but perhaps the top.
    Top,
}

/// What a scope knows of its names.
#[derive(Debug, Clone, Default)]
pub(super) struct Symbols {
    references: BTreeMap<Box<str>, Reference>,
    pub(super) loads: BTreeMap<Box<str>, Start>,
    pub(super) tops: BTreeMap<Box<str>, TopStart>,
    stores: BTreeSet<Box<str>>,
}

#[derive(Debug)]
pub(super) struct Scope {
    /// Its index among the open functions.
    function: usize,
    pub(super) symbols: Symbols,
}

/// The scopes and functions that are open while a template is compiled. The first scope is the top.
#[derive(Debug)]
pub(super) struct Scopes<'s, 'r> {
    pub(super) rewritten: &'r Rewritten<'s>,
    functions: Vec<Function>,
    open: Vec<Scope>,
}

/// Where a name was found.
enum Found {
    Slot(Place),
    Top,
    Nowhere,
}

impl<'s, 'r> Scopes<'s, 'r> {
    /// The top, which knows `symbols` of the partials already.
    pub(super) fn new(rewritten: &'r Rewritten<'s>, symbols: Symbols) -> Self {
        let open = vec![Scope { function: 0, symbols }];
        Scopes { rewritten, functions: vec![Function::default()], open }
    }

    pub(super) fn name(&self, id: &str) -> &'s str {
        original(self.rewritten, id)
    }

    /// The names of the variables of the innermost scope.
    pub(super) fn loaded(&self) -> Vec<Box<str>> {
        self.open.last().map(|scope| scope.symbols.loads.keys().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn open_function(&mut self) {
        self.functions.push(Function::default());
    }

    pub(super) fn close_function(&mut self) -> usize {
        self.functions.pop().map_or(0, |function| function.count())
    }

    pub(super) fn open_scope(&mut self) {
        self.open.push(Scope { function: self.functions.len() - 1, symbols: Symbols::default() });
    }

    pub(super) fn close_scope(&mut self) -> Symbols {
        self.open.pop().map(|scope| scope.symbols).unwrap_or_default()
    }

    fn current(&mut self) -> &mut Symbols {
        let last = self.open.len() - 1;
        &mut self.open[last].symbols
    }

    fn is_top(&self) -> bool {
        self.open.len() == 1
    }

    fn slot(&mut self, name: &str) -> usize {
        let level = self.open.len();
        let function = self.functions.last_mut().map(|function| &mut function.slots);
        function.map_or(0, |slots| {
            let next = slots.len();
            *slots.entry((level, name.into())).or_insert(next)
        })
    }

    fn find(&self, name: &str, scopes: usize) -> Found {
        let innermost = self.functions.len() - 1;
        for scope in self.open[..scopes].iter().skip(1).rev() {
            match scope.symbols.references.get(name) {
                Some(Reference::Own(slot)) => {
                    return Found::Slot(Place::Slot { up: innermost - scope.function, slot: *slot });
                }
                Some(Reference::Top) => return Found::Top,
                None => {}
            }
        }
        match self.open[..scopes].first() {
            Some(top) if top.symbols.references.contains_key(name) => Found::Top,
            _ => Found::Nowhere,
        }
    }

    /// Where `name` is for the code of the innermost scope.
    pub(super) fn place(&self, name: &str) -> Place {
        match self.find(name, self.open.len()) {
            Found::Slot(place) => place,
            Found::Top | Found::Nowhere => Place::Top,
        }
    }

    /// The slot of a name that the innermost scope declared.
    pub(super) fn own_slot(&self, name: &str) -> usize {
        match self.open.last().and_then(|scope| scope.symbols.references.get(name)) {
            Some(Reference::Own(slot)) => *slot,
            _ => 0,
        }
    }

    /// All names that the scopes around set: what a `scoped` block sees.
    pub(super) fn stored(&self) -> BTreeSet<Box<str>> {
        self.open.iter().flat_map(|scope| scope.symbols.stores.iter().cloned()).collect()
    }

    pub(super) fn declare(&mut self, name: &str) -> usize {
        let slot = self.slot(name);
        let symbols = self.current();
        symbols.stores.insert(name.into());
        symbols.references.insert(name.into(), Reference::Own(slot));
        symbols.loads.insert(name.into(), Start::Parameter);
        slot
    }

    pub(super) fn store(&mut self, name: &str) {
        self.current().stores.insert(name.into());
        if self.is_top() {
            if !self.current().references.contains_key(name) {
                self.current().references.insert(name.into(), Reference::Top);
                self.current().tops.insert(name.into(), TopStart::Undefined);
            }
            return;
        }
        let start = match self.current().references.get(name) {
            Some(Reference::Own(_)) => return,
            Some(Reference::Top) => Start::Outer(Place::Top),
            None => match self.find(name, self.open.len() - 1) {
                Found::Slot(place) => Start::Outer(place),
                Found::Top => Start::Outer(Place::Top),
                Found::Nowhere => Start::TopIfKnown,
            },
        };
        let slot = self.slot(name);
        self.current().references.insert(name.into(), Reference::Own(slot));
        self.current().loads.insert(name.into(), start);
    }

    pub(super) fn load(&mut self, name: &str) {
        if let Found::Nowhere = self.find(name, self.open.len()) {
            self.current().references.insert(name.into(), Reference::Top);
            if self.is_top() {
                self.current().tops.insert(name.into(), TopStart::Resolve);
            }
        }
    }

    pub(super) fn statements(&mut self, statements: &[Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::EmitExpr(emit) if text_index(&emit.expr).is_none() => self.expression(&emit.expr),
            Stmt::ForLoop(part) => self.expression(&part.iter),
            Stmt::IfCond(part) => {
                self.expression(&part.expr);
                self.branches(&part.true_body, &part.false_body);
            }
            Stmt::WithBlock(part) => part.assignments.iter().for_each(|(_, value)| self.expression(value)),
            Stmt::Set(part) => {
                self.expression(&part.expr);
                self.target(&part.target);
            }
            Stmt::SetBlock(part) => self.target(&part.target),
            Stmt::FilterBlock(part) => self.expression(&part.filter),
            Stmt::Macro(part) => {
                let name = self.name(part.name);
                self.store(name);
            }
            Stmt::CallBlock(part) => {
                self.expression(&part.call.expr);
                self.arguments(&part.call.args);
            }
            _ => {}
        }
    }

    /// The two ways of an `if`: what only one of them sets begins with the value outside.
    fn branches(&mut self, then: &[Stmt<'_>], otherwise: &[Stmt<'_>]) {
        let before = self.current().clone();
        self.statements(then);
        let first = std::mem::replace(self.current(), before.clone());
        self.statements(otherwise);
        let second = self.current();
        second.references.extend(first.references);
        second.loads.extend(first.loads);
        second.tops.extend(first.tops);
        second.stores.extend(first.stores);
        let new: Vec<_> = second.stores.difference(&before.stores).cloned().collect();
        for name in new {
            if self.is_top() {
                self.current().tops.insert(name, TopStart::Resolve);
                continue;
            }
            let start = match self.find(&name, self.open.len() - 1) {
                Found::Slot(place) => Start::Outer(place),
                Found::Top | Found::Nowhere => Start::Outer(Place::Top),
            };
            self.current().loads.insert(name, start);
        }
    }

    /// Names that a `set` gives values to.
    pub(super) fn target(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(name) => self.store(self.name(name.id)),
            Expr::GetAttr(attribute) => self.expression(&attribute.expr),
            Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            _ => {}
        }
    }

    /// Names that a loop or `with` gives values to.
    pub(super) fn parameters(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(name) => {
                self.declare(self.name(name.id));
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.parameters(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.parameters(item)),
            _ => {}
        }
    }

    pub(super) fn expression(&mut self, expression: &Expr<'_>) {
        let rewritten = self.rewritten;
        names_of(expression, &mut |id| self.load(original(rewritten, id)));
    }

    pub(super) fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            self.expression(value_of(argument));
        }
    }
}

/// What stands in the source for a name as the parser gives it.
pub(super) fn original<'s>(rewritten: &Rewritten<'s>, id: &str) -> &'s str {
    let index = id.strip_prefix('n').and_then(|index| index.parse::<usize>().ok());
    match index.and_then(|index| rewritten.names.get(index)) {
        Some(name) => name,
        // A keyword in the place of a name.
        None => KEYWORDS.iter().find(|word| **word == id).copied().unwrap_or_default(),
    }
}

/// Which text stands here, if it is not an expression that is printed.
pub(super) fn text_index(expression: &Expr<'_>) -> Option<usize> {
    match expression {
        Expr::Var(name) => name.id.strip_prefix('t').and_then(|index| index.parse().ok()),
        _ => None,
    }
}

pub(super) fn value_of<'e, 'a>(argument: &'e CallArg<'a>) -> &'e Expr<'a> {
    match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => value,
    }
}

/// Calls `seen` with every name that the expression reads.
pub(super) fn names_of(expression: &Expr<'_>, seen: &mut dyn FnMut(&str)) {
    // Its own stack: chains of operators lean to the left as deep as they are long.
    let mut pending = vec![expression];
    while let Some(expression) = pending.pop() {
        match expression {
            Expr::Var(name) => seen(name.id),
            Expr::Const(_) => {}
            Expr::Slice(part) => {
                pending.push(&part.expr);
                pending.extend([&part.start, &part.stop, &part.step].into_iter().flatten());
            }
            Expr::UnaryOp(part) => pending.push(&part.expr),
            Expr::BinOp(part) => pending.extend([&part.left, &part.right]),
            Expr::Compare(part) => {
                pending.push(&part.expr);
                pending.extend(part.ops.iter().map(|operation| &operation.expr));
            }
            Expr::IfExpr(part) => {
                pending.extend([&part.test_expr, &part.true_expr]);
                pending.extend(&part.false_expr);
            }
            Expr::Filter(part) => {
                pending.extend(&part.expr);
                pending.extend(part.args.iter().map(value_of));
            }
            Expr::Test(part) => {
                pending.push(&part.expr);
                pending.extend(part.args.iter().map(value_of));
            }
            Expr::GetAttr(part) => pending.push(&part.expr),
            Expr::GetItem(part) => pending.extend([&part.expr, &part.subscript_expr]),
            Expr::Call(part) => {
                pending.push(&part.expr);
                pending.extend(part.args.iter().map(value_of));
            }
            Expr::List(part) => pending.extend(&part.items),
            Expr::Tuple(part) => pending.extend(&part.items),
            Expr::Map(part) => pending.extend(part.keys.iter().chain(&part.values)),
        }
    }
}
