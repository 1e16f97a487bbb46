//! What a generated program is made of and run by: the trace, the values and futures that write to
//! it, and the executor.
//!
//! This file is compiled as a library, once, and pasted into a finding as a module. It is compiled
//! with the flag off, so what it has to say of a program it says the same of every build.
//!
//! A *trace* is a list of events, each a kind and two numbers. A run of one program in one
//! *scenario* prints a line:
//!
//! ```text
//! program scenario ended <hash of the trace> <hash at the cut, or -> <hash at the panic, or ->
//! program scenario died <hash at the cut> <hash at the panic>
//! program scenario killed <signal or exit code>
//! ```
//!
//! and after one of the first two the word `resumed` if a future panicked because it was polled
//! with nothing left to do. That is no event: the flag may make it go away, and has to.
//!
//! The *cut* is the first panic of the run, or the first poll of a future that has nothing left to
//! do. A build that aborts, and in which such a poll panics, may have died there. Any other ends as
//! one that unwinds, or dies at the first *panic* that has another reason than such a poll, and up
//! to that its run has to be the same.

#![allow(clippy::all, dead_code)]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// How often a future is polled that is never done.
const POLL_LIMIT: u32 = 40;

/// How many seconds of the processor a program may take in one scenario.
const TIME_LIMIT: i64 = 3;

/// How many seconds it may be about that: on a busy machine it has to wait for its turn.
const WAITING_LIMIT: u32 = 100;

// The trace.

/// What happened. The numbers of an event are told at its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// A value was made: its id.
    Made,
    /// A value was looked at: its id.
    Used,
    /// A value was looked at that is not alive: its id.
    UsedWhenDead,
    /// A value was dropped: its id.
    Dropped,
    /// A value was dropped that is not alive: its id.
    DroppedTwice,
    /// A value was never dropped: its id.
    Leaked,
    /// A zero-sized value was made.
    BlankMade,
    /// A zero-sized value was dropped.
    BlankDropped,
    /// A place in the program was reached: its number, and a value.
    Mark,
    /// A counter was increased: to what.
    Bumped,
    /// A leaf future was polled: how often it is pending yet, and by which waker.
    Polled,
    /// The program panics, by itself: where.
    Panics,
    /// The executor makes the program panic.
    Injected,
    /// A panic was caught: what it was.
    Caught,
    /// A future with nothing left to do was polled, and kept what the flag promises.
    Again,
    /// It answered another value than the one that it had given: a hash of that.
    AgainOther,
    /// It panicked, but not because there was nothing left to do: what it was.
    AgainPanicked,
    /// The program is suspended: for the how manieth time.
    Suspended,
    /// The program is done: a hash of its answer.
    Finished,
    /// The program was polled too often.
    Limit,
    /// The program's future is dropped from here on.
    Dropping,
    /// It has been.
    Gone,
    /// A combinator lets go of the loser, or of a future that is done.
    LetGo,
    /// A foreign function was called: with what, and which.
    Foreign,
    /// A value was asked for that has been given out: the ticket.
    GivenTwice,
    /// A place is written to by its address: its number.
    Reached,
    /// It is written to while another one that takes the same bytes may be reached: both numbers.
    Overlaps,
    /// It no longer has what was written to it: its number.
    Overwritten,
}

