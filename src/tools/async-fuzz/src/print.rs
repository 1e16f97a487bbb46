//! Prints a program as Rust.
//!
//! A program is a module with a `pub const PROGRAM`. Functions that are auxiliary can be printed
//! into a module of another crate instead, see [`Split`].

mod futures;
mod kinds;
mod reach;
mod tower;

use std::fmt::Write as _;

use crate::program::{
    BUS, BUS_ARGUMENT, Block, Bus, Expression, Form, Function, Future, ITSELF, Lent, Matched,
    Program, Shape, Statement, Type, Variable,
};
use kinds::{foreign_text, room_text};

/// Where the functions go that are auxiliary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Split {
    /// They stand with the others.
    No,
    /// They stand in the crate [`AUXILIARY`].
    Yes,
}

/// The name of the crate with the functions that are auxiliary.
pub const AUXILIARY: &str = "auxiliary";

/// The name of the crate or module with the runtime.
pub const RUNTIME: &str = "runtime";

/// The module of a program that has the `index`; `runtime` is the path of the runtime.
pub fn module(program: &Program, index: usize, split: Split, runtime: &str) -> String {
    let mut printer = Printer::new();
    printer.open(&format!("pub mod p{index} {{"));
    let is_split = split == Split::Yes && program.has_auxiliary();
    printer.imports(runtime);
    if is_split {
        printer.line(&format!("use {AUXILIARY}::p{index}::*;"));
    }
    printer.kinds(program, |_| true);
    printer.late(program, !is_split, true);
    let own = |function: &&Function| !(is_split && function.auxiliary);
    if program.functions.iter().any(|function| is_method(function.form)) {
        printer.line("struct Device(Token);");
    }
    if let Some(maker) = &program.maker
        && !(is_split && maker.auxiliary)
    {
        printer.maker(maker, "");
    }
    if let Some(buses) = &program.buses {
        printer.buses(buses);
    }
    for function in program.functions.iter().filter(own) {
        printer.function(function, "");
    }
    printer.root(program);
    printer.close("}");
    printer.text
}

/// The module of the functions of a program that are auxiliary, in the crate of those.
pub fn auxiliary_module(program: &Program, index: usize, runtime: &str) -> Option<String> {
    if !program.has_auxiliary() {
        return None;
    }
    let mut printer = Printer::new();
    printer.open(&format!("pub mod p{index} {{"));
    printer.imports(runtime);
    printer.kinds(program, |function| function.auxiliary);
    printer.late(program, true, false);
    if let Some(maker) = program.maker.as_ref().filter(|maker| maker.auxiliary) {
        printer.maker(maker, "pub ");
    }
    for function in program.functions.iter().filter(|function| function.auxiliary) {
        printer.function(function, "pub ");
    }
    if let Some(tower) = program.tower {
        printer.tower(tower);
    }
    printer.close("}");
    Some(printer.text)
}

struct Printer {
    text: String,
    depth: usize,
}

