//! A Bluetooth Low Energy peripheral: climate, battery level and a light that can be switched.
//!
//! The controller is a separate chip on the serial port (HCI over UART with flow control); this
//! chip runs the host.

#![no_std]
#![no_main]

use bt_hci::controller::ExternalController;
use bt_hci_serial::SerialTransport;
use crash as _;
use drivers::{
    bme280::Climate,
    sensor::{Guarded, Sensor, Smoothed},
    sht3x::Sht3x,
};
use embassy_executor::Spawner;
use embassy_futures::{
    join::join,
    select::{Either, select},
};
use embassy_nrf::{
    bind_interrupts,
    buffered_uarte::{self, BufferedUarte, BufferedUarteRx, BufferedUarteTx},
    gpio::{Level, Output, OutputDrive},
    peripherals::{TWISPI0, UARTE0},
    saadc::{self, ChannelConfig, Saadc},
    twim::{self, Twim},
    uarte,
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    signal::Signal,
    watch::Watch,
};
use embassy_time::{Duration, Ticker, Timer};
use static_cell::{ConstStaticCell, StaticCell};
use trouble_host::prelude::*;

bind_interrupts!(struct Irqs {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
    TWISPI0 => twim::InterruptHandler<TWISPI0>;
    SAADC => saadc::InterruptHandler;
});

const CONNECTIONS: usize = 1;
const L2CAP_CHANNELS: usize = 2;
const NAME: &str = "Greenhouse";

type Transport = SerialTransport<NoopRawMutex, BufferedUarteRx<'static>, BufferedUarteTx<'static>>;
type Controller = ExternalController<Transport, 10>;

#[gatt_server(connections_max = CONNECTIONS)]
struct Server {
    environment: EnvironmentService,
    battery: BatteryService,
    light: LightService,
}

#[gatt_service(uuid = service::ENVIRONMENTAL_SENSING)]
struct EnvironmentService {
    /// Hundredths of a degree.
    #[characteristic(uuid = characteristic::TEMPERATURE, read, notify)]
    temperature: i16,
    /// Hundredths of a percent.
    #[characteristic(uuid = characteristic::HUMIDITY, read, notify)]
    humidity: u16,
}

#[gatt_service(uuid = service::BATTERY)]
struct BatteryService {
    #[characteristic(uuid = characteristic::BATTERY_LEVEL, read, notify, value = 100)]
    level: u8,
}

#[gatt_service(uuid = "6f1e0000-9d3c-4b5a-8a50-6b7b3a0c51d2")]
struct LightService {
    /// Off, on, or the number of blinks.
    #[characteristic(uuid = "6f1e0001-9d3c-4b5a-8a50-6b7b3a0c51d2", read, write)]
    mode: u8,
    /// Seconds between two measurements.
    #[characteristic(uuid = "6f1e0002-9d3c-4b5a-8a50-6b7b3a0c51d2", read, write, value = 10)]
    period: u8,
}

static CLIMATE: Watch<ThreadModeRawMutex, Climate, 1> = Watch::new();
static BATTERY: Watch<ThreadModeRawMutex, u8, 1> = Watch::new();
static PERIOD: Watch<ThreadModeRawMutex, Duration, 1> = Watch::new();
static LIGHT: Signal<ThreadModeRawMutex, u8> = Signal::new();

#[embassy_executor::task]
async fn climate(bus: Twim<'static>) {
    let limit = Duration::from_millis(100);
    let mut sensor = Smoothed::new(Guarded::new(Sht3x::new(bus, 0x44), 3, limit), 1);
    let mut periods = PERIOD.receiver().unwrap();
    let sender = CLIMATE.sender();
    let mut period = Duration::from_secs(10);
    loop {
        if let Ok(climate) = sensor.sample().await {
            sender.send(climate);
        }
        if let Either::Second(new) = select(Timer::after(period), periods.changed()).await {
            period = new;
        }
    }
}

#[embassy_executor::task]
async fn battery(mut adc: Saadc<'static, 1>) {
    let sender = BATTERY.sender();
    let mut ticker = Ticker::every(Duration::from_secs(60));
    loop {
        let mut sample = [0];
        adc.sample(&mut sample).await;
        // A lithium cell behind a divider by two, from 3.0 to 4.2 V.
        let millivolt = i32::from(sample[0]) * 7200 / 4096;
        sender.send(((millivolt - 3000) / 12).clamp(0, 100) as u8);
        ticker.next().await;
    }
}

#[embassy_executor::task]
async fn light(mut led: Output<'static>) {
    loop {
        match LIGHT.wait().await {
            0 => led.set_high(),
            1 => led.set_low(),
            blinks => {
                for _ in 0..blinks {
                    led.toggle();
                    Timer::after_millis(150).await;
                    led.toggle();
                    Timer::after_millis(150).await;
                }
            }
        }
    }
}

type HostError = BleHostError<bt_hci_serial::Error<buffered_uarte::Error>>;

