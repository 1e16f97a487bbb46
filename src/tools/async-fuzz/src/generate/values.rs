//! Makes expressions.

use super::{Generator, Style};
use crate::program::{Block, Expression, Form, Future, Matched, Shape, Statement, Type};

/// What comes after each of the awaits that are the same.
#[derive(Clone, Copy)]
enum After {
    Nothing,
    Same,
    Different,
}

/// The ways to make a number.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Literal,
    Hidden,
    Variable,
    Sum,
    Xor,
    Element,
    Index,
    Bump,
    Look,
    Log,
    LookAtSelf,
    Get,
    Take,
    Try,
    If,
    Match,
    MatchOutcome,
    Await,
    SameAwaits,
    Recurse,
    Foreign,
    Room,
}

impl Generator {
    /// Whether the code is in a body that may await.
    pub(super) fn is_async(&self) -> bool {
        self.place.form.is_some() || !self.place.fences.is_empty()
    }

    pub(super) fn value(&mut self, of: Type, depth: u32) -> Expression {
        if of == Type::Number {
            return self.number(depth);
        }
        if of == Type::Borrowed {
            let choice = self.random.below(3);
            let found = match choice {
                0 => self.copy_variable(of),
                _ => self.borrow(),
            };
            return found
                .unwrap_or_else(|| Expression::BorrowTemporary(Box::new(Expression::Token)));
        }
        if of == Type::Exclusive {
            return self.mutable();
        }
        if matches!(of, Type::Watched | Type::Row | Type::Index)
            && self.random.percent(70)
            && let Some(variable) = self.copy_variable(of)
        {
            return variable;
        }
        if !matches!(of, Type::Watched | Type::Row | Type::Index)
            && self.random.percent(50)
            && let Some(variable) = self.move_variable(of)
        {
            return variable;
        }
        self.made_value(of, depth)
    }

    /// A value that is not that of a variable.
    pub(super) fn made_value(&mut self, of: Type, depth: u32) -> Expression {
        if depth > 1
            && self.is_async()
            && self.random.percent(35)
            && self.fuel > 0
            && matches!(of, Type::Token | Type::Outcome)
            && let Some(awaited) = self.awaited_call(of, depth - 1)
        {
            return awaited;
        }
        let depth = depth.saturating_sub(1);
        let has_drops = self.place.style != Style::Pure;
        match of {
            Type::Number => self.number(depth),
            Type::Token => Expression::Token,
            Type::Blank => Expression::Blank,
            Type::Pair => {
                let first = self.value(Type::Token, depth);
                Expression::Pair(Box::new(first), Box::new(self.value(Type::Token, depth)))
            }
            Type::Row => self.row(),
            Type::Index => Expression::ToIndex(Box::new(self.number(depth))),
            Type::Borrowed => Expression::BorrowTemporary(Box::new(Expression::Token)),
            Type::Outcome if self.is_async() && has_drops && self.random.percent(20) => {
                Expression::Await(Box::new(self.hand_of(Shape::Question)))
            }
            Type::Outcome => Expression::Outcome(Box::new(self.number(depth))),
            Type::Exclusive => self.mutable(),
            Type::Watched => Expression::Watched(self.random.within(0, 9)),
            Type::Device | Type::Bus => unreachable!("no value is one of these"),
        }
    }

    /// Three numbers.
    pub(super) fn row(&mut self) -> Expression {
        let depth = if self.random.percent(80) { 1 } else { 2 };
        Expression::Row(Box::new([(); 3].map(|()| self.number(depth))))
    }

    /// The index of an element: that of a variable, or a number.
    pub(super) fn index(&mut self, depth: u32) -> Expression {
        let variable = if self.random.percent(80) { self.copy_variable(Type::Index) } else { None };
        variable.unwrap_or_else(|| self.number(depth))
    }

