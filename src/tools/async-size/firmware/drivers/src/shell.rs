//! The service command line of the boards.
//!
//! [`Command::parse`] turns a line into a [`Command`]; [`Shell::run`] executes it on a [`Board`].

use core::fmt::{self, Write as _};

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_io_async::{Read, Write};
use heapless::{String, Vec};

use crate::line::{self, LineReader};

/// Bytes in one bus transfer of the shell.
pub const MAX_TRANSFER: usize = 32;
const LINE: usize = 96;

/// What a light shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    Off,
    On,
    Toggle,
    Blink(Duration),
}

/// Why a board refuses a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The board has no such channel, pin or device.
    NotPresent,
    /// The value is out of range.
    Range,
    /// The bus reported an error.
    Bus,
    /// The device did not answer in time.
    Timeout,
    /// The flash could not be read or written.
    Storage,
}

/// What the commands need from the hardware.
pub trait Board {
    const NAME: &str;

    async fn light(&mut self, index: u8, light: Light) -> Result<(), Fault>;
    async fn pin_set(&mut self, pin: u8, high: bool) -> Result<(), Fault>;
    async fn pin_get(&mut self, pin: u8) -> Result<bool, Fault>;
    /// Waits for the next edge of an input.
    async fn pin_wait(&mut self, pin: u8) -> Result<(), Fault>;
    /// Millivolt at an analog input.
    async fn analog(&mut self, channel: u8) -> Result<i32, Fault>;
    /// Hundredths of a degree.
    async fn temperature(&mut self) -> Result<i32, Fault>;
    async fn duty(&mut self, channel: u8, permille: u16) -> Result<(), Fault>;
    async fn bus_read(&mut self, address: u8, buf: &mut [u8]) -> Result<(), Fault>;
    async fn bus_write(&mut self, address: u8, bytes: &[u8]) -> Result<(), Fault>;
    async fn setting(&mut self, key: u8) -> Result<Option<u32>, Fault>;
    async fn set_setting(&mut self, key: u8, value: u32) -> Result<(), Fault>;
    async fn erase_settings(&mut self) -> Result<(), Fault>;
    async fn reboot(&mut self) -> !;
}

/// A parsed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Empty,
    Help,
    Version,
    Uptime,
    Echo(bool),
    Light(u8, Light),
    PinHigh(u8),
    PinLow(u8),
    PinPulse(u8, Duration),
    PinGet(u8),
    PinWait(u8, Duration),
    Analog(u8),
    Temperature,
    Duty(u8, u16),
    Sweep(u8, u16, u16, u16),
    Scan,
    BusRead(u8, usize),
    BusWrite(u8, Vec<u8, MAX_TRANSFER>),
    Register(u8, u8, usize),
    Get(u8),
    Set(u8, u32),
    List,
    Erase,
    Watch(Duration),
    Sleep(Duration),
    Reboot,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    UnknownCommand,
    MissingArgument,
    BadArgument,
    TooManyArguments,
}

struct Args<'a>(core::str::SplitAsciiWhitespace<'a>);

impl<'a> Args<'a> {
    fn word(&mut self) -> Result<&'a str, ParseError> {
        self.0.next().ok_or(ParseError::MissingArgument)
    }

    /// A decimal number, or a hexadecimal one with `0x`.
    fn number<T: TryFrom<u32>>(&mut self) -> Result<T, ParseError> {
        let word = self.word()?;
        let value = match word.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => word.parse(),
        };
        T::try_from(value.map_err(|_| ParseError::BadArgument)?)
            .map_err(|_| ParseError::BadArgument)
    }

    fn millis(&mut self) -> Result<Duration, ParseError> {
        self.number::<u32>().map(|ms| Duration::from_millis(ms.into()))
    }

    fn switch(&mut self) -> Result<bool, ParseError> {
        match self.word()? {
            "on" | "1" => Ok(true),
            "off" | "0" => Ok(false),
            _ => Err(ParseError::BadArgument),
        }
    }
}

