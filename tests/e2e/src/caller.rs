//! A gRPC-Web client without a browser. Each call has a connection of its own.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Server;

/// A gRPC-Web call over HTTP/1.1. Dropping it closes the connection, which cancels the call.
pub struct Caller(TcpStream);

impl Caller {
    /// Calls `path` with `message`, without waiting for the response.
    pub async fn call(server: &Server, path: &str, message: &[u8]) -> Result<Self> {
        let url = server.url("");
        let address = url.strip_prefix("http://").context("a caller does not support TLS")?;
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

    /// Opens an endless stream of greetings for `name`.
    pub async fn greetings(server: &Server, name: &str) -> Result<Self> {
        let message = [&[0x0a, u8::try_from(name.len())?], name.as_bytes()].concat();
        Self::call(server, crate::GREETINGS, &message).await
    }

    /// Reads the response until it contains `text`, and returns what was read.
    pub async fn read_until(&mut self, text: &str) -> Result<String> {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(text) {
            ensure!(self.0.read_buf(&mut read).await? > 0, "the response ended without {text:?}");
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    }
}
