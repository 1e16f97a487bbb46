//! Environment, motion and supply sensors on one I2C bus, reported over the serial port.
//!
//! Three tasks share the bus; their readings meet in the reporter.

#![no_std]
#![no_main]

use core::fmt::Write as _;

use crash as _;
use drivers::{
    bme280::{Bme280, Climate, Oversampling},
    ina219::{Ina219, Supply},
    lis3dh::{Acceleration, Lis3dh, Rate},
    regs::I2cRegisters,
    sensor::{Guarded, MedianOfThree, Pair, Sensor, Smoothed},
    sht3x::Sht3x,
};
use embassy_embedded_hal::shared_bus::asynch::i2c::I2cDevice;
use embassy_executor::Spawner;
use embassy_futures::select::{Either3, select3};
use embassy_nrf::{
    bind_interrupts,
    gpio::{Input, Level, Output, OutputDrive, Pull},
    peripherals::{TWISPI0, UARTE0},
    twim::{self, Twim},
    uarte::{self, UarteTx},
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    channel::Channel,
    mutex::Mutex,
    watch::Watch,
};
use embassy_time::{Duration, Ticker, Timer};
use heapless::String;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    TWISPI0 => twim::InterruptHandler<TWISPI0>;
    UARTE0 => uarte::InterruptHandler<UARTE0>;
});

type Bus = Mutex<NoopRawMutex, Twim<'static>>;
type Device = I2cDevice<'static, NoopRawMutex, Twim<'static>>;