impl Command {
    pub fn parse(line: &str) -> Result<Self, ParseError> {
        let mut args = Args(line.split_ascii_whitespace());
        let Ok(name) = args.word() else {
            return Ok(Command::Empty);
        };
        let command = match name {
            "help" | "?" => Command::Help,
            "version" => Command::Version,
            "uptime" => Command::Uptime,
            "echo" => Command::Echo(args.switch()?),
            "led" => {
                let index = args.number()?;
                let light = match args.word()? {
                    "off" => Light::Off,
                    "on" => Light::On,
                    "toggle" => Light::Toggle,
                    "blink" => Light::Blink(args.millis()?),
                    _ => return Err(ParseError::BadArgument),
                };
                Command::Light(index, light)
            }
            "high" => Command::PinHigh(args.number()?),
            "low" => Command::PinLow(args.number()?),
            "pulse" => Command::PinPulse(args.number()?, args.millis()?),
            "pin" => Command::PinGet(args.number()?),
            "wait" => Command::PinWait(args.number()?, args.millis()?),
            "adc" => Command::Analog(args.number()?),
            "temp" => Command::Temperature,
            "pwm" => Command::Duty(args.number()?, args.number()?),
            "sweep" => {
                Command::Sweep(args.number()?, args.number()?, args.number()?, args.number()?)
            }
            "scan" => Command::Scan,
            "read" => Command::BusRead(args.number()?, args.number::<u8>()?.into()),
            "write" => {
                let address = args.number()?;
                let mut bytes = Vec::new();
                while args.0.clone().next().is_some() {
                    bytes.push(args.number()?).map_err(|_| ParseError::TooManyArguments)?;
                }
                Command::BusWrite(address, bytes)
            }
            "reg" => Command::Register(args.number()?, args.number()?, args.number::<u8>()?.into()),
            "get" => Command::Get(args.number()?),
            "set" => Command::Set(args.number()?, args.number()?),
            "list" => Command::List,
            "erase" => Command::Erase,
            "watch" => Command::Watch(args.millis()?),
            "sleep" => Command::Sleep(args.millis()?),
            "reboot" => Command::Reboot,
            _ => return Err(ParseError::UnknownCommand),
        };
        match args.0.next() {
            None => Ok(command),
            Some(_) => Err(ParseError::TooManyArguments),
        }
    }
}

/// How a command ends if it does not succeed.
enum Stop<E> {
    Fault(Fault),
    Port(E),
}

impl<E> From<Fault> for Stop<E> {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

/// The command line on one serial port.
pub struct Shell<B, R, W> {
    board: B,
    lines: LineReader<R, LINE>,
    output: W,
}

impl<B: Board, R: Read, W: Write> Shell<B, R, W> {
    pub fn new(board: B, input: R, output: W) -> Self {
        Self { board, lines: LineReader::new(input), output }
    }

    /// Serves the port until it fails.
    pub async fn run(&mut self) -> Result<(), line::Error<R::Error, W::Error>> {
        self.banner().await.map_err(line::Error::Write)?;
        loop {
            self.output.write_all(b"> ").await.map_err(line::Error::Write)?;
            let parsed = match self.lines.next(&mut self.output).await {
                Ok(line) => Command::parse(line),
                Err(line::Error::Cancelled | line::Error::TooLong) => continue,
                Err(e) => return Err(e),
            };
            let result = match parsed {
                Ok(command) => self.execute(command).await,
                Err(e) => self.complain(e).await.map_err(Stop::Port),
            };
            match result {
                Ok(()) => {}
                Err(Stop::Fault(fault)) => {
                    self.fault(fault).await.map_err(line::Error::Write)?;
                }
                Err(Stop::Port(e)) => return Err(line::Error::Write(e)),
            }
        }
    }

    async fn text(&mut self, text: &str) -> Result<(), W::Error> {
        self.output.write_all(text.as_bytes()).await?;
        self.output.write_all(b"\r\n").await
    }

