//! Speed control of a DC motor with an encoder, a full bridge and current sensing.
//!
//! The control loop runs every 5 ms. Commands and telemetry go over the serial port:
//! `speed COUNTS_PER_SECOND`, `ramp FROM TO SECONDS`, `coast`, `stop`, `status`, `log`.

#![no_std]
#![no_main]

#[macro_use]
#[path = "../board.rs"]
mod board;

use core::fmt::Write as _;

use drivers::{
    control::{Loop, Operator, Plant, Trip, Tuning},
    line::{self, LineReader},
};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_nrf::{
    bind_interrupts,
    buffered_uarte::{self, BufferedUarte, BufferedUarteRx, BufferedUarteTx},
    gpio::{Input, Level, Output, OutputDrive, Pull},
    peripherals::{QDEC, UARTE0},
    pwm::{DutyCycle, Prescaler, SimpleConfig, SimplePwm},
    qdec::{self, Qdec},
    saadc::{self, ChannelConfig, Saadc},
    uarte,
};
use embassy_sync::{
    blocking_mutex::raw::ThreadModeRawMutex, pubsub::PubSubChannel, signal::Signal, watch::Watch,
};
use embassy_time::{Duration, Instant, Ticker, Timer, with_timeout};
use embedded_io_async::Write;
use heapless::String;
use panic_halt as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Irqs {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
    QDEC => qdec::InterruptHandler<QDEC>;
    SAADC => saadc::InterruptHandler;
});

#[derive(Clone, Copy, Default)]
struct Telemetry {
    speed: i32,
    current: i32,
    drive: i32,
}

#[derive(Clone, Copy)]
enum Event {
    Tripped(Trip<()>),
    Reset,
    LimitSwitch,
    EmergencyStop,
}

static TARGET: Watch<ThreadModeRawMutex, Option<i32>, 1> = Watch::new();
static TELEMETRY: Watch<ThreadModeRawMutex, Telemetry, 2> = Watch::new();
static EVENTS: PubSubChannel<ThreadModeRawMutex, Event, 4, 3, 3> = PubSubChannel::new();
static ACKNOWLEDGE: Signal<ThreadModeRawMutex, ()> = Signal::new();

fn set_target(target: Option<i32>) {
    TARGET.sender().send(target);
}

struct Drive {
    pwm: SimplePwm<'static>,
    enable: Output<'static>,
    encoder: Qdec<'static>,
    adc: Saadc<'static, 1>,
}

impl Plant for Drive {
    type Error = ();

    async fn travelled(&mut self) -> Result<i32, ()> {
        Ok(self.encoder.read().await.into())
    }

    async fn current(&mut self) -> Result<i32, ()> {
        let mut sum = 0;
        for _ in 0..4 {
            let mut sample = [0];
            self.adc.sample(&mut sample).await;
            sum += i32::from(sample[0]);
        }
        // 0.88 mV per step, 0.4 V per ampere.
        Ok(sum * 22 / 40)
    }

    async fn drive(&mut self, permille: i32) -> Result<(), ()> {
        let duty = permille.unsigned_abs() * u32::from(self.pwm.max_duty()) / 1000;
        let duty = DutyCycle::inverted(duty as u16);
        let off = DutyCycle::inverted(0);
        let (forward, backward) = if permille < 0 { (off, duty) } else { (duty, off) };
        self.pwm.set_all_duties([forward, backward, off, off]);
        self.enable.set_level((permille != 0).into());
        Ok(())
    }
}

struct Desk;

impl Operator for Desk {
    fn target(&mut self) -> Option<i32> {
        TARGET.try_get().flatten()
    }

    fn report(&mut self, speed: i32, current: i32, drive: i32) {
        TELEMETRY.sender().send(Telemetry { speed, current, drive });
    }
}

#[embassy_executor::task]
async fn control(drive: Drive) {
    let events = EVENTS.publisher().unwrap();
    let tuning = Tuning {
        period: Duration::from_millis(5),
        proportional: 90,
        integral: 4,
        slope: 40,
        current_limit: 2500,
        patience: 60,
    };
    let mut control = Loop::new(drive, tuning);
    loop {
        let trip = control.run(&mut Desk).await;
        set_target(None);
        events.publish(Event::Tripped(trip)).await;
        ACKNOWLEDGE.wait().await;
        events.publish(Event::Reset).await;
    }
}

#[embassy_executor::task]
async fn switches(mut limit: Input<'static>, mut emergency: Input<'static>) {
    let events = EVENTS.publisher().unwrap();
    loop {
        match select(limit.wait_for_low(), emergency.wait_for_low()).await {
            Either::First(()) => {
                set_target(Some(0));
                events.publish(Event::LimitSwitch).await;
                limit.wait_for_high().await;
            }
            Either::Second(()) => {
                set_target(None);
                events.publish(Event::EmergencyStop).await;
                emergency.wait_for_high().await;
            }
        }
        Timer::after_millis(20).await;
    }
}

/// Breathes while all is well, flashes after a trip.
#[embassy_executor::task]
async fn lamp(mut pwm: SimplePwm<'static>) {
    let mut events = EVENTS.subscriber().unwrap();
    let mut alarm = false;
    loop {
        let show = async {
            if alarm {
                for level in [1000, 0, 1000, 0, 1000, 0] {
                    pwm.set_duty(0, DutyCycle::normal(level));
                    Timer::after_millis(80).await;
                }
                Timer::after_millis(500).await;
            } else {
                for step in (0..=50).chain((0..50).rev()) {
                    pwm.set_duty(0, DutyCycle::normal(step * step * 2 / 5));
                    Timer::after_millis(20).await;
                }
            }
        };
        match select(events.next_message_pure(), show).await {
            Either::First(Event::Reset) => alarm = false,
            Either::First(_) => alarm = true,
            Either::Second(()) => {}
        }
    }
}

