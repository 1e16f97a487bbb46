//! What the borrow checker would say of variables: which may be moved, borrowed, or assigned to.
//!
//! What is borrowed stays so until the statement ends, and what a variable borrows until its block
//! ends. A variable that one branch moves is gone behind all of them. What an `async move` block
//! has captured is gone behind that, and can only be captured in the loop that it was made in.
//!
//! A number is copied, or lent as `&mut`: one that is lent cannot be had at all. What is `&mut` is
//! captured by a block if that is awaited at once, or moves it.

use super::{Fence, Generator, Slot, Style};
use crate::program::{Block, Expression, Future, ITSELF, Type, Variable};

impl Generator {
    pub(super) fn variable(&mut self, of: Type) -> Variable {
        self.next_variable += 1;
        Variable { number: self.next_variable - 1, of }
    }

    pub(super) fn define(&mut self, variable: Variable) {
        self.slots.push(Slot {
            variable,
            alive: true,
            borrows: 0,
            loops: self.place.loops,
            lender: None,
            captured: 0,
        });
    }

    /// Whether every moving block around the code may have this variable, or has it.
    pub(super) fn may_capture(&self, slot: &Slot, index: usize) -> bool {
        self.captors(index)
            .skip(slot.captured)
            .all(|fence| fence.loops == slot.loops && slot.borrows == 0)
    }

    /// The blocks around the code that have to capture the variable before the code can use it.
    fn captors(&self, index: usize) -> impl Iterator<Item = &Fence> {
        self.place.fences.iter().filter(move |fence| fence.moves && index < fence.outside)
    }

    pub(super) fn may_move(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        let is_free = slot.alive && slot.borrows == 0 && slot.loops == self.place.loops;
        is_free && self.may_capture(slot, index)
    }

    pub(super) fn may_borrow(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        slot.alive && !self.place.escapes && self.may_capture(slot, index)
    }

    /// The index of a variable of the type for which `may` says so.
    pub(super) fn pick(&mut self, of: Type, may: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let found: Vec<_> = (0..self.slots.len())
            .filter(|&index| self.slots[index].variable.of == of && may(self, index))
            .collect();
        if found.is_empty() { None } else { Some(found[self.random.below(found.len())]) }
    }

    pub(super) fn note_capture(&mut self, index: usize) {
        self.slots[index].captured = self.captors(index).count();
    }

    pub(super) fn move_variable(&mut self, of: Type) -> Option<Expression> {
        let index = self.pick(of, Self::may_move)?;
        self.note_capture(index);
        self.slots[index].alive = false;
        Some(Expression::Variable(self.slots[index].variable))
    }

    /// Borrows a token until the end of the statement, or one in a pair.
    pub(super) fn borrow(&mut self) -> Option<Expression> {
        let of = self.random.weighted(&[(3, Type::Token), (1, Type::Pair)]);
        let element = if of == Type::Pair { Some(self.index(1)) } else { None };
        let index = self.pick(of, Self::may_borrow)?;
        self.note_capture(index);
        self.slots[index].borrows += 1;
        self.borrowed.push(index);
        let variable = self.slots[index].variable;
        Some(match element {
            Some(element) => Expression::BorrowElement(variable, Box::new(element)),
            None => Expression::Borrow(variable),
        })
    }

    pub(super) fn copy_variable(&mut self, of: Type) -> Option<Expression> {
        let index =
            self.pick(of, |this, index| this.slots[index].alive && this.slots[index].borrows == 0)?;
        Some(Expression::Variable(self.slots[index].variable))
    }

    /// Whether a variable may be used as `&mut`. A number may have been captured by whatever is
    /// alive, and what is `&mut` itself by nothing, as long as it is not used in a block that is
    /// kept.
    pub(super) fn may_borrow_mutably(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        let outside = self.place.fences.last().map_or(0, |fence| fence.outside);
        let is_own = index >= outside;
        let is_shared = index < self.place.shared;
        let is_free = match slot.variable.of {
            Type::Number | Type::Row => is_own && !is_shared,
            _ => is_own || !is_shared && self.may_capture(slot, index),
        };
        slot.alive && slot.borrows == 0 && is_free
    }

    /// Whether the function has the device that it is a method of, and may use it now.
    pub(super) fn has_itself(&self) -> bool {
        self.slots.first().is_some_and(|slot| slot.variable == ITSELF) && self.may_borrow_mutably(0)
    }

    /// A block around the code has that device then, if it is `&mut`.
    pub(super) fn note_use_of_itself(&mut self) {
        if self.has_itself() {
            self.note_capture(0);
        }
    }

