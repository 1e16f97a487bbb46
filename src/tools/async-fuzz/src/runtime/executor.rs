//! What polls a program, and runs many.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::*;

/// How often a future is polled that is never done.
const POLL_LIMIT: u32 = 40;

/// How many seconds of the processor a program may take in one scenario.
const TIME_LIMIT: i64 = 3;

/// How many seconds it may be about that: on a busy machine it has to wait for its turn.
const WAITING_LIMIT: u32 = 100;

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

pub(super) static TABLE: RawWakerVTable =
    RawWakerVTable::new(|data| RawWaker::new(data, &TABLE), |_| {}, |_| {}, |_| {});

/// A context with a waker that has a number of its own. Every poll gets a new one; the one before
/// is freed then, so that memcheck sees who uses it still.
#[inline(never)]
pub(super) fn next_context() -> &'static mut Context<'static> {
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
pub(super) fn may_poll() -> bool {
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
pub(super) fn suspend() {
    let polls = with(|state| state.polls);
    note(Kind::Suspended, polls.into(), 0);
    change_watched();
}

#[inline(never)]
pub(super) fn finish(answer: u64) {
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
pub(super) fn run_scenario(program: &Program, scenario: Scenario) {
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

/// Polls so many frames deeper in the stack: what a future does not save is elsewhere in each poll.
#[inline(never)]
fn at_depth<T>(depth: u32, poll: &mut dyn FnMut() -> T) -> T {
    let frame = std::hint::black_box([depth; 8]);
    let answer = if depth == 0 { poll() } else { at_depth(depth - 1, poll) };
    std::hint::black_box(&frame);
    answer
}

/// Polls the future as the scenario has it. When this returns it is dropped.
pub(super) fn poll(mut future: Pin<&mut dyn Future<Output = u64>>, scenario: Scenario) {
    let polls = match scenario {
        Scenario::DropAt(polls) => polls,
        Scenario::PanicInDrop => 1,
        _ => u32::MAX,
    };
    let mut suspensions = 0;
    let mut given = None;
    let mut is_over = false;
    while !is_over && suspensions < polls && may_poll() {
        let mut poll = || future.as_mut().poll(next_context());
        match catch_unwind(AssertUnwindSafe(|| at_depth(suspensions % 4, &mut poll))) {
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

pub(super) fn note_leaks() {
    with(|state| {
        let leaked = (0..state.alive.len()).filter(|&id| state.alive[id]);
        let events: Vec<_> = leaked.map(|id| (Kind::Leaked, id as u64, 0)).collect();
        state.events.extend(events);
    });
}

pub(super) fn print_trace() {
    let events = with(|state| std::mem::take(&mut state.events));
    for (kind, first, second) in events {
        println!("  {kind:?} {first} {second}");
    }
}

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(child: i32, status: *mut i32, options: i32) -> i32;
    fn alarm(seconds: u32) -> u32;
    fn setitimer(which: i32, to: *const Timer, from: *mut Timer) -> i32;
    pub(super) fn _exit(code: i32) -> !;
    fn mmap(at: *mut u8, size: usize, access: i32, kind: i32, file: i32, from: i64) -> *mut u8;
}

/// When a timer goes off, and how often from then on, in seconds and microseconds.
#[repr(C)]
pub(super) struct Timer {
    interval: [i64; 2],
    value: [i64; 2],
}

/// Ends this process if it takes too long from now on.
pub(super) fn limit_time() {
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

pub(super) fn run_and_say(programs: &[Program], program: usize, scenario: usize) {
    AT.set((program, scenario));
    limit_time();
    run_scenario(&programs[program], scenarios(&programs[program])[scenario]);
    let (hash, at) = with(|state| (hash(&state.events), [state.cut, state.panicked]));
    let [cut, panic] = at.map(|at| at.map_or("-".into(), |hash| format!("{hash:x}")));
    say(&format!("ended {hash:x} {cut} {panic}{}", resumed()));
}

/// Runs everything in a child process. When that dies, another goes on behind where it was.
pub(super) fn run_all(programs: &[Program]) {
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
