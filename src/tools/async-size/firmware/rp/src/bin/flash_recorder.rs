//! A vibration recorder: accelerometer and flash chip share an SPI bus.
//!
//! The recorder waits for a movement, records it with full rate into the flash, and reports the
//! recordings over the serial port.

#![no_std]
#![no_main]

use core::{fmt::Write as _, ops::Range};

use crash as _;
use drivers::{
    line::{self, LineReader},
    lis3dh::{Acceleration, Lis3dh, Rate},
    regs::SpiRegisters,
    sensor::Sensor,
    w25q::W25q,
};
use embassy_embedded_hal::shared_bus::asynch::spi::SpiDevice;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_rp::{
    bind_interrupts, dma,
    gpio::{Input, Level, Output, Pull},
    peripherals::{DMA_CH0, DMA_CH1, SPI0, UART0},
    spi::{self, Spi},
    uart::{self, BufferedInterruptHandler, BufferedUart, BufferedUartRx, BufferedUartTx},
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    mutex::Mutex,
    signal::Signal,
    zerocopy_channel::{Channel, Receiver, Sender},
};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_io_async::Write;
use heapless::String;
use sequential_storage::{
    cache::{Cache, Uncached},
    queue::{QueueConfig, QueueStorage},
};
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>;
    UART0_IRQ => BufferedInterruptHandler<UART0>;
});

type Bus = Mutex<NoopRawMutex, Spi<'static, SPI0, spi::Async>>;
type Device = SpiDevice<'static, NoopRawMutex, Spi<'static, SPI0, spi::Async>, Output<'static>>;
type Store = QueueStorage<W25q<Device>, Cache<Uncached, Uncached, Uncached>>;
type SharedStore = Mutex<NoopRawMutex, Option<Store>>;

const LOG: Range<u32> = 0..0x10_0000;
/// Samples of one block in flash.
const BLOCK: usize = 32;
const BLOCK_BYTES: usize = 8 + 6 * BLOCK;
/// Blocks of one recording.
const LENGTH: usize = 10;

#[derive(Clone, Copy)]
struct Block {
    recording: u32,
    time: u32,
    samples: [Acceleration; BLOCK],
}

impl Block {
    const EMPTY: Self = Self { recording: 0, time: 0, samples: [[0; 3]; BLOCK] };

    fn encode(&self, bytes: &mut [u8; BLOCK_BYTES]) {
        bytes[..4].copy_from_slice(&self.recording.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.time.to_le_bytes());
        let values = self.samples.iter().flatten();
        for (bytes, value) in bytes[8..].chunks_exact_mut(2).zip(values) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    }
}

static TRIGGER: Signal<ThreadModeRawMutex, ()> = Signal::new();
static BUSY: Signal<ThreadModeRawMutex, bool> = Signal::new();

#[embassy_executor::task]
async fn lamp(mut led: Output<'static>) {
    loop {
        if !BUSY.wait().await {
            continue;
        }
        loop {
            led.toggle();
            if let Ok(false) = with_timeout(Duration::from_millis(60), BUSY.wait()).await {
                break;
            }
        }
        led.set_low();
    }
}

/// Waits for movement or an order, then records.
#[embassy_executor::task]
async fn recorder(
    device: Device,
    mut interrupt: Input<'static>,
    mut blocks: Sender<'static, NoopRawMutex, Block>,
) {
    let mut sensor = Lis3dh::new(SpiRegisters::new(device, 0x40), Rate::Hz200);
    let mut recording = 0;
    loop {
        if sensor.setup().await.is_err() {
            Timer::after_secs(2).await;
            continue;
        }
        loop {
            match select(interrupt.wait_for_high(), TRIGGER.wait()).await {
                Either::First(()) => {
                    if sensor.take_motion().await.is_err() {
                        break;
                    }
                }
                Either::Second(()) => {}
            }
            recording += 1;
            BUSY.signal(true);
            let result = record(&mut sensor, recording, &mut blocks).await;
            BUSY.signal(false);
            if result.is_err() {
                break;
            }
        }
    }
}

async fn record<S: Sensor<Reading = Acceleration>>(
    sensor: &mut S,
    recording: u32,
    blocks: &mut Sender<'static, NoopRawMutex, Block>,
) -> Result<(), S::Error> {
    for _ in 0..LENGTH {
        let block = blocks.send().await;
        block.recording = recording;
        block.time = Instant::now().as_millis() as u32;
        for sample in &mut block.samples {
            *sample = sensor.sample().await?;
        }
        blocks.send_done();
    }
    Ok(())
}

#[embassy_executor::task]
async fn writer(store: &'static SharedStore, mut blocks: Receiver<'static, NoopRawMutex, Block>) {
    let mut bytes = [0; BLOCK_BYTES];
    loop {
        blocks.receive().await.encode(&mut bytes);
        blocks.receive_done();
        if let Some(store) = store.lock().await.as_mut() {
            if store.push(&bytes, true).await.is_err() {
                let _ = store.erase_all().await;
            }
        }
    }
}

/// Makes the store, if there is a flash chip.
async fn mount(device: Device) -> Option<Store> {
    let flash = W25q::new(device).await.ok()?;
    Some(QueueStorage::new(flash, const { QueueConfig::new(LOG) }, Cache::new_uncached()))
}

type PortError = line::Error<uart::Error, uart::Error>;

