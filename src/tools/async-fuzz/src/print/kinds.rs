//! Prints what is few of a kind: a trait and its types, foreign functions, futures that are written
//! by hand, and what has the size of a future.

use super::{Printer, is_method};
use crate::program::{
    BUS_ARGUMENT, Block, Expression, Foreign, Form, Function, Future, Hall, Implementor, Method,
    Node, Own, Program, Room, Shape, Trait, Unique, Wrapper,
};

/// The parts of a program that something has to stand beside the functions for.
#[derive(Default)]
struct Kinds {
    has_prompt: bool,
    has_slow: bool,
    foreign: Vec<Foreign>,
    /// Whether they wait
    shapes: Vec<(Shape, bool)>,
    wrappers: Vec<Wrapper>,
    uniques: Vec<Unique>,
    /// For which functions
    rooms: Vec<(Room, u32)>,
    halls: Vec<(Hall, u32)>,
}

impl Kinds {
    fn of(program: &Program) -> Self {
        fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        let mut kinds = Kinds::default();
        program.clone().walk(&mut |node| match node {
            Node::Future(Future::Prompt(_)) => kinds.has_prompt = true,
            Node::Future(Future::Slow(..)) => kinds.has_slow = true,
            Node::Future(Future::Hand(shape, pending, _)) => {
                if matches!(shape, Shape::Owner | Shape::Turns) {
                    add(&mut kinds.shapes, (Shape::Match, pending.is_some()));
                }
                add(&mut kinds.shapes, (*shape, pending.is_some()));
            }
            Node::Future(Future::Wrapped(wrapper, _)) => add(&mut kinds.wrappers, *wrapper),
            Node::Future(Future::Unique(unique, _)) => add(&mut kinds.uniques, *unique),
            Node::Future(Future::Hall(hall, function, ..)) => {
                add(&mut kinds.halls, (*hall, *function));
            }
            Node::Expression(Expression::Foreign(foreign, _)) => add(&mut kinds.foreign, *foreign),
            Node::Expression(Expression::Room(room, function, _)) => {
                add(&mut kinds.rooms, (*room, *function));
            }
            _ => {}
        });
        kinds
    }
}

impl Printer {
    /// What stands beside the functions that `has` says are in the crate or to be had there.
    pub(super) fn kinds(&mut self, program: &Program, has: impl Fn(&Function) -> bool) {
        let kinds = Kinds::of(program);
        if kinds.has_prompt {
            self.line("struct Prompt(u32);");
            self.prompt_future("Prompt", "mark(0, self.0); Poll::Ready(self.0)");
        }
        if kinds.has_slow {
            self.line("struct Slow(u32, u32, Token);");
            self.waiting_future(
                "Slow",
                "polled(self.0, context); if self.0 == 0 { return Poll::Ready(self.1); } \
                 self.0 -= 1; Poll::Pending",
            );
        }
        for foreign in kinds.foreign {
            self.line(match foreign {
                Foreign::Mark => "unsafe extern \"C\" { fn foreign_mark(number: u32) -> u32; }",
                Foreign::Step => {
                    "unsafe extern \"C-unwind\" { fn foreign_step(number: u32) -> u32; }"
                }
                Foreign::Abs => "unsafe extern \"C\" { fn abs(number: i32) -> i32; }",
            });
        }
        for (shape, waits) in kinds.shapes {
            if waits { self.waiting_shape(shape) } else { self.prompt_shape(shape) }
        }
        for wrapper in kinds.wrappers {
            self.wrapper(wrapper);
        }
        self.uniques(&kinds.uniques);
        self.sized(program, &kinds.rooms, &kinds.halls, has);
    }