async fn advertise<'a, 'b>(
    peripheral: &mut Peripheral<'a, Controller, DefaultPacketPool>,
    server: &'b Server<'_>,
) -> Result<GattConnection<'a, 'b, DefaultPacketPool>, HostError> {
    let mut data = [0; 31];
    let len = AdStructure::encode_slice(
        &[
            AdStructure::Flags(LE_GENERAL_DISCOVERABLE | BR_EDR_NOT_SUPPORTED),
            AdStructure::CompleteServiceUuids16(&[service::ENVIRONMENTAL_SENSING.to_le_bytes()]),
            AdStructure::CompleteLocalName(NAME.as_bytes()),
        ],
        &mut data,
    )?;
    let advertisement =
        Advertisement::ConnectableScannableUndirected { adv_data: &data[..len], scan_data: &[] };
    let advertiser = peripheral.advertise(&Default::default(), advertisement).await?;
    Ok(advertiser.accept().await?.with_attribute_server(server)?)
}

/// Answers requests until the peer disconnects.
async fn requests(server: &Server<'_>, connection: &GattConnection<'_, '_, DefaultPacketPool>) {
    loop {
        let event = match connection.next().await {
            GattConnectionEvent::Disconnected { .. } => return,
            GattConnectionEvent::Gatt { event } => event,
            _ => continue,
        };
        let reply = match &event {
            GattEvent::Write(write) if write.handle() == server.light.mode.handle => {
                match write.value(&server.light.mode) {
                    Ok(mode) if mode <= 20 => {
                        LIGHT.signal(mode);
                        event.accept()
                    }
                    _ => event.reject(AttErrorCode::VALUE_NOT_ALLOWED),
                }
            }
            GattEvent::Write(write) if write.handle() == server.light.period.handle => {
                match write.value(&server.light.period) {
                    Ok(seconds) if seconds > 0 => {
                        PERIOD.sender().send(Duration::from_secs(seconds.into()));
                        event.accept()
                    }
                    _ => event.reject(AttErrorCode::VALUE_NOT_ALLOWED),
                }
            }
            _ => event.accept(),
        };
        if let Ok(reply) = reply {
            reply.send().await;
        }
    }
}

/// Sends measurements to the peer as they come.
async fn notifications(
    server: &Server<'_>,
    connection: &GattConnection<'_, '_, DefaultPacketPool>,
) -> Result<(), Error> {
    let environment = async {
        let Some(mut climates) = CLIMATE.receiver() else {
            return Ok(());
        };
        loop {
            let climate = climates.changed().await;
            let temperature = climate.temperature as i16;
            let humidity = climate.humidity as u16;
            server.environment.temperature.notify(connection, &temperature, true).await?;
            server.environment.humidity.notify(connection, &humidity, true).await?;
        }
    };
    let battery = async {
        let Some(mut levels) = BATTERY.receiver() else {
            return Ok(());
        };
        loop {
            let level = levels.changed().await;
            server.battery.level.notify(connection, &level, true).await?;
        }
    };
    match select(environment, battery).await {
        Either::First(result) | Either::Second(result) => result,
    }
}

async fn serve(stack: &Stack<'_, Controller, DefaultPacketPool>, server: &Server<'_>) -> ! {
    let mut peripheral = stack.peripheral();
    loop {
        match advertise(&mut peripheral, server).await {
            Ok(connection) => {
                select(requests(server, &connection), notifications(server, &connection)).await;
            }
            Err(_) => Timer::after_secs(1).await,
        }
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RX: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);
    static TX: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);
    static TWI: ConstStaticCell<[u8; 8]> = ConstStaticCell::new([0; 8]);
    static RESOURCES: StaticCell<HostResources<DefaultPacketPool, CONNECTIONS, L2CAP_CHANNELS>> =
        StaticCell::new();

    let p = embassy_nrf::init(Default::default());
    let twim = Twim::new(p.TWISPI0, Irqs, p.P0_26, p.P0_27, Default::default(), TWI.take());
    spawner.spawn(climate(twim).unwrap());
    let channels = [ChannelConfig::single_ended(p.P0_02)];
    let adc = Saadc::new(p.SAADC, Irqs, Default::default(), channels);
    spawner.spawn(battery(adc).unwrap());
    spawner.spawn(light(Output::new(p.P0_13, Level::High, OutputDrive::Standard)).unwrap());

    let mut config = uarte::Config::default();
    config.baudrate = uarte::Baudrate::Baud1m;
    let uart = BufferedUarte::new_with_rtscts(
        p.UARTE0,
        p.TIMER0,
        p.PPI_CH0,
        p.PPI_CH1,
        p.PPI_GROUP0,
        p.P0_08,
        p.P0_06,
        p.P0_07,
        p.P0_05,
        Irqs,
        config,
        RX.take(),
        TX.take(),
    );
    let (rx, tx) = uart.split();
    let controller = Controller::new(Transport::new(rx, tx));
    let stack = trouble_host::new(controller, RESOURCES.init(HostResources::new()))
        .set_random_address(Address::random([0x5a, 0x10, 0x44, 0x21, 0x07, 0xc3]))
        .build();
    let server = Server::new_with_config(GapConfig::Peripheral(PeripheralConfig {
        name: NAME,
        appearance: &appearance::sensor::GENERIC_SENSOR,
    }))
    .unwrap();
    let mut runner = stack.runner();
    let host = async {
        loop {
            // The controller may have been reset or unplugged.
            let _ = runner.run().await;
            Timer::after_secs(1).await;
        }
    };
    join(host, serve(&stack, &server)).await;
}
