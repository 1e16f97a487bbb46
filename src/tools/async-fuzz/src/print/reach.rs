//! Prints variables that are reached by their addresses.

use super::Printer;
use crate::program::{Block, Reach};

impl Printer {
    /// The `body` while the variable that is named after `number` is reached. Its value is moved
    /// before something else is written there, and is used when the body is over; what writes there
    /// is dropped before that, and before the variable is.
    pub(super) fn reach(&mut self, reach: Reach, number: u32, body: &Block) {
        let made = match reach {
            Reach::Row => "[1u32, 2, 3]",
            Reach::Uninit => "std::mem::MaybeUninit::<[u32; 5]>::uninit()",
            Reach::Union => "Overlay { row: [4; 5] }",
            Reach::Moved | Reach::Renewed | Reach::Handed | Reach::Captured => "[token(), token()]",
        };
        self.open("{");
        self.line(&format!("let mut r{number} = {made};"));
        // Who has the address: something that is dropped, the runtime, a variable alone, or nobody,
        // but it is known. That writes nothing, and what was moved for good has no address that
        // could be compared with it.
        let may_be_known = matches!(reach, Reach::Row | Reach::Union | Reach::Renewed);
        let (holder, ended) = match number / 2 % 4 {
            0 => ("reach", format!("drop(a{number});")),
            1 => ("keep", format!("drop(a{number});")),
            2 if may_be_known => ("known", format!("a{number}.check(&raw mut r{number});")),
            _ => ("address", format!("a{number}.check();")),
        };
        // Some are saved before they are moved, and so have one address in all polls.
        if number % 2 == 0 && holder != "known" {
            self.line("leaf(1, 2).await;");
        }
        if reach == Reach::Captured {
            self.open("(async move {");
        }
        self.line(&format!("let mut a{number} = {holder}(&raw mut r{number});"));
        let elsewhere = match reach {
            Reach::Row | Reach::Uninit | Reach::Union => None,
            Reach::Moved | Reach::Captured => Some(format!("let m{number} = r{number};")),
            Reach::Renewed => {
                Some(format!("{{ let m{number} = r{number}; take_pair(m{number}); }}"))
            }
            Reach::Handed => Some(format!(
                "let m{number} = async move {{ leaf(1, 2).await.wrapping_add(take_pair(r{number})) }};"
            )),
        };
        if let Some(elsewhere) = elsewhere {
            self.line(&elsewhere);
        }
        if holder != "known" {
            self.line(&format!("a{number}.write();"));
        }
        let body = self.block(body);
        let is_captured = reach == Reach::Captured;
        self.line(&if is_captured { format!("let n{number}: u32 = {body};") } else { body });
        // It has an address again when it is assigned to.
        let is_renewed = reach == Reach::Renewed && holder == "known";
        if is_renewed {
            self.line(&format!("r{number} = [token(), token()];"));
        }
        self.line(&ended);
        let used = match reach {
            Reach::Row => format!("take_row(r{number})"),
            Reach::Uninit => format!("unsafe {{ r{number}.assume_init_ref()[2] }}"),
            Reach::Union => format!("unsafe {{ r{number}.row[4] }}"),
            Reach::Moved | Reach::Captured => format!("take_pair(m{number})"),
            Reach::Renewed => {
                if !is_renewed {
                    self.line(&format!("r{number} = [token(), token()];"));
                }
                format!("take_pair(r{number})")
            }
            Reach::Handed => format!("m{number}.await"),
        };
        self.line(&format!("mark({number}, {used});"));
        if is_captured {
            self.line(&format!("n{number}"));
            self.close("}.await);");
        }
        self.close("}");
    }
}
