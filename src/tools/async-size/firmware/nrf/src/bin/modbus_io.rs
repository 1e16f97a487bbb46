//! A Modbus RTU I/O module: relays, digital inputs, analog inputs and a climate sensor on RS-485.
//!
//! Input registers are measured when they are asked for; the sensor's are refreshed in the
//! background. Relays fall back to off when the bus master has been silent for too long.

#![no_std]
#![no_main]

#[macro_use]
#[path = "../board.rs"]
mod board;

use crash as _;
use drivers::{
    bme280::Climate,
    modbus::{Exception, Port, Registers, Server},
    sensor::{Guarded, Sensor},
    sht3x::Sht3x,
};
use embassy_executor::Spawner;
use embassy_nrf::{
    Peri, bind_interrupts,
    buffered_uarte::{self, BufferedUarte},
    gpio::{AnyPin, Input, Level, Output, OutputDrive, Pull},
    peripherals::{TWISPI0, UARTE0},
    saadc::{self, ChannelConfig, Saadc},
    twim::{self, Twim},
    uarte,
};
use embassy_sync::{blocking_mutex::raw::ThreadModeRawMutex, mutex::Mutex, signal::Signal};
use embassy_time::{Duration, Instant, Ticker, Timer, with_timeout};
use static_cell::ConstStaticCell;

bind_interrupts!(struct Irqs {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
    TWISPI0 => twim::InterruptHandler<TWISPI0>;
    SAADC => saadc::InterruptHandler;
});

const BAUD: u32 = 19_200;
const RELAYS: usize = 4;
const INPUTS: usize = 4;