    /// A generic function that awaits, with the impl for it that is known there, if the program has
    /// `Late` futures; and the impl that another crate adds.
    pub(super) fn late(&mut self, program: &Program, has_first: bool, has_later: bool) {
        if !program.has_late() {
            return;
        }
        if has_first {
            self.line("#[fundamental] pub struct Late<T>(pub T);");
            self.prompt_future("Late<u32>", "Poll::Ready(self.0)");
            self.line(
                "pub async fn late<T>(future: Late<T>) -> u32 where Late<T>: Future<Output = u32> \
                 { future.await }",
            );
        }
        if has_later {
            self.line("struct LateSlow(u32, u32);");
            self.waiting_future(
                "Late<LateSlow>",
                "let this = &mut self.0; polled(this.0, context); if this.0 == 0 { return \
                 Poll::Ready(this.1); } this.0 -= 1; Poll::Pending",
            );
        }
    }

    /// The `poll` of a future that gives a number, and the end of its text.
    fn waiting_future(&mut self, of: &str, body: &str) {
        self.future_of(of, "u32", "mut self: Pin<&mut Self>, context", body);
    }

    fn prompt_future(&mut self, of: &str, body: &str) {
        self.future_of(of, "u32", "self: Pin<&mut Self>, _", body);
    }

    /// The `of` may begin with generic parameters.
    fn future_of(&mut self, of: &str, output: &str, arguments: &str, body: &str) {
        let (generics, of) = match of.rsplit_once("> ") {
            Some((generics, of)) => (format!("{generics}>"), of),
            None => (String::new(), of),
        };
        self.open(&format!("impl{generics} Future for {of} {{"));
        self.line(&format!("type Output = {output};"));
        self.open(&format!("fn poll({arguments}: &mut Context<'_>) -> Poll<{output}> {{"));
        self.line(body);
        self.close("}");
        self.close("}");
    }

    /// A future that is pending as often as its first field says, and then gives the second.
    fn waiting_shape(&mut self, shape: Shape) {
        /// How a function or a method does it.
        const STEP: &str = "polled(self.0, context); if self.0 == 0 { return \
                            Poll::Ready(self.1); } self.0 -= 1; Poll::Pending";
        let of = format!("Slow{shape:?}");
        match shape {
            Shape::Owner => self.line(&format!("struct {of}(SlowMatch);")),
            Shape::Turns => self.line(&format!("struct {of}(SlowMatch, SlowMatch);")),
            _ => self.line(&format!("struct {of}(u32, u32);")),
        }
        match shape {
            Shape::Match => self.waiting_future(
                &of,
                "polled(self.0, context); match self.0 { 0 => Poll::Ready(self.1), left => { \
                 self.0 = left - 1; Poll::Pending } }",
            ),
            Shape::Mixed => {
                self.line(&format!(
                    "fn later(this: &mut {of}) -> Poll<u32> {{ this.0 -= 1; Poll::Pending }}"
                ));
                self.waiting_future(
                    &of,
                    "polled(self.0, context); if self.0 > 0 { return later(&mut self); } \
                     Poll::Ready(self.1)",
                );
            }
            Shape::Question => self.future_of(
                &of,
                "Outcome",
                "mut self: Pin<&mut Self>, context",
                "polled(self.0, context); if self.0 > 0 { self.0 -= 1; return Poll::Pending; } \
                 let number = outcome(self.1)?; Poll::Ready(Ok(number ^ 2))",
            ),
            Shape::Checked => {
                self.line(&format!(
                    "impl {of} {{ fn less(&mut self) -> Option<u32> {{ self.0 = \
                     self.0.checked_sub(1)?; Some(self.0) }} }}"
                ));
                self.waiting_future(
                    &of,
                    "polled(self.0, context); if self.less().is_some() { Poll::Pending } else { \
                     Poll::Ready(self.1) }",
                );
            }
            Shape::Method => {
                self.line(&format!(
                    "impl {of} {{ fn step(&mut self, context: &mut Context<'_>) -> Poll<u32> {{ \
                     {STEP} }} }}"
                ));
                self.waiting_future(&of, "self.step(context)");
            }
            Shape::Function => {
                let step = STEP.replace("self", "this");
                self.line(&format!(
                    "fn step(this: &mut {of}, context: &mut Context<'_>) -> Poll<u32> {{ {step} }}"
                ));
                self.waiting_future(&of, "step(&mut self, context)");
            }
            Shape::Mapped => self.waiting_future(
                &of,
                "polled(self.0, context); let answer = if self.0 == 0 { Poll::Ready(self.1) } \
                 else { self.0 -= 1; Poll::Pending }; answer.map(|number| number.wrapping_add(1))",
            ),
            Shape::Owner => self.waiting_future(&of, "Pin::new(&mut self.0).poll(context)"),
            Shape::Turns => self.waiting_future(
                &of,
                "let first = Pin::new(&mut self.0).poll(context); let second = Pin::new(&mut \
                 self.1).poll(context); match (first, second) { (Poll::Ready(one), \
                 Poll::Ready(other)) => Poll::Ready(one.wrapping_add(other)), _ => Poll::Pending }",
            ),
        }
    }

