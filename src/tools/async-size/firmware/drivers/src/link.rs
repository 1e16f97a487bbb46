//! A reliable, ordered stream of messages over packets that may get lost.
//!
//! Every data packet carries a sequence number and is repeated until its acknowledgement comes
//! (stop and wait). The first byte of a packet is its kind, the second one the sequence number.

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_io_async::{Read, Write};
use heapless::Vec;

use crate::slip::{self, SlipReader, SlipWriter};

const DATA: u8 = b'D';
const ACK: u8 = b'A';
const NAK: u8 = b'N';
const RESET: u8 = b'R';
const RESET_ACK: u8 = b'r';

/// The largest message.
pub const MAX_MESSAGE: usize = 260;
const MAX_PACKET: usize = MAX_MESSAGE + 4;

pub type Message = Vec<u8, MAX_MESSAGE>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<R, W> {
    Read(slip::Error<R>),
    Write(W),
    /// The peer did not acknowledge, however often the packet was repeated.
    NoAnswer,
    /// The peer started over; messages may have got lost.
    Reset,
    /// Silence for longer than the keep-alive time.
    Idle,
}

#[derive(Clone, Copy)]
pub struct Config {
    pub ack_timeout: Duration,
    pub attempts: u8,
    pub keep_alive: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_millis(150),
            attempts: 5,
            keep_alive: Duration::from_secs(10),
        }
    }
}

/// What a packet from the peer means for us.
enum Event {
    Message(Message),
    Acknowledged(u8),
    Rejected(u8),
    Reset,
    ResetDone,
}

pub struct Link<R, W> {
    reader: SlipReader<R, MAX_PACKET>,
    writer: SlipWriter<W>,
    config: Config,
    next_out: u8,
    next_in: u8,
    /// A message that came while we waited for an acknowledgement.
    stash: Option<Message>,
}

impl<R: Read, W: Write> Link<R, W> {
    pub fn new(input: R, output: W, config: Config) -> Self {
        Self {
            reader: SlipReader::new(input),
            writer: SlipWriter::new(output),
            config,
            next_out: 0,
            next_in: 0,
            stash: None,
        }
    }

    async fn control(&mut self, kind: u8, seq: u8) -> Result<(), Error<R::Error, W::Error>> {
        self.writer.send(&[&[kind, seq]]).await.map_err(Error::Write)
    }

    /// Waits for the next packet that matters, and answers those that do not.
    async fn event(&mut self) -> Result<Event, Error<R::Error, W::Error>> {
        loop {
            let packet = self.reader.next().await.map_err(Error::Read)?;
            let [kind, seq, ref payload @ ..] = *packet else {
                continue;
            };
            match kind {
                DATA if seq == self.next_in => {
                    let Ok(message) = Message::from_slice(payload) else {
                        self.control(NAK, seq).await?;
                        continue;
                    };
                    self.control(ACK, seq).await?;
                    self.next_in = seq.wrapping_add(1);
                    return Ok(Event::Message(message));
                }
                // Our acknowledgement got lost.
                DATA if seq.wrapping_add(1) == self.next_in => self.control(ACK, seq).await?,
                DATA => self.control(NAK, self.next_in).await?,
                ACK => return Ok(Event::Acknowledged(seq)),
                NAK => return Ok(Event::Rejected(seq)),
                RESET => {
                    self.next_in = 0;
                    self.next_out = 0;
                    self.stash = None;
                    self.control(RESET_ACK, 0).await?;
                    return Ok(Event::Reset);
                }
                RESET_ACK => return Ok(Event::ResetDone),
                _ => {}
            }
        }
    }

    /// Starts the connection over, from our side.
    pub async fn reset(&mut self) -> Result<(), Error<R::Error, W::Error>> {
        for _ in 0..self.config.attempts {
            self.control(RESET, 0).await?;
            let deadline = Instant::now() + self.config.ack_timeout;
            loop {
                match select(self.event(), Timer::at(deadline)).await {
                    Either::First(Ok(Event::ResetDone | Event::Reset)) => {
                        self.next_in = 0;
                        self.next_out = 0;
                        self.stash = None;
                        return Ok(());
                    }
                    Either::First(Ok(_)) => {}
                    Either::First(Err(e)) => return Err(e),
                    Either::Second(()) => break,
                }
            }
        }
        Err(Error::NoAnswer)
    }

    /// Sends a message and waits until the peer has it.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), Error<R::Error, W::Error>> {
        let seq = self.next_out;
        let mut timeout = self.config.ack_timeout;
        for _ in 0..self.config.attempts {
            self.writer.send(&[&[DATA, seq], message]).await.map_err(Error::Write)?;
            let deadline = Instant::now() + timeout;
            loop {
                match select(self.event(), Timer::at(deadline)).await {
                    Either::First(Ok(Event::Acknowledged(acked))) if acked == seq => {
                        self.next_out = seq.wrapping_add(1);
                        return Ok(());
                    }
                    Either::First(Ok(Event::Rejected(wanted))) if wanted == seq => break,
                    Either::First(Ok(Event::Message(message))) => self.stash = Some(message),
                    Either::First(Ok(Event::Reset)) => return Err(Error::Reset),
                    Either::First(Ok(_)) => {}
                    Either::First(Err(e)) => return Err(e),
                    Either::Second(()) => break,
                }
            }
            timeout += self.config.ack_timeout;
        }
        Err(Error::NoAnswer)
    }

    /// The next message.
    pub async fn receive(&mut self) -> Result<Message, Error<R::Error, W::Error>> {
        if let Some(message) = self.stash.take() {
            return Ok(message);
        }
        let deadline = self.config.keep_alive;
        let wait = async {
            loop {
                match self.event().await? {
                    Event::Message(message) => return Ok(message),
                    Event::Reset => return Err(Error::Reset),
                    _ => {}
                }
            }
        };
        match with_timeout(deadline, wait).await {
            Ok(result) => result,
            Err(_) => Err(Error::Idle),
        }
    }
}
