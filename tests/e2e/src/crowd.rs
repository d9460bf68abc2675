//! Callers that are no browser: as many as a test wants, each with a connection of its own.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Server;

/// A gRPC-Web call over HTTP/1.1 that was sent. Dropping it closes its connection, which leaves the call.
pub struct Caller(TcpStream);

impl Caller {
    /// Calls `path` with `message`, and does not wait for the answer.
    pub async fn call(server: &Server, path: &str, message: &[u8]) -> Result<Self> {
        let url = server.url("");
        let address = url.strip_prefix("http://").context("a caller does not speak TLS")?;
        let mut socket = TcpStream::connect(address).await?;
        let length = u32::try_from(message.len())?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: {}\r\n\r\n",
            5 + length
        );
        let frame = [&[0][..], &length.to_be_bytes(), message].concat();
        socket.write_all(&[head.as_bytes(), &frame].concat()).await?;
        Ok(Self(socket))
    }

    /// Calls for greetings of `name`, which go on as long as this lives.
    pub async fn greetings(server: &Server, name: &str) -> Result<Self> {
        let message = [&[0x0a, u8::try_from(name.len())?], name.as_bytes()].concat();
        Self::call(server, crate::GREETINGS, &message).await
    }

    /// Reads on until `words` have come, and returns all that has.
    pub async fn read_until(&mut self, words: &str) -> Result<String> {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(words) {
            ensure!(self.0.read_buf(&mut read).await? > 0, "the answer ended without {words:?}");
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    }
}
