//! A bank in layers: front, service, cache, repository, and storage. Each but the last knows the
//! one below as a trait, and all their functions are async.
//!
//! There are three ways to ask it:
//!
//! * [`run`]: through all layers, with time limits and a way to stop, and a storage that waits;
//! * [`run_ready`]: from the service on, with a storage that never waits;
//! * [`run_sync`]: the same as plain functions, the measure of what async costs.

mod layers;
mod plain;

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use crate::answers::{Answers, mix};
use crate::stack::layers::{Cached, Front, Handler, Service, Teller, Vault};
use crate::stack::plain::Bank;

/// How many accounts there are.
const ACCOUNTS: u64 = 64;

/// How much each of them has at first.
const DEPOSIT: u64 = 1000;

/// How many accounts the cache holds.
const SLOTS: usize = 16;

/// After how many accesses a storage waits that does.
const ACCESSES_PER_WAIT: u64 = 4;

/// The same for a storage that never waits. The optimizer is not to know.
const NEVER: u64 = u64::MAX;

/// What a layer gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    Missing,
    TooLate,
    Stopped,
}

/// What the bank is asked for.
#[derive(Clone, Copy)]
pub enum Request {
    Transfer {
        from: u64,
        to: u64,
        amount: u64,
    },
    Balance {
        of: u64,
    },
    /// The balance of two accounts together.
    Both {
        left: u64,
        right: u64,
    },
}

/// The accounts that the request with the `number` is about.
fn accounts(number: u64) -> (u64, u64) {
    (number * 7 % 61, number * 13 % 59)
}

/// The accounts.
pub struct Memory {
    accounts: RefCell<Vec<u64>>,
    accesses: Cell<u64>,
    /// After how many accesses it waits.
    per_wait: u64,
}

impl Memory {
    fn new(per_wait: u64) -> Self {
        let accounts = RefCell::new(vec![DEPOSIT; ACCOUNTS as usize]);
        Memory { accounts, accesses: Cell::new(0), per_wait }
    }

    /// Counts an access, and tells whether it has to wait.
    fn waits(&self) -> bool {
        self.accesses.set(self.accesses.get() + 1);
        self.accesses.get().is_multiple_of(self.per_wait)
    }

    fn load(&self, account: u64) -> Option<u64> {
        self.accounts.borrow().get(account as usize).copied()
    }

    fn store(&self, account: u64, balance: u64) -> Result<()> {
        *self.accounts.borrow_mut().get_mut(account as usize).ok_or(Error::Missing)? = balance;
        Ok(())
    }
}

/// Some accounts, each at the place that its number gives.
pub struct Slots(RefCell<[(u64, u64); SLOTS]>);

impl Slots {
    fn new() -> Self {
        Slots(RefCell::new([(u64::MAX, 0); SLOTS]))
    }

    fn load(&self, account: u64) -> Option<u64> {
        let (found, balance) = self.0.borrow()[account as usize % SLOTS];
        (found == account).then_some(balance)
    }

    fn store(&self, account: u64, balance: u64) {
        self.0.borrow_mut()[account as usize % SLOTS] = (account, balance);
    }
}

/// The layers from the service down.
fn teller(per_wait: u64) -> Teller<Cached<Vault<Memory>>> {
    Teller(Cached { inner: Vault(Memory::new(per_wait)), slots: Slots::new() })
}

/// Asks the front, over a storage that waits.
pub async fn run(requests: u32) -> Answers {
    let front = Front::new(teller(ACCESSES_PER_WAIT));
    let handle = size_of_val(&front.handle(Request::Balance { of: 0 }));
    let client = ask(&front, requests.into());
    let futures = vec![("handle", handle), ("client", size_of_val(&client))];
    Answers { checksum: client.await.expect("all accounts are there in time"), futures }
}

async fn ask<H: Handler>(handler: &H, requests: u64) -> Result<u64> {
    let mut checksum = 0;
    for number in 0..requests {
        let (left, right) = accounts(number);
        let request = match number % 3 {
            0 => Request::Transfer { from: left, to: right, amount: number % 5 },
            1 => Request::Balance { of: left },
            _ => Request::Both { left, right },
        };
        checksum = mix(checksum, handler.handle(request).await?);
    }
    Ok(checksum)
}

/// Asks the service, over a storage that could wait, but does not.
pub async fn run_ready(requests: u32) -> Answers {
    let teller = teller(black_box(NEVER));
    let transfer = size_of_val(&teller.transfer(0, 0, 0));
    let client = ask_ready(&teller, requests.into());
    let futures = vec![("transfer", transfer), ("client", size_of_val(&client))];
    Answers { checksum: client.await.expect("all accounts are there"), futures }
}

async fn ask_ready<S: Service>(service: &S, requests: u64) -> Result<u64> {
    let mut checksum = 0;
    for number in 0..requests {
        let (left, right) = accounts(number);
        let answer = match number % 3 {
            0 => service.transfer(left, right, number % 5).await?,
            _ => service.balance(left).await?,
        };
        checksum = mix(checksum, answer);
    }
    Ok(checksum)
}

/// Asks plain functions for what [`run_ready`] asks the service.
pub fn run_sync(requests: u32) -> Answers {
    let bank = Bank::new(black_box(NEVER));
    let checksum = ask_sync(&bank, requests.into()).expect("all accounts are there");
    Answers { checksum, futures: Vec::new() }
}

fn ask_sync(bank: &Bank, requests: u64) -> Result<u64> {
    let mut checksum = 0;
    for number in 0..requests {
        let (left, right) = accounts(number);
        let answer = match number % 3 {
            0 => bank.transfer(left, right, number % 5)?,
            _ => bank.balance(left)?,
        };
        checksum = mix(checksum, answer);
    }
    Ok(checksum)
}
