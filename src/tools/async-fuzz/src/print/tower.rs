//! Prints generic functions of another crate that nobody calls.

use super::Printer;
use crate::program::{Question, Tower};

impl Printer {
    /// A module with the functions of `tower`. They are optimized where they are written.
    pub(super) fn tower(&mut self, tower: Tower) {
        let last = tower.steps;
        self.open("pub mod tower {");
        self.line("use std::marker::PhantomData;");
        for step in 0..last {
            self.line(&format!("pub trait A{step} {{}}"));
            self.line(&format!("impl<T: A{}> A{step} for T {{}}", step + 1));
        }
        self.line(&format!("pub trait A{last} {{}}"));
        self.line("pub struct Layer<T>(T);");
        self.line(&format!("impl<T: A0> A{last} for Layer<T> {{}}"));
        self.line(&format!("impl<T: A0> A{last} for (T, T) {{}}"));
        let question = self.question(tower.question);
        let next = if tower.is_wide { "(Layer<T>, Layer<T>)" } else { "Layer<T>" };
        self.open(&format!("async fn t0<T: A{last}>() -> u32 {{"));
        self.line(question);
        self.line("std::future::pending::<()>().await;");
        self.line("answer");
        self.close("}");
        for floor in 1..tower.height {
            let below = floor - 1;
            self.line(&format!(
                "pub async fn t{floor}<T: A{last}>() -> u32 {{ t{below}::<{next}>().await }}"
            ));
        }
        self.close("}");
    }

    /// What stands beside the functions for `question`. Returns the lines that ask it.
    fn question(&mut self, question: Question) -> &'static str {
        match question {
            Question::Method | Question::Object => {
                self.line("pub struct Wrap<T>(PhantomData<T>);");
                self.line("pub trait Go { fn go(&self) -> u32; }");
                self.line("impl<T: A0> Go for Wrap<T> { fn go(&self) -> u32 { 5 } }");
                if question == Question::Method {
                    "let answer = Wrap::<T>(PhantomData).go();"
                } else {
                    "let answer = { let it: &dyn Go = &Wrap::<T>(PhantomData); it.go() };"
                }
            }
            Question::Layout => {
                self.has_field();
                self.line("pub enum Choice<T: Has> { Some(T::Field), None }");
                self.line("#[inline(never)]");
                self.open("pub fn choice<'a, T: A0 + 'a>() -> &'a Choice<T> {");
                self.line("std::hint::black_box(None).unwrap_or(&Choice::None)");
                self.close("}");
                "let answer = match choice::<T>() { Choice::Some(_) => 1, Choice::None => 2 };"
            }
            Question::Drop => {
                self.line("impl<T: A0 + Copy> Copy for Layer<T> {}");
                self.line(
                    "impl<T: A0 + Copy> Clone for Layer<T> { fn clone(&self) -> Self { *self } }",
                );
                "let answer = { let none = [None::<T>, None]; none.len() as u32 };"
            }
            Question::Associated => {
                self.has_field();
                "let answer = { let field: Option<<T as Has>::Field> = None; field.is_some() as u32 };"
            }
        }
    }

    fn has_field(&mut self) {
        self.line("pub trait Has { type Field; }");
        self.line("impl<T: A0> Has for T { type Field = u8; }");
    }
}

#[cfg(test)]
mod tests {
    use crate::generate;
    use crate::print::{RUNTIME, Split, auxiliary_module, module};
    use crate::program::Question;

    #[test]
    fn each_question_is_asked_in_the_other_crate_only() {
        let mut asked = Vec::new();
        for seed in 0..1000 {
            let program = generate::program(seed);
            let Some(tower) = program.tower else { continue };
            let auxiliary = auxiliary_module(&program, 0, RUNTIME).unwrap();
            assert!(auxiliary.contains("pub mod tower {"), "{auxiliary}");
            assert!(!module(&program, 0, Split::Yes, RUNTIME).contains("tower"));
            asked.push(tower.question);
        }
        for question in [
            Question::Method,
            Question::Object,
            Question::Layout,
            Question::Drop,
            Question::Associated,
        ] {
            assert!(asked.contains(&question), "{question:?}");
        }
    }
}
