//! A logger of analog signals in the internal flash.
//!
//! The sampler measures four channels at the configured interval and packs them into records; the
//! store writes the records into a queue in flash, where the oldest ones make room for new ones.
//! Over the serial port the log can be read, followed and cleared.

#![no_std]
#![no_main]

#[macro_use]
#[path = "../board.rs"]
mod board;

use core::{fmt::Write as _, ops::Range};

use crash as _;
use drivers::line::{self, LineReader};
use embassy_embedded_hal::{adapter::BlockingAsync, flash::partition::Partition};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_nrf::{
    bind_interrupts,
    buffered_uarte::{self, BufferedUarte, BufferedUarteRx, BufferedUarteTx},
    gpio::{Input, Pull},
    nvmc::Nvmc,
    peripherals::UARTE0,
    saadc::{self, ChannelConfig, Saadc},
    uarte,
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    channel::Channel,
    mutex::Mutex,
    watch::Watch,
};
use embassy_time::{Duration, Instant, Timer};
use embedded_io_async::Write;
use heapless::{String, Vec};
use sequential_storage::{
    cache::{Cache, Uncached},
    map::{MapConfig, MapStorage},
    queue::{QueueConfig, QueueStorage},
};
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
    SAADC => saadc::InterruptHandler;
});

type Flash = Mutex<NoopRawMutex, BlockingAsync<Nvmc<'static>>>;
type Region = Partition<'static, NoopRawMutex, BlockingAsync<Nvmc<'static>>>;
type Log = QueueStorage<Region, Cache<Uncached, Uncached, Uncached>>;
type Settings = MapStorage<u8, Region, Cache<Uncached, Uncached, Uncached, u8>>;

const LOG_START: u32 = 0x80000;
const LOG: Range<u32> = 0..0x78000;
const SETTINGS_START: u32 = 0xfc000;
const SETTINGS: Range<u32> = 0..0x4000;

/// Samples of one record.
const BATCH: usize = 8;
const RECORD: usize = 4 + 2 * 4 * BATCH;

#[derive(Clone, Copy)]
#[repr(u8)]
enum Key {
    Interval = 1,
    Threshold = 2,
}

type Sample = [i16; 4];

struct Batch {
    start: u32,
    samples: Vec<Sample, BATCH>,
}

impl Batch {
    fn encode(&self) -> [u8; RECORD] {
        let mut record = [0xff; RECORD];
        record[..4].copy_from_slice(&self.start.to_le_bytes());
        let values = self.samples.iter().flatten();
        for (bytes, value) in record[4..].chunks_exact_mut(2).zip(values) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
        record
    }
}

static BATCHES: Channel<ThreadModeRawMutex, Batch, 4> = Channel::new();
static LIVE: Watch<ThreadModeRawMutex, Sample, 1> = Watch::new();
static INTERVAL: Watch<ThreadModeRawMutex, Duration, 1> = Watch::new();

#[derive(Clone, Copy)]
enum Problem {
    Flash,
    Full,
    BadArgument,
}

type SharedStore = Mutex<NoopRawMutex, Store>;

/// Both areas of the flash.
struct Store {
    log: Log,
    settings: Settings,
    dropped: u32,
}

impl Store {
    async fn append(&mut self, record: &[u8; RECORD]) {
        if self.log.push(record, true).await.is_err() {
            self.dropped += 1;
            // Most likely a torn write: start over rather than never log again.
            if self.dropped % 16 == 0 {
                let _ = self.log.erase_all().await;
            }
        }
    }

    async fn get(&mut self, key: Key) -> Result<Option<u32>, Problem> {
        let mut buf = [0; 16];
        self.settings.fetch_item(&mut buf, &(key as u8)).await.map_err(|_| Problem::Flash)
    }

    async fn set(&mut self, key: Key, value: u32) -> Result<(), Problem> {
        let mut buf = [0; 16];
        match self.settings.store_item(&mut buf, &(key as u8), &value).await {
            Ok(()) => Ok(()),
            Err(sequential_storage::Error::FullStorage) => Err(Problem::Full),
            Err(_) => Err(Problem::Flash),
        }
    }
}

