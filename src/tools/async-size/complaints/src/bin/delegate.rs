//! Each layer that only delegates keeps the arguments again.
//!
//! <https://github.com/FactbirdHQ/rustot/pull/86>, and as well
//! <https://github.com/project-chip/rs-matter/issues/312>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

/// What is handed from layer to layer.
#[derive(Clone, Copy)]
pub struct Config([u32; 24]);

trait Store {
    fn put(&self, config: Config, register: u32) -> impl Future<Output = u32>;
}

struct Flash(u32);

impl Store for Flash {
    async fn put(&self, config: Config, register: u32) -> u32 {
        hw_write(register, config.0[0]);
        Wait(register + self.0).await;
        config.0.iter().fold(hw_read(register), |sum, word| sum ^ word)
    }
}

struct Cached<S>(S);
struct Checked<S>(S);

macro_rules! delegate {
    ($layer:ident) => {
        impl<S: Store> Store for $layer<S> {
            #[cfg(not(feature = "by-hand"))]
            async fn put(&self, config: Config, register: u32) -> u32 {
                self.0.put(config, register).await
            }

            #[cfg(feature = "by-hand")]
            fn put(&self, config: Config, register: u32) -> impl Future<Output = u32> {
                self.0.put(config, register)
            }
        }
    };
}

delegate!(Cached);
delegate!(Checked);

async fn top() -> u32 {
    let store = Checked(Cached(Checked(Flash(4))));
    let first = store.put(Config([hw_read(1); 24]), 10).await;
    first ^ store.put(Config([first; 24]), 11).await
}

entry!(top);