impl Printer {
    fn new() -> Self {
        Printer { text: String::new(), depth: 0 }
    }

    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            let _ = writeln!(self.text, "{:1$}{line}", "", self.depth * 4);
        }
    }

    fn open(&mut self, line: &str) {
        self.line(line);
        self.depth += 1;
    }

    fn close(&mut self, line: &str) {
        self.depth -= 1;
        self.line(line);
    }

    fn imports(&mut self, runtime: &str) {
        self.line(&format!("use {runtime}::*;"));
        self.line("use std::{cell::Cell, future::Future, mem::ManuallyDrop, pin::{Pin, pin}};");
        self.line("use std::task::{Context, Poll};");
    }

    fn buses(&mut self, buses: &[Bus; 2]) {
        self.open("trait Bus {");
        self.line("async fn transfer(&mut self, v0: u32) -> u32;");
        self.line("async fn peek(&self, v0: u32) -> u32;");
        self.close("}");
        self.open("impl<T: Bus> Bus for &mut T {");
        self.line("async fn transfer(&mut self, v0: u32) -> u32 { T::transfer(*self, v0).await }");
        self.line("async fn peek(&self, v0: u32) -> u32 { T::peek(self, v0).await }");
        self.close("}");
        for (name, bus) in BUSES.iter().zip(buses) {
            self.line(&format!("struct {name}(Token);"));
            self.open(&format!("impl Bus for {name} {{"));
            for (method, body) in [("transfer(&mut self", &bus.transfer), ("peek(&self", &bus.peek)]
            {
                let argument = BUS_ARGUMENT.number;
                self.open(&format!("async fn {method}, mut v{argument}: u32) -> u32 {{"));
                self.block_inside(body);
                self.close("}");
            }
            self.close("}");
        }
    }

    fn function(&mut self, function: &Function, visible: &str) {
        let number = function.number;
        let mut parameters: Vec<_> = function.parameters.iter().map(parameter).collect();
        let output = type_name(function.output);
        let mut generics = "";
        match function.form {
            Form::Plain => {}
            Form::Block => {
                let parameters = parameters.join(", ");
                self.open(&format!(
                    "{visible}fn f{number}({parameters}) -> impl Future<Output = {output}> {{"
                ));
                self.open("async move {");
                self.block_inside(&function.body);
                self.close("}");
                self.close("}");
                return;
            }
            Form::Closure => {
                let types: Vec<_> = function.parameters.iter().map(|it| type_name(it.of)).collect();
                let (types, parameters) = (types.join(", "), parameters.join(", "));
                self.open(&format!(
                    "{visible}fn f{number}() -> impl AsyncFn({types}) -> {output} {{"
                ));
                self.open(&format!("async |{parameters}| {{"));
                self.block_inside(&function.body);
                self.close("}");
                self.close("}");
                return;
            }
            Form::Method | Form::MutableMethod | Form::ByValue => {
                let itself = match function.form {
                    Form::Method => "&self",
                    Form::MutableMethod => "&mut self",
                    _ => "self",
                };
                parameters.insert(0, itself.into());
                self.open("impl Device {");
            }
            Form::OverFuture => parameters.insert(0, "future: impl Future<Output = u32>".into()),
            Form::OverBus => parameters.insert(0, "mut bus: &mut impl Bus".into()),
            Form::OverType => generics = "<X: Maker>",
            Form::Recursive => parameters.insert(0, "depth: u32".into()),
        }
        let parameters = parameters.join(", ");
        self.open(&format!("{visible}async fn f{number}{generics}({parameters}) -> {output} {{"));
        self.block_inside(&function.body);
        self.close("}");
        if is_method(function.form) {
            self.close("}");
        }
    }

    fn root(&mut self, program: &Program) {
        let output = type_name(future_type(&program.root, program));
        self.open(&format!("fn make() -> impl Future<Output = {output}> {{"));
        for statement in &program.prelude {
            self.statement(statement);
        }
        let root = self.future(&program.root);
        self.line(&root);
        self.close("}");
        self.line("fn by_pointer(poller: Poller<'_>) {");
        self.line("    poll_by_pointer(make(), poller);");
        self.line("}");
        self.line("fn in_place() {");
        self.line("    poll_in_place(make());");
        self.line("}");
        let injections = program.injections;
        self.line("pub const PROGRAM: Program =");
        self.line(&format!("    Program {{ by_pointer, in_place, injections: {injections:?} }};"));
    }

    /// The lines of a block, without its braces.
    fn block_inside(&mut self, block: &Block) {
        for statement in &block.statements {
            self.statement(statement);
        }
        if let Some(tail) = &block.tail {
            let tail = self.expression(tail);
            self.line(&tail);
        }
    }

    /// A block as part of a line. Its own lines are printed deeper than that.
    fn block(&mut self, block: &Block) -> String {
        let outer = std::mem::take(&mut self.text);
        self.depth += 1;
        self.block_inside(block);
        self.depth -= 1;
        let inner = std::mem::replace(&mut self.text, outer);
        if inner.lines().count() <= 1 && inner.trim().len() < 50 {
            return format!("{{ {} }}", inner.trim());
        }
        format!("{{\n{inner}{:1$}}}", "", self.depth * 4)
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let(variable, value) => {
                let value = self.expression(value);
                self.line(&match variable.of {
                    // A bus may be any type.
                    Type::Bus => format!("let mut {} = {value};", name(*variable)),
                    _ => format!("let {} = {value};", parameter(variable)),
                });
            }
            Statement::Ignore(value) => {
                let value = self.expression(value);
                self.line(&format!("let _ = {value};"));
            }
            Statement::Evaluate(value) => {
                let value = self.expression(value);
                self.line(&format!("({value});"));
            }
            Statement::Assign(variable, value) => {
                let (value, number) = (self.expression(value), variable.number);
                self.line(&match variable.of {
                    Type::Exclusive => format!("*v{number} = {value};"),
                    Type::Watched => format!("v{number}.set({value});"),
                    _ => format!("v{number} = {value};"),
                });
            }
            Statement::AssignElement(variable, index, value) => {
                let (index, value) = (self.index(index), self.expression(value));
                self.line(&format!("v{}[{index}] = {value};", variable.number));
            }
            Statement::RenewSelf => self.line("self.0 = token();"),
            Statement::Drop(variable) => self.line(&format!("drop(v{});", variable.number)),
            Statement::Mark(place, value) => {
                let value = self.expression(value);
                self.line(&format!("mark({place}, {value});"));
            }
            Statement::If(condition, then, otherwise) => {
                let text = self.if_text(condition, then, otherwise);
                self.line(&text);
            }
            Statement::IfError(variable, values, then, otherwise) => {
                let text = self.if_error_text(variable, values, then, otherwise);
                self.line(&text);
            }
            Statement::Match(value, arms) => {
                let text = self.match_text(value, arms);
                self.line(&text);
            }
            Statement::For(variable, rounds, body) => {
                let body = self.block(body);
                self.line(&format!("for v{} in 0..{rounds}u32 {body}", variable.number));
            }
            Statement::While(variable, rounds, condition, body) => {
                self.counted_while(variable.number, *rounds, condition, body);
            }
            Statement::Break(condition) => self.only_if(condition, "break;"),
            Statement::Continue(condition) => self.only_if(condition, "continue;"),
            Statement::Return(condition, value) => {
                let value = self.expression(value);
                self.only_if(condition, &format!("return {value};"));
            }
            Statement::Panic(condition, place) => {
                self.only_if(condition, &format!("fail({place});"));
            }
            Statement::Scope(body) => {
                let body = self.block(body);
                self.line(&body);
            }
            Statement::Reach(reach, number, body) => self.reach(*reach, *number, body),
            Statement::PinnedAwait(variable, future) => {
                let future = self.future(future);
                let number = variable.number;
                self.line(&format!("let mut w{number} = pin!({future});"));
                self.line(&format!("let mut v{number}: u32 = w{number}.as_mut().await;"));
            }
            Statement::HeldAwait(variable, future, body) => {
                let future = self.future(future);
                let number = variable.number;
                self.line(&format!("let h{number} = {future};"));
                let body = self.block(body);
                self.line(&body);
                self.line(&format!("let mut v{number}: u32 = h{number}.await;"));
            }
        }
    }

    /// A loop that ends after so many rounds, whatever the condition is.
    fn counted_while(&mut self, number: u32, rounds: u32, condition: &Expression, body: &Block) {
        self.line(&format!("let mut v{number} = 0u32;"));
        let condition = self.condition(condition);
        self.open(&format!("while v{number} < {rounds} && {condition} {{"));
        self.line(&format!("v{number} += 1;"));
        self.block_inside(body);
        self.close("}");
    }

    fn only_if(&mut self, condition: &Expression, what: &str) {
        let condition = self.condition(condition);
        self.line(&format!("if {condition} {{ {what} }}"));
    }

    fn condition(&mut self, expression: &Expression) -> String {
        format!("{} & 1 == 1", self.expression(expression))
    }

    fn if_error_text(
        &mut self,
        variable: &Variable,
        [value, condition]: &[Expression; 2],
        then: &Block,
        otherwise: &Block,
    ) -> String {
        let (value, condition) = (self.expression(value), self.condition(condition));
        let (then, otherwise) = (self.block(then), self.block(otherwise));
        let behind = format!("{condition} {then}");
        let pattern = pattern("Err", variable, &behind);
        format!("if let {pattern} = {value} && {behind} else {otherwise}")
    }

    fn if_text(&mut self, condition: &Expression, then: &Block, otherwise: &Block) -> String {
        let condition = self.condition(condition);
        let then = self.block(then);
        let empty = otherwise.statements.is_empty() && otherwise.tail.is_none();
        if empty {
            return format!("if {condition} {then}");
        }
        let otherwise = self.block(otherwise);
        format!("if {condition} {then} else {otherwise}")
    }

    /// An index, or a number as one.
    fn index(&mut self, index: &Expression) -> String {
        let text = self.expression(index);
        match index {
            Expression::ToIndex(_) | Expression::Variable(Variable { of: Type::Index, .. }) => text,
            _ => format!("({text} % 3) as usize"),
        }
    }

    fn match_text(&mut self, value: &Expression, arms: &[Block]) -> String {
        let mut text = format!("match {} % {} {{\n", self.expression(value), arms.len().max(1));
        self.depth += 1;
        for (index, arm) in arms.iter().enumerate() {
            let pattern = if index + 1 == arms.len() { "_".to_owned() } else { index.to_string() };
            let arm = self.block(arm);
            let _ = writeln!(text, "{:1$}{pattern} => {arm}", "", self.depth * 4);
        }
        self.depth -= 1;
        let _ = write!(text, "{:1$}}}", "", self.depth * 4);
        text
    }

    fn match_outcome_text(
        &mut self,
        matched: Matched,
        value: &Expression,
        arms: &[(Variable, Block); 2],
    ) -> String {
        let value = self.expression(value);
        let [before, lend, after] = match matched {
            Matched::AtOnce => ["", "", ""],
            Matched::Seen => ["let kept = ", "seen(&kept)", " } else { settle(kept) } }"],
            Matched::Turned => ["let mut kept = ", "turn(&mut kept)", " } else { settle(kept) } }"],
        };
        let mut text = match matched {
            Matched::AtOnce => format!("(match {value} {{\n"),
            _ => format!("({{ {before}{value}; if let Ok(_) = kept {{ {lend}; match kept {{\n"),
        };
        self.depth += 1;
        for (variant, (variable, arm)) in ["Ok", "Err"].iter().zip(arms.iter()) {
            let arm = self.block(arm);
            let pattern = pattern(variant, variable, &arm);
            let _ = writeln!(text, "{:1$}{pattern} => {arm}", "", self.depth * 4);
        }
        self.depth -= 1;
        let _ = write!(text, "{:1$}}}{after})", "", self.depth * 4);
        text
    }

    fn expressions(&mut self, expressions: &[Expression]) -> Vec<String> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    fn expression(&mut self, expression: &Expression) -> String {
        use Expression as E;
        match expression {
            E::Literal(number) => format!("{number}u32"),
            E::Hidden(value) => format!("number({value})"),
            E::Variable(Variable { number, of: Type::Exclusive }) => format!("(*v{number})"),
            E::Variable(variable) => format!("v{}", variable.number),
            E::Borrow(variable) => format!("&v{}", variable.number),
            E::Log(variable) if variable.of == Type::Row => {
                format!("log_row(&v{})", variable.number)
            }
            E::Log(variable) => format!("log(&v{})", variable.number),
            E::BorrowMutably(Variable { number, of: Type::Exclusive }) => {
                format!("&mut *v{number}")
            }
            E::BorrowMutably(variable) => format!("&mut v{}", variable.number),
            E::MutableTemporary(inner) => format!("&mut {}", self.expression(inner)),
            E::Device => "&mut Device(token())".into(),
            E::Bus(bus) => format!("&mut {}(token())", BUSES[*bus]),
            E::Watched(number) => format!("watched({number})"),
            E::Get(inner) => format!("{}.get()", self.expression(inner)),
            E::Sum(one, other) => {
                let one = self.expression(one);
                format!("{one}.wrapping_add({})", self.expression(other))
            }
            E::Xor(one, other) => {
                let one = self.expression(one);
                format!("({one} ^ {})", self.expression(other))
            }
            E::Element(index) => format!("[5u32, 8, 6][({} % 4) as usize]", self.expression(index)),
            E::Row(numbers) => {
                let numbers = self.expressions(&numbers[..]).join(", ");
                format!("[{numbers}]")
            }
            E::ToIndex(number) => format!("({} % 2) as usize", self.expression(number)),
            E::Index(row, index) => format!("v{}[{}]", row.number, self.index(index)),
            E::BorrowElement(pair, index) => format!("&v{}[{}]", pair.number, self.index(index)),
            E::LendElement(row, index) => format!("&mut v{}[{}]", row.number, self.index(index)),
            E::Token => "token()".into(),
            E::Blank => "blank()".into(),
            E::Pair(one, other) => {
                let one = self.expression(one);
                format!("[{one}, {}]", self.expression(other))
            }
            E::BorrowTemporary(inner) => format!("&{}", self.expression(inner)),
            E::Bump => "bump()".into(),
            E::Look(inner) => format!("look({})", self.expression(inner)),
            E::LookAtSelf => "look(&self.0)".into(),
            E::Take(inner, of) => {
                let inner = self.expression(inner);
                take_text(&inner, *of)
            }
            E::Foreign(foreign, inner) => foreign_text(*foreign, &self.expression(inner)),
            E::Room(room, function, inner) => room_text(*room, *function, &self.expression(inner)),
            E::Outcome(inner) => format!("outcome({})", self.expression(inner)),
            E::Try(inner) => format!("{}?", self.expression(inner)),
            E::If(condition, then, otherwise) => {
                let text = self.if_text(condition, then, otherwise);
                format!("({text})")
            }
            E::Match(value, arms) => {
                let text = self.match_text(value, arms);
                format!("({text})")
            }
            E::MatchOutcome(matched, value, arms) => self.match_outcome_text(*matched, value, arms),
            E::Await(future) => format!("{}.await", self.future(future)),
            E::Recurse(function, of, arguments) => {
                let mut all = vec!["depth - 1".to_owned()];
                all.extend(self.expressions(arguments));
                let call = format!("Box::pin(f{function}({})).await", all.join(", "));
                format!("(if depth > 0 {{ {} }} else {{ 1 }})", take_text(&call, *of))
            }
        }
    }
}