#[embassy_executor::task]
async fn sampler(mut adc: Saadc<'static, 4>, mut trigger: Input<'static>) {
    let mut intervals = INTERVAL.receiver().unwrap();
    let mut interval = intervals.get().await;
    let live = LIVE.sender();
    adc.calibrate().await;
    let mut next = Instant::now();
    let mut batch = Batch { start: 0, samples: Vec::new() };
    loop {
        match select3(Timer::at(next), trigger.wait_for_falling_edge(), intervals.changed()).await {
            Either3::First(()) => next += interval,
            Either3::Second(()) => Timer::after_millis(2).await,
            Either3::Third(new) => {
                interval = new;
                next = Instant::now() + interval;
                continue;
            }
        }
        let mut sample = [0; 4];
        adc.sample(&mut sample).await;
        live.send(sample);
        if batch.samples.is_empty() {
            batch.start = Instant::now().as_secs() as u32;
        }
        let _ = batch.samples.push(sample);
        if batch.samples.is_full() {
            let full = core::mem::replace(&mut batch, Batch { start: 0, samples: Vec::new() });
            BATCHES.send(full).await;
        }
    }
}

#[embassy_executor::task]
async fn writer(store: &'static SharedStore) {
    loop {
        let record = BATCHES.receive().await.encode();
        store.lock().await.append(&record).await;
    }
}

type PortError = line::Error<buffered_uarte::Error, buffered_uarte::Error>;

struct Terminal {
    lines: LineReader<BufferedUarteRx<'static>, 40>,
    output: BufferedUarteTx<'static>,
    store: &'static SharedStore,
}

impl Terminal {
    async fn print(&mut self, args: core::fmt::Arguments<'_>) -> Result<(), PortError> {
        let mut text = String::<96>::new();
        let _ = text.write_fmt(args);
        let _ = text.push_str("\r\n");
        self.output.write_all(text.as_bytes()).await.map_err(line::Error::Write)
    }

    async fn sample(&mut self, time: u32, sample: Sample) -> Result<(), PortError> {
        let [a, b, c, d] = sample;
        self.print(format_args!("{time},{a},{b},{c},{d}")).await
    }

    async fn outcome(&mut self, result: Result<(), Problem>) -> Result<(), PortError> {
        match result {
            Ok(()) => self.print(format_args!("ok")).await,
            Err(Problem::Flash) => self.print(format_args!("error: flash")).await,
            Err(Problem::Full) => self.print(format_args!("error: full")).await,
            Err(Problem::BadArgument) => self.print(format_args!("error: argument")).await,
        }
    }

