//! Makes statements.

use super::values::Number;
use super::{Generator, Style};
use crate::program::{Block, Expression, Form, Function, Future, Reach, Statement, Type};

/// The kinds of statements.
#[derive(Clone, Copy)]
enum Kind {
    Let,
    Ignore,
    Evaluate,
    Assign,
    AssignElement,
    RenewSelf,
    Lend,
    Write,
    Relay,
    Indexed,
    Drop,
    Mark,
    If,
    IfError,
    Match,
    For,
    While,
    Break,
    Continue,
    Return,
    Panic,
    Scope,
    Reach,
    PinnedAwait,
    HeldAwait,
    Rounds,
    Logged,
    InTurn,
}

impl Generator {
    /// Which statement is next.
    fn kind(&mut self, depth: u32) -> Kind {
        let has_drops = self.place.style != Style::Pure;
        let drops = |weight: u32| if has_drops { weight } else { 0 };
        let deep = |weight: u32| if depth > 1 { weight } else { 0 };
        let waits = self.place.style == Style::Waiting;
        let waits = |weight: u32| if waits { deep(weight) } else { 0 };
        let breaks = if self.place.can_break { 6 } else { 0 };
        let loops = |weight: u32| if self.place.loops < 2 { weight } else { 0 };
        let has_self = self.has_itself();
        let has_row = self.slots.iter().any(|slot| slot.variable.of == Type::Row);
        let writes = if self.has(Type::Exclusive) { 60 } else { 0 };
        self.random.weighted(&[
            (24, Kind::Let),
            (drops(4), Kind::Ignore),
            (drops(12), Kind::Evaluate),
            (8 + writes, Kind::Assign),
            (if has_row { 60 } else { 0 }, Kind::AssignElement),
            (if has_self { drops(20) } else { 0 }, Kind::RenewSelf),
            (drops(deep(120)), Kind::Lend),
            (if writes > 0 { drops(deep(25)) } else { 0 }, Kind::Write),
            (drops(deep(7)), Kind::Relay),
            (if self.is_async() { deep(4) } else { 0 }, Kind::Indexed),
            (drops(5), Kind::Drop),
            (drops(8), Kind::Mark),
            (deep(13), Kind::If),
            (if self.is_async() { drops(deep(8)) } else { 0 }, Kind::IfError),
            (deep(6), Kind::Match),
            (loops(drops(deep(4))), Kind::For),
            (loops(drops(deep(8))), Kind::While),
            (breaks, Kind::Break),
            (breaks, Kind::Continue),
            (4, Kind::Return),
            (drops(6), Kind::Panic),
            (drops(deep(4)), Kind::Scope),
            (if self.is_async() { drops(deep(20)) } else { 0 }, Kind::Reach),
            (drops(deep(4)), Kind::PinnedAwait),
            (drops(deep(9)), Kind::HeldAwait),
            (waits(14), Kind::Rounds),
            (waits(12), Kind::Logged),
            (waits(6), Kind::InTurn),
        ])
    }

