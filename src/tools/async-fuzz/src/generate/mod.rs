//! Makes a program from a seed.
//!
//! Every program compiles. So the generator keeps track of what rustc's borrow checker would: which
//! variables are alive, which are borrowed until the end of the statement or of the block, what an
//! `async move` block takes with it, and what may not be moved because it is in a loop. Where it
//! would take more to tell, it does not do it.
//!
//! A body has a [`Style`]. A good third of the futures never wait, and among these are some that
//! only compute, because what passes can do about these is most. What is awaited is often what was
//! awaited before, because a pass looks for that. A body's size is limited by fuel: each part takes
//! some, and when it is used up there are only parts without parts.

mod futures;
mod kinds;
mod patterns;
mod scope;
mod statements;
mod values;

use crate::program::{
    BUS, BUS_ARGUMENT, Block, Bus, Expression, Foreign, Form, Function, Future, ITSELF,
    Implementor, Node, Over, Program, Statement, Trait, Type, Variable, walk_block, walk_future,
    walk_statement,
};
use crate::random::Random;

/// How deep expressions and futures are at most.
const DEPTH: u32 = 5;

/// What a body may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    /// It only computes.
    Pure,
    /// It never waits.
    Prompt,
    /// Anything.
    Waiting,
}

/// What is known of a variable.
#[derive(Clone, Debug)]
struct Slot {
    variable: Variable,
    /// It has been assigned to and not moved.
    alive: bool,
    /// How many borrow it.
    borrows: u32,
    /// How many loops it is in.
    loops: u32,
    /// The variable that this one borrows.
    lender: Option<usize>,
    /// How many of the blocks around that move what they capture have captured it.
    captured: usize,
}

/// An async block or closure around the code.
#[derive(Clone, Copy, Debug)]
struct Fence {
    /// How many variables there are outside of it.
    outside: usize,
    /// Whether it moves all that it captures.
    moves: bool,
    /// How many loops it is in.
    loops: u32,
}

/// What is around the code that is being made.
#[derive(Clone, Debug)]
struct Place {
    style: Style,
    /// What the body gives.
    output: Type,
    loops: u32,
    /// Whether there is a loop in the same body.
    can_break: bool,
    fences: Vec<Fence>,
    /// How many variables there were when a future was made that is still alive, and may borrow
    /// them: none of these may be assigned to.
    shared: usize,
    /// The future outlives the statement: nothing may be borrowed.
    escapes: bool,
    form: Option<Form>,
    /// The parameters of the function, if it may call itself.
    itself: Option<(u32, Vec<Type>)>,
    /// Only functions that are auxiliary may be called.
    only_auxiliary: bool,
    /// The type that implements the trait, where the code is generic over that.
    implementor: Option<Implementor>,
    /// The number of the function, if its future may be of use for its size.
    sized_itself: Option<u32>,
}

impl Place {
    fn new(style: Style, output: Type) -> Self {
        Place {
            style,
            output,
            loops: 0,
            can_break: false,
            fences: Vec::new(),
            shared: 0,
            escapes: false,
            form: None,
            itself: None,
            only_auxiliary: false,
            implementor: None,
            sized_itself: None,
        }
    }
}

/// Makes the program of `seed`.
pub fn program(seed: u64) -> Program {
    Generator::new(seed).program(seed)
}

/// What a program has that most have not.
#[derive(Clone, Copy, Debug, Default)]
struct Features {
    foreign: Option<Foreign>,
    /// What has use for the size of a future
    sized: bool,
}