    /// A future that gives a number of its field at once.
    fn prompt_shape(&mut self, shape: Shape) {
        let of = format!("Prompt{shape:?}");
        match shape {
            Shape::Owner => self.line(&format!("struct {of}(PromptMatch);")),
            Shape::Turns => self.line(&format!("struct {of}(PromptMatch, PromptMatch);")),
            _ => self.line(&format!("struct {of}(u32);")),
        }
        match shape {
            Shape::Match => self.prompt_future(
                &of,
                "match self.0 & 1 { 0 => Poll::Ready(self.0), _ => Poll::Ready(self.0 ^ 2) }",
            ),
            Shape::Mixed => {
                self.line(&format!(
                    "fn other(this: &{of}) -> Poll<u32> {{ mark(0, this.0); Poll::Ready(4) }}"
                ));
                self.prompt_future(
                    &of,
                    "if self.0 & 1 == 1 { return other(&self); } Poll::Ready(self.0)",
                );
            }
            Shape::Question => self.future_of(
                &of,
                "Outcome",
                "self: Pin<&mut Self>, _",
                "let number = outcome(self.0)?; Poll::Ready(Ok(number ^ 2))",
            ),
            Shape::Checked => {
                self.line(&format!(
                    "impl {of} {{ fn less(&self) -> Option<u32> {{ Some(self.0.checked_sub(3)? + \
                     1) }} }}"
                ));
                self.prompt_future(
                    &of,
                    "match self.less() { Some(less) => Poll::Ready(less), None => Poll::Ready(0) }",
                );
            }
            Shape::Method => {
                self.line(&format!(
                    "impl {of} {{ fn answer(&self) -> Poll<u32> {{ mark(0, self.0); \
                     Poll::Ready(self.0) }} }}"
                ));
                self.prompt_future(&of, "self.answer()");
            }
            Shape::Function => {
                self.line(&format!(
                    "fn answer(this: &{of}) -> Poll<u32> {{ mark(0, this.0); Poll::Ready(this.0) }}"
                ));
                self.prompt_future(&of, "answer(&self)");
            }
            Shape::Mapped => {
                self.prompt_future(&of, "Poll::Ready(self.0).map(|number| number.wrapping_add(1))");
            }
            Shape::Owner => self.future_of(
                &of,
                "u32",
                "mut self: Pin<&mut Self>, context",
                "Pin::new(&mut self.0).poll(context)",
            ),
            Shape::Turns => self.future_of(
                &of,
                "u32",
                "mut self: Pin<&mut Self>, context",
                "let _ = Pin::new(&mut self.0).poll(context); Pin::new(&mut self.1).poll(context)",
            ),
        }
    }