    pub(super) fn statement(&mut self, depth: u32) -> Vec<Statement> {
        self.fuel -= 1;
        let kind = self.kind(depth);
        let statement = match kind {
            Kind::Let => return vec![self.let_statement(depth)],
            Kind::Ignore => {
                let of = self.random.weighted(&[(3, Type::Token), (2, Type::Number)]);
                Statement::Ignore(self.made_value(of, depth))
            }
            Kind::Evaluate => {
                let kind = self.random.weighted(&[(4, Number::Await), (1, Number::SameAwaits)]);
                let kind = if depth > 1 { kind } else { Number::Await };
                Statement::Evaluate(self.number_of_kind(kind, depth))
            }
            Kind::Assign => match self.assign(depth) {
                Some(statement) => statement,
                None => self.let_statement(depth),
            },
            Kind::AssignElement => match self.assign_element(depth) {
                Some(statements) => return statements,
                None => self.let_statement(depth),
            },
            Kind::RenewSelf => {
                self.note_use_of_itself();
                Statement::RenewSelf
            }
            Kind::Lend => return self.lend_statements(depth),
            Kind::Write => self.writing_block(depth),
            Kind::Relay => return self.relay_statements(depth),
            Kind::Indexed => self.indexed_scope(depth),
            Kind::Drop => match self.move_variable(Type::Token) {
                Some(Expression::Variable(variable)) => Statement::Drop(variable),
                _ => self.let_statement(depth),
            },
            Kind::Mark => {
                let value = self.number(depth - 1);
                self.next_place += 1;
                Statement::Mark(self.next_place, value)
            }
            Kind::If => self.if_statement(depth),
            Kind::IfError => self.if_error_statement(depth),
            Kind::Match => {
                let value = self.scrutinee(depth - 1);
                let count = 2 + self.random.below(2);
                let arms = self.branches(count, |this, _| this.block(2, None, depth - 1));
                Statement::Match(value, arms)
            }
            Kind::For => self.for_loop(depth),
            Kind::While => self.while_loop(depth),
            Kind::Break => Statement::Break(self.condition(depth - 1)),
            Kind::Continue => Statement::Continue(self.condition(depth - 1)),
            Kind::Return => {
                let condition = self.condition(depth.min(2) - 1);
                Statement::Return(condition, self.returned())
            }
            Kind::Panic => {
                let condition = self.condition(depth.min(3) - 1);
                self.next_place += 1;
                Statement::Panic(condition, self.next_place)
            }
            Kind::Scope => Statement::Scope(self.block(3, None, depth - 1)),
            Kind::Reach => self.reach(depth),
            Kind::PinnedAwait => {
                let variable = self.variable(Type::Number);
                let future = self.kept_future(depth);
                self.define(variable);
                Statement::PinnedAwait(variable, future)
            }
            Kind::HeldAwait => {
                let variable = self.variable(Type::Number);
                let future = self.kept_future(depth);
                // The await in the block is not to take the place of other statements.
                self.fuel += 1;
                let body = self.awaiting_block(false, depth - 1);
                self.define(variable);
                Statement::HeldAwait(variable, future, body)
            }
            Kind::Rounds => self.match_in_rounds(depth),
            Kind::Logged => return self.logged_scopes(),
            Kind::InTurn => self.values_in_turn(),
        };
        vec![statement]
    }

    /// A future that is kept in a variable, and so borrows nothing.
    fn kept_future(&mut self, depth: u32) -> Box<Future> {
        let escapes = std::mem::replace(&mut self.place.escapes, true);
        let future = self.future(depth - 1);
        self.place.escapes = escapes;
        Box::new(future)
    }

    /// A block with an await, while a variable may be reached by its address.
    fn reach(&mut self, depth: u32) -> Statement {
        let reach = self.random.weighted(&[
            (1, Reach::Row),
            (1, Reach::Uninit),
            (1, Reach::Union),
            (3, Reach::Moved),
            (2, Reach::Renewed),
            (3, Reach::Handed),
            (3, Reach::Captured),
        ]);
        self.next_place += 1;
        let number = self.next_place;
        // The await that it adds is not to take the place of other statements.
        self.fuel += 1;
        let body = if reach == Reach::Captured {
            let borrowed = self.borrowed.len();
            let style = self.place.style;
            let body = self.fenced(true, style, |this| this.awaiting_block(true, depth - 1));
            self.end_await(borrowed);
            body
        } else {
            self.awaiting_block(false, depth - 1)
        };
        Statement::Reach(reach, number, body)
    }

    /// A block of an await and a statement behind it, and a number if it is the body of a future.
    fn awaiting_block(&mut self, gives_number: bool, depth: u32) -> Block {
        let start = self.slots.len();
        let borrowed = self.borrowed.len();
        let awaited = self.number_of_kind(Number::Await, depth.min(3));
        self.end_statement(borrowed);
        let mut statements = vec![Statement::Evaluate(awaited)];
        if self.fuel > 0 {
            statements.extend(self.statement(depth));
            self.end_statement(borrowed);
        }
        let tail = gives_number.then(|| Box::new(self.number(1)));
        self.end_statement(borrowed);
        self.end_scope(start);
        Block { statements, tail }
    }

    fn if_statement(&mut self, depth: u32) -> Statement {
        let condition = self.awaited_condition(depth - 1);
        let has_else = self.random.percent(50);
        let mut blocks = self.branches(2, |this, part| {
            if part == 0 || has_else { this.block(2, None, depth - 1) } else { Block::default() }
        });
        let otherwise = blocks.pop().unwrap_or_default();
        Statement::If(condition, blocks.pop().unwrap_or_default(), otherwise)
    }