/// All that a run keeps. There is one thread.
struct State {
    events: Vec<(Kind, u64, u64)>,
    /// The hash of the events up to the cut.
    cut: Option<u64>,
    /// The hash of the events up to the first panic that is not because nothing was left to do.
    panicked: Option<u64>,
    /// A future with nothing left to do panicked when it was polled.
    resumed: bool,
    /// Whether the value with this id is alive.
    alive: Vec<bool>,
    counter: u64,
    /// The memory that [`pointer`] gave out.
    cells: Vec<*mut u32>,
    /// What [`watched`] gave out.
    watched: Vec<&'static Cell<u32>>,
    /// The places that may be reached by their addresses, by number; none where that is over.
    places: Vec<Option<(*mut u8, usize)>>,
    /// What [`withdraw`] is to give.
    deposits: Vec<Option<ManuallyDrop<Token>>>,
    /// The event at which to panic.
    inject_at: Option<usize>,
    /// The number of the last waker.
    waker: usize,
    /// The last context and its waker, if there is one.
    context: (*mut Context<'static>, *mut Waker),
    /// How often the future has been polled.
    polls: u32,
}

impl State {
    const fn new() -> Self {
        State {
            events: Vec::new(),
            cut: None,
            panicked: None,
            resumed: false,
            alive: Vec::new(),
            counter: 0,
            cells: Vec::new(),
            watched: Vec::new(),
            places: Vec::new(),
            deposits: Vec::new(),
            inject_at: None,
            waker: 0,
            context: (std::ptr::null_mut(), std::ptr::null_mut()),
            polls: 0,
        }
    }
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::new()) };
    /// The program and scenario that run.
    static AT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn with<T>(use_it: impl FnOnce(&mut State) -> T) -> T {
    STATE.with(|state| use_it(&mut state.borrow_mut()))
}

/// FNV-1a, by words.
fn hash(events: &[(Kind, u64, u64)]) -> u64 {
    let words = events.iter().flat_map(|&(kind, first, second)| [kind as u64, first, second]);
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
}

/// Writes an event of the executor, at which it never panics.
#[inline(never)]
fn note(kind: Kind, first: u64, second: u64) {
    with(|state| {
        check_places(state);
        state.events.push((kind, first, second));
    });
}

/// Writes an event of the program, and panics if it is the one to panic at.
#[inline(never)]
fn event(kind: Kind, first: u64, second: u64) {
    let panics = with(|state| {
        check_places(state);
        state.events.push((kind, first, second));
        let is_it = state.inject_at.is_some_and(|at| state.events.len() > at);
        if is_it && !std::thread::panicking() {
            state.inject_at = None;
            state.events.push((Kind::Injected, 0, 0));
            return true;
        }
        false
    });
    if panics {
        raise(u64::MAX);
    }
}

/// Remembers that the run is cut here, unless it was before.
fn cut() {
    with(|state| {
        if state.cut.is_none() {
            state.cut = Some(hash(&state.events));
        }
    });
}

/// Remembers that there is a panic here, unless there was one before.
fn panicked() {
    cut();
    with(|state| {
        if state.panicked.is_none() {
            state.panicked = Some(hash(&state.events));
        }
    });
}

/// Panics, without the message.
fn raise(code: u64) -> ! {
    panicked();
    if cfg!(panic = "abort") {
        die();
    }
    resume_unwind(Box::new(code));
}

/// Ends a process that is about to abort, and says so.
fn die() -> ! {
    let (cut, here) = with(|state| (state.cut.unwrap_or(0), hash(&state.events)));
    say(&format!("died {cut:x} {here:x}{}", resumed()));
    if STOPS_AT_PANIC.get() {
        print_trace();
    }
    unsafe { _exit(DIED) }
}

/// Whether the panic, with this text, is that of a future with nothing left to do.
fn is_resumption(text: &str) -> bool {
    text.contains("resumed after")
}

/// What is said at the end of a line if there was such a panic.
fn resumed() -> &'static str {
    if with(|state| state.resumed) { " resumed" } else { "" }
}

/// The exit code of a process that would have aborted.
const DIED: i32 = 33;

thread_local! {
    /// Whether a full trace was asked for.
    static STOPS_AT_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Prints how the scenario went, at once.
fn say(what: &str) {
    let (program, scenario) = AT.get();
    let line = format!("{program} {scenario} {what}\n");
    let mut out = std::io::stdout();
    let _ = out.write_all(line.as_bytes());
    let _ = out.flush();
}

/// What a panic was, as a number.
fn code_of(panic: &(dyn Any + Send)) -> u64 {
    if let Some(code) = panic.downcast_ref::<u64>() {
        return *code;
    }
    let text = text_of(panic);
    text.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "",
    }
}

// Values.

/// A value that is tracked from when it is made to when it is dropped.
pub struct Token(u64);

