//! The layers as traits with async functions.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::stack::{Error, Memory, Request, Result, Slots};

/// How long a transfer may take.
const LIMIT: Duration = Duration::from_secs(9);

/// The front: answers requests.
pub trait Handler {
    async fn handle(&self, request: Request) -> Result<u64>;
}

/// What the bank does.
pub trait Service {
    async fn transfer(&self, from: u64, to: u64, amount: u64) -> Result<u64>;
    async fn balance(&self, of: u64) -> Result<u64>;
    async fn both(&self, left: u64, right: u64) -> Result<u64>;
}

/// Accounts, some of which are at hand.
pub trait Cache {
    async fn get(&self, account: u64) -> Result<u64>;
    async fn put(&self, account: u64, balance: u64) -> Result<()>;
}

/// Accounts that have to be there.
pub trait Repository {
    async fn find(&self, account: u64) -> Result<u64>;
    async fn save(&self, account: u64, balance: u64) -> Result<()>;
}

/// Accounts that may be there.
pub trait Storage {
    async fn read(&self, account: u64) -> Result<Option<u64>>;
    async fn write(&self, account: u64, balance: u64) -> Result<()>;
}

impl Memory {
    async fn access(&self) {
        if self.waits() {
            yield_now().await;
        }
    }
}

impl Storage for Memory {
    async fn read(&self, account: u64) -> Result<Option<u64>> {
        self.access().await;
        Ok(self.load(account))
    }

    async fn write(&self, account: u64, balance: u64) -> Result<()> {
        self.access().await;
        self.store(account, balance)
    }
}

/// The repository over a storage.
pub struct Vault<S>(pub S);

impl<S: Storage> Repository for Vault<S> {
    async fn find(&self, account: u64) -> Result<u64> {
        self.0.read(account).await?.ok_or(Error::Missing)
    }

    async fn save(&self, account: u64, balance: u64) -> Result<()> {
        self.0.write(account, balance).await
    }
}

/// The cache over a repository.
pub struct Cached<R> {
    pub inner: R,
    pub slots: Slots,
}

impl<R: Repository> Cache for Cached<R> {
    async fn get(&self, account: u64) -> Result<u64> {
        if let Some(balance) = self.slots.load(account) {
            return Ok(balance);
        }
        let balance = self.inner.find(account).await?;
        self.slots.store(account, balance);
        Ok(balance)
    }

    async fn put(&self, account: u64, balance: u64) -> Result<()> {
        self.inner.save(account, balance).await?;
        self.slots.store(account, balance);
        Ok(())
    }
}

/// The service over a cache.
pub struct Teller<C>(pub C);

impl<C: Cache> Service for Teller<C> {
    async fn transfer(&self, from: u64, to: u64, amount: u64) -> Result<u64> {
        let (source, target) = (self.0.get(from).await?, self.0.get(to).await?);
        if source < amount || from == to {
            return Ok(0);
        }
        self.0.put(from, source - amount).await?;
        self.0.put(to, target + amount).await?;
        Ok(amount)
    }

    async fn balance(&self, of: u64) -> Result<u64> {
        self.0.get(of).await
    }

    async fn both(&self, left: u64, right: u64) -> Result<u64> {
        let (left, right) = tokio::join!(biased; self.0.get(left), self.0.get(right));
        Ok(left? + right?)
    }
}

/// The handler over a service.
pub struct Front<S> {
    inner: S,
    stop: Notify,
}

impl<S: Service> Front<S> {
    /// A front that goes on until it is told to stop, which nobody does here.
    pub fn new(inner: S) -> Self {
        Front { inner, stop: Notify::new() }
    }
}

impl<S: Service> Handler for Front<S> {
    async fn handle(&self, request: Request) -> Result<u64> {
        match request {
            Request::Transfer { from, to, amount } => {
                let transfer = self.inner.transfer(from, to, amount);
                timeout(LIMIT, transfer).await.map_err(|_| Error::TooLate)?
            }
            Request::Balance { of } => tokio::select! {
                biased;
                balance = self.inner.balance(of) => balance,
                () = self.stop.notified() => Err(Error::Stopped),
            },
            Request::Both { left, right } => self.inner.both(left, right).await,
        }
    }
}
