//! The control loop of a DC motor: a speed ramp in front of a PI controller.

use embassy_time::{Duration, Ticker};

/// What turns: delivers its speed and takes a drive value.
pub trait Plant {
    type Error;

    /// Encoder counts since the last call.
    async fn travelled(&mut self) -> Result<i32, Self::Error>;
    /// The motor's current in milliampere.
    async fn current(&mut self) -> Result<i32, Self::Error>;
    /// Drives the bridge with -1000 (full reverse) to 1000 (full forward).
    async fn drive(&mut self, permille: i32) -> Result<(), Self::Error>;
}

/// Where the loop gets its set point from, and where it reports to.
pub trait Operator {
    /// The wanted speed in counts per second, or `None` to coast.
    fn target(&mut self) -> Option<i32>;
    fn report(&mut self, speed: i32, current: i32, drive: i32);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trip<E> {
    /// Too much current for too long.
    Overcurrent,
    /// Full drive, but nothing moves.
    Stalled,
    Plant(E),
}

#[derive(Clone, Copy)]
pub struct Tuning {
    pub period: Duration,
    /// Gains in 1/256.
    pub proportional: i32,
    pub integral: i32,
    /// Change of the set point per period.
    pub slope: i32,
    pub current_limit: i32,
    /// Periods until a trip.
    pub patience: u16,
}

pub struct Loop<P> {
    plant: P,
    tuning: Tuning,
    /// Periods per second.
    rate: i32,
    set_point: i32,
    integral: i32,
    hot: u16,
    stalled: u16,
}

impl<P: Plant> Loop<P> {
    pub fn new(plant: P, tuning: Tuning) -> Self {
        let rate = (1_000_000 / tuning.period.as_micros().max(1)) as i32;
        Self { plant, tuning, rate, set_point: 0, integral: 0, hot: 0, stalled: 0 }
    }

    /// Runs until something trips; the bridge is off then.
    pub async fn run(&mut self, operator: &mut impl Operator) -> Trip<P::Error> {
        let mut ticker = Ticker::every(self.tuning.period);
        let trip = loop {
            if let Err(trip) = self.step(operator).await {
                break trip;
            }
            ticker.next().await;
        };
        self.set_point = 0;
        self.integral = 0;
        self.hot = 0;
        self.stalled = 0;
        match self.plant.drive(0).await {
            Ok(()) => trip,
            Err(e) => Trip::Plant(e),
        }
    }

    async fn step(&mut self, operator: &mut impl Operator) -> Result<(), Trip<P::Error>> {
        let counts = self.plant.travelled().await.map_err(Trip::Plant)?;
        let current = self.plant.current().await.map_err(Trip::Plant)?;
        let speed = counts * self.rate;
        let Some(target) = operator.target() else {
            self.set_point = speed;
            self.integral = 0;
            self.plant.drive(0).await.map_err(Trip::Plant)?;
            operator.report(speed, current, 0);
            return Ok(());
        };
        let slope = self.tuning.slope;
        self.set_point += (target - self.set_point).clamp(-slope, slope);
        let error = self.set_point - speed;
        let drive = (error * self.tuning.proportional + self.integral) >> 8;
        if drive.abs() < 1000 {
            self.integral += error * self.tuning.integral;
        }
        let drive = drive.clamp(-1000, 1000);
        self.hot = if current > self.tuning.current_limit { self.hot + 1 } else { 0 };
        self.stalled = if drive.abs() == 1000 && counts == 0 { self.stalled + 1 } else { 0 };
        if self.hot > self.tuning.patience {
            return Err(Trip::Overcurrent);
        }
        if self.stalled > self.tuning.patience {
            return Err(Trip::Stalled);
        }
        self.plant.drive(drive).await.map_err(Trip::Plant)?;
        operator.report(speed, current, drive);
        Ok(())
    }
}