    /// A chain of conditions, so that the `else` is reached with and without what is bound.
    fn if_error_statement(&mut self, depth: u32) -> Statement {
        let less = depth - 1;
        let value = self.awaited_outcome(less);
        let variable = self.variable(Type::Token);
        let start = self.slots.len();
        self.define(variable);
        let condition = self.awaited_condition(less.min(2));
        let alive =
            |this: &Self| -> Vec<_> { this.slots[..start].iter().map(|slot| slot.alive).collect() };
        let before = alive(self);
        let then = self.block(2, None, less);
        self.end_scope(start);
        let after = alive(self);
        for (slot, alive) in self.slots.iter_mut().zip(before) {
            slot.alive = alive;
        }
        let otherwise = self.block(2, None, less);
        for (slot, alive) in self.slots.iter_mut().zip(after) {
            slot.alive &= alive;
        }
        Statement::IfError(variable, Box::new([value, condition]), then, otherwise)
    }

    fn for_loop(&mut self, depth: u32) -> Statement {
        let variable = self.variable(Type::Number);
        let rounds = self.random.within(1, 3);
        let outer = self.place.clone();
        self.place.loops += 1;
        self.place.can_break = true;
        // The variable is not among the slots: it cannot be assigned to.
        let body = self.block(3, None, depth - 1);
        self.place = outer;
        Statement::For(variable, rounds, body)
    }

    fn while_loop(&mut self, depth: u32) -> Statement {
        let variable = self.variable(Type::Number);
        let rounds = self.random.within(1, 3);
        let outer = self.place.clone();
        self.place.loops += 1;
        self.place.can_break = false;
        let condition = self.awaited_condition(depth - 1);
        self.place.can_break = true;
        let body = self.block(2, None, depth - 1);
        self.place = outer;
        Statement::While(variable, rounds, condition, body)
    }

    /// What is returned early. What that moves is still there where the body goes on. But what is
    /// of outside the block or closure is gone for all behind it: to move it is to capture it.
    pub(super) fn returned(&mut self) -> Expression {
        let outside = self.place.fences.last().map_or(0, |fence| fence.outside);
        let before: Vec<_> = self.slots.iter().map(|slot| slot.alive).collect();
        let value = self.value(self.place.output, 1);
        for (slot, alive) in self.slots.iter_mut().zip(before).skip(outside) {
            slot.alive = alive;
        }
        value
    }

