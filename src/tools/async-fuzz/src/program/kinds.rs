//! The parts of a program that are few of a kind: a trait, foreign functions, futures that are
//! written by hand, what has the size of a future, and generic functions that nobody calls.

use super::{Block, Future};

/// A trait with async methods, which give a number, and the types that implement it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trait {
    /// Each calls only those before it, or the same of a type that comes before.
    pub methods: Vec<Method>,
    /// How many types implement it.
    pub types: usize,
    /// Whether it stands in a crate of its own, with the functions that are auxiliary.
    pub auxiliary: bool,
}

/// A method of a trait.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Whether it takes a number.
    pub has_argument: bool,
    /// What it does if a type says nothing else; each type does if there is none.
    pub default: Option<Block>,
    /// What each type has in its place.
    pub own: Vec<Option<Own>>,
    /// Whether it is never to be inlined.
    pub is_never_inlined: bool,
}

/// What a type has as the method of a trait.
#[derive(Clone, Debug, PartialEq)]
pub enum Own {
    /// `async fn`
    Async(Block),
    /// `fn … -> impl Future`, which tells that it was called, with the number of the place
    Plain(u32, Future),
}

/// A type whose method is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Implementor {
    /// The one with the index
    Type(usize),
    /// `Self`, in a trait
    Itself,
    /// `X`, which a function is generic over
    Parameter,
}

/// A foreign function, with a number as argument and as answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Foreign {
    /// Tells that it was called
    Mark,
    /// The same, and may unwind
    Step,
    /// The `abs` of C's library
    Abs,
}

/// How a `poll` that is written by hand comes to its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// Arms that answer
    Match,
    /// An answer, or that of a function which is called for it
    Mixed,
    /// `?`, with an outcome as the answer
    Question,
    /// `?` on an `Option`, in a method
    Checked,
    /// What a method answers
    Method,
    /// What a function answers
    Function,
    /// An answer that is mapped
    Mapped,
    /// What a field answers
    Owner,
    /// What two fields answer that are polled each time, also when they have answered
    Turns,
}

/// How a `poll` that is written by hand hands on what the future inside answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wrapper {
    /// As it is
    Field,
    /// As the arm of a match
    Matched,
    /// By `ready!`
    Ready,
    /// Through a method
    Method,
    /// Through a function
    Function,
    /// Mapped, which it has to be a number for
    Mapped,
    /// By `?`, which it has to be an outcome for
    Question,
    /// As it is, and polls the future again, which has to give a number
    InVain,
}

/// What a wrapper makes a value of, of which there is but one: what the future inside gives, which
/// it does but once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unique {
    /// A pointer to the value, from an async block
    Pointer,
    /// The same, where the block is boxed and behind a pointer
    Boxed,
    /// The same, from an async function
    HandedOn,
    /// A number for which the value is given out
    Ticket,
    /// A function that does something each time it is called
    Function,
}

/// Where a plain function has use for the size of a future.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Room {
    /// The length of an array, by a constant
    Constant,
    /// The length of an array in a static
    Static,
    /// An argument of a function
    Generic,
    /// The length of an array, by an associated constant
    Associated,
    /// A block that is constant
    Block,
    /// None: the array is where the function would have been called
    Inline,
}

/// Where a future that is written by hand has use for the size of another one, or of the one that
/// awaits it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hall {
    /// Its `poll`
    Poll,
    /// Its `poll`, which is never pending
    Prompt,
    /// Its `drop`
    Drop,
    /// The function that makes it
    Maker,
}

/// Generic async functions of another crate, of which each awaits the one before with a type that
/// has a layer more. Nobody calls them. With the flag on they are inlined one in the other, and
/// nothing may be asked about their types that takes a proof too deep for the compiler.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tower {
    /// How many functions there are
    pub height: usize,
    /// How many steps a proof takes for each layer
    pub steps: usize,
    /// Whether a layer has the one below twice
    pub is_wide: bool,
    pub question: Question,
}

/// What the first function asks about its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Question {
    /// Which method is called
    Method,
    /// The same, by a trait object
    Object,
    /// How an enum is laid out
    Layout,
    /// Whether a value needs drop
    Drop,
    /// What an associated type is
    Associated,
}
