//! A Modbus gateway: polls the devices on an RS-485 line and hands their values to a USB host.
//!
//! The values come as lines of text; the host sends `set DEVICE REGISTER VALUE` and
//! `coil DEVICE NUMBER 0|1` back.

#![no_std]
#![no_main]

use core::fmt::Write as _;

use crash as _;
use drivers::{
    line::LineReader,
    modbus::{Client, Exception, Port, client},
};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_rp::{
    bind_interrupts,
    gpio::{Level, Output},
    peripherals::{UART1, USB},
    uart::{self, BufferedInterruptHandler, BufferedUart, BufferedUartRx, BufferedUartTx},
    usb::{self, Driver},
};
use embassy_sync::{blocking_mutex::raw::ThreadModeRawMutex, channel::Channel};
use embassy_time::{Duration, Instant, Timer};
use embassy_usb::{
    Builder, UsbDevice,
    class::cdc_acm::{BufferedReceiver, CdcAcmClass, Sender, State},
};
use embedded_io_async::Write;
use heapless::String;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    UART1_IRQ => BufferedInterruptHandler<UART1>;
    USBCTRL_IRQ => usb::InterruptHandler<USB>;
});

type Usb = Driver<'static, USB>;
type Modbus = Client<Port<BufferedUartRx, BufferedUartTx, Output<'static>>>;
type ModbusError = client::Error<uart::Error, uart::Error>;
type Text = String<80>;

const BAUD: u32 = 19_200;

#[derive(Clone, Copy)]
enum Order {
    Register { device: u8, register: u16, value: u16 },
    Coil { device: u8, coil: u16, on: bool },
    Scan,
}

/// What we know about the kinds of devices on the line.
#[derive(Clone, Copy)]
enum Kind {
    Meter,
    Thermometer,
    Io,
}

struct Device {
    address: u8,
    kind: Kind,
    period: Duration,
    due: Instant,
    failures: u8,
}

impl Device {
    const fn new(address: u8, kind: Kind, period_ms: u64) -> Self {
        let due = Instant::from_ticks(0);
        Self { address, kind, period: Duration::from_millis(period_ms), due, failures: 0 }
    }

    /// Silent devices are asked less and less often.
    fn reschedule(&mut self, answered: bool) {
        self.failures = if answered { 0 } else { (self.failures + 1).min(6) };
        self.due = Instant::now() + self.period * (1 << self.failures);
    }
}

static ORDERS: Channel<ThreadModeRawMutex, Order, 4> = Channel::new();
static TEXT: Channel<ThreadModeRawMutex, Text, 8> = Channel::new();

async fn say(args: core::fmt::Arguments<'_>) {
    let mut text = Text::new();
    let _ = text.write_fmt(args);
    TEXT.send(text).await;
}

async fn complain(address: u8, error: ModbusError) {
    match error {
        client::Error::NoAnswer => say(format_args!("{address}: no answer")).await,
        client::Error::Mismatch => say(format_args!("{address}: garbled answer")).await,
        client::Error::Port(_) => say(format_args!("{address}: line error")).await,
        client::Error::Exception(Exception::Busy) => say(format_args!("{address}: busy")).await,
        client::Error::Exception(exception) => {
            say(format_args!("{address}: refused ({})", exception as u8)).await;
        }
    }
}

async fn poll(modbus: &mut Modbus, device: &Device) -> Result<(), ModbusError> {
    let address = device.address;
    match device.kind {
        Kind::Meter => {
            let mut energy = [0; 2];
            let mut now = [0; 3];
            modbus.read_input(address, 0x0048, &mut energy).await?;
            modbus.read_input(address, 0x0000, &mut now).await?;
            let total = u32::from(energy[0]) << 16 | u32::from(energy[1]);
            let [volt, ampere, watt] = now;
            say(format_args!("{address}: {total} Wh, {volt} dV, {ampere} mA, {watt} W")).await;
        }
        Kind::Thermometer => {
            let mut values = [0; 2];
            modbus.read_input(address, 16, &mut values).await?;
            let [t, h] = values;
            let t = i32::from(t as i16);
            say(format_args!("{address}: {}.{:02} C, {} %", t / 100, t.abs() % 100, h / 100)).await;
        }
        Kind::Io => {
            let mut inputs = [0; 2];
            let mut settings = [0; 2];
            modbus.read_input(address, 0, &mut inputs).await?;
            modbus.read_holding(address, 0, &mut settings).await?;
            if settings[0] != 60 {
                modbus.write_holding(address, 0, 60).await?;
                say(format_args!("{address}: timeout set")).await;
            }
            say(format_args!("{address}: {} {}", inputs[0], inputs[1])).await;
        }
    }
    Ok(())
}