/// Makes a value.
#[inline(never)]
pub fn token() -> Token {
    let id = with(|state| {
        state.alive.push(true);
        state.alive.len() as u64 - 1
    });
    let token = Token(id);
    event(Kind::Made, id, 0);
    token
}

impl Drop for Token {
    #[inline(never)]
    fn drop(&mut self) {
        let was_alive = with(|state| match state.alive.get_mut(self.0 as usize) {
            Some(alive) => std::mem::replace(alive, false),
            None => false,
        });
        event(if was_alive { Kind::Dropped } else { Kind::DroppedTwice }, self.0, 0);
    }
}

/// A value without a size that is tracked.
pub struct Blank;

/// Makes a value without a size.
#[inline(never)]
pub fn blank() -> Blank {
    let blank = Blank;
    event(Kind::BlankMade, 0, 0);
    blank
}

impl Drop for Blank {
    #[inline(never)]
    fn drop(&mut self) {
        event(Kind::BlankDropped, 0, 0);
    }
}

/// What may go wrong, with a value in that case.
pub type Outcome = Result<u32, Token>;

/// A number, or a value as an error if the number is odd.
#[inline(never)]
pub fn outcome(number: u32) -> Outcome {
    if number & 1 == 1 { Err(token()) } else { Ok(number) }
}

/// The number in an outcome.
#[inline(never)]
pub fn settle(outcome: Outcome) -> u32 {
    match outcome {
        Ok(number) => number,
        Err(token) => take(token),
    }
}

/// Looks at a value, and gives its number.
#[inline(never)]
pub fn look(token: &Token) -> u32 {
    let is_alive = with(|state| state.alive.get(token.0 as usize).copied().unwrap_or(false));
    event(if is_alive { Kind::Used } else { Kind::UsedWhenDead }, token.0, 0);
    token.0 as u32
}

/// Takes a value, and gives a number for it.
#[inline(never)]
pub fn take(token: Token) -> u32 {
    look(&token)
}

/// Takes two values.
#[inline(never)]
pub fn take_pair(pair: [Token; 2]) -> u32 {
    look(&pair[1])
}

/// Takes three numbers.
#[inline(never)]
pub fn take_row(row: [u32; 3]) -> u32 {
    row[0].wrapping_mul(9).wrapping_add(row[1].wrapping_mul(3)).wrapping_add(row[2])
}

/// Takes a value without a size.
#[inline(never)]
pub fn take_blank(_blank: Blank) -> u32 {
    3
}

/// Tells that the program is at a place, with a number that it has there.
#[inline(never)]
pub fn mark(place: u32, number: u32) {
    event(Kind::Mark, place.into(), number.into());
}

/// Increases the counter.
#[inline(never)]
pub fn bump() -> u32 {
    let count = with(|state| {
        state.counter += 1;
        state.counter
    });
    event(Kind::Bumped, count, 0);
    count as u32
}

/// A number that no compiler knows.
#[inline(never)]
pub fn number(number: u32) -> u32 {
    number
}

/// Memory with a number, which is another one as soon as a future has finished.
#[inline(never)]
pub fn pointer(number: u32) -> *const u32 {
    let memory = Box::into_raw(Box::new(number));
    with(|state| state.cells.push(memory));
    memory
}

/// Memory with a value, which whoever has the pointer is to free.
#[inline(never)]
pub fn raw_token() -> *mut Token {
    Box::into_raw(Box::new(token()))
}

/// A number that anybody may look at any time, and that is another one after each suspension and
/// as soon as a future has finished.
#[inline(never)]
pub fn watched(number: u32) -> &'static Cell<u32> {
    let cell: &Cell<u32> = Box::leak(Box::new(Cell::new(number)));
    with(|state| state.watched.push(cell));
    cell
}

/// Keeps a value for whoever has the number.
#[inline(never)]
pub fn deposit(token: Token) -> u32 {
    with(|state| {
        state.deposits.push(Some(ManuallyDrop::new(token)));
        state.deposits.len() as u32 - 1
    })
}

