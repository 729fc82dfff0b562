//! Which special names a body of a template reads: `loop` in a loop, `caller`, `kwargs` and `varargs` in a macro.
//!
//! A loop has an object, and a macro takes more arguments than it names, only if the body asks for it.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

use super::rewrite::Rewritten;
use super::symbol::{names_of, original, text_index, value_of};

/// Which of the special `names` a body reads, in bodies within it too but not in `{% block %}`s. One that is set first
/// is not special any more.
pub(super) fn special_names<'n>(rewritten: &Rewritten<'_>, body: &[Stmt<'_>], names: &[&'n str]) -> BTreeSet<&'n str> {
    let mut search = Search { rewritten, names: names.to_vec(), found: BTreeSet::new() };
    search.body(body);
    search.found
}

struct Search<'s, 'r, 'n> {
    rewritten: &'r Rewritten<'s>,
    names: Vec<&'n str>,
    found: BTreeSet<&'n str>,
}

impl Search<'_, '_, '_> {
    fn reads(&mut self, expression: &Expr<'_>) {
        let Search { rewritten, names, found } = self;
        names_of(expression, &mut |id| {
            let name = original(rewritten, id);
            found.extend(names.iter().find(|known| **known == name));
        });
    }

    fn sets(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(name) => {
                let name = original(self.rewritten, name.id);
                self.names.retain(|known| *known != name);
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.sets(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.sets(item)),
            _ => {}
        }
    }

    fn all_read(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            self.reads(value_of(argument));
        }
    }

    fn body(&mut self, body: &[Stmt<'_>]) {
        for statement in body {
            match statement {
                Stmt::EmitExpr(part) if text_index(&part.expr).is_none() => self.reads(&part.expr),
                Stmt::ForLoop(part) => {
                    self.sets(&part.target);
                    self.reads(&part.iter);
                    self.body(&part.body);
                    self.body(&part.else_body);
                    part.filter_expr.iter().for_each(|test| self.reads(test));
                }
                Stmt::IfCond(part) => {
                    self.reads(&part.expr);
                    self.body(&part.true_body);
                    self.body(&part.false_body);
                }
                Stmt::WithBlock(part) => {
                    part.assignments.iter().for_each(|(target, _)| self.sets(target));
                    part.assignments.iter().for_each(|(_, value)| self.reads(value));
                    self.body(&part.body);
                }
                Stmt::Set(part) => {
                    self.sets(&part.target);
                    self.reads(&part.expr);
                }
                Stmt::SetBlock(part) => {
                    self.sets(&part.target);
                    part.filter.iter().for_each(|filter| self.reads(filter));
                    self.body(&part.body);
                }
                Stmt::FilterBlock(part) => {
                    self.body(&part.body);
                    self.reads(&part.filter);
                }
                Stmt::Macro(part) => {
                    part.args.iter().for_each(|name| self.sets(name));
                    part.defaults.iter().for_each(|value| self.reads(value));
                    self.body(&part.body);
                }
                Stmt::CallBlock(part) => {
                    self.reads(&part.call.expr);
                    self.all_read(&part.call.args);
                    part.macro_decl.args.iter().for_each(|name| self.sets(name));
                    part.macro_decl.defaults.iter().for_each(|value| self.reads(value));
                    self.body(&part.macro_decl.body);
                }
                _ => {}
            }
        }
    }
}

/// Whether a body gives a value to `loop`, also in the bodies within it.
pub(super) fn sets_loop(rewritten: &Rewritten<'_>, body: &[Stmt<'_>]) -> bool {
    let within = |body: &[Stmt<'_>]| sets_loop(rewritten, body);
    body.iter().any(|statement| match statement {
        Stmt::Set(part) => is_loop(rewritten, &part.target),
        Stmt::SetBlock(part) => is_loop(rewritten, &part.target) || within(&part.body),
        Stmt::ForLoop(part) => is_loop(rewritten, &part.target) || within(&part.body) || within(&part.else_body),
        Stmt::IfCond(part) => within(&part.true_body) || within(&part.false_body),
        Stmt::WithBlock(part) => within(&part.body),
        Stmt::FilterBlock(part) => within(&part.body),
        Stmt::Macro(part) => within(&part.body),
        Stmt::CallBlock(part) => within(&part.macro_decl.body),
        Stmt::Block(part) => within(&part.body),
        _ => false,
    })
}

/// Whether a target gives a value to `loop`.
pub(super) fn is_loop(rewritten: &Rewritten<'_>, target: &Expr<'_>) -> bool {
    match target {
        Expr::Var(name) => original(rewritten, name.id) == "loop",
        Expr::List(list) => list.items.iter().any(|item| is_loop(rewritten, item)),
        Expr::Tuple(tuple) => tuple.items.iter().any(|item| is_loop(rewritten, item)),
        _ => false,
    }
}
