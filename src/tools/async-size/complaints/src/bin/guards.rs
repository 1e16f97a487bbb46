//! A body with many guards and awaits is large when panics unwind: each await has its own cleanup.
//! There are 20 guards, and 3 or 120 in other forms.
//!
//! There is no public report; it was found by measuring.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

struct Guard(u32);

impl Drop for Guard {
    fn drop(&mut self) {
        hw_write(7, self.0);
    }
}

async fn leaf(register: u32) -> u32 {
    Wait(register).await;
    hw_read(register)
}

/// An async fn with a guard and an await for each of the registers. The guards are dropped in the
/// order in which they were made.
macro_rules! guarded {
    ($($guard:ident $register:literal),*) => {
        async fn top() -> u32 {
            $(
                let $guard = Guard($register);
                leaf($register).await;
            )*
            $(drop($guard);)*
            0
        }
    };
}

#[cfg(feature = "3-guards")]
guarded!(g0 0, g1 1, g2 2);

#[cfg(not(any(feature = "3-guards", feature = "120-guards")))]
guarded!(
    g0 0, g1 1, g2 2, g3 3, g4 4, g5 5, g6 6, g7 7, g8 8, g9 9, g10 10, g11 11, g12 12, g13 13,
    g14 14, g15 15, g16 16, g17 17, g18 18, g19 19
);

#[cfg(feature = "120-guards")]
guarded!(
    g0 0, g1 1, g2 2, g3 3, g4 4, g5 5, g6 6, g7 7, g8 8, g9 9, g10 10, g11 11, g12 12, g13 13,
    g14 14, g15 15, g16 16, g17 17, g18 18, g19 19, g20 20, g21 21, g22 22, g23 23, g24 24, g25
    25, g26 26, g27 27, g28 28, g29 29, g30 30, g31 31, g32 32, g33 33, g34 34, g35 35, g36 36,
    g37 37, g38 38, g39 39, g40 40, g41 41, g42 42, g43 43, g44 44, g45 45, g46 46, g47 47, g48
    48, g49 49, g50 50, g51 51, g52 52, g53 53, g54 54, g55 55, g56 56, g57 57, g58 58, g59 59,
    g60 60, g61 61, g62 62, g63 63, g64 64, g65 65, g66 66, g67 67, g68 68, g69 69, g70 70, g71
    71, g72 72, g73 73, g74 74, g75 75, g76 76, g77 77, g78 78, g79 79, g80 80, g81 81, g82 82,
    g83 83, g84 84, g85 85, g86 86, g87 87, g88 88, g89 89, g90 90, g91 91, g92 92, g93 93, g94
    94, g95 95, g96 96, g97 97, g98 98, g99 99, g100 100, g101 101, g102 102, g103 103, g104 104,
    g105 105, g106 106, g107 107, g108 108, g109 109, g110 110, g111 111, g112 112, g113 113, g114
    114, g115 115, g116 116, g117 117, g118 118, g119 119
);

entry!(top);
