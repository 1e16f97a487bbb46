//! Makes what is few of a kind: a trait and calls of its methods, calls of foreign functions,
//! futures that are written by hand, what has the size of a future, and generic functions that
//! nobody calls.

use super::{Features, Generator, Place, Style};
use crate::program::{
    BUS_ARGUMENT, Block, Expression, Foreign, Form, Future, Hall, Implementor, Method, Own,
    Question, Room, Shape, Tower, Trait, Type, Unique, Wrapper,
};

/// The shapes of futures that give a number.
const SHAPES: [(u32, Shape); 8] = [
    (3, Shape::Match),
    (3, Shape::Mixed),
    (2, Shape::Checked),
    (3, Shape::Method),
    (3, Shape::Function),
    (2, Shape::Mapped),
    (2, Shape::Owner),
    (2, Shape::Turns),
];

/// The wrappers of any future.
const WRAPPERS: [(u32, Wrapper); 5] = [
    (2, Wrapper::Field),
    (2, Wrapper::Matched),
    (2, Wrapper::Ready),
    (2, Wrapper::Method),
    (2, Wrapper::Function),
];

impl Generator {
    /// What the program has that most have not.
    pub(super) fn features(&mut self) -> Features {
        let foreign = self.random.percent(22).then(|| {
            self.random.weighted(&[(4, Foreign::Mark), (3, Foreign::Step), (2, Foreign::Abs)])
        });
        Features { foreign, sized: self.random.percent(30) }
    }

    /// Makes generic functions that nobody calls.
    pub(super) fn tower(&mut self) -> Tower {
        let question = self.random.weighted(&[
            (2, Question::Method),
            (1, Question::Object),
            (3, Question::Layout),
            (2, Question::Drop),
            (2, Question::Associated),
        ]);
        Tower {
            height: self.random.within(2, 14) as usize,
            steps: self.random.within(1, 25) as usize,
            is_wide: self.random.percent(30),
            question,
        }
    }

    /// Makes the trait.
    pub(super) fn maker(&mut self) {
        let types = self.random.weighted(&[(1, 1), (4, 2), (1, 3)]);
        let auxiliary = self.random.percent(50);
        self.maker = Some(Trait { methods: Vec::new(), types, auxiliary });
        for method in 0..self.random.weighted(&[(3, 1), (3, 2)]) {
            self.open_methods = method;
            let has_argument = self.random.percent(35);
            let is_never_inlined = self.random.percent(50);
            let default = self
                .random
                .percent(75)
                .then(|| self.method_body(Implementor::Itself, has_argument));
            let mut own = Vec::new();
            for of in 0..types {
                let has_own = default.is_none() || self.random.percent(55);
                own.push(has_own.then(|| self.own_method(method, of, has_argument)));
            }
            if let Some(maker) = &mut self.maker {
                maker.methods.push(Method { has_argument, default, own, is_never_inlined });
            }
        }
        self.open_methods = usize::MAX;
    }

    /// What a type has as its method.
    fn own_method(&mut self, method: usize, of: usize, has_argument: bool) -> Own {
        if self.random.percent(55) {
            return Own::Async(self.method_body(Implementor::Type(of), has_argument));
        }
        self.method_place(Implementor::Type(of), has_argument);
        self.place.form = None;
        self.place.escapes = true;
        self.next_place += 1;
        let place = self.next_place;
        // What has the same answer as another type, and does more, is not to be taken for that.
        if of > 0 && self.random.percent(75) {
            let argument = has_argument.then(|| Box::new(self.number(1)));
            let other = Implementor::Type(self.random.below(of));
            return Own::Plain(place, Future::TraitCall(other, method, argument));
        }
        let constant =
            || Block { statements: Vec::new(), tail: Some(Box::new(Expression::Literal(4))) };
        let future = match self.random.percent(30) {
            true => Future::Block { moves: true, body: Box::new(constant()) },
            false => self.future(2),
        };
        Own::Plain(place, future)
    }

    fn method_body(&mut self, implementor: Implementor, has_argument: bool) -> Block {
        self.method_place(implementor, has_argument);
        // What gives a constant is another matter.
        if !has_argument && self.random.percent(50) {
            let tail = Some(Box::new(Expression::Literal(self.random.within(0, 9))));
            return Block { statements: Vec::new(), tail };
        }
        let most = self.random.below(2) as u32;
        self.block(most, Some(Type::Number), 2)
    }