    /// A future around another one. What it does when that has answered, it may do again, as long
    /// as nobody sees: a body that gives a constant may give it again.
    fn wrapper(&mut self, wrapper: Wrapper) {
        const INNER: &str = "unsafe { self.map_unchecked_mut(|this| &mut this.0) }";
        let of = format!("<F: Future> Wrapped{wrapper:?}<F>");
        let poll = format!("{INNER}.poll(context)");
        let arguments = "self: Pin<&mut Self>, context";
        if wrapper == Wrapper::InVain {
            self.line("struct WrappedInVain<F>(F, bool);");
        } else {
            self.line(&format!("struct Wrapped{wrapper:?}<F>(F);"));
        }
        match wrapper {
            Wrapper::Field => self.future_of(&of, "F::Output", arguments, &poll),
            Wrapper::Matched => self.future_of(
                &of,
                "F::Output",
                arguments,
                &format!(
                    "match {poll} {{ Poll::Ready(answer) => Poll::Ready(answer), Poll::Pending => \
                     Poll::Pending }}"
                ),
            ),
            Wrapper::Ready => self.future_of(
                &of,
                "F::Output",
                arguments,
                &format!("let answer = std::task::ready!({poll}); Poll::Ready(answer)"),
            ),
            Wrapper::Method => {
                self.line(&format!(
                    "impl<F: Future> WrappedMethod<F> {{ fn step(self: Pin<&mut Self>, context: \
                     &mut Context<'_>) -> Poll<F::Output> {{ {poll} }} }}"
                ));
                self.future_of(&of, "F::Output", arguments, "self.step(context)");
            }
            Wrapper::Function => {
                self.line(
                    "fn poll_it<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> \
                     Poll<F::Output> { future.poll(context) }",
                );
                self.future_of(&of, "F::Output", arguments, &format!("poll_it({INNER}, context)"));
            }
            Wrapper::Mapped => self.future_of(
                "<F: Future<Output = u32>> WrappedMapped<F>",
                "u32",
                arguments,
                &format!("{poll}.map(|number| number.wrapping_add(1))"),
            ),
            Wrapper::Question => self.future_of(
                "<F: Future<Output = Outcome>> WrappedQuestion<F>",
                "Outcome",
                arguments,
                &format!("{poll}?.map(|number| Ok(number ^ 2))"),
            ),
            Wrapper::InVain => self.future_of(
                "<F: Future<Output = u32>> WrappedInVain<F>",
                "u32",
                arguments,
                "let this = unsafe { self.get_unchecked_mut() }; if std::mem::replace(&mut this.1, \
                 true) { return Poll::Pending; } let mut inner = unsafe { \
                 Pin::new_unchecked(&mut this.0) }; let answer = inner.as_mut().poll(context); \
                 match answer { Poll::Pending => this.1 = false, Poll::Ready(number) => \
                 in_vain(number, &mut || inner.as_mut().poll(context)) } answer",
            ),
        }
    }

    /// Futures around others, which make values of what these give.
    fn uniques(&mut self, uniques: &[Unique]) {
        let inner = "unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(context)";
        let mut future = |of: &str, output: &str, answer: &str| {
            self.line(&format!("struct {of}<F>(F);"));
            self.future_of(
                &format!("<F: Future<Output = {output}>> {of}<F>"),
                "u32",
                "self: Pin<&mut Self>, context",
                &format!("{inner}.map({answer})"),
            );
        };
        if uniques.iter().any(|unique| matches!(unique, Unique::Pointer | Unique::HandedOn)) {
            let answer = "|raw| take(*unsafe { Box::from_raw(raw) })";
            future("RedeemsPointer", "*mut Token", answer);
        }
        if uniques.contains(&Unique::Ticket) {
            future("RedeemsTicket", "u32", "|ticket| take(withdraw(ticket))");
        }
        if uniques.contains(&Unique::Function) {
            future("RedeemsFunction", "fn() -> u32", "|bump| bump()");
        }
        if uniques.contains(&Unique::HandedOn) {
            self.line("async fn hand_on<T>(value: T) -> T { value }");
        }
        if uniques.contains(&Unique::Boxed) {
            self.line("struct RedeemsBoxed<'a>(Pin<Box<dyn Future<Output = *mut Token> + 'a>>);");
            self.waiting_future(
                "RedeemsBoxed<'_>",
                "self.0.as_mut().poll(context).map(|raw| take(*unsafe { Box::from_raw(raw) }))",
            );
        }
    }

