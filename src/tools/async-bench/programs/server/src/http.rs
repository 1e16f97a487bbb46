//! HTTP/1 on hyper: a store of files behind three layers.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::task::spawn_local;

use crate::answers::{Answers, Map, mix};
use crate::connections::connect;

/// How many files the clients ask for.
const FILES: u32 = 50;

/// What is in a file.
const FILE: &[u8] = &[b'x'; 100];

type Answer = Response<Full<Bytes>>;

/// Why there is no answer.
enum Error {
    Body,
    Missing,
    Denied,
}

#[derive(Default)]
struct State {
    hits: RefCell<Map<String, u64>>,
    files: RefCell<Map<String, Bytes>>,
}

/// Serves clients that come one after the other.
pub async fn run(requests: u32) -> Answers {
    let state = Rc::new(State::default());
    let (checksum, connection) = connect(requests, |io| serve(io, state.clone()), ask).await;
    let hits = state.hits.borrow().values().sum();
    Answers {
        checksum: mix(checksum, hits),
        futures: vec![("connection", connection), ("handler", size_of_output(handle))],
    }
}

/// The bytes of the future that a handler returns.
fn size_of_output<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
    size_of::<F>()
}

async fn serve(io: DuplexStream, state: Rc<State>) -> hyper::Result<()> {
    let service = service_fn(move |request| handle(state.clone(), request));
    Builder::new().auto_date_header(false).serve_connection(TokioIo::new(io), service).await
}

/// The first layer: counts requests, and makes errors responses.
async fn handle(state: Rc<State>, request: Request<Incoming>) -> hyper::Result<Answer> {
    let path = request.uri().path().to_owned();
    let answer = authorize(&state, request).await;
    *state.hits.borrow_mut().entry(path).or_default() += 1;
    Ok(answer.unwrap_or_else(|error| {
        let mut response = Response::default();
        *response.status_mut() = match error {
            Error::Body => StatusCode::BAD_REQUEST,
            Error::Missing => StatusCode::NOT_FOUND,
            Error::Denied => StatusCode::UNAUTHORIZED,
        };
        response
    }))
}

/// The second layer: who asks?
async fn authorize(state: &State, request: Request<Incoming>) -> Result<Answer, Error> {
    match request.headers().get(AUTHORIZATION) {
        Some(value) if value.as_bytes().starts_with(b"Bearer ") => route(state, request).await,
        _ => Err(Error::Denied),
    }
}

/// The third layer: what is asked for?
async fn route(state: &State, request: Request<Incoming>) -> Result<Answer, Error> {
    let path = request.uri().path().to_owned();
    let body = match (request.method(), path.as_str()) {
        (&Method::GET, "/health") => Bytes::from_static(b"ok"),
        (&Method::GET, _) => load(state, &path).await?,
        (&Method::PUT, _) => {
            let body = request.into_body().collect().await.map_err(|_| Error::Body)?;
            save(state, path, body.to_bytes()).await;
            Bytes::from_static(b"saved")
        }
        _ => return Err(Error::Missing),
    };
    Ok(Response::new(Full::new(body)))
}

async fn load(state: &State, path: &str) -> Result<Bytes, Error> {
    state.files.borrow().get(path).cloned().ok_or(Error::Missing)
}

async fn save(state: &State, path: String, file: Bytes) {
    state.files.borrow_mut().insert(path, file);
}

/// The client: sends requests over one connection, and returns the checksum with their answers.
async fn ask(io: DuplexStream, numbers: Range<u32>, mut checksum: u64) -> hyper::Result<u64> {
    let (mut sender, connection) = handshake(TokioIo::new(io)).await?;
    let connection = spawn_local(connection);
    for number in numbers {
        let path = format!("/file/{}", number % FILES);
        let (status, body) = match number % 4 {
            0 => call(&mut sender, Method::PUT, &path, Bytes::from_static(FILE)).await?,
            1 => call(&mut sender, Method::GET, "/health", Bytes::new()).await?,
            _ => call(&mut sender, Method::GET, &path, Bytes::new()).await?,
        };
        checksum = mix(checksum, u64::from(status.as_u16()) << 32 | body.len() as u64);
    }
    drop(sender);
    connection.await.expect("the connection does not panic")?;
    Ok(checksum)
}

async fn call(
    sender: &mut SendRequest<Full<Bytes>>,
    method: Method,
    path: &str,
    body: Bytes,
) -> hyper::Result<(StatusCode, Bytes)> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(AUTHORIZATION, "Bearer token")
        .body(Full::new(body))
        .expect("the request is valid");
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}
