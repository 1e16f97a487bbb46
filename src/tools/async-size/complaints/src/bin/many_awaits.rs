//! Simple but long code with many awaits takes long to compile.
//!
//! <https://github.com/rust-lang/rust/issues/72837>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

struct Database(u32);

/// Operations, and one async fn that awaits each of them twice.
macro_rules! operations {
    ($($name:ident $register:literal)*) => {
        impl Database {
            $(async fn $name(&mut self, key: &str) -> Result<u32, u32> {
                Wait($register).await;
                hw_write($register, key.len() as u32);
                let value = hw_read(self.0);
                self.0 ^= value;
                if value > 3 { Err(value) } else { Ok(value) }
            })*
        }

        async fn work(database: &mut Database) -> Result<u32, u32> {
            let mut sum = 0;
            $(
                let value = database.$name(stringify!($name)).await?;
                assert_eq!(value, 1, "{sum}");
                sum += value;
                let value = database.$name(concat!(stringify!($name), " again")).await?;
                assert_eq!(value, 1, "{sum}");
                sum += value;
            )*
            Ok(sum)
        }
    };
}

operations! {
    op00 0 op01 1 op02 2 op03 3 op04 4 op05 5 op06 6 op07 7 op08 8 op09 9 op10 10 op11 11 op12 12
    op13 13 op14 14 op15 15 op16 16 op17 17 op18 18 op19 19 op20 20 op21 21 op22 22 op23 23 op24 24
    op25 25 op26 26 op27 27 op28 28 op29 29 op30 30 op31 31 op32 32 op33 33 op34 34 op35 35 op36 36
    op37 37 op38 38 op39 39 op40 40 op41 41 op42 42 op43 43 op44 44 op45 45 op46 46 op47 47 op48 48
    op49 49 op50 50 op51 51 op52 52 op53 53 op54 54 op55 55 op56 56 op57 57 op58 58 op59 59
}

async fn top() -> u32 {
    work(&mut Database(hw_read(1))).await.unwrap_or(2)
}

entry!(top);