/// Gives the value with the number, which may be done but once.
#[inline(never)]
pub fn withdraw(ticket: u32) -> Token {
    let kept = with(|state| state.deposits.get_mut(ticket as usize).and_then(Option::take));
    match kept {
        Some(kept) => ManuallyDrop::into_inner(kept),
        None => {
            note(Kind::GivenTwice, ticket.into(), 0);
            token()
        }
    }
}

/// A variable that may be reached by its address, as long as this is there: whatever becomes of the
/// value in it, nothing else may take its place before the variable's scope ends.
pub struct Reach {
    address: *mut u8,
    size: usize,
    number: Option<usize>,
}

/// What has to be dropped before the variable at `place` is.
#[inline(never)]
pub fn reach<T>(place: *mut T) -> Reach {
    Reach { address: place.cast(), size: size_of::<T>(), number: None }
}

impl Reach {
    /// Writes to the place, which nobody else may use from now on until this is dropped. What is
    /// written there is looked at with each event.
    #[inline(never)]
    pub fn write(&mut self) {
        let Reach { address, size, .. } = *self;
        let (number, other) = with(|state| {
            check_places(state);
            let overlaps = |&(other, other_size): &(*mut u8, usize)| {
                other.addr() < address.addr() + size && address.addr() < other.addr() + other_size
            };
            let other = state.places.iter().position(|place| place.as_ref().is_some_and(overlaps));
            let number = state.places.len();
            for index in 0..size {
                unsafe { address.add(index).write(pattern(number, index)) }
            }
            state.places.push(Some((address, size)));
            (number, other)
        });
        self.number = Some(number);
        note(Kind::Reached, number as u64, 0);
        if let Some(other) = other {
            note(Kind::Overlaps, number as u64, other as u64);
        }
    }
}

impl Drop for Reach {
    #[inline(never)]
    fn drop(&mut self) {
        with(|state| {
            check_places(state);
            if let Some(place) = self.number.and_then(|number| state.places.get_mut(number)) {
                *place = None;
            }
        });
    }
}

/// What is written to a byte of the place with the number.
fn pattern(number: usize, index: usize) -> u8 {
    (number.wrapping_mul(37) ^ index.wrapping_mul(11)) as u8 ^ 0xa5
}

/// Tells which places no longer have what was written to them, once.
fn check_places(state: &mut State) {
    for number in 0..state.places.len() {
        let Some((address, size)) = state.places[number] else { continue };
        let is_as_written =
            |index| unsafe { address.add(index).read_volatile() == pattern(number, index) };
        if !(0..size).all(is_as_written) {
            state.places[number] = None;
            state.events.push((Kind::Overwritten, number as u64, 0));
        }
    }
}

/// A number, or a row in the same place.
#[derive(Clone, Copy)]
pub union Overlay {
    pub number: u32,
    pub row: [u32; 5],
}

/// A foreign function that tells that it was called.
#[unsafe(no_mangle)]
extern "C" fn foreign_mark(number: u32) -> u32 {
    note(Kind::Foreign, number.into(), 0);
    number ^ 1
}

/// The same, and may unwind.
#[unsafe(no_mangle)]
extern "C-unwind" fn foreign_step(number: u32) -> u32 {
    event(Kind::Foreign, number.into(), 1);
    number ^ 1
}

/// Changes all that [`watched`] gave out.
fn change_watched() {
    with(|state| {
        for cell in &state.watched {
            cell.set(cell.get().wrapping_add(3));
        }
    });
}

/// Changes all that [`pointer`] gave out, at which nobody may look from when a future has finished,
/// and all that [`watched`] did.
fn change_the_world() {
    with(|state| {
        for &memory in &state.cells {
            unsafe { *memory = (*memory).wrapping_add(1000) }
        }
    });
    change_watched();
}

/// Panics.
#[inline(never)]
pub fn fail(place: u32) -> ! {
    note(Kind::Panics, place.into(), 0);
    raise(place.into())
}

// Futures.