    /// A number to decide by, which the compiler is not to know.
    pub(super) fn condition(&mut self, depth: u32) -> Expression {
        match self.number(depth) {
            Expression::Literal(number) if self.place.style != Style::Pure => {
                Expression::Hidden(number)
            }
            condition => condition,
        }
    }

    /// A number to decide by, which is often that of a future.
    pub(super) fn awaited_condition(&mut self, depth: u32) -> Expression {
        if self.is_async() && self.random.percent(50) {
            self.number_of_kind(Number::Await, depth)
        } else {
            self.condition(depth)
        }
    }

    /// A number to match on, at times with a value that lasts as long as the match.
    pub(super) fn scrutinee(&mut self, depth: u32) -> Expression {
        if self.place.style == Style::Pure || self.random.percent(60) {
            return self.condition(depth);
        }
        let lasts = Expression::BorrowTemporary(Box::new(Expression::Token));
        let look = Box::new(Expression::Look(Box::new(lasts)));
        Expression::Xor(look, Box::new(self.awaited_condition(depth)))
    }

    pub(super) fn number(&mut self, depth: u32) -> Expression {
        self.fuel -= 1;
        let has_drops = self.place.style != Style::Pure;
        let drops = |weight: u32| if has_drops { weight } else { 0 };
        let is_deep = depth > 1 && self.fuel > 0 && self.is_async();
        let deep = |weight: u32| if is_deep { weight } else { 0 };
        let has_self = matches!(self.place.form, Some(Form::Method))
            || self.place.form == Some(Form::ByValue) && self.place.fences.is_empty()
            || self.has_itself();
        let has_watched = self.slots.iter().any(|slot| slot.variable.of == Type::Watched);
        let recurses = self.place.itself.is_some() && self.place.fences.is_empty();
        let has_outcomes = !self.callees(Type::Outcome).is_empty();
        let can_try = self.place.output == Type::Outcome;
        let has_sized = self.features.sized && self.is_async() && !self.sizeable().is_empty();
        let kind = self.random.weighted(&[
            (8, Number::Literal),
            (4, Number::Hidden),
            (14, Number::Variable),
            (deep(6), Number::Sum),
            (deep(3), Number::Xor),
            (drops(deep(2)), Number::Element),
            (if self.has_row() { 10 } else { 0 }, Number::Index),
            (drops(3), Number::Bump),
            (drops(8), Number::Look),
            (drops(12), Number::Log),
            (if has_self { drops(10) } else { 0 }, Number::LookAtSelf),
            (if has_watched { 2 + drops(10) } else { 0 }, Number::Get),
            (drops(6), Number::Take),
            (if can_try { deep(12) } else { 0 }, Number::Try),
            (deep(3), Number::If),
            (deep(3), Number::Match),
            (if has_outcomes { drops(deep(45)) } else { drops(deep(2)) }, Number::MatchOutcome),
            (deep(24), Number::Await),
            (deep(24), Number::SameAwaits),
            (if recurses { deep(8) } else { 0 }, Number::Recurse),
            (if self.features.foreign.is_some() { drops(8) } else { 0 }, Number::Foreign),
            (if has_sized { 4 + drops(6) } else { 0 }, Number::Room),
        ]);
        self.number_of_kind(kind, depth)
    }

