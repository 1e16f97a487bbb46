//! The service command line on a bare board: pins, lights, analog inputs, PWM and the I2C bus.
//!
//! Settings live in the last pages of the internal flash.

#![no_std]
#![no_main]

#[macro_use]
#[path = "../board.rs"]
mod board;

use crash as _;
use drivers::shell::{Board, Fault, Light, Shell};
use embassy_embedded_hal::adapter::BlockingAsync;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_nrf::{
    Peri, bind_interrupts,
    buffered_uarte::{self, BufferedUarte},
    gpio::{AnyPin, Input, Level, Output, OutputDrive, Pull},
    nvmc::Nvmc,
    peripherals::{TWISPI0, UARTE0},
    pwm::{DutyCycle, SimpleConfig, SimplePwm},
    saadc::{self, ChannelConfig, Saadc},
    temp::{self, Temp},
    twim::{self, Twim},
    uarte,
};
use embassy_sync::{blocking_mutex::raw::ThreadModeRawMutex, signal::Signal};
use embassy_time::{Duration, Timer, with_timeout};
use sequential_storage::{
    cache::{Cache, Uncached},
    map::{MapConfig, MapStorage},
};
use static_cell::ConstStaticCell;

bind_interrupts!(struct Irqs {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
    TWISPI0 => twim::InterruptHandler<TWISPI0>;
    SAADC => saadc::InterruptHandler;
    TEMP => temp::InterruptHandler;
});

type Flash = BlockingAsync<Nvmc<'static>>;
type Settings = MapStorage<u8, Flash, Cache<Uncached, Uncached, Uncached, u8>>;

const LIGHTS: usize = 2;
const BUS_LIMIT: Duration = Duration::from_millis(50);

static LIGHT: [Signal<ThreadModeRawMutex, Light>; LIGHTS] = [Signal::new(), Signal::new()];

#[embassy_executor::task(pool_size = LIGHTS)]
async fn light(index: usize, mut led: Output<'static>) {
    let mut order = Light::Off;
    loop {
        match order {
            Light::Off => led.set_high(),
            Light::On => led.set_low(),
            Light::Toggle => led.toggle(),
            Light::Blink(period) => {
                let blink = async {
                    loop {
                        led.toggle();
                        Timer::after(period / 2).await;
                    }
                };
                let Either::First(next) = select(LIGHT[index].wait(), blink).await;
                order = next;
                continue;
            }
        }
        order = LIGHT[index].wait().await;
    }
}

struct DevKit {
    outputs: [Output<'static>; 3],
    inputs: [Input<'static>; 2],
    analog: Saadc<'static, 4>,
    sensor: Temp<'static>,
    pwm: SimplePwm<'static>,
    bus: Twim<'static>,
    settings: Settings,
}

impl DevKit {
    fn bus_result<E>(result: Result<Result<(), twim::Error>, E>) -> Result<(), Fault> {
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(twim::Error::AddressNack)) => Err(Fault::NotPresent),
            Ok(Err(_)) => Err(Fault::Bus),
            Err(_) => Err(Fault::Timeout),
        }
    }
}

impl Board for DevKit {
    const NAME: &str = "nRF52840 service shell";

    async fn light(&mut self, index: u8, light: Light) -> Result<(), Fault> {
        LIGHT.get(usize::from(index)).ok_or(Fault::NotPresent)?.signal(light);
        Ok(())
    }

    async fn pin_set(&mut self, pin: u8, high: bool) -> Result<(), Fault> {
        let output = self.outputs.get_mut(usize::from(pin)).ok_or(Fault::NotPresent)?;
        output.set_level(high.into());
        Ok(())
    }

    async fn pin_get(&mut self, pin: u8) -> Result<bool, Fault> {
        Ok(self.inputs.get(usize::from(pin)).ok_or(Fault::NotPresent)?.is_high())
    }

    async fn pin_wait(&mut self, pin: u8) -> Result<(), Fault> {
        let input = self.inputs.get_mut(usize::from(pin)).ok_or(Fault::NotPresent)?;
        input.wait_for_any_edge().await;
        Ok(())
    }