/// The numbers of the functions that are called or measured in what `walk` shows to a visitor.
fn called_by(walk: impl FnOnce(&mut dyn FnMut(Node<'_>))) -> Vec<u32> {
    let mut called = Vec::new();
    walk(&mut |node| match node {
        Node::Future(Future::Call { function, .. } | Future::Hall(_, function, ..))
        | Node::Expression(Expression::Room(_, function, _)) => called.push(*function),
        _ => {}
    });
    called
}

struct Generator {
    random: Random,
    functions: Vec<Function>,
    /// The styles of the functions.
    styles: Vec<Style>,
    features: Features,
    maker: Option<Trait>,
    /// How many methods of the trait may be called, while it is made.
    open_methods: usize,
    buses: Option<[Bus; 2]>,
    slots: Vec<Slot>,
    /// Which slots are borrowed until the end of the statement.
    borrowed: Vec<usize>,
    next_variable: u32,
    next_place: u32,
    fuel: i32,
    /// The future that the function is generic over has not been used.
    parameter_is_free: bool,
    /// The function that was called last.
    last_callee: Option<usize>,
    /// How often the last leaf is pending.
    last_pending: u32,
    place: Place,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Generator {
            random: Random::new(seed),
            functions: Vec::new(),
            styles: Vec::new(),
            features: Features::default(),
            maker: None,
            open_methods: usize::MAX,
            buses: None,
            slots: Vec::new(),
            borrowed: Vec::new(),
            next_variable: BUS_ARGUMENT.number + 1,
            next_place: 1,
            fuel: 0,
            parameter_is_free: false,
            last_callee: None,
            last_pending: 1,
            place: Place::new(Style::Waiting, Type::Number),
        }
    }

    fn program(&mut self, seed: u64) -> Program {
        self.features = self.features();
        if self.random.percent(25) {
            self.maker();
        }
        if self.random.percent(50) {
            self.buses = Some([self.bus(), self.bus()]);
        }
        for _ in 0..self.random.weighted(&[(1, 0), (4, 1), (5, 2), (2, 3)]) {
            self.function();
        }
        self.slots.clear();
        self.place = Place::new(Style::Waiting, Type::Number);
        self.fuel = self.random.within(6, 21) as i32;
        let prelude = self.prelude();
        self.place.escapes = true;
        let root = self.root();
        self.forget_uncalled(&prelude, &root);
        let random = &mut self.random;
        let injections = [random.within(1, 8), random.within(4, 20), random.within(8, 40)];
        Program {
            seed,
            functions: std::mem::take(&mut self.functions),
            maker: self.maker.take(),
            buses: self.buses.take(),
            tower: self.random.percent(8).then(|| self.tower()),
            prelude,
            root,
            injections,
        }
    }

    /// Takes away the functions that nothing calls any more.
    fn forget_uncalled(&mut self, prelude: &[Statement], root: &Future) {
        let mut called = called_by(|visit| walk_future(&mut root.clone(), visit));
        called.extend(called_by(|visit| {
            prelude.iter().for_each(|statement| walk_statement(&mut statement.clone(), visit));
        }));
        for function in std::mem::take(&mut self.functions).into_iter().rev() {
            if called.contains(&function.number) {
                called.extend(called_by(|visit| walk_block(&mut function.body.clone(), visit)));
                self.functions.insert(0, function);
            }
        }
        if !self.functions.iter().any(|function| function.form == Form::OverBus) {
            self.buses = None;
        }
        let mut has_maker = self.functions.iter().any(|function| function.form == Form::OverType);
        let mut visit = |node: Node<'_>| {
            has_maker |= match node {
                Node::Future(Future::TraitCall(..)) => true,
                Node::Future(Future::Call { over, .. }) => {
                    matches!(over.as_deref(), Some(Over::Type(_)))
                }
                _ => false,
            };
        };
        for function in &self.functions {
            walk_block(&mut function.body.clone(), &mut visit);
        }
        for bus in self.buses.iter().flatten() {
            walk_block(&mut bus.transfer.clone(), &mut visit);
            walk_block(&mut bus.peek.clone(), &mut visit);
        }
        walk_future(&mut root.clone(), &mut visit);
        if !has_maker {
            self.maker = None;
        }
    }

    fn bus(&mut self) -> Bus {
        let transfer = self.bus_method(Form::MutableMethod, 5);
        Bus { transfer, peek: self.bus_method(Form::Method, 2) }
    }

    fn bus_method(&mut self, form: Form, fuel: i32) -> Block {
        let style = self.style();
        self.place = Place::new(style, Type::Number);
        self.place.form = Some(form);
        self.fuel = fuel;
        self.slots.clear();
        if form == Form::MutableMethod {
            self.define(ITSELF);
        }
        self.define(BUS_ARGUMENT);
        self.block(2, Some(Type::Number), 2)
    }

    fn style(&mut self) -> Style {
        self.random.weighted(&[(12, Style::Pure), (23, Style::Prompt), (65, Style::Waiting)])
    }

    /// Makes a function and adds it to the others.
    fn function(&mut self) {
        let number = self.functions.len() as u32 + 1;
        let style = self.style();
        let has_bus = self.buses.is_some();
        let form = self.random.weighted(&[
            (28, Form::Plain),
            (12, Form::Block),
            (26, Form::Closure),
            (7, Form::Method),
            (32, Form::MutableMethod),
            (4, Form::ByValue),
            (14, Form::OverFuture),
            (if has_bus { 46 } else { 0 }, Form::OverBus),
            (if self.maker.is_some() { 100 } else { 0 }, Form::OverType),
            (10, Form::Recursive),
        ]);
        let form = if style == Style::Pure && form != Form::Block { Form::Plain } else { form };
        let output = if style == Style::Pure {
            Type::Number
        } else {
            self.random.weighted(&[(6, Type::Number), (2, Type::Token), (3, Type::Outcome)])
        };
        let may_be_auxiliary = match form {
            Form::Plain | Form::Block | Form::Closure | Form::OverFuture | Form::Recursive => true,
            Form::OverType => self.maker.as_ref().is_some_and(|maker| maker.auxiliary),
            _ => false,
        };
        let auxiliary = may_be_auxiliary && self.random.percent(50);
        self.place = Place::new(style, output);
        self.place.form = Some(form);
        self.place.only_auxiliary = auxiliary;
        if form == Form::OverType {
            self.place.implementor = Some(Implementor::Parameter);
        }
        if form.is_sizeable() {
            self.place.sized_itself = Some(number);
        }
        self.slots.clear();
        match form {
            Form::MutableMethod => self.define(ITSELF),
            Form::OverBus => self.define(BUS),
            _ => {}
        }
        let parameters = self.parameters(style);
        if form == Form::Recursive {
            let types = parameters.iter().map(|parameter| parameter.of).collect();
            self.place.itself = Some((number, types));
        }
        self.parameter_is_free = form == Form::OverFuture;
        self.fuel = self.random.within(4, 14) as i32;
        let body = if style == Style::Waiting && output == Type::Number && self.random.percent(8) {
            // Where a body has nothing else, nothing hides that a future is larger.
            let tail = Some(Box::new(Expression::Literal(number)));
            let in_turn = self.random.percent(40);
            let statements =
                if in_turn { vec![self.values_in_turn()] } else { self.logged_scopes() };
            Block { statements, tail }
        } else {
            let most = self.random.within(1, 5);
            self.block(most, Some(output), DEPTH)
        };
        self.functions.push(Function { number, form, parameters, output, body, auxiliary });
        // What is generic over a bus waits if the bus does, or over another type.
        let is_open = matches!(form, Form::OverBus | Form::OverType);
        self.styles.push(if is_open { Style::Waiting } else { style });
    }

    /// Up to three parameters of a function, which are variables from here on.
    fn parameters(&mut self, style: Style) -> Vec<Variable> {
        let mut parameters = Vec::new();
        for _ in 0..self.random.below(4) {
            let of = if style == Style::Pure {
                self.random.weighted(&[
                    (20, Type::Number),
                    (1, Type::Row),
                    (1, Type::Index),
                    (1, Type::Exclusive),
                    (1, Type::Watched),
                ])
            } else {
                self.random.weighted(&[
                    (5, Type::Number),
                    (4, Type::Token),
                    (3, Type::Borrowed),
                    (7, Type::Exclusive),
                    (2, Type::Watched),
                    (2, Type::Pair),
                    (3, Type::Row),
                    (3, Type::Index),
                    (1, Type::Blank),
                    (1, Type::Outcome),
                ])
            };
            let parameter = self.variable(of);
            parameters.push(parameter);
            self.define(parameter);
        }
        parameters
    }

    fn prelude(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for _ in 0..self.random.below(4) {
            let (of, value) = match self.random.below(6) {
                0 => (Type::Number, Expression::Literal(self.random.within(0, 9))),
                1 => (Type::Number, Expression::Hidden(self.random.within(0, 9))),
                2 => (Type::Token, Expression::Token),
                3 => (Type::Row, self.row()),
                4 => (Type::Watched, Expression::Watched(self.random.within(0, 9))),
                _ => (Type::Blank, Expression::Blank),
            };
            let variable = self.variable(of);
            statements.push(Statement::Let(variable, value));
            self.define(variable);
        }
        statements
    }

    fn root(&mut self) -> Future {
        // Any type of answer, if there is a function for it.
        let of = self.random.weighted(&[(8, Type::Number), (2, Type::Token), (2, Type::Outcome)]);
        if of != Type::Number
            && let Some(call) = self.call(of, DEPTH)
        {
            return call;
        }
        if self.random.percent(60) {
            let style = self.random.weighted(&[
                (6, Style::Pure),
                (12, Style::Prompt),
                (82, Style::Waiting),
            ]);
            let most = self.random.within(3, 7);
            return self.async_block(true, style, most, DEPTH);
        }
        if self.random.percent(60) {
            return self.runs_once();
        }
        self.future(DEPTH)
    }

    /// A future whose body may run but once, and that is polled again afterwards.
    fn runs_once(&mut self) -> Future {
        let awaited = self.awaited_first(2);
        let future = match self.random.below(9) {
            0..2 => Future::FreesPointer(awaited),
            2..4 => Future::ReadsOnce(awaited),
            4..6 => Future::Peeks(awaited),
            _ => Future::Unique(self.unique(), awaited),
        };
        if self.random.percent(40) { Future::Again(Box::new(future)) } else { future }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::{Split, module};
    use crate::program::{Matched, Over};

    #[test]
    fn the_same_seed_gives_the_same_program() {
        for seed in 0..200 {
            assert_eq!(program(seed), program(seed));
        }
        assert_ne!(program(1), program(2));
    }

    /// How many programs in a hundred have a part that `is` such.
    fn percent_with(is: impl Fn(&Node<'_>) -> bool) -> usize {
        let has = |seed: &u64| {
            let mut found = false;
            program(*seed).walk(&mut |node| found |= is(&node));
            found
        };
        (0..1000).filter(has).count() / 10
    }

    fn is_await(expression: &Expression) -> bool {
        matches!(expression, Expression::Await(_))
    }

    #[test]
    fn many_programs_lend_what_is_written_to() {
        let lends = percent_with(|node| match node {
            Node::Expression(Expression::BorrowMutably(_)) => true,
            Node::Future(Future::Call { over, .. }) => {
                matches!(over.as_deref(), Some(Over::Device(_) | Over::Bus(_)))
            }
            _ => false,
        });
        assert!(lends >= 15, "{lends}");
        let writes = percent_with(|node| match node {
            Node::Statement(Statement::Assign(variable, _)) => variable.of == Type::Exclusive,
            Node::Statement(Statement::RenewSelf) => true,
            _ => false,
        });
        assert!(writes >= 10, "{writes}");
    }

    #[test]
    fn many_programs_reach_a_variable_by_its_address() {
        let reaches = percent_with(|node| matches!(node, Node::Statement(Statement::Reach(..))));
        assert!(reaches >= 15, "{reaches}");
    }

    #[test]
    fn many_programs_log_what_is_copied() {
        let logs = percent_with(|node| matches!(node, Node::Expression(Expression::Log(_))));
        assert!(logs >= 30, "{logs}");
    }

    #[test]
    fn many_programs_hold_a_future_over_an_await() {
        let is_held = |node: &Node<'_>| matches!(node, Node::Statement(Statement::HeldAwait(..)));
        let holds = percent_with(is_held);
        assert!(holds >= 8, "{holds}");
    }

    #[test]
    fn many_programs_await_what_goes_into_an_array() {
        let assigns = percent_with(|node| match node {
            Node::Statement(Statement::AssignElement(_, _, value)) => is_await(value),
            _ => false,
        });
        assert!(assigns >= 5, "{assigns}");
        let lends = percent_with(|node| {
            let element = |e: &Expression| matches!(e, Expression::LendElement(..));
            match node {
                Node::Future(Future::Call { arguments, .. }) => arguments.iter().any(element),
                _ => false,
            }
        });
        assert!(lends >= 2, "{lends}");
    }

    #[test]
    fn many_programs_match_on_an_outcome_that_is_awaited() {
        let matches = percent_with(|node| match node {
            Node::Expression(Expression::MatchOutcome(_, value, _)) => is_await(value),
            _ => false,
        });
        assert!(matches >= 3, "{matches}");
    }

    #[test]
    fn some_outcomes_are_lent_between_two_matches() {
        for wanted in [Matched::Seen, Matched::Turned] {
            let lent = percent_with(|node| match node {
                Node::Expression(Expression::MatchOutcome(matched, ..)) => *matched == wanted,
                _ => false,
            });
            assert!(lent >= 1, "{wanted:?}: {lent}");
        }
    }

    #[test]
    fn some_blocks_capture_what_they_write_to() {
        let mut captures = 0;
        for seed in 0..1000 {
            let mut found = false;
            program(seed).walk(&mut |node| {
                let Node::Future(Future::Block { body, .. }) = node else { return };
                let (mut own, mut written) = (Vec::new(), Vec::new());
                walk_block(body, &mut |node| match node {
                    Node::Statement(Statement::Let(variable, _)) => own.push(*variable),
                    Node::Statement(Statement::Assign(variable, _))
                        if variable.of == Type::Exclusive =>
                    {
                        written.push(*variable);
                    }
                    _ => {}
                });
                found |= written.iter().any(|variable| !own.contains(variable));
            });
            captures += usize::from(found);
        }
        assert!(captures >= 20, "{captures}");
    }

    #[test]
    fn many_programs_await_where_they_decide() {
        let loops = percent_with(|node| match node {
            Node::Statement(Statement::While(_, _, condition, _)) => is_await(condition),
            _ => false,
        });
        assert!(loops >= 4, "{loops}");
        let branches = percent_with(|node| match node {
            Node::Statement(Statement::If(condition, ..)) => is_await(condition),
            Node::Expression(Expression::If(condition, ..)) => is_await(condition),
            _ => false,
        });
        assert!(branches >= 10, "{branches}");
    }

    #[test]
    fn many_programs_look_at_what_changes() {
        let looks = percent_with(|node| matches!(node, Node::Expression(Expression::Get(_))));
        assert!(looks >= 10, "{looks}");
    }

    /// What the arm awaits first, if it is a call or a leaf.
    fn first_await(arm: &Block) -> Option<String> {
        let value = match (&arm.statements[..], arm.tail.as_deref()) {
            ([], Some(tail)) => tail,
            ([Statement::Let(_, value), ..], _) => value,
            _ => return None,
        };
        match value {
            Expression::Await(future) => match &**future {
                Future::Call { function, .. } => Some(format!("f{function}")),
                Future::Leaf(pending, _) => Some(format!("leaf {pending}")),
                Future::Prompt(_) => Some("prompt".into()),
                _ => None,
            },
            _ => None,
        }
    }

    #[test]
    fn many_programs_await_the_same_in_all_arms() {
        let same = percent_with(|node| match node {
            Node::Expression(Expression::Match(_, arms)) => {
                let first = first_await(&arms[0]);
                first.is_some() && arms.iter().all(|arm| first_await(arm) == first)
            }
            _ => false,
        });
        assert!(same >= 20, "{same}");
    }

    #[test]
    fn some_programs_await_the_same_in_rounds() {
        let rounds = percent_with(|node| match node {
            Node::Statement(Statement::Match(_, arms)) => {
                let awaits = |statement: &Statement| match statement {
                    Statement::If(condition, ..) => is_await(condition),
                    _ => false,
                };
                let is_round = |arm: &Block| arm.statements.last().is_some_and(awaits);
                arms.iter().all(is_round)
            }
            _ => false,
        });
        assert!(rounds >= 5, "{rounds}");
    }

    #[test]
    fn some_programs_keep_values_in_turn() {
        let held = |statement: &Statement| match statement {
            Statement::HeldAwait(_, _, body) => body.statements.first().cloned(),
            Statement::Evaluate(value) if is_await(value) => Some(statement.clone()),
            _ => None,
        };
        let in_turn = percent_with(|node| match node {
            Node::Statement(Statement::Scope(block)) => {
                let keeps_future = |it: &Statement| matches!(it, Statement::HeldAwait(..));
                let held: Vec<_> = block.statements.iter().filter_map(held).collect();
                let is_same = held.len() > 1 && held.iter().all(|awaits| *awaits == held[0]);
                is_same && block.statements.iter().any(keeps_future)
            }
            _ => false,
        });
        assert!(in_turn >= 5, "{in_turn}");
    }

    #[test]
    fn what_a_block_returns_is_gone_behind_it() {
        let mut seen = [false; 2];
        for seed in 0..100 {
            let mut generator = Generator::new(seed);
            generator.place.output = Type::Token;
            let outer = generator.variable(Type::Token);
            generator.define(outer);
            generator.fenced(false, Style::Waiting, |this| {
                this.place.output = Type::Token;
                let inner = this.variable(Type::Token);
                this.define(inner);
                let returned = this.returned();
                // The body goes on where it does not return.
                assert!(this.slots[1].alive);
                seen[0] |= returned == Expression::Variable(inner);
                seen[1] |= returned == Expression::Variable(outer);
                assert_eq!(this.slots[0].alive, returned != Expression::Variable(outer));
            });
        }
        assert_eq!(seen, [true; 2]);
    }

    #[test]
    fn programs_are_small_and_not_too_small() {
        let lines: usize = (0..200)
            .map(|seed| module(&program(seed), 0, Split::No, "crate::runtime").lines().count())
            .sum();
        assert!((20..=70).contains(&(lines / 200)), "{} lines", lines / 200);
    }
}
