//! As much of HTTP/1.1 as a client needs that speaks to our own program: one kept connection, answers with a length.

use anyhow::{Context, ensure};
use memchr::memmem;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("the program does not answer")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::with_capacity(16 * 1024) })
    }

    pub async fn post(&mut self, path: &str, token: Option<&str>, json: &str) -> anyhow::Result<Answer> {
        let length = format!("content-type: application/json\r\ncontent-length: {}\r\n", json.len());
        self.exchange(&format!("POST {path} HTTP/1.1\r\nhost: bench\r\n{}{length}\r\n{json}", authorization(token))).await
    }

    pub async fn get(&mut self, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{}\r\n", authorization(token))).await
    }

    async fn exchange(&mut self, request: &str) -> anyhow::Result<Answer> {
        self.stream.write_all(request.as_bytes()).await?;
        let head_end = loop {
            if let Some(end) = memmem::find(&self.input, END_OF_HEAD) {
                break end + END_OF_HEAD.len();
            }
            self.fill().await?;
        };
        let head = std::str::from_utf8(&self.input[..head_end])?;
        let status = head.get(9..12).context("an answer begins with a status line")?.parse()?;
        let length = content_length(head).context("an answer has a length")?;
        while self.input.len() < head_end + length {
            self.fill().await?;
        }
        let rest = self.input.split_off(head_end + length);
        let body = std::mem::replace(&mut self.input, rest).split_off(head_end);
        Ok(Answer { status, body })
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.input).await? > 0, "the program hung up");
        Ok(())
    }
}

fn authorization(token: Option<&str>) -> String {
    token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default()
}

fn content_length(head: &str) -> Option<usize> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).find_map(|(_, value)| value.trim().parse().ok())
}
