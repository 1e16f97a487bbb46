//! A weather station with a display: BME280 and SSD1306 on one I2C bus, two buttons.
//!
//! One button turns the pages, the other one dims the display. The display sleeps when nobody
//! touches the buttons for a while.

#![no_std]
#![no_main]

use core::fmt::Write as _;

use crash as _;
use drivers::{
    bme280::{Bme280, Climate, Oversampling},
    regs::I2cRegisters,
    sensor::{Fault, Guarded, Sensor, Smoothed},
    ssd1306::{I2cInterface, Interface, Ssd1306},
};
use embassy_embedded_hal::shared_bus::asynch::i2c::I2cDevice;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_rp::{
    bind_interrupts,
    gpio::{Input, Pull},
    i2c::{self, I2c},
    peripherals::I2C0,
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    channel::Channel,
    mutex::Mutex,
    watch::Watch,
};
use embassy_time::{Duration, Instant, Ticker, Timer, with_timeout};
use static_cell::StaticCell;

bind_interrupts!(struct Irqs {
    I2C0_IRQ => i2c::InterruptHandler<I2C0>;
});

type Bus = Mutex<NoopRawMutex, I2c<'static, I2C0, i2c::Async>>;
type Device = I2cDevice<'static, NoopRawMutex, I2c<'static, I2C0, i2c::Async>>;

/// Pressures of the last two hours, one every minute.
const HISTORY: usize = 120;
const SLEEP_AFTER: Duration = Duration::from_secs(120);

#[derive(Clone, Copy)]
enum Key {
    Page,
    Dim,
    Refresh,
}

#[derive(Clone, Copy)]
enum Weather {
    Reading(Climate),
    Missing,
    Slow,
}

static WEATHER: Watch<ThreadModeRawMutex, Weather, 2> = Watch::new();
static KEYS: Channel<ThreadModeRawMutex, Key, 4> = Channel::new();
static HISTORY_LOG: Mutex<ThreadModeRawMutex, History> =
    Mutex::new(History { pressures: [0; HISTORY], len: 0 });

struct History {
    pressures: [i32; HISTORY],
    len: usize,
}

impl History {
    fn push(&mut self, pressure: i32) {
        if self.len == HISTORY {
            self.pressures.copy_within(1.., 0);
            self.len -= 1;
        }
        self.pressures[self.len] = pressure;
        self.len += 1;
    }

    fn values(&self) -> &[i32] {
        &self.pressures[..self.len]
    }

    /// Pascal per hour.
    fn trend(&self) -> Option<i32> {
        let values = self.values();
        let (first, last) = (values.first()?, values.last()?);
        (self.len >= 10).then(|| (last - first) * 60 / self.len as i32)
    }
}

#[embassy_executor::task]
async fn measure(device: Device) {
    let chip = Bme280::new(I2cRegisters::new(device, 0x76), Oversampling::X16);
    let mut sensor = Smoothed::new(Guarded::new(chip, 3, Duration::from_millis(500)), 2);
    let sender = WEATHER.sender();
    let mut ticker = Ticker::every(Duration::from_secs(3));
    loop {
        match sensor.sample().await {
            Ok(climate) => sender.send(Weather::Reading(climate)),
            Err(Fault::Device(_)) => sender.send(Weather::Missing),
            Err(Fault::Timeout) => sender.send(Weather::Slow),
        }
        ticker.next().await;
    }
}

#[embassy_executor::task]
async fn record() {
    let mut weather = WEATHER.receiver().unwrap();
    let mut ticker = Ticker::every(Duration::from_secs(60));
    loop {
        if let Weather::Reading(climate) = weather.get().await {
            HISTORY_LOG.lock().await.push(climate.pressure);
        }
        ticker.next().await;
    }
}