    /// What has use for the sizes of futures: of those of functions that `has` says are there.
    fn sized(
        &mut self,
        program: &Program,
        rooms: &[(Room, u32)],
        halls: &[(Hall, u32)],
        has: impl Fn(&Function) -> bool,
    ) {
        let of = |number: u32| {
            let is_it = |function: &&Function| function.number == number && has(function);
            program.functions.iter().find(is_it)
        };
        let rooms: Vec<_> =
            rooms.iter().filter_map(|&(room, number)| Some((room, of(number)?))).collect();
        let halls: Vec<_> =
            halls.iter().filter_map(|&(hall, number)| Some((hall, of(number)?))).collect();
        let all = rooms.iter().map(|(_, function)| *function);
        let mut counts: Vec<_> = all
            .chain(halls.iter().map(|(_, function)| *function))
            .map(|function| parameters_of(function))
            .collect();
        counts.sort_unstable();
        counts.dedup();
        for count in counts {
            let types: Vec<_> = (0..count).map(|index| format!("A{index}")).collect();
            let types = types.join(", ");
            let generics = if count == 0 { String::new() } else { format!("{types}, ") };
            self.line(&format!(
                "const fn size{count}<{generics}R>(_: fn({types}) -> R) -> usize {{ \
                 size_of::<R>() }}"
            ));
        }
        if rooms.iter().any(|(room, _)| *room == Room::Static) {
            self.line("struct Place<const SIZE: usize>([u8; SIZE]);");
        }
        if rooms.iter().any(|(room, _)| *room == Room::Generic) {
            self.line(
                "fn fill<const SIZE: usize>(number: u32) -> u32 { let room = [0u8; SIZE]; \
                 number.wrapping_add((room.len() / 1_000_000) as u32) }",
            );
        }
        for (room, function) in rooms {
            self.room(room, function);
        }
        for (hall, function) in halls {
            self.hall(hall, function);
        }
    }

    fn room(&mut self, room: Room, function: &Function) {
        let (size, number) = (size(function), function.number);
        let body = match room {
            Room::Constant => {
                self.line(&format!("const SIZE{number}: usize = {size};"));
                format!("let room = [0u8; SIZE{number}];")
            }
            Room::Static => format!(
                "static ROOM: Place<{{ {size} }}> = Place([0; {size}]); let room = &ROOM.0;"
            ),
            Room::Generic => {
                self.line(&format!(
                    "fn room_generic{number}(number: u32) -> u32 {{ fill::<{{ {size} }}>(number) }}"
                ));
                return;
            }
            Room::Associated => {
                self.line(&format!("struct Sized{number};"));
                self.line(&format!("impl Sized{number} {{ const SIZE: usize = {size}; }}"));
                format!("let room = [0u8; Sized{number}::SIZE];")
            }
            Room::Block => format!("let room = [0u8; const {{ {size} }}];"),
            Room::Inline => {
                self.line(&format!("const INLINE{number}: usize = {size};"));
                return;
            }
        };
        let name = format!("{room:?}").to_lowercase();
        self.line(&format!(
            "fn room_{name}{number}(number: u32) -> u32 {{ {body} \
             number.wrapping_add((room.len() / 1_000_000) as u32) }}"
        ));
    }

    fn hall(&mut self, hall: Hall, function: &Function) {
        let (size, number) = (size(function), function.number);
        let of = format!("Hall{hall:?}{number}");
        let room = format!("let room = [0u8; {size}];");
        let answer = "Poll::Ready(self.1.wrapping_add((room.len() / 1_000_000) as u32))";
        let waits = "polled(self.0, context); if self.0 == 0 { return Poll::Ready(self.1); } \
                     self.0 -= 1; Poll::Pending";
        self.line(&format!("struct {of}(u32, u32);"));
        match hall {
            Hall::Poll => self.waiting_future(
                &of,
                &format!(
                    "{room} polled(self.0, context); if self.0 == 0 {{ return {answer}; }} self.0 \
                     -= 1; Poll::Pending"
                ),
            ),
            Hall::Prompt => self.prompt_future(&of, &format!("{room} {answer}")),
            Hall::Drop => {
                self.waiting_future(&of, waits);
                self.line(&format!(
                    "impl Drop for {of} {{ fn drop(&mut self) {{ {room} mark((room.len() / \
                     1_000_000) as u32, self.1); }} }}"
                ));
            }
            Hall::Maker => {
                self.waiting_future(&of, waits);
                self.line(&format!(
                    "fn hall{number}(pending: u32, number: u32) -> {of} {{ {room} {of}(pending, \
                     number.wrapping_add((room.len() / 1_000_000) as u32)) }}"
                ));
            }
        }
    }

