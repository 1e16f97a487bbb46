//! Makes a program smaller that shows something, as long as it shows it.
//!
//! A program is changed in one place at a time, in the order of a walk, large changes first. A
//! change is kept if the program is smaller then and still shows what it is to show, for which the
//! caller compiles and runs it. What does not compile shows nothing, so the changes need not care
//! whether they make sense.

use crate::program::{
    Block, Expression, Future, Implementor, Lent, Matched, Node, Over, Program, Reach, Statement,
    Trait, Type, walk_future, walk_statement,
};

/// Reduces `program`, for which `shows` is true, until nothing can be taken away or `is_over`.
pub fn reduce(
    mut program: Program,
    shows: &mut dyn FnMut(&Program) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Program {
    loop {
        let weight = weight(&program);
        program = without_functions(program, shows, is_over);
        program = with_less(program, shows, is_over);
        if is_over() || self::weight(&program) == weight {
            return program;
        }
    }
}

/// How large a program is. Each change that is kept makes this less.
pub fn weight(program: &Program) -> u64 {
    let mut weight = 100 * program.functions.len() as u64;
    weight += if program.buses.is_some() { 100 } else { 0 };
    weight += if program.tower.is_some() { 100 } else { 0 };
    if let Some(maker) = &program.maker {
        weight += 100 + 50 * maker.types as u64;
        for method in &maker.methods {
            let own = method.own.iter().filter(|own| own.is_some()).count();
            weight += 50 + 20 * (own + usize::from(method.default.is_some())) as u64;
            weight += u64::from(method.is_never_inlined);
        }
    }
    weight += 20 * program.prelude.len() as u64;
    for function in &program.functions {
        weight += 5 * function.parameters.len() as u64;
    }
    program.clone().walk(&mut |node| {
        weight += match node {
            Node::Block(_) => 1,
            Node::Statement(Statement::For(_, rounds, _) | Statement::While(_, rounds, _, _)) => {
                22 + u64::from(*rounds)
            }
            Node::Statement(_) => 20,
            Node::Expression(Expression::Literal(number)) => u64::from(*number).min(2),
            Node::Expression(Expression::Hidden(_) | Expression::Variable(_)) => 5,
            Node::Expression(Expression::Watched(_) | Expression::MutableTemporary(_)) => 5,
            Node::Expression(Expression::BorrowElement(..)) => 25,
            Node::Expression(_) => 10,
            Node::Future(Future::Ready(_)) => 5,
            Node::Future(Future::Leaf(pending, _) | Future::Slow(pending, _)) => {
                8 + u64::from(*pending)
            }
            Node::Future(Future::Late(pending, _)) => 16 + u64::from(*pending),
            Node::Future(Future::Hand(_, pending, _)) => 14 + u64::from(pending.unwrap_or(0)),
            Node::Future(Future::Hall(_, _, pending, _)) => 20 + u64::from(*pending),
            Node::Future(Future::TraitCall(Implementor::Type(_), ..)) => 12,
            Node::Future(Future::TraitCall(..)) => 13,
            Node::Future(Future::Block { moves, .. }) => 10 + u64::from(!*moves),
            Node::Future(Future::Call { over: Some(over), .. }) => match **over {
                Over::Future(_) | Over::Bus(Lent::New(_)) => 12,
                Over::Type(Implementor::Type(_)) => 12,
                Over::Type(_) => 13,
                Over::Device(_) | Over::Bus(Lent::Own(_)) => 13,
                Over::Bus(Lent::Forwarded(_)) => 14,
            },
            Node::Future(_) => 12,
        };
    });
    weight
}

/// Takes away functions, buses, the tower, parameters of functions with their arguments, and the
/// prelude.
fn without_functions(
    mut program: Program,
    shows: &mut dyn FnMut(&Program) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Program {
    let mut index = 0;
    while index < program.functions.len() && !is_over() {
        let mut less = program.clone();
        let number = less.functions.remove(index).number;
        less.walk(&mut |node| match node {
            Node::Future(future) => {
                if let Future::Call { function, .. } | Future::Hall(_, function, ..) = future
                    && *function == number
                {
                    *future = Future::Ready(Box::new(Expression::Literal(1)));
                }
            }
            Node::Expression(expression) => {
                if let Expression::Room(_, function, _) = expression
                    && *function == number
                {
                    *expression = Expression::Literal(1);
                }
            }
            _ => {}
        });
        if shows(&less) {
            program = less;
        } else {
            index += 1;
        }
    }
    if program.buses.is_some() && !is_over() {
        let less = Program { buses: None, ..program.clone() };
        if shows(&less) {
            program = less;
        }
    }
    if program.tower.is_some() && !is_over() {
        let less = Program { tower: None, ..program.clone() };
        if shows(&less) {
            program = less;
        }
    }
    program = with_less_of_trait(program, shows, is_over);
    let mut index = 0;
    while index < program.prelude.len() && !is_over() {
        let mut less = program.clone();
        less.prelude.remove(index);
        if shows(&less) {
            program = less;
        } else {
            index += 1;
        }
    }
    without_parameters(program, shows, is_over)
}

/// Takes away the trait, or what its methods and types have that may be done without.
fn with_less_of_trait(
    mut program: Program,
    shows: &mut dyn FnMut(&Program) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Program {
    let mut choice = 0;
    while !is_over() {
        let Some(maker) = &program.maker else { break };
        let Some(less) = smaller_traits(maker).into_iter().nth(choice) else { break };
        let less = Program { maker: less, ..program.clone() };
        if weight(&less) < weight(&program) && shows(&less) {
            (program, choice) = (less, 0);
        } else {
            choice += 1;
        }
    }
    program
}

fn smaller_traits(maker: &Trait) -> Vec<Option<Trait>> {
    let mut smaller = vec![None];
    let mut add = |change: &dyn Fn(&mut Trait)| {
        let mut less = maker.clone();
        change(&mut less);
        smaller.push(Some(less));
    };
    add(&|less| {
        less.methods.pop();
    });
    add(&|less| {
        less.types = less.types.saturating_sub(1);
        less.methods.iter_mut().for_each(|method| method.own.truncate(less.types));
    });
    for index in 0..maker.methods.len() {
        add(&|less| less.methods[index].default = None);
        add(&|less| less.methods[index].is_never_inlined = false);
        for of in 0..maker.types {
            add(&|less| {
                if let Some(own) = less.methods[index].own.get_mut(of) {
                    *own = None;
                }
            });
        }
    }
    smaller
}

fn without_parameters(
    mut program: Program,
    shows: &mut dyn FnMut(&Program) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Program {
    for function in 0..program.functions.len() {
        let mut parameter = 0;
        while parameter < program.functions[function].parameters.len() && !is_over() {
            let mut less = program.clone();
            let number = less.functions[function].number;
            less.functions[function].parameters.remove(parameter);
            less.walk(&mut |node| {
                let (callee, arguments) = match node {
                    Node::Future(Future::Call { function, arguments, .. }) => {
                        (*function, arguments)
                    }
                    Node::Expression(Expression::Recurse(function, _, arguments)) => {
                        (*function, arguments)
                    }
                    _ => return,
                };
                if callee == number && parameter < arguments.len() {
                    arguments.remove(parameter);
                }
            });
            if shows(&less) {
                program = less;
            } else {
                parameter += 1;
            }
        }
    }
    program
}

/// Makes each part smaller that can be.
fn with_less(
    mut program: Program,
    shows: &mut dyn FnMut(&Program) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Program {
    let (mut place, mut choice) = (0, 0);
    while !is_over() {
        let mut less = program.clone();
        match change_at(&mut less, place, choice) {
            Change::Made => {
                if weight(&less) < weight(&program) && shows(&less) {
                    (program, choice) = (less, 0);
                } else {
                    choice += 1;
                }
            }
            Change::NoChoice => (place, choice) = (place + 1, 0),
            Change::NoPlace => break,
        }
    }
    program
}

/// What became of a change.
enum Change {
    Made,
    /// There are fewer choices at the place.
    NoChoice,
    /// There are fewer places.
    NoPlace,
}

fn change_at(program: &mut Program, place: usize, choice: usize) -> Change {
    let mut index = 0;
    let mut change = Change::NoPlace;
    program.walk(&mut |node| {
        if index == place {
            let made = match node {
                Node::Block(block) => change_block(block, choice),
                Node::Statement(statement) => replace(statement, smaller_statements, choice),
                Node::Expression(expression) => replace(expression, smaller_expressions, choice),
                Node::Future(future) => replace(future, smaller_futures, choice),
            };
            change = if made { Change::Made } else { Change::NoChoice };
        }
        index += 1;
    });
    change
}

/// Puts the smaller part with the number `choice` in place of `part`.
fn replace<T>(part: &mut T, smaller: impl Fn(&T) -> Vec<T>, choice: usize) -> bool {
    let found = smaller(part).into_iter().nth(choice);
    let made = found.is_some();
    if let Some(found) = found {
        *part = found;
    }
    made
}

/// Takes statements away: all, halves, single ones. Or puts what is in a statement in its place.
fn change_block(block: &mut Block, choice: usize) -> bool {
    let count = block.statements.len();
    let mut ranges = Vec::new();
    if count > 1 {
        ranges.extend([(0, count), (0, count / 2), (count / 2, count)]);
    }
    ranges.extend((0..count).map(|index| (index, index + 1)));
    if let Some(&(start, end)) = ranges.get(choice) {
        block.statements.drain(start..end);
        return true;
    }
    let choices = block.statements.iter().enumerate().flat_map(|(index, statement)| {
        inner_blocks(statement).into_iter().map(move |inner| (index, inner.statements))
    });
    let Some((index, statements)) = choices.into_iter().nth(choice - ranges.len()) else {
        return false;
    };
    block.statements.splice(index..=index, statements);
    true
}

/// The blocks in a statement, those around others first.
fn inner_blocks(statement: &Statement) -> Vec<Block> {
    let mut blocks = Vec::new();
    walk_statement(&mut statement.clone(), &mut |node| match node {
        Node::Block(block) if !block.statements.is_empty() => blocks.push(block.clone()),
        _ => {}
    });
    blocks
}

/// The futures in a future, without itself.
fn inner_futures(future: &Future) -> Vec<Future> {
    let mut futures = Vec::new();
    walk_future(&mut future.clone(), &mut |node| {
        if let Node::Future(inner) = node {
            futures.push(inner.clone());
        }
    });
    futures.remove(0);
    futures.truncate(INNER);
    futures
}

/// How many of the futures in a future are tried in its place.
const INNER: usize = 8;

fn smaller_statements(statement: &Statement) -> Vec<Statement> {
    match statement {
        Statement::If(condition, then, otherwise) if *otherwise != Block::default() => {
            vec![Statement::If(condition.clone(), then.clone(), Block::default())]
        }
        Statement::IfError(_, values, _, otherwise) => {
            let [value, _] = &**values;
            let taken = Expression::Take(Box::new(value.clone()), Type::Outcome);
            vec![Statement::Scope(otherwise.clone()), Statement::Evaluate(taken)]
        }
        Statement::Match(value, arms) if arms.len() > 1 => (0..arms.len())
            .map(|index| {
                let mut fewer = arms.clone();
                fewer.remove(index);
                Statement::Match(value.clone(), fewer)
            })
            .collect(),
        Statement::For(variable, rounds, body) if *rounds > 1 => {
            vec![Statement::For(*variable, rounds - 1, body.clone())]
        }
        Statement::While(variable, rounds, condition, body) => {
            let mut smaller =
                vec![Statement::If(condition.clone(), body.clone(), Block::default())];
            if *rounds > 1 {
                let (condition, body) = (condition.clone(), body.clone());
                smaller.push(Statement::While(*variable, rounds - 1, condition, body));
            }
            smaller
        }
        Statement::Reach(Reach::Captured, _, body) => {
            let block = Future::Block { moves: true, body: Box::new(body.clone()) };
            vec![Statement::Evaluate(Expression::Await(Box::new(block)))]
        }
        Statement::Reach(reach, number, body) => {
            let mut smaller = vec![Statement::Scope(body.clone())];
            if *reach != Reach::Row {
                smaller.push(Statement::Reach(Reach::Row, *number, body.clone()));
            }
            smaller
        }
        Statement::PinnedAwait(variable, future) => {
            vec![Statement::Let(*variable, Expression::Await(future.clone()))]
        }
        Statement::HeldAwait(variable, future, body) => {
            let awaited = Statement::Let(*variable, Expression::Await(future.clone()));
            vec![awaited, Statement::Scope(body.clone())]
        }
        Statement::Let(_, value) | Statement::Ignore(value) => {
            vec![Statement::Evaluate(value.clone())]
        }
        _ => Vec::new(),
    }
}

fn smaller_expressions(expression: &Expression) -> Vec<Expression> {
    use Expression as E;
    // What is not a number does not compile then.
    let mut smaller = vec![E::Literal(0), E::Literal(1)];
    match expression {
        E::Literal(_) => smaller.truncate(1),
        E::Variable(_) | E::Borrow(_) => smaller.push(E::Token),
        E::Token | E::Blank | E::BorrowTemporary(_) => smaller.clear(),
        E::BorrowElement(..) => smaller = vec![E::BorrowTemporary(Box::new(E::Token))],
        E::ToIndex(_) => smaller = vec![E::ToIndex(Box::new(E::Literal(0)))],
        E::Row(numbers) => {
            let zero = || E::Literal(0);
            smaller = vec![E::Row(Box::new([zero(), zero(), zero()]))];
            smaller.extend((0..3).map(|index| {
                let mut fewer = numbers.clone();
                fewer[index] = zero();
                E::Row(fewer)
            }));
        }
        E::Index(row, index) => {
            smaller.push(E::Index(*row, Box::new(E::Literal(0))));
            smaller.push((**index).clone());
        }
        E::MatchOutcome(matched, value, arms) => {
            if *matched != Matched::AtOnce {
                smaller.push(E::MatchOutcome(Matched::AtOnce, value.clone(), arms.clone()));
            }
            smaller.push(E::Take(value.clone(), Type::Outcome));
            smaller.extend(block_values(arms.iter().map(|(_, arm)| arm)));
        }
        E::LendElement(..) | E::BorrowMutably(_) => {
            smaller = vec![E::MutableTemporary(Box::new(E::Literal(0)))];
        }
        E::MutableTemporary(_) | E::Watched(_) => smaller.clear(),
        E::Pair(one, other) => {
            let fresh = || Box::new(E::Token);
            smaller = vec![E::Pair(fresh(), fresh())];
            smaller.push(E::Pair(one.clone(), fresh()));
            smaller.push(E::Pair(fresh(), other.clone()));
        }
        E::Sum(one, other) | E::Xor(one, other) => {
            smaller.extend([(**one).clone(), (**other).clone()]);
        }
        E::Foreign(_, inner) | E::Room(_, _, inner) => smaller.push((**inner).clone()),
        E::Take(inner, _) | E::Try(inner) | E::Outcome(inner) | E::Element(inner) => {
            smaller.push((**inner).clone());
            if let E::Outcome(number) = &**inner {
                smaller.push((**number).clone());
            }
        }
        E::If(condition, then, otherwise) => {
            smaller.push((**condition).clone());
            smaller.extend(block_values([&**then, &**otherwise]));
        }
        E::Match(value, arms) => {
            smaller.push((**value).clone());
            smaller.extend(block_values(arms));
            if arms.len() > 1 {
                smaller.extend((0..arms.len()).map(|index| {
                    let mut fewer = arms.clone();
                    fewer.remove(index);
                    E::Match(value.clone(), fewer)
                }));
            }
        }
        E::Await(future) => {
            smaller.push(E::Token);
            smaller.extend(future_value(future));
        }
        _ => {}
    }
    smaller
}

/// What blocks give that have nothing else.
fn block_values<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Vec<Expression> {
    blocks.into_iter().filter_map(|block| block.tail.as_deref().cloned()).collect()
}

/// The number that a future gives at the end, if it is one that is given to it.
fn future_value(future: &Future) -> Option<Expression> {
    match future {
        Future::Leaf(_, value)
        | Future::Slow(_, value)
        | Future::Prompt(value)
        | Future::Late(_, value)
        | Future::Hand(_, _, value)
        | Future::Hall(_, _, _, value)
        | Future::Ready(value)
        | Future::PollFn(value) => Some((**value).clone()),
        Future::Block { body, .. } => body.tail.as_deref().cloned(),
        _ => None,
    }
}

fn smaller_futures(future: &Future) -> Vec<Future> {
    use Future as F;
    let ready = F::Ready(Box::new(Expression::Literal(1)));
    let leaf = F::Leaf(1, Box::new(Expression::Literal(1)));
    let mut smaller = vec![ready, leaf];
    smaller.extend(inner_futures(future));
    match future {
        F::Ready(_) => smaller.clear(),
        F::Leaf(pending, value) => {
            smaller.truncate(1);
            if *pending > 0 {
                smaller.push(F::Leaf(pending - 1, value.clone()));
            }
        }
        F::Slow(pending, value) => smaller.push(F::Leaf(*pending, value.clone())),
        F::Block { moves: false, body } => {
            smaller.push(F::Block { moves: true, body: body.clone() });
        }
        F::Closure { body, .. } => smaller.push(F::Block { moves: true, body: body.clone() }),
        F::Call { function, form, over: Some(over), arguments } => {
            let overs: &[_] = match **over {
                Over::Device(_) => &[None],
                Over::Bus(Lent::Own(_)) => &[Some(Over::Bus(Lent::New(0)))],
                Over::Bus(Lent::Forwarded(bus)) => {
                    &[Some(Over::Bus(Lent::New(0))), Some(Over::Bus(Lent::Own(bus)))]
                }
                Over::Type(Implementor::Parameter | Implementor::Itself) => {
                    &[Some(Over::Type(Implementor::Type(0)))]
                }
                Over::Future(_) | Over::Bus(Lent::New(_)) | Over::Type(_) => &[],
            };
            smaller.extend(overs.iter().cloned().map(|over| F::Call {
                function: *function,
                form: *form,
                over: over.map(Box::new),
                arguments: arguments.clone(),
            }));
        }
        F::Peek(bus, arguments) if arguments.len() > 1 => {
            smaller.extend(arguments.iter().map(|argument| F::Peek(*bus, vec![argument.clone()])));
        }
        F::FreesPointer(Some(_)) => smaller.push(F::FreesPointer(None)),
        F::ReadsOnce(Some(_)) => smaller.push(F::ReadsOnce(None)),
        F::Peeks(Some(_)) => smaller.push(F::Peeks(None)),
        F::Stores(true) => smaller.push(F::Stores(false)),
        F::Unique(unique, Some(_)) => smaller.push(F::Unique(*unique, None)),
        F::Hand(_, None, value) => smaller.push(F::Prompt(value.clone())),
        F::Hand(shape, Some(pending), value) => {
            smaller.push(F::Leaf(*pending, value.clone()));
            if *pending > 0 {
                smaller.push(F::Hand(*shape, Some(pending - 1), value.clone()));
            }
        }
        F::Hall(hall, function, pending, value) => {
            smaller.push(F::Leaf(*pending, value.clone()));
            if *pending > 0 {
                smaller.push(F::Hall(*hall, *function, pending - 1, value.clone()));
            }
        }
        F::TraitCall(Implementor::Parameter | Implementor::Itself, method, value) => {
            smaller.push(F::TraitCall(Implementor::Type(0), *method, value.clone()));
        }
        _ => {}
    }
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    fn counts(program: &Program, is: impl Fn(&Node<'_>) -> bool) -> usize {
        let mut count = 0;
        program.clone().walk(&mut |node| count += usize::from(is(&node)));
        count
    }

    #[test]
    fn only_what_shows_it_is_left() {
        let is_panic = |node: &Node<'_>| matches!(node, Node::Statement(Statement::Panic(..)));
        let mut found = 0;
        for seed in 0..400 {
            let program = generate::program(seed);
            if counts(&program, is_panic) == 0 {
                continue;
            }
            found += 1;
            let mut shows = |program: &Program| counts(program, is_panic) > 0;
            let reduced = reduce(program, &mut shows, &|| false);
            assert_eq!(counts(&reduced, is_panic), 1, "seed {seed}: {reduced:#?}");
            assert_eq!(counts(&reduced, |node| matches!(node, Node::Statement(_))), 1);
            assert!(reduced.functions.len() <= 1 && reduced.prelude.is_empty());
        }
        assert!(found > 20, "{found}");
    }

    #[test]
    fn what_is_lent_to_a_call_becomes_new() {
        let is_lent = |over: &Over| matches!(over, Over::Device(_) | Over::Bus(Lent::Own(_)));
        let mut found = 0;
        for seed in 0..300 {
            let has = |node: &Node<'_>, is: &dyn Fn(&Over) -> bool| match node {
                Node::Future(Future::Call { over, .. }) => over.as_deref().is_some_and(is),
                _ => false,
            };
            let program = generate::program(seed);
            if counts(&program, |node| has(node, &is_lent)) == 0 {
                continue;
            }
            found += 1;
            let calls = |program: &Program| {
                counts(program, |node| matches!(node, Node::Future(Future::Call { .. })))
            };
            let before = calls(&program);
            let mut shows = |program: &Program| calls(program) == before;
            let reduced = reduce(program, &mut shows, &|| false);
            assert_eq!(counts(&reduced, |node| has(node, &is_lent)), 0, "seed {seed}");
        }
        assert!(found > 10, "{found}");
    }

    #[test]
    fn a_trait_is_left_with_what_it_takes() {
        let overrides = |program: &Program| {
            let methods = program.maker.iter().flat_map(|maker| &maker.methods);
            methods
                .filter(|method| method.default.is_some())
                .flat_map(|method| method.own.iter().flatten())
                .count()
        };
        let mut found = 0;
        for seed in 0..300 {
            let program = generate::program(seed);
            if overrides(&program) == 0 {
                continue;
            }
            found += 1;
            let reduced = reduce(program, &mut |program| overrides(program) > 0, &|| false);
            assert_eq!(overrides(&reduced), 1, "seed {seed}: {reduced:#?}");
            let is_call = |node: &Node<'_>| matches!(node, Node::Future(Future::TraitCall(..)));
            let calls = counts(&reduced, is_call);
            assert!(calls <= 1, "seed {seed}: {reduced:#?}");
        }
        assert!(found > 10, "{found}");
    }

    #[test]
    fn a_loop_with_a_condition_becomes_a_branch() {
        let is_while = |node: &Node<'_>| matches!(node, Node::Statement(Statement::While(..)));
        let is_if = |node: &Node<'_>| matches!(node, Node::Statement(Statement::If(..)));
        let seed = (0..300).find(|&seed| counts(&generate::program(seed), is_while) > 0).unwrap();
        let mut shows =
            |program: &Program| counts(program, |node| is_while(node) || is_if(node)) > 0;
        let reduced = reduce(generate::program(seed), &mut shows, &|| false);
        assert_eq!((counts(&reduced, is_while), counts(&reduced, is_if)), (0, 1), "{reduced:#?}");
    }

    #[test]
    fn what_is_over_is_left_as_it_is() {
        let program = generate::program(3);
        assert_eq!(reduce(program.clone(), &mut |_| true, &|| true), program);
    }
}
