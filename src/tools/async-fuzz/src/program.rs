//! What a program is: a typed tree, of which [`print`](crate::print) makes Rust.
//!
//! The tree has just enough of Rust to say what async code does with control flow, drops and
//! panics. Whether a tree makes sense (a variable is alive where it is used, say) is up to who
//! builds it: the [generator](crate::generate) knows, the [reduction](crate::reduce) asks the
//! compiler.
//!
//! A tree is walked in one order, that of evaluation. [`Node`] is what a walk sees.

mod kinds;

pub use kinds::{
    Foreign, Hall, Implementor, Method, Own, Question, Room, Shape, Tower, Trait, Unique, Wrapper,
};

/// The types that values in a program have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Type {
    /// `u32`: Copy, and not tracked.
    Number,
    /// `Token`: tracked, with a drop.
    Token,
    /// `Blank`: has a drop, and no size.
    Blank,
    /// `[Token; 2]`
    Pair,
    /// `[u32; 3]`
    Row,
    /// `usize`, less than the length of any array
    Index,
    /// `&Token`
    Borrowed,
    /// `Outcome`, a `Result` whose error is a `Token`.
    Outcome,
    /// `&mut u32`
    Exclusive,
    /// `&Cell<u32>`, of a number that changes while the program is suspended.
    Watched,
    /// `&mut Device`
    Device,
    /// `&mut` a bus
    Bus,
}

/// A variable: its number and its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Variable {
    pub number: u32,
    pub of: Type,
}

/// A program: functions, and the future that is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What it was generated from.
    pub seed: u64,
    /// Each calls only those before it, or itself.
    pub functions: Vec<Function>,
    pub maker: Option<Trait>,
    pub buses: Option<[Bus; 2]>,
    pub tower: Option<Tower>,
    /// What is done before the future is made.
    pub prelude: Vec<Statement>,
    /// What is run.
    pub root: Future,
    /// At which events a panic is injected.
    pub injections: [u32; 3],
}

/// The bodies of a bus's methods, which have a number as argument and as answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Bus {
    /// Takes `&mut self`
    pub transfer: Block,
    /// Takes `&self`
    pub peek: Block,
}

/// The variable that is the argument of a bus's method, or of a trait's.
pub const BUS_ARGUMENT: Variable = Variable { number: 0, of: Type::Number };

/// The variable `self` of a method that takes `&mut self`
pub const ITSELF: Variable = Variable { number: u32::MAX, of: Type::Device };

/// The variable `bus` of a function that is generic over one
pub const BUS: Variable = Variable { number: u32::MAX, of: Type::Bus };

/// An async function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub number: u32,
    pub form: Form,
    pub parameters: Vec<Variable>,
    pub output: Type,
    pub body: Block,
    /// Whether it may stand in a crate of its own with others.
    pub auxiliary: bool,
}

/// What makes a function async, and generic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// `async fn`
    Plain,
    /// `fn … -> impl Future`, with the body in an `async move` block
    Block,
    /// `fn … -> impl AsyncFn`, with the body in an async closure that its call consumes
    Closure,
    /// A method of `Device` that takes `&self`
    Method,
    /// A method of `Device` that takes `&mut self`
    MutableMethod,
    /// A method of `Device` that takes `self`
    ByValue,
    /// Generic over a future, its first argument
    OverFuture,
    /// Generic over a bus, to which its first argument is `&mut`
    OverBus,
    /// Generic over a type that implements the trait
    OverType,
    /// Calls itself, boxed; its first argument is the depth
    Recursive,
}

impl Form {
    /// Whether what the function returns is a future of one size.
    pub fn is_sizeable(self) -> bool {
        !matches!(self, Form::Closure | Form::OverFuture | Form::OverBus | Form::OverType)
    }
}

/// Statements, and what the block gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub statements: Vec<Statement>,
    pub tail: Option<Box<Expression>>,
}

