//! A small HTTP/1.1 server for status pages and settings.

use core::fmt::{self, Write as _};

use embedded_io_async::{Read, Write};
use heapless::{String, Vec};

const MAX_HEAD: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Put,
    Post,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    Ok = 200,
    BadRequest = 400,
    NotFound = 404,
    MethodNotAllowed = 405,
    TooLarge = 413,
    Internal = 500,
}

impl Status {
    fn reason(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::BadRequest => "Bad Request",
            Status::NotFound => "Not Found",
            Status::MethodNotAllowed => "Method Not Allowed",
            Status::TooLarge => "Content Too Large",
            Status::Internal => "Internal Server Error",
        }
    }
}

/// A request whose head and body arrived in full.
pub struct Request<'a> {
    pub method: Method,
    pub path: &'a str,
    pub query: &'a str,
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The value of a parameter in the query string.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(n, _)| *n == name))
            .map(|(_, value)| value)
    }
}

/// The answer under construction; the head goes out with the first chunk of the body.
pub struct Response<'a, C> {
    connection: &'a mut C,
    started: bool,
}

impl<C: Read + Write> Response<'_, C> {
    async fn head(&mut self, status: Status, kind: &str) -> Result<(), C::Error> {
        let mut head = String::<160>::new();
        let _ = write!(
            head,
            "HTTP/1.1 {} {}\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n",
            status as u16,
            status.reason(),
        );
        self.started = true;
        self.connection.write_all(head.as_bytes()).await
    }

    /// Starts a page of type `kind`.
    pub async fn begin(&mut self, kind: &str) -> Result<(), C::Error> {
        self.head(Status::Ok, kind).await
    }

    /// An answer without a page.
    pub async fn status(&mut self, status: Status) -> Result<(), C::Error> {
        self.head(status, "text/plain").await?;
        self.text(status.reason()).await
    }

    pub async fn text(&mut self, text: &str) -> Result<(), C::Error> {
        if text.is_empty() {
            return Ok(());
        }
        let mut size = String::<8>::new();
        let _ = write!(size, "{:x}\r\n", text.len());
        self.connection.write_all(size.as_bytes()).await?;
        self.connection.write_all(text.as_bytes()).await?;
        self.connection.write_all(b"\r\n").await
    }

    /// Formats up to 128 characters.
    pub async fn print(&mut self, args: fmt::Arguments<'_>) -> Result<(), C::Error> {
        let mut text = String::<128>::new();
        let _ = text.write_fmt(args);
        self.text(&text).await
    }

    async fn end(&mut self) -> Result<(), C::Error> {
        if !self.started {
            self.status(Status::Internal).await?;
        }
        self.connection.write_all(b"0\r\n\r\n").await?;
        self.connection.flush().await
    }
}

/// The pages.
pub trait Site {
    async fn serve<C: Read + Write>(
        &mut self,
        request: &Request<'_>,
        response: &mut Response<'_, C>,
    ) -> Result<(), C::Error>;
}

/// Serves requests on one connection until the peer closes it or breaks the protocol.
pub async fn serve<C: Read + Write>(
    connection: &mut C,
    site: &mut impl Site,
) -> Result<(), C::Error> {
    let mut buf = Vec::<u8, MAX_HEAD>::new();
    loop {
        let mut refusal = None;
        let head_end = loop {
            if let Some(i) = buf.windows(4).position(|w| w == b"\r\n\r\n") {
                break i + 4;
            }
            match fill(connection, &mut buf).await? {
                Fill::More => {}
                Fill::Closed => return Ok(()),
                Fill::Full => {
                    refusal = Some(Status::TooLarge);
                    break 0;
                }
            }
        };
        let mut total = head_end;
        if refusal.is_none() {
            match core::str::from_utf8(&buf[..head_end]).ok().map(content_length) {
                Some(length) if head_end + length <= MAX_HEAD => total += length,
                Some(_) => refusal = Some(Status::TooLarge),
                None => refusal = Some(Status::BadRequest),
            }
        }
        while refusal.is_none() && buf.len() < total {
            match fill(connection, &mut buf).await? {
                Fill::More => {}
                Fill::Closed => return Ok(()),
                Fill::Full => refusal = Some(Status::TooLarge),
            }
        }
        let mut response = Response { connection, started: false };
        if let Some(status) = refusal {
            response.status(status).await?;
            return response.end().await;
        }
        let Some(request) = parse(&buf[..head_end], &buf[head_end..total]) else {
            response.status(Status::BadRequest).await?;
            return response.end().await;
        };
        site.serve(&request, &mut response).await?;
        response.end().await?;
        let rest = buf.len() - total;
        buf.copy_within(total.., 0);
        buf.truncate(rest);
    }
}

enum Fill {
    More,
    Closed,
    Full,
}

async fn fill<C: Read>(connection: &mut C, buf: &mut Vec<u8, MAX_HEAD>) -> Result<Fill, C::Error> {
    let room = (MAX_HEAD - buf.len()).min(64);
    if room == 0 {
        return Ok(Fill::Full);
    }
    let mut chunk = [0; 64];
    let n = connection.read(&mut chunk[..room]).await?;
    let _ = buf.extend_from_slice(&chunk[..n]);
    Ok(if n == 0 { Fill::Closed } else { Fill::More })
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

fn parse<'a>(head: &'a [u8], body: &'a [u8]) -> Option<Request<'a>> {
    let line = core::str::from_utf8(head).ok()?.lines().next()?;
    let mut words = line.split(' ');
    let method = match words.next()? {
        "GET" => Method::Get,
        "PUT" => Method::Put,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        _ => return None,
    };
    let target = words.next()?;
    if !words.next()?.starts_with("HTTP/1.") {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request { method, path, query, body })
}
