//! An SMTP server (RFC 5321) that does as it is told, good or bad.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Manner {
    Takes,
    /// With this code, at the recipient.
    RefusesRecipients(u16),
    /// With this code, at once.
    RefusesEverybody(u16),
    /// It says nothing at all.
    Hangs,
    /// It takes the message, and ends the connection before it says so.
    CutsAfterData,
    /// It takes the message, and never says so.
    HangsAfterData,
}

/// A message that it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub to: String,
    pub message: String,
}

impl Received {
    /// The value of a header.
    pub fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let found = self
            .message
            .lines()
            .find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_default().to_owned()
    }
}

/// The server.
#[derive(Clone)]
pub struct SmtpServer {
    port: u16,
    manner: Arc<Mutex<Manner>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl SmtpServer {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            manner: Arc::new(Mutex::new(manner)),
            received: Arc::default(),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// What it has, also where it did not say so.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap()
    }

    async fn serve(&self, stream: TcpStream) {
        let (read, write) = stream.into_split();
        // A client that goes away ends the conversation.
        let _ended = self.converse(BufReader::new(read), write).await;
    }

    async fn converse(
        &self,
        read: BufReader<OwnedReadHalf>,
        mut write: OwnedWriteHalf,
    ) -> std::io::Result<()> {
        match self.manner() {
            Manner::Hangs => std::future::pending().await,
            Manner::RefusesEverybody(code) => {
                return write.write_all(format!("{code} no\r\n").as_bytes()).await;
            }
            _ => write.write_all(b"220 test\r\n").await?,
        }
        let mut lines = read.lines();
        let mut to = String::new();
        while let Some(line) = lines.next_line().await? {
            let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" | "MAIL" | "NOOP" | "RSET" => "250 fine".to_owned(),
                "RCPT" => {
                    to = line.trim_start_matches("RCPT TO:").to_owned();
                    match self.manner() {
                        // As real ones do, it repeats the address.
                        Manner::RefusesRecipients(code) => format!("{code} not {to}"),
                        _ => "250 fine".to_owned(),
                    }
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut message = String::new();
                    while let Some(line) = lines.next_line().await?
                        && line != "."
                    {
                        message.push_str(&line);
                        message.push('\n');
                    }
                    let to = to.trim_matches(['<', '>']).to_owned();
                    self.received.lock().unwrap().push(Received { to, message });
                    match self.manner() {
                        Manner::CutsAfterData => return Ok(()),
                        Manner::HangsAfterData => std::future::pending().await,
                        _ => "250 taken".to_owned(),
                    }
                }
                "QUIT" => return write.write_all(b"221 bye\r\n").await,
                _ => "500 what?".to_owned(),
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}