#[derive(Clone, Copy)]
enum Alarm {
    SensorLost(&'static str),
    SensorBack(&'static str),
    Moved,
    LowSupply(i32),
}

static CLIMATE: Watch<ThreadModeRawMutex, (Option<Climate>, Option<Climate>), 1> = Watch::new();
static SUPPLY: Watch<ThreadModeRawMutex, Supply, 1> = Watch::new();
static ALARMS: Channel<ThreadModeRawMutex, Alarm, 8> = Channel::new();
static TILT: Watch<ThreadModeRawMutex, Acceleration, 1> = Watch::new();

/// Reports a sensor's failure and return once each.
struct Presence {
    name: &'static str,
    present: bool,
}

impl Presence {
    const fn new(name: &'static str) -> Self {
        Self { name, present: true }
    }

    async fn update(&mut self, present: bool) {
        if present == self.present {
            return;
        }
        self.present = present;
        if present {
            ALARMS.send(Alarm::SensorBack(self.name)).await;
        } else {
            ALARMS.send(Alarm::SensorLost(self.name)).await;
        }
    }
}

#[embassy_executor::task]
async fn climate(inside: Device, outside: Device) {
    let limit = Duration::from_millis(400);
    let inside = Bme280::new(I2cRegisters::new(inside, 0x76), Oversampling::X4);
    let outside = MedianOfThree::new(
        Sht3x::new(outside, 0x44),
        Duration::from_millis(20),
        |climate: &Climate| climate.humidity,
    );
    let mut sensors = Pair(
        Smoothed::new(Guarded::new(inside, 3, limit), 3),
        Smoothed::new(Guarded::new(outside, 3, limit), 2),
    );
    let mut presence = [Presence::new("bme280"), Presence::new("sht3x")];
    let sender = CLIMATE.sender();
    let mut ticker = Ticker::every(Duration::from_secs(2));
    loop {
        let Ok((inside, outside)) = sensors.sample().await;
        presence[0].update(inside.is_ok()).await;
        presence[1].update(outside.is_ok()).await;
        sender.send((inside.ok(), outside.ok()));
        ticker.next().await;
    }
}

#[embassy_executor::task]
async fn motion(device: Device, mut interrupt: Input<'static>) {
    let mut presence = Presence::new("lis3dh");
    let mut sensor = Lis3dh::new(I2cRegisters::new(device, 0x19), Rate::Hz50);
    let sender = TILT.sender();
    loop {
        if sensor.setup().await.is_err() {
            presence.update(false).await;
            Timer::after_secs(5).await;
            continue;
        }
        presence.update(true).await;
        loop {
            interrupt.wait_for_high().await;
            match sensor.take_motion().await {
                Ok(true) => ALARMS.send(Alarm::Moved).await,
                Ok(false) => {}
                Err(_) => break,
            }
            match sensor.sample().await {
                Ok(acceleration) => sender.send(acceleration),
                Err(_) => break,
            }
            Timer::after_millis(100).await;
        }
    }
}

#[embassy_executor::task]
async fn supply(device: Device) {
    let monitor = Ina219::new(device, 0x40, 100, 3200);
    let mut sensor = Smoothed::new(Guarded::new(monitor, 2, Duration::from_millis(100)), 2);
    let mut presence = Presence::new("ina219");
    let sender = SUPPLY.sender();
    let mut ticker = Ticker::every(Duration::from_millis(500));
    loop {
        let reading = sensor.sample().await;
        presence.update(reading.is_ok()).await;
        if let Ok(supply) = reading {
            if supply.millivolt < 3300 {
                ALARMS.send(Alarm::LowSupply(supply.millivolt)).await;
            }
            sender.send(supply);
        }
        ticker.next().await;
    }
}

/// Writes reports line by line.
struct Reporter {
    uart: UarteTx<'static>,
}

impl Reporter {
    async fn line(&mut self, args: core::fmt::Arguments<'_>) {
        let mut line = String::<96>::new();
        let _ = line.write_fmt(args);
        let _ = line.push_str("\r\n");
        // A framing error of the other side does not concern the transmitter.
        let _ = self.uart.write(line.as_bytes()).await;
    }

    async fn climate(&mut self, place: &str, climate: Option<Climate>) {
        match climate {
            Some(c) => {
                let (t, h) = (c.temperature, c.humidity);
                self.line(format_args!(
                    "{place}: {}.{:02} C, {}.{:02} %, {} Pa",
                    t / 100,
                    t.abs() % 100,
                    h / 100,
                    h % 100,
                    c.pressure
                ))
                .await;
            }
            None => self.line(format_args!("{place}: -")).await,
        }
    }

    async fn alarm(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::SensorLost(name) => self.line(format_args!("! {name} lost")).await,
            Alarm::SensorBack(name) => self.line(format_args!("! {name} is back")).await,
            Alarm::Moved => {
                let [x, y, z] = TILT.try_get().unwrap_or_default();
                self.line(format_args!("! moved, now at {x} {y} {z} mg")).await;
            }
            Alarm::LowSupply(mv) => self.line(format_args!("! supply is low: {mv} mV")).await,
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static BUS: StaticCell<Bus> = StaticCell::new();
    static BUFFER: ConstStaticCell<[u8; 32]> = ConstStaticCell::new([0; 32]);

    let p = embassy_nrf::init(Default::default());
    let mut config = twim::Config::default();
    config.frequency = twim::Frequency::K400;
    let twim = Twim::new(p.TWISPI0, Irqs, p.P0_26, p.P0_27, config, BUFFER.take());
    let bus = BUS.init(Mutex::new(twim));
    let interrupt = Input::new(p.P0_28, Pull::Down);
    spawner.spawn(climate(I2cDevice::new(bus), I2cDevice::new(bus)).unwrap());
    spawner.spawn(motion(I2cDevice::new(bus), interrupt).unwrap());
    spawner.spawn(supply(I2cDevice::new(bus)).unwrap());

    let uart = UarteTx::new(p.UARTE0, Irqs, p.P0_06, uarte::Config::default());
    let mut alarm_led = Output::new(p.P0_13, Level::High, OutputDrive::Standard);
    let mut reporter = Reporter { uart };
    let mut climates = CLIMATE.receiver().unwrap();
    let mut supplies = SUPPLY.receiver().unwrap();
    loop {
        match select3(ALARMS.receive(), climates.changed(), supplies.changed()).await {
            Either3::First(alarm) => {
                alarm_led.set_low();
                reporter.alarm(alarm).await;
                alarm_led.set_high();
            }
            Either3::Second((inside, outside)) => {
                reporter.climate("inside", inside).await;
                reporter.climate("outside", outside).await;
            }
            Either3::Third(s) => {
                reporter
                    .line(format_args!(
                        "supply: {} mV, {} mA, {} mW",
                        s.millivolt, s.milliampere, s.milliwatt
                    ))
                    .await;
            }
        }
    }
}
