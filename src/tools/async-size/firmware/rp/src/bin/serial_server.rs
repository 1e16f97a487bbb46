//! A serial device server: a UART that can be reached over Ethernet.
//!
//! The network chip is a W5500 on SPI, the address comes from DHCP. TCP port 4001 carries the raw
//! bytes of the UART; port 4000 is a line-oriented console (`status`, `baud N`, `drop`). A display
//! shows address and traffic.

#![no_std]
#![no_main]

use core::{
    fmt::Write as _,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering},
};

use crash as _;
use drivers::{
    line::LineReader,
    ssd1306::{Interface, SpiInterface, Ssd1306},
};
use embassy_embedded_hal::shared_bus::asynch::spi::SpiDevice;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::{
    DhcpConfig, Stack, StackResources,
    tcp::{AcceptError, TcpSocket},
};
use embassy_net_wiznet::{Device, Runner, State, chip::W5500};
use embassy_rp::{
    bind_interrupts,
    clocks::RoscRng,
    dma,
    gpio::{Input, Level, Output, Pull},
    peripherals::{DMA_CH0, DMA_CH1, DMA_CH2, SPI0, SPI1, UART1},
    spi::{self, Spi},
    uart::{self, BufferedInterruptHandler, BufferedUart},
};
use embassy_sync::{
    blocking_mutex::raw::{NoopRawMutex, ThreadModeRawMutex},
    mutex::Mutex,
    signal::Signal,
};
use embassy_time::{Duration, Instant, Ticker, Timer};
use embedded_io_async::{Read, Write};
use heapless::String;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 =>
        dma::InterruptHandler<DMA_CH0>,
        dma::InterruptHandler<DMA_CH1>,
        dma::InterruptHandler<DMA_CH2>;
    UART1_IRQ => BufferedInterruptHandler<UART1>;
});

type Bus<T> = Mutex<NoopRawMutex, Spi<'static, T, spi::Async>>;
type Chip<T> = SpiDevice<'static, NoopRawMutex, Spi<'static, T, spi::Async>, Output<'static>>;
type Panel = Ssd1306<SpiInterface<Chip<SPI1>, Output<'static>>>;

const RAW_PORT: u16 = 4001;
const CONSOLE_PORT: u16 = 4000;
const MAC: [u8; 6] = [0x02, 0x57, 0x49, 0x5a, 0x00, 0x01];

/// Traffic of the UART, in bytes.
struct Counters {
    received: AtomicU32,
    sent: AtomicU32,
    errors: AtomicU32,
}

/// Adds to a counter; each has only one writer, so this need not be atomic as a whole.
fn count(counter: &AtomicU32, n: usize) {
    counter.store(counter.load(Ordering::Relaxed) + n as u32, Ordering::Relaxed);
}

static COUNTERS: Counters =
    Counters { received: AtomicU32::new(0), sent: AtomicU32::new(0), errors: AtomicU32::new(0) };
static BAUD: Signal<ThreadModeRawMutex, u32> = Signal::new();
static DROP: Signal<ThreadModeRawMutex, ()> = Signal::new();

#[embassy_executor::task]
async fn ethernet(runner: Runner<'static, W5500, Chip<SPI0>, Input<'static>, Output<'static>>) {
    runner.run().await
}

#[embassy_executor::task]
async fn network(mut runner: embassy_net::Runner<'static, Device<'static>>) {
    runner.run().await
}

