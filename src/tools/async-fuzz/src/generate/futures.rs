//! Makes futures.

use super::{Generator, Style};
use crate::program::{Expression, Form, Function, Future, Lent, Over, Type};

/// The kinds of futures.
#[derive(Clone, Copy)]
enum Kin {
    Leaf,
    Slow,
    Turn,
    Prompt,
    Late,
    Ready,
    PollFn,
    Never,
    Call,
    BusCall,
    Peek,
    Parameter,
    Block,
    Closure,
    Select,
    Join,
    Boxed,
    Dyn,
    Again,
    Guarded,
    FreesPointer,
    ReadsOnce,
    Peeks,
    Stores,
    Hand,
    Wrapped,
    Hall,
    TraitCall,
    Unique,
}

impl Generator {
    /// Which future is next.
    fn kin(&mut self, depth: u32) -> Kin {
        let style = self.place.style;
        let is_deep = depth > 1 && self.fuel > 0;
        let deep = |weight: u32| if is_deep { weight } else { 0 };
        let drops = |weight: u32| if style != Style::Pure { weight } else { 0 };
        let waits = |weight: u32| if style == Style::Waiting { weight } else { 0 };
        let stays = |weight: u32| if self.place.escapes { 0 } else { weight };
        let has_mutable = self.has(Type::Exclusive) || self.has_itself();
        let has_bus = !self.place.escapes && self.has(Type::Bus);
        let has_parameter = self.parameter_is_free
            && self.place.loops == 0
            && self.place.form == Some(Form::OverFuture);
        let has_sized = self.features.sized && !self.sizeable().is_empty();
        let has_maker = self.has_trait_call();
        let is_generic = self.place.implementor.is_some();
        self.random.weighted(&[
            (waits(90), Kin::Leaf),
            (waits(28), Kin::Slow),
            (drops(12), Kin::Prompt),
            (if self.place.only_auxiliary { 0 } else { waits(10) }, Kin::Late),
            (9, Kin::Ready),
            (drops(2), Kin::PollFn),
            (waits(1), Kin::Never),
            (waits(18), Kin::Turn),
            (deep(76), Kin::Call),
            (if has_bus { drops(190) } else { 0 }, Kin::BusCall),
            (if has_bus { drops(30) } else { 0 }, Kin::Peek),
            (if has_parameter { drops(80) } else { 0 }, Kin::Parameter),
            (deep(if has_mutable { 60 } else { 25 }), Kin::Block),
            (stays(deep(10)), Kin::Closure),
            (drops(deep(11)), Kin::Select),
            (drops(deep(10)), Kin::Join),
            (drops(deep(2)), Kin::Boxed),
            (drops(deep(2)), Kin::Dyn),
            (drops(deep(11)), Kin::Again),
            (drops(deep(11)), Kin::Guarded),
            (drops(deep(5)), Kin::FreesPointer),
            (drops(deep(7)), Kin::ReadsOnce),
            (drops(deep(7)), Kin::Peeks),
            (drops(3), Kin::Stores),
            (waits(15) + drops(11), Kin::Hand),
            (drops(deep(16)), Kin::Wrapped),
            (if has_sized { waits(70) + drops(20) } else { 0 }, Kin::Hall),
            (if has_maker { drops(if is_generic { 250 } else { 75 }) } else { 0 }, Kin::TraitCall),
            (drops(deep(9)), Kin::Unique),
        ])
    }