type PortError = line::Error<buffered_uarte::Error, buffered_uarte::Error>;

struct Terminal {
    lines: LineReader<BufferedUarteRx<'static>, 48>,
    output: BufferedUarteTx<'static>,
}

impl Terminal {
    async fn print(&mut self, args: core::fmt::Arguments<'_>) -> Result<(), PortError> {
        let mut text = String::<96>::new();
        let _ = text.write_fmt(args);
        let _ = text.push_str("\r\n");
        self.output.write_all(text.as_bytes()).await.map_err(line::Error::Write)
    }

    async fn event(&mut self, event: Event) -> Result<(), PortError> {
        match event {
            Event::Tripped(Trip::Overcurrent) => self.print(format_args!("trip: current")).await,
            Event::Tripped(Trip::Stalled) => self.print(format_args!("trip: stalled")).await,
            Event::Tripped(Trip::Plant(())) => self.print(format_args!("trip: drive")).await,
            Event::Reset => self.print(format_args!("running again")).await,
            Event::LimitSwitch => self.print(format_args!("limit switch")).await,
            Event::EmergencyStop => self.print(format_args!("emergency stop")).await,
        }
    }

    async fn telemetry(&mut self) -> Result<(), PortError> {
        let t = TELEMETRY.try_get().unwrap_or_default();
        self.print(format_args!("{} c/s, {} mA, {} permille", t.speed, t.current, t.drive)).await
    }

    /// Changes the target linearly over some seconds.
    async fn ramp(&mut self, from: i32, to: i32, seconds: i32) -> Result<(), PortError> {
        let steps = (seconds * 20).max(1);
        let mut ticker = Ticker::every(Duration::from_millis(50));
        for step in 0..=steps {
            set_target(Some(from + (to - from) * step / steps));
            ticker.next().await;
        }
        self.telemetry().await
    }

    /// Prints telemetry for ten seconds or until a line is entered.
    async fn log(&mut self) -> Result<(), PortError> {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            let line = self.lines.next(&mut self.output);
            match with_timeout(Duration::from_millis(100), line).await {
                Ok(Ok(_) | Err(line::Error::Cancelled)) => return Ok(()),
                Ok(Err(e)) => return Err(e),
                Err(_) => self.telemetry().await?,
            }
        }
        Ok(())
    }

    async fn run(&mut self) -> Result<(), PortError> {
        let mut events = EVENTS.subscriber().unwrap();
        loop {
            let line =
                match select(self.lines.next(&mut self.output), events.next_message_pure()).await {
                    Either::First(Ok(line)) => String::<48>::try_from(line).unwrap_or_default(),
                    Either::First(Err(line::Error::Cancelled)) => {
                        set_target(None);
                        continue;
                    }
                    Either::First(Err(line::Error::TooLong)) => continue,
                    Either::First(Err(e)) => return Err(e),
                    Either::Second(event) => {
                        self.event(event).await?;
                        continue;
                    }
                };
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            let mut number = || words.next().and_then(|word| word.parse::<i32>().ok());
            match (name, number(), number(), number()) {
                ("", ..) => {}
                ("speed", Some(speed), ..) => set_target(Some(speed)),
                ("ramp", Some(from), Some(to), Some(s)) => self.ramp(from, to, s).await?,
                ("coast", ..) => set_target(None),
                ("stop", ..) => set_target(Some(0)),
                ("reset", ..) => ACKNOWLEDGE.signal(()),
                ("status", ..) => self.telemetry().await?,
                ("log", ..) => self.log().await?,
                ("speed" | "ramp", ..) => self.print(format_args!("argument?")).await?,
                _ => self.print(format_args!("command?")).await?,
            }
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RX: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static TX: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);

    let p = embassy_nrf::init(Default::default());
    let mut config = SimpleConfig::default();
    // 16 MHz / 800: 20 kHz, beyond what one can hear.
    config.prescaler = Prescaler::Div1;
    config.max_duty = 800;
    let drive = Drive {
        pwm: SimplePwm::new_2ch(p.PWM0, p.P1_01, p.P1_02, &config),
        enable: Output::new(p.P1_03, Level::Low, OutputDrive::Standard),
        encoder: Qdec::new(p.QDEC, Irqs, p.P1_04, p.P1_05, qdec::Config::default()),
        adc: Saadc::new(p.SAADC, Irqs, Default::default(), [ChannelConfig::single_ended(p.P0_02)]),
    };
    spawner.spawn(control(drive).unwrap());
    let lamp_pwm = SimplePwm::new_1ch(p.PWM1, p.P0_13, &SimpleConfig::default());
    spawner.spawn(lamp(lamp_pwm).unwrap());
    let limit = Input::new(p.P1_06, Pull::Up);
    let emergency = Input::new(p.P1_07, Pull::Up);
    spawner.spawn(switches(limit, emergency).unwrap());

    let uart = board_uart!(p, uarte::Config::default(), RX.take(), TX.take());
    let (rx, output) = uart.split();
    let mut terminal = Terminal { lines: LineReader::new(rx), output };
    loop {
        let _ = terminal.run().await;
        Timer::after_millis(10).await;
    }
}
