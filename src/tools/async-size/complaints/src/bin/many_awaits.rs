//! Simple but long code with many awaits takes long to compile.
//!
//! <https://github.com/rust-lang/rust/issues/72837>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

struct Database(u32);

/// Operations, and one async fn that awaits each of them twice.
macro_rules! operations {
    ($($name:ident)*) => {
        impl Database {
            $(async fn $name(&mut self, key: &str) -> Result<u32, u32> {
                Wait(self.0).await;
                hw_write(self.0, key.len() as u32);
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
    op00 op01 op02 op03 op04 op05 op06 op07 op08 op09 op10 op11 op12 op13 op14 op15 op16 op17 op18
    op19 op20 op21 op22 op23 op24 op25 op26 op27 op28 op29 op30 op31 op32 op33 op34 op35 op36 op37
    op38 op39 op40 op41 op42 op43 op44 op45 op46 op47 op48 op49 op50 op51 op52 op53 op54 op55 op56
    op57 op58 op59
}

async fn top() -> u32 {
    work(&mut Database(hw_read(1))).await.unwrap_or(2)
}

entry!(top);
