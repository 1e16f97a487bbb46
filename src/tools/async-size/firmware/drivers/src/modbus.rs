//! Modbus RTU: a server for our own registers, and a client that polls other devices.

pub mod client;
pub mod rtu;
mod server;

pub use client::Client;
pub use rtu::Port;
pub use server::{Registers, Server};

/// The exception codes of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exception {
    IllegalFunction = 1,
    IllegalAddress = 2,
    IllegalValue = 3,
    DeviceFailure = 4,
    Busy = 6,
}

impl Exception {
    fn from_code(code: u8) -> Self {
        match code {
            1 => Exception::IllegalFunction,
            2 => Exception::IllegalAddress,
            3 => Exception::IllegalValue,
            6 => Exception::Busy,
            _ => Exception::DeviceFailure,
        }
    }
}

mod function {
    pub const READ_COILS: u8 = 1;
    pub const READ_INPUTS: u8 = 2;
    pub const READ_HOLDING: u8 = 3;
    pub const READ_INPUT_REGISTERS: u8 = 4;
    pub const WRITE_COIL: u8 = 5;
    pub const WRITE_REGISTER: u8 = 6;
    pub const DIAGNOSTICS: u8 = 8;
    pub const WRITE_COILS: u8 = 15;
    pub const WRITE_REGISTERS: u8 = 16;
    pub const MASK_WRITE: u8 = 22;
    pub const READ_WRITE: u8 = 23;
}
