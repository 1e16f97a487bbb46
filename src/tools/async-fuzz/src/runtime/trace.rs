//! What happens in a run, and what is printed of it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::task::{Context, Waker};

use super::*;

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
pub(super) struct State {
    pub(super) events: Vec<(Kind, u64, u64)>,
    /// The hash of the events up to the cut.
    pub(super) cut: Option<u64>,
    /// The hash of the events up to the first panic that is not because nothing was left to do.
    pub(super) panicked: Option<u64>,
    /// A future with nothing left to do panicked when it was polled.
    pub(super) resumed: bool,
    /// Whether the value with this id is alive.
    pub(super) alive: Vec<bool>,
    pub(super) counter: u64,
    /// The memory that [`pointer`] gave out.
    pub(super) cells: Vec<*mut u32>,
    /// What [`watched`] gave out.
    pub(super) watched: Vec<&'static Cell<u32>>,
    /// The places that may be reached by their addresses, by number; none where that is over.
    pub(super) places: Vec<Option<(*mut u8, usize)>>,
    /// What programs have a [`Kept`] of, by its number.
    pub(super) kept: Vec<ManuallyDrop<Reach>>,
    /// What [`withdraw`] is to give.
    pub(super) deposits: Vec<Option<ManuallyDrop<Token>>>,
    /// The event at which to panic.
    pub(super) inject_at: Option<usize>,
    /// The number of the last waker.
    pub(super) waker: usize,
    /// The last context and its waker, if there is one.
    pub(super) context: (*mut Context<'static>, *mut Waker),
    /// How often the future has been polled.
    pub(super) polls: u32,
    /// How often a [`Turn`] has been polled.
    pub(super) turns: u32,
}

impl State {
    pub(super) const fn new() -> Self {
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
            kept: Vec::new(),
            deposits: Vec::new(),
            inject_at: None,
            waker: 0,
            context: (std::ptr::null_mut(), std::ptr::null_mut()),
            polls: 0,
            turns: 0,
        }
    }
}

thread_local! {
    pub(super) static STATE: RefCell<State> = const { RefCell::new(State::new()) };
    /// The program and scenario that run.
    pub(super) static AT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

pub(super) fn with<T>(use_it: impl FnOnce(&mut State) -> T) -> T {
    STATE.with(|state| use_it(&mut state.borrow_mut()))
}

/// FNV-1a, by words.
pub(super) fn hash(events: &[(Kind, u64, u64)]) -> u64 {
    let words = events.iter().flat_map(|&(kind, first, second)| [kind as u64, first, second]);
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
}

/// Writes an event of the executor, at which it never panics.
#[inline(never)]
pub(super) fn note(kind: Kind, first: u64, second: u64) {
    with(|state| {
        check_places(state);
        state.events.push((kind, first, second));
    });
}

/// Writes an event of the program, and panics if it is the one to panic at.
#[inline(never)]
pub(super) fn event(kind: Kind, first: u64, second: u64) {
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
pub(super) fn cut() {
    with(|state| {
        if state.cut.is_none() {
            state.cut = Some(hash(&state.events));
        }
    });
}

/// Remembers that there is a panic here, unless there was one before.
pub(super) fn panicked() {
    cut();
    with(|state| {
        if state.panicked.is_none() {
            state.panicked = Some(hash(&state.events));
        }
    });
}

/// Panics, without the message.
pub(super) fn raise(code: u64) -> ! {
    panicked();
    if cfg!(panic = "abort") {
        die();
    }
    resume_unwind(Box::new(code));
}

/// Ends a process that is about to abort, and says so.
pub(super) fn die() -> ! {
    let (cut, here) = with(|state| (state.cut.unwrap_or(0), hash(&state.events)));
    say(&format!("died {cut:x} {here:x}{}", resumed()));
    if STOPS_AT_PANIC.get() {
        print_trace();
    }
    unsafe { _exit(DIED) }
}

/// Whether the panic, with this text, is that of a future with nothing left to do.
pub(super) fn is_resumption(text: &str) -> bool {
    text.contains("resumed after")
}

/// What is said at the end of a line if there was such a panic.
pub(super) fn resumed() -> &'static str {
    if with(|state| state.resumed) { " resumed" } else { "" }
}

/// The exit code of a process that would have aborted.
pub(super) const DIED: i32 = 33;

thread_local! {
    /// Whether a full trace was asked for.
    pub(super) static STOPS_AT_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Prints how the scenario went, at once.
pub(super) fn say(what: &str) {
    let (program, scenario) = AT.get();
    let line = format!("{program} {scenario} {what}\n");
    let mut out = std::io::stdout();
    let _ = out.write_all(line.as_bytes());
    let _ = out.flush();
}

/// What a panic was, as a number.
pub(super) fn code_of(panic: &(dyn Any + Send)) -> u64 {
    if let Some(code) = panic.downcast_ref::<u64>() {
        return *code;
    }
    let text = text_of(panic);
    text.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
}

pub(super) fn text_of(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "",
    }
}
