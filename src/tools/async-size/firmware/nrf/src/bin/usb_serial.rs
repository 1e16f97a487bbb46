//! A USB adapter for two serial ports.
//!
//! Each CDC-ACM port of the USB device drives one UART. When the host changes the line settings,
//! the UART is stopped and set up again with the new ones.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_nrf::{
    Peri, bind_interrupts,
    gpio::{AnyPin, Level, Output, OutputDrive},
    interrupt::typelevel::Binding,
    peripherals::{TIMER0, TIMER1, UARTE0, UARTE1, USBD},
    timer,
    uarte::{self, Baudrate, Parity, Uarte, UarteRxWithIdle, UarteTx},
    usb::{
        self, Driver,
        vbus_detect::{self, HardwareVbusDetect},
    },
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    channel::Channel,
    pipe::{self, Pipe},
};
use embassy_time::{Duration, Timer, with_timeout};
use embassy_usb::{
    Builder, UsbDevice,
    class::cdc_acm::{CdcAcmClass, LineCoding, ParityType, Receiver, Sender, State},
    driver::EndpointError,
};
use panic_halt as _;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    USBD => usb::InterruptHandler<USBD>;
    CLOCK_POWER => vbus_detect::InterruptHandler;
    UARTE0 => uarte::InterruptHandler<UARTE0>;
    UARTE1 => uarte::InterruptHandler<UARTE1>;
});

type Usb = Driver<'static, HardwareVbusDetect>;
type Buffer = Pipe<NoopRawMutex, 512>;

const PACKET: usize = 64;

#[derive(Clone, Copy)]
enum Activity {
    FromHost(u8),
    ToHost(u8),
    LineError(u8),
}

static ACTIVITY: Channel<ThreadModeRawMutex, Activity, 16> = Channel::new();

#[embassy_executor::task]
async fn device(mut device: UsbDevice<'static, Usb>) {
    device.run().await
}

/// Shows traffic and errors for a moment each.
#[embassy_executor::task]
async fn indicator(mut lights: [Output<'static>; 2], mut error: Output<'static>) {
    loop {
        match ACTIVITY.receive().await {
            Activity::FromHost(port) | Activity::ToHost(port) => {
                let light = &mut lights[usize::from(port)];
                light.set_low();
                Timer::after_millis(20).await;
                light.set_high();
            }
            Activity::LineError(port) => {
                error.set_low();
                for _ in 0..=port {
                    Timer::after_millis(100).await;
                    error.toggle();
                }
                error.set_high();
            }
        }
    }
}

fn settings(coding: LineCoding) -> uarte::Config {
    let mut config = uarte::Config::default();
    config.parity = match coding.parity_type() {
        ParityType::Even => Parity::Included,
        _ => Parity::Excluded,
    };
    config.baudrate = match coding.data_rate() {
        ..=1200 => Baudrate::Baud1200,
        ..=2400 => Baudrate::Baud2400,
        ..=4800 => Baudrate::Baud4800,
        ..=9600 => Baudrate::Baud9600,
        ..=19_200 => Baudrate::Baud19200,
        ..=38_400 => Baudrate::Baud38400,
        ..=57_600 => Baudrate::Baud57600,
        ..=115_200 => Baudrate::Baud115200,
        ..=230_400 => Baudrate::Baud230400,
        ..=460_800 => Baudrate::Baud460800,
        _ => Baudrate::Baud1m,
    };
    config
}

async fn put(pipe: &pipe::Writer<'_, NoopRawMutex, 512>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let n = pipe.write(bytes).await;
        bytes = &bytes[n..];
    }
}

/// From the host into the pipe, from where the UART takes it.
async fn from_host(
    index: u8,
    receiver: &mut Receiver<'static, Usb>,
    pipe: &pipe::Writer<'_, NoopRawMutex, 512>,
) -> Result<(), EndpointError> {
    let mut packet = [0; PACKET];
    loop {
        let n = receiver.read_packet(&mut packet).await?;
        put(pipe, &packet[..n]).await;
        let _ = ACTIVITY.try_send(Activity::FromHost(index));
    }
}

/// From the pipe to the host; collects bytes for a short while so that packets fill up.
async fn to_host(
    index: u8,
    sender: &mut Sender<'static, Usb>,
    pipe: &pipe::Reader<'_, NoopRawMutex, 512>,
) -> Result<(), EndpointError> {
    let mut packet = [0; PACKET];
    loop {
        let mut n = pipe.read(&mut packet).await;
        while n < PACKET {
            match with_timeout(Duration::from_millis(2), pipe.read(&mut packet[n..])).await {
                Ok(more) => n += more,
                Err(_) => break,
            }
        }
        sender.write_packet(&packet[..n]).await?;
        if n == PACKET {
            // A full packet does not end a transfer.
            sender.write_packet(&[]).await?;
        }
        let _ = ACTIVITY.try_send(Activity::ToHost(index));
    }
}

async fn transmit(uart: &mut UarteTx<'_>, pipe: &pipe::Reader<'_, NoopRawMutex, 512>) -> ! {
    let mut chunk = [0; 32];
    loop {
        let n = pipe.read(&mut chunk).await;
        let _ = uart.write(&chunk[..n]).await;
    }
}

