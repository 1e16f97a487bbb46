//! The layers from the service down as plain functions.

use std::thread::yield_now;

use crate::stack::{Error, Memory, Result, Slots};

/// The bank without async.
pub struct Bank {
    memory: Memory,
    slots: Slots,
}

impl Bank {
    pub fn new(per_wait: u64) -> Self {
        Bank { memory: Memory::new(per_wait), slots: Slots::new() }
    }

    pub fn transfer(&self, from: u64, to: u64, amount: u64) -> Result<u64> {
        let (source, target) = (self.get(from)?, self.get(to)?);
        if source < amount || from == to {
            return Ok(0);
        }
        self.put(from, source - amount)?;
        self.put(to, target + amount)?;
        Ok(amount)
    }

    pub fn balance(&self, of: u64) -> Result<u64> {
        self.get(of)
    }

    fn get(&self, account: u64) -> Result<u64> {
        if let Some(balance) = self.slots.load(account) {
            return Ok(balance);
        }
        let balance = self.find(account)?;
        self.slots.store(account, balance);
        Ok(balance)
    }

    fn put(&self, account: u64, balance: u64) -> Result<()> {
        self.save(account, balance)?;
        self.slots.store(account, balance);
        Ok(())
    }

    fn find(&self, account: u64) -> Result<u64> {
        self.read(account)?.ok_or(Error::Missing)
    }

    fn save(&self, account: u64, balance: u64) -> Result<()> {
        self.write(account, balance)
    }

    fn read(&self, account: u64) -> Result<Option<u64>> {
        self.access();
        Ok(self.memory.load(account))
    }

    fn write(&self, account: u64, balance: u64) -> Result<()> {
        self.access();
        self.memory.store(account, balance)
    }

    fn access(&self) {
        if self.memory.waits() {
            yield_now();
        }
    }
}
