// A structure of structures is looked at once, not once for each way that leads to it.

//@ check-pass
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=1

#![allow(dead_code)]

macro_rules! structures {
    ($first:ident $second:ident $($rest:ident)*) => {
        struct $first([$second; 0], [$second; 0]);
        structures! { $second $($rest)* }
    };
    ($last:ident) => {
        struct $last;
    };
}

structures! {
    A00 A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 A15 A16 A17 A18 A19
    A20 A21 A22 A23 A24 A25 A26 A27 A28 A29 A30 A31 A32 A33 A34 A35 A36 A37 A38 A39
}

struct Number(u32, [A00; 0]);

pub async fn makes_one() -> u32 {
    let number = Number(7, []);
    number.0
}

fn main() {
    drop(makes_one());
}