struct Terminal {
    lines: LineReader<BufferedUartRx, 32>,
    output: BufferedUartTx,
    store: &'static SharedStore,
}

impl Terminal {
    async fn print(&mut self, args: core::fmt::Arguments<'_>) -> Result<(), PortError> {
        let mut text = String::<64>::new();
        let _ = text.write_fmt(args);
        let _ = text.push_str("\r\n");
        self.output.write_all(text.as_bytes()).await.map_err(line::Error::Write)
    }

    async fn block(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        let word = |i: usize| bytes.get(i..i + 4)?.try_into().ok().map(u32::from_le_bytes);
        let (Some(recording), Some(time)) = (word(0), word(4)) else {
            return Ok(());
        };
        self.print(format_args!("# {recording} at {time} ms")).await?;
        for sample in bytes[8..].chunks_exact(6) {
            let axis = |i: usize| i16::from_le_bytes([sample[2 * i], sample[2 * i + 1]]);
            self.print(format_args!("{},{},{}", axis(0), axis(1), axis(2))).await?;
        }
        Ok(())
    }

    async fn dump(&mut self, store: &mut Store, only: Option<u32>) -> Result<(), PortError> {
        let mut buf = [0; BLOCK_BYTES + 8];
        let Ok(mut blocks) = store.iter().await else {
            return self.print(format_args!("error: flash")).await;
        };
        loop {
            match blocks.next(&mut buf).await {
                Ok(Some(entry)) => {
                    let recording = entry.first_chunk().map(|b| u32::from_le_bytes(*b));
                    if only.is_none() || only == recording {
                        self.block(&entry).await?;
                    }
                }
                Ok(None) => return self.print(format_args!("end")).await,
                Err(_) => return self.print(format_args!("error: flash")).await,
            }
        }
    }

    async fn run(&mut self) -> Result<(), PortError> {
        loop {
            let line = match self.lines.next(&mut self.output).await {
                Ok(line) => String::<32>::try_from(line).unwrap_or_default(),
                Err(line::Error::Cancelled | line::Error::TooLong) => continue,
                Err(e) => return Err(e),
            };
            if line.as_str() == "record" {
                TRIGGER.signal(());
                self.print(format_args!("recording")).await?;
                continue;
            }
            let shared = self.store;
            let mut guard = shared.lock().await;
            let Some(store) = guard.as_mut() else {
                self.print(format_args!("error: no flash")).await?;
                continue;
            };
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("", _) => {}
                ("dump", number) => self.dump(store, number.parse().ok()).await?,
                ("clear", _) => match store.erase_all().await {
                    Ok(()) => self.print(format_args!("cleared")).await?,
                    Err(_) => self.print(format_args!("error: flash")).await?,
                },
                ("id", _) => match store.flash().jedec_id().await {
                    Ok([a, b, c]) => self.print(format_args!("{a:02x} {b:02x} {c:02x}")).await?,
                    Err(_) => self.print(format_args!("error: bus")).await?,
                },
                ("free", _) => match store.space_left().await {
                    Ok(bytes) => self.print(format_args!("{bytes} bytes")).await?,
                    Err(_) => self.print(format_args!("error: flash")).await?,
                },
                ("sleep", _) => {
                    let _ = store.flash().sleep().await;
                    self.print(format_args!("until the next line")).await?;
                    let _ = self.lines.next(&mut self.output).await;
                    let _ = store.flash().wake().await;
                }
                _ => self.print(format_args!("record dump [N] clear free id sleep")).await?,
            }
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static BUS: StaticCell<Bus> = StaticCell::new();
    static STORE: StaticCell<SharedStore> = StaticCell::new();
    static BLOCKS: ConstStaticCell<[Block; 4]> = ConstStaticCell::new([Block::EMPTY; 4]);
    static CHANNEL: StaticCell<Channel<'static, NoopRawMutex, Block>> = StaticCell::new();
    static TX: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static RX: ConstStaticCell<[u8; 32]> = ConstStaticCell::new([0; 32]);

    let p = embassy_rp::init(Default::default());
    spawner.spawn(lamp(Output::new(p.PIN_25, Level::Low)).unwrap());
    let mut config = spi::Config::default();
    config.frequency = 8_000_000;
    let (clk, mosi, miso) = (p.PIN_18, p.PIN_19, p.PIN_16);
    let spi = Spi::new(p.SPI0, clk, mosi, miso, p.DMA_CH0, p.DMA_CH1, Irqs, config);
    let bus = BUS.init(Mutex::new(spi));
    let flash = SpiDevice::new(bus, Output::new(p.PIN_17, Level::High));
    let sensor = SpiDevice::new(bus, Output::new(p.PIN_20, Level::High));

    let store = &*STORE.init(Mutex::new(mount(flash).await));
    let (sender, receiver) = CHANNEL.init(Channel::new(BLOCKS.take())).split();
    spawner.spawn(writer(store, receiver).unwrap());
    spawner.spawn(recorder(sensor, Input::new(p.PIN_21, Pull::Down), sender).unwrap());

    let config = uart::Config::default();
    let uart = BufferedUart::new(p.UART0, p.PIN_0, p.PIN_1, Irqs, TX.take(), RX.take(), config);
    let (output, rx) = uart.split();
    let mut terminal = Terminal { lines: LineReader::new(rx), output, store };
    loop {
        let _ = terminal.run().await;
        Timer::after_millis(10).await;
    }
}
