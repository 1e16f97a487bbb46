//! What lies between a device driver and the application: one trait for everything that can be
//! sampled, and adapters that retry, smooth and combine.

use embassy_futures::join::join;
use embassy_time::{Duration, Timer, with_timeout};

/// Something that delivers a reading on demand.
pub trait Sensor {
    type Reading;
    type Error;

    /// (Re)configures the device, after power-up or after a failure.
    async fn setup(&mut self) -> Result<(), Self::Error>;

    /// Takes one reading.
    async fn sample(&mut self) -> Result<Self::Reading, Self::Error>;
}

/// A reading that filters can average.
pub trait Blend: Copy {
    /// Moves `self` by `1 / 2^shift` of the way towards `target`.
    fn blend(self, target: Self, shift: u32) -> Self;
}

impl Blend for i32 {
    fn blend(self, target: Self, shift: u32) -> Self {
        self + ((target - self) >> shift)
    }
}

impl Blend for i16 {
    fn blend(self, target: Self, shift: u32) -> Self {
        i32::from(self).blend(i32::from(target), shift) as i16
    }
}

impl<T: Blend, const N: usize> Blend for [T; N] {
    fn blend(self, target: Self, shift: u32) -> Self {
        core::array::from_fn(|i| self[i].blend(target[i], shift))
    }
}

/// What went wrong in [`Guarded`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<E> {
    /// The device did not answer in time.
    Timeout,
    /// The driver's own error.
    Device(E),
}

/// Bounds the time of each access, retries it, and sets the device up again after a failure.
pub struct Guarded<S> {
    inner: S,
    attempts: u8,
    limit: Duration,
    ready: bool,
}

impl<S: Sensor> Guarded<S> {
    pub fn new(inner: S, attempts: u8, limit: Duration) -> Self {
        Self { inner, attempts, limit, ready: false }
    }

    async fn attempt(&mut self) -> Result<S::Reading, Fault<S::Error>> {
        if !self.ready {
            match with_timeout(self.limit, self.inner.setup()).await {
                Ok(Ok(())) => self.ready = true,
                Ok(Err(e)) => return Err(Fault::Device(e)),
                Err(_) => return Err(Fault::Timeout),
            }
        }
        match with_timeout(self.limit, self.inner.sample()).await {
            Ok(Ok(reading)) => Ok(reading),
            Ok(Err(e)) => Err(Fault::Device(e)),
            Err(_) => Err(Fault::Timeout),
        }
    }
}

impl<S: Sensor> Sensor for Guarded<S> {
    type Reading = S::Reading;
    type Error = Fault<S::Error>;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        self.ready = false;
        Ok(())
    }

    async fn sample(&mut self) -> Result<Self::Reading, Self::Error> {
        let mut backoff = Duration::from_millis(2);
        let mut left = self.attempts;
        loop {
            match self.attempt().await {
                Ok(reading) => return Ok(reading),
                Err(fault) => {
                    self.ready = false;
                    left = left.saturating_sub(1);
                    if left == 0 {
                        return Err(fault);
                    }
                }
            }
            Timer::after(backoff).await;
            backoff *= 4;
        }
    }
}

/// Exponential smoothing of the readings.
pub struct Smoothed<S: Sensor> {
    inner: S,
    shift: u32,
    state: Option<S::Reading>,
}

impl<S: Sensor<Reading: Blend>> Smoothed<S> {
    pub fn new(inner: S, shift: u32) -> Self {
        Self { inner, shift, state: None }
    }
}

impl<S: Sensor<Reading: Blend>> Sensor for Smoothed<S> {
    type Reading = S::Reading;
    type Error = S::Error;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        self.state = None;
        self.inner.setup().await
    }

    async fn sample(&mut self) -> Result<Self::Reading, Self::Error> {
        let fresh = self.inner.sample().await?;
        let value = match self.state {
            Some(old) => old.blend(fresh, self.shift),
            None => fresh,
        };
        self.state = Some(value);
        Ok(value)
    }
}

/// The median of three readings in a row, ordered by `key`; drops single outliers.
pub struct MedianOfThree<S, F> {
    inner: S,
    key: F,
    spacing: Duration,
}

impl<S: Sensor, F: Fn(&S::Reading) -> i32> MedianOfThree<S, F> {
    pub fn new(inner: S, spacing: Duration, key: F) -> Self {
        Self { inner, key, spacing }
    }
}

impl<S: Sensor, F: Fn(&S::Reading) -> i32> Sensor for MedianOfThree<S, F> {
    type Reading = S::Reading;
    type Error = S::Error;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        self.inner.setup().await
    }

    async fn sample(&mut self) -> Result<Self::Reading, Self::Error> {
        let a = self.inner.sample().await?;
        Timer::after(self.spacing).await;
        let b = self.inner.sample().await?;
        Timer::after(self.spacing).await;
        let c = self.inner.sample().await?;
        let (ka, kb, kc) = ((self.key)(&a), (self.key)(&b), (self.key)(&c));
        Ok(if (ka <= kb) == (kb <= kc) {
            b
        } else if (kb <= ka) == (ka <= kc) {
            a
        } else {
            c
        })
    }
}

/// Two sensors sampled at the same time.
pub struct Pair<A, B>(pub A, pub B);

impl<A: Sensor, B: Sensor> Sensor for Pair<A, B> {
    type Reading = (Result<A::Reading, A::Error>, Result<B::Reading, B::Error>);
    type Error = core::convert::Infallible;

    async fn setup(&mut self) -> Result<(), Self::Error> {
        let _ = join(self.0.setup(), self.1.setup()).await;
        Ok(())
    }

    async fn sample(&mut self) -> Result<Self::Reading, Self::Error> {
        Ok(join(self.0.sample(), self.1.sample()).await)
    }
}
