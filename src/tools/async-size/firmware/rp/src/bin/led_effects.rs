//! A strip of 60 WS2812 lights with effects, driven by a PIO state machine.
//!
//! The button steps through the effects; over the serial port: `effect NAME`, `color RRGGBB`,
//! `speed 1-10`, `power LIMIT_MILLIAMPERE`, `fade MS RRGGBB`.

#![no_std]
#![no_main]

use core::fmt::Write as _;

use drivers::line::{self, LineReader};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_rp::{
    bind_interrupts, dma,
    gpio::{Input, Pull},
    peripherals::{DMA_CH0, PIO0, UART0},
    pio::{self, Pio},
    pio_programs::ws2812::{Grb, PioWs2812, PioWs2812Program},
    uart::{self, BufferedInterruptHandler, BufferedUart, BufferedUartRx, BufferedUartTx},
};
use embassy_sync::{blocking_mutex::raw::ThreadModeRawMutex, signal::Signal};
use embassy_time::{Duration, Instant, Ticker, Timer};
use embedded_io_async::Write;
use heapless::String;
use panic_halt as _;
use smart_leds::RGB8;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Irqs {
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>;
    UART0_IRQ => BufferedInterruptHandler<UART0>;
});

const LEDS: usize = 60;

type Frame = [RGB8; LEDS];

const BLACK: RGB8 = RGB8::new(0, 0, 0);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Solid,
    Rainbow,
    Comet,
    Sparkle,
    Breathe,
    Fire,
}

impl Effect {
    fn next(self) -> Self {
        match self {
            Effect::Solid => Effect::Rainbow,
            Effect::Rainbow => Effect::Comet,
            Effect::Comet => Effect::Sparkle,
            Effect::Sparkle => Effect::Breathe,
            Effect::Breathe => Effect::Fire,
            Effect::Fire => Effect::Solid,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "solid" => Effect::Solid,
            "rainbow" => Effect::Rainbow,
            "comet" => Effect::Comet,
            "sparkle" => Effect::Sparkle,
            "breathe" => Effect::Breathe,
            "fire" => Effect::Fire,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy)]
enum Change {
    Effect(Effect),
    Color(RGB8),
    Speed(u8),
    Power(u32),
    Fade(Duration, RGB8),
}

static CHANGES: Signal<ThreadModeRawMutex, Change> = Signal::new();

/// A linear congruential generator is random enough for sparks.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

/// A color of the rainbow, `hue` running from 0 to 767.
fn wheel(hue: u32) -> RGB8 {
    let (sector, x) = (hue / 256 % 3, (hue % 256) as u8);
    match sector {
        0 => RGB8::new(255 - x, x, 0),
        1 => RGB8::new(0, 255 - x, x),
        _ => RGB8::new(x, 0, 255 - x),
    }
}

fn scale(color: RGB8, level: u32) -> RGB8 {
    let part = |c: u8| (u32::from(c) * level / 256) as u8;
    RGB8::new(part(color.r), part(color.g), part(color.b))
}

fn mix(a: RGB8, b: RGB8, level: u32) -> RGB8 {
    let (a, b) = (scale(a, 256 - level), scale(b, level));
    RGB8::new(a.r + b.r, a.g + b.g, a.b + b.b)
}

struct Strip {
    leds: PioWs2812<'static, PIO0, 0, LEDS, Grb>,
    frame: Frame,
    color: RGB8,
    speed: u8,
    /// Milliampere for the whole strip.
    power: u32,
    dice: Dice,
}

impl Strip {
    /// Sends the frame, dimmed so that it stays within the power limit.
    async fn show(&mut self) {
        let sum: u32 =
            self.frame.iter().map(|c| u32::from(c.r) + u32::from(c.g) + u32::from(c.b)).sum();
        // Each color draws up to 20 mA, each controller 1 mA.
        let current = sum * 20 / 255 + LEDS as u32;
        if current > self.power {
            let level = self.power * 256 / current;
            let dimmed = self.frame.map(|color| scale(color, level));
            self.leds.write(&dimmed).await;
        } else {
            self.leds.write(&self.frame).await;
        }
    }

    fn frame_time(&self) -> Duration {
        Duration::from_millis(120 / u64::from(self.speed.clamp(1, 10)))
    }

    async fn play(&mut self, effect: Effect) -> ! {
        let mut ticker = Ticker::every(self.frame_time());
        let mut step = 0u32;
        loop {
            match effect {
                Effect::Solid => self.frame = [self.color; LEDS],
                Effect::Rainbow => {
                    self.frame =
                        core::array::from_fn(|i| wheel(step * 4 + i as u32 * 768 / LEDS as u32));
                }
                Effect::Comet => {
                    self.frame = self.frame.map(|color| scale(color, 190));
                    self.frame[step as usize % LEDS] = self.color;
                }
                Effect::Sparkle => {
                    self.frame = self.frame.map(|color| scale(color, 220));
                    let at = self.dice.roll(LEDS as u32) as usize;
                    self.frame[at] = RGB8::new(255, 255, 255);
                    if self.dice.roll(8) == 0 {
                        self.show().await;
                        Timer::after_millis(15).await;
                        self.frame[at] = BLACK;
                    }
                }
                Effect::Breathe => {
                    let phase = step % 128;
                    let level = if phase < 64 { phase } else { 127 - phase };
                    self.frame = [scale(self.color, level * level / 16); LEDS];
                    if phase == 0 {
                        self.show().await;
                        Timer::after_millis(400).await;
                    }
                }
                Effect::Fire => {
                    for i in 0..LEDS {
                        let heat = self.dice.roll(160) + 96;
                        self.frame[i] = scale(RGB8::new(255, 90, 10), heat);
                    }
                    Timer::after_millis(self.dice.roll(40).into()).await;
                }
            }
            self.show().await;
            step = step.wrapping_add(1);
            ticker.next().await;
        }
    }