    /// A value that lives over an await, and a second one that lives over the next: the first is
    /// dropped only when the second is there, so the two may not share a place.
    fn relay_statements(&mut self, depth: u32) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut former = None;
        for _ in 0..2 {
            let variable = self.variable(Type::Token);
            self.define(variable);
            statements.push(Statement::Let(variable, Expression::Token));
            if let Some(former) = former.replace(self.slots.len() - 1)
                && self.may_move(former)
            {
                self.note_capture(former);
                self.slots[former].alive = false;
                statements.push(Statement::Drop(self.slots[former].variable));
            }
            let borrowed = self.borrowed.len();
            self.fuel -= 1;
            let number = self.number_of_kind(Number::Await, depth.min(3) - 1);
            self.end_statement(borrowed);
            statements.push(Statement::Evaluate(number));
        }
        statements
    }

    /// A row and an index, of which an element is read behind an await.
    fn indexed_scope(&mut self, depth: u32) -> Statement {
        let start = self.slots.len();
        let mut statements = Vec::new();
        let row = self.row();
        let index = self.made_value(Type::Index, 1);
        for (of, value) in [(Type::Row, row), (Type::Index, index)] {
            let variable = self.variable(of);
            self.define(variable);
            statements.push(Statement::Let(variable, value));
        }
        statements.extend(self.read_behind_await(start, depth));
        self.end_scope(start);
        Statement::Scope(Block { statements, tail: None })
    }

    /// A block that writes, before and after what it awaits, and is awaited at once.
    fn writing_block(&mut self, depth: u32) -> Statement {
        let moves = self.random.percent(30);
        let borrowed = self.borrowed.len();
        let body = self.fenced(moves, self.place.style, |this| {
            let start = this.slots.len();
            let mut statements: Vec<_> = this.assign(1).into_iter().collect();
            let awaited = this.number_of_kind(Number::Await, depth.min(3) - 1);
            statements.push(Statement::Evaluate(awaited));
            statements.extend(this.assign(1));
            this.end_scope(start);
            Block { statements, tail: Some(Box::new(this.number(1))) }
        });
        self.end_await(borrowed);
        let block = Future::Block { moves, body: Box::new(body) };
        Statement::Evaluate(Expression::Await(Box::new(block)))
    }

    /// One or two awaits of a function that a number, a device or a bus is lent to, and the number.
    fn lend_statements(&mut self, depth: u32) -> Vec<Statement> {
        let outputs = [Type::Number, Type::Token, Type::Outcome];
        let mut callees: Vec<_> = outputs.iter().flat_map(|&of| self.callees(of)).collect();
        callees.retain(|&callee| {
            let Function { form, parameters, .. } = &self.functions[callee];
            matches!(form, Form::MutableMethod | Form::OverBus)
                || parameters.iter().any(|parameter| parameter.of == Type::Exclusive)
        });
        if callees.is_empty() {
            return vec![self.let_statement(depth)];
        }
        let callee = callees[self.random.below(callees.len())];
        let mut statements = Vec::new();
        let owned = match self.functions[callee].form {
            Form::MutableMethod => Some((Type::Device, Expression::Device)),
            Form::OverBus => Some((Type::Bus, Expression::Bus(self.random.below(2)))),
            _ if self.random.percent(40) => Some((Type::Row, self.row())),
            _ => None,
        };
        if let Some((of, value)) = owned
            && !self.has(of)
        {
            let variable = self.variable(of);
            self.define(variable);
            statements.push(Statement::Let(variable, value));
        }
        let mut lent = None;
        for _ in 0..self.random.within(1, 2) {
            let borrowed = self.borrowed.len();
            self.fuel -= 2;
            let call = self.call_of(callee, depth.min(3) - 1);
            self.end_await(borrowed);
            self.end_statement(borrowed);
            if let Future::Call { arguments, .. } = &call {
                lent = arguments.iter().find_map(|argument| match argument {
                    Expression::BorrowMutably(variable) => Some(*variable),
                    _ => lent,
                });
            }
            statements.push(Statement::Evaluate(Expression::Await(Box::new(call))));
        }
        if let Some(lent) = lent {
            self.next_place += 1;
            statements.push(Statement::Mark(self.next_place, Expression::Variable(lent)));
        }
        statements
    }

    pub(super) fn let_statement(&mut self, depth: u32) -> Statement {
        let of = if self.place.style == Style::Pure {
            self.random.weighted(&[(10, Type::Number), (1, Type::Row), (1, Type::Index)])
        } else {
            self.random.weighted(&[
                (10, Type::Number),
                (9, Type::Token),
                (2, Type::Borrowed),
                (2, Type::Pair),
                (4, Type::Row),
                (3, Type::Index),
                (2, Type::Blank),
                (2, Type::Outcome),
                (2, Type::Exclusive),
                (1, Type::Watched),
            ])
        };
        match of {
            Type::Borrowed => return self.let_borrow(),
            Type::Exclusive => return self.let_borrow_mutably(),
            _ => {}
        }
        let value = if of == Type::Number && self.random.percent(60) {
            let kind = self.random.weighted(&[(5, Number::Await), (4, Number::SameAwaits)]);
            self.number_of_kind(if self.fuel > 0 { kind } else { Number::Await }, depth)
        } else {
            self.value(of, depth)
        };
        let variable = self.variable(of);
        self.define(variable);
        Statement::Let(variable, value)
    }

    /// A variable that borrows one until the block ends.
    pub(super) fn let_borrow(&mut self) -> Statement {
        let variable = self.variable(Type::Borrowed);
        // Only what is in the same body, so that the end of the block is that of the borrow.
        let outside = self.place.fences.last().map_or(0, |fence| fence.outside);
        let lender = self.pick(Type::Token, |this, index| {
            index >= outside && this.slots[index].alive && this.slots[index].captured == 0
        });
        let value = match lender {
            Some(index) => {
                self.slots[index].borrows += 1;
                Expression::Borrow(self.slots[index].variable)
            }
            None => Expression::BorrowTemporary(Box::new(Expression::Token)),
        };
        self.define(variable);
        if let Some(slot) = self.slots.last_mut() {
            slot.lender = lender;
        }
        Statement::Let(variable, value)
    }

    /// A variable that borrows a number, or borrows what another one borrows, until the block ends.
    fn let_borrow_mutably(&mut self) -> Statement {
        let variable = self.variable(Type::Exclusive);
        let of = self.random.weighted(&[(3, Type::Number), (1, Type::Exclusive)]);
        let lender = self.pick(of, Self::may_borrow_mutably);
        let value = match lender {
            Some(index) => {
                self.note_capture(index);
                self.slots[index].borrows += 1;
                Expression::BorrowMutably(self.slots[index].variable)
            }
            None => {
                let number = Expression::Hidden(self.random.within(0, 9));
                Expression::MutableTemporary(Box::new(number))
            }
        };
        self.define(variable);
        if let Some(slot) = self.slots.last_mut() {
            slot.lender = lender;
        }
        Statement::Let(variable, value)
    }

    pub(super) fn assign(&mut self, depth: u32) -> Option<Statement> {
        let outside = self.place.fences.last().map_or(0, |fence| fence.outside);
        let shared = self.place.shared;
        let through = self.pick(Type::Exclusive, Self::may_borrow_mutably);
        let watched = self.pick(Type::Watched, |_, _| true);
        let of = self.random.weighted(&[(6, Type::Number), (1, Type::Row), (1, Type::Index)]);
        let number = self.pick(of, |this, index| index >= shared && this.slots[index].borrows == 0);
        let token = self.pick(Type::Token, |this, index| {
            let slot = &this.slots[index];
            // A variable of outside a loop that was moved is not alive when the loop ends.
            index >= outside.max(shared)
                && slot.borrows == 0
                && slot.captured == 0
                && (slot.alive || slot.loops == this.place.loops)
        });
        let has_drops = self.place.style != Style::Pure;
        let index = match (number, token) {
            _ if through.is_some() && self.random.percent(60) => through?,
            _ if watched.is_some() && has_drops && self.random.percent(15) => watched?,
            (_, Some(token)) if has_drops && self.random.percent(40) => token,
            (Some(number), _) => number,
            _ => return None,
        };
        let variable = self.slots[index].variable;
        if variable.of == Type::Exclusive {
            self.note_capture(index);
        }
        let value = match variable.of {
            of @ (Type::Token | Type::Row | Type::Index) => self.made_value(of, 1),
            _ => self.number(depth.min(3) - 1),
        };
        self.slots[index].alive = true;
        Some(Statement::Assign(variable, value))
    }

    /// An await, and behind it an element of a row, whose index is from before it.
    fn read_behind_await(&mut self, row: usize, depth: u32) -> Vec<Statement> {
        self.fuel -= 1;
        let borrowed = self.borrowed.len();
        let awaited = self.number_of_kind(Number::Await, depth.min(3) - 1);
        self.end_statement(borrowed);
        let mut statements = vec![Statement::Evaluate(awaited)];
        let slot = &self.slots[row];
        let array = slot.variable;
        if slot.alive
            && slot.borrows == 0
            && let Some(element) = self.copy_variable(Type::Index)
        {
            self.next_place += 1;
            let read = Expression::Index(array, Box::new(element));
            statements.push(Statement::Mark(self.next_place, read));
        }
        statements
    }

    /// Assigns to an element of an array what is often awaited. The index is often a variable,
    /// which then is needed again behind the await.
    fn assign_element(&mut self, depth: u32) -> Option<Vec<Statement>> {
        let outside = self.place.fences.last().map_or(0, |fence| fence.outside);
        let shared = self.place.shared;
        let has_drops = self.place.style != Style::Pure;
        let of = match has_drops {
            true => self.random.weighted(&[(3, Type::Row), (1, Type::Pair)]),
            false => Type::Row,
        };
        let index = self.pick(of, |this, index| {
            let slot = &this.slots[index];
            let is_own = of == Type::Row || index >= outside && slot.captured == 0;
            slot.alive && slot.borrows == 0 && index >= shared && is_own
        })?;
        let array = self.slots[index].variable;
        let mut statements = Vec::new();
        // Neither the index nor the value is to move the array.
        let borrows = u32::from(of == Type::Pair);
        self.slots[index].borrows += borrows;
        if !self.has(Type::Index) && self.random.percent(60) {
            let value = self.made_value(Type::Index, 1);
            let variable = self.variable(Type::Index);
            self.define(variable);
            statements.push(Statement::Let(variable, value));
        }
        let value = match of {
            Type::Pair => self.made_value(Type::Token, depth),
            _ if self.is_async() && self.random.percent(80) => {
                let is_call = self.random.percent(50);
                let call = is_call.then(|| self.awaited_call(Type::Number, depth - 1)).flatten();
                call.unwrap_or_else(|| self.number_of_kind(Number::Await, depth - 1))
            }
            _ => self.number(depth.min(3) - 1),
        };
        let element = self.index(1);
        self.slots[index].borrows -= borrows;
        statements.push(Statement::AssignElement(array, element, value));
        if of == Type::Row && self.is_async() && self.random.percent(40) {
            statements.extend(self.read_behind_await(index, depth));
        }
        Some(statements)
    }
}
