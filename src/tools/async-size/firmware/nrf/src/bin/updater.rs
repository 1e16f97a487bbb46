//! A recovery image: receives a new firmware over the serial port and stores it in the second half
//! of the internal flash.

#![no_std]
#![no_main]

#[macro_use]
#[path = "../board.rs"]
mod board;

use crash as _;
use drivers::{
    link::{Config, Link},
    update::{Outcome, Receiver},
};
use embassy_embedded_hal::adapter::BlockingAsync;
use embassy_embedded_hal::{adapter::YieldingAsync, flash::partition::Partition};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_nrf::{
    bind_interrupts,
    buffered_uarte::{self, BufferedUarte},
    gpio::{Level, Output, OutputDrive},
    nvmc::Nvmc,
    peripherals::UARTE0,
    uarte,
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    mutex::Mutex,
    signal::Signal,
};
use embassy_time::{Duration, Timer};
use sequential_storage::{
    cache::Cache,
    map::{MapConfig, MapStorage},
};
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
});

type Flash = Mutex<NoopRawMutex, YieldingAsync<BlockingAsync<Nvmc<'static>>>>;

const SLOT: u32 = 0x80000;
const SLOT_SIZE: u32 = 0x70000;
const BOOT_RECORD: core::ops::Range<u32> = 0..0x2000;
const RECORD: u32 = 0xf0000;
const VERSION: u32 = 3;
/// The key of the boot record under which the bootloader looks for its order.
const ORDER: u8 = 1;

#[derive(Clone, Copy)]
enum Mood {
    Waiting,
    Failed,
    Done,
}

static MOOD: Signal<ThreadModeRawMutex, Mood> = Signal::new();

#[embassy_executor::task]
async fn indicator(mut led: Output<'static>) {
    let mut mood = Mood::Waiting;
    loop {
        let (on, off) = match mood {
            Mood::Waiting => (50, 950),
            Mood::Failed => (100, 100),
            Mood::Done => (900, 100),
        };
        let blink = async {
            loop {
                led.set_low();
                Timer::after_millis(on).await;
                led.set_high();
                Timer::after_millis(off).await;
            }
        };
        let Either::First(next) = select(MOOD.wait(), blink).await;
        mood = next;
    }
}

/// Leaves the order to swap the images, for the bootloader.
async fn order_swap(flash: &Flash) -> Result<(), ()> {
    let record = Partition::new(flash, RECORD, BOOT_RECORD.end);
    let config = const { MapConfig::new(BOOT_RECORD) };
    let mut map = MapStorage::<u8, _, _>::new(record, config, Cache::new_uncached());
    let mut buf = [0; 32];
    let swaps: u32 = map.fetch_item(&mut buf, &ORDER).await.map_err(drop)?.unwrap_or(0);
    map.store_item(&mut buf, &ORDER, &(swaps + 1)).await.map_err(drop)
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RX: ConstStaticCell<[u8; 1024]> = ConstStaticCell::new([0; 1024]);
    static TX: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static FLASH: StaticCell<Flash> = StaticCell::new();

    let p = embassy_nrf::init(Default::default());
    spawner.spawn(indicator(Output::new(p.P0_13, Level::High, OutputDrive::Standard)).unwrap());

    let uart = board_uart!(p, uarte::Config::default(), RX.take(), TX.take());
    let (input, output) = uart.split();
    let flash = &*FLASH.init(Mutex::new(YieldingAsync::new(BlockingAsync::new(Nvmc::new(p.NVMC)))));
    let slot = Partition::new(flash, SLOT, SLOT_SIZE);
    let mut receiver = Receiver::new(slot, SLOT_SIZE, VERSION);
    let mut link = Link::new(input, output, Config::default());
    loop {
        match receiver.serve(&mut link).await {
            Ok(Outcome::Activate) => {
                if order_swap(flash).await.is_ok() {
                    MOOD.signal(Mood::Done);
                    Timer::after(Duration::from_secs(2)).await;
                    cortex_m::peripheral::SCB::sys_reset();
                }
                MOOD.signal(Mood::Failed);
            }
            Ok(Outcome::Abandoned) => MOOD.signal(Mood::Waiting),
            Err(_) => {
                MOOD.signal(Mood::Failed);
                // The host listens again after this pause.
                Timer::after(Duration::from_millis(500)).await;
                let _ = link.reset().await;
            }
        }
    }
}