    async fn fade(&mut self, time: Duration, target: RGB8) {
        let start = Instant::now();
        let before = self.frame;
        loop {
            let elapsed = start.elapsed();
            if elapsed >= time {
                break;
            }
            let level = (elapsed.as_ticks() * 256 / time.as_ticks()) as u32;
            self.frame = before.map(|color| mix(color, target, level));
            self.show().await;
            Timer::after_millis(10).await;
        }
        self.frame = [target; LEDS];
        self.show().await;
    }
}

#[embassy_executor::task]
async fn lights(mut strip: Strip, mut button: Input<'static>) {
    let mut effect = Effect::Rainbow;
    loop {
        match select3(strip.play(effect), CHANGES.wait(), button.wait_for_falling_edge()).await {
            Either3::First(never) => never,
            Either3::Second(Change::Effect(new)) => effect = new,
            Either3::Second(Change::Color(color)) => strip.color = color,
            Either3::Second(Change::Speed(speed)) => strip.speed = speed,
            Either3::Second(Change::Power(limit)) => strip.power = limit,
            Either3::Second(Change::Fade(time, color)) => {
                // A new change ends the fade; it is handled next.
                match select(strip.fade(time, color), button.wait_for_falling_edge()).await {
                    Either::First(()) => {
                        strip.color = color;
                        effect = Effect::Solid;
                    }
                    Either::Second(()) => effect = effect.next(),
                }
            }
            Either3::Third(()) => {
                effect = effect.next();
                strip.fade(Duration::from_millis(200), BLACK).await;
            }
        }
    }
}

type PortError = line::Error<uart::Error, uart::Error>;

struct Terminal {
    lines: LineReader<BufferedUartRx, 40>,
    output: BufferedUartTx,
}

fn parse(line: &str) -> Option<Change> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?;
    let first = words.next()?;
    let color = |word: &str| {
        let [_, r, g, b] = u32::from_str_radix(word, 16).ok()?.to_be_bytes();
        Some(RGB8::new(r, g, b))
    };
    match name {
        "effect" => Effect::parse(first).map(Change::Effect),
        "color" => color(first).map(Change::Color),
        "speed" => first.parse().ok().map(Change::Speed),
        "power" => first.parse().ok().map(Change::Power),
        "fade" => {
            let time = Duration::from_millis(first.parse::<u32>().ok()?.into());
            Some(Change::Fade(time, color(words.next()?)?))
        }
        _ => None,
    }
}

impl Terminal {
    async fn run(&mut self) -> Result<(), PortError> {
        loop {
            let change = match self.lines.next(&mut self.output).await {
                Ok("") | Err(line::Error::Cancelled) => continue,
                Ok(line) => parse(line),
                Err(line::Error::TooLong) => None,
                Err(e) => return Err(e),
            };
            match change {
                Some(change) => {
                    CHANGES.signal(change);
                    self.output.write_all(b"ok\r\n").await.map_err(line::Error::Write)?;
                }
                None => {
                    let mut text = String::<64>::new();
                    let _ = write!(text, "effect|color|speed|power|fade ({LEDS} lights)\r\n");
                    self.output.write_all(text.as_bytes()).await.map_err(line::Error::Write)?;
                }
            }
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static TX: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static RX: ConstStaticCell<[u8; 32]> = ConstStaticCell::new([0; 32]);

    let p = embassy_rp::init(Default::default());
    let Pio { mut common, sm0, .. } = Pio::new(p.PIO0, Irqs);
    let program = PioWs2812Program::new(&mut common);
    let leds = PioWs2812::new(&mut common, sm0, p.DMA_CH0, Irqs, p.PIN_16, &program);
    let strip = Strip {
        leds,
        frame: [BLACK; LEDS],
        color: RGB8::new(255, 120, 20),
        speed: 5,
        power: 1500,
        dice: Dice(0x2545_f491),
    };
    spawner.spawn(lights(strip, Input::new(p.PIN_15, Pull::Up)).unwrap());

    let config = uart::Config::default();
    let uart = BufferedUart::new(p.UART0, p.PIN_0, p.PIN_1, Irqs, TX.take(), RX.take(), config);
    let (output, rx) = uart.split();
    let mut terminal = Terminal { lines: LineReader::new(rx), output };
    loop {
        let _ = terminal.run().await;
        Timer::after_millis(10).await;
    }
}
