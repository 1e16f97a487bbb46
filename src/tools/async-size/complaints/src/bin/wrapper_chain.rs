//! A chain of thin async wrappers makes the future and the stack larger with each; in debug builds
//! the stack overflows.
//!
//! <https://github.com/openai/codex/pull/13429>, and as well
//! <https://github.com/fluree/db/issues/1409>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read};

/// Async fns that each hand their arguments on to the one after.
macro_rules! chain {
    ($name:ident $next:ident $($rest:ident)*) => {
        #[cfg(not(feature = "by-hand"))]
        async fn $name(key: u32, path: [u32; 6]) -> Result<u32, u32> {
            $next(key, path).await
        }
        chain!($next $($rest)*);
    };
    ($last:ident) => {};
}

chain!(level0 level1 level2 level3 level4 level5 level6 level7 level8 level9 level10 level11 work);

async fn work(key: u32, path: [u32; 6]) -> Result<u32, u32> {
    let mut log = [key; 60];
    for (entry, part) in log.iter_mut().zip(path) {
        *entry ^= part;
    }
    Wait(key).await;
    let sum = log.iter().fold(hw_read(key), |sum, entry| sum ^ entry);
    if sum % 16 == 0 { Err(sum) } else { Ok(sum) }
}

async fn top() -> u32 {
    #[cfg(not(feature = "by-hand"))]
    let answer = level0(3, [hw_read(1); 6]).await;
    #[cfg(feature = "by-hand")]
    let answer = work(3, [hw_read(1); 6]).await;
    answer.unwrap_or(5)
}

entry!(top);
