//! Connections that are opened and used one after the other: with unwinding each await has its own
//! cleanup.
//!
//! There is no public report; it was found by measuring.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

struct Connection(u32);

impl Drop for Connection {
    fn drop(&mut self) {
        hw_write(7, self.0);
    }
}

async fn transfer(register: u32) -> u32 {
    Wait(register).await;
    hw_read(register)
}

impl Connection {
    async fn open(register: u32) -> Result<Connection, u32> {
        let handle = transfer(register).await;
        if handle == 0 { Err(register) } else { Ok(Connection(handle)) }
    }

    async fn send(&mut self, value: u32) -> Result<u32, u32> {
        let status = transfer(value).await;
        if status == 0 { Err(value) } else { Ok(status) }
    }
}

async fn session() -> Result<u32, u32> {
    let mut first = Connection::open(1).await?;
    first.send(1).await?;
    first.send(2).await?;
    let mut second = Connection::open(2).await?;
    second.send(3).await?;
    first.send(4).await?;
    let mut third = Connection::open(3).await?;
    third.send(5).await?;
    second.send(6).await?;
    first.send(7).await
}

async fn top() -> u32 {
    session().await.unwrap_or(8)
}

entry!(top);