/// A future that is pending as often as it says, and then gives a number.
pub struct Leaf {
    pending: u32,
    number: u32,
}

/// A future that is pending so often, and then gives the number.
#[inline(never)]
pub fn leaf(pending: u32, number: u32) -> Leaf {
    Leaf { pending, number }
}

impl Future for Leaf {
    type Output = u32;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        polled(self.pending, context);
        match self.pending {
            0 => Poll::Ready(self.number),
            _ => {
                self.pending -= 1;
                Poll::Pending
            }
        }
    }
}

/// Tells that a leaf is polled, and who is to be woken.
#[inline(never)]
pub fn polled(pending: u32, context: &Context<'_>) {
    event(Kind::Polled, pending.into(), context.waker().data() as u64);
}

/// A future that is behind a pointer, as all those of combinators are. A combinator takes it out
/// while it polls it: once it is done, or has panicked, the combinator itself has nothing left to
/// do, and is pending, whatever the future would say.
type Erased<'a> = Pin<Box<dyn Future<Output = u32> + 'a>>;

/// Gives what the first of two futures gives, and drops the other.
pub struct Select<'a>(Option<(Erased<'a>, Erased<'a>)>);

/// See [`Select`].
pub fn select<'a>(
    first: impl Future<Output = u32> + 'a,
    second: impl Future<Output = u32> + 'a,
) -> Select<'a> {
    Select(Some((Box::pin(first), Box::pin(second))))
}

impl Future for Select<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Some((mut first, mut second)) = self.0.take() else { return Poll::Pending };
        let mut answer = first.as_mut().poll(context);
        if answer.is_pending() {
            answer = second.as_mut().poll(context);
        }
        if answer.is_ready() {
            note(Kind::LetGo, 0, 0);
        } else {
            self.0 = Some((first, second));
        }
        answer
    }
}

/// Gives the sum of what two futures give.
pub struct Join<'a>(Option<Erased<'a>>, Option<Erased<'a>>, u32);

/// See [`Join`].
pub fn join<'a>(
    first: impl Future<Output = u32> + 'a,
    second: impl Future<Output = u32> + 'a,
) -> Join<'a> {
    Join(Some(Box::pin(first)), Some(Box::pin(second)), 0)
}

impl Future for Join<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Join(first, second, sum) = &mut *self;
        let is_over = first.is_none() && second.is_none();
        for side in [first, second] {
            let Some(mut future) = side.take() else { continue };
            match future.as_mut().poll(context) {
                Poll::Pending => *side = Some(future),
                Poll::Ready(number) => {
                    note(Kind::LetGo, 0, 0);
                    *sum = sum.wrapping_add(number);
                }
            }
        }
        let is_done = self.0.is_none() && self.1.is_none();
        if is_done && !is_over { Poll::Ready(self.2) } else { Poll::Pending }
    }
}

/// Gives what a future gives, and polls it again before.
pub struct Again<'a>(Option<Erased<'a>>);

/// See [`Again`].
pub fn again<'a>(future: impl Future<Output = u32> + 'a) -> Again<'a> {
    Again(Some(Box::pin(future)))
}

impl Future for Again<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Some(mut future) = self.0.take() else { return Poll::Pending };
        let answer = future.as_mut().poll(context);
        if let Poll::Ready(number) = answer {
            for _ in 0..2 {
                poll_in_vain(Some(number), &mut || future.as_mut().poll(context));
            }
        } else {
            self.0 = Some(future);
        }
        answer
    }
}

/// Gives what a future gives. If it panics, polls it again, drops it, and gives a number.
pub struct Guarded<'a>(Option<Erased<'a>>);

/// See [`Guarded`].
pub fn guarded<'a>(future: impl Future<Output = u32> + 'a) -> Guarded<'a> {
    Guarded(Some(Box::pin(future)))
}

impl Future for Guarded<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Some(mut future) = self.0.take() else { return Poll::Pending };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => {
                self.0 = Some(future);
                Poll::Pending
            }
            Ok(answer) => answer,
            Err(panic) => {
                note(Kind::Caught, code_of(&*panic), 0);
                poll_in_vain(None, &mut || future.as_mut().poll(context));
                Poll::Ready(13)
            }
        }
    }
}

