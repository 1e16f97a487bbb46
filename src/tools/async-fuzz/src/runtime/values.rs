//! The values that programs are made of, and numbers that no compiler knows.

use std::cell::Cell;
use std::mem::ManuallyDrop;

use super::*;

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

/// Looks at an outcome.
#[inline(never)]
pub fn seen(outcome: &Outcome) {
    match outcome {
        Ok(number) => note(Kind::Foreign, (*number).into(), 9),
        Err(token) => drop(look(token)),
    }
}

/// Makes an outcome the other variant.
#[inline(never)]
pub fn turn(outcome: &mut Outcome) {
    *outcome = if outcome.is_ok() { Err(token()) } else { Ok(1) };
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

/// Looks at a number that is borrowed for that.
#[inline(never)]
pub fn log(number: &u32) -> u32 {
    *std::hint::black_box(number)
}

/// Looks at three of them.
#[inline(never)]
pub fn log_row(row: &[u32; 3]) -> u32 {
    take_row(*std::hint::black_box(row))
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

/// The same, of which the runtime alone has the address: what a program has is no pointer.
pub struct Kept(usize);

/// What has to be dropped before the variable at `place` is.
#[inline(never)]
pub fn keep<T>(place: *mut T) -> Kept {
    let reach = ManuallyDrop::new(reach(place));
    with(|state| {
        state.kept.push(reach);
        Kept(state.kept.len() - 1)
    })
}

impl Kept {
    /// Writes to the place, as [`Reach::write`] does.
    #[inline(never)]
    pub fn write(&mut self) {
        let mut reach = self.reach();
        reach.write();
        with(|state| state.kept[self.0].number = reach.number);
    }

    fn reach(&self) -> ManuallyDrop<Reach> {
        with(|state| {
            let Reach { address, size, number } = *state.kept[self.0];
            ManuallyDrop::new(Reach { address, size, number })
        })
    }
}

impl Drop for Kept {
    #[inline(never)]
    fn drop(&mut self) {
        drop(ManuallyDrop::into_inner(self.reach()));
    }
}

/// The address of a variable, and nothing that is dropped or that anybody else has: as long as it
/// is used, nothing else may take the place of the variable.
pub struct Address<T>(*mut T);

/// The address of the variable at `place`.
#[inline(never)]
pub fn address<T>(place: *mut T) -> Address<T> {
    Address(place)
}

impl<T> Clone for Address<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Address<T> {}

impl<T> Address<T> {
    /// Writes to the place, which nobody else may use from now on.
    #[inline(never)]
    pub fn write(self) {
        for index in 0..size_of::<T>() {
            unsafe { *self.0.cast::<u8>().wrapping_add(index) = pattern(7, index) }
        }
    }

    /// Tells whether the place still has what was written to it.
    #[inline(never)]
    pub fn check(self) {
        for index in 0..size_of::<T>() {
            let found = unsafe { *self.0.cast::<u8>().wrapping_add(index) };
            if found != pattern(7, index) {
                note(Kind::Overwritten, index as u64, 1);
                return;
            }
        }
    }
}

/// What is known of the address of a variable: as long as it has storage, that stays the same.
pub struct Known(usize);

/// A pointer to bytes is made of these two.
#[repr(C)]
struct Pointers {
    _first: *const u8,
    _second: *const u8,
}

/// The address of the variable at `place` as the length of a slice, and so as a number.
#[inline(never)]
pub fn known<T>(place: *mut T) -> Known {
    let pointers = Pointers { _first: std::ptr::null(), _second: place.cast() };
    let slice: *const [u8] = unsafe { std::mem::transmute(pointers) };
    Known(slice.len())
}

impl Known {
    /// Tells whether the variable is still where it was.
    #[inline(never)]
    pub fn check<T>(self, place: *mut T) {
        if known(place).0 != self.0 {
            note(Kind::Overwritten, 0, 2);
        }
    }
}

/// What is written to a byte of the place with the number.
pub(super) fn pattern(number: usize, index: usize) -> u8 {
    (number.wrapping_mul(37) ^ index.wrapping_mul(11)) as u8 ^ 0xa5
}

/// Tells which places no longer have what was written to them, once.
pub(super) fn check_places(state: &mut State) {
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
pub(super) fn change_watched() {
    with(|state| {
        for cell in &state.watched {
            cell.set(cell.get().wrapping_add(3));
        }
    });
}

/// Changes all that [`pointer`] gave out, at which nobody may look from when a future has finished,
/// and all that [`watched`] did.
pub(super) fn change_the_world() {
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