    /// A future that gives a number.
    pub(super) fn future(&mut self, depth: u32) -> Future {
        self.fuel -= 1;
        let kin = self.kin(depth);
        let less = depth.saturating_sub(1);
        match kin {
            Kin::Leaf => Future::Leaf(self.pending(), Box::new(self.number(1))),
            Kin::Slow => Future::Slow(self.pending(), Box::new(self.number(1))),
            Kin::Prompt => Future::Prompt(Box::new(self.number(1))),
            Kin::Late => Future::Late(self.pending(), Box::new(self.number(1))),
            Kin::Ready => Future::Ready(Box::new(self.number(1))),
            Kin::PollFn => Future::PollFn(Box::new(self.number(1))),
            Kin::Never => Future::Never,
            Kin::Turn => Future::Turn,
            Kin::Call => match self.call(Type::Number, less) {
                Some(call) => call,
                None => self.inner_block(depth),
            },
            Kin::BusCall => match self.lend(Type::Bus) {
                Some(bus) => Future::BusCall(bus, Box::new(self.number(1))),
                None => self.inner_block(depth),
            },
            Kin::Peek => match self.lend(Type::Bus) {
                Some(bus) => {
                    let count = self.random.within(1, 2);
                    Future::Peek(bus, (0..count).map(|_| self.number(1)).collect())
                }
                None => self.inner_block(depth),
            },
            Kin::Parameter => {
                self.parameter_is_free = false;
                Future::Parameter
            }
            Kin::Block => self.inner_block(depth),
            Kin::Closure => self.closure(less),
            Kin::Select | Kin::Join => {
                let first = Box::new(self.alive_with_others(less));
                let second = Box::new(self.alive_with_others(less));
                match kin {
                    Kin::Select => Future::Select(first, second),
                    _ => Future::Join(first, second),
                }
            }
            Kin::Boxed => Future::Boxed(Box::new(self.alive_with_others(less))),
            Kin::Dyn => Future::Dyn(Box::new(self.alive_with_others(less))),
            Kin::Again => Future::Again(Box::new(self.alive_with_others(less))),
            Kin::Guarded => Future::Guarded(Box::new(self.alive_with_others(less))),
            Kin::FreesPointer => Future::FreesPointer(self.awaited_first(less)),
            Kin::ReadsOnce => Future::ReadsOnce(self.awaited_first(less)),
            Kin::Peeks => Future::Peeks(self.awaited_first(less)),
            Kin::Stores => Future::Stores(self.random.percent(50)),
            Kin::Hand => self.hand(),
            Kin::Wrapped => self.wrapped(less),
            Kin::Hall => match self.hall() {
                Some(hall) => hall,
                None => self.inner_block(depth),
            },
            Kin::TraitCall => match self.method().and_then(|method| self.trait_call(method)) {
                Some(call) => call,
                None => self.inner_block(depth),
            },
            Kin::Unique => {
                let unique = self.unique();
                Future::Unique(unique, self.awaited_first(less))
            }
        }
    }

    /// How often a leaf is pending: as often as the one before it, more often than not.
    pub(super) fn pending(&mut self) -> u32 {
        if self.random.percent(40) {
            self.last_pending = self.random.weighted(&[(1, 0), (5, 1), (3, 2), (1, 3)]);
        }
        self.last_pending
    }