async fn receive(
    index: u8,
    uart: &mut UarteRxWithIdle<'_>,
    pipe: &pipe::Writer<'_, NoopRawMutex, 512>,
) -> ! {
    let mut chunk = [0; 128];
    loop {
        match uart.read_until_idle(&mut chunk).await {
            Ok(n) => put(pipe, &chunk[..n]).await,
            Err(_) => ACTIVITY.send(Activity::LineError(index)).await,
        }
    }
}

/// The hardware of one port.
struct Line<U: uarte::Instance, T: timer::Instance> {
    uart: Peri<'static, U>,
    timer: Peri<'static, T>,
    ppi: [Peri<'static, embassy_nrf::ppi::AnyConfigurableChannel>; 2],
    rx: Peri<'static, AnyPin>,
    tx: Peri<'static, AnyPin>,
}

impl<U: uarte::Instance, T: timer::Instance> Line<U, T>
where
    Irqs: Binding<U::Interrupt, uarte::InterruptHandler<U>>,
{
    /// Runs one port until the device loses power.
    async fn run(
        &mut self,
        index: u8,
        class: CdcAcmClass<'static, Usb>,
        mut down: Buffer,
        mut up: Buffer,
    ) -> ! {
        let (mut sender, mut receiver, control) = class.split_with_control();
        let (down_out, down_in) = down.split();
        let (up_out, up_in) = up.split();
        loop {
            receiver.wait_connection().await;
            let config = settings(receiver.line_coding());
            let host = async {
                let down = from_host(index, &mut receiver, &down_in);
                let up = to_host(index, &mut sender, &up_out);
                match select(down, up).await {
                    Either::First(result) | Either::Second(result) => result,
                }
            };
            let wire = self.wire(index, config, &down_out, &up_in);
            match select3(host, wire, control.control_changed()).await {
                Either3::First(Ok(()) | Err(EndpointError::BufferOverflow)) => {}
                Either3::First(Err(EndpointError::Disabled)) => Timer::after_millis(50).await,
                Either3::Second(never) => never,
                Either3::Third(()) => Timer::after_millis(1).await,
            }
        }
    }

    /// Serves the UART.
    async fn wire(
        &mut self,
        index: u8,
        config: uarte::Config,
        down: &pipe::Reader<'_, NoopRawMutex, 512>,
        up: &pipe::Writer<'_, NoopRawMutex, 512>,
    ) -> ! {
        let (rx, tx) = (self.rx.reborrow(), self.tx.reborrow());
        let uart = Uarte::new(self.uart.reborrow(), rx, tx, Irqs, config);
        let [ppi1, ppi2] = &mut self.ppi;
        let (mut tx, mut rx) =
            uart.split_with_idle(self.timer.reborrow(), ppi1.reborrow(), ppi2.reborrow());
        match select(transmit(&mut tx, down), receive(index, &mut rx, up)).await {
            Either::First(never) | Either::Second(never) => never,
        }
    }
}

#[embassy_executor::task]
async fn port0(mut line: Line<UARTE0, TIMER0>, class: CdcAcmClass<'static, Usb>) {
    line.run(0, class, Pipe::new(), Pipe::new()).await
}

#[embassy_executor::task]
async fn port1(mut line: Line<UARTE1, TIMER1>, class: CdcAcmClass<'static, Usb>) {
    line.run(1, class, Pipe::new(), Pipe::new()).await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static CONFIG: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    static BOS: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static CONTROL: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);
    static STATE: [StaticCell<State>; 2] = [StaticCell::new(), StaticCell::new()];

    let p = embassy_nrf::init(Default::default());
    let driver = Driver::new(p.USBD, Irqs, HardwareVbusDetect::new(Irqs));
    let mut config = embassy_usb::Config::new(0x1209, 0x0001);
    config.manufacturer = Some("Workshop");
    config.product = Some("Twin serial adapter");
    config.serial_number = Some("0001");
    config.max_power = 100;
    let mut builder =
        Builder::new(driver, config, CONFIG.take(), BOS.take(), &mut [], CONTROL.take());
    let class0 = CdcAcmClass::new(&mut builder, STATE[0].init(State::new()), PACKET as u16);
    let class1 = CdcAcmClass::new(&mut builder, STATE[1].init(State::new()), PACKET as u16);
    spawner.spawn(device(builder.build()).unwrap());

    let led = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::High, OutputDrive::Standard);
    let lights = [led(p.P0_13.into()), led(p.P0_14.into())];
    spawner.spawn(indicator(lights, led(p.P0_15.into())).unwrap());
    let line0 = Line {
        uart: p.UARTE0,
        timer: p.TIMER0,
        ppi: [p.PPI_CH0.into(), p.PPI_CH1.into()],
        rx: p.P0_08.into(),
        tx: p.P0_06.into(),
    };
    spawner.spawn(port0(line0, class0).unwrap());
    let line1 = Line {
        uart: p.UARTE1,
        timer: p.TIMER1,
        ppi: [p.PPI_CH2.into(), p.PPI_CH3.into()],
        rx: p.P1_01.into(),
        tx: p.P1_02.into(),
    };
    spawner.spawn(port1(line1, class1).unwrap());
}
