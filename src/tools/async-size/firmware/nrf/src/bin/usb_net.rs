//! A thermostat with a status page: Ethernet over USB (CDC-NCM), TCP/IP, HTTP.
//!
//! `GET /` shows the state, `GET /api` the same for programs, `PUT /target?value=215` sets the
//! target in tenths of a degree, `POST /heater?mode=auto|on|off` overrides the control. The device
//! announces itself with UDP broadcasts.

#![no_std]
#![no_main]

use core::fmt::Write as _;

use crash as _;
use drivers::http::{self, Method, Request, Response, Site, Status};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::{
    IpAddress, IpEndpoint, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4,
    tcp::TcpSocket,
    udp::{PacketMetadata, UdpSocket},
};
use embassy_nrf::{
    bind_interrupts,
    gpio::{Level, Output, OutputDrive},
    peripherals::{RNG, USBD},
    rng::{self, Rng},
    temp::{self, Temp},
    usb::{
        self, Driver,
        vbus_detect::{self, HardwareVbusDetect},
    },
};
use embassy_sync::{blocking_mutex::raw::ThreadModeRawMutex, mutex::Mutex, signal::Signal};
use embassy_time::{Duration, Instant, Timer};
use embassy_usb::{
    Builder, UsbDevice,
    class::cdc_ncm::{
        self, CdcNcmClass,
        embassy_net::{Device, Runner, State},
    },
};
use embedded_io_async::{Read, Write};
use heapless::String;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    USBD => usb::InterruptHandler<USBD>;
    CLOCK_POWER => vbus_detect::InterruptHandler;
    RNG => rng::InterruptHandler<RNG>;
    TEMP => temp::InterruptHandler;
});

type Usb = Driver<'static, HardwareVbusDetect>;

const MTU: usize = 1514;
const HTTP_SERVERS: usize = 2;
const OUR_MAC: [u8; 6] = [0x02, 0x1a, 0x11, 0x00, 0x00, 0x01];
const HOST_MAC: [u8; 6] = [0x02, 0x1a, 0x11, 0x00, 0x00, 0x02];
const ADDRESS: Ipv4Address = Ipv4Address::new(10, 42, 0, 61);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Auto,
    On,
    Off,
}

#[derive(Clone, Copy)]
struct Thermostat {
    /// Tenths of a degree.
    temperature: i32,
    target: i32,
    mode: Mode,
    heating: bool,
    requests: u32,
}

static THERMOSTAT: Mutex<ThreadModeRawMutex, Thermostat> = Mutex::new(Thermostat {
    temperature: 0,
    target: 210,
    mode: Mode::Auto,
    heating: false,
    requests: 0,
});
static CHANGED: Signal<ThreadModeRawMutex, ()> = Signal::new();

#[embassy_executor::task]
async fn device(mut device: UsbDevice<'static, Usb>) {
    device.run().await
}

#[embassy_executor::task]
async fn ethernet(runner: Runner<'static, Usb, MTU>) {
    runner.run().await
}

#[embassy_executor::task]
async fn network(mut runner: embassy_net::Runner<'static, Device<'static, MTU>>) {
    runner.run().await
}

#[embassy_executor::task]
async fn control(mut sensor: Temp<'static>, mut heater: Output<'static>) {
    loop {
        let temperature: i32 = (sensor.read().await * 10).to_num();
        {
            let mut state = THERMOSTAT.lock().await;
            state.temperature = temperature;
            state.heating = match state.mode {
                Mode::On => true,
                Mode::Off => false,
                Mode::Auto if temperature < state.target - 3 => true,
                Mode::Auto if temperature > state.target + 3 => false,
                Mode::Auto => state.heating,
            };
            heater.set_level(state.heating.into());
        }
        match select(Timer::after_secs(5), CHANGED.wait()).await {
            Either::First(()) => {}
            // A relay must not switch with every click.
            Either::Second(()) => Timer::after_millis(500).await,
        }
    }
}

struct Pages;

impl Pages {
    async fn overview<C: Read + Write>(
        &self,
        response: &mut Response<'_, C>,
    ) -> Result<(), C::Error> {
        let state = *THERMOSTAT.lock().await;
        response.begin("text/html; charset=utf-8").await?;
        response.text("<!doctype html><title>Thermostat</title><h1>Thermostat</h1><table>").await?;
        let (t, set) = (state.temperature, state.target);
        response
            .print(format_args!("<tr><td>Temperature<td>{}.{} &deg;C", t / 10, t.abs() % 10))
            .await?;
        response.print(format_args!("<tr><td>Target<td>{}.{} &deg;C", set / 10, set % 10)).await?;
        let heater = match (state.mode, state.heating) {
            (Mode::Auto, true) => "heating",
            (Mode::Auto, false) => "idle",
            (Mode::On, _) => "always on",
            (Mode::Off, _) => "always off",
        };
        response.print(format_args!("<tr><td>Heater<td>{heater}")).await?;
        response.print(format_args!("<tr><td>Requests<td>{}", state.requests)).await?;
        response
            .print(format_args!("<tr><td>Uptime<td>{} s</table>", Instant::now().as_secs()))
            .await
    }

    async fn api<C: Read + Write>(&self, response: &mut Response<'_, C>) -> Result<(), C::Error> {
        let state = *THERMOSTAT.lock().await;
        response.begin("application/json").await?;
        response
            .print(format_args!(
                "{{\"temperature\":{},\"target\":{},\"heating\":{}}}",
                state.temperature, state.target, state.heating
            ))
            .await
    }