/// Copies bytes until one side ends.
async fn pump<R: Read, W: Write>(mut from: R, mut to: W, counter: &AtomicU32) {
    let mut chunk = [0; 128];
    loop {
        let n = match from.read(&mut chunk).await {
            Ok(0) => return,
            Ok(n) => n,
            Err(_) => return count(&COUNTERS.errors, 1),
        };
        count(counter, n);
        if to.write_all(&chunk[..n]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// Waits for a connection. While there is none the UART's input is thrown away.
async fn accept(socket: &mut TcpSocket<'_>, uart: &mut BufferedUart) -> Result<(), AcceptError> {
    let mut stale = [0; 32];
    let mut accept = pin!(socket.accept(RAW_PORT));
    loop {
        match select3(accept.as_mut(), uart.read(&mut stale), BAUD.wait()).await {
            Either3::First(result) => return result,
            Either3::Second(_) => {}
            Either3::Third(baud) => uart.set_baudrate(baud),
        }
    }
}

#[embassy_executor::task]
async fn raw_port(stack: Stack<'static>, mut uart: BufferedUart) {
    let mut rx = [0; 1024];
    let mut tx = [0; 1024];
    loop {
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_keep_alive(Some(Duration::from_secs(10)));
        socket.set_timeout(Some(Duration::from_secs(40)));
        socket.set_nagle_enabled(false);
        if accept(&mut socket, &mut uart).await.is_err() {
            continue;
        }
        let baud = {
            let (uart_tx, uart_rx) = uart.split_ref();
            let (net_rx, net_tx) = socket.split();
            let up = pump(uart_rx, net_tx, &COUNTERS.received);
            let down = pump(net_rx, uart_tx, &COUNTERS.sent);
            match select3(select(up, down), BAUD.wait(), DROP.wait()).await {
                Either3::Second(baud) => Some(baud),
                Either3::First(_) | Either3::Third(()) => None,
            }
        };
        if let Some(baud) = baud {
            uart.set_baudrate(baud);
        }
        socket.close();
        if let Either::Second(()) = select(socket.flush(), Timer::after_secs(2)).await {
            socket.abort();
        }
    }
}

/// Commands on a TCP connection.
struct Console<W> {
    output: W,
}

impl<W: Write> Console<W> {
    async fn print(&mut self, args: core::fmt::Arguments<'_>) -> Result<(), W::Error> {
        let mut text = String::<96>::new();
        let _ = text.write_fmt(args);
        let _ = text.push_str("\r\n");
        self.output.write_all(text.as_bytes()).await?;
        self.output.flush().await
    }

    async fn status(&mut self, stack: Stack<'static>) -> Result<(), W::Error> {
        if let Some(config) = stack.config_v4() {
            self.print(format_args!("address {}", config.address)).await?;
            match config.gateway {
                Some(gateway) => self.print(format_args!("gateway {gateway}")).await?,
                None => self.print(format_args!("no gateway")).await?,
            }
        }
        let [received, sent, errors] = [&COUNTERS.received, &COUNTERS.sent, &COUNTERS.errors]
            .map(|counter| counter.load(Ordering::Relaxed));
        self.print(format_args!("received {received}, sent {sent}, errors {errors}")).await?;
        self.print(format_args!("up {} s", Instant::now().as_secs())).await
    }

    async fn execute(&mut self, line: &str, stack: Stack<'static>) -> Result<(), W::Error> {
        let (name, argument) = line.split_once(' ').unwrap_or((line, ""));
        match (name, argument.trim().parse()) {
            ("", _) => Ok(()),
            ("status", _) => self.status(stack).await,
            ("baud", Ok(baud @ 300..=921_600)) => {
                BAUD.signal(baud);
                self.print(format_args!("ok")).await
            }
            ("baud", _) => self.print(format_args!("300 to 921600")).await,
            ("drop", _) => {
                DROP.signal(());
                self.print(format_args!("ok")).await
            }
            _ => self.print(format_args!("status, baud N, drop")).await,
        }
    }
}

#[embassy_executor::task]
async fn console(stack: Stack<'static>) {
    let mut rx = [0; 256];
    let mut tx = [0; 512];
    loop {
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_timeout(Some(Duration::from_secs(120)));
        if socket.accept(CONSOLE_PORT).await.is_err() {
            continue;
        }
        {
            let (input, output) = socket.split();
            let mut lines = LineReader::<_, 40>::new(input);
            lines.echo = false;
            let mut console = Console { output };
            while let Ok(line) = lines.next(&mut console.output).await {
                if console.execute(line, stack).await.is_err() {
                    break;
                }
            }
        }
        socket.abort();
        let _ = socket.flush().await;
    }
}

async fn show<I: Interface>(
    display: &mut Ssd1306<I>,
    stack: Stack<'static>,
) -> Result<(), I::Error> {
    display.setup().await?;
    let mut ticker = Ticker::every(Duration::from_millis(500));
    let mut before = 0;
    loop {
        display.clear();
        let _ = write!(display.line(0), "SERIAL SERVER");
        let _ = match (stack.is_link_up(), stack.config_v4()) {
            (false, _) => write!(display.line(2), "NO CABLE"),
            (true, None) => write!(display.line(2), "WAITING FOR ADDRESS"),
            (true, Some(config)) => write!(display.line(2), "{}", config.address.address()),
        };
        let received = COUNTERS.received.load(Ordering::Relaxed);
        let sent = COUNTERS.sent.load(Ordering::Relaxed);
        let _ = write!(display.line(4), "RX {received}");
        let _ = write!(display.line(5), "TX {sent}");
        let total = received.wrapping_add(sent);
        display.bar(7, total.wrapping_sub(before), 5760);
        before = total;
        display.flush().await?;
        ticker.next().await;
    }
}

#[embassy_executor::task]
async fn panel(mut display: Panel, mut reset: Output<'static>, stack: Stack<'static>) {
    loop {
        reset.set_low();
        Timer::after_millis(5).await;
        reset.set_high();
        Timer::after_millis(5).await;
        let _ = show(&mut display, stack).await;
        Timer::after_secs(5).await;
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static NETWORK_BUS: StaticCell<Bus<SPI0>> = StaticCell::new();
    static PANEL_BUS: StaticCell<Bus<SPI1>> = StaticCell::new();
    static STATE: ConstStaticCell<State<4, 4>> = ConstStaticCell::new(State::new());
    static RESOURCES: StaticCell<StackResources<4>> = StaticCell::new();
    static TX: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);
    static RX: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);

    let p = embassy_rp::init(Default::default());
    let mut config = spi::Config::default();
    config.frequency = 20_000_000;
    let (clk, mosi, miso) = (p.PIN_18, p.PIN_19, p.PIN_16);
    let bus = Spi::new(p.SPI0, clk, mosi, miso, p.DMA_CH0, p.DMA_CH1, Irqs, config);
    let bus = NETWORK_BUS.init(Mutex::new(bus));
    let chip = SpiDevice::new(bus, Output::new(p.PIN_17, Level::High));
    let interrupt = Input::new(p.PIN_21, Pull::Up);
    let reset = Output::new(p.PIN_20, Level::High);
    let Ok((device, runner)) =
        embassy_net_wiznet::new(MAC, STATE.take(), chip, interrupt, reset).await
    else {
        panic!("no network chip");
    };
    spawner.spawn(ethernet(runner).unwrap());
    let config = embassy_net::Config::dhcpv4(DhcpConfig::default());
    let seed = RoscRng.next_u64();
    let (stack, runner) =
        embassy_net::new(device, config, RESOURCES.init(StackResources::new()), seed);
    spawner.spawn(network(runner).unwrap());

    let uart = BufferedUart::new(
        p.UART1,
        p.PIN_4,
        p.PIN_5,
        Irqs,
        TX.take(),
        RX.take(),
        uart::Config::default(),
    );
    spawner.spawn(raw_port(stack, uart).unwrap());
    spawner.spawn(console(stack).unwrap());

    let mut config = spi::Config::default();
    config.frequency = 8_000_000;
    let bus = Spi::new_txonly(p.SPI1, p.PIN_10, p.PIN_11, p.DMA_CH2, Irqs, config);
    let bus = PANEL_BUS.init(Mutex::new(bus));
    let chip = SpiDevice::new(bus, Output::new(p.PIN_13, Level::High));
    let display = Ssd1306::new(SpiInterface::new(chip, Output::new(p.PIN_14, Level::Low)));
    let reset = Output::new(p.PIN_15, Level::High);
    spawner.spawn(panel(display, reset, stack).unwrap());
}