/// The names of the two buses.
const BUSES: [&str; 2] = ["FirstBus", "SecondBus"];

/// A bus as an argument.
fn lent_text(lent: Lent) -> String {
    match lent {
        Lent::New(bus) => format!("&mut {}(token())", BUSES[bus]),
        Lent::Own(bus) => format!("&mut *{}", name(bus)),
        Lent::Forwarded(bus) => format!("&mut {}", name(bus)),
    }
}

/// The name of a variable.
fn name(variable: Variable) -> String {
    match variable {
        ITSELF => "self".into(),
        BUS => "bus".into(),
        Variable { number, .. } => format!("v{number}"),
    }
}

/// The pattern before the text `behind`. It moves the variant's value to `variable`, unless that is
/// not mentioned there: what stays where it is will be dropped with what is matched.
fn pattern(variant: &str, variable: &Variable, behind: &str) -> String {
    let name = format!("v{}", variable.number);
    let mut words = behind.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    if words.any(|word| word == name) {
        format!("{variant}(mut {name})")
    } else {
        format!("{variant}(_)")
    }
}

fn is_method(form: Form) -> bool {
    matches!(form, Form::Method | Form::MutableMethod | Form::ByValue)
}

/// What makes a number of `value`.
fn take_text(value: &str, of: Type) -> String {
    match of {
        Type::Number => value.to_owned(),
        Type::Token => format!("take({value})"),
        Type::Blank => format!("take_blank({value})"),
        Type::Pair => format!("take_pair({value})"),
        Type::Row => format!("take_row({value})"),
        Type::Index => format!("({value} as u32)"),
        Type::Borrowed => format!("look({value})"),
        Type::Outcome => format!("settle({value})"),
        Type::Exclusive => format!("(*{value})"),
        Type::Watched => format!("{value}.get()"),
        Type::Device | Type::Bus => unreachable!("no function gives one of these"),
    }
}