    async fn analog(&mut self, channel: u8) -> Result<i32, Fault> {
        let mut samples = [0; 4];
        self.analog.sample(&mut samples).await;
        let raw = *samples.get(usize::from(channel)).ok_or(Fault::NotPresent)?;
        // 12 bits at a full scale of 3.6 V.
        Ok(i32::from(raw) * 3600 / 4096)
    }

    async fn temperature(&mut self) -> Result<i32, Fault> {
        let degrees = self.sensor.read().await;
        Ok((degrees * 100).to_num())
    }

    async fn duty(&mut self, channel: u8, permille: u16) -> Result<(), Fault> {
        if channel > 1 {
            return Err(Fault::NotPresent);
        }
        if permille > 1000 {
            return Err(Fault::Range);
        }
        let duty = u32::from(permille) * u32::from(self.pwm.max_duty()) / 1000;
        self.pwm.set_duty(channel.into(), DutyCycle::inverted(duty as u16));
        Ok(())
    }

    async fn bus_read(&mut self, address: u8, buf: &mut [u8]) -> Result<(), Fault> {
        Self::bus_result(with_timeout(BUS_LIMIT, self.bus.read(address, buf)).await)
    }

    async fn bus_write(&mut self, address: u8, bytes: &[u8]) -> Result<(), Fault> {
        Self::bus_result(with_timeout(BUS_LIMIT, self.bus.write(address, bytes)).await)
    }

    async fn setting(&mut self, key: u8) -> Result<Option<u32>, Fault> {
        let mut buf = [0; 16];
        self.settings.fetch_item(&mut buf, &key).await.map_err(|_| Fault::Storage)
    }

    async fn set_setting(&mut self, key: u8, value: u32) -> Result<(), Fault> {
        let mut buf = [0; 16];
        self.settings.store_item(&mut buf, &key, &value).await.map_err(|_| Fault::Storage)
    }

    async fn erase_settings(&mut self) -> Result<(), Fault> {
        self.settings.erase_all().await.map_err(|_| Fault::Storage)
    }

    async fn reboot(&mut self) -> ! {
        Timer::after_millis(50).await;
        cortex_m::peripheral::SCB::sys_reset()
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RX: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static TX: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    static TWI: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);

    let p = embassy_nrf::init(Default::default());
    let led = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::High, OutputDrive::Standard);
    spawner.spawn(light(0, led(p.P0_13.into())).unwrap());
    spawner.spawn(light(1, led(p.P0_14.into())).unwrap());

    let uart = board_uart!(p, uarte::Config::default(), RX.take(), TX.take());
    let (input, output) = uart.split();
    let channels = [
        ChannelConfig::single_ended(p.P0_02),
        ChannelConfig::single_ended(p.P0_03),
        ChannelConfig::single_ended(p.P0_04),
        ChannelConfig::single_ended(p.P0_05),
    ];
    let board = DevKit {
        outputs: [led(p.P1_01.into()), led(p.P1_02.into()), led(p.P1_03.into())],
        inputs: [Input::new(p.P0_11, Pull::Up), Input::new(p.P0_12, Pull::Up)],
        analog: Saadc::new(p.SAADC, Irqs, Default::default(), channels),
        sensor: Temp::new(p.TEMP, Irqs),
        pwm: SimplePwm::new_2ch(p.PWM0, p.P1_04, p.P1_05, &SimpleConfig::default()),
        bus: Twim::new(p.TWISPI0, Irqs, p.P0_26, p.P0_27, Default::default(), TWI.take()),
        settings: MapStorage::new(
            BlockingAsync::new(Nvmc::new(p.NVMC)),
            const { MapConfig::new(0xfc000..0x100000) },
            Cache::new_uncached(),
        ),
    };
    let mut shell = Shell::new(board, input, output);
    loop {
        // Line noise and overruns end up here; start over with a new prompt.
        let _ = shell.run().await;
        Timer::after_millis(10).await;
    }
}
