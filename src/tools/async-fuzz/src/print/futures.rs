//! Prints futures.

use super::kinds::{hand_text, implementor_text};
use super::{Printer, is_method, lent_text, name};
use crate::program::{Block, Expression, Form, Future, Hall, Over, Variable, Wrapper};

impl Printer {
    pub(super) fn future(&mut self, future: &Future) -> String {
        use Future as F;
        match future {
            F::Leaf(pending, value) => format!("leaf({pending}, {})", self.expression(value)),
            F::Slow(pending, value) => {
                format!("Slow({pending}, {}, token())", self.expression(value))
            }
            F::Prompt(value) => format!("Prompt({})", self.expression(value)),
            F::Late(pending, value) => {
                format!("late(Late(LateSlow({pending}, {})))", self.expression(value))
            }
            F::Hand(shape, pending, value) => {
                let value = self.expression(value);
                hand_text(*shape, *pending, &value)
            }
            F::Wrapped(Wrapper::InVain, inner) => {
                format!("WrappedInVain({}, false)", self.future(inner))
            }
            F::Wrapped(wrapper, inner) => format!("Wrapped{wrapper:?}({})", self.future(inner)),
            F::Hall(Hall::Maker, function, pending, value) => {
                format!("hall{function}({pending}, {})", self.expression(value))
            }
            F::Hall(hall, function, pending, value) => {
                format!("Hall{hall:?}{function}({pending}, {})", self.expression(value))
            }
            F::TraitCall(implementor, method, argument) => {
                let implementor = implementor_text(*implementor);
                let argument = argument.as_deref().map(|argument| self.expression(argument));
                let argument = argument.unwrap_or_default();
                format!("<{implementor} as Maker>::m{method}({argument})")
            }
            F::Ready(value) => format!("std::future::ready({})", self.expression(value)),
            F::PollFn(value) => {
                let value = self.expression(value);
                format!(
                    "({{ let value = {value}; std::future::poll_fn(move |_| Poll::Ready(value)) }})"
                )
            }
            F::Turn => "Turn".into(),
            F::Never => "std::future::pending::<u32>()".into(),
            F::Call { function, form, over, arguments } => {
                self.call_text(*function, *form, over.as_deref(), arguments)
            }
            F::BusCall(bus, argument) => {
                format!("{}.transfer({})", name(*bus), self.expression(argument))
            }
            F::Peek(bus, arguments) => self.peek_text(*bus, arguments),
            F::Parameter => "future".into(),
            F::Block { moves, body } => {
                format!("async {}{}", if *moves { "move " } else { "" }, self.block(body))
            }
            F::Closure { is_async, parameter, body, argument } => {
                self.closure_text(*is_async, *parameter, body, argument)
            }
            F::Select(one, other) => {
                let one = self.future(one);
                format!("select({one}, {})", self.future(other))
            }
            F::Join(one, other) => {
                let one = self.future(one);
                format!("join({one}, {})", self.future(other))
            }
            F::Boxed(inner) => format!("Box::pin({})", self.future(inner)),
            F::Dyn(inner) => {
                let inner = self.future(inner);
                format!("(Box::pin({inner}) as Pin<Box<dyn Future<Output = u32> + '_>>)")
            }
            F::Again(inner) => format!("again({})", self.future(inner)),
            F::Guarded(inner) => format!("guarded({})", self.future(inner)),
            F::FreesPointer(_) | F::ReadsOnce(_) | F::Peeks(_) | F::Stores(_) => {
                self.once_text(future)
            }
            F::Unique(unique, inner) => self.unique_text(*unique, inner.as_deref()),
        }
    }

    pub(super) fn closure_text(
        &mut self,
        is_async: bool,
        parameter: Variable,
        body: &Block,
        argument: &Expression,
    ) -> String {
        let body = self.block(body);
        let argument = self.expression(argument);
        let parameter = format!("mut v{}: u32", parameter.number);
        if is_async {
            format!("(async |{parameter}| {body})({argument})")
        } else {
            format!("(|{parameter}| async move {body})({argument})")
        }
    }

    pub(super) fn peek_text(&mut self, bus: Variable, arguments: &[Expression]) -> String {
        let bus = name(bus);
        let calls: Vec<_> = self
            .expressions(arguments)
            .iter()
            .map(|argument| format!("{bus}.peek({argument})"))
            .collect();
        match &calls[..] {
            [call] => call.clone(),
            _ => format!("join({})", calls.join(", ")),
        }
    }

    pub(super) fn call_text(
        &mut self,
        function: u32,
        form: Form,
        over: Option<&Over>,
        arguments: &[Expression],
    ) -> String {
        let mut all = Vec::new();
        let mut callee = format!("f{function}");
        match over {
            Some(Over::Future(future)) => all.push(self.future(future)),
            Some(Over::Bus(lent)) => all.push(lent_text(*lent)),
            Some(Over::Type(implementor)) => {
                callee += &format!("::<{}>", implementor_text(*implementor));
            }
            Some(Over::Device(device)) => {
                callee.insert_str(0, &format!("{}.", name(*device)));
            }
            None if is_method(form) => callee.insert_str(0, "Device(token())."),
            None => {}
        }
        if form == Form::Recursive {
            all.push("2".into());
        }
        all.extend(self.expressions(arguments));
        if form == Form::Closure {
            let arguments: String = all.iter().map(|argument| format!("{argument}, ")).collect();
            return format!("AsyncFnOnce::async_call_once({callee}(), ({arguments}))");
        }
        format!("{callee}({})", all.join(", "))
    }

    /// A future whose body may run but once, and has an effect.
    pub(super) fn once_text(&mut self, future: &Future) -> String {
        use Future as F;
        match future {
            F::FreesPointer(inner) => {
                let awaited = self.awaited_first(inner.as_deref());
                format!(
                    "({{ let raw = raw_token(); async move {{ {awaited}unsafe {{ \
                     drop(Box::from_raw(raw)) }}; 4u32 }} }})"
                )
            }
            F::ReadsOnce(inner) => {
                let awaited = self.awaited_first(inner.as_deref());
                format!(
                    "({{ let kept = ManuallyDrop::new(token()); async move {{ {awaited}take(unsafe \
                     {{ std::ptr::read(&*kept) }}) }} }})"
                )
            }
            F::Peeks(inner) => {
                let awaited = self.awaited_first(inner.as_deref());
                format!("({{ let raw = pointer(6); async move {{ {awaited}unsafe {{ *raw }} }} }})")
            }
            F::Stores(is_apart) => {
                let inline = if *is_apart { "#[inline(never)] " } else { "" };
                format!(
                    "({{ static mut STORED: u32 = 0; {inline}async fn store() -> u32 {{ unsafe {{ \
                     STORED = 5 }}; 2 }} async {{ unsafe {{ STORED = 0 }}; let answer = \
                     store().await; answer + unsafe {{ STORED }} }} }})"
                )
            }
            _ => unreachable!("not one of these futures"),
        }
    }

    /// A statement that awaits `future`, for the front of a block.
    pub(super) fn awaited_first(&mut self, future: Option<&Future>) -> String {
        future.map(|future| format!("{}.await; ", self.future(future))).unwrap_or_default()
    }
}
