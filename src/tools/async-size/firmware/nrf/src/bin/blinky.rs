//! Lights and buttons of the nRF52840 development kit.
//!
//! Each button has a task that debounces it and tells short from long presses. The controller
//! turns the presses into patterns, which the light tasks play until the next one comes. A
//! supervisor feeds the watchdog as long as every task shows signs of life.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_nrf::{
    Peri,
    gpio::{AnyPin, Input, Level, Output, OutputDrive, Pull},
    peripherals::WDT,
    wdt,
};
use embassy_sync::{
    blocking_mutex::raw::ThreadModeRawMutex, channel::Channel, mutex::Mutex, pubsub::PubSubChannel,
    signal::Signal,
};
use embassy_time::{Duration, Instant, Ticker, Timer, with_timeout};
use panic_halt as _;

const LIGHTS: usize = 4;

#[derive(Clone, Copy)]
enum Press {
    Short(u8),
    Long(u8),
    Released,
}

#[derive(Clone, Copy)]
enum Pattern {
    Off,
    Steady,
    Blink { on: Duration, off: Duration },
    Chase { step: Duration },
    Count(u8),
}

struct Statistics {
    presses: u32,
    last: Instant,
}

static PRESSES: Channel<ThreadModeRawMutex, Press, 8> = Channel::new();
static PATTERNS: PubSubChannel<ThreadModeRawMutex, Pattern, 2, LIGHTS, 1> = PubSubChannel::new();
static WAKE_UP: Signal<ThreadModeRawMutex, ()> = Signal::new();
static STATISTICS: Mutex<ThreadModeRawMutex, Statistics> =
    Mutex::new(Statistics { presses: 0, last: Instant::from_ticks(0) });
static ALIVE: AtomicU32 = AtomicU32::new(0);

fn alive(task: u8) {
    ALIVE.fetch_or(1 << task, Ordering::Relaxed);
}

#[embassy_executor::task(pool_size = LIGHTS)]
async fn button(index: u8, pin: Peri<'static, AnyPin>) {
    let mut input = Input::new(pin, Pull::Up);
    loop {
        input.wait_for_low().await;
        Timer::after_millis(15).await;
        if input.is_high() {
            continue;
        }
        match with_timeout(Duration::from_millis(600), input.wait_for_high()).await {
            Ok(()) => PRESSES.send(Press::Short(index)).await,
            Err(_) => {
                PRESSES.send(Press::Long(index)).await;
                input.wait_for_high().await;
                PRESSES.send(Press::Released).await;
            }
        }
        {
            let mut statistics = STATISTICS.lock().await;
            statistics.presses += 1;
            statistics.last = Instant::now();
        }
        WAKE_UP.signal(());
        Timer::after_millis(15).await;
    }
}

/// Plays one pattern on the light `index`, forever.
async fn play(pattern: Pattern, index: u8, led: &mut Output<'static>) -> ! {
    loop {
        alive(index);
        match pattern {
            Pattern::Off => {
                led.set_high();
                Timer::after_millis(500).await;
            }
            Pattern::Steady => {
                led.set_low();
                Timer::after_millis(500).await;
            }
            Pattern::Blink { on, off } => {
                led.set_low();
                Timer::after(on).await;
                led.set_high();
                Timer::after(off).await;
            }
            Pattern::Chase { step } => {
                Timer::after(step * u32::from(index)).await;
                led.set_low();
                Timer::after(step).await;
                led.set_high();
                Timer::after(step * (LIGHTS as u32 - 1 - u32::from(index))).await;
            }
            Pattern::Count(number) => {
                led.set_level(Level::from(number >> index & 1 == 0));
                Timer::after_millis(250).await;
            }
        }
    }
}

#[embassy_executor::task(pool_size = LIGHTS)]
async fn light(index: u8, pin: Peri<'static, AnyPin>) {
    let mut led = Output::new(pin, Level::High, OutputDrive::Standard);
    let mut patterns = PATTERNS.subscriber().unwrap();
    let mut pattern = Pattern::Chase { step: Duration::from_millis(120) };
    loop {
        let Either::First(next) =
            select(patterns.next_message_pure(), play(pattern, index, &mut led)).await;
        pattern = next;
    }
}

#[embassy_executor::task]
async fn controller() {
    let patterns = PATTERNS.publisher().unwrap();
    let mut count = 0u8;
    let mut before = Pattern::Off;
    loop {
        alive(4);
        let press = match with_timeout(Duration::from_secs(1), PRESSES.receive()).await {
            Ok(press) => press,
            Err(_) => continue,
        };
        let next = match press {
            Press::Short(0) => {
                count = count.wrapping_add(1);
                Pattern::Count(count)
            }
            Press::Short(1) => {
                Pattern::Blink { on: Duration::from_millis(80), off: Duration::from_millis(420) }
            }
            Press::Short(2) => Pattern::Chase { step: Duration::from_millis(90) },
            Press::Short(_) => Pattern::Off,
            Press::Long(0) => {
                count = 0;
                Pattern::Count(count)
            }
            Press::Long(_) => {
                patterns.publish(Pattern::Steady).await;
                continue;
            }
            Press::Released => before,
        };
        before = next;
        patterns.publish(next).await;
    }
}

/// Turns everything off when nobody pressed a button for ten minutes.
#[embassy_executor::task]
async fn saver() {
    let patterns = PATTERNS.immediate_publisher();
    loop {
        alive(5);
        if with_timeout(Duration::from_secs(2), WAKE_UP.wait()).await.is_ok() {
            continue;
        }
        let statistics = STATISTICS.lock().await;
        if statistics.presses > 0 && statistics.last.elapsed() > Duration::from_secs(600) {
            patterns.publish_immediate(Pattern::Off);
        }
    }
}

#[embassy_executor::task]
async fn supervisor(watchdog: Peri<'static, WDT>) {
    let mut config = wdt::Config::default();
    config.timeout_ticks = 32_768 * 8;
    let Ok((_, [mut handle])) = wdt::Watchdog::try_new(watchdog, config) else {
        cortex_m::peripheral::SCB::sys_reset();
    };
    let mut ticker = Ticker::every(Duration::from_secs(3));
    loop {
        ticker.next().await;
        if ALIVE.swap(0, Ordering::Relaxed) == 0b11_1111 {
            handle.pet();
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_nrf::init(Default::default());
    let buttons: [Peri<AnyPin>; LIGHTS] =
        [p.P0_11.into(), p.P0_12.into(), p.P0_24.into(), p.P0_25.into()];
    let leds: [Peri<AnyPin>; LIGHTS] =
        [p.P0_13.into(), p.P0_14.into(), p.P0_15.into(), p.P0_16.into()];
    for (i, pin) in buttons.into_iter().enumerate() {
        spawner.spawn(button(i as u8, pin).unwrap());
    }
    for (i, pin) in leds.into_iter().enumerate() {
        spawner.spawn(light(i as u8, pin).unwrap());
    }
    spawner.spawn(controller().unwrap());
    spawner.spawn(saver().unwrap());
    spawner.spawn(supervisor(p.WDT).unwrap());
}