/// A variable that is written to by its address while its value is elsewhere or not yet there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// An array of numbers, which is read when the block is over
    Row,
    /// What has no value yet
    Uninit,
    /// A union
    Union,
    /// A pair that was moved to another variable, which is taken when the block is over
    Moved,
    /// A pair that was moved, and that is assigned to when the block is over
    Renewed,
    /// A pair that was moved to a future, which is awaited when the block is over
    Handed,
    /// A pair that an async block captured, in which it is moved; the block is in that
    Captured,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Let(Variable, Expression),
    /// `let _ = …;`
    Ignore(Expression),
    /// `…;`
    Evaluate(Expression),
    /// Assigns to the variable, or to what it refers to
    Assign(Variable, Expression),
    /// Assigns to an element of the array, whose index is evaluated last
    AssignElement(Variable, Expression, Expression),
    /// Gives the device that has the method another token
    RenewSelf,
    Drop(Variable),
    Mark(u32, Expression),
    If(Expression, Block, Block),
    /// `if let Err(variable) = … && … { … } else { … }`
    IfError(Variable, Box<[Expression; 2]>, Block, Block),
    Match(Expression, Vec<Block>),
    /// A loop of a few rounds, which it counts in the variable
    For(Variable, u32, Block),
    /// A loop of a few rounds, which it counts in the variable, as long as the condition holds
    While(Variable, u32, Expression, Block),
    Break(Expression),
    Continue(Expression),
    Return(Expression, Expression),
    Panic(Expression, u32),
    Scope(Block),
    /// The block while a variable, named after the number, may be reached by its address
    Reach(Reach, u32, Block),
    /// A future that is pinned in a variable and awaited through that
    PinnedAwait(Variable, Box<Future>),
    /// A future that is made before the block and awaited behind it
    HeldAwait(Variable, Box<Future>, Block),
}

/// What happens to an outcome before it is matched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Matched {
    AtOnce,
    /// It was found to be `Ok`, and is lent to be looked at
    Seen,
    /// It was found to be `Ok`, and is lent to be made the other variant
    Turned,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Literal(u32),
    /// A literal that the compiler does not know
    Hidden(u32),
    /// Copies or moves the variable, or copies what it is the `&mut` of
    Variable(Variable),
    /// `&v`
    Borrow(Variable),
    /// `&mut v`, or `&mut *v`
    BorrowMutably(Variable),
    /// `&mut …`, of a temporary
    MutableTemporary(Box<Expression>),
    /// A device that is to be lent
    Device,
    /// One of the two buses, that is to be lent
    Bus(usize),
    /// A watched number
    Watched(u32),
    /// What a watched number is now
    Get(Box<Expression>),
    Sum(Box<Expression>, Box<Expression>),
    Xor(Box<Expression>, Box<Expression>),
    /// An element of a constant array, which may be out of bounds
    Element(Box<Expression>),
    /// An array of three numbers
    Row(Box<[Expression; 3]>),
    /// A number as an index
    ToIndex(Box<Expression>),
    /// An element of a row; the index is an index or a number
    Index(Variable, Box<Expression>),
    /// `&` an element of a pair, which may be out of bounds if the index is a number
    BorrowElement(Variable, Box<Expression>),
    /// `&mut` an element of a row
    LendElement(Variable, Box<Expression>),
    Token,
    Blank,
    Pair(Box<Expression>, Box<Expression>),
    /// `&…`, of a temporary
    BorrowTemporary(Box<Expression>),
    Bump,
    /// Looks at what is borrowed
    Look(Box<Expression>),
    /// Borrows a number or a row to log it, and gives a number for it
    Log(Variable),
    /// Looks at what the device that has the method has
    LookAtSelf,
    /// Takes a value of any type and gives a number
    Take(Box<Expression>, Type),
    Foreign(Foreign, Box<Expression>),
    /// The number, from where the size of the function's future is of use
    Room(Room, u32, Box<Expression>),
    Outcome(Box<Expression>),
    Try(Box<Expression>),
    If(Box<Expression>, Box<Block>, Box<Block>),
    Match(Box<Expression>, Vec<Block>),
    /// A match on an outcome, whose arms have what is in it in their variables
    MatchOutcome(Matched, Box<Expression>, Box<[(Variable, Block); 2]>),
    Await(Box<Future>),
    /// A call of the function that this is in, which gives the type, with one less depth
    Recurse(u32, Type, Vec<Expression>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Future {
    /// Pending so often, then the number
    Leaf(u32, Box<Expression>),
    /// Written by hand in the program itself, pending so often
    Slow(u32, Box<Expression>),
    /// Written by hand, and never pending
    Prompt(Box<Expression>),
    /// Awaited by a generic function of the crate with the auxiliary functions, which knows one
    /// impl for it, that is never pending. This one is of the program's own crate, and pending so
    /// often.
    Late(u32, Box<Expression>),
    /// Written by hand, and pending so often, or never
    Hand(Shape, Option<u32>, Box<Expression>),
    /// Written by hand around another one
    Wrapped(Wrapper, Box<Future>),
    /// Written by hand, pending so often, with use for the size of the function's future
    Hall(Hall, u32, u32, Box<Expression>),
    /// A method of the trait
    TraitCall(Implementor, usize, Option<Box<Expression>>),
    /// `core::future::ready`
    Ready(Box<Expression>),
    /// `poll_fn`
    PollFn(Box<Expression>),
    /// `core::future::pending`
    Never,
    /// Pending once or never, without a state of its own
    Turn,
    /// The function with the number, of this form; over what it is generic, or whose method it is
    Call {
        function: u32,
        form: Form,
        over: Option<Box<Over>>,
        arguments: Vec<Expression>,
    },
    /// The method of a bus that takes it as `&mut`
    BusCall(Variable, Box<Expression>),
    /// The method of a bus that takes it as `&`, once or twice at the same time
    Peek(Variable, Vec<Expression>),
    /// The future that the function is generic over
    Parameter,
    Block {
        moves: bool,
        body: Box<Block>,
    },
    /// An async closure, or one with an async block, that is called at once with a number
    Closure {
        is_async: bool,
        parameter: Variable,
        body: Box<Block>,
        argument: Box<Expression>,
    },
    Select(Box<Future>, Box<Future>),
    Join(Box<Future>, Box<Future>),
    Boxed(Box<Future>),
    Dyn(Box<Future>),
    Again(Box<Future>),
    Guarded(Box<Future>),
    /// Frees what is behind a pointer, which it may do but once; before and after, a future
    FreesPointer(Option<Box<Future>>),
    /// Takes a value out of a `ManuallyDrop`, which it may do but once
    ReadsOnce(Option<Box<Future>>),
    /// Reads through a pointer, which it may not when it is done
    Peeks(Option<Box<Future>>),
    /// Awaits an async fn that stores a number in a static and answers another, and gives the sum
    /// of both. Whether that fn is never inlined.
    Stores(bool),
    /// Makes a value of what it is given, which it may do but once
    Unique(Unique, Option<Box<Future>>),
}

/// What the first argument of a generic function is, or of a method.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    Future(Future),
    Bus(Lent),
    Type(Implementor),
    /// A device that the caller has, instead of a new one
    Device(Variable),
}