async fn obey(modbus: &mut Modbus, order: Order) {
    let (address, result) = match order {
        Order::Register { device, register, value } => {
            (device, modbus.write_holding(device, register, value).await)
        }
        Order::Coil { device, coil, on } => (device, modbus.write_coil(device, coil, on).await),
        Order::Scan => {
            for address in 1..=32 {
                let mut word = [0];
                match modbus.read_holding(address, 0, &mut word).await {
                    Ok(()) => say(format_args!("{address}: present")).await,
                    Err(client::Error::Exception(_)) => {
                        say(format_args!("{address}: present, no registers")).await;
                    }
                    Err(_) => {}
                }
            }
            return;
        }
    };
    match result {
        Ok(()) => say(format_args!("{address}: done")).await,
        Err(error) => complain(address, error).await,
    }
}

#[embassy_executor::task]
async fn line(mut modbus: Modbus) {
    let mut devices = [
        Device::new(1, Kind::Meter, 1000),
        Device::new(2, Kind::Meter, 1000),
        Device::new(16, Kind::Thermometer, 5000),
        Device::new(17, Kind::Io, 250),
    ];
    loop {
        let Some(next) = devices.iter_mut().min_by_key(|device| device.due) else {
            return;
        };
        match select(ORDERS.receive(), Timer::at(next.due)).await {
            Either::First(order) => obey(&mut modbus, order).await,
            Either::Second(()) => {
                let result = poll(&mut modbus, next).await;
                next.reschedule(result.is_ok());
                if let Err(error) = result {
                    complain(next.address, error).await;
                }
            }
        }
    }
}

#[embassy_executor::task]
async fn device(mut device: UsbDevice<'static, Usb>) {
    device.run().await
}

#[embassy_executor::task]
async fn to_host(mut sender: Sender<'static, Usb>) {
    loop {
        sender.wait_connection().await;
        loop {
            let mut text = TEXT.receive().await;
            let _ = text.push_str("\r\n");
            if sender.write_all(text.as_bytes()).await.is_err() {
                break;
            }
        }
    }
}

fn parse(line: &str) -> Option<Order> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?;
    let mut number = || words.next()?.parse::<u16>().ok();
    match name {
        "scan" => Some(Order::Scan),
        "set" => Some(Order::Register {
            device: number()?.try_into().ok()?,
            register: number()?,
            value: number()?,
        }),
        "coil" => Some(Order::Coil {
            device: number()?.try_into().ok()?,
            coil: number()?,
            on: number()? != 0,
        }),
        _ => None,
    }
}

/// Swallows the echo: the host's terminal shows what is typed.
struct NoEcho;

impl embedded_io_async::ErrorType for NoEcho {
    type Error = core::convert::Infallible;
}

impl Write for NoEcho {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[embassy_executor::task]
async fn from_host(receiver: BufferedReceiver<'static, Usb>) {
    let mut lines = LineReader::<_, 40>::new(receiver);
    loop {
        lines.input().wait_connection().await;
        while let Ok(line) = lines.next(&mut NoEcho).await {
            match parse(line) {
                Some(order) => ORDERS.send(order).await,
                None => {
                    say(format_args!("set DEVICE REGISTER VALUE | coil DEVICE N 0|1 | scan")).await
                }
            }
        }
        Timer::after_millis(50).await;
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static TX: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    static RX: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    static CONFIG: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static BOS: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static CONTROL: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static PACKET: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static STATE: StaticCell<State> = StaticCell::new();

    let p = embassy_rp::init(Default::default());
    let mut config = uart::Config::default();
    config.baudrate = BAUD;
    config.parity = uart::Parity::ParityEven;
    let uart = BufferedUart::new(p.UART1, p.PIN_4, p.PIN_5, Irqs, TX.take(), RX.take(), config);
    let (tx, rx) = uart.split();
    let port = Port::new(rx, tx, Output::new(p.PIN_6, Level::Low), BAUD);
    spawner.spawn(line(Client::new(port, Duration::from_millis(200), 3)).unwrap());

    let mut config = embassy_usb::Config::new(0x1209, 0x0003);
    config.manufacturer = Some("Workshop");
    config.product = Some("Modbus gateway");
    config.serial_number = Some("0003");
    let driver = Driver::new(p.USB, Irqs);
    let mut builder =
        Builder::new(driver, config, CONFIG.take(), BOS.take(), &mut [], CONTROL.take());
    let class = CdcAcmClass::new(&mut builder, STATE.init(State::new()), 64);
    let (sender, receiver) = class.split();
    spawner.spawn(device(builder.build()).unwrap());
    spawner.spawn(to_host(sender).unwrap());
    spawner.spawn(from_host(receiver.into_buffered(PACKET.take())).unwrap());
}