    /// A number that branches give.
    fn branching_number(&mut self, kind: Number, less: u32) -> Expression {
        match kind {
            Number::If => {
                let condition = self.condition(less);
                let mut blocks =
                    self.branches(2, |this, _| Box::new(this.block(1, Some(Type::Number), less)));
                let otherwise = blocks.pop().unwrap_or_default();
                let then = blocks.pop().unwrap_or_default();
                Expression::If(Box::new(condition), then, otherwise)
            }
            Number::Match => {
                let value = self.scrutinee(less);
                let count = 2 + self.random.below(2);
                let arms = self.branches(count, |this, _| this.block(1, Some(Type::Number), less));
                Expression::Match(Box::new(value), arms)
            }
            _ => {
                let value = match self.random.percent(70) {
                    true => self.awaited_outcome(less),
                    false => self.value(Type::Outcome, less),
                };
                let types = [Type::Number, Type::Token];
                let arms = self.branches(2, |this, part| {
                    let variable = this.variable(types[part]);
                    let start = this.slots.len();
                    this.define(variable);
                    let arm = this.block(1, Some(Type::Number), less);
                    this.end_scope(start);
                    (variable, arm)
                });
                match <[_; 2]>::try_from(arms) {
                    Ok(arms) => {
                        let matched = self.random.weighted(&[
                            (6, Matched::AtOnce),
                            (1, Matched::Seen),
                            (1, Matched::Turned),
                        ]);
                        Expression::MatchOutcome(matched, Box::new(value), Box::new(arms))
                    }
                    Err(_) => Expression::Literal(1),
                }
            }
        }
    }

    pub(super) fn number_of_kind(&mut self, kind: Number, depth: u32) -> Expression {
        let less = depth.saturating_sub(1);
        match kind {
            Number::Literal => Expression::Literal(self.random.within(0, 9)),
            Number::Hidden if self.place.style != Style::Pure => {
                Expression::Hidden(self.random.within(0, 9))
            }
            Number::Hidden => Expression::Literal(self.random.within(0, 9)),
            Number::Variable => {
                let of = self.random.weighted(&[(3, Type::Number), (2, Type::Exclusive)]);
                let found = match of {
                    Type::Exclusive => self.read(),
                    _ => None,
                };
                found.or_else(|| self.copy_variable(Type::Number)).unwrap_or(Expression::Literal(2))
            }
            Number::Sum => {
                let one = self.number(less);
                Expression::Sum(Box::new(one), Box::new(self.number(less)))
            }
            Number::Xor => {
                let one = self.number(less);
                Expression::Xor(Box::new(one), Box::new(self.number(less)))
            }
            Number::Element => Expression::Element(Box::new(self.number(less))),
            Number::Index => {
                let element = Box::new(self.index(less));
                match self.copy_variable(Type::Row) {
                    Some(Expression::Variable(row)) => Expression::Index(row, element),
                    _ => Expression::Element(element),
                }
            }
            Number::Bump => Expression::Bump,
            Number::Look => {
                let borrowed = self.value(Type::Borrowed, less);
                Expression::Look(Box::new(borrowed))
            }
            Number::Log => {
                let of = self.random.weighted(&[(3, Type::Number), (1, Type::Row)]);
                match self.copy_variable(of).or_else(|| self.copy_variable(Type::Number)) {
                    Some(Expression::Variable(variable)) => Expression::Log(variable),
                    _ => Expression::Literal(2),
                }
            }
            Number::LookAtSelf => {
                self.note_use_of_itself();
                Expression::LookAtSelf
            }
            Number::Get => Expression::Get(Box::new(self.value(Type::Watched, less))),
            Number::Take => {
                let of = self.random.weighted(&[
                    (4, Type::Token),
                    (2, Type::Pair),
                    (1, Type::Blank),
                    (3, Type::Outcome),
                ]);
                Expression::Take(Box::new(self.value(of, less)), of)
            }
            Number::Try => Expression::Try(Box::new(self.value(Type::Outcome, less))),
            Number::If | Number::Match | Number::MatchOutcome => self.branching_number(kind, less),
            Number::Await => {
                let borrowed = self.borrowed.len();
                let future = self.future(less);
                self.end_await(borrowed);
                Expression::Await(Box::new(future))
            }
            Number::SameAwaits => self.same_awaits(less),
            Number::Recurse => match self.place.itself.clone() {
                Some((number, types)) => {
                    let arguments = types.iter().map(|&of| self.value(of, less)).collect();
                    Expression::Recurse(number, self.place.output, arguments)
                }
                None => Expression::Literal(1),
            },
            Number::Foreign => self.foreign(less).unwrap_or(Expression::Literal(1)),
            Number::Room => self.room(less).unwrap_or(Expression::Literal(1)),
        }
    }