    /// Formats a line of at most 80 characters.
    async fn print(&mut self, args: fmt::Arguments<'_>) -> Result<(), W::Error> {
        let mut line = String::<80>::new();
        let _ = line.write_fmt(args);
        self.text(&line).await
    }

    async fn hex(&mut self, bytes: &[u8]) -> Result<(), W::Error> {
        for row in bytes.chunks(16) {
            let mut line = String::<80>::new();
            for byte in row {
                let _ = write!(line, "{byte:02x} ");
            }
            self.text(&line).await?;
        }
        Ok(())
    }

    async fn banner(&mut self) -> Result<(), W::Error> {
        self.text("").await?;
        self.text(B::NAME).await?;
        self.text("type 'help' for the commands").await
    }

    async fn complain(&mut self, error: ParseError) -> Result<(), W::Error> {
        match error {
            ParseError::UnknownCommand => self.text("unknown command").await,
            ParseError::MissingArgument => self.text("argument missing").await,
            ParseError::BadArgument => self.text("bad argument").await,
            ParseError::TooManyArguments => self.text("too many arguments").await,
        }
    }

    async fn fault(&mut self, fault: Fault) -> Result<(), W::Error> {
        match fault {
            Fault::NotPresent => self.text("error: not present").await,
            Fault::Range => self.text("error: out of range").await,
            Fault::Bus => self.text("error: bus").await,
            Fault::Timeout => self.text("error: timeout").await,
            Fault::Storage => self.text("error: storage").await,
        }
    }

    async fn help(&mut self) -> Result<(), W::Error> {
        self.text("help, version, uptime, echo on|off, reboot, sleep MS").await?;
        self.text("led N off|on|toggle|blink MS").await?;
        self.text("high P, low P, pulse P MS, pin P, wait P MS").await?;
        self.text("adc CH, temp, watch MS").await?;
        self.text("pwm CH PERMILLE, sweep CH FROM TO STEP").await?;
        self.text("scan, read ADDR N, write ADDR BYTE.., reg ADDR REG N").await?;
        self.text("get KEY, set KEY VALUE, list, erase").await
    }