    /// Prints the whole log; `consume` removes what was printed.
    async fn dump(&mut self, store: &mut Store, consume: bool) -> Result<(), PortError> {
        let interval = store.get(Key::Interval).await.ok().flatten().unwrap_or(1000);
        let mut buf = [0; RECORD + 8];
        let Ok(mut records) = store.log.iter().await else {
            return self.outcome(Err(Problem::Flash)).await;
        };
        loop {
            let entry = match records.next(&mut buf).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return self.outcome(Ok(())).await,
                Err(_) => return self.outcome(Err(Problem::Flash)).await,
            };
            let mut record = [0; RECORD];
            let len = entry.len().min(RECORD);
            record[..len].copy_from_slice(&entry[..len]);
            if consume && entry.pop().await.is_err() {
                return self.outcome(Err(Problem::Flash)).await;
            }
            let (start, values) = record.split_at(4);
            let mut time = start.try_into().map_or(0, u32::from_le_bytes);
            for chunk in values.chunks_exact(8) {
                let sample =
                    core::array::from_fn(|i| i16::from_le_bytes([chunk[2 * i], chunk[2 * i + 1]]));
                self.sample(time, sample).await?;
                time += interval / 1000;
            }
        }
    }

    /// Prints samples as they come, until a line is entered.
    async fn follow(&mut self) -> Result<(), PortError> {
        let Some(mut live) = LIVE.receiver() else {
            return Ok(());
        };
        loop {
            match select(live.changed(), self.lines.next(&mut self.output)).await {
                Either::First(sample) => {
                    self.sample(Instant::now().as_secs() as u32, sample).await?;
                }
                Either::Second(Ok(_) | Err(line::Error::Cancelled)) => return Ok(()),
                Either::Second(Err(e)) => return Err(e),
            }
        }
    }

    async fn run(&mut self) -> Result<(), PortError> {
        loop {
            self.output.write_all(b"# ").await.map_err(line::Error::Write)?;
            let line = match self.lines.next(&mut self.output).await {
                Ok(line) => String::<40>::try_from(line).unwrap_or_default(),
                Err(line::Error::Cancelled | line::Error::TooLong) => continue,
                Err(e) => return Err(e),
            };
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            let number = words.next().and_then(|word| word.parse::<u32>().ok());
            if name == "follow" {
                self.follow().await?;
                continue;
            }
            let shared = self.store;
            let store = &mut *shared.lock().await;
            match (name, number) {
                ("", _) => {}
                ("dump", _) => self.dump(store, false).await?,
                ("take", _) => self.dump(store, true).await?,
                ("clear", _) => {
                    let result = store.log.erase_all().await.map_err(|_| Problem::Flash);
                    self.outcome(result).await?;
                }
                ("free", _) => match store.log.space_left().await {
                    Ok(bytes) => {
                        self.print(format_args!("{bytes} bytes, {} lost", store.dropped)).await?;
                    }
                    Err(_) => self.outcome(Err(Problem::Flash)).await?,
                },
                ("interval", Some(ms @ 10..)) => {
                    let result = store.set(Key::Interval, ms).await;
                    if result.is_ok() {
                        INTERVAL.sender().send(Duration::from_millis(ms.into()));
                    }
                    self.outcome(result).await?;
                }
                ("threshold", Some(value)) => {
                    let result = store.set(Key::Threshold, value).await;
                    self.outcome(result).await?;
                }
                ("settings", _) => {
                    for key in [Key::Interval, Key::Threshold] {
                        match store.get(key).await {
                            Ok(Some(value)) => {
                                self.print(format_args!("{}: {value}", key as u8)).await?;
                            }
                            Ok(None) => self.print(format_args!("{}: -", key as u8)).await?,
                            Err(e) => self.outcome(Err(e)).await?,
                        }
                    }
                }
                ("interval" | "threshold", _) => self.outcome(Err(Problem::BadArgument)).await?,
                _ => {
                    self.print(format_args!("dump take clear free follow settings")).await?;
                    self.print(format_args!("interval MS, threshold VALUE")).await?;
                }
            }
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static FLASH: StaticCell<Flash> = StaticCell::new();
    static STORE: StaticCell<SharedStore> = StaticCell::new();
    static RX: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static TX: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);

    let p = embassy_nrf::init(Default::default());
    let flash = &*FLASH.init(Mutex::new(BlockingAsync::new(Nvmc::new(p.NVMC))));
    let mut store = Store {
        log: QueueStorage::new(
            Partition::new(flash, LOG_START, LOG.end),
            const { QueueConfig::new(LOG) },
            Cache::new_uncached(),
        ),
        settings: MapStorage::new(
            Partition::new(flash, SETTINGS_START, SETTINGS.end),
            const { MapConfig::new(SETTINGS) },
            Cache::new_uncached(),
        ),
        dropped: 0,
    };
    let interval = store.get(Key::Interval).await.ok().flatten().unwrap_or(1000);
    INTERVAL.sender().send(Duration::from_millis(interval.into()));
    let store = &*STORE.init(Mutex::new(store));

    let channels = [
        ChannelConfig::single_ended(p.P0_02),
        ChannelConfig::single_ended(p.P0_03),
        ChannelConfig::single_ended(p.P0_04),
        ChannelConfig::differential(p.P0_05, p.P0_28),
    ];
    let adc = Saadc::new(p.SAADC, Irqs, Default::default(), channels);
    spawner.spawn(sampler(adc, Input::new(p.P0_11, Pull::Up)).unwrap());
    spawner.spawn(writer(store).unwrap());

    let uart = board_uart!(p, uarte::Config::default(), RX.take(), TX.take());
    let (rx, output) = uart.split();
    let mut terminal = Terminal { lines: LineReader::new(rx), output, store };
    loop {
        let _ = terminal.run().await;
        Timer::after_millis(10).await;
    }
}
