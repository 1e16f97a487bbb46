//! A key-value server: lines of text, a deep chain of calls, and a log that is written first.

use std::io;
use std::ops::Range;
use std::rc::Rc;

use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, BufWriter, DuplexStream, ReadHalf,
    WriteHalf, split,
};
use tokio::sync::Mutex;

use crate::answers::{Answers, Map, mix};
use crate::connections::connect;

#[derive(Default)]
struct Store {
    values: Mutex<Map<String, String>>,
    /// The last entry only: what is measured is not memory that grows.
    log: Mutex<Vec<u8>>,
}

/// One end of a connection.
struct Connection {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: BufWriter<WriteHalf<DuplexStream>>,
    /// The last line that was read.
    line: String,
}

impl Connection {
    fn new(io: DuplexStream) -> Self {
        let (reader, writer) = split(io);
        let (reader, writer) = (BufReader::new(reader), BufWriter::new(writer));
        Connection { reader, writer, line: String::new() }
    }
}

/// Serves clients that come one after the other.
pub async fn run(requests: u32) -> Answers {
    let store = Rc::new(Store::default());
    let (checksum, connection) = connect(requests, |io| serve(store.clone(), io), ask).await;
    let values = store.values.lock().await.len() as u64;
    Answers { checksum: mix(checksum, values), futures: vec![("connection", connection)] }
}

async fn serve(store: Rc<Store>, io: DuplexStream) -> io::Result<()> {
    let mut connection = Connection::new(io);
    while read_line(&mut connection).await? {
        answer(&store, &mut connection).await?;
    }
    Ok(())
}

/// Reads a line. There is none at the end of the connection.
async fn read_line(connection: &mut Connection) -> io::Result<bool> {
    connection.line.clear();
    Ok(connection.reader.read_line(&mut connection.line).await? > 0)
}

async fn answer(store: &Store, connection: &mut Connection) -> io::Result<()> {
    match execute(store, connection.line.trim_end()).await {
        Ok(Some(text)) => reply(connection, "+", &text).await,
        Ok(None) => reply(connection, "-", "nil").await,
        Err(error) => reply(connection, "!", &error.to_string()).await,
    }
}

async fn reply(connection: &mut Connection, kind: &str, text: &str) -> io::Result<()> {
    connection.writer.write_all(kind.as_bytes()).await?;
    connection.writer.write_all(text.as_bytes()).await?;
    connection.writer.write_all(b"\n").await?;
    connection.writer.flush().await
}

async fn execute(store: &Store, line: &str) -> io::Result<Option<String>> {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(key), None) => Ok(lookup(store, key).await),
        (Some("SET"), Some(key), Some(value)) => set(store, key, value).await,
        (Some("INCR"), Some(key), None) => increment(store, key).await,
        _ => Err(io::Error::other("syntax")),
    }
}

async fn set(store: &Store, key: &str, value: &str) -> io::Result<Option<String>> {
    insert(store, key, value.to_owned()).await?;
    Ok(Some("OK".to_owned()))
}

async fn increment(store: &Store, key: &str) -> io::Result<Option<String>> {
    let old: u64 = match lookup(store, key).await {
        Some(text) => text.parse().map_err(|_| io::Error::other("no number"))?,
        None => 0,
    };
    let new = (old + 1).to_string();
    insert(store, key, new.clone()).await?;
    Ok(Some(new))
}

async fn lookup(store: &Store, key: &str) -> Option<String> {
    store.values.lock().await.get(key).cloned()
}

async fn insert(store: &Store, key: &str, value: String) -> io::Result<()> {
    append(store, key, &value).await?;
    store.values.lock().await.insert(key.to_owned(), value);
    Ok(())
}

/// Writes to the log, which never waits; but it is a writer as others are.
async fn append(store: &Store, key: &str, value: &str) -> io::Result<()> {
    let mut log = store.log.lock().await;
    log.clear();
    log.write_all(key.as_bytes()).await?;
    log.write_all(value.as_bytes()).await
}

/// The client: sends requests over one connection, and returns the checksum with their answers.
async fn ask(io: DuplexStream, numbers: Range<u32>, mut checksum: u64) -> io::Result<u64> {
    let mut connection = Connection::new(io);
    for number in numbers {
        let line = match number % 4 {
            0 => format!("SET key{} value{}\n", number % 64, number % 1000),
            1 => format!("INCR number{}\n", number % 16),
            _ => format!("GET key{}\n", number % 64),
        };
        connection.writer.write_all(line.as_bytes()).await?;
        connection.writer.flush().await?;
        read_line(&mut connection).await?;
        checksum = connection.line.bytes().fold(checksum, |sum, byte| mix(sum, byte.into()));
    }
    Ok(checksum)
}