    fn method_place(&mut self, implementor: Implementor, has_argument: bool) {
        let style = self.style();
        self.place = Place::new(style, Type::Number);
        self.place.form = Some(Form::OverType);
        self.place.implementor = Some(implementor);
        self.place.only_auxiliary = self.maker.as_ref().is_some_and(|maker| maker.auxiliary);
        self.fuel = 2;
        self.slots.clear();
        if has_argument {
            self.define(BUS_ARGUMENT);
        }
    }

    /// Whether a method may be called here.
    pub(super) fn has_trait_call(&self) -> bool {
        self.open_methods() > 0
    }

    /// How many methods may be called here.
    fn open_methods(&self) -> usize {
        match &self.maker {
            Some(maker) if maker.auxiliary || !self.place.only_auxiliary => {
                maker.methods.len().min(self.open_methods)
            }
            _ => 0,
        }
    }

    /// A method that may be called here.
    pub(super) fn method(&mut self) -> Option<usize> {
        let open = self.open_methods();
        if open == 0 { None } else { Some(self.random.below(open)) }
    }

    /// A call of a method.
    pub(super) fn trait_call(&mut self, method: usize) -> Option<Future> {
        let has_argument = self.maker.as_ref()?.methods.get(method)?.has_argument;
        let of = self.implementor();
        let argument = has_argument.then(|| Box::new(self.number(1)));
        Some(Future::TraitCall(of, method, argument))
    }

    /// A type for a function that is generic over it.
    pub(super) fn implementor(&mut self) -> Implementor {
        let types = self.maker.as_ref().map_or(1, |maker| maker.types);
        match self.place.implementor.filter(|_| self.random.percent(70)) {
            Some(own) => own,
            None => Implementor::Type(self.random.below(types)),
        }
    }

    /// A call of the foreign function that the program has.
    pub(super) fn foreign(&mut self, depth: u32) -> Option<Expression> {
        let foreign = self.features.foreign?;
        Some(Expression::Foreign(foreign, Box::new(self.number(depth))))
    }

    /// Whether each of some arms calls a foreign function before an await that they have in common.
    pub(super) fn calls_before_same_await(&mut self) -> bool {
        self.features.foreign.is_some()
            && self.place.style != Style::Pure
            && self.random.percent(65)
    }

    /// A future that is written by hand and gives a number.
    pub(super) fn hand(&mut self) -> Future {
        let shape = self.random.weighted(&SHAPES);
        self.hand_of(shape)
    }

    /// A future of this shape.
    pub(super) fn hand_of(&mut self, shape: Shape) -> Future {
        let waits = self.place.style == Style::Waiting && self.random.percent(60);
        let pending = waits.then(|| self.pending());
        Future::Hand(shape, pending, Box::new(self.number(1)))
    }

    /// A future around another one that gives a number.
    pub(super) fn wrapped(&mut self, depth: u32) -> Future {
        let inner = self.alive_with_others(depth);
        self.wrapped_call(inner, Type::Number)
    }

    /// A future around one that gives a value of the type.
    pub(super) fn wrapped_call(&mut self, inner: Future, of: Type) -> Future {
        let special = match of {
            Type::Number if self.random.percent(40) => {
                Some(self.random.weighted(&[(1, Wrapper::Mapped), (1, Wrapper::InVain)]))
            }
            Type::Outcome if self.random.percent(80) => Some(Wrapper::Question),
            _ => None,
        };
        let wrapper = special.unwrap_or_else(|| self.random.weighted(&WRAPPERS));
        Future::Wrapped(wrapper, Box::new(inner))
    }

    /// What a wrapper makes a value of.
    pub(super) fn unique(&mut self) -> Unique {
        self.random.weighted(&[
            (3, Unique::Pointer),
            (2, Unique::Boxed),
            (2, Unique::HandedOn),
            (2, Unique::Ticket),
            (1, Unique::Function),
        ])
    }

    /// The functions whose futures have a size that can be of use here.
    pub(super) fn sizeable(&self) -> Vec<u32> {
        let functions = self.functions.iter().filter(|function| {
            function.form.is_sizeable() && (function.auxiliary || !self.place.only_auxiliary)
        });
        functions.map(|function| function.number).chain(self.place.sized_itself).collect()
    }