fn parameter(variable: &Variable) -> String {
    let mutable = if is_mutable(variable.of) { "mut " } else { "" };
    format!("{mutable}v{}: {}", variable.number, type_name(variable.of))
}

fn is_mutable(of: Type) -> bool {
    matches!(of, Type::Number | Type::Token | Type::Pair | Type::Row | Type::Index)
}

fn type_name(of: Type) -> &'static str {
    match of {
        Type::Number => "u32",
        Type::Token => "Token",
        Type::Blank => "Blank",
        Type::Pair => "[Token; 2]",
        Type::Row => "[u32; 3]",
        Type::Index => "usize",
        Type::Borrowed => "&Token",
        Type::Outcome => "Outcome",
        Type::Exclusive => "&mut u32",
        Type::Watched => "&Cell<u32>",
        Type::Device => "&mut Device",
        Type::Bus => "&mut impl Bus",
    }
}

/// What `future`, which is not a parameter, gives.
pub fn future_type(future: &Future, program: &Program) -> Type {
    match future {
        Future::Call { function, .. } => program
            .functions
            .iter()
            .find(|callee| callee.number == *function)
            .map_or(Type::Number, |callee| callee.output),
        Future::Wrapped(_, inner) => future_type(inner, program),
        Future::Hand(Shape::Question, ..) => Type::Outcome,
        _ => Type::Number,
    }
}