/// A bus that is lent to a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lent {
    /// Which of the two buses, made for this
    New(usize),
    /// What the caller has
    Own(Variable),
    /// The `&mut` itself that the caller has, which is a bus as well
    Forwarded(Variable),
}

/// What a walk through a program comes by.
pub enum Node<'a> {
    Block(&'a mut Block),
    Statement(&'a mut Statement),
    Expression(&'a mut Expression),
    Future(&'a mut Future),
}

/// Who walks.
type Visit<'a> = &'a mut dyn FnMut(Node<'_>);

impl Program {
    /// Shows every part of the program, each before its own parts.
    pub fn walk(&mut self, visit: Visit<'_>) {
        for method in self.maker.iter_mut().flat_map(|maker| &mut maker.methods) {
            if let Some(default) = &mut method.default {
                walk_block(default, visit);
            }
            for own in method.own.iter_mut().flatten() {
                match own {
                    Own::Async(body) => walk_block(body, visit),
                    Own::Plain(_, future) => walk_future(future, visit),
                }
            }
        }
        for function in &mut self.functions {
            walk_block(&mut function.body, visit);
        }
        for bus in self.buses.iter_mut().flatten() {
            walk_block(&mut bus.transfer, visit);
            walk_block(&mut bus.peek, visit);
        }
        for statement in &mut self.prelude {
            walk_statement(statement, visit);
        }
        walk_future(&mut self.root, visit);
    }

    /// Whether there is something to stand in a crate of its own.
    pub fn has_auxiliary(&self) -> bool {
        self.functions.iter().any(|function| function.auxiliary)
            || self.maker.as_ref().is_some_and(|maker| maker.auxiliary)
            || self.tower.is_some()
            || self.has_late()
    }

    /// Whether it has a future whose impl another crate adds.
    pub fn has_late(&self) -> bool {
        let mut found = false;
        self.clone().walk(&mut |node| found |= matches!(node, Node::Future(Future::Late(..))));
        found
    }
}

/// Shows a block and every part of it.
pub fn walk_block(block: &mut Block, visit: Visit<'_>) {
    visit(Node::Block(block));
    for statement in &mut block.statements {
        walk_statement(statement, visit);
    }
    if let Some(tail) = &mut block.tail {
        walk_expression(tail, visit);
    }
}

/// Shows a statement and every part of it.
pub fn walk_statement(statement: &mut Statement, visit: Visit<'_>) {
    use Statement::*;
    visit(Node::Statement(statement));
    match statement {
        Let(_, value) | Ignore(value) | Evaluate(value) | Assign(_, value) | Mark(_, value) => {
            walk_expression(value, visit);
        }
        AssignElement(_, index, value) => {
            walk_expression(value, visit);
            walk_expression(index, visit);
        }
        Break(value) | Continue(value) | Panic(value, _) => walk_expression(value, visit),
        Return(condition, value) => {
            walk_expression(condition, visit);
            walk_expression(value, visit);
        }
        If(condition, then, otherwise) => {
            walk_expression(condition, visit);
            walk_block(then, visit);
            walk_block(otherwise, visit);
        }
        IfError(_, values, then, otherwise) => {
            values.iter_mut().for_each(|value| walk_expression(value, visit));
            walk_block(then, visit);
            walk_block(otherwise, visit);
        }
        Match(value, arms) => {
            walk_expression(value, visit);
            arms.iter_mut().for_each(|arm| walk_block(arm, visit));
        }
        For(_, _, body) | Scope(body) | Reach(_, _, body) => walk_block(body, visit),
        While(_, _, condition, body) => {
            walk_expression(condition, visit);
            walk_block(body, visit);
        }
        PinnedAwait(_, future) => walk_future(future, visit),
        HeldAwait(_, future, body) => {
            walk_future(future, visit);
            walk_block(body, visit);
        }
        Drop(_) | RenewSelf => {}
    }
}

fn walk_expression(expression: &mut Expression, visit: Visit<'_>) {
    use Expression::*;
    visit(Node::Expression(expression));
    match expression {
        Literal(_) | Hidden(_) | Variable(_) | Borrow(_) | BorrowMutably(_) | Watched(_) => {}
        Log(_) | Token | Blank | Device | Bus(_) | Bump | LookAtSelf => {}
        Sum(one, other) | Xor(one, other) | Pair(one, other) => {
            walk_expression(one, visit);
            walk_expression(other, visit);
        }
        Element(inner)
        | ToIndex(inner)
        | Index(_, inner)
        | BorrowElement(_, inner)
        | LendElement(_, inner)
        | BorrowTemporary(inner)
        | MutableTemporary(inner)
        | Get(inner)
        | Look(inner)
        | Take(inner, _)
        | Foreign(_, inner)
        | Room(_, _, inner)
        | Outcome(inner)
        | Try(inner) => walk_expression(inner, visit),
        If(condition, then, otherwise) => {
            walk_expression(condition, visit);
            walk_block(then, visit);
            walk_block(otherwise, visit);
        }
        Match(value, arms) => {
            walk_expression(value, visit);
            arms.iter_mut().for_each(|arm| walk_block(arm, visit));
        }
        Row(numbers) => numbers.iter_mut().for_each(|number| walk_expression(number, visit)),
        MatchOutcome(_, value, arms) => {
            walk_expression(value, visit);
            arms.iter_mut().for_each(|(_, arm)| walk_block(arm, visit));
        }
        Await(future) => walk_future(future, visit),
        Recurse(_, _, arguments) => arguments.iter_mut().for_each(|a| walk_expression(a, visit)),
    }
}

/// Shows a future and every part of it.
pub fn walk_future(future: &mut Future, visit: Visit<'_>) {
    use self::Future::*;
    visit(Node::Future(future));
    match future {
        Never | Turn | Parameter | Stores(_) => {}
        TraitCall(_, _, argument) => {
            if let Some(argument) = argument {
                walk_expression(argument, visit);
            }
        }
        Leaf(_, value)
        | Slow(_, value)
        | Prompt(value)
        | Late(_, value)
        | Ready(value)
        | PollFn(value)
        | Hand(_, _, value)
        | Hall(_, _, _, value)
        | BusCall(_, value) => walk_expression(value, visit),
        Peek(_, arguments) => {
            arguments.iter_mut().for_each(|argument| walk_expression(argument, visit));
        }
        Call { over, arguments, .. } => {
            if let Some(Over::Future(future)) = over.as_deref_mut() {
                walk_future(future, visit);
            }
            arguments.iter_mut().for_each(|argument| walk_expression(argument, visit));
        }
        Block { body, .. } => walk_block(body, visit),
        Closure { body, argument, .. } => {
            walk_block(body, visit);
            walk_expression(argument, visit);
        }
        Select(one, other) | Join(one, other) => {
            walk_future(one, visit);
            walk_future(other, visit);
        }
        Wrapped(_, inner) | Boxed(inner) | Dyn(inner) | Again(inner) | Guarded(inner) => {
            walk_future(inner, visit);
        }
        FreesPointer(inner) | ReadsOnce(inner) | Peeks(inner) | Unique(_, inner) => {
            if let Some(inner) = inner {
                walk_future(inner, visit);
            }
        }
    }
}