type Relays = [Output<'static>; RELAYS];

static RELAY: Mutex<ThreadModeRawMutex, Option<Relays>> = Mutex::new(None);
static CLIMATE: Mutex<ThreadModeRawMutex, Option<(Climate, Instant)>> = Mutex::new(None);
static TRAFFIC: Signal<ThreadModeRawMutex, u16> = Signal::new();

#[embassy_executor::task]
async fn climate(bus: Twim<'static>) {
    let mut sensor = Guarded::new(Sht3x::new(bus, 0x44), 3, Duration::from_millis(100));
    let mut ticker = Ticker::every(Duration::from_secs(5));
    loop {
        if let Ok(reading) = sensor.sample().await {
            *CLIMATE.lock().await = Some((reading, Instant::now()));
        }
        ticker.next().await;
    }
}

/// Opens all relays if no request came for the time (in seconds) that is configured.
#[embassy_executor::task]
async fn watchdog() {
    let mut limit = 30;
    loop {
        if limit == 0 {
            limit = TRAFFIC.wait().await;
            continue;
        }
        match with_timeout(Duration::from_secs(limit.into()), TRAFFIC.wait()).await {
            Ok(seconds) => limit = seconds,
            Err(_) => {
                if let Some(relays) = RELAY.lock().await.as_mut() {
                    for relay in relays {
                        relay.set_low();
                    }
                }
                limit = TRAFFIC.wait().await;
            }
        }
    }
}

struct Module {
    inputs: [Input<'static>; INPUTS],
    analog: Saadc<'static, 2>,
    /// Seconds of silence until the relays open.
    patience: u16,
    debounce: u16,
}

impl Module {
    async fn analog(&mut self, channel: usize) -> i16 {
        let mut sum = [0i32; 2];
        for _ in 0..8 {
            let mut samples = [0; 2];
            self.analog.sample(&mut samples).await;
            sum[0] += i32::from(samples[0]);
            sum[1] += i32::from(samples[1]);
        }
        (sum[channel] / 8) as i16
    }

    async fn climate(&mut self) -> Result<Climate, Exception> {
        match *CLIMATE.lock().await {
            Some((climate, at)) if at.elapsed() < Duration::from_secs(30) => Ok(climate),
            Some(_) => Err(Exception::DeviceFailure),
            None => Err(Exception::Busy),
        }
    }
}

impl Registers for Module {
    async fn coil(&mut self, address: u16) -> Result<bool, Exception> {
        TRAFFIC.signal(self.patience);
        let relays = RELAY.lock().await;
        let relays = relays.as_ref().ok_or(Exception::DeviceFailure)?;
        let relay = relays.get(usize::from(address)).ok_or(Exception::IllegalAddress)?;
        Ok(relay.is_set_high())
    }

    async fn set_coil(&mut self, address: u16, on: bool) -> Result<(), Exception> {
        TRAFFIC.signal(self.patience);
        let mut relays = RELAY.lock().await;
        let relays = relays.as_mut().ok_or(Exception::DeviceFailure)?;
        let relay = relays.get_mut(usize::from(address)).ok_or(Exception::IllegalAddress)?;
        relay.set_level(on.into());
        // Not all relays at once: the supply is small.
        Timer::after_millis(8).await;
        Ok(())
    }

    async fn discrete_input(&mut self, address: u16) -> Result<bool, Exception> {
        TRAFFIC.signal(self.patience);
        let debounce = Duration::from_millis(self.debounce.into());
        let input = self.inputs.get_mut(usize::from(address)).ok_or(Exception::IllegalAddress)?;
        for _ in 0..3 {
            let level = input.is_low();
            if with_timeout(debounce, input.wait_for_any_edge()).await.is_err() {
                return Ok(level);
            }
        }
        Err(Exception::Busy)
    }

    async fn holding(&mut self, address: u16) -> Result<u16, Exception> {
        TRAFFIC.signal(self.patience);
        match address {
            0 => Ok(self.patience),
            1 => Ok(self.debounce),
            _ => Err(Exception::IllegalAddress),
        }
    }

    async fn set_holding(&mut self, address: u16, value: u16) -> Result<(), Exception> {
        match (address, value) {
            (0, _) => self.patience = value,
            (1, 1..=100) => self.debounce = value,
            (1, _) => return Err(Exception::IllegalValue),
            _ => return Err(Exception::IllegalAddress),
        }
        TRAFFIC.signal(self.patience);
        Ok(())
    }

    async fn input(&mut self, address: u16) -> Result<u16, Exception> {
        TRAFFIC.signal(self.patience);
        match address {
            0 => Ok(self.analog(0).await as u16),
            1 => Ok(self.analog(1).await as u16),
            16 => Ok(self.climate().await?.temperature as u16),
            17 => Ok(self.climate().await?.humidity as u16),
            32 => Ok(Instant::now().as_secs() as u16),
            33 => Ok((Instant::now().as_secs() >> 16) as u16),
            _ => Err(Exception::IllegalAddress),
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RX: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);
    static TX: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    static TWI: ConstStaticCell<[u8; 8]> = ConstStaticCell::new([0; 8]);

    let p = embassy_nrf::init(Default::default());
    let output = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::Low, OutputDrive::Standard);
    let input = |pin: Peri<'static, AnyPin>| Input::new(pin, Pull::Up);

    *RELAY.lock().await = Some([
        output(p.P1_01.into()),
        output(p.P1_02.into()),
        output(p.P1_03.into()),
        output(p.P1_04.into()),
    ]);
    spawner.spawn(watchdog().unwrap());
    let twim = Twim::new(p.TWISPI0, Irqs, p.P0_26, p.P0_27, Default::default(), TWI.take());
    spawner.spawn(climate(twim).unwrap());

    let mut config = uarte::Config::default();
    config.baudrate = uarte::Baudrate::Baud19200;
    config.parity = uarte::Parity::Included;
    let uart = board_uart!(p, config, RX.take(), TX.take());
    let (rx, tx) = uart.split();
    let port = Port::new(rx, tx, output(p.P1_08.into()), BAUD);
    let address = {
        let switch = [
            Input::new(p.P1_10, Pull::Up),
            Input::new(p.P1_11, Pull::Up),
            Input::new(p.P1_12, Pull::Up),
        ];
        Timer::after_millis(1).await;
        switch.iter().fold(0, |bits, pin| bits << 1 | u8::from(pin.is_low())) + 0x10
    };
    let module = Module {
        inputs: [
            input(p.P0_11.into()),
            input(p.P0_12.into()),
            input(p.P0_24.into()),
            input(p.P0_25.into()),
        ],
        analog: Saadc::new(
            p.SAADC,
            Irqs,
            Default::default(),
            [ChannelConfig::single_ended(p.P0_02), ChannelConfig::single_ended(p.P0_03)],
        ),
        patience: 30,
        debounce: 10,
    };
    let mut server = Server::new(port, module, address);
    loop {
        if server.run().await.is_err() {
            Timer::after_millis(5).await;
        }
    }
}
