//! An argument that was handed on to a callee stays in the future. So does, in other forms, what a
//! call to a logger borrowed, and what a match moved out of an enum.
//!
//! There is no public report; it was found by measuring.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

struct Payload([u8; 256]);

async fn give(register: u32) -> Result<(), u32> {
    Wait(register).await;
    let status = hw_read(register);
    if status == 0 { Ok(()) } else { Err(status) }
}

#[inline(never)]
fn log(payload: &Payload) {
    hw_write(1, payload.0[hw_read(2) as usize % 256].into());
}

fn receive() -> Payload {
    Payload([hw_read(3) as u8; 256])
}

#[cfg(not(any(feature = "logged", feature = "matched")))]
mod form {
    use super::{Payload, give, log, receive};

    #[cfg(not(feature = "by-hand"))]
    async fn outer(payload: Payload) -> Result<(), u32> {
        inner(payload).await
    }

    #[cfg(feature = "by-hand")]
    fn outer(payload: Payload) -> impl Future<Output = Result<(), u32>> {
        inner(payload)
    }

    async fn inner(payload: Payload) -> Result<(), u32> {
        give(1).await?;
        log(&payload);
        give(2).await?;
        log(&payload);
        Ok(())
    }

    pub async fn work() -> Result<(), u32> {
        outer(receive()).await
    }
}

#[cfg(feature = "logged")]
mod form {
    use super::{give, log, receive};

    #[cfg(not(feature = "by-hand"))]
    pub async fn work() -> Result<(), u32> {
        let payload = receive();
        log(&payload);
        let register = payload.0[3];
        give(register.into()).await
    }

    #[cfg(feature = "by-hand")]
    pub async fn work() -> Result<(), u32> {
        let register = {
            let payload = receive();
            log(&payload);
            payload.0[3]
        };
        give(register.into()).await
    }
}

#[cfg(feature = "matched")]
mod form {
    use complaints::hw_read;

    use super::{Payload, give, log, receive};

    enum Message {
        Payload(Payload),
        Register(u32),
    }

    fn message() -> Message {
        match hw_read(4) {
            0 => Message::Payload(receive()),
            register => Message::Register(register),
        }
    }

    #[cfg(feature = "by-hand")]
    pub async fn work() -> Result<(), u32> {
        let (payload, register) = match message() {
            Message::Payload(payload) => (Some(payload), 1),
            Message::Register(register) => (None, register),
        };
        give(register).await?;
        if let Some(payload) = &payload {
            log(payload);
        }
        Ok(())
    }

    #[cfg(not(feature = "by-hand"))]
    pub async fn work() -> Result<(), u32> {
        let message = message();
        match message {
            Message::Payload(payload) => {
                give(1).await?;
                log(&payload);
            }
            Message::Register(register) => give(register).await?,
        }
        Ok(())
    }
}

async fn top() -> u32 {
    form::work().await.err().unwrap_or(0)
}

entry!(top);
