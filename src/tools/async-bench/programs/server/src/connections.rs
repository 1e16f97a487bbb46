//! Connections between a server and its clients, which come one after the other.

use std::fmt::Debug;
use std::ops::Range;

use tokio::io::{DuplexStream, duplex};
use tokio::task::spawn_local;

/// How many requests go over a connection.
const REQUESTS: u32 = 100;

/// How many bytes a connection holds in each direction.
const CAPACITY: usize = 16 * 1024;

/// Has clients `ask` for so many requests, and a task `serve` each of them. Returns the checksum
/// that they came to, and the bytes of the server's future for a connection.
///
/// A client gets the numbers of its requests and the checksum of those before, and returns a new
/// one.
pub async fn connect<S, C, E>(
    requests: u32,
    serve: impl Fn(DuplexStream) -> S,
    ask: impl Fn(DuplexStream, Range<u32>, u64) -> C,
) -> (u64, usize)
where
    S: Future<Output = Result<(), E>> + 'static,
    C: Future<Output = Result<u64, E>>,
    E: Debug + 'static,
{
    let mut checksum = 0;
    for first in (0..requests).step_by(REQUESTS as usize) {
        let (server, client) = duplex(CAPACITY);
        let server = spawn_local(serve(server));
        let numbers = first..requests.min(first + REQUESTS);
        checksum = ask(client, numbers, checksum).await.expect("the server answers");
        server.await.expect("the server does not panic").expect("the client is well");
    }
    (checksum, size_of::<S>())
}