    /// Makes what is kept while other things are evaluated.
    pub(super) fn shared<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let shared = std::mem::replace(&mut self.place.shared, self.slots.len());
        let made = make(self);
        self.place.shared = shared;
        made
    }

    /// A future that is kept while others are made.
    pub(super) fn alive_with_others(&mut self, depth: u32) -> Future {
        self.shared(|this| this.future(depth))
    }

    pub(super) fn awaited_first(&mut self, depth: u32) -> Option<Box<Future>> {
        let style = self.place.style;
        self.random
            .percent(30)
            .then(|| Box::new(self.fenced(true, style, |this| this.future(depth))))
    }

    pub(super) fn inner_block(&mut self, depth: u32) -> Future {
        let moves = self.place.escapes || self.random.percent(50);
        let style = self.inner_style();
        let most = self.random.within(0, 3);
        self.async_block(moves, style, most, depth.saturating_sub(1))
    }

    pub(super) fn closure(&mut self, depth: u32) -> Future {
        let parameter = self.variable(Type::Number);
        let is_async = self.random.percent(50);
        let style = self.inner_style();
        let body = self.shared(|this| {
            this.fenced(!is_async, style, |this| {
                this.define(parameter);
                let body = this.block(2, Some(Type::Number), depth);
                this.end_scope(this.slots.len() - 1);
                body
            })
        });
        let argument = Box::new(self.number(1));
        Future::Closure { is_async, parameter, body: Box::new(body), argument }
    }

    /// The index of a function that gives the type, and may be called here. More often than not it
    /// is the one that was called last.
    pub(super) fn callee(&mut self, of: Type) -> Option<usize> {
        let found = self.callees(of);
        let last = self.last_callee.filter(|last| found.contains(last));
        if last.is_some() && self.random.percent(60) {
            return last;
        }
        if found.is_empty() { None } else { Some(found[self.random.below(found.len())]) }
    }

    /// The indices of the functions that give the type, and may be called here.
    pub(super) fn callees(&self, of: Type) -> Vec<usize> {
        (0..self.functions.len())
            .filter(|&index| {
                let function = &self.functions[index];
                let style_fits = match self.place.style {
                    Style::Pure => self.styles[index] == Style::Pure,
                    Style::Prompt => self.styles[index] != Style::Waiting,
                    Style::Waiting => true,
                };
                let borrows =
                    matches!(function.form, Form::Method | Form::MutableMethod | Form::OverBus)
                        || function
                            .parameters
                            .iter()
                            .any(|p| matches!(p.of, Type::Borrowed | Type::Exclusive));
                function.output == of
                    && style_fits
                    && !(self.place.escapes && borrows)
                    && (function.auxiliary || !self.place.only_auxiliary)
            })
            .collect()
    }

    pub(super) fn call(&mut self, of: Type, depth: u32) -> Option<Future> {
        let callee = self.callee(of)?;
        let call = self.call_of(callee, depth);
        if self.place.style != Style::Pure && self.random.percent(7) {
            return Some(self.wrapped_call(call, of));
        }
        Some(call)
    }

    pub(super) fn call_of(&mut self, callee: usize, depth: u32) -> Future {
        let Function { number, form, .. } = self.functions[callee];
        self.last_callee = Some(callee);
        let types: Vec<_> =
            self.functions[callee].parameters.iter().map(|parameter| parameter.of).collect();
        // What is lent is not to be had in another argument, so this comes first.
        let mut lent: Vec<_> = types
            .iter()
            .map(|&of| (of == Type::Exclusive).then(|| self.value(of, depth.min(3))))
            .collect();
        let over = match form {
            Form::OverFuture => Some(Over::Future(self.alive_with_others(depth.min(3)))),
            Form::OverBus => Some(Over::Bus(self.lent_bus())),
            Form::OverType => Some(Over::Type(self.implementor())),
            Form::Method | Form::MutableMethod if self.random.percent(80) => {
                self.lend(Type::Device).map(Over::Device)
            }
            _ => None,
        };
        // What is borrowed for one argument is not assigned to in another.
        let arguments = self.shared(|this| {
            let of_each = types.iter().zip(&mut lent);
            of_each
                .map(|(&of, lent)| lent.take().unwrap_or_else(|| this.value(of, depth.min(3))))
                .collect()
        });
        Future::Call { function: number, form, over: over.map(Box::new), arguments }
    }

    /// A bus for a function that is generic over one: one that the code has, if it has one.
    fn lent_bus(&mut self) -> Lent {
        let own = if self.random.percent(85) { self.lend(Type::Bus) } else { None };
        match own {
            Some(bus) if self.random.percent(35) => Lent::Forwarded(bus),
            Some(bus) => Lent::Own(bus),
            None => Lent::New(self.random.below(2)),
        }
    }

    /// A `&mut` to a number, which is that of a variable if one may be had.
    pub(super) fn mutable(&mut self) -> Expression {
        if self.random.percent(45) {
            let element = Box::new(self.index(1));
            if let Some(row) = self.lend(Type::Row) {
                return Expression::LendElement(row, element);
            }
        }
        let first = if self.random.percent(60) { Type::Exclusive } else { Type::Number };
        let second = if first == Type::Number { Type::Exclusive } else { Type::Number };
        match self.lend(first).or_else(|| self.lend(second)) {
            Some(variable) => Expression::BorrowMutably(variable),
            None => {
                let number = Expression::Hidden(self.random.within(0, 9));
                Expression::MutableTemporary(Box::new(number))
            }
        }
    }
}
