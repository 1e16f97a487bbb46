//! What binaries for this board have in common.

/// The UART that the board's debugger is connected to, with buffers.
macro_rules! board_uart {
    ($peripherals:ident, $config:expr, $rx:expr, $tx:expr) => {
        BufferedUarte::new(
            $peripherals.UARTE0,
            $peripherals.TIMER0,
            $peripherals.PPI_CH0,
            $peripherals.PPI_CH1,
            $peripherals.PPI_GROUP0,
            $peripherals.P0_08,
            $peripherals.P0_06,
            Irqs,
            $config,
            $rx,
            $tx,
        )
    };
}