    /// The trait, and the types that implement it.
    pub(super) fn maker(&mut self, maker: &Trait, visible: &str) {
        self.open(&format!("{visible}trait Maker {{"));
        for (index, method) in maker.methods.iter().enumerate() {
            match &method.default {
                Some(default) => self.async_method(index, method, default),
                None => {
                    let argument = argument_of(method).replace("mut ", "");
                    self.line(&format!("async fn m{index}({argument}) -> u32;"));
                }
            }
        }
        self.close("}");
        for of in 0..maker.types {
            self.line(&format!("{visible}struct X{of};"));
            self.open(&format!("impl Maker for X{of} {{"));
            for (index, method) in maker.methods.iter().enumerate() {
                match method.own.get(of).and_then(Option::as_ref) {
                    Some(Own::Async(body)) => self.async_method(index, method, body),
                    Some(Own::Plain(place, future)) => {
                        self.attributes(method);
                        self.line("#[allow(refining_impl_trait)]");
                        let argument = argument_of(method);
                        self.open(&format!(
                            "fn m{index}({argument}) -> impl Future<Output = u32> {{"
                        ));
                        self.line(&format!("mark({place}, 0);"));
                        let future = self.future(future);
                        self.line(&future);
                        self.close("}");
                    }
                    None => {}
                }
            }
            self.close("}");
        }
    }

    fn attributes(&mut self, method: &Method) {
        if method.is_never_inlined {
            self.line("#[inline(never)]");
        }
    }

    fn async_method(&mut self, index: usize, method: &Method, body: &Block) {
        self.attributes(method);
        self.open(&format!("async fn m{index}({}) -> u32 {{", argument_of(method)));
        self.block_inside(body);
        self.close("}");
    }

    pub(super) fn unique_text(&mut self, unique: Unique, inner: Option<&Future>) -> String {
        let awaited = self.awaited_first(inner);
        match unique {
            Unique::Pointer => format!(
                "RedeemsPointer({{ let raw = raw_token(); async move {{ {awaited}raw }} }})"
            ),
            Unique::Boxed => format!(
                "RedeemsBoxed(Box::pin({{ let raw = raw_token(); async move {{ {awaited}raw }} }}))"
            ),
            Unique::HandedOn if awaited.is_empty() => "RedeemsPointer(hand_on(raw_token()))".into(),
            Unique::HandedOn => format!(
                "RedeemsPointer({{ let raw = raw_token(); async move {{ {awaited}hand_on(raw)\
                 .await }} }})"
            ),
            Unique::Ticket => format!(
                "RedeemsTicket({{ let ticket = deposit(token()); async move {{ {awaited}ticket }} \
                 }})"
            ),
            Unique::Function => {
                format!("RedeemsFunction(async move {{ {awaited}bump as fn() -> u32 }})")
            }
        }
    }
}

/// The size of the future of a function.
fn size(function: &Function) -> String {
    let device = if is_method(function.form) { "Device::" } else { "" };
    format!("size{}({device}f{})", parameters_of(function), function.number)
}

/// How many parameters it has when it is printed.
fn parameters_of(function: &Function) -> usize {
    function.parameters.len()
        + usize::from(is_method(function.form) || function.form == Form::Recursive)
}