/// Polls a future that has nothing left to do: it gave `given`, or it panicked.
///
/// The one event of that is the same for a panic that says so, for `Pending`, and for the value
/// that was given already.
fn poll_in_vain<T: Copy + PartialEq + Into<u64>>(
    given: Option<T>,
    poll: &mut dyn FnMut() -> Poll<T>,
) {
    cut();
    change_the_world();
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Ready(value)) if given != Some(value) => note(Kind::AgainOther, value.into(), 0),
        Ok(_) => note(Kind::Again, 0, 0),
        Err(panic) if is_resumption(text_of(&*panic)) => note(Kind::Again, 0, 0),
        Err(panic) => note(Kind::AgainPanicked, code_of(&*panic), 0),
    }
}

/// Polls a future again that gave a number.
pub fn in_vain(number: u32, poll: &mut dyn FnMut() -> Poll<u32>) {
    poll_in_vain(Some(number), poll);
}

// The executor.

/// What a program gives, as a number.
pub trait Answer {
    fn into_number(self) -> u64;
}

impl Answer for u32 {
    fn into_number(self) -> u64 {
        self.into()
    }
}

impl Answer for Token {
    fn into_number(self) -> u64 {
        1000 + u64::from(take(self))
    }
}

impl Answer for Outcome {
    fn into_number(self) -> u64 {
        2000 + u64::from(settle(self))
    }
}

/// A future whose answer is a number.
pub struct Numbered<F>(F);

impl<F: Future<Output: Answer>> Future for Numbered<F> {
    type Output = u64;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u64> {
        let future = unsafe { self.map_unchecked_mut(|numbered| &mut numbered.0) };
        future.poll(context).map(Answer::into_number)
    }
}

/// What a program's future is polled by, behind a pointer.
pub type Poller<'a> = &'a mut dyn FnMut(Pin<&mut dyn Future<Output = u64>>);

