//! Makes statements in patterns that our passes rewrite. These would be rare if each part of them
//! were random.

use super::Generator;
use crate::program::{Block, Expression, Future, Statement, Type};

impl Generator {
    /// Scopes after each other, each with a value that is logged and passed to what is awaited.
    pub(super) fn logged_scopes(&mut self) -> Vec<Statement> {
        self.fuel -= 1;
        let is_copied = self.random.percent(40);
        let count = self.random.within(2, 4);
        let scopes = (0..count).map(|_| {
            let [start, borrowed] = [self.slots.len(), self.borrowed.len()];
            let of = self.random.weighted(&[(1, Type::Number), (1, Type::Row)]);
            let [first, second, third] = self.hidden_numbers();
            let value = match of {
                Type::Row => Expression::Row(Box::new([first, second, third])),
                _ => first,
            };
            // The call is made first: what it borrows is not what it is passed.
            let callee = self.callee(Type::Number);
            let call = callee.map(|callee| (callee, self.call_of(callee, 2)));
            let variable = self.variable(of);
            self.define(variable);
            let logged = Statement::Evaluate(Expression::Log(variable));
            let mut statements = vec![Statement::Let(variable, value), logged];
            if is_copied {
                // A copy outlives it, but nothing reads that at the await.
                let copy = self.variable(of);
                self.define(copy);
                let inner =
                    Block { statements, tail: Some(Box::new(Expression::Variable(variable))) };
                let inner = Expression::Match(Box::new(Expression::Literal(0)), vec![inner]);
                let taken = Expression::Take(Box::new(Expression::Variable(copy)), of);
                statements = vec![Statement::Let(copy, inner), Statement::Evaluate(taken)];
            }
            let awaited = match call {
                Some((callee, mut call)) => {
                    if !is_copied && let Future::Call { arguments, .. } = &mut call {
                        let parameters = &self.functions[callee].parameters;
                        for (argument, parameter) in arguments.iter_mut().zip(parameters) {
                            if parameter.of == of {
                                *argument = Expression::Variable(variable);
                            }
                        }
                    }
                    self.end_await(borrowed);
                    call
                }
                None if is_copied => Future::Turn,
                None => {
                    let number = Expression::Variable(variable);
                    let number =
                        if of == Type::Number { number } else { Expression::Log(variable) };
                    Future::Leaf(self.pending(), Box::new(number))
                }
            };
            statements.push(Statement::Evaluate(Expression::Await(Box::new(awaited))));
            if self.random.percent(50) {
                let turn = Expression::Await(Box::new(Future::Turn));
                statements.push(Statement::Evaluate(turn));
            }
            self.end_statement(borrowed);
            self.end_scope(start);
            Statement::Scope(Block { statements, tail: None })
        });
        scopes.collect()
    }

    /// A match whose arms await the same and decide by that, some of them behind another await that
    /// is the same. These are merged first, and then all.
    pub(super) fn match_in_rounds(&mut self, depth: u32) -> Statement {
        self.fuel -= 2;
        let value = self.scrutinee(depth - 1);
        let number = |this: &mut Self| Box::new(Expression::Hidden(this.random.within(0, 9)));
        let first = Future::Slow(self.pending(), number(self));
        let second = Future::Leaf(self.pending(), number(self));
        let awaited = |future: &Future| Expression::Await(Box::new(future.clone()));
        let count = self.random.within(3, 5);
        let arms = (0..count).map(|_| {
            let mut statements = Vec::new();
            if self.random.percent(60) {
                statements.push(Statement::Evaluate(awaited(&first)));
            }
            let [then, otherwise] = [(); 2].map(|()| {
                self.next_place += 1;
                let mark = Statement::Mark(self.next_place, Expression::Literal(0));
                Block { statements: vec![mark], tail: None }
            });
            statements.push(Statement::If(awaited(&second), then, otherwise));
            Block { statements, tail: None }
        });
        let arms = arms.collect();
        Statement::Match(value, arms)
    }

    /// A scope in which one value after the other is kept behind an await, which is the same for
    /// all. Some are futures like the one that is awaited, and are awaited next. If all these
    /// awaits are merged, dataflow may have more than one value kept at once.
    pub(super) fn values_in_turn(&mut self) -> Statement {
        self.fuel -= 1;
        let start = self.slots.len();
        let number = Box::new(Expression::Hidden(self.random.within(0, 9)));
        let awaited = match self.random.below(4) {
            0 => Future::Turn,
            1 => Future::Leaf(self.pending(), number),
            _ => Future::Slow(self.pending(), number),
        };
        let awaits = Statement::Evaluate(Expression::Await(Box::new(awaited.clone())));
        let mut statements = Vec::new();
        for _ in 0..self.random.within(2, 4) {
            let of = self.random.weighted(&[(1, Type::Row), (2, Type::Pair), (3, Type::Number)]);
            let variable = self.variable(of);
            self.define(variable);
            let value = match of {
                Type::Row => Expression::Row(Box::new(self.hidden_numbers())),
                Type::Pair => {
                    Expression::Pair(Box::new(Expression::Token), Box::new(Expression::Token))
                }
                // The answer of a future that is kept.
                _ => {
                    let body = Block { statements: vec![awaits.clone()], tail: None };
                    let held = Box::new(awaited.clone());
                    statements.push(Statement::HeldAwait(variable, held, body));
                    continue;
                }
            };
            let taken = Expression::Take(Box::new(Expression::Variable(variable)), of);
            let taken = Statement::Evaluate(taken);
            statements.extend([Statement::Let(variable, value), awaits.clone(), taken]);
        }
        self.end_scope(start);
        Statement::Scope(Block { statements, tail: None })
    }

    fn hidden_numbers(&mut self) -> [Expression; 3] {
        [(); 3].map(|()| Expression::Hidden(self.random.within(0, 9)))
    }
}