/// A future that is written by hand.
pub(super) fn hand_text(shape: Shape, pending: Option<u32>, value: &str) -> String {
    match (shape, pending) {
        (Shape::Owner, Some(pending)) => format!("SlowOwner(SlowMatch({pending}, {value}))"),
        (Shape::Owner, None) => format!("PromptOwner(PromptMatch({value}))"),
        (Shape::Turns, Some(pending)) => {
            format!("SlowTurns(SlowMatch(0, 3), SlowMatch({pending}, {value}))")
        }
        (Shape::Turns, None) => format!("PromptTurns(PromptMatch(3), PromptMatch({value}))"),
        (_, Some(pending)) => format!("Slow{shape:?}({pending}, {value})"),
        (_, None) => format!("Prompt{shape:?}({value})"),
    }
}

/// The argument of a method of the trait, if it has one.
fn argument_of(method: &Method) -> String {
    let argument = || format!("mut v{}: u32", BUS_ARGUMENT.number);
    if method.has_argument { argument() } else { String::new() }
}

/// The name of a type that implements the trait.
pub(super) fn implementor_text(implementor: Implementor) -> String {
    match implementor {
        Implementor::Type(index) => format!("X{index}"),
        Implementor::Itself => "Self".into(),
        Implementor::Parameter => "X".into(),
    }
}

/// The call of a foreign function.
pub(super) fn foreign_text(foreign: Foreign, argument: &str) -> String {
    match foreign {
        Foreign::Mark => format!("(unsafe {{ foreign_mark({argument}) }})"),
        Foreign::Step => format!("(unsafe {{ foreign_step({argument}) }})"),
        Foreign::Abs => format!("(unsafe {{ abs(({argument} & 0xff) as i32) }} as u32)"),
    }
}

/// A number, from where the size of the function's future is of use.
pub(super) fn room_text(room: Room, function: u32, argument: &str) -> String {
    match room {
        Room::Inline => {
            format!("{argument}.wrapping_add(([0u8; INLINE{function}].len() / 1_000_000) as u32)")
        }
        _ => format!("room_{}{function}({argument})", format!("{room:?}").to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use crate::generate;
    use crate::print::{Split, auxiliary_module, module};

    #[test]
    fn a_trait_stands_in_one_of_two_crates() {
        let mut seen = [false; 2];
        for seed in 0..300 {
            let program = generate::program(seed);
            let Some(maker) = &program.maker else { continue };
            let own = module(&program, 0, Split::Yes, "runtime").contains("trait Maker {");
            let auxiliary = auxiliary_module(&program, 0, "runtime").unwrap_or_default();
            assert_eq!(own, !maker.auxiliary, "{seed}");
            assert_eq!(auxiliary.contains("pub trait Maker {"), maker.auxiliary, "{seed}");
            assert!(module(&program, 0, Split::No, "runtime").contains("trait Maker {"));
            seen[usize::from(own)] = true;
        }
        assert_eq!(seen, [true; 2]);
    }

    #[test]
    fn an_impl_is_added_by_the_crate_that_uses_the_generic_function() {
        let mut seen = 0;
        for program in (0..300).map(generate::program).filter(|program| program.has_late()) {
            let own = module(&program, 0, Split::Yes, "runtime");
            let auxiliary = auxiliary_module(&program, 0, "runtime").unwrap_or_default();
            for (text, has_function) in [(&own, false), (&auxiliary, true)] {
                assert_eq!(text.contains("async fn late<T>"), has_function, "{text}");
                assert_eq!(text.contains("struct LateSlow"), !has_function, "{text}");
            }
            seen += 1;
        }
        assert!(seen > 5, "{seen}");
    }

    #[test]
    fn what_is_sized_stands_where_its_function_is_to_be_had() {
        let mut seen = 0;
        for seed in 0..1000 {
            let program = generate::program(seed);
            let Some(auxiliary) = auxiliary_module(&program, 0, "runtime") else { continue };
            for function in program.functions.iter().filter(|function| !function.auxiliary) {
                let size = format!("(f{})", function.number);
                assert!(!auxiliary.contains(&size), "{seed}: {auxiliary}");
                let here = module(&program, 0, Split::Yes, "runtime");
                seen += usize::from(here.contains(&size));
            }
        }
        assert!(seen > 1, "{seen}");
    }
}