    /// What a function gives that has an outcome, if there is one.
    pub(super) fn awaited_outcome(&mut self, depth: u32) -> Expression {
        match self.awaited_call(Type::Outcome, depth) {
            Some(awaited) => awaited,
            None => self.made_value(Type::Outcome, depth),
        }
    }

    /// What a function gives that gives the type, if there is one.
    pub(super) fn awaited_call(&mut self, of: Type, depth: u32) -> Option<Expression> {
        let borrowed = self.borrowed.len();
        let call = self.call(of, depth)?;
        self.end_await(borrowed);
        Some(Expression::Await(Box::new(call)))
    }

    fn has_row(&self) -> bool {
        self.slots.iter().any(|slot| slot.variable.of == Type::Row && slot.borrows == 0)
    }

    /// What a variable is the `&mut` of.
    fn read(&mut self) -> Option<Expression> {
        let index = self.pick(Type::Exclusive, Self::may_borrow_mutably)?;
        self.note_capture(index);
        Some(Expression::Variable(self.slots[index].variable))
    }

    /// A match whose arms await the same future, with or without work after it.
    pub(super) fn same_awaits(&mut self, depth: u32) -> Expression {
        let value = self.condition(depth);
        let after = match self.place.style {
            Style::Pure => After::Nothing,
            _ => self.random.weighted(&[
                (4, After::Nothing),
                (3, After::Same),
                (3, After::Different),
            ]),
        };
        self.next_place += 1;
        let has_method = self.place.style != Style::Pure && self.random.percent(60);
        let method = if has_method { self.method() } else { None };
        let callee = if method.is_none() { self.callee(Type::Number) } else { None };
        let is_by_hand = self.place.style != Style::Pure && self.random.percent(12);
        let pending = self.random.within(0, 2);
        // Leaves that are made of different constants are another matter.
        let leaf = self.random.percent(70).then(|| self.number_of_kind(Number::Literal, 1));
        let calls_before = self.calls_before_same_await();
        let is_same = self.random.percent(if calls_before { 70 } else { 15 });
        let mut same = None;
        let count = 2 + self.random.below(2);
        let arms = self.branches(count, |this, _| {
            this.fuel -= 2;
            let mut statements = Vec::new();
            if calls_before && let Some(foreign) = this.features.foreign {
                // This is not to take what the future needs that all have.
                let number = Expression::Literal(this.random.within(0, 9));
                let call = Expression::Foreign(foreign, Box::new(number));
                statements.push(Statement::Evaluate(call));
            }
            let borrowed = this.borrowed.len();
            let made = match (&same, method) {
                (Some(same), _) => Some(Future::clone(same)),
                (None, Some(method)) => this.trait_call(method),
                _ => None,
            };
            let future = match (made, callee) {
                (Some(made), _) => made,
                (None, Some(callee)) => this.call_of(callee, depth),
                _ if is_by_hand => this.hand_of(Shape::Match),
                _ if this.place.style == Style::Waiting => {
                    let value = leaf.clone().unwrap_or_else(|| this.number(1));
                    Future::Leaf(pending, Box::new(value))
                }
                _ => Future::Prompt(Box::new(this.number(1))),
            };
            if is_same {
                same = Some(future.clone());
            }
            let awaited = Expression::Await(Box::new(future));
            this.end_statement(borrowed);
            match after {
                After::Nothing => {
                    return Block { statements, tail: Some(Box::new(awaited)) };
                }
                After::Same => {}
                After::Different => this.next_place += 1,
            }
            let variable = this.variable(Type::Number);
            let mark = Statement::Mark(this.next_place, Expression::Variable(variable));
            let tail = Some(Box::new(Expression::Variable(variable)));
            statements.extend([Statement::Let(variable, awaited), mark]);
            Block { statements, tail }
        });
        Expression::Match(Box::new(value), arms)
    }
}