    /// Whether there is a variable of the type that may be used as `&mut`.
    pub(super) fn has(&self, of: Type) -> bool {
        (0..self.slots.len())
            .any(|index| self.slots[index].variable.of == of && self.may_borrow_mutably(index))
    }

    /// Lends what is `&mut`, or a number, until the statement ends or the future is done that it is
    /// lent to.
    pub(super) fn lend(&mut self, of: Type) -> Option<Variable> {
        if self.place.escapes {
            return None;
        }
        let index = self.pick(of, Self::may_borrow_mutably)?;
        self.note_capture(index);
        self.slots[index].borrows += 1;
        self.borrowed.push(index);
        Some(self.slots[index].variable)
    }

    /// Gives back what was lent to a future that is done. A token stays borrowed, and a pair, since
    /// temporaries may have the borrow.
    pub(super) fn end_await(&mut self, start: usize) {
        for index in self.borrowed.split_off(start) {
            match self.slots.get_mut(index) {
                Some(slot) if !matches!(slot.variable.of, Type::Token | Type::Pair) => {
                    slot.borrows -= 1;
                }
                _ => self.borrowed.push(index),
            }
        }
    }

    /// A block of up to `most` statements, which gives a `tail`.
    pub(super) fn block(&mut self, most: u32, tail: Option<Type>, depth: u32) -> Block {
        let start = self.slots.len();
        let mut statements = Vec::new();
        for _ in 0..most {
            if self.fuel <= 0 {
                break;
            }
            let borrowed = self.borrowed.len();
            statements.extend(self.statement(depth));
            self.end_statement(borrowed);
        }
        let borrowed = self.borrowed.len();
        let tail = tail.map(|of| Box::new(self.value(of, depth)));
        self.end_statement(borrowed);
        self.end_scope(start);
        Block { statements, tail }
    }

    /// Gives back what was borrowed for the statement. What is outside of the block that it is in
    /// stays borrowed until the statement ends that the block is in.
    pub(super) fn end_statement(&mut self, start: usize) {
        let outside = self.place.fences.last().map_or(0, |fence| fence.outside);
        let mut kept = Vec::new();
        for index in self.borrowed.split_off(start) {
            if index < outside {
                kept.push(index);
            } else if let Some(slot) = self.slots.get_mut(index) {
                slot.borrows -= 1;
            }
        }
        self.borrowed.extend(kept);
    }

    pub(super) fn end_scope(&mut self, start: usize) {
        for slot in self.slots.split_off(start) {
            if let Some(lender) = slot.lender
                && let Some(lender) = self.slots.get_mut(lender)
            {
                lender.borrows -= 1;
            }
        }
    }

    /// Makes the parts of a branch: what one of them moves is gone afterwards.
    pub(super) fn branches<T>(
        &mut self,
        count: usize,
        mut make: impl FnMut(&mut Self, usize) -> T,
    ) -> Vec<T> {
        let before: Vec<_> = self.slots.iter().map(|slot| slot.alive).collect();
        let mut after = before.clone();
        let mut parts = Vec::new();
        for part in 0..count {
            for (slot, alive) in self.slots.iter_mut().zip(&before) {
                slot.alive = *alive;
            }
            parts.push(make(self, part));
            for (slot, alive) in self.slots.iter().zip(&mut after) {
                *alive &= slot.alive;
            }
        }
        for (slot, alive) in self.slots.iter_mut().zip(after) {
            slot.alive = alive;
        }
        parts
    }

    /// Makes code that is behind a fence, with a style.
    pub(super) fn fenced<T>(
        &mut self,
        moves: bool,
        style: Style,
        make: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = self.place.clone();
        let outside = self.slots.len();
        self.place.fences.push(Fence { outside, moves, loops: outer.loops });
        self.place.style = style;
        self.place.output = Type::Number;
        self.place.can_break = false;
        self.place.escapes = false;
        let made = make(self);
        self.place = outer;
        if moves {
            for index in 0..self.slots.len() {
                let still = self.captors(index).count();
                if self.slots[index].captured > still {
                    self.slots[index].alive = false;
                    self.slots[index].captured = still;
                }
            }
        }
        made
    }

    /// The style of a future in the code: it may not wait where the code may not.
    pub(super) fn inner_style(&mut self) -> Style {
        match self.place.style {
            Style::Pure => Style::Pure,
            Style::Prompt => self.random.weighted(&[(1, Style::Pure), (2, Style::Prompt)]),
            Style::Waiting => self.style(),
        }
    }

    pub(super) fn async_block(
        &mut self,
        moves: bool,
        style: Style,
        most: u32,
        depth: u32,
    ) -> Future {
        let body = self.fenced(moves, style, |this| this.block(most, Some(Type::Number), depth));
        Future::Block { moves, body: Box::new(body) }
    }
}