#[embassy_executor::task]
async fn buttons(mut page: Input<'static>, mut dim: Input<'static>) {
    loop {
        match select(page.wait_for_falling_edge(), dim.wait_for_falling_edge()).await {
            Either::First(()) => {
                Timer::after_millis(20).await;
                if page.is_low() {
                    let held = with_timeout(Duration::from_secs(1), page.wait_for_high()).await;
                    KEYS.send(if held.is_ok() { Key::Page } else { Key::Refresh }).await;
                }
            }
            Either::Second(()) => {
                Timer::after_millis(20).await;
                if dim.is_low() {
                    KEYS.send(Key::Dim).await;
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Page {
    Overview,
    Pressure,
    System,
}

struct Screen<I> {
    display: Ssd1306<I>,
    page: Page,
    bright: bool,
}

impl<I: Interface> Screen<I> {
    async fn draw(&mut self, weather: Weather) -> Result<(), I::Error> {
        self.display.clear();
        match (self.page, weather) {
            (Page::System, _) => self.system(),
            (_, Weather::Missing) => self.message("SENSOR MISSING"),
            (_, Weather::Slow) => self.message("SENSOR TIMEOUT"),
            (Page::Overview, Weather::Reading(climate)) => self.overview(climate),
            (Page::Pressure, Weather::Reading(climate)) => self.pressure(climate).await,
        }
        self.display.flush().await
    }

    fn message(&mut self, text: &str) {
        let _ = write!(self.display.line(3), "     {text}");
    }

    fn overview(&mut self, climate: Climate) {
        let (t, h) = (climate.temperature, climate.humidity);
        let _ = write!(self.display.line(0), "WEATHER");
        let _ = write!(self.display.line(2), "TEMP  {}.{:02} C", t / 100, t.abs() % 100);
        let _ = write!(self.display.line(4), "HUM   {}.{:02} %", h / 100, h % 100);
        self.display.bar(5, h as u32, 10_000);
        let _ = write!(self.display.line(7), "PRESS {} PA", climate.pressure);
    }

    async fn pressure(&mut self, climate: Climate) {
        let history = HISTORY_LOG.lock().await;
        let _ = match history.trend() {
            Some(trend) if trend > 100 => write!(self.display.line(0), "RISING {trend} PA/H"),
            Some(trend) if trend < -100 => write!(self.display.line(0), "FALLING {trend} PA/H"),
            Some(_) => write!(self.display.line(0), "STEADY"),
            None => write!(self.display.line(0), "{} PA", climate.pressure),
        };
        let values = history.values();
        let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else {
            return;
        };
        let span = (high - low).max(100);
        for (x, value) in values.iter().enumerate() {
            let height = (value - low) * 47 / span;
            self.display.set(x, 63 - height as usize, true);
        }
    }

    fn system(&mut self) {
        let uptime = Instant::now().as_secs();
        let _ = write!(self.display.line(0), "SYSTEM");
        let (hours, minutes) = (uptime / 3600, uptime / 60 % 60);
        let _ = write!(self.display.line(2), "UP {hours}:{minutes:02}:{:02}", uptime % 60);
        let _ = write!(self.display.line(4), "VERSION {}", env!("CARGO_PKG_VERSION"));
    }

    async fn key(&mut self, key: Key) -> Result<(), I::Error> {
        match key {
            Key::Page => {
                self.page = match self.page {
                    Page::Overview => Page::Pressure,
                    Page::Pressure => Page::System,
                    Page::System => Page::Overview,
                };
                Ok(())
            }
            Key::Dim => {
                self.bright = !self.bright;
                self.display.set_contrast(if self.bright { 0xcf } else { 0x08 }).await
            }
            Key::Refresh => {
                self.display.flash(Duration::from_millis(150)).await?;
                self.display.setup().await
            }
        }
    }

    /// Shows the weather until the bus fails.
    async fn run(&mut self) -> Result<(), I::Error> {
        let Some(mut weather) = WEATHER.receiver() else {
            return Ok(());
        };
        self.display.setup().await?;
        let mut latest = weather.get().await;
        let mut sleep_at = Instant::now() + SLEEP_AFTER;
        loop {
            self.draw(latest).await?;
            match select3(weather.changed(), KEYS.receive(), Timer::at(sleep_at)).await {
                Either3::First(new) => latest = new,
                Either3::Second(key) => {
                    sleep_at = Instant::now() + SLEEP_AFTER;
                    self.key(key).await?;
                }
                Either3::Third(()) => {
                    self.display.set_power(false).await?;
                    KEYS.receive().await;
                    sleep_at = Instant::now() + SLEEP_AFTER;
                    latest = weather.get().await;
                    self.display.set_power(true).await?;
                }
            }
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static BUS: StaticCell<Bus> = StaticCell::new();

    let p = embassy_rp::init(Default::default());
    let mut config = i2c::Config::default();
    config.frequency = 400_000;
    let bus = BUS.init(Mutex::new(I2c::new_async(p.I2C0, p.PIN_5, p.PIN_4, Irqs, config)));
    spawner.spawn(measure(I2cDevice::new(bus)).unwrap());
    spawner.spawn(record().unwrap());
    let (page, dim) = (Input::new(p.PIN_14, Pull::Up), Input::new(p.PIN_15, Pull::Up));
    spawner.spawn(buttons(page, dim).unwrap());

    let display = Ssd1306::new(I2cInterface::new(I2cDevice::new(bus), 0x3c));
    let mut screen = Screen { display, page: Page::Overview, bright: true };
    loop {
        let _ = screen.run().await;
        Timer::after_secs(1).await;
    }
}