    async fn execute(&mut self, command: Command) -> Result<(), Stop<W::Error>> {
        match command {
            Command::Empty => {}
            Command::Help => self.help().await.map_err(Stop::Port)?,
            Command::Version => {
                self.print(format_args!("{} {}", B::NAME, env!("CARGO_PKG_VERSION")))
                    .await
                    .map_err(Stop::Port)?;
            }
            Command::Uptime => {
                let now = Instant::now();
                self.print(format_args!("{}.{:03} s", now.as_secs(), now.as_millis() % 1000))
                    .await
                    .map_err(Stop::Port)?;
            }
            Command::Echo(on) => self.lines.echo = on,
            Command::Light(index, light) => self.board.light(index, light).await?,
            Command::PinHigh(pin) => self.board.pin_set(pin, true).await?,
            Command::PinLow(pin) => self.board.pin_set(pin, false).await?,
            Command::PinPulse(pin, width) => {
                self.board.pin_set(pin, true).await?;
                Timer::after(width).await;
                self.board.pin_set(pin, false).await?;
            }
            Command::PinGet(pin) => {
                let level = self.board.pin_get(pin).await?;
                self.text(if level { "high" } else { "low" }).await.map_err(Stop::Port)?;
            }
            Command::PinWait(pin, limit) => {
                let start = Instant::now();
                match with_timeout(limit, self.board.pin_wait(pin)).await {
                    Ok(result) => result?,
                    Err(_) => return Err(Fault::Timeout.into()),
                }
                self.print(format_args!("edge after {} ms", start.elapsed().as_millis()))
                    .await
                    .map_err(Stop::Port)?;
            }
            Command::Analog(channel) => {
                let millivolt = self.board.analog(channel).await?;
                self.print(format_args!("{millivolt} mV")).await.map_err(Stop::Port)?;
            }
            Command::Temperature => {
                let t = self.board.temperature().await?;
                self.print(format_args!("{}.{:02} C", t / 100, t.abs() % 100))
                    .await
                    .map_err(Stop::Port)?;
            }
            Command::Duty(channel, permille) => self.board.duty(channel, permille).await?,
            Command::Sweep(channel, from, to, step) => self.sweep(channel, from, to, step).await?,
            Command::Scan => self.scan().await?,
            Command::BusRead(address, len) => {
                let mut buf = [0; MAX_TRANSFER];
                let buf = buf.get_mut(..len).ok_or(Fault::Range)?;
                self.board.bus_read(address, buf).await?;
                self.hex(buf).await.map_err(Stop::Port)?;
            }
            Command::BusWrite(address, bytes) => self.board.bus_write(address, &bytes).await?,
            Command::Register(address, reg, len) => {
                let mut buf = [0; MAX_TRANSFER];
                let buf = buf.get_mut(..len).ok_or(Fault::Range)?;
                self.board.bus_write(address, &[reg]).await?;
                self.board.bus_read(address, buf).await?;
                self.hex(buf).await.map_err(Stop::Port)?;
            }
            Command::Get(key) => match self.board.setting(key).await? {
                Some(value) => self
                    .print(format_args!("{key}: {value} (0x{value:08x})"))
                    .await
                    .map_err(Stop::Port)?,
                None => self.text("not set").await.map_err(Stop::Port)?,
            },
            Command::Set(key, value) => {
                self.board.set_setting(key, value).await?;
                self.text("stored").await.map_err(Stop::Port)?;
            }
            Command::List => {
                for key in 0..16 {
                    if let Some(value) = self.board.setting(key).await? {
                        self.print(format_args!("{key}: {value}")).await.map_err(Stop::Port)?;
                    }
                }
            }
            Command::Erase => {
                self.board.erase_settings().await?;
                self.text("erased").await.map_err(Stop::Port)?;
            }
            Command::Watch(period) => self.watch(period).await?,
            Command::Sleep(time) => Timer::after(time).await,
            Command::Reboot => {
                self.text("bye").await.map_err(Stop::Port)?;
                self.output.flush().await.map_err(Stop::Port)?;
                self.board.reboot().await
            }
        }
        Ok(())
    }

    async fn sweep(
        &mut self,
        channel: u8,
        from: u16,
        to: u16,
        step: u16,
    ) -> Result<(), Stop<W::Error>> {
        if step == 0 || to < from {
            return Err(Fault::Range.into());
        }
        for permille in (from..=to).step_by(step.into()) {
            self.board.duty(channel, permille).await?;
            Timer::after(Duration::from_millis(20)).await;
        }
        self.board.duty(channel, to).await?;
        Ok(())
    }

    async fn scan(&mut self) -> Result<(), Stop<W::Error>> {
        let mut found = 0;
        for address in 0x08..0x78 {
            let mut byte = [0];
            let probe = self.board.bus_read(address, &mut byte);
            if let Ok(Ok(())) = with_timeout(Duration::from_millis(20), probe).await {
                found += 1;
                self.print(format_args!("0x{address:02x}")).await.map_err(Stop::Port)?;
            }
        }
        self.print(format_args!("{found} devices")).await.map_err(Stop::Port)
    }

    /// Prints the analog inputs until a key is pressed.
    async fn watch(&mut self, period: Duration) -> Result<(), Stop<W::Error>> {
        loop {
            let mut line = String::<80>::new();
            for channel in 0..4 {
                match self.board.analog(channel).await {
                    Ok(millivolt) => _ = write!(line, "{millivolt:6} "),
                    Err(Fault::NotPresent) => break,
                    Err(fault) => return Err(fault.into()),
                }
            }
            self.text(&line).await.map_err(Stop::Port)?;
            let mut key = [0];
            match select(Timer::after(period), self.lines.input().read(&mut key)).await {
                Either::First(()) => {}
                Either::Second(_) => return Ok(()),
            }
        }
    }
}
