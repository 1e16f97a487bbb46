//! Code shared by the firmware of all chips.
//!
//! * [`regs`] and the device drivers on top of it ([`bme280`], [`lis3dh`], [`ina219`], [`sht3x`],
//!   [`ssd1306`], [`w25q`]) only know the traits of `embedded-hal-async`.
//! * [`sensor`] is the layer between a driver and the application: retries, filters, averages.
//! * [`slip`], [`link`] and [`update`] are the layers of the firmware update protocol.
//! * [`modbus`] holds a Modbus RTU server and a client.
//! * [`shell`] is the command line, [`http`] the status page, [`control`] the motor loop.

#![no_std]
#![allow(async_fn_in_trait)]

pub mod bme280;
pub mod control;
pub mod crc;
pub mod http;
pub mod ina219;
pub mod line;
pub mod link;
pub mod lis3dh;
pub mod modbus;
pub mod regs;
pub mod sensor;
pub mod shell;
pub mod sht3x;
pub mod slip;
pub mod ssd1306;
pub mod update;
pub mod w25q;