/// A program.
pub struct Program {
    /// Makes its future, moves it, lets the poller have a pointer to it, and drops it.
    pub by_pointer: fn(Poller<'_>),
    /// Makes its future, and polls it where it is until it is done.
    pub in_place: fn(),
    /// At which events to panic.
    pub injections: [usize; 3],
}

/// See [`Program::by_pointer`].
pub fn poll_by_pointer<F: Future<Output: Answer>>(future: F, poller: Poller<'_>) {
    poller(pin!(Numbered(future)));
}

/// See [`Program::in_place`].
pub fn poll_in_place<F: Future<Output: Answer>>(future: F) {
    let mut future = pin!(future);
    while may_poll() {
        match future.as_mut().poll(next_context()) {
            Poll::Ready(answer) => return finish(answer.into_number()),
            Poll::Pending => suspend(),
        }
    }
}

static TABLE: RawWakerVTable =
    RawWakerVTable::new(|data| RawWaker::new(data, &TABLE), |_| {}, |_| {}, |_| {});

/// A context with a waker that has a number of its own. Every poll gets a new one; the one before
/// is freed then, so that memcheck sees who uses it still.
#[inline(never)]
fn next_context() -> &'static mut Context<'static> {
    let (number, (old_context, old_waker)) = with(|state| {
        state.waker += 1;
        (state.waker, state.context)
    });
    let waker = RawWaker::new(std::ptr::without_provenance(number), &TABLE);
    let waker = Box::into_raw(Box::new(unsafe { Waker::from_raw(waker) }));
    let context = Box::into_raw(Box::new(Context::from_waker(unsafe { &*waker })));
    with(|state| state.context = (context, waker));
    if !old_context.is_null() {
        unsafe { drop((Box::from_raw(old_context), Box::from_raw(old_waker))) }
    }
    unsafe { &mut *context }
}

/// Whether the future may be polled once more.
#[inline(never)]
fn may_poll() -> bool {
    let may = with(|state| {
        state.polls += 1;
        state.polls <= POLL_LIMIT
    });
    if !may {
        note(Kind::Limit, 0, 0);
    }
    may
}

#[inline(never)]
fn suspend() {
    let polls = with(|state| state.polls);
    note(Kind::Suspended, polls.into(), 0);
    change_watched();
}

#[inline(never)]
fn finish(answer: u64) {
    note(Kind::Finished, answer, 0);
}

/// What is done with the future of a program.
#[derive(Clone, Copy, Debug)]
pub enum Scenario {
    /// It is polled behind a pointer until it is done, and dropped.
    Complete,
    /// It is polled in place until it is done, and dropped.
    Direct,
    /// It is polled until it is done or panics, polled three times more, and dropped.
    Again,
    /// It is dropped when it is suspended for the how manieth time, 0 before it is polled.
    DropAt(u32),
    /// As `Again`, with a panic at an event.
    Inject(usize),
    /// As `DropAt(1)`, with a panic at the first event of the drop.
    PanicInDrop,
}

/// All that is done with each program, by number.
pub fn scenarios(program: &Program) -> [Scenario; 12] {
    let [first, second, third] = program.injections;
    [
        Scenario::Complete,
        Scenario::Direct,
        Scenario::Again,
        Scenario::DropAt(0),
        Scenario::DropAt(1),
        Scenario::DropAt(2),
        Scenario::DropAt(3),
        Scenario::DropAt(4),
        Scenario::Inject(first),
        Scenario::Inject(second),
        Scenario::Inject(third),
        Scenario::PanicInDrop,
    ]
}

/// Runs a program in a scenario, and leaves the trace.
fn run_scenario(program: &Program, scenario: Scenario) {
    with(|state| *state = State::new());
    if let Scenario::Inject(at) = scenario {
        with(|state| state.inject_at = Some(at));
    }
    let run = || match scenario {
        Scenario::Direct => (program.in_place)(),
        _ => (program.by_pointer)(&mut |future| poll(future, scenario)),
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(()) => note(Kind::Gone, 0, 0),
        Err(panic) => note(Kind::Caught, code_of(&*panic), 0),
    }
    note_leaks();
}

/// Polls the future as the scenario has it. When this returns it is dropped.
fn poll(mut future: Pin<&mut dyn Future<Output = u64>>, scenario: Scenario) {
    let polls = match scenario {
        Scenario::DropAt(polls) => polls,
        Scenario::PanicInDrop => 1,
        _ => u32::MAX,
    };
    let mut suspensions = 0;
    let mut given = None;
    let mut is_over = false;
    while !is_over && suspensions < polls && may_poll() {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(next_context()))) {
            Ok(Poll::Pending) => suspend(),
            Ok(Poll::Ready(answer)) => {
                finish(answer);
                given = Some(answer);
                is_over = true;
            }
            Err(panic) => {
                note(Kind::Caught, code_of(&*panic), 0);
                is_over = true;
            }
        }
        suspensions += 1;
    }
    if is_over && matches!(scenario, Scenario::Again | Scenario::Inject(_)) {
        for _ in 0..3 {
            poll_in_vain(given, &mut || future.as_mut().poll(next_context()));
        }
    }
    note(Kind::Dropping, 0, 0);
    with(|state| {
        let panics = matches!(scenario, Scenario::PanicInDrop);
        state.inject_at = panics.then_some(state.events.len());
    });
}

fn note_leaks() {
    with(|state| {
        let leaked = (0..state.alive.len()).filter(|&id| state.alive[id]);
        let events: Vec<_> = leaked.map(|id| (Kind::Leaked, id as u64, 0)).collect();
        state.events.extend(events);
    });
}

fn print_trace() {
    let events = with(|state| std::mem::take(&mut state.events));
    for (kind, first, second) in events {
        println!("  {kind:?} {first} {second}");
    }
}

// Running many.

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(child: i32, status: *mut i32, options: i32) -> i32;
    fn alarm(seconds: u32) -> u32;
    fn setitimer(which: i32, to: *const Timer, from: *mut Timer) -> i32;
    fn _exit(code: i32) -> !;
    fn mmap(at: *mut u8, size: usize, access: i32, kind: i32, file: i32, from: i64) -> *mut u8;
}