    /// One of these, which is the function that the code is in as often as not.
    fn sized_function(&mut self) -> Option<u32> {
        if let Some(itself) = self.place.sized_itself.filter(|_| self.random.percent(60)) {
            return Some(itself);
        }
        let found = self.sizeable();
        if found.is_empty() { None } else { Some(found[self.random.below(found.len())]) }
    }

    /// A future that has use for the size of one.
    pub(super) fn hall(&mut self) -> Option<Future> {
        let function = self.sized_function()?;
        let waits = u32::from(self.place.style == Style::Waiting);
        let hall = self.random.weighted(&[
            (3 * waits, Hall::Poll),
            (2, Hall::Prompt),
            (3 * waits, Hall::Drop),
            (2 * waits, Hall::Maker),
        ]);
        let pending = if hall == Hall::Prompt { 0 } else { self.pending() };
        Some(Future::Hall(hall, function, pending, Box::new(self.number(1))))
    }

    /// A number, from where the size of a future is of use.
    pub(super) fn room(&mut self, depth: u32) -> Option<Expression> {
        let function = self.sized_function()?;
        let is_itself = self.place.sized_itself == Some(function);
        let room = self.random.weighted(&[
            (2, Room::Constant),
            (3, Room::Static),
            (2, Room::Generic),
            (2, Room::Associated),
            (1, Room::Block),
            // The array would have the size of what it is in.
            (if is_itself { 0 } else { 2 }, Room::Inline),
        ]);
        Some(Expression::Room(room, function, Box::new(self.number(depth))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use crate::generate;
    use crate::program::{Form, Function, Node, Over, Program, Statement};

    use super::*;

    /// How many of the first programs have to have everything.
    const PROGRAMS: u64 = 1000;

    /// In how many of the first programs there is what `find` finds.
    fn count(find: impl Fn(&mut Program) -> bool) -> usize {
        static ALL: LazyLock<Vec<Program>> =
            LazyLock::new(|| (0..PROGRAMS).map(generate::program).collect());
        ALL.iter().filter(|program| find(&mut (*program).clone())).count()
    }

    fn with_node(is: impl Fn(&Node<'_>) -> bool) -> usize {
        count(|program| {
            let mut found = false;
            program.walk(&mut |node| found |= is(&node));
            found
        })
    }

    fn with_trait(is: impl Fn(&Trait) -> bool) -> usize {
        count(|program| program.maker.as_ref().is_some_and(&is))
    }

    #[track_caller]
    fn in_many(found: usize, percent: usize) {
        assert!(found * 100 >= percent * PROGRAMS as usize, "{found} of {PROGRAMS}");
    }

    #[test]
    fn methods_have_defaults_that_are_used_or_not_or_none() {
        let method =
            |is: &dyn Fn(&Method) -> bool| with_trait(|maker| maker.methods.iter().any(is));
        in_many(method(&|method| method.default.is_none()), 2);
        let has_default = |method: &Method| method.default.is_some();
        in_many(method(&|method| has_default(method) && method.own.contains(&None)), 4);
        let own = |is: fn(&Own) -> bool| {
            method(&|method| has_default(method) && method.own.iter().flatten().any(is))
        };
        in_many(own(|own| matches!(own, Own::Async(_))), 2);
        in_many(own(|own| matches!(own, Own::Plain(..))), 2);
        in_many(with_trait(|maker| maker.auxiliary), 3);
    }

    #[test]
    fn methods_are_called_of_types_and_of_parameters() {
        let calls = |of: fn(Implementor) -> bool| {
            with_node(|node| match node {
                Node::Future(Future::TraitCall(implementor, ..)) => of(*implementor),
                _ => false,
            })
        };
        in_many(calls(|of| matches!(of, Implementor::Type(_))), 7);
        in_many(calls(|of| of == Implementor::Parameter), 1);
        assert!(calls(|of| of == Implementor::Itself) > 0);
        let generic = with_node(|node| match node {
            Node::Future(Future::Call { form: Form::OverType, over, .. }) => {
                matches!(over.as_deref(), Some(Over::Type(_)))
            }
            _ => false,
        });
        in_many(generic, 2);
    }

    #[test]
    fn closures_of_another_crate_are_consumed() {
        let is_closure = |it: &Function| it.form == Form::Closure && it.auxiliary;
        in_many(count(|program| program.functions.iter().any(is_closure)), 2);
    }

    #[test]
    fn later_impls_are_for_generic_functions_of_another_crate() {
        let is_late = |node: &Node<'_>| matches!(node, Node::Future(Future::Late(..)));
        in_many(count(|program| program.has_late()), 3);
        let in_auxiliary = count(|program| {
            program.functions.clone().iter_mut().filter(|function| function.auxiliary).any(
                |function| {
                    let mut found = false;
                    crate::program::walk_block(&mut function.body, &mut |node| {
                        found |= is_late(&node);
                    });
                    found
                },
            )
        });
        assert_eq!(in_auxiliary, 0);
    }

    /// Whether all arms of a match begin so.
    fn all_arms(is: impl Fn(&Statement) -> bool) -> usize {
        with_node(|node| match node {
            Node::Expression(Expression::Match(_, arms)) => {
                arms.iter().all(|arm| arm.statements.first().is_some_and(&is))
            }
            _ => false,
        })
    }

    #[test]
    fn foreign_functions_are_called_in_arms_before_awaits() {
        for foreign in [Foreign::Mark, Foreign::Step, Foreign::Abs] {
            in_many(
                with_node(|node| match node {
                    Node::Expression(Expression::Foreign(called, _)) => *called == foreign,
                    _ => false,
                }),
                2,
            );
        }
        let calls =
            all_arms(|statement| matches!(statement, Statement::Evaluate(Expression::Foreign(..))));
        assert!(calls > 3, "{calls}");
    }

    #[test]
    fn futures_are_written_by_hand_in_every_way() {
        let shapes = SHAPES.map(|(_, shape)| shape).into_iter().chain([Shape::Question]);
        for shape in shapes {
            for waits in [false, true] {
                let found = with_node(|node| match node {
                    Node::Future(Future::Hand(of, pending, _)) => {
                        *of == shape && pending.is_some() == waits
                    }
                    _ => false,
                });
                assert!(found > 1, "{shape:?} {waits} {found}");
            }
        }
        let special = [Wrapper::Mapped, Wrapper::Question, Wrapper::InVain];
        for wrapper in WRAPPERS.map(|(_, wrapper)| wrapper).into_iter().chain(special) {
            let found = with_node(|node| match node {
                Node::Future(Future::Wrapped(of, _)) => *of == wrapper,
                _ => false,
            });
            assert!(found > 1, "{wrapper:?} {found}");
        }
    }

    #[test]
    fn wrappers_make_values_of_all_that_there_is_but_one_of() {
        use Unique::*;
        for unique in [Pointer, Boxed, HandedOn, Ticket, Function] {
            for waits in [false, true] {
                let found = with_node(|node| match node {
                    Node::Future(Future::Unique(of, inner)) => {
                        *of == unique && inner.is_some() == waits
                    }
                    _ => false,
                });
                assert!(found > 0, "{unique:?} {waits} {found}");
            }
        }
    }

    #[test]
    fn the_size_of_a_future_is_of_use_everywhere() {
        use Room::*;
        for room in [Constant, Static, Generic, Associated, Block, Inline] {
            let found = with_node(|node| match node {
                Node::Expression(Expression::Room(of, ..)) => *of == room,
                _ => false,
            });
            in_many(found, 1);
        }
        for hall in [Hall::Poll, Hall::Prompt, Hall::Drop, Hall::Maker] {
            let found = with_node(|node| match node {
                Node::Future(Future::Hall(of, ..)) => *of == hall,
                _ => false,
            });
            assert!(found > 1, "{hall:?} {found}");
        }
    }

    #[test]
    fn many_functions_have_use_for_their_own_size() {
        let found = count(|program| {
            program.functions.clone().iter_mut().any(|function| {
                let mut sized = false;
                crate::program::walk_block(&mut function.body, &mut |node| match node {
                    Node::Future(Future::Hall(_, of, ..))
                    | Node::Expression(Expression::Room(_, of, _)) => {
                        sized |= *of == function.number;
                    }
                    _ => {}
                });
                sized
            })
        });
        in_many(found, 5);
    }
}