    async fn set_target(&self, request: &Request<'_>) -> Status {
        let body = core::str::from_utf8(request.body).ok().filter(|b| !b.is_empty());
        let Some(text) = request.parameter("value").or(body) else {
            return Status::BadRequest;
        };
        match text.trim().parse() {
            Ok(target @ 50..=300) => {
                THERMOSTAT.lock().await.target = target;
                CHANGED.signal(());
                Status::Ok
            }
            _ => Status::BadRequest,
        }
    }

    async fn set_mode(&self, request: &Request<'_>) -> Status {
        let mode = match request.parameter("mode") {
            Some("auto") => Mode::Auto,
            Some("on") => Mode::On,
            Some("off") => Mode::Off,
            _ => return Status::BadRequest,
        };
        THERMOSTAT.lock().await.mode = mode;
        CHANGED.signal(());
        Status::Ok
    }
}

impl Site for Pages {
    async fn serve<C: Read + Write>(
        &mut self,
        request: &Request<'_>,
        response: &mut Response<'_, C>,
    ) -> Result<(), C::Error> {
        THERMOSTAT.lock().await.requests += 1;
        match (request.method, request.path) {
            (Method::Get, "/") => self.overview(response).await,
            (Method::Get, "/api") => self.api(response).await,
            (Method::Put, "/target") => {
                let status = self.set_target(request).await;
                response.status(status).await
            }
            (Method::Post, "/heater") => {
                let status = self.set_mode(request).await;
                response.status(status).await
            }
            (_, "/" | "/api" | "/target" | "/heater") => {
                response.status(Status::MethodNotAllowed).await
            }
            _ => response.status(Status::NotFound).await,
        }
    }
}

#[embassy_executor::task(pool_size = HTTP_SERVERS)]
async fn http_server(stack: Stack<'static>) {
    let mut rx = [0; 1024];
    let mut tx = [0; 1024];
    loop {
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_timeout(Some(Duration::from_secs(15)));
        socket.set_keep_alive(Some(Duration::from_secs(5)));
        if socket.accept(80).await.is_err() {
            continue;
        }
        let result = http::serve(&mut socket, &mut Pages).await;
        socket.close();
        if result.is_ok() {
            let _ = socket.flush().await;
        }
        socket.abort();
        let _ = socket.flush().await;
    }
}

#[embassy_executor::task]
async fn announcer(stack: Stack<'static>) {
    let mut rx_meta = [PacketMetadata::EMPTY; 1];
    let mut tx_meta = [PacketMetadata::EMPTY; 2];
    let mut rx = [0; 16];
    let mut tx = [0; 256];
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    let target = IpEndpoint::new(IpAddress::v4(255, 255, 255, 255), 7331);
    loop {
        stack.wait_config_up().await;
        if !socket.is_open() && socket.bind(7331).is_err() {
            Timer::after_secs(1).await;
            continue;
        }
        let state = *THERMOSTAT.lock().await;
        let mut text = String::<64>::new();
        let _ = write!(text, "thermostat {ADDRESS} {} {}", state.temperature, state.target);
        if socket.send_to(text.as_bytes(), target).await.is_err() {
            socket.close();
        }
        Timer::after_secs(10).await;
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static CONFIG: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    static BOS: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static CONTROL: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static CLASS: StaticCell<cdc_ncm::State> = StaticCell::new();
    static ETHERNET: StaticCell<State<MTU, 4, 4>> = StaticCell::new();
    static RESOURCES: StaticCell<StackResources<4>> = StaticCell::new();

    let p = embassy_nrf::init(Default::default());
    let heater = Output::new(p.P1_01, Level::Low, OutputDrive::Standard);
    spawner.spawn(control(Temp::new(p.TEMP, Irqs), heater).unwrap());

    let driver = Driver::new(p.USBD, Irqs, HardwareVbusDetect::new(Irqs));
    let mut config = embassy_usb::Config::new(0x1209, 0x0002);
    config.manufacturer = Some("Workshop");
    config.product = Some("Thermostat");
    config.serial_number = Some("0002");
    config.max_power = 150;
    let mut builder =
        Builder::new(driver, config, CONFIG.take(), BOS.take(), &mut [], CONTROL.take());
    let class = CdcNcmClass::new(&mut builder, CLASS.init(cdc_ncm::State::new()), HOST_MAC, 64);
    spawner.spawn(device(builder.build()).unwrap());
    let (runner, ethernet_device) =
        class.into_embassy_net_device::<MTU, 4, 4>(ETHERNET.init(State::new()), OUR_MAC);
    spawner.spawn(ethernet(runner).unwrap());

    let mut seed = [0; 8];
    Rng::new(p.RNG, Irqs).fill_bytes(&mut seed).await;
    let config = embassy_net::Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(ADDRESS, 24),
        gateway: None,
        dns_servers: Default::default(),
    });
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) =
        embassy_net::new(ethernet_device, config, resources, u64::from_le_bytes(seed));
    spawner.spawn(network(runner).unwrap());
    spawner.spawn(announcer(stack).unwrap());
    for _ in 0..HTTP_SERVERS {
        spawner.spawn(http_server(stack).unwrap());
    }
}