/// When a timer goes off, and how often from then on, in seconds and microseconds.
#[repr(C)]
struct Timer {
    interval: [i64; 2],
    value: [i64; 2],
}

/// Ends this process if it takes too long from now on.
fn limit_time() {
    /// The timer that runs when the process does.
    const VIRTUAL: i32 = 1;
    let timer = Timer { interval: [0, 0], value: [TIME_LIMIT, 0] };
    unsafe {
        setitimer(VIRTUAL, &timer, std::ptr::null_mut());
        alarm(WAITING_LIMIT);
    }
}

/// The main function of every program. Its arguments are
///
/// * none, to run all programs in all scenarios, each where a crash does not end the others;
/// * `only <programs, by comma>`, to run these in this process;
/// * `trace <program> <scenario>`, to print the full trace of one.
pub fn main(programs: &[Program]) {
    std::panic::set_hook(Box::new(|panic| {
        cut();
        if is_resumption(text_of(panic.payload())) {
            with(|state| state.resumed = true);
        } else {
            panicked();
        }
        if cfg!(panic = "abort") {
            die();
        }
    }));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<usize>().ok());
    match arguments.first().map(String::as_str) {
        Some("only") => {
            for program in arguments[1].split(',').filter_map(|text| text.parse().ok()) {
                for scenario in 0..scenarios(&programs[program]).len() {
                    run_and_say(programs, program, scenario);
                }
            }
        }
        Some("trace") => {
            let (program, scenario) = (number(1).unwrap_or(0), number(2).unwrap_or(0));
            STOPS_AT_PANIC.set(true);
            run_and_say(programs, program, scenario);
            print_trace();
        }
        _ => run_all(programs),
    }
}

fn run_and_say(programs: &[Program], program: usize, scenario: usize) {
    AT.set((program, scenario));
    limit_time();
    run_scenario(&programs[program], scenarios(&programs[program])[scenario]);
    let (hash, at) = with(|state| (hash(&state.events), [state.cut, state.panicked]));
    let [cut, panic] = at.map(|at| at.map_or("-".into(), |hash| format!("{hash:x}")));
    say(&format!("ended {hash:x} {cut} {panic}{}", resumed()));
}

/// Runs everything in a child process. When that dies, another goes on behind where it was.
fn run_all(programs: &[Program]) {
    const READ_AND_WRITE: i32 = 3;
    const SHARED: i32 = 1;
    const ANONYMOUS: i32 = 0x20;
    /// What `waitpid` tells of a process that took too long: the signals of the two timers.
    const TOO_LONG: [i32; 2] = [14, 26];
    let mut order = Vec::new();
    for program in 0..programs.len() {
        order.extend((0..scenarios(&programs[program]).len()).map(|scenario| (program, scenario)));
    }
    let at = unsafe {
        mmap(std::ptr::null_mut(), 4096, READ_AND_WRITE, SHARED | ANONYMOUS, -1, 0).cast::<usize>()
    };
    let mut next = 0;
    while next < order.len() {
        let child = unsafe { fork() };
        if child == 0 {
            for (index, &(program, scenario)) in order.iter().enumerate().skip(next) {
                unsafe { at.write_volatile(index) };
                run_and_say(programs, program, scenario);
            }
            unsafe { _exit(0) };
        }
        let mut status = 0;
        unsafe { waitpid(child, &mut status, 0) };
        if status == 0 {
            break;
        }
        let died_at = unsafe { at.read_volatile() };
        if status != DIED << 8 {
            AT.set(order[died_at]);
            say(&format!("killed {status}"));
        }
        next = died_at + 1;
        if TOO_LONG.contains(&status) {
            // It is likely to hang in all scenarios, and one of them tells.
            let hangs = order[died_at].0;
            next += order[next..].iter().take_while(|(program, _)| *program == hangs).count();
        }
    }
}
